"""Drift: every difference between desired and observed, with its class and a sentence.

Last applied tells the two sides apart: where it agrees with observed, desired moved (*pending*); where
it agrees with desired, Tecton moved (*missing*, *extra*, *changed*); where it agrees with neither,
both did (*conflict*).
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from app.core.access import AccessState, Profile, UserProfile
from app.core.aim import Kept, Why
from app.core.changes import Change, GrantChange, MemberChange, NameOf, ProfileChange
from app.core.correlation import Disputed
from app.core.desired import Problem, Source
from app.core.identity import DECLARED, Level, Principal, Target

HELD = "held by a guard"  # how the reason of what waits for a person begins


class DriftClass(StrEnum):
    """What kind of difference."""

    PENDING = "pending"
    MISSING = "missing"
    EXTRA = "extra"
    CHANGED = "changed"
    CONFLICT = "conflict"
    UNMANAGED = "unmanaged"
    NOT_EFFECTIVE = "not_effective"
    INHERITED = "inherited"
    BLOCKED = "blocked"
    FAILING = "failing"
    PROBE_FAILED = "probe_failed"


@dataclass(frozen=True, slots=True)
class DriftItem:
    """One difference. `wanted_by` names the pushes and policy rules that desire it; `error` why it fails."""

    drift_class: DriftClass
    principal: Principal
    name: str
    sentence: str
    wanted_by: tuple[str, ...] = ()
    error: str = ""

    @property
    def key(self) -> str:
        """What identifies the difference from run to run, so that it keeps its `since`."""
        text = "\0".join((*self.principal, self.sentence))
        return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Trouble:
    """What keeps changes from being made: Tecton took them without effect, or the principal fails, with the reason.

    `waiting` are changes that cannot be tried yet, each with what it waits for; `held` those that wait for a person.
    """

    ineffective: Collection[Change] = ()
    failing: Mapping[Principal, str] = field(default_factory=dict)
    waiting: Mapping[Change, str] = field(default_factory=dict)
    held: Mapping[Change, str] = field(default_factory=dict)


def classify(change: Change, last: AccessState, moved: Collection[tuple[Principal, Target]] = ()) -> DriftClass:
    """Return the class of one difference, from what was last applied.

    `moved` are the (principal, target) pairs on which both desired and observed left last applied.
    """
    if isinstance(change, ProfileChange):
        return _classify_profile(change, last)
    if isinstance(change, MemberChange):
        was_applied = change.member in last.members_of(change.group)
    else:
        was_applied = change.grant in last.grants_of(change.principal)
        if (change.principal, change.grant.target) in moved:
            return DriftClass.CONFLICT
    if change.added:
        return DriftClass.MISSING if was_applied else DriftClass.PENDING
    return DriftClass.PENDING if was_applied else DriftClass.EXTRA


def _classify_profile(change: ProfileChange, last: AccessState) -> DriftClass:
    applied = last.profiles.get(change.principal)
    if change.before is None:
        return DriftClass.MISSING if applied is not None else DriftClass.PENDING
    if change.after is None:
        return DriftClass.PENDING if applied is not None else DriftClass.EXTRA
    if applied is None or _same(applied, change.after):
        return DriftClass.CHANGED
    return DriftClass.PENDING if _same(applied, change.before) else DriftClass.CONFLICT


def _same(one: Profile, other: Profile) -> bool:
    """Tell whether two profiles are the same; a person's names do not count, single sign-on writes them."""
    if isinstance(one, UserProfile) and isinstance(other, UserProfile):
        return one.user_name == other.user_name
    return one == other


def both_moved(changes: Iterable[Change], last: AccessState) -> set[tuple[Principal, Target]]:
    """Return where a role was changed by hand and, to something else, by the IdP or the policy."""
    added: defaultdict[tuple[Principal, Target], set[str]] = defaultdict(set)
    removed: defaultdict[tuple[Principal, Target], set[str]] = defaultdict(set)
    for change in changes:
        if isinstance(change, GrantChange) and change.principal in last.profiles:
            side = added if change.added else removed
            side[change.principal, change.grant.target].add(change.grant.role)
    found = set()
    for place in added.keys() & removed.keys():
        applied = {grant.role for grant in last.grants_of(place[0]) if grant.target == place[1]}
        if applied and not applied & (added[place] | removed[place]):
            found.add(place)
    return found


