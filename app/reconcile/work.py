"""The work that a plan is: its changes by object, in the order in which objects are written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from app.core.changes import Change, GrantChange, MemberChange, ProfileChange
from app.core.identity import Grant, Kind, Level, Principal
from app.reconcile.ports import Step, TectonError, TemporaryError


@dataclass(frozen=True, slots=True)
class Work:
    """All changes to one object."""

    principal: Principal
    changes: tuple[Change, ...]

    @property
    def profile_change(self) -> ProfileChange | None:
        """The change of the profile, if there is one."""
        return next((change for change in self.changes if isinstance(change, ProfileChange)), None)

    @property
    def creates(self) -> bool:
        """Tell whether the object comes to be."""
        change = self.profile_change
        return change is not None and change.creates

    @property
    def deletes(self) -> bool:
        """Tell whether the object ceases to be."""
        change = self.profile_change
        return change is not None and change.deletes

    @property
    def removes_access(self) -> bool:
        """Tell whether somebody can do less afterwards."""
        return any(change.removes_access for change in self.changes)

    def without(self, changes: Iterable[Change]) -> Work:
        """Return the work less some of its changes."""
        left_out = set(changes)
        return Work(self.principal, tuple(change for change in self.changes if change not in left_out))


@dataclass(frozen=True, slots=True)
class Approval:
    """The changes that a person approved, and who did: they are done, and count against no limit later."""

    changes: frozenset[Change] = frozenset()
    by: str | None = None


NOBODY = Approval()


@dataclass(slots=True)
class Done:
    """What became of some changes: what was found out, and which of them Tecton refused, and why."""

    step: Step = field(default_factory=Step)
    refused: dict[Change, TectonError] = field(default_factory=dict)


@dataclass(slots=True)
class Tally:
    """What became of the changes, and which objects failed with which changes."""

    applied: int = 0
    failed: int = 0
    errors: dict[Principal, TectonError] = field(default_factory=dict)
    tried: dict[Principal, frozenset[Change]] = field(default_factory=dict)  # of those that failed
    unfinished: set[Principal] = field(default_factory=set)  # not even tried, where everything was halted
    overtaken: set[Principal] = field(default_factory=set)  # a drain looked at them while their write was under way
    ineffective: set[Change] = field(default_factory=set)

    @property
    def in_vain(self) -> bool:
        """Tell whether all that was tried failed for a reason that may pass."""
        passing = all(isinstance(error, TemporaryError) for error in self.errors.values())
        return bool(self.errors) and passing and not self.applied


class Halted(Exception):
    """Applying stopped, because nothing else would have worked either."""

    def __init__(self, cause: TectonError) -> None:
        self.cause = cause
        super().__init__(str(cause))


def grants_in(changes: Iterable[Change], *, added: bool) -> frozenset[Grant]:
    """Return the grants that come, or that go."""
    return frozenset(c.grant for c in changes if isinstance(c, GrantChange) and c.added is added)


def members_in(changes: Iterable[Change], *, added: bool) -> frozenset[Principal]:
    """Return the members that come, or that go."""
    return frozenset(c.member for c in changes if isinstance(c, MemberChange) and c.added is added)


def is_scope_change(change: Change) -> bool:
    """Tell whether a change is a role on a secret scope, which is written in a batch of its own."""
    return isinstance(change, GrantChange) and change.grant.target.level is Level.SECRET_SCOPE


def by_object(changes: Iterable[Change]) -> list[Work]:
    """Return the changes object by object, in the order in which the objects come up."""
    grouped: defaultdict[Principal, list[Change]] = defaultdict(list)
    for change in changes:
        grouped[change.principal].append(change)
    return [Work(principal, tuple(of)) for principal, of in grouped.items()]


def without(works: Iterable[Work], done: Iterable[Work]) -> list[Work]:
    """Return works less what is part of others."""
    changes = {change for work in done for change in work.changes}
    left = (work.without(changes) for work in works)
    return [work for work in left if work.changes]


def phases(works: Sequence[Work]) -> list[list[Work]]:
    """Return the works in their order: who leaves; what narrows; who arrives; groups and roles; groups that go.

    An object is written once. One that narrows but also waits for somebody who arrives comes after
    the arrivals. A group whose name another one is to have goes first.
    """
    people = {Kind.USER, Kind.SERVICE_ACCOUNT}
    arriving = {work.principal for work in works if work.creates}
    taken = frozenset(name for work in works if work.principal.kind is Kind.GROUP for name in _names(work, after=True))
    found: list[list[Work]] = [[], [], [], [], []]
    for work in works:
        if work.deletes:
            is_last = work.principal.kind is Kind.GROUP and not _names(work) & taken
            found[4 if is_last else 0].append(work)
        elif work.creates:
            found[2 if work.principal.kind in people else 3].append(work)
        elif work.removes_access and not members_in(work.changes, added=True) & arriving:
            found[1].append(work)
        else:
            found[3].append(work)
    return found


def _names(work: Work, *, after: bool = False) -> frozenset[str]:
    """Return the name that an object has before, or gets, where its profile changes; as Tecton compares it."""
    change = work.profile_change
    profile = (change.after if after else change.before) if change else None
    return frozenset({profile.name.casefold()} if profile else ())
