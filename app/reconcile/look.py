"""Looking at Tecton: at everything or, with few calls, at what presses most.

Tecton's lists omit roles and members, so that objects are read one by one. The lists themselves, the
scopes, and who holds roles on each scope, are always read: they tell what is new, what is gone, and what
was renamed. An object that is not read stays as it was last known, with the age of that knowledge.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.core.freshness import Choice, Coverage, Freshness, choose, privileged_objects
from app.core.identity import Kind
from app.core.policy import Protected
from app.core.records import GroupRecord, Record, ScopeGrant, TectonObjects
from app.reconcile.observe import KINDS, Crew
from app.reconcile.ports import Entry, Tecton
from app.reconcile.report import Budget
from app.reconcile.world import ObjectKey, World

Entries = Mapping[ObjectKey, Entry]
Scopes = Mapping[str, frozenset[ScopeGrant]]
# So many objects of each kind whose list is said to be whole are read one by one as well, to see that it is.
PROOFS = 2


@dataclass(frozen=True, slots=True)
class Looked:
    """What a sweep has seen: `objects` is all that Tecton holds, what was not read as it was last known.

    `read` are the objects that were read, None for all; `modified` what the lists say of those; `distrusted`
    are the kinds whose lists turned out not to be whole.
    """

    objects: TectonObjects
    read: frozenset[ObjectKey] | None
    modified: Mapping[ObjectKey, str]
    late_privileged: int = 0
    late_others: int = 0
    distrusted: frozenset[Kind] = frozenset()

    @property
    def late(self) -> int:
        """Return how many objects will be too old before the next sweep."""
        return self.late_privileged + self.late_others


@dataclass(slots=True)
class Look:
    """One look, through the eyes of one run."""

    tecton: Tecton
    crew: Crew
    world: World
    protected: Protected
    now: datetime
    distrusted: set[Kind] = field(default_factory=set)

    def at_all(self) -> Looked:
        """Return all that Tecton holds, in `N + G + S + pages + 1 + K` reads, or fewer where its lists are whole.

        Raise TectonError when any part could not be read: a part is no evidence of the whole.
        """
        entries: dict[ObjectKey, Entry] = {}
        records: dict[ObjectKey, Record] = {}
        for of_kind in self._lists():
            # The objects of a short list are read while the pages of a long one still come.
            entries |= of_kind
            records |= self._read(of_kind, of_kind)
        return self._looked(dict(sorted(entries.items())), records, self._scopes(), None, Choice(()))

    def within(self, budget: Budget) -> Looked:
        """Return the same, in no more reads than the budget has, but for lists and what was never read.

        Raise TectonError, too, when something could not be read.
        """
        entries, scopes = self._list(), self._scopes()
        free = {key for key, entry in entries.items() if self._listed(key, entry)}
        new = entries.keys() - self.world.records.keys() - free
        choice = self._choose(entries, scopes, free | new, budget, spent=self.tecton.calls.reads + len(new))
        read = frozenset({*free, *new, *choice.read})
        records = self._read(entries, sorted(read))
        known = {key: self.world.records[key] for key in entries.keys() - read if key in self.world.records}
        everything = len(read) == len(entries)
        return self._looked(entries, {**known, **records}, scopes, None if everything else read, choice)

    # ---------------------------------------------------------------- lists

    def _list(self) -> dict[ObjectKey, Entry]:
        found = {key: entry for of_kind in self._lists() for key, entry in of_kind.items()}
        return dict(sorted(found.items()))

    def _lists(self) -> Iterator[dict[ObjectKey, Entry]]:
        """Yield what Tecton lists of each kind, in the order in which the lists end."""
        moment = self.world.clock

        def of(kind: Kind) -> list[Entry]:
            return self.tecton.list_entries(kind, whole=kind in self.world.whole_lists)

        for kind, call in self.crew.each(of, KINDS):
            entries = {(kind, entry.id): entry for entry in sorted(call.result(), key=lambda entry: entry.id)}
            if kind in self.world.whole_lists:
                # What a drain wrote meanwhile differs from the list, and proves nothing.
                self._prove(kind, {k: e for k, e in entries.items() if not self.world.was_touched_since(k, moment)})
            yield entries

    def _scopes(self) -> dict[str, frozenset[ScopeGrant]]:
        names = sorted(self.tecton.list_scopes())
        found = {scope: call.result() for scope, call in self.crew.each(self.tecton.list_scope_grants, names)}
        return dict(sorted(found.items()))

    def _prove(self, kind: Kind, entries: Entries) -> None:
        """Read those that hold most one by one as well: a list that cuts members short would show there."""
        whole = {key: entry.record for key, entry in entries.items() if entry.record}
        richest = sorted(whole, key=lambda key: -_riches(whole[key]))[:PROOFS]
        calls = self.crew.each(lambda key: self.tecton.get_record(*key), richest)
        if any(call.result() != whole[key] for key, call in calls):
            self.distrusted.add(kind)

    # ---------------------------------------------------------------- objects

    def _choose(
        self, entries: Entries, scopes: Scopes, certain: Collection[ObjectKey], budget: Budget, spent: int
    ) -> Choice[ObjectKey]:
        """Return which objects are read besides those that certainly are."""
        known = self.world.records
        seen = {key: self.world.verified.get(key, self.now) for key in entries if key in known and key not in certain}
        privileged = privileged_objects(TectonObjects(known, scopes), self.protected)
        suspect = frozenset(key for key in seen if self._is_suspect(key, entries[key]))
        left = budget.calls - spent
        return choose(seen, privileged, suspect=suspect, now=self.now, interval=budget.interval, calls=left)

    def _is_suspect(self, key: ObjectKey, entry: Entry) -> bool:
        """Tell whether a list shows that an object has changed. That it shows nothing proves nothing."""
        renamed = entry.name != self.world.records[key].name
        return renamed or (bool(entry.modified) and entry.modified != self.world.modified.get(key))

    def _listed(self, key: ObjectKey, entry: Entry) -> Record | None:
        return None if key[0] in self.distrusted else entry.record

    def _read(self, entries: Entries, keys: Collection[ObjectKey]) -> dict[ObjectKey, Record]:
        records = {key: record for key in keys if (record := self._listed(key, entries[key]))}
        for key, got in self.crew.each(lambda key: self.tecton.get_record(*key), [k for k in keys if k not in records]):
            # An object deleted between the list and its own read is simply not there any more.
            if (record := got.result()) is not None:
                records[key] = record
        return records

    def _looked(
        self,
        entries: Entries,
        records: Mapping[ObjectKey, Record],
        scopes: Scopes,
        read: frozenset[ObjectKey] | None,
        choice: Choice[ObjectKey],
    ) -> Looked:
        seen = entries.keys() if read is None else read
        modified = {key: said for key in seen if (said := entries[key].modified) != self.world.modified.get(key, "")}
        objects = TectonObjects(dict(sorted(records.items())), scopes)
        return Looked(objects, read, modified, choice.late_privileged, choice.late_others, frozenset(self.distrusted))


def freshness_report(found: Freshness, looked: Looked, budget: Budget | None, now: datetime) -> dict[str, Any]:
    """Return what a report says of freshness: how much was read, and how old the knowledge of all is."""
    return {
        "everything": looked.read is None,
        "budget": budget.calls if budget else None,
        "objects_read": len(looked.objects.records) if looked.read is None else len(looked.read),
        "late": {"privileged": looked.late_privileged, "others": looked.late_others},
        "privileged": _class_report(found.privileged, now),
        "others": _class_report(found.others, now),
    }


def _class_report(of: Coverage, now: datetime) -> dict[str, Any]:
    age = {"oldest_age_s": of.age(now), "limit_s": of.limit_s}
    return {"total": of.total, "verified": of.verified, **age}


def too_few_calls(looked: Looked, budget: Budget | None) -> str:
    """Return the sentence that says what a budget cannot keep fresh."""
    calls = budget.calls if budget else 0
    return (
        f"{calls:,} calls do not suffice: {looked.late_privileged:,} privileged and {looked.late_others:,} other "
        "objects will be older than they should before the next sweep; raise BRIDGE_SWEEP_BUDGET, or BRIDGE_TECTON_RATE"
    )


def lists_not_whole(looked: Looked) -> str:
    """Return the sentence that says which lists were taken for whole and are not."""
    words = " and ".join(f"{kind.words}s" for kind in sorted(looked.distrusted))
    return f"Tecton's list of {words} does not show all that they hold: each is read by itself from now on"


def _riches(record: Record) -> int:
    return len(record.roles) + (len(record.members) if isinstance(record, GroupRecord) else 0)
