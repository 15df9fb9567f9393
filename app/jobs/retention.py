"""Once a day: what is older than the retention is deleted, a few runs at a time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from app.core.policy import Policy
from app.store.database import Database
from app.store.fencing import fenced_write
from app.store.retention import BATCH, delete_expired, delete_old_runs

log = structlog.get_logger("retention")

INTERVAL = timedelta(days=1)


class Retention:
    """Deletes old runs, and what has expired. Guards count removals over a window, which is never cut."""

    def __init__(
        self,
        database: Database,
        policy: Callable[[], Policy],
        clock: Callable[[], datetime],
        fence: int,
        *,
        keep: timedelta,
    ) -> None:
        self.database, self.policy, self.clock, self.fence = database, policy, clock, fence
        self.keep = keep
        self._next_at = clock()
        self._deleted = 0

    def tick(self) -> None:
        """Delete one batch, if the time has come; begin again a day after there was nothing left."""
        now = self.clock()
        if now < self._next_at:
            return
        before = now - max(self.keep, self.policy().guards.memory)
        with fenced_write(self.database, self.fence) as connection:
            number = delete_old_runs(connection, before)
            if number < BATCH:
                delete_expired(connection, now)
        self._deleted += number
        if number < BATCH:
            self._end(now)

    def _end(self, now: datetime) -> None:
        if self._deleted:
            log.info("old runs deleted", runs=self._deleted)
        self._next_at, self._deleted = now + INTERVAL, 0
