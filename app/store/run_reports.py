"""What the admin room reads of runs: what was asked for, planned and done. Every function only reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, case, func, select

from app.store.tables import outcomes, plans, runs


@dataclass(frozen=True, slots=True)
class Run:
    """One run; `summary` is None until it is done."""

    id: str
    purpose: str
    requested_by: str
    requested_at: datetime
    status: str
    started_at: datetime | None
    finished_at: datetime | None
    summary: dict[str, Any] | None
    error: str | None


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs: of a purpose, of a status."""

    purpose: str | None = None
    status: str | None = None


@dataclass(frozen=True, slots=True)
class ObjectOutcome:
    """What became of the changes to one object, in one run."""

    kind: str
    principal_id: str
    name: str
    changes: tuple[str, ...]
    removal: bool
    status: str
    error: str
    at: datetime


class PlanOfRun(NamedTuple):
    """A plan, named."""

    fingerprint: str
    status: str


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """A plan as it was stored: its changes as sentences, and how many of each sort."""

    fingerprint: str
    run_id: str
    made_at: datetime
    status: str
    approved_by: str | None
    changes: tuple[str, ...]
    sorts: dict[str, int]
    objections: tuple[dict[str, Any], ...]


_RUN = tuple(runs.c[name] for name in Run.__slots__)
_OUTCOME = tuple(outcomes.c[name] for name in ObjectOutcome.__slots__)


def count_runs(connection: Connection, wanted: RunFilter) -> int:
    """Return how many runs the filter selects."""
    return int(connection.execute(_where(select(func.count()).select_from(runs), wanted)).scalar_one())


def count_runs_by_status(connection: Connection) -> dict[tuple[str, str], int]:
    """Return the number of runs per (purpose, status)."""
    counted = select(runs.c.purpose, runs.c.status, func.count()).group_by(runs.c.purpose, runs.c.status)
    return {(purpose, status): number for purpose, status, number in connection.execute(counted)}


def list_runs(connection: Connection, wanted: RunFilter, *, limit: int, offset: int = 0) -> list[Run]:
    """Return the runs that the filter selects, the newest first."""
    listed = _where(select(*_RUN), wanted).order_by(runs.c.requested_at.desc(), runs.c.id.desc())
    return [Run(*row) for row in connection.execute(listed.limit(limit).offset(offset))]


def _where(query: Select[Any], wanted: RunFilter) -> Select[Any]:
    if wanted.purpose:
        query = query.where(runs.c.purpose == wanted.purpose)
    if wanted.status:
        query = query.where(runs.c.status == wanted.status)
    return query


def find_run(connection: Connection, run_id: str) -> Run | None:
    """Return one run, None when there is none of that id."""
    row = connection.execute(select(*_RUN).where(runs.c.id == run_id)).first()
    return Run(*row) if row else None


def count_outcomes(connection: Connection, run_id: str) -> dict[str, int]:
    """Return the number of objects per status of their outcome."""
    counted = select(outcomes.c.status, func.count()).where(outcomes.c.run_id == run_id)
    return {row.status: row[1] for row in connection.execute(counted.group_by(outcomes.c.status))}


def list_outcomes(connection: Connection, run_id: str, *, limit: int, offset: int = 0) -> list[ObjectOutcome]:
    """Return what became of each object in a run: what went wrong first, then in the order of the run."""
    wrong_first = case((outcomes.c.status == "applied", 1), else_=0)
    listed = select(*_OUTCOME).where(outcomes.c.run_id == run_id).order_by(wrong_first, outcomes.c.id)
    return [to_outcome(row) for row in connection.execute(listed.limit(limit).offset(offset))]


def to_outcome(row: Any) -> ObjectOutcome:
    """Return the outcome that a row of `outcomes` holds."""
    values = dict(row._mapping)
    values |= {"changes": tuple(values["changes"]), "error": values["error"] or ""}
    return ObjectOutcome(**values)


def list_plans_of(connection: Connection, run_id: str) -> list[PlanOfRun]:
    """Return the plans that a run made."""
    columns = (plans.c.fingerprint, plans.c.status)
    listed = select(*columns).where(plans.c.run_id == run_id).order_by(plans.c.made_at)
    return [PlanOfRun(*row) for row in connection.execute(listed)]


def find_plan(connection: Connection, fingerprint: str) -> StoredPlan | None:
    """Return a stored plan, None when there is none of that fingerprint."""
    row = connection.execute(select(plans).where(plans.c.fingerprint == fingerprint)).first()
    if row is None:
        return None
    return StoredPlan(
        row.fingerprint,
        row.run_id,
        row.made_at,
        row.status,
        row.approved_by,
        tuple(change["sentence"] for change in row.changes),
        _count_sorts(row.changes),
        tuple(row.objections),
    )


def _count_sorts(changes: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    return dict(Counter(_sort(change["json"]) for change in changes))


def _sort(change: Mapping[str, Any]) -> str:
    """Name the sort of a stored change (the form is `app.core.changes.to_json`)."""
    if change["change"] == "member":
        return "members added" if change["added"] else "members removed"
    if change["change"] == "grant":
        return "roles granted" if change["added"] else "roles revoked"
    verb = "created" if change["before"] is None else "deleted" if change["after"] is None else "changed"
    return f"{change['principal'][0].replace('_', ' ')}s {verb}"
