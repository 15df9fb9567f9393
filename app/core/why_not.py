"""`why_not`: why a principal has no access, or none on one resource, as far as directory and policy tell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from app.core.desired import Desired
from app.core.directory import Directory, PushedGroup, PushedPerson
from app.core.effective import covers, reaches
from app.core.identity import ADMIN, Grant, Kind, Level, Principal, Target
from app.core.policy import Policy, Recipient, Rule


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What decides over access: everything that was pushed, the policy, and what is desired by them."""

    directory: Directory
    policy: Policy
    desired: Desired
    fates: Mapping[str, str] = field(default_factory=dict)  # what is known of those whom nobody pushes, by id


@dataclass(frozen=True, slots=True)
class Resource:
    """What is asked for: a name, and the workspace or the secret scope, or both, that are known to have it."""

    name: str
    targets: frozenset[Target]

    def __str__(self) -> str:
        return " and ".join(str(target) for target in sorted(self.targets)) or self.name

    def is_reached_by(self, grant: Grant) -> bool:
        """Tell whether a grant gives a role on it."""
        return any(reaches(grant, target) for target in self.targets)


def why_not(principal: Principal, resource: Resource | None, of: Circumstances) -> list[str]:
    """Return the reasons why nothing is desired for a principal, on a resource or at all; the first weighs most."""
    if resource is not None and not resource.targets:
        return [_unknown(principal, resource, of)]
    person, group = of.directory.people.get(principal.id), of.directory.groups.get(principal.id)
    absent = list(_why_absent(principal, person, group, of))
    if principal not in of.desired.state.profiles and absent:
        return absent
    groups = _groups_of(principal, of)
    as_admin = _as_admin(principal, resource, groups, of)
    return [*absent, *as_admin, *_idle_groups(groups, of), *_rules_elsewhere(principal, resource, groups, of)]


def overshadowed(principal: Principal, resource: Resource | None, of: Circumstances) -> list[str]:
    """Return a sentence for each grant that is wanted, and contained in a greater one of the same holder."""
    holders = [principal, *(group.principal for group in _groups_of(principal, of))]
    found = []
    for (holder, grant), why in sorted(of.desired.reasons.items()):
        held = of.desired.state.grants_of(holder)
        if holder in holders and grant not in held and (resource is None or resource.is_reached_by(grant)):
            greater = next((str(other) for other in sorted(held) if covers(other, grant)), "a greater role")
            found.append(f"{grant}, wanted by {' and '.join(why)}, is contained in {greater}")
    return found


# ---------------------------------------------------------------- what is asked for


def _unknown(principal: Principal, resource: Resource, of: Circumstances) -> str:
    """Say that nothing is known by this name; it may be a workspace all the same, on which nobody has a role."""
    said = f"no workspace or secret scope called {resource.name} is known: neither to the policy, nor in Tecton"
    everywhere = [g for g in _held(principal, _groups_of(principal, of), of) if g.target.level is Level.ALL_WORKSPACES]
    roles = ", ".join(str(grant) for grant in everywhere)
    return f"{said}; were it a workspace, {roles} would reach it" if roles else said


def _as_admin(
    principal: Principal, resource: Resource | None, groups: list[PushedGroup], of: Circumstances
) -> Iterator[str]:
    """Say what an admin, who holds no role on a resource, can do all the same."""
    if resource is not None and ADMIN in _held(principal, groups, of):
        yield f"{ADMIN} is no role on {resource}, but it can assign each role on it, to itself as well"


def _held(principal: Principal, groups: Iterable[PushedGroup], of: Circumstances) -> list[Grant]:
    holders = [principal, *(group.principal for group in groups)]
    return sorted(set().union(*(of.desired.state.grants_of(holder) for holder in holders)))


# ---------------------------------------------------------------- not there at all


