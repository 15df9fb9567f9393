"""What stands between what is desired for a principal and Tecton: a guard, a failure, a block, or just time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from app.core.drift import HELD, DriftClass
from app.core.identity import Kind, Principal
from app.store.tables import dirty, drift, plans


class Escrow(NamedTuple):
    """A principal that waits in the queue: for its first look, or, with an error, for its next try."""

    since: datetime
    next_at: datetime
    attempts: int
    last_error: str | None


def read_escrow(connection: Connection, principal: Principal) -> Escrow | None:
    """Return how a principal waits, None when it does not."""
    columns = (dirty.c.dirty_since, dirty.c.next_at, dirty.c.attempts, dirty.c.last_error)
    # The queue knows a pushed user, which may be a service account in Tecton.
    mine = select(*columns).where(dirty.c.kind.in_(list(Kind)), dirty.c.id == principal.id)
    row = connection.execute(mine.order_by(dirty.c.attempts.desc()).limit(1)).one_or_none()
    return Escrow(*row) if row else None


def obstacles(connection: Connection, principal: Principal) -> list[str]:
    """Return what is known to keep a principal's access from being as desired, one sentence each."""
    return [*_blocked(connection, principal), *_held(connection, principal), *_waiting(connection, principal)]


def _is(kind: Any, id_: Any, principal: Principal) -> tuple[Any, Any]:
    return kind == principal.kind.value, id_ == principal.id


def _blocked(connection: Connection, principal: Principal) -> Iterator[str]:
    rows = connection.execute(select(drift.c.item).where(*_is(drift.c.kind, drift.c.principal_id, principal)))
    for item in rows.scalars():
        # What is held tells its plan, below.
        if item["class"] == DriftClass.BLOCKED.value and not item["error"].startswith(HELD):
            yield f"{item['sentence']}: {item['error']}" if item["error"] else item["sentence"]


def _held(connection: Connection, principal: Principal) -> Iterator[str]:
    """Yield the changes of held plans that concern a principal, with what the guards say."""
    held = select(plans.c.fingerprint, plans.c.changes, plans.c.objections).where(plans.c.status == "held")
    for fingerprint, changes, objections in connection.execute(held):
        why = "; ".join(objection["sentence"] for objection in objections)
        for change in changes:
            if any(change["json"].get(part) == list(principal) for part in ("principal", "group", "member")):
                yield f"{HELD}: {change['sentence']} ({why}; plan {fingerprint})"


def _waiting(connection: Connection, principal: Principal) -> Iterator[str]:
    escrow = read_escrow(connection, principal)
    if escrow and escrow.last_error:
        yield f"the last of {escrow.attempts} tries failed: {escrow.last_error}; the next is at {_time(escrow.next_at)}"
    elif escrow:
        yield f"it was pushed at {_time(escrow.since)}, and is not looked at since"


def _time(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"
