"""Sealing the audit log, soon after its rows were added."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from app.store.audit import BATCH, seal
from app.store.database import Database
from app.store.fencing import fenced_write


class AuditSeal:
    """Seals what is not sealed yet: the leader alone, because a chain has one end."""

    def __init__(self, database: Database, clock: Callable[[], datetime], fence: int) -> None:
        self.database, self.clock, self.fence = database, clock, fence

    def tick(self) -> None:
        """Seal everything that waits, a batch at a time."""
        while self._seal_batch() == BATCH:
            pass

    def _seal_batch(self) -> int:
        with fenced_write(self.database, self.fence) as connection:
            return seal(connection, self.clock())
