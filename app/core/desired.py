"""`desired_access`: what Tecton should hold, from the directory and the policy alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from app.core.access import AccessState, GroupProfile, Profile, ServiceAccountProfile, access_state
from app.core.directory import Directory, PushedGroup, PushedPerson
from app.core.identity import DECLARED, Grant, Kind, Principal, without_contained
from app.core.policy import Policy, Recipient
from app.core.policy_accounts import DeclaredServiceAccount

PUSHED_ROLE = "a role pushed by the identity provider"

Source = tuple[Principal, Grant]
Accounts = Mapping[Principal, DeclaredServiceAccount]
ProfileOf = Callable[[Principal], Profile | None]


def nobody(_: Principal) -> None:
    """Say of everybody that Tecton does not hold them."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something desired that cannot be sent to Tecton, in words a person acts on."""

    principal: Principal
    name: str
    message: str


@dataclass(frozen=True, slots=True)
class Desired:
    """The desired state, why each grant is in it, and what could not be made of it."""

    state: AccessState = field(default_factory=AccessState)
    reasons: Mapping[Source, tuple[str, ...]] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


def desired_access(directory: Directory, policy: Policy, now: datetime, held: ProfileOf = nobody) -> Desired:
    """Return what Tecton should hold.

    A person is desired while the policy provisions it, and, without any access, through the grace
    after a deactivation. A group holds those of its members that are desired with access. `held` returns
    the profile of a principal in Tecton, None for one that is not there.
    """
    accounts = declared_accounts(policy)
    known = (_as_held(person, held) for person in directory.people.values())
    people = {p.resource_id: p for p in known if _is_desired(p, policy, now)}
    groups = {group.principal: group for group in directory.groups.values() if group.provisioned}
    profiles, clashes = _one_per_name(_profiles(people.values(), groups.values(), accounts, policy), held)
    people = {id_: person for id_, person in people.items() if person.provisioned and person.principal in profiles}
    groups = {principal: group for principal, group in groups.items() if principal in profiles}
    reasons = _reasons(people, groups, accounts, policy)
    return Desired(
        state=access_state(profiles, _members(people, groups, accounts), _grants(reasons)),
        reasons={source: tuple(sorted(set(why))) for source, why in reasons.items()},
        problems=(*_unusable(directory), *clashes),
    )


def declared_accounts(policy: Policy) -> dict[Principal, DeclaredServiceAccount]:
    """Return the service accounts that the policy itself desires, by principal."""
    return {Principal(Kind.SERVICE_ACCOUNT, DECLARED + account.name): account for account in policy.service_accounts}


def _is_desired(person: PushedPerson, policy: Policy, now: datetime) -> bool:
    if person.unusable:
        return False
    left, grace = person.deactivated_at, policy.guards.grace.service_accounts
    if person.principal.kind is Kind.SERVICE_ACCOUNT and left is not None and grace is not None:
        # Deactivated it keeps its roles, and can come back; when its grace is over it is not wanted any more.
        return now < left + grace
    return person.provisioned or (left is not None and now < left + policy.guards.grace.users)


def _profiles(
    people: Iterable[PushedPerson], groups: Iterable[PushedGroup], accounts: Accounts, policy: Policy
) -> dict[Principal, Profile]:
    profiles: dict[Principal, Profile] = {person.principal: person.profile for person in people}
    for group in groups:
        profiles[group.principal] = GroupProfile(group.name, group.description, group.idp_mapping_names)
    for principal, account in accounts.items():
        oauth = account.credentials == "oauth"
        profiles[principal] = ServiceAccountProfile(account.name, account.description, oauth=oauth)
    return profiles


