"""Guards: they look at a plan and say which removals may not go on, with the numbers.

A guard holds removals; everything that gives access goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from app.core.access import AccessState
from app.core.changes import Change, GrantChange, MemberChange, ProfileChange, outcome_of
from app.core.identity import ADMIN, Kind, Principal
from app.core.plan import Plan
from app.core.policy import Guards, Limit


@dataclass(frozen=True, slots=True)
class Objection:
    """Why some changes are held: which guard, and a sentence with what, how many, the limit and out of how many."""

    guard: str
    sentence: str
    held: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """The changes that go on, those that are held, and why."""

    flowing: tuple[Change, ...] = ()
    held: tuple[Change, ...] = ()
    objections: tuple[Objection, ...] = ()


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the guards compare a plan with.

    `removed` counts the removals of each kind that were applied in the window before now; `approved`
    are changes that a person approved.
    """

    observed: AccessState
    limits: Guards
    removed: Mapping[str, int] = field(default_factory=dict)
    approved: frozenset[Change] = frozenset()


REMOVAL_KINDS = ("users", "members", "roles")


def removal_kind(change: Change) -> str | None:
    """Return which limit counts a change: users, members or roles; None when nothing is removed."""
    if not change.removes_access:
        return None
    if isinstance(change, MemberChange):
        return "members"
    if isinstance(change, GrantChange):
        return "roles"
    return "users" if change.principal.kind is Kind.USER else None


def count_removals(changes: Iterable[Change], observed: AccessState) -> dict[str, int]:
    """Return how many removals of each kind the changes make; a deleted group counts all that it gave."""
    counts = dict.fromkeys(REMOVAL_KINDS, 0)
    for change in changes:
        for kind, number in _weights(change, observed).items():
            counts[kind] += number
    return counts


def _weights(change: Change, observed: AccessState) -> dict[str, int]:
    if isinstance(change, ProfileChange) and change.deletes and change.principal.kind is Kind.GROUP:
        group = change.principal
        return {"members": len(observed.members_of(group)), "roles": len(observed.grants_of(group))}
    kind = removal_kind(change)
    return {kind: 1} if kind else {}


def judge(plan: Plan, around: Circumstances) -> Verdict:
    """Return which changes of the plan go on, and the objections to the others."""
    held: set[Change] = set()
    objections: list[Objection] = []
    for guard in (_hold_excess, _hold_last_admins):
        more = guard(tuple(c for c in plan.changes if c not in held), around)
        objections += more[1]
        held |= more[0]
    return Verdict(
        flowing=tuple(change for change in plan.changes if change not in held),
        held=tuple(change for change in plan.changes if change in held),
        objections=tuple(objections),
    )


Finding = tuple[set[Change], list[Objection]]
Guard = Callable[[tuple[Change, ...], Circumstances], Finding]


def allowance(limit: Limit, floor: int, total: int) -> int:
    """Return how many removals of a kind may be made in the window, out of `total`.

    A kind is held when its removals exceed the floor and also exceed the count or the percentage.
    """
    return max(floor, min(limit.count, int(total * limit.percent / 100)))


def _totals(observed: AccessState) -> dict[str, int]:
    return {
        "users": sum(1 for principal in observed.profiles if principal.kind is Kind.USER),
        "members": sum(len(of) for of in observed.members.values()),
        "roles": sum(len(of) for of in observed.grants.values()),
    }


def _hold_excess(changes: tuple[Change, ...], around: Circumstances) -> Finding:
    held: set[Change] = set()
    objections = []
    removals = [change for change in changes if change not in around.approved and _weights(change, around.observed)]
    totals = _totals(around.observed)
    for kind in REMOVAL_KINDS:
        limit: Limit = getattr(around.limits.removals, kind)
        before = around.removed.get(kind, 0)
        total = totals[kind] + before
        left = allowance(limit, around.limits.floor, total) - before
        of_kind = [
            (change, weight) for change in removals if (weight := _weights(change, around.observed).get(kind, 0))
        ]
        over = _over(of_kind, left)
        if over:
            number = sum(weight for _, weight in of_kind)
            held.update(over)
            objections.append(
                Objection("removals", _excess_sentence(kind, number, before, total, limit, around.limits), len(over))
            )
    return held, objections


def _over(weighted: list[tuple[Change, int]], left: int) -> list[Change]:
    """Return the changes that do not fit: the smallest first, so that single leavers flow."""
    over = []
    for change, weight in sorted(weighted, key=lambda pair: pair[1]):
        if weight > left:
            over.append(change)
        else:
            left -= weight
    return over


def _excess_sentence(kind: str, number: int, before: int, total: int, limit: Limit, guards: Guards) -> str:
    minutes = int(guards.window.total_seconds() // 60)
    earlier = f" after {before} in the last {minutes} minutes" if before else ""
    return (
        f"{number} {kind} would be removed{earlier}, out of {total}: "
        f"more than the {guards.floor} that always go on, and more than {limit.count} or {limit.percent:g} %"
    )


def effective_admins(state: AccessState) -> set[Principal]:
    """Return the people who are admin, themselves or through a group."""
    holders = [principal for principal, grants in state.grants.items() if ADMIN in grants]
    admins = {p for p in holders if p.kind is Kind.USER and p in state.profiles}
    for group in (p for p in holders if p.kind is Kind.GROUP):
        admins |= {member for member in state.members_of(group) if member.kind is Kind.USER}
    return admins


def admins_at_stake(changes: Iterable[Change], observed: AccessState) -> list[Principal]:
    """Return the people and groups that hold admin, where changes take it from somebody; nobody where they do not."""
    admins = effective_admins(observed)
    if not any(_takes_admin(change, observed, admins) for change in changes):
        return []
    return sorted(p for p, of in observed.grants.items() if ADMIN in of and p.kind in {Kind.USER, Kind.GROUP})


def _hold_last_admins(changes: tuple[Change, ...], around: Circumstances) -> Finding:
    """Hold what takes admin from somebody when fewer than the minimum would be left. No approval overrides it.

    Admins whom the same plan makes do not count: removals come first, and a grant can fail. A
    successor is made in one run, and the predecessor goes in the next.
    """
    minimum = around.limits.min_admins
    before = effective_admins(around.observed)
    after = effective_admins(outcome_of(around.observed, [change for change in changes if change.removes_access]))
    if len(after) >= minimum or after >= before:
        return set(), []
    losing = [change for change in changes if _takes_admin(change, around.observed, before)]
    names = ", ".join(sorted(around.observed.name_of(p) or p.id for p in before - after))
    sentence = f"{len(after)} of {len(before)} admins would be left, fewer than {minimum}: {names} would lose admin"
    return set(losing), [Objection("min_admins", sentence, len(losing))]


def _takes_admin(change: Change, observed: AccessState, admins: set[Principal]) -> bool:
    if not change.removes_access:
        return False
    if isinstance(change, MemberChange):
        return change.member in admins and ADMIN in observed.grants_of(change.group)
    if isinstance(change, GrantChange):
        return change.grant == ADMIN
    return change.principal in admins or ADMIN in observed.grants_of(change.principal)
