"""Marking principals dirty in the transaction of a push: `app.store.queue.mark_dirty` at driver speed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from app.store.sql import Session

# A principal already waiting keeps its place, unless this mark is due earlier; a waiting retry is
# forgotten, since the push may have mended what failed.
_INTO = "INSERT INTO dirty (kind, id, generation, dirty_since, next_at, attempts)"
# A principal already waiting keeps its place, unless this mark is due earlier; a waiting retry is
# forgotten, since the push may have mended what failed.
_OR_AGAIN = """
ON CONFLICT (kind, id) DO UPDATE SET
  generation = dirty.generation + 1,
  next_at = CASE WHEN dirty.attempts = 0 AND dirty.next_at < excluded.next_at
                 THEN dirty.next_at ELSE excluded.next_at END,
  attempts = 0,
  last_error = NULL
"""
_MARK = f"{_INTO} VALUES (:kind, :id, 1, :now, :due, 0) {_OR_AGAIN}"
_MARK_MANY = _INTO + " SELECT x.kind, x.id, 1, CAST(:now AS TIMESTAMPTZ), CAST(:due AS TIMESTAMPTZ), 0"
_MARK_MANY += f" FROM unnest(CAST(:kinds AS TEXT[]), CAST(:ids AS TEXT[])) AS x(kind, id) {_OR_AGAIN}"

KINDS = {"User": "user", "Group": "group", "ServiceAccount": "service_account"}


def mark_from(table: str) -> str:
    """Return the statement that marks the `id`s of a table expression, of one `:kind`, `:due` at a time."""
    values = "CAST(:kind AS TEXT), id, 1, CAST(:now AS TIMESTAMPTZ), CAST(:due AS TIMESTAMPTZ), 0"
    return f"{_INTO} SELECT {values} FROM {table} WHERE TRUE {_OR_AGAIN}"  # noqa: S608 - names of ours only


def mark(session: Session, principals: Iterable[tuple[str, str]], *, now: datetime, window: timedelta) -> None:
    """Mark principals, as (resource type, id), to be reconciled `window` from now.

    Rows are touched in one order, so that two pushes cannot wait for each other.
    """
    rows = sorted({(KINDS[resource_type], id_) for resource_type, id_ in principals})
    due = {"now": now, "due": now + window}
    if len(rows) > 1 and not session.is_sqlite:
        kinds, ids = ([row[column] for row in rows] for column in (0, 1))
        session.run(_MARK_MANY, {"kinds": kinds, "ids": ids, **due})
        return
    for kind, id_ in rows:
        session.run(_MARK, {"kind": kind, "id": id_, **due})
