"""Effective access: what people may do in the end, over their own grants and those of their groups.

A plan of three hundred changes may alter what two people can do. This says what, and for whom.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from app.core.access import AccessState
from app.core.changes import Change, NameOf, apply_changes
from app.core.identity import Grant, Kind, Level, Principal, contains, without_contained

SHOWN_NAMES = 5


@dataclass(frozen=True, slots=True)
class Effect:
    """What one principal can do afterwards and could not before, and the reverse."""

    principal: Principal
    gained: frozenset[Grant]
    lost: frozenset[Grant]


def covers(held: Grant, grant: Grant) -> bool:
    """Tell whether whoever holds `held` can do all that `grant` allows."""
    same = held.target == grant.target
    everywhere = held.target.level is Level.ALL_WORKSPACES and grant.target.level is Level.WORKSPACE
    return (same or everywhere) and contains(held.role, grant.role)


def effective_access(state: AccessState) -> Mapping[Principal, frozenset[Grant]]:
    """Return all grants that reach each user, service account and workspace that exists."""
    reached: defaultdict[Principal, set[Grant]] = defaultdict(set)
    for principal, grants in state.grants.items():
        if principal.kind is not Kind.GROUP:
            reached[principal] |= grants
    for group, members in state.members.items():
        if grants := state.grants_of(group):
            for member in members:
                reached[member] |= grants
    return {p: frozenset(of) for p, of in reached.items() if p.kind is Kind.WORKSPACE or _can_act(p, state)}


def _can_act(principal: Principal, state: AccessState) -> bool:
    """A principal that does not exist, or a deactivated service account, can do nothing."""
    profile = state.profiles.get(principal)
    return profile is not None and getattr(profile, "active", True)


def effects(before: AccessState, after: AccessState) -> list[Effect]:
    """Return who can do more or less in `after`, in one order."""
    old, new = effective_access(before), effective_access(after)
    found = []
    for principal in sorted(old.keys() | new.keys()):
        had, has = old.get(principal, frozenset()), new.get(principal, frozenset())
        if had != has:
            gained, lost = _not_covered(has, had), _not_covered(had, has)
            if gained or lost:
                found.append(Effect(principal, gained, lost))
    return found


def effects_of(changes: Iterable[Change], observed: AccessState) -> list[Effect]:
    """Return who can do more or less once the changes are made."""
    made = tuple(changes)
    return effects(observed, apply_changes(observed, made)) if made else []


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