def why_ineffective(changes: Iterable[Change]) -> str:
    """Say what can be said of changes that Tecton took without effect."""
    said = "Tecton answered that it was done, and it is not"
    roles = [c for c in changes if isinstance(c, GrantChange) and c.grant.target.level is not Level.SECRET_SCOPE]
    kinds = sorted({f"{change.principal.kind.words}s" for change in roles})
    return f"{said}; Tecton support can switch roles management by SCIM on for {' and '.join(kinds)}" if kinds else said


def drift_of(
    changes: Iterable[Change],
    last: AccessState,
    name_of: NameOf,
    reasons: Mapping[Source, tuple[str, ...]],
    trouble: Trouble,
) -> list[DriftItem]:
    """Return one item per change that is needed."""
    changes = list(changes)
    moved = both_moved(changes, last)
    ineffective = set(trouble.ineffective)
    items = []
    for change in changes:
        drift_class = classify(change, last, moved)
        error = ""
        if change in trouble.held:
            drift_class, error = DriftClass.BLOCKED, trouble.held[change]
        elif failure := trouble.failing.get(change.principal):
            drift_class, error = DriftClass.FAILING, failure
        elif change in trouble.waiting:
            drift_class, error = DriftClass.BLOCKED, trouble.waiting[change]
        elif change in ineffective:
            drift_class, error = DriftClass.NOT_EFFECTIVE, why_ineffective([change])
        sentence = describe(change, name_of)
        items.append(
            DriftItem(
                drift_class, change.principal, name_of(change.principal), sentence, _wanted_by(change, reasons), error
            )
        )
    return items


_POLICY = "the policy, which declares it"


def _wanted_by(change: Change, reasons: Mapping[Source, tuple[str, ...]]) -> tuple[str, ...]:
    if isinstance(change, GrantChange):
        return reasons.get((change.principal, change.grant), ()) if change.added else ()
    if isinstance(change, MemberChange):
        if not change.added:
            return ()
        return (_POLICY,) if change.member.id.startswith(DECLARED) else ("the pushed group's members",)
    if change.after is None:
        return ()
    return (_POLICY,) if change.principal.id.startswith(DECLARED) else ("the directory",)


def describe(change: Change, name_of: NameOf) -> str:
    """Return the difference as a statement of what is, not as an order."""
    if isinstance(change, MemberChange):
        who, group = name_of(change.member), name_of(change.group)
        return f"{who} should be in group {group}" if change.added else f"{who} should not be in group {group}"
    who = f"{change.principal.kind.words} {name_of(change.principal)}"
    if isinstance(change, GrantChange):
        return f"{who} should hold {change.grant}" if change.added else f"{who} should not hold {change.grant}"
    if change.before is None:
        return f"{who} should exist"
    if change.after is None:
        return f"{who} should not exist"
    return f"{who} differs: {change.sentence(name_of).partition(': ')[2]}"


_CLASS_OF = {
    Why.UNMANAGED: DriftClass.UNMANAGED,
    Why.INHERITED: DriftClass.INHERITED,
    Why.BLOCKED: DriftClass.BLOCKED,
}


def drift_kept(kept: Iterable[Kept], name_of: NameOf) -> list[DriftItem]:
    """Return one item per difference that stays."""
    return [DriftItem(_CLASS_OF[k.why], k.principal, name_of(k.principal), k.sentence) for k in kept]


def drift_blocked(problems: Iterable[Problem], disputed: Iterable[Disputed]) -> list[DriftItem]:
    """Return one item per thing that cannot be sent to Tecton, and per principal that could be several objects."""
    items = [DriftItem(DriftClass.BLOCKED, of.principal, of.name, f"{of.name} is {of.message}") for of in problems]
    for of in disputed:
        ids = ", ".join(of.tecton_ids)
        sentence = f"{of.principal.kind.words} {of.name} could be any of Tecton's {ids}: rename or delete all but one"
        items.append(DriftItem(DriftClass.BLOCKED, of.principal, of.name, sentence))
    return items


def drift_lost_keys(principals: Iterable[Principal], name_of: NameOf) -> list[DriftItem]:
    """Return one item per service account whose key was lost on its way here; Tecton shows it only once."""
    return [
        DriftItem(
            DriftClass.BLOCKED,
            principal,
            name_of(principal),
            f"the key of service account {name_of(principal)} is lost: Tecton's answer to its creation never came. "
            "Delete it in Tecton, and the bridge creates it anew and keeps its key",
        )
        for principal in principals
    ]
