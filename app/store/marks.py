"""Marking principals dirty in the transaction of a push: `app.store.queue.mark_dirty` at driver speed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from app.store.sql import Session

# A principal already waiting keeps its place, unless this mark is due earlier; a waiting retry is
# forgotten, since the push may have mended what failed.
_MARK = """
INSERT INTO dirty (kind, id, generation, dirty_since, next_at, attempts)
VALUES (:kind, :id, 1, :now, :next_at, 0)
ON CONFLICT (kind, id) DO UPDATE SET
  generation = dirty.generation + 1,
  next_at = CASE WHEN dirty.attempts = 0 AND dirty.next_at < excluded.next_at
                 THEN dirty.next_at ELSE excluded.next_at END,
  attempts = 0,
  last_error = NULL
"""

KINDS = {"User": "user", "Group": "group", "ServiceAccount": "service_account"}


def mark(session: Session, principals: Iterable[tuple[str, str]], *, now: datetime, window: timedelta) -> None:
    """Mark principals, as (resource type, id), to be reconciled `window` from now.

    Rows are touched in one order, so that two pushes cannot wait for each other.
    """
    for resource_type, id_ in sorted(set(principals)):
        session.run(_MARK, {"kind": KINDS[resource_type], "id": id_, "now": now, "next_at": now + window})