def _why_absent(
    principal: Principal, person: PushedPerson | None, group: PushedGroup | None, of: Circumstances
) -> Iterator[str]:
    yield from (p.message for p in of.desired.problems if p.principal == principal and p.message)
    if principal.kind is Kind.WORKSPACE or principal in of.desired.state.profiles:
        if person and person.deactivated_at:
            yield f"it was deactivated by the identity provider {_on(person.deactivated_at)}, and waits to be deleted"
        return
    if person is None and group is None:
        fate = of.fates.get(principal.id)
        yield f"it {fate}" if fate else "no push and no policy knows it"
    elif person and person.deactivated_at:
        yield f"it was deactivated by the identity provider {_on(person.deactivated_at)}"
    elif person and not person.provisioned:
        yield f"the policy provisions users where {of.policy.provision.users.text}, and that does not select it"
    elif group and not group.provisioned and of.policy.provision.groups:
        yield f"the policy provisions groups where {of.policy.provision.groups.text}, and that does not select it"


def _on(time: datetime) -> str:
    return f"on {time:%Y-%m-%d at %H:%M} UTC"


# ---------------------------------------------------------------- there, and without access


def _groups_of(principal: Principal, of: Circumstances) -> list[PushedGroup]:
    """Return the groups that a principal is in: pushed members, and accounts that the policy puts there."""
    declared = next((a for a in of.policy.service_accounts if f"policy/{a.name}" == principal.id), None)
    named = {name.casefold() for name in declared.groups} if declared else set()
    groups = sorted(of.directory.groups.values(), key=lambda group: group.pushed_name)
    return [g for g in groups if principal.id in g.members or g.pushed_name.casefold() in named]


def _idle_groups(groups: Iterable[PushedGroup], of: Circumstances) -> Iterator[str]:
    for group in groups:
        if not group.provisioned:
            yield f"it is in the pushed group {group.pushed_name}, which the policy does not provision"
        elif not of.desired.state.grants_of(group.principal):
            yield f"it is in the group {group.pushed_name}, to which nothing is granted"


def _rules_elsewhere(
    principal: Principal, resource: Resource | None, groups: list[PushedGroup], of: Circumstances
) -> Iterator[str]:
    """Say to whom the rules grant what is asked for; without a resource, only whether any rule speaks of it."""
    if resource is None:
        yield "no rule of the policy names it or selects it" + (", and it is in no group" if not groups else "")
        return
    rules = [rule for rule in of.policy.grants if any(resource.is_reached_by(grant) for grant in rule.grants)]
    for rule in rules:
        if miss := _miss(rule, principal, groups, of):
            given = ", ".join(str(grant) for grant in sorted(rule.grants) if resource.is_reached_by(grant))
            yield f"policy rule {rule.name!r} gives {given} to {rule.to}, {miss}"
    if not rules:
        yield f"no rule of the policy gives a role on {resource}"


def _miss(rule: Rule, principal: Principal, groups: list[PushedGroup], of: Circumstances) -> str:
    """Return why a rule does not reach a principal; nothing when it does."""
    to, name = rule.to, _pushed_name(principal, of)
    if to.where is not None:
        person = of.directory.people.get(principal.id)
        reached = person is not None and of.policy.grants.index(rule) in person.rules
        return "" if reached else "which does not select it"
    if to.group is not None:
        return _miss_of_group(to.group, principal, name, groups, of)
    return "" if name.casefold() == _named(to).casefold() else "and it is called otherwise"


def _miss_of_group(wanted: str, principal: Principal, name: str, groups: list[PushedGroup], of: Circumstances) -> str:
    key = wanted.casefold()
    pushed = next((g for g in of.directory.groups.values() if g.pushed_name.casefold() == key), None)
    if pushed is None:
        return "a name under which no group was pushed"
    if pushed.principal == principal or pushed in groups:
        return "" if pushed.provisioned else "which the policy does not provision"
    return "and it is not in that group" if principal.kind is not Kind.GROUP else "which is another group"


def _named(to: Recipient) -> str:
    return to.user or to.service_account or to.workspace or ""


def _pushed_name(principal: Principal, of: Circumstances) -> str:
    pushed = of.directory.people.get(principal.id) or of.directory.groups.get(principal.id)
    return pushed.pushed_name if pushed else principal.id.removeprefix("policy/")
