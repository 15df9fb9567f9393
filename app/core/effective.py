"""Effective access: what people may do in the end, over their own grants and those of their groups.

A plan of three hundred changes may alter what two people can do. This says what, and for whom.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass

from app.core.access import AccessState
from app.core.changes import Change, GrantChange, MemberChange, NameOf, ProfileChange, outcome_of
from app.core.identity import Grant, Kind, Level, Principal, Target, contains, without_contained

SHOWN_NAMES = 5


@dataclass(frozen=True, slots=True)
class Effect:
    """What one principal can do afterwards and could not before, and the reverse."""

    principal: Principal
    gained: frozenset[Grant]
    lost: frozenset[Grant]


def covers(held: Grant, grant: Grant) -> bool:
    """Tell whether whoever holds `held` can do all that `grant` allows."""
    return reaches(held, grant.target) and contains(held.role, grant.role)


def reaches(held: Grant, target: Target) -> bool:
    """Tell whether a grant gives its role on a target: what is on all workspaces is on each, and on no scope.

    An admin holds no role on workspaces and scopes, but can assign each: see `Resource`.
    """
    everywhere = held.target.level is Level.ALL_WORKSPACES and target.level is Level.WORKSPACE
    return everywhere or held.target == target


def _effective_access(state: AccessState, whom: Set[Principal]) -> Mapping[Principal, frozenset[Grant]]:
    """Return all grants that reach each of these users, service accounts and workspaces that exists."""
    reached: defaultdict[Principal, set[Grant]] = defaultdict(set)
    for principal in whom & state.grants.keys():
        reached[principal] |= state.grants_of(principal)
    for group, grants in state.grants.items():
        for member in state.members_of(group) & whom:
            reached[member] |= grants
    return {p: frozenset(of) for p, of in reached.items() if p.kind is Kind.WORKSPACE or _can_act(p, state)}


def _can_act(principal: Principal, state: AccessState) -> bool:
    """A principal that does not exist, or a deactivated service account, can do nothing."""
    profile = state.profiles.get(principal)
    return profile is not None and getattr(profile, "active", True)


def effects(before: AccessState, after: AccessState) -> list[Effect]:
    """Return who can do more or less in `after`, in one order."""
    whom = frozenset(of for of in _touched(before, after) if of.kind is not Kind.GROUP)
    old, new = _effective_access(before, whom), _effective_access(after, whom)
    found = []
    for principal in sorted(old.keys() | new.keys()):
        had, has = old.get(principal, frozenset()), new.get(principal, frozenset())
        if had != has:
            gained, lost = _not_covered(has, had), _not_covered(had, has)
            if gained or lost:
                found.append(Effect(principal, gained, lost))
    return found


def _touched(before: AccessState, after: AccessState) -> Iterator[Principal]:
    """Yield those whose access can differ: most of two states is shared, and need not be looked at."""
    yield from _differing(before.profiles, after.profiles)
    for group in _differing(before.members, after.members):
        yield from before.members_of(group) ^ after.members_of(group)
    for principal in _differing(before.grants, after.grants):
        yield principal
        yield from before.members_of(principal) | after.members_of(principal)


def _differing(before: Mapping[Principal, object], after: Mapping[Principal, object]) -> Iterator[Principal]:
    for of in before.keys() | after.keys():
        one, other = before.get(of), after.get(of)
        if one is not other and one != other:
            yield of


def effects_of(changes: Iterable[Change], observed: AccessState) -> list[Effect]:
    """Return who can do more or less once the changes are made."""
    made = tuple(changes)
    return effects(observed, outcome_of(observed, made)) if made else []


def head_of(changes: Iterable[Change], observed: AccessState, name_of: NameOf) -> list[str]:
    """Return what a plan means: who loses and who gains what, and how many of its changes alter nothing of that."""
    made = tuple(changes)
    if not made:
        return []
    after = outcome_of(observed, made)
    found = effects(observed, after)
    idle = _without_effect(made, found, (observed, after))
    return [*summarize(found, name_of), *([_idle_sentence(idle, len(made))] if idle else [])]


def _idle_sentence(idle: int, total: int) -> str:
    if idle == total:
        return "nobody can do more or less afterwards"
    return f"{idle} {'change has' if idle == 1 else 'changes have'} no effect on what anybody can do"


def _without_effect(made: Iterable[Change], found: Iterable[Effect], states: tuple[AccessState, AccessState]) -> int:
    """Return how many changes have no part in any effect: somebody has the same by another way, or holds nothing."""
    moved = {effect.principal: effect.gained | effect.lost for effect in found}
    reached = {of: moved.keys() & _members_in(states, of) for of in {c.principal for c in made}}
    return sum(1 for change in made if not _has_part(change, moved, reached[change.principal], states))


def _members_in(states: Iterable[AccessState], group: Principal) -> frozenset[Principal]:
    return frozenset().union(*(state.members_of(group) for state in states))


def _has_part(
    change: Change,
    moved: Mapping[Principal, frozenset[Grant]],
    members: Collection[Principal],
    states: Iterable[AccessState],
) -> bool:
    if isinstance(change, GrantChange):
        who: Iterable[Principal] = [change.principal, *members]
        grants: Iterable[Grant] = [change.grant]
    else:
        who = [change.member] if isinstance(change, MemberChange) else [change.principal, *members]
        grants = frozenset().union(*(state.grants_of(change.principal) for state in states))
        if isinstance(change, ProfileChange) and change.principal in moved:
            return change.creates or change.removes_access or change.reverse().removes_access
    return any(covers(held, grant) for of in who for held in moved.get(of, ()) for grant in grants)


def _not_covered(grants: frozenset[Grant], by: frozenset[Grant]) -> frozenset[Grant]:
    """Return the grants that `by` does not give as well, each without what it contains itself."""
    return without_contained(frozenset(grant for grant in grants if not any(covers(held, grant) for held in by)))


def summarize(found: Iterable[Effect], name_of: NameOf) -> list[str]:
    """Return one sentence per grant that is lost, then per grant that is gained: the widest first."""
    lost: defaultdict[Grant, list[Principal]] = defaultdict(list)
    gained: defaultdict[Grant, list[Principal]] = defaultdict(list)
    for effect in found:
        for grant in effect.lost:
            lost[grant].append(effect.principal)
        for grant in effect.gained:
            gained[grant].append(effect.principal)
    return [*_sentences("lose", lost, name_of), *_sentences("gain", gained, name_of)]


def _sentences(verb: str, moved: Mapping[Grant, list[Principal]], name_of: NameOf) -> list[str]:
    ordered = sorted(moved.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    return [f"{_who(people, name_of, verb)} {grant}" for grant, people in ordered]


def _who(people: list[Principal], name_of: NameOf, verb: str) -> str:
    names = sorted(name_of(principal) for principal in people)
    if len(names) == 1:
        return f"{names[0]} {verb}s"
    more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
    return f"{len(names)} ({', '.join(names[:SHOWN_NAMES])}{more}) {verb}"
