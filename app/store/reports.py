"""What the admin room reads of drift: the evidence, the differences, the queue. Every function only reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, inspect, literal, or_, select, union

from app.core.drift import DriftClass
from app.store.database import Database
from app.store.tables import dirty, drift, facts, leases, metadata, plans, resources, runs


@dataclass(frozen=True, slots=True)
class Sweep:
    """The last complete look at everything in Tecton; it speaks for the moment it started."""

    run_id: str
    mode: str
    started_at: datetime
    finished_at: datetime


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
    worker_until: datetime | None = None
    held: tuple[HeldPlan, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """One row of drift."""

    key: str
    drift_class: DriftClass
    kind: str
    principal_id: str
    name: str
    sentence: str
    wanted_by: tuple[str, ...]
    error: str
    since: datetime


@dataclass(frozen=True, slots=True)
class DriftFilter:
    """Which differences: of these classes (none: of all), of a kind, with a text in name or sentence."""

    classes: tuple[DriftClass, ...] = ()
    kind: str | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class WaitingPrincipal:
    """One row of the dirty queue; `name` is None when the resource is gone."""

    kind: str
    id: str
    name: str | None
    dirty_since: datetime
    next_at: datetime
    attempts: int
    last_error: str | None


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


def load_evidence(connection: Connection) -> Evidence:
    """Return the evidence. Take a connection from `snapshot`."""
    known = {row.name: row for row in connection.execute(select(facts))}
    tecton = known.get("tecton")
    policy = known.get("policy")
    return Evidence(
        counts=count_drift(connection),
        waiting=_load_waiting(connection),
        failing=_count_failing(connection),
        sweep=_sweep_of(known["last_sweep"].value) if "last_sweep" in known else None,
        last_try=_load_last_try(connection),
        tecton=Contact(tecton.value["ok"], tecton.value.get("error") or "", tecton.at) if tecton else Contact(),
        policy=policy.value if policy else None,
        worker_until=connection.execute(select(leases.c.expires_at).where(leases.c.name == "leader")).scalar(),
        held=_load_held(connection),
    )


def _sweep_of(value: dict[str, Any]) -> Sweep:
    started, finished = (_parse_time(value[name]) for name in ("started_at", "finished_at"))
    return Sweep(value["run_id"], value["mode"], started, finished)


def _parse_time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _load_waiting(connection: Connection) -> Waiting:
    retrying = func.coalesce(func.sum(case((dirty.c.attempts > 0, 1), else_=0)), 0)
    row = connection.execute(select(func.count(), func.min(dirty.c.dirty_since), retrying).select_from(dirty)).one()
    return Waiting(row[0], row[1], int(row[2]))


def _count_failing(connection: Connection) -> int:
    """Count principals, each once, whether a sweep or the queue met the failure."""
    recorded = select(drift.c.kind, drift.c.principal_id).where(_class() == DriftClass.FAILING.value)
    queued = select(dirty.c.kind, dirty.c.id).where(dirty.c.last_error.is_not(None))
    return connection.execute(select(func.count()).select_from(union(recorded, queued).subquery())).scalar_one()


def _load_last_try(connection: Connection) -> LastTry | None:
    columns = (runs.c.id, runs.c.status, runs.c.requested_at, runs.c.error)
    newest = select(*columns).where(runs.c.purpose == "sweep").order_by(runs.c.requested_at.desc()).limit(1)
    row = connection.execute(newest).first()
    return LastTry(*row) if row else None


def _load_held(connection: Connection) -> tuple[HeldPlan, ...]:
    columns = (plans.c.fingerprint, plans.c.made_at, plans.c.objections)
    held = select(*columns).where(plans.c.status == "held").order_by(plans.c.made_at.desc(), plans.c.fingerprint)
    return tuple(HeldPlan(row.fingerprint, row.made_at, tuple(row.objections)) for row in connection.execute(held))


def _class() -> ColumnElement[str]:
    return drift.c.item["class"].as_string()


def count_drift(connection: Connection) -> dict[DriftClass, int]:
    """Return the number of differences of every class, zeros included."""
    counted = select(_class().label("drift_class"), func.count()).group_by("drift_class")
    counts = dict.fromkeys(DriftClass, 0)
    counts.update({DriftClass(name): number for name, number in connection.execute(counted).tuples()})
    return counts


def count_differences(connection: Connection, wanted: DriftFilter) -> int:
    """Return how many differences the filter selects."""
    return connection.execute(_where(select(func.count()).select_from(drift), wanted)).scalar_one()


def list_differences(connection: Connection, wanted: DriftFilter, *, limit: int, offset: int = 0) -> list[Difference]:
    """Return the differences that the filter selects, by name; the order is the same every time."""
    name = drift.c.item["name"].as_string()
    listed = _where(select(drift), wanted).order_by(func.lower(name), drift.c.key).limit(limit).offset(offset)
    return [_difference(row) for row in connection.execute(listed)]


def _where(query: Select[Any], wanted: DriftFilter) -> Select[Any]:
    if wanted.classes:
        query = query.where(_class().in_([drift_class.value for drift_class in wanted.classes]))
    if wanted.kind:
        query = query.where(drift.c.kind == wanted.kind)
    if wanted.text:
        places = (drift.c.item[name].as_string() for name in ("name", "sentence"))
        query = query.where(or_(*(place.icontains(wanted.text, autoescape=True) for place in places)))
    return query


def _difference(row: Any) -> Difference:
    item = row.item
    wanted_by, error = tuple(item.get("wanted_by") or ()), item.get("error") or ""
    of_class = DriftClass(item["class"])
    return Difference(row.key, of_class, row.kind, row.principal_id, item["name"], item["sentence"], wanted_by, error, row.since)


def list_waiting(connection: Connection, *, limit: int) -> list[WaitingPrincipal]:
    """Return the principals that wait, the longest waiting first."""
    here = and_(resources.c.id == dirty.c.id)
    columns = (dirty.c.kind, dirty.c.id, resources.c.name, dirty.c.dirty_since, dirty.c.next_at)
    listed = select(*columns, dirty.c.attempts, dirty.c.last_error).select_from(dirty.outerjoin(resources, here))
    rows = connection.execute(listed.order_by(dirty.c.dirty_since, dirty.c.id).limit(limit))
    return [WaitingPrincipal(*row) for row in rows]


def missing_tables(connection: Connection) -> Sequence[str]:
    """Return the tables that the database lacks; none when it is migrated."""
    connection.execute(select(literal(1)))
    return sorted(metadata.tables.keys() - set(inspect(connection).get_table_names()))
