"""The one lock, and transactions over the tables: all of a call is kept, or nothing of it."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from app.sandbox.knobs import Knobs
from app.sandbox.world.statefile import StateFile
from app.sandbox.world.tables import Change, Tables

Clock = Callable[[], datetime]

_REMEMBERED_WRITES = 2000
# Changes to these are not writes to Tecton, so a stale read does not undo them.
_UNSEEN = frozenset({"setting", "token", "revocation"})


class KeepChanges(Exception):
    """Raised through a transaction by an error after which the changes made so far stay."""


@dataclass(frozen=True)
class Transaction:
    """What a call works on: the tables, the knobs, and the moment it happens."""

    tables: Tables
    knobs: Knobs
    now: datetime


@dataclass(frozen=True)
class _Write:
    at: datetime
    changes: list[Change]


class World:
    """Holds the tables and guards them."""

    def __init__(self, clock: Clock, knobs: Knobs, state_file: Path | None) -> None:
        self.clock = clock
        self.knobs = knobs
        self.lock = threading.RLock()
        self.tables = Tables()
        self.file = StateFile(state_file) if state_file else None
        self.was_loaded = self.file.load(self.tables) if self.file else False
        self._writes: deque[_Write] = deque(maxlen=_REMEMBERED_WRITES)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Give the live tables; on leaving commit, or undo everything when an error passes through."""
        with self.lock:
            journal = self.tables.share_journal()
            now = self.clock()
            try:
                yield Transaction(self.tables, self.knobs, now)
            except KeepChanges:
                self._commit(now, journal)
                raise
            except BaseException:
                self.tables.revert(journal)
                raise
            self._commit(now, journal)

    def view(self) -> Transaction:
        """Return the world to look at, not to change; call it under the lock."""
        return Transaction(self.tables, self.knobs, self.clock())

    def lagging(self, live: Transaction, behind: timedelta) -> Transaction:
        """Return the world as it was `behind` ago; call it under the lock. Changes to it are lost."""
        newer = [write for write in self._writes if write.at > live.now - behind]
        return self._without(live, newer)

    def before_last_write(self, live: Transaction) -> Transaction:
        """Return the world as it was before the newest write; call it under the lock."""
        return self._without(live, list(self._writes)[-1:])

    def close(self) -> None:
        """Close the state file."""
        with self.lock:
            if self.file:
                self.file.close()

    def _without(self, live: Transaction, writes: list[_Write]) -> Transaction:
        if not writes:
            return live
        past = live.tables.clone()
        for write in reversed(writes):
            past.revert(write.changes)
        return Transaction(past, live.knobs, live.now)

    def _commit(self, now: datetime, journal: list[Change]) -> None:
        if not journal:
            return
        if self.file:
            self._write_through(self.file, journal)
        if any(change.table not in _UNSEEN for change in journal):
            self._writes.append(_Write(now, journal))

    def _write_through(self, file: StateFile, journal: list[Change]) -> None:
        try:
            file.write(journal)
        except BaseException:
            self.tables.revert(journal)
            raise
