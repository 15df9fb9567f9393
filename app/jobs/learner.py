"""The start-up probe: what the Tecton at hand can do is found out when this process begins to lead, and once a day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from app.core.abilities import Finding
from app.reconcile.ports import TectonError
from app.store.abilities import note_abilities, read_abilities
from app.store.database import Database
from app.store.fencing import fenced_write
from app.tecton import TectonService

log = structlog.get_logger("jobs")

EVERY = timedelta(days=1)
# After a try that failed: a sick Tecton has better to do.
AGAIN = timedelta(minutes=10)


class Learner:
    """Learns by reading alone, and keeps what was found in the database; `fence` is the lease's number."""

    def __init__(
        self, database: Database, tecton: TectonService, address: str, clock: Callable[[], datetime], fence: int
    ) -> None:
        self.database, self.tecton, self.address = database, tecton, address
        self.clock, self.fence = clock, fence
        self._next_at: datetime | None = None
        self._echo: Finding | None = None

    def tick(self) -> None:
        """Learn what is due; keep what a change told in passing since."""
        now = self.clock()
        if self._next_at is None or now >= self._next_at:
            self._next_at = now + (EVERY if self._learn(now) else AGAIN)
        elif (echo := self.tecton.echo()) and echo != self._echo:
            self._keep_echo(echo)

    def _learn(self, now: datetime) -> bool:
        try:
            found = self.tecton.learn(self.address, now)
        except TectonError as error:
            log.warning("could not learn what this tecton can do", error=str(error))
            return False
        with fenced_write(self.database, self.fence) as connection:
            note_abilities(connection, found.keeping(read_abilities(connection, self.address)))
        log.info("learned what this tecton can do", plan=found.plan())
        return True

    def _keep_echo(self, echo: Finding) -> None:
        with fenced_write(self.database, self.fence) as connection:
            if known := read_abilities(connection, self.address):
                note_abilities(connection, known.with_finding(echo))
                self._echo = echo
