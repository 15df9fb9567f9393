"""The dirty queue: one row per principal that has to be looked at."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, case, delete, func, select

from app.reconcile.ports import Dirty
from app.store.tables import dirty
from app.store.upsert import insert_into


def mark_dirty(
    connection: Connection, principals: Iterable[tuple[str, str]], *, now: datetime, window: timedelta
) -> None:
    """Mark principals, as (kind, resource id), to be reconciled `window` from now.

    Call it in the transaction of the push. A principal already waiting keeps its place, unless this
    mark is due earlier (a removal of access: window 0). A waiting retry is forgotten: the push may
    have mended what failed.
    """
    rows = [
        {"kind": kind, "id": id_, "generation": 1, "dirty_since": now, "next_at": now + window, "attempts": 0}
        for kind, id_ in sorted(set(principals))
    ]
    if not rows:
        return
    insert = insert_into(connection, dirty)
    new = insert.excluded.next_at
    waits_already = and_(dirty.c.attempts == 0, dirty.c.next_at < new)
    statement = insert.on_conflict_do_update(
        index_elements=[dirty.c.kind, dirty.c.id],
        set_={
            "generation": dirty.c.generation + 1,
            "next_at": case((waits_already, dirty.c.next_at), else_=new),
            "attempts": 0,
            "last_error": None,
        },
    )
    connection.execute(statement, rows)


def next_due(connection: Connection) -> datetime | None:
    """Return when the next principal is due, None when none waits."""
    return connection.execute(select(func.min(dirty.c.next_at))).scalar_one_or_none()


def take_due(connection: Connection, now: datetime, limit: int) -> list[Dirty]:
    """Return the principals whose time has come, the longest due first; they stay in the queue."""
    columns = (dirty.c.kind, dirty.c.id, dirty.c.generation, dirty.c.dirty_since, dirty.c.attempts)
    statement = select(*columns).where(dirty.c.next_at <= now).order_by(dirty.c.next_at).limit(limit)
    return [Dirty(*row) for row in connection.execute(statement)]


def settle(connection: Connection, done: Collection[Dirty]) -> None:
    """Take these out of the queue, except those pushed again since."""
    for item in done:
        connection.execute(
            delete(dirty).where(dirty.c.kind == item.kind, dirty.c.id == item.id, dirty.c.generation == item.generation)
        )


def postpone(
    connection: Connection, item: Dirty, error: str, *, now: datetime, next_at: datetime, attempts: int
) -> None:
    """Keep a principal in the queue, or put it there, with its error (if any) and the time of its next try.

    One that was pushed again since, whose generation moved, keeps its own, earlier time.
    """
    values = {"next_at": next_at, "attempts": attempts, "last_error": error or None}
    insert = insert_into(connection, dirty)
    statement = insert.on_conflict_do_update(
        index_elements=[dirty.c.kind, dirty.c.id],
        set_={name: insert.excluded[name] for name in values},
        where=dirty.c.generation == item.generation,
    )
    key = {"kind": item.kind, "id": item.id, "generation": item.generation, "dirty_since": now}
    connection.execute(statement, {**key, **values})
