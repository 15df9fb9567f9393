"""What the admin room reads of drift and of the dirty queue. Every function only reads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, case, func, or_, select

from app.core.drift import DriftClass
from app.store.evidence import Evidence, class_column, count_drift, load_evidence, snapshot
from app.store.tables import dirty, drift, resources

__all__ = [
    "CLASS_ORDER",
    "Difference",
    "DriftFilter",
    "Evidence",
    "WaitingPrincipal",
    "count_differences",
    "count_drift",
    "list_differences",
    "list_waiting",
    "load_evidence",
    "snapshot",
    "to_difference",
]

# What matters most to somebody who reads them, first.
CLASS_ORDER = (
    DriftClass.EXTRA,
    DriftClass.MISSING,
    DriftClass.FAILING,
    DriftClass.NOT_EFFECTIVE,
    DriftClass.PROBE_FAILED,
    DriftClass.CONFLICT,
    DriftClass.CHANGED,
    DriftClass.BLOCKED,
    DriftClass.PENDING,
    DriftClass.UNMANAGED,
    DriftClass.INHERITED,
)


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

    @property
    def reason(self) -> str:
        """Why it fails; empty when nothing failed."""
        ineffective = self.drift_class is DriftClass.NOT_EFFECTIVE
        return self.error or ("Tecton answered that it was done, and it is not" if ineffective else "")


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


def count_differences(connection: Connection, wanted: DriftFilter) -> int:
    """Return how many differences the filter selects."""
    return int(connection.execute(_where(select(func.count()).select_from(drift), wanted)).scalar_one())


def list_differences(connection: Connection, wanted: DriftFilter, *, limit: int, offset: int = 0) -> list[Difference]:
    """Return the differences that the filter selects, what matters most first; the order is total."""
    rank = case({drift_class.value: number for number, drift_class in enumerate(CLASS_ORDER)}, value=class_column())
    name = func.lower(drift.c.item["name"].as_string())
    listed = _where(select(drift), wanted).order_by(rank, name, drift.c.key)
    return [to_difference(row) for row in connection.execute(listed.limit(limit).offset(offset))]


def _where(query: Select[Any], wanted: DriftFilter) -> Select[Any]:
    if wanted.classes:
        query = query.where(class_column().in_([drift_class.value for drift_class in wanted.classes]))
    if wanted.kind:
        query = query.where(drift.c.kind == wanted.kind)
    if wanted.text:
        places = (drift.c.item[name].as_string() for name in ("name", "sentence"))
        query = query.where(or_(*(place.icontains(wanted.text, autoescape=True) for place in places)))
    return query


def to_difference(row: Any) -> Difference:
    """Return the difference that a row of `drift` holds."""
    item = row.item
    return Difference(
        row.key,
        DriftClass(item["class"]),
        row.kind,
        row.principal_id,
        item["name"],
        item["sentence"],
        tuple(item["wanted_by"]),
        item["error"],
        row.since,
    )


def list_waiting(connection: Connection, *, limit: int) -> list[WaitingPrincipal]:
    """Return the principals that wait, the longest waiting first."""
    pushed = dirty.outerjoin(resources, resources.c.id == dirty.c.id)
    columns = (dirty.c.kind, dirty.c.id, resources.c.name, dirty.c.dirty_since, dirty.c.next_at)
    listed = select(*columns, dirty.c.attempts, dirty.c.last_error).select_from(pushed)
    rows = connection.execute(listed.order_by(dirty.c.dirty_since, dirty.c.id).limit(limit))
    return [WaitingPrincipal(*row) for row in rows]
