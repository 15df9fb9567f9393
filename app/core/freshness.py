"""Freshness: how old the knowledge of an object may grow, and what a sweep with few calls reads first. Pure.

Who can do much is looked at every quarter of an hour, everybody within the hour. A sweep that has calls for
everything reads everything; one that has not spends them by risk and age.
"""

from __future__ import annotations

from collections.abc import Container, Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from app.core.identity import Grant, Kind
from app.core.policy import Protected
from app.core.records import GroupRecord, Record, TectonObjects
from app.durations import format_duration

PRIVILEGED = timedelta(minutes=15)
EVERYBODY = timedelta(minutes=60)
# Who holds one of these can give access to others: on the account, on workspaces, on secret scopes.
PRIVILEGED_ROLES = frozenset({"admin", "owner", "manager"})
# A sweep never starts on the dot: what would be on its limit at the next one is read in this one.
LATENESS = 0.1

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Limits:
    """How old the knowledge of a privileged object may be, and that of any other."""

    privileged: timedelta
    others: timedelta

    def of(self, *, is_privileged: bool) -> timedelta:
        """Return the limit of an object."""
        return self.privileged if is_privileged else self.others


def targets(interval: timedelta) -> Limits:
    """Return what sweeps aim at that start every `interval`: nothing is read more often than there are sweeps."""
    return Limits(max(PRIVILEGED, interval), max(EVERYBODY, interval))


def tolerated(interval: timedelta) -> Limits:
    """Return up to which age a claim may rest on what was read: a sweep takes time, and another one may have failed."""
    return Limits(max(PRIVILEGED, 2 * interval), max(EVERYBODY, 2 * interval))


# ---------------------------------------------------------------- who is privileged


def is_privileged(grant: Grant) -> bool:
    """Tell whether who holds this grant can give access to others."""
    return grant.role in PRIVILEGED_ROLES


def privileged_objects(objects: TectonObjects, protected: Protected) -> frozenset[tuple[Kind, str]]:
    """Return the objects that hold a privileged role, themselves or through a group, and those that are protected.

    A group that gives such a role is one of them: whoever enters it, holds the role.
    """
    holders = {key for key, record in objects.records.items() if any(map(is_privileged, record.roles))}
    holders |= {(held.kind, held.id) for of in objects.scopes.values() for held in of if is_privileged(held.grant)}
    through = {tuple(member) for key in holders for member in _members(objects.records.get(key))}
    names = {kind: protected.names(kind) for kind in Kind}
    guarded = {key for key, record in objects.records.items() if record.name.casefold() in names[key[0]]}
    return frozenset(key for key in objects.records if key in holders or key in through or key in guarded)


def _members(record: Record | None) -> Iterable[tuple[Kind, str]]:
    return record.members if isinstance(record, GroupRecord) else ()


# ---------------------------------------------------------------- what to read


@dataclass(frozen=True, slots=True)
class Choice(Generic[K]):
    """What is read, the most pressing first; and how many of what is not will be too old at the next sweep."""

    read: tuple[K, ...]
    late_privileged: int = 0
    late_others: int = 0


def choose(
    seen: Mapping[K, datetime],
    privileged: Container[K],
    *,
    suspect: Container[K] = frozenset(),
    now: datetime,
    interval: timedelta,
    calls: int,
) -> Choice[K]:
    """Return which objects, last seen at these times, a sweep reads that has `calls` for them.

    First what would pass its limit before the next sweep, then the rest; in both, by how much of its
    limit is used up. So, when the calls suffice, nobody passes the limit, and when they do not, everybody
    passes it in the same proportion, and nobody is forgotten. What is `suspect` has changed by the look
    of a list: it presses like a privileged object.
    """
    limits = targets(interval)

    def press(key: K) -> tuple[bool, float]:
        age = now - seen[key]
        limit = limits.of(is_privileged=key in privileged or key in suspect)
        return age + interval * (1 + LATENESS) <= limit, -(age / limit)

    ordered = sorted(seen, key=press)
    read, left = ordered[: max(calls, 0)], ordered[max(calls, 0) :]
    late = [key for key in left if now - seen[key] + interval > _limit(limits, key in privileged, interval)]
    risky = sum(1 for key in late if key in privileged)
    return Choice(tuple(read), risky, len(late) - risky)


def _limit(limits: Limits, is_privileged: bool, interval: timedelta) -> timedelta:
    return limits.of(is_privileged=is_privileged) + interval * LATENESS


# ---------------------------------------------------------------- what may be said


@dataclass(frozen=True, slots=True)
class Verified:
    """So many objects, privileged or not, were last read at this time."""

    is_privileged: bool
    at: datetime
    count: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many objects were read within a limit, out of how many, and when the one was that waits longest."""

    total: int
    verified: int
    oldest_at: datetime | None
    limit: timedelta

    @property
    def is_whole(self) -> bool:
        """Tell whether all of them were."""
        return self.verified == self.total

    @property
    def limit_s(self) -> float:
        """Return the limit in seconds."""
        return self.limit.total_seconds()

    def age(self, now: datetime) -> float | None:
        """Return the age of the oldest knowledge in seconds, None of nothing."""
        return (now - self.oldest_at).total_seconds() if self.oldest_at else None

    def sentence(self, what: str, now: datetime) -> str:
        """Return such as `12 of 12 privileged objects were verified within 30 m, the oldest 4 m ago`."""
        within = format_duration(self.limit_s)
        age = self.age(now)
        oldest = "" if age is None else f", the oldest {format_duration(max(age, 0))} ago"
        return f"{self.verified:,} of {self.total:,} {what} were verified within {within}{oldest}"


@dataclass(frozen=True, slots=True)
class Freshness:
    """The coverage of the privileged objects, and of the others."""

    privileged: Coverage
    others: Coverage

    @property
    def is_whole(self) -> bool:
        """Tell whether everything was read within its limit."""
        return self.privileged.is_whole and self.others.is_whole

    @property
    def oldest_at(self) -> datetime | None:
        """When that was read which was not read for longest."""
        return min((of.oldest_at for of in (self.privileged, self.others) if of.oldest_at), default=None)

    def sentences(self, now: datetime) -> list[str]:
        """Return one sentence for each class that there is anything of."""
        parts = ((self.privileged, "privileged objects"), (self.others, "other objects"))
        return [of.sentence(what, now) for of, what in parts if of.total]


def freshness(verified: Iterable[Verified], now: datetime, limits: Limits) -> Freshness:
    """Return how fresh the knowledge of everything is."""
    rows = list(verified)
    return Freshness(*(_coverage([of for of in rows if of.is_privileged is p], p, now, limits) for p in (True, False)))


def _coverage(rows: list[Verified], is_privileged: bool, now: datetime, limits: Limits) -> Coverage:
    limit = limits.of(is_privileged=is_privileged)
    fresh = sum(of.count for of in rows if now - of.at <= limit)
    return Coverage(sum(of.count for of in rows), fresh, min((of.at for of in rows), default=None), limit)
