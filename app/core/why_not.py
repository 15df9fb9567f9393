"""`why_not`: why a principal has no access, or none on one resource, as far as directory and policy tell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from app.core.desired import Desired
from app.core.directory import Directory, PushedGroup, PushedPerson
from app.core.effective import covers
from app.core.identity import Grant, Kind, Principal
from app.core.policy import Policy, Recipient, Rule


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What decides over access: everything that was pushed, the policy, and what is desired by them."""

    directory: Directory
    policy: Policy
    desired: Desired


def is_on(grant: Grant, resource: str) -> bool:
    """Tell whether a grant reaches a workspace or scope: one on all workspaces, or as admin, reaches each."""
    return not grant.target.name or grant.target.name.casefold() == resource.casefold()


def why_not(principal: Principal, resource: str | None, of: Circumstances) -> list[str]:
    """Return the reasons why nothing is desired for a principal, on a resource or at all; the first weighs most."""
    person, group = of.directory.people.get(principal.id), of.directory.groups.get(principal.id)
    absent = list(_why_absent(principal, person, group, of))
    if principal not in of.desired.state.profiles and absent:
        return absent
    groups = _groups_of(principal, of)
    return [*absent, *_idle_groups(groups, of), *_rules_elsewhere(principal, resource, groups, of)]


def overshadowed(principal: Principal, resource: str | None, of: Circumstances) -> list[str]:
    """Return a sentence for each grant that is wanted, and contained in a greater one of the same holder."""
    holders = [principal, *(group.principal for group in _groups_of(principal, of))]
    found = []
    for (holder, grant), why in sorted(of.desired.reasons.items()):
        held = of.desired.state.grants_of(holder)
        if holder in holders and grant not in held and (resource is None or is_on(grant, resource)):
            greater = next((str(other) for other in sorted(held) if covers(other, grant)), "a greater role")
            found.append(f"{grant}, wanted by {' and '.join(why)}, is contained in {greater}")
    return found


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
        yield "no push and no policy knows it"
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
    principal: Principal, resource: str | None, groups: list[PushedGroup], of: Circumstances
) -> Iterator[str]:
    """Say to whom the rules grant what is asked for; without a resource, only whether any rule speaks of it."""
    if resource is None:
        yield "no rule of the policy names it or selects it" + (", and it is in no group" if not groups else "")
        return
    rules = [rule for rule in of.policy.grants if any(is_on(grant, resource) for grant in rule.grants)]
    for rule in rules:
        if miss := _miss(rule, principal, groups, of):
            given = ", ".join(str(grant) for grant in sorted(rule.grants) if is_on(grant, resource))
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
