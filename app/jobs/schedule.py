"""The schedule: when the worker ticks, when the lease is renewed, when a sweep is asked for."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from app.jobs.worker import Worker
from app.store import journal
from app.store.database import Database, StoreError
from app.store.leases import LEASE_TIME

log = structlog.get_logger("jobs")

TICK = 0.2  # seconds: how soon a due row of the queue, or an asked-for run, is taken up
CHORE_TICK = 1.0  # seconds: how soon a key is delivered, a rotation goes on, a probe is asked


class Schedule:
    """APScheduler around one worker.

    Several processes may each have one: only the leader's worker does anything, so the schedulers need
    not know of each other.
    """

    def __init__(
        self,
        worker: Worker,
        database: Database,
        clock: Callable[[], datetime],
        sweep_interval: timedelta,
        chores: Sequence[Callable[[], object]] = (),
    ) -> None:
        self.worker, self.database, self.clock = worker, database, clock
        # A tick that outlasts the next one is how a sweep works, nothing to warn of.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self.scheduler = BackgroundScheduler(
            timezone="UTC",
            executors={"default": ThreadPoolExecutor(3 + len(chores))},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self.scheduler.add_job(self._guarded(worker.tick), "interval", seconds=TICK)
        self.scheduler.add_job(self._guarded(worker.renew), "interval", seconds=LEASE_TIME.total_seconds() / 5)
        self.scheduler.add_job(
            self._guarded(self.ask_for_sweep),
            "interval",
            seconds=sweep_interval.total_seconds(),
            next_run_time=clock(),
        )
        for chore in chores:
            self.scheduler.add_job(self._guarded(chore), "interval", seconds=CHORE_TICK)

    def start(self) -> None:
        """Begin; the first sweep is asked for at once."""
        self.scheduler.start()

    def stop(self) -> None:
        """End: no new work, the call under way is waited for, the lease is given back. Nothing if not started."""
        if not self.scheduler.running:
            return
        self.worker.stop()
        self.scheduler.shutdown(wait=True)
        self.worker.release()

    def ask_for_sweep(self) -> None:
        """Ask for a sweep, unless one waits or is under way."""
        with self.database.write() as connection:
            if not journal.has_open_sweep(connection):
                journal.request_run(connection, "sweep", journal.SCHEDULE, self.clock())

    @staticmethod
    def _guarded(work: Callable[[], object]) -> Callable[[], None]:
        """Return the work with its errors logged: an exception must not end a schedule for good."""

        def run() -> None:
            try:
                work()
            except StoreError as error:
                log.error("the database cannot be used", error=str(error))
            except Exception:
                log.exception("a scheduled piece of work failed; it is tried again at its next time")

        return run
