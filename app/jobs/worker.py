"""The worker: takes the lease, and does what is due: asked-for runs, and the dirty queue."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

import structlog

from app.core.policy_text import PolicyError
from app.jobs.quarantine import Quarantine
from app.reconcile.ports import LostLease, Tecton, TectonError
from app.reconcile.reconciler import Reconciler
from app.reconcile.report import Budget, Report, Run
from app.store import journal, leases
from app.store.database import Database, StoreError
from app.store.queue import next_due, take_due

log = structlog.get_logger("jobs")

DRAIN_LIMIT = 2000
GLANCE = timedelta(milliseconds=20)  # how often a sweep looks between its calls whether something urgent came

MakeReconciler = Callable[[int], Reconciler]


class Worker:
    """Leads while it can, and works while it leads. `tick` does what is due and returns.

    `make_reconciler` takes the fencing number of the lease; `tecton` gives a counted Tecton for a run. A
    scheduled sweep keeps to `sweep_budget`, one that a person asks for reads everything.
    Nothing here runs in parallel: between two calls of a sweep, the dirty queue is drained.
    """

    def __init__(
        self,
        database: Database,
        make_reconciler: MakeReconciler,
        tecton: Callable[[], Tecton],
        clock: Callable[[], datetime],
        sweep_budget: Budget | None = None,
    ) -> None:
        self.database, self.clock, self.sweep_budget = database, clock, sweep_budget
        self.make_reconciler, self.tecton = make_reconciler, tecton
        self.holder = leases.holder_name()
        self.reconciler: Reconciler | None = None
        self.fence: int | None = None
        self._leads_until: datetime | None = None
        self.quarantine = Quarantine(clock)
        self._glanced_at = clock()
        self._stopping = threading.Event()
        self._lease_lock = threading.Lock()  # the schedule renews from another thread than it ticks

    # ---------------------------------------------------------------- leading

    def renew(self) -> bool:
        """Take or keep the lease; return whether this process leads now."""
        with self._lease_lock:
            now = self.clock()
            with self.database.write() as connection:
                fence = leases.acquire(connection, self.holder, now)
            if fence is None:
                self._resign()
                return False
            if fence != self.fence:
                self._lead(fence)
            self._leads_until = now + leases.LEASE_TIME
            return True

    def _lead(self, fence: int) -> None:
        self.fence = fence
        with self.database.write() as connection:
            journal.abandon_runs(connection, self.clock())
        self.reconciler = self.make_reconciler(fence)
        log.info("leads", fence=fence)

    def _resign(self) -> None:
        if self.fence is not None:
            log.info("leads no more", fence=self.fence)
        self.fence = self.reconciler = self._leads_until = None

    @property
    def leads(self) -> bool:
        """Tell whether the lease is surely still ours: not only that nobody took it, but that it did not run out."""
        return self._leads_until is not None and self.clock() < self._leads_until

    def stop(self) -> None:
        """Stop before the next call to Tecton; what was done until then is recorded."""
        self._stopping.set()

    def release(self) -> None:
        """Give the lease back, so that the next process leads at once."""
        with self.database.write() as connection:
            leases.release(connection, self.holder, self.clock())
        self._resign()

    # ---------------------------------------------------------------- working

    def tick(self) -> None:
        """Do what is due: every run that is asked for, then the dirty queue."""
        if self._stopping.is_set() or not (self.leads or self.renew()):
            return
        try:
            while self._take_request():
                self._between_calls()
            self.drain_due()
        except (LostLease, _Stopping):
            self._resign()
        except PolicyError as error:
            log.error("cannot work", error=str(error))
        except StoreError as error:
            log.error("cannot work", error=str(error))
            self._resign()
        except Exception:
            # What is in memory may differ from the database: the next tick begins anew from what is stored.
            self._resign()
            raise

    def _take_request(self) -> bool:
        with self.database.read() as connection:
            request = journal.next_request(connection)
        if request is None or self.reconciler is None:
            return False
        self._carry_out(request.id, request.purpose, request.approve, request.requested_by)
        return True

    def _carry_out(self, run_id: str, purpose: Any, approve: str | None, asked_by: str) -> None:
        with self.database.write() as connection:
            journal.start_run(connection, run_id, self.clock(), self.fence or 0)
        budget = self.sweep_budget if asked_by == journal.SCHEDULE else None
        run = Run(run_id, purpose, self.tecton(), approve, asked_by, budget)
        try:
            with self._ending(run_id):
                report = self._require_reconciler().sweep(run, self._between_calls)
                self._finish(run_id, report, None)
            self._heed(report)
        except TectonError as error:
            log.warning("run failed", run=run_id, purpose=purpose, error=str(error))
            self.quarantine.note_failure(str(error))
        except PolicyError as error:
            log.warning("run failed", run=run_id, purpose=purpose, error=str(error))

    @contextmanager
    def _ending(self, run_id: str) -> Iterator[None]:
        """Record why a run ended without a report: while one stays open, no sweep is asked for."""
        try:
            yield
        except (TectonError, PolicyError, StoreError) as error:
            self._finish(run_id, None, str(error))
            raise
        except LostLease as error:
            self._finish(run_id, None, str(error))
            raise
        except _Stopping:
            self._finish(run_id, None, "the process that ran it stopped before it ended")
            raise
        except Exception as error:
            self._finish(run_id, None, f"an error in the bridge itself, see its log: {type(error).__name__}")
            raise

    def _finish(self, run_id: str, report: Report | None, error: str | None) -> None:
        with self.database.write() as connection:
            summary = report.as_json() if report else None
            journal.finish_run(connection, run_id, self.clock(), summary=summary, error=error)
        if report:
            log.info("run done", run=run_id, purpose=report.purpose, planned=report.planned, applied=report.applied,
                     failed=report.failed, held=report.held, reads=report.reads, writes=report.writes)  # fmt: skip

    def _between_calls(self) -> None:
        """Let what is urgent come in between two calls of a sweep, and stop where stopping is asked for."""
        self._insist()
        # Hundreds of calls end in a second; a clock that stands still makes each a moment of its own.
        now = self.clock()
        if not timedelta(0) < now - self._glanced_at < GLANCE:
            self._glanced_at = now
            self.drain_due()

    def _insist(self) -> None:
        """Raise where no call may be begun any more: stopping is asked for, or the lease ran out."""
        if self._stopping.is_set():
            raise _Stopping
        if not self.leads:
            raise LostLease("the lease ran out in the middle of a run")

    def drain_due(self) -> None:
        """Reconcile the principals whose time has come."""
        now = self.clock()
        if self.quarantine.rests:
            return
        reconciler = self._require_reconciler()
        with self.database.read() as connection:
            due_at = next_due(connection)
            limit = 1 if self.quarantine.is_on else DRAIN_LIMIT
            due = take_due(connection, now, limit) if due_at and due_at <= now else []
        if not due or not reconciler.has_evidence:
            # Before Tecton was read whole once, nobody is linked: whoever is there already would be made twice.
            return
        with self.database.write() as connection:
            run_id = journal.request_run(connection, "drain", "queue", now)
            journal.start_run(connection, run_id, now, self.fence or 0)
        try:
            with self._ending(run_id):
                report = reconciler.drain(Run(run_id, "drain", self.tecton()), due, self._insist)
                self._finish_drain(run_id, report)
        except TectonError as error:
            self.quarantine.note_failure(str(error))
        except PolicyError as error:
            log.error("cannot work", error=str(error))
        else:
            self._heed(report)

    def _finish_drain(self, run_id: str, report: Report) -> None:
        """Keep a drain that had something to change; a push that changes nothing in Tecton is no news."""
        if report.planned:
            self._finish(run_id, report, None)
            return
        with self.database.write() as connection:
            journal.drop_run(connection, run_id)

    def _heed(self, report: Report) -> None:
        """A Tecton that cannot be worked with is asked less and less often; a run that asked nothing tells nothing."""
        if report.halted or (report.in_vain and self.quarantine.is_on):
            self.quarantine.note_failure("; ".join(report.notes[-1:]))
        elif report.reads or report.writes:
            self.quarantine.note_answer()

    def _require_reconciler(self) -> Reconciler:
        if self.reconciler is None:
            raise LostLease("this process does not lead")
        return self.reconciler

    def run_once(self, run_id: str) -> None:
        """Lead for just one asked-for run (a command while no worker runs), then give the lease back.

        Raise `LostLease` when another process leads.
        """
        if not self.renew():
            raise LostLease("another process leads")
        with suppress(LostLease), self._keeping_the_lease():
            while self._take_request():
                pass

    @contextmanager
    def _keeping_the_lease(self) -> Iterator[None]:
        """Renew the lease while a block runs that no schedule stands behind; give it back at the end."""
        over = threading.Event()

        def renew() -> None:
            while not over.wait(leases.LEASE_TIME.total_seconds() / 5):
                self.renew()

        renewing = threading.Thread(target=renew, daemon=True)
        renewing.start()
        try:
            yield
        finally:
            over.set()
            renewing.join()
            self.release()


class _Stopping(Exception):
    """The process is asked to stop."""