def _one_per_name(
    profiles: Mapping[Principal, Profile], held: ProfileOf
) -> tuple[dict[Principal, Profile], list[Problem]]:
    """Return the profiles less those that would be the same Tecton object as another one.

    Mapping names can make two pushed names one. Who has the name in Tecton keeps it; else which of them
    does must not depend on the order of the input, so the smaller principal does. Ids grow with time: it
    is the one that was pushed first.
    """
    first: dict[tuple[Kind, str], Principal] = {}
    clashes = []
    for principal in sorted(profiles, key=lambda of: (not _holds_name(held(of), profiles[of]), of)):
        name = profiles[principal].name
        if first.setdefault((principal.kind, name.casefold()), principal) != principal:
            message = f"not sent to Tecton: another {principal.kind.words} is called so already; rename one"
            clashes.append(Problem(principal, name, message))
    losers = {clash.principal for clash in clashes}
    kept = {principal: profile for principal, profile in profiles.items() if principal not in losers}
    # Who is there already stays, under the name that it has: a name that cannot be sent takes nothing away.
    return kept | {loser: seen for loser in losers if (seen := held(loser))}, clashes


def _holds_name(seen: Profile | None, wanted: Profile) -> bool:
    return seen is not None and seen.name.casefold() == wanted.name.casefold()


def _as_held(person: PushedPerson, held: ProfileOf) -> PushedPerson:
    """Return a person whose name cannot be sent as Tecton holds them, if it does."""
    seen = held(person.principal) if person.unusable else None
    return replace(person, profile=seen, unusable="") if seen else person


def _members(
    people: Mapping[str, PushedPerson], groups: Mapping[Principal, PushedGroup], accounts: Accounts
) -> dict[Principal, frozenset[Principal]]:
    principals = {id_: person.principal for id_, person in people.items()}
    members = {
        principal: frozenset(map(principals.__getitem__, group.members & principals.keys()))
        for principal, group in groups.items()
    }
    by_name = {group.pushed_name.casefold(): principal for principal, group in groups.items()}
    for account, declared in accounts.items():
        for name in declared.groups:
            if group := by_name.get(name.casefold()):
                members[group] |= {account}
    return members


Reasons = defaultdict[Source, list[str]]


def _reasons(
    people: Mapping[str, PushedPerson], groups: Mapping[Principal, PushedGroup], accounts: Accounts, policy: Policy
) -> Reasons:
    """Return who is granted what, each with the rules and pushes that want it."""
    reasons: Reasons = defaultdict(list)
    named = _named(people, groups, accounts)
    for rule in policy.grants:
        for principal in _recipients(rule.to, named):
            for grant in rule.grants:
                reasons[principal, grant].append(f"policy rule {rule.name!r}")
    everybody: list[PushedPerson | PushedGroup] = [*people.values(), *groups.values()]
    for pushed in everybody:
        for grant in pushed.pushed_grants:
            reasons[pushed.principal, grant].append(PUSHED_ROLE)
    for person in people.values():
        for rule in (policy.grants[index] for index in person.rules):
            for grant in rule.grants:
                reasons[person.principal, grant].append(f"policy rule {rule.name!r}")
    return reasons


def _named(
    people: Mapping[str, PushedPerson], groups: Mapping[Principal, PushedGroup], accounts: Accounts
) -> dict[tuple[Kind, str], Principal]:
    named = {(p.principal.kind, p.pushed_name.casefold()): p.principal for p in people.values()}
    named |= {(Kind.GROUP, group.pushed_name.casefold()): principal for principal, group in groups.items()}
    named |= {(Kind.SERVICE_ACCOUNT, account.name.casefold()): principal for principal, account in accounts.items()}
    return named


def _recipients(to: Recipient, named: Mapping[tuple[Kind, str], Principal]) -> list[Principal]:
    if to.workspace:
        return [Principal(Kind.WORKSPACE, to.workspace)]
    for kind, name in ((Kind.GROUP, to.group), (Kind.USER, to.user), (Kind.SERVICE_ACCOUNT, to.service_account)):
        if name and (principal := named.get((kind, name.casefold()))):
            return [principal]
    return []


def _grants(reasons: Reasons) -> dict[Principal, frozenset[Grant]]:
    granted: defaultdict[Principal, set[Grant]] = defaultdict(set)
    for principal, grant in reasons:
        granted[principal].add(grant)
    return {principal: without_contained(frozenset(grants)) for principal, grants in granted.items()}


def _unusable(directory: Directory) -> Iterator[Problem]:
    for person in directory.people.values():
        if person.unusable and person.provisioned:
            yield Problem(person.principal, person.pushed_name, f"not sent to Tecton: {person.unusable}")
