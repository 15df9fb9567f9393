"""Guards: they look at a plan and say which removals may not go on, with the numbers.

A guard holds removals; everything that gives access goes on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from app.core.access import AccessState
from app.core.changes import Change, GrantChange, MemberChange, ProfileChange, outcome_of
from app.core.circumstances import Circumstances, Guard, Held, Objection
from app.core.identity import ADMIN, Kind, Principal
from app.core.plan import Plan
from app.core.policy_guards import Guards, Limit
from app.core.removals import REMOVAL_KINDS, Item, beyond, count_removals, item_of, removal_kind, said_of, weights
from app.core.source_guards import SOURCE_GUARDS

MIN_ADMINS = "min_admins"
# The guards that look at what was done within a time.
FADING = frozenset({"removals", "new_client", "undone", "scattered"})

__all__ = [
    "REMOVAL_KINDS",
    "Circumstances",
    "Objection",
    "Verdict",
    "admins_at_stake",
    "allowance",
    "count_removals",
    "effective_admins",
    "judge",
    "removal_kind",
]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The changes that go on, those that are held, and why: all that was objected, and to each what."""

    flowing: tuple[Change, ...] = ()
    held: tuple[Change, ...] = ()
    objections: tuple[Objection, ...] = ()
    why: Mapping[Change, Objection] = field(default_factory=dict)

    def lasting(self) -> dict[Item, Objection]:
        """Return what stays held although its reason fades with time, until a person or the provider decides."""
        return {item_of(change): why for change, why in self.why.items() if why.guard in FADING}


def judge(plan: Plan, around: Circumstances) -> Verdict:
    """Return which changes of the plan go on, and the objections to the others."""
    held: dict[Change, Objection] = {}
    objections: list[Objection] = []
    for guard in GUARDS:
        for found in guard(tuple(c for c in plan.changes if c not in held), around):
            objections.append(found.objection)
            held |= dict.fromkeys(found.changes, found.objection)
    return Verdict(
        flowing=tuple(change for change in plan.changes if change not in held),
        held=tuple(change for change in plan.changes if change in held),
        objections=tuple(objections),
        why=held,
    )


def allowance(limit: Limit, floor: int, total: int) -> int:
    """Return how many removals of a kind may be made in the window, out of `total`.

    A kind is held when its removals exceed the floor and also exceed the count or the percentage.
    """
    return max(floor, min(limit.count, int(total * limit.percent / 100)))


def _totals(observed: AccessState) -> dict[str, int]:
    return {
        "users": sum(1 for principal in observed.profiles if principal.kind is Kind.USER),
        "service_accounts": sum(1 for of in observed.profiles.values() if getattr(of, "active", False)),
        "members": sum(len(of) for of in observed.members.values()),
        "roles": sum(len(of) for of in observed.grants.values()),
    }


def _hold_excess(changes: tuple[Change, ...], around: Circumstances) -> list[Held]:
    held = []
    removals = [change for change in changes if change not in around.approved and weights(change, around.observed)]
    totals, gone = _totals(around.observed), around.removed_before()
    for kind in REMOVAL_KINDS:
        limit: Limit = getattr(around.limits.removals, kind)
        before, total = gone[kind], totals[kind] + around.removed.get(kind, 0)
        left = allowance(limit, around.limits.floor, total) - before
        of_kind = [(change, weight) for change in removals if (weight := weights(change, around.observed).get(kind, 0))]
        over = beyond(of_kind, left, around.held_before)
        if over:
            number = sum(weight for _, weight in of_kind)
            sentence = _excess_sentence(kind, number, before, total, limit, around.limits)
            held.append(Held(frozenset(over), "removals", sentence))
    return held


