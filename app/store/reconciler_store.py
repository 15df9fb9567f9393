"""The store that the reconciler works with: each method one transaction, fenced by the leader's lease."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta

from cryptography.fernet import Fernet, MultiFernet
from sqlalchemy import Connection

from app.core.changes import Change, NameOf
from app.core.circumstances import Doubt, Silence, Source
from app.core.directory import Directory
from app.core.drift import DriftItem
from app.core.freshness import Verified
from app.core.guards import Objection
from app.core.identity import Kind, Principal
from app.core.plan import Plan
from app.core.policy import Policy
from app.core.policy_guards import Guards
from app.core.removals import Item
from app.core.returns import Return
from app.reconcile.ports import Dirty, Knowledge, OneTimeKey, Step
from app.store import abilities, credentials, freshness, held, inactivity, journal, queue, returns, snapshot, sources
from app.store.database import Database
from app.store.facts import LAST_SWEEP, TECTON, note_fact
from app.store.fencing import fenced_write
from app.store.knowledge import forget_knowledge, read_knowledge, write_step


class ReconcilerStore:
    """`app.reconcile.ports.Store` on SQL.

    `fence` is the fencing number of this process's lease; `sealer` encrypts one-time keys, None when
    there is no BRIDGE_SECRET_KEY; `address` is that of the Tecton in use.
    """

    def __init__(
        self,
        database: Database,
        clock: Callable[[], datetime],
        fence: int,
        sealer: Fernet | MultiFernet | None,
        address: str,
    ) -> None:
        self.database, self.clock, self.fence, self.sealer = database, clock, fence, sealer
        self.address = address

    @contextmanager
    def _fenced(self) -> Iterator[Connection]:
        """Open a write transaction that ends in `LostLease` when another process leads by now."""
        with fenced_write(self.database, self.fence) as connection:
            yield connection

    # ---------------------------------------------------------------- reading

    def load_directory(self, policy: Policy) -> Directory:
        """Return everything that was pushed."""
        with self.database.read() as connection:
            return snapshot.read_directory(connection, policy)

    def load_part(self, policy: Policy, resource_ids: Collection[str]) -> Directory:
        """Return these resources; one that was deleted is not in it."""
        with self.database.read() as connection:
            return snapshot.read_part(connection, policy, resource_ids)

    def groups_of(self, resource_ids: Collection[str]) -> set[str]:
        """Return the groups that have any of these resources as a member."""
        with self.database.read() as connection:
            return snapshot.groups_of(connection, resource_ids)

    def load_knowledge(self) -> Knowledge:
        """Return what is known of Tecton."""
        with self.database.read() as connection:
            return read_knowledge(connection, self.address)

    def removals_since(self, since: datetime) -> dict[str, int]:
        """Return how many removals of each kind were applied since then."""
        with self.database.read() as connection:
            return journal.removals_since(connection, since)

    def taken_since(self, since: datetime) -> frozenset[Change]:
        """Return the removals that were made, or tried, since then and not undone."""
        with self.database.read() as connection:
            return sources.taken_since(connection, since)

    def tried_since(self, since: datetime, principals: Collection[Principal]) -> dict[Principal, list[Change]]:
        """Return the changes that were tried on these principals since then, in their order: some may have failed."""
        with self.database.read() as connection:
            return sources.tried_since(connection, since, principals)

    def read_source(self, principals: Collection[Principal], guards: Guards) -> Source:
        """Return what is known of where the removals from these principals come from."""
        with self.database.read() as connection:
            return sources.read_source(connection, principals, guards, self.clock())

    def read_silence(self) -> Silence | None:
        """Return the time of which the database remembers nothing, until everything was looked at again."""
        with self.database.read() as connection:
            return sources.read_silence(connection)

    def inactive_accounts(self, since: datetime) -> frozenset[str]:
        """Return the Tecton ids of the service accounts that were seen deactivated at this time, and ever since."""
        with self.database.read() as connection:
            return inactivity.inactive_accounts(connection, since)

    # ---------------------------------------------------------------- pushes

    def take_in(self, policy: Policy, resource_ids: Collection[str] | None = None) -> list[Return]:
        """Note who pushed, and give people who came back what they had, before anything is decided."""
        now, source = self.clock(), policy.guards.source
        with self._fenced() as connection:
            sources.note_clients(connection, now, resource_ids)
            returns.end_spoken_for(connection, resource_ids)
            if resource_ids is None:
                returns.let_lapse(connection, policy.returns, now, source.new_client or timedelta(0))
            return returns.take_back(connection, policy.returns, now, resource_ids)

    def keep_doubt(self, doubt: Doubt | None) -> None:
        """Keep the removals that a silence made doubtful, in place of those that were."""
        with self._fenced() as connection:
            sources.keep_doubt(connection, doubt, self.clock())

    # ---------------------------------------------------------------- steps

    @property
    def can_seal(self) -> bool:
        """Tell whether a one-time key could be kept."""
        return self.sealer is not None

    def save(self, run_id: str, step: Step) -> None:
        """Store a step in one transaction.

        A one-time key is stored before anything else, encrypted, and also when another process leads by
        now: nobody else will ever get it.
        """
        now = self.clock()
        if step.one_time_key:
            with self.database.write() as connection:
                self._seal(connection, step.one_time_key, now)
        with self._fenced() as connection:
            write_step(connection, step, now)
            inactivity.note_activity(connection, step.records, now)
            journal.add_outcomes(connection, run_id, step.outcomes, now)

    def _seal(self, connection: Connection, key: OneTimeKey, now: datetime) -> None:
        if self.sealer is None:
            raise AssertionError("no service account is created while its key could not be kept")
        credentials.seal_key(connection, self.sealer, key, now)

    # ---------------------------------------------------------------- queue

    def due(self, now: datetime, limit: int) -> list[Dirty]:
        """Return the principals whose time has come, the longest waiting first."""
        with self.database.read() as connection:
            return queue.take_due(connection, now, limit)

    def settle(self, done: Collection[Dirty]) -> None:
        """Take these out of the queue, except those pushed again since."""
        with self._fenced() as connection:
            queue.settle(connection, done)

    def postpone(self, item: Dirty, error: str, *, now: datetime, next_at: datetime, attempts: int) -> None:
        """Keep a principal in the queue, or put it there, with its error and the time of its next try."""
        with self._fenced() as connection:
            queue.postpone(connection, item, error, now=now, next_at=next_at, attempts=attempts)

    # ---------------------------------------------------------------- plans, drift, evidence

    def read_held(self) -> dict[Item, Objection]:
        """Return what guards hold until somebody decides, with what they objected."""
        with self.database.read() as connection:
            return held.read_held(connection)

    def keep_held(self, kept: Mapping[Item, Objection], ended: Collection[Item]) -> None:
        """Note what is held from now on, and what is not any more."""
        with self._fenced() as connection:
            held.keep_held(connection, kept, ended, self.clock())

    def keep_plan(
        self, run_id: str, plan: Plan, status: str, objections: Collection[Objection], name_of: NameOf
    ) -> None:
        """Store a plan before the first write."""
        with self._fenced() as connection:
            journal.keep_plan(connection, run_id, plan, status, objections, name_of, self.clock())

    def keep_objection(self, run_id: str, fingerprint: str, objection: Objection) -> None:
        """Store why a run changed nothing at all."""
        with self._fenced() as connection:
            journal.keep_objection(connection, run_id, fingerprint, objection, self.clock())

    def supersede_plans(self, except_for: str) -> None:
        """Say of every other open plan that a newer one took its place."""
        with self._fenced() as connection:
            journal.supersede_plans(connection, except_for)

    def close_plan(self, fingerprint: str, status: str, approved_by: str | None = None) -> None:
        """Say what became of a plan."""
        with self._fenced() as connection:
            journal.close_plan(connection, fingerprint, status, approved_by)

    def replace_drift(self, items: Iterable[DriftItem], principals: Collection[Principal] | None) -> None:
        """Record drift of these principals, or (None) all there is."""
        with self._fenced() as connection:
            journal.replace_drift(connection, items, principals, self.clock())

    def note_verified(
        self, keys: Collection[tuple[Kind, str]] | None, modified: Mapping[tuple[Kind, str], str], at: datetime
    ) -> None:
        """Record that these objects (None: all) and every scope were read at this time, and what the lists said."""
        with self._fenced() as connection:
            freshness.note_verified(connection, keys, at)
            freshness.note_modified(connection, modified)

    def forget_tecton(self) -> None:
        """Forget all that is known of Tecton: it was of another one."""
        with self._fenced() as connection:
            forget_knowledge(connection)

    def distrust_lists(self, kinds: Collection[Kind]) -> None:
        """Record that lists which were taken for whole are not."""
        with self._fenced() as connection:
            abilities.distrust_lists(connection, kinds)

    def note_privileged(self, keys: frozenset[tuple[Kind, str]]) -> None:
        """Record which objects are privileged."""
        with self._fenced() as connection:
            freshness.note_privileged(connection, keys)

    def load_verified(self) -> tuple[Verified, ...]:
        """Return how many objects of each class were last read when."""
        with self.database.read() as connection:
            return freshness.load_verified(connection)

    def note_evidence(self, run_id: str, mode: str, started_at: datetime, *, late: int = 0) -> None:
        """Record that all of Tecton's lists were read, starting at this time."""
        finished = self.clock()
        value = {
            "run_id": run_id,
            "mode": mode,
            "started_at": started_at.isoformat(),
            "finished_at": finished.isoformat(),
            "late": late,
            "tecton": self.address,
        }
        with self._fenced() as connection:
            note_fact(connection, LAST_SWEEP, value, finished)
            sources.end_silence(connection)

    def note_tecton(self, *, ok: bool, error: str = "") -> None:
        """Record whether Tecton answered."""
        with self._fenced() as connection:
            note_fact(connection, TECTON, {"ok": ok, "error": error}, self.clock())
