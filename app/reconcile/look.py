"""Looking at Tecton: at everything or, with few calls, at what presses most.

Tecton's lists omit roles and members, so that objects are read one by one. The lists themselves, the
scopes, and who holds roles on each scope, are always read: they tell what is new, what is gone, and what
was renamed. An object that is not read stays as it was last known, with the age of that knowledge.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.core.freshness import Choice, Coverage, Freshness, choose, privileged_objects
from app.core.identity import Kind
from app.core.policy import Protected
from app.core.records import GroupRecord, Record, ScopeGrant, TectonObjects
from app.reconcile.observe import KINDS, Ask, Crew
from app.reconcile.ports import Entry, Tecton
from app.reconcile.report import Budget
from app.reconcile.world import ObjectKey, World

Entries = Mapping[ObjectKey, Entry]
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
    entries: dict[ObjectKey, Entry] = field(default_factory=dict)
    records: dict[ObjectKey, Record] = field(default_factory=dict)
    scopes: dict[str, frozenset[ScopeGrant]] = field(default_factory=dict)

    def at_all(self) -> Looked:
        """Return all that Tecton holds, in `N + G + S + pages + 1 + K` reads, or fewer where its lists are whole.

        Raise TectonError when any part could not be read: a part is no evidence of the whole.
        """
        # The objects of a short list are read while the pages of a long one still come.
        self.crew.ask([*self._lists(self._read), self._scopes()])
        return self._looked(None, Choice(()))

    def within(self, budget: Budget) -> Looked:
        """Return the same, in no more reads than the budget has, but for lists and what was never read.

        Raise TectonError, too, when something could not be read.
        """
        self.crew.ask([*self._lists(lambda of_kind: ()), self._scopes()])
        free = {key for key in self.entries if self._listed(key)}
        new = self.entries.keys() - self.world.records.keys() - free
        choice = self._choose(free | new, budget, spent=self.tecton.calls.reads + len(new))
        read = frozenset({*free, *new, *choice.read})
        self.records |= {key: self.world.records[key] for key in self.entries.keys() - read & self.world.records.keys()}
        self.crew.ask(self._read(sorted(read)))
        return self._looked(None if len(read) == len(self.entries) else read, choice)

    # ---------------------------------------------------------------- lists

    def _lists(self, then: Callable[[list[ObjectKey]], Iterable[Ask]]) -> Iterator[Ask]:
        """Ask what Tecton lists of each kind, `then` what more is to be asked of what is listed."""
        moment = self.world.clock

        def of(kind: Kind) -> Ask:
            whole = kind in self.world.whole_lists

            def take(entries: list[Entry]) -> Iterable[Ask]:
                found = {(kind, entry.id): entry for entry in sorted(entries, key=lambda entry: entry.id)}
                self.entries |= found
                if not whole:
                    return then([*found])
                # What a drain wrote meanwhile differs from the list, and proves nothing.
                provable = {key: e for key, e in found.items() if not self.world.was_touched_since(key, moment)}
                return self._prove(kind, provable, lambda: then([*found]))

            return Ask(lambda: self.tecton.list_entries(kind, whole=whole), take)

        return map(of, KINDS)

    def _prove(self, kind: Kind, entries: Entries, then: Callable[[], Iterable[Ask]]) -> Iterable[Ask]:
        """Read those that hold most one by one as well: a list that cuts members short would show there."""
        whole = {key: entry.record for key, entry in entries.items() if entry.record}
        richest = sorted(whole, key=lambda key: -_riches(whole[key]))[:PROOFS]
        unproven = set(richest)

        def of(key: ObjectKey) -> Ask:
            def take(record: Record | None) -> Iterable[Ask]:
                if record != whole[key]:
                    self.distrusted.add(kind)
                unproven.discard(key)
                return () if unproven else then()

            return Ask(lambda: self.tecton.get_record(*key), take)

        return [of(key) for key in richest] or then()

    def _scopes(self) -> Ask:
        """Ask which scopes there are, and then who holds roles on each."""

        def of(scope: str) -> Ask:
            def take(grants: frozenset[ScopeGrant]) -> Iterable[Ask]:
                self.scopes[scope] = grants
                return ()

            return Ask(lambda: self.tecton.list_scope_grants(scope), take)

        return Ask(self.tecton.list_scopes, lambda names: map(of, sorted(names)))

    # ---------------------------------------------------------------- objects

    def _choose(self, certain: Collection[ObjectKey], budget: Budget, spent: int) -> Choice[ObjectKey]:
        """Return which objects are read besides those that certainly are."""
        known = self.world.records
        unsure = [key for key in sorted(self.entries) if key in known and key not in certain]
        seen = {key: self.world.verified.get(key, self.now) for key in unsure}
        privileged = privileged_objects(TectonObjects(known, self.scopes), self.protected)
        suspect = frozenset(key for key in seen if self._is_suspect(key))
        left = budget.calls - spent
        return choose(seen, privileged, suspect=suspect, now=self.now, interval=budget.interval, calls=left)

    def _is_suspect(self, key: ObjectKey) -> bool:
        """Tell whether a list shows that an object has changed. That it shows nothing proves nothing."""
        entry = self.entries[key]
        renamed = entry.name != self.world.records[key].name
        return renamed or (bool(entry.modified) and entry.modified != self.world.modified.get(key))

    def _listed(self, key: ObjectKey) -> Record | None:
        return None if key[0] in self.distrusted else self.entries[key].record

    def _read(self, keys: Iterable[ObjectKey]) -> Iterator[Ask]:
        """Take the objects that a list shows whole, ask for the others."""
        for key in keys:
            if record := self._listed(key):
                self.records[key] = record
            else:
                yield self._object(key)

    def _object(self, key: ObjectKey) -> Ask:
        def take(record: Record | None) -> Iterable[Ask]:
            # An object deleted between the list and its own read is simply not there any more.
            if record is not None:
                self.records[key] = record
            return ()

        return Ask(lambda: self.tecton.get_record(*key), take)

    def _looked(self, read: frozenset[ObjectKey] | None, choice: Choice[ObjectKey]) -> Looked:
        seen = self.entries.keys() if read is None else read
        said = {key: self.entries[key].modified for key in seen}
        modified = {key: at for key, at in said.items() if at != self.world.modified.get(key, "")}
        objects = TectonObjects(dict(sorted(self.records.items())), dict(sorted(self.scopes.items())))
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
