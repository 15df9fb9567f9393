"""Whether a push would be stored, found out by storing something."""

from __future__ import annotations

from datetime import datetime, timedelta

from app.store.database import Database
from app.store.facts import WRITE_CHECK, note_fact

EVERY = timedelta(seconds=5)


class WriteCheck:
    """Writes one row to a database, and waits for the disk, as a push does; at most once in five seconds.

    Nothing less tells: what is rolled back never reaches a full disk. It waits for another writer no longer
    and no shorter than a push, and is over in one write to the disk.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self._written_at: datetime | None = None

    def __call__(self, now: datetime) -> None:
        """Raise `StoreError` when nothing can be stored."""
        if self._written_at is not None and timedelta(0) <= now - self._written_at < EVERY:
            return
        with self.database.write() as connection:
            note_fact(connection, WRITE_CHECK, True, now)
        self._written_at = now
