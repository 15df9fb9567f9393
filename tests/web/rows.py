"""Made-up rows, written as the reconciler writes them."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert

from app.core.changes import Change, GrantChange
from app.core.drift import DriftClass, DriftItem
from app.core.guards import Objection
from app.core.identity import Grant, Kind, Level, Principal, Target
from app.core.plan import make_plan
from app.reconcile.ports import Outcome
from app.store import facts, journal
from app.store.database import Database
from app.store.tables import dirty, leases, observed, runs
from tests.conftest import Clock

ADA = Principal(Kind.USER, "u-ada")
EDITOR = Grant(Target(Level.WORKSPACE, "prod"), "editor")


class Rows:
    """Writes rows into a database at the time of a clock."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database, self.clock = database, clock

    def sweep(self, *, ago: timedelta = timedelta(minutes=4), late: int = 0, **summary: Any) -> str:
        """A complete sweep that started `ago`."""
        at = self.clock() - ago
        run_id = self.run("sweep", at=at, summary={"reads": 12, "duration_s": 2.5, **summary})
        value = {"run_id": run_id, "mode": "enforce", "started_at": at.isoformat(), "finished_at": at.isoformat()}
        self.fact(facts.LAST_SWEEP, {**value, "late": late})
        return run_id

    def run(
        self,
        purpose: str = "sweep",
        *,
        at: datetime | None = None,
        status: str = "done",
        summary: dict[str, Any] | None = None,
        error: str | None = None,
    ) -> str:
        """A run, and its id."""
        run_id, at = uuid.uuid4().hex, at or self.clock()
        values = {"id": run_id, "purpose": purpose, "requested_by": "schedule", "requested_at": at, "status": status}
        with self.database.write() as connection:
            connection.execute(insert(runs).values(**values, started_at=at, summary=summary, error=error))
        return run_id

    def fact(self, name: str, value: Any) -> None:
        """A fact, now."""
        with self.database.write() as connection:
            facts.note_fact(connection, name, value, self.clock())

    def observed(self, number: int, *, ago: timedelta, privileged: bool = False) -> None:
        """So many users in Tecton that were last read `ago`."""
        about = {"kind": "user", "record": {}, "verified_at": self.clock() - ago, "is_privileged": privileged}
        with self.database.write() as connection:
            rows = [{"tecton_id": uuid.uuid4().hex, **about} for _ in range(number)]
            connection.execute(insert(observed), rows)

    def drift(self, *items: DriftItem) -> None:
        """All the drift there is, since now."""
        with self.database.write() as connection:
            journal.replace_drift(connection, items, None, self.clock())

    def dirty(self, id_: str = "u-ada", *, attempts: int = 0, error: str | None = None) -> None:
        """A principal that waits since now."""
        times = {"dirty_since": self.clock(), "next_at": self.clock()}
        with self.database.write() as connection:
            connection.execute(
                insert(dirty).values(kind="user", id=id_, generation=1, attempts=attempts, last_error=error, **times)
            )

    def worker(self) -> None:
        """A worker that is alive for ten minutes."""
        until = self.clock() + timedelta(minutes=10)
        with self.database.write() as connection:
            connection.execute(insert(leases).values(name="leader", holder="m/n/1/1", fence=1, expires_at=until))

    def plan(
        self, run_id: str, changes: Collection[Change], *, objections: Collection[Objection] = (), status: str = "held"
    ) -> str:
        """A stored plan, and its fingerprint."""
        plan = make_plan(changes)
        with self.database.write() as connection:
            journal.keep_plan(connection, run_id, plan, status, objections, name_of, self.clock())
        return plan.fingerprint

    def outcome(
        self, run_id: str, name: str, sentence: str, *, kind: Kind = Kind.USER, status: str = "applied", error: str = ""
    ) -> None:
        """What became of the changes to one principal."""
        outcome = Outcome(Principal(kind, name), name, (), (sentence,), status, error)
        with self.database.write() as connection:
            journal.add_outcomes(connection, run_id, [outcome], self.clock())


def name_of(principal: Principal) -> str:
    """A name made of the id."""
    return f"{principal.id}@acme.com"


def difference(
    drift_class: DriftClass,
    name: str = "ada@acme.com",
    sentence: str = "",
    *,
    kind: Kind = Kind.USER,
    wanted_by: tuple[str, ...] = (),
    error: str = "",
) -> DriftItem:
    """One difference."""
    sentence = sentence or f"{kind.words} {name} should not hold editor on workspace prod"
    return DriftItem(drift_class, Principal(kind, f"id-of-{name}"), name, sentence, wanted_by, error)


def revoke(user: str) -> GrantChange:
    """A change that takes editor on prod from a user."""
    return GrantChange(Principal(Kind.USER, user), EDITOR, added=False)
