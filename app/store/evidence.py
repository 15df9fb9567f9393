"""Everything that is known about whether Tecton equals the desired state. Every function only reads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, func, select, union

from app.core.drift import DriftClass
from app.core.freshness import Verified
from app.store.database import Database
from app.store.facts import LAST_SWEEP, POLICY, TECTON, read_fact
from app.store.freshness import load_verified
from app.store.key_troubles import NO_TROUBLES, KeyTroubles, load_key_troubles
from app.store.leases import Lease, read_lease
from app.store.tables import dirty, drift, facts, plans, runs


@dataclass(frozen=True, slots=True)
class Sweep:
    """The last look at all of Tecton's lists, and at as many objects as there were calls for.

    It speaks for the moment it started. `late` objects will be older than they should before the next one.
    """

    run_id: str
    mode: str
    started_at: datetime
    finished_at: datetime
    late: int = 0


@dataclass(frozen=True, slots=True)
class Contact:
    """How the last try to reach Tecton went; `at` is None before the first."""

    ok: bool | None = None
    error: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many principals wait to be looked at; `retrying` of them failed before."""

    count: int = 0
    oldest_since: datetime | None = None
    retrying: int = 0


@dataclass(frozen=True, slots=True)
class HeldPlan:
    """A plan that waits for a person."""

    fingerprint: str
    made_at: datetime
    objections: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class LastTry:
    """The sweep that was asked for last, complete or not."""

    run_id: str
    status: str
    requested_at: datetime
    error: str | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that is known about whether Tecton equals the desired state, as of one moment."""

    counts: dict[DriftClass, int]
    waiting: Waiting = Waiting()
    failing: int = 0  # principals
    sweep: Sweep | None = None
    last_try: LastTry | None = None
    tecton: Contact = Contact()
    policy: dict[str, Any] | None = None
    lease: Lease | None = None
    held: tuple[HeldPlan, ...] = ()
    verified: tuple[Verified, ...] = ()  # how many objects were last read when
    keys: KeyTroubles = NO_TROUBLES

    @property
    def verified_at(self) -> datetime | None:
        """The moment for which all of the evidence speaks: that of the oldest of it, None before there is any."""
        if self.sweep is None:
            return None
        return min([self.sweep.started_at, *(of.at for of in self.verified)])


@contextmanager
def snapshot(database: Database) -> Iterator[Connection]:
    """Yield a connection that sees one moment, however many queries it runs.

    Otherwise a sweep that ends between two queries could lend its fresh time to older counts.
    """
    with database.read() as connection:
        if database.is_sqlite:
            connection.connection.cursor().execute("BEGIN")
        else:
            connection.execution_options(isolation_level="REPEATABLE READ")
        yield connection


def answer(connection: Connection) -> None:
    """Ask the database the least that it can answer."""
    connection.execute(select(1))


def load_evidence(connection: Connection) -> Evidence:
    """Return the evidence. Take a connection from `snapshot`."""
    known = _load_facts(connection)
    sweep, policy = known.get(LAST_SWEEP), known.get(POLICY)
    return Evidence(
        counts=count_drift(connection),
        waiting=_load_waiting(connection),
        failing=_count_failing(connection),
        sweep=_sweep_of(sweep.value) if sweep else None,
        last_try=_load_last_try(connection),
        tecton=_contact_of(known.get(TECTON)),
        policy=policy.value if policy else None,
        lease=read_lease(connection),
        held=_load_held(connection),
        verified=load_verified(connection),
        keys=load_key_troubles(connection),
    )


def read_verified_at(connection: Connection) -> datetime | None:
    """Return the moment for which all that was read of Tecton speaks, None before it was read whole."""
    sweep = read_fact(connection, LAST_SWEEP)
    known = Evidence({}, sweep=_sweep_of(sweep) if sweep else None, verified=load_verified(connection))
    return known.verified_at


def _load_facts(connection: Connection) -> dict[str, Any]:
    wanted = select(facts).where(facts.c.name.in_((LAST_SWEEP, TECTON, POLICY)))
    return {row.name: row for row in connection.execute(wanted)}


def _contact_of(fact: Any) -> Contact:
    return Contact(fact.value["ok"], fact.value.get("error") or "", fact.at) if fact else Contact()


def _sweep_of(value: dict[str, Any]) -> Sweep:
    started, finished = (_parse_time(value[name]) for name in ("started_at", "finished_at"))
    return Sweep(value["run_id"], value["mode"], started, finished, value.get("late", 0))


def _parse_time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _load_waiting(connection: Connection) -> Waiting:
    retrying = func.coalesce(func.sum(case((dirty.c.attempts > 0, 1), else_=0)), 0)
    summed = select(func.count(), func.min(dirty.c.dirty_since), retrying).select_from(dirty)
    count, oldest_since, number = connection.execute(summed).one()
    return Waiting(count, oldest_since, int(number))


def _count_failing(connection: Connection) -> int:
    """Count principals, each once, whether a sweep or the queue met the failure, and as what."""
    failing = class_column() == DriftClass.FAILING.value
    recorded = select(drift.c.principal_id).where(failing)
    queued = select(dirty.c.id).where(dirty.c.last_error.is_not(None))
    principals = union(recorded, queued).subquery()
    return int(connection.execute(select(func.count()).select_from(principals)).scalar_one())


def _load_last_try(connection: Connection) -> LastTry | None:
    columns = (runs.c.id, runs.c.status, runs.c.requested_at, runs.c.error)
    newest = select(*columns).where(runs.c.purpose == "sweep").order_by(runs.c.requested_at.desc()).limit(1)
    row = connection.execute(newest).first()
    return LastTry(*row) if row else None


def _load_held(connection: Connection) -> tuple[HeldPlan, ...]:
    columns = (plans.c.fingerprint, plans.c.made_at, plans.c.objections)
    held = select(*columns).where(plans.c.status == "held").order_by(plans.c.made_at.desc())
    return tuple(HeldPlan(name, at, tuple(reasons)) for name, at, reasons in connection.execute(held))


def class_column() -> ColumnElement[str]:
    """Return the class of a row of `drift`, which is inside its JSON, as an SQL expression."""
    column: ColumnElement[str] = drift.c.item["class"].as_string()
    return column


def count_drift(connection: Connection) -> dict[DriftClass, int]:
    """Return the number of differences of every class, zeros included."""
    counted = select(class_column().label("drift_class"), func.count()).group_by("drift_class")
    counts = dict.fromkeys(DriftClass, 0)
    counts.update({DriftClass(name): number for name, number in connection.execute(counted)})
    return counts
