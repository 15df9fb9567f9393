"""A bridge whose calls to Tecton go over a `Wire`, and that goes on in another process after a crash."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import requests

from app.store import leases
from app.store.database import Database
from tests.conftest import Clock
from tests.reconcile.wire import Crash, Wire
from tests.rig import Rig


class WiredRig(Rig):
    """A rig whose calls to Tecton go over a `Wire`, and that goes on in another process after a crash."""

    def __init__(self, database: Database, clock: Clock, directory: Path, **settings: Any) -> None:
        self.wire: Wire | None = None
        self.crashes = 0
        self._processes = count(1)
        super().__init__(database, clock, directory, tecton_concurrency=1, **settings)

    def push(self, method: str, path: str, body: Any = None, *, status: int | None = None) -> Any:
        """Send a SCIM request a moment after the last: ids tell the time, and so have one order in every run."""
        self.clock.move(milliseconds=1)
        return super().push(method, path, body, status=status)

    def new_session(self) -> requests.Session:
        """Return a session over the wire, the same for every process."""
        self.wire = self.wire or Wire(self.sandbox)
        session = requests.Session()
        session.mount("http://", self.wire)
        return session

    def start_engine(self) -> Any:
        engine = super().start_engine()
        engine.worker.holder = f"another machine/1/{next(self._processes)}/1"
        return engine

    def go_on(self, work: Callable[[], Any]) -> Any:
        """Do some work; when the process dies in it, start another one and return None."""
        try:
            return work()
        except Crash:
            self.crashes += 1
            self.engine.close()
            assert self.wire
            self.wire.revive()
            self.clock.move(seconds=leases.LEASE_TIME.total_seconds() + 1)
            self.engine = self.start_engine()
            return None

    def sweep(self) -> dict[str, Any]:
        """Have a sweep done, however often it fails; return its report."""
        for _ in range(8):
            run = self.go_on(self.try_run)
            if run is not None and run.status == "done":
                report: dict[str, Any] = run.summary
                return report
            self.clock.move(minutes=1)
        raise AssertionError(f"no sweep gets through: {run}")

    def settle(self, rounds: int = 12) -> None:
        """Let time pass until nothing waits, or what waits waits for a sweep."""
        for _ in range(rounds):
            self.clock.move(seconds=3)
            self.go_on(self.engine.worker.tick)
            if not self.waiting():
                return
            self.clock.now = max(self.clock.now, self._next_due())

    def _next_due(self) -> Any:
        with self.database.read() as connection:
            from app.store.queue import next_due

            return next_due(connection) or self.clock.now

    def quiet(self) -> dict[str, Any]:
        """Sweep and settle until a sweep finds nothing to do; return its report."""
        for _ in range(8):
            self.settle()
            report = self.sweep()
            if report["planned"] == 0 and not self.waiting():
                return report
            self.clock.move(hours=1)
        raise AssertionError(f"it does not become quiet: {self.drift()}")