def _excess_sentence(kind: str, number: int, before: int, total: int, limit: Limit, guards: Guards) -> str:
    minutes, words = int(guards.window.total_seconds() // 60), kind.replace("_", " ")
    earlier = f" after {before} in the last {minutes} minutes" if before else ""
    return (
        f"{number} {words if number != 1 else words[:-1]} would be removed{earlier}, out of {total}: "
        f"more than the {guards.floor} that always go on, and more than {limit.count} or {limit.percent:g} %"
    )


def _hold_still(changes: tuple[Change, ...], around: Circumstances) -> list[Held]:
    """Hold what was held before and would go on by now: the reason faded, and nobody has decided.

    Whoever is to be deleted, and is held, keeps everything else as well: other pushes may take it, too.
    """
    held: defaultdict[str, set[Change]] = defaultdict(set)
    for change in changes if around.held_before else ():
        why = said_of(change, around.held_before)
        if why and change.removes_access and change not in around.approved:
            held[why.guard].add(change)
    return [Held(frozenset(of), guard, _still_sentence(len(of))) for guard, of in sorted(held.items())]


def _still_sentence(number: int) -> str:
    verb = "removals were held before, and wait" if number != 1 else "removal was held before, and waits"
    return f"{number} {verb} for a person or the provider: no time that passes lets it go on"


def effective_admins(state: AccessState) -> set[Principal]:
    """Return the people who are admin, themselves or through a group."""
    holders = [principal for principal, grants in state.grants.items() if ADMIN in grants]
    admins = {p for p in holders if p.kind is Kind.USER and p in state.profiles}
    for group in (p for p in holders if p.kind is Kind.GROUP):
        admins |= {of for of in state.members_of(group) if of.kind is Kind.USER and of in state.profiles}
    return admins


def admins_at_stake(changes: Iterable[Change], observed: AccessState) -> list[Principal]:
    """Return the people and groups that hold admin, where changes take it from somebody; nobody where they do not."""
    admins = effective_admins(observed)
    if not any(_takes_admin(change, observed, admins) for change in changes):
        return []
    return sorted(p for p, of in observed.grants.items() if ADMIN in of and p.kind in {Kind.USER, Kind.GROUP})


def _hold_last_admins(changes: tuple[Change, ...], around: Circumstances) -> list[Held]:
    """Hold what takes admin from somebody when fewer than the minimum would be left. No approval overrides it.

    Admins whom the same plan makes do not count: removals come first, and a grant can fail. A
    successor is made in one run, and the predecessor goes in the next.
    """
    minimum = around.limits.min_admins
    standing = _standing(around)
    before = effective_admins(standing)
    after = effective_admins(outcome_of(standing, [change for change in changes if change.removes_access]))
    if len(after) >= minimum or after >= before:
        return []
    losing = [change for change in changes if _takes_admin(change, standing, before)]
    names = ", ".join(sorted(around.observed.name_of(p) or p.id for p in before - after))
    sentence = f"{len(after)} of {len(before)} admins would be left, fewer than {minimum}: {names} would lose admin"
    return [Held(frozenset(losing), MIN_ADMINS, sentence)]


def _standing(around: Circumstances) -> AccessState:
    """Return what is observed, less what is about to go, and what is gone although an old answer still shows it."""
    gone = [*around.under_way, *around.taken]
    return outcome_of(around.observed, [*gone, *_strangers_again(around)]) if gone else around.observed


def _strangers_again(around: Circumstances) -> Iterator[Change]:
    """Yield the deletion of who is seen again after it: nobody knows any more that it was one of ours."""
    deleted = [change for change in around.taken if isinstance(change, ProfileChange) and change.deletes]
    names = {(of.principal.kind, of.before.name.casefold()) for of in deleted if of.before}
    for principal, profile in around.observed.profiles.items() if names else ():
        if principal.is_foreign and (principal.kind, profile.name.casefold()) in names:
            yield ProfileChange(principal, profile, None)


def takers_of_admin(changes: Iterable[Change], observed: AccessState) -> list[Change]:
    """Return the changes that take admin from somebody."""
    admins = effective_admins(observed)
    return [change for change in changes if _takes_admin(change, observed, admins)]


def _takes_admin(change: Change, observed: AccessState, admins: set[Principal]) -> bool:
    if not change.removes_access:
        return False
    if isinstance(change, MemberChange):
        return change.member in admins and ADMIN in observed.grants_of(change.group)
    if isinstance(change, GrantChange):
        return change.grant == ADMIN
    return change.principal in admins or ADMIN in observed.grants_of(change.principal)


# What the source does is looked at first: what it holds does not use up what the limits let go on.
GUARDS: tuple[Guard, ...] = (*SOURCE_GUARDS, _hold_excess, _hold_still, _hold_last_admins)
