"""The audit log: adding to it, sealing it in one chain of hashes, verifying that, and reading it.

A row is added in the transaction of what it tells of, which must not wait for any other: so it is added
unsealed, and the leader seals rows in order afterwards. Whoever changes or takes out a sealed row breaks
the chain from there on; whoever keeps an exported hash elsewhere can prove that nothing before it changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, func, insert, or_, select, update

from app.store.facts import AUDIT_HEAD, note_fact, read_fact
from app.store.tables import audit

BATCH = 500  # rows sealed in one transaction
START = "0" * 64  # what the first row takes for the hash before it


class AuditRow(NamedTuple):
    """One row; `position` and `hash` are None until it is sealed."""

    position: int | None
    at: datetime
    who: str
    event: str
    kind: str
    subject: str
    name: str
    detail: str
    hash: str | None

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {**self._asdict(), "at": self.at.isoformat()}

    def sealed_after(self, before: str, position: int) -> str:
        """Return the hash of this row at a position, after the hash before it."""
        values = [before, position, self.at.isoformat(), *self[2:8]]
        return hashlib.sha256(json.dumps(values, ensure_ascii=False).encode()).hexdigest()


class Verified(NamedTuple):
    """What verifying found: `fault` says what does not fit, empty when all does."""

    sealed: int
    unsealed: int
    head: str
    fault: str = ""


_COLUMNS = tuple(audit.c[name] for name in AuditRow._fields)


def note(
    connection: Connection,
    who: str,
    event: str,
    now: datetime,
    *,
    kind: str,
    name: str,
    subject: str = "",
    detail: str = "",
) -> None:
    """Add a row, in the transaction at hand."""
    values = {"at": now, "who": who, "event": event, "kind": kind, "subject": subject, "name": name, "detail": detail}
    connection.execute(insert(audit).values(**values))


def seal(connection: Connection, now: datetime, *, limit: int = BATCH) -> int:
    """Seal rows that are not, in the order in which they were added; return how many. Only one process may."""
    position, before = _head(connection)
    waiting = select(audit.c.id, *_COLUMNS).where(audit.c.position.is_(None)).order_by(audit.c.id).limit(limit)
    rows = connection.execute(waiting).all()
    sealed = []
    for id_, *values in rows:
        position += 1
        before = AuditRow(*values).sealed_after(before, position)
        sealed.append({"of": id_, "at_position": position, "with_hash": before})
    if sealed:
        connection.execute(_SEAL, sealed)
        note_fact(connection, AUDIT_HEAD, {"position": position, "hash": before}, now)
    return len(rows)


_SEAL = (
    update(audit)
    .where(audit.c.id == bindparam("of"))
    .values(position=bindparam("at_position"), hash=bindparam("with_hash"))
)


def _head(connection: Connection) -> tuple[int, str]:
    newest = select(audit.c.position, audit.c.hash).where(audit.c.position.is_not(None))
    row = connection.execute(newest.order_by(audit.c.position.desc()).limit(1)).one_or_none()
    return (row.position, row.hash) if row else (0, START)


def verify(connection: Connection) -> Verified:
    """Return whether the chain fits from its first row to the head that was recorded."""
    unsealed = connection.execute(select(func.count()).where(audit.c.position.is_(None))).scalar_one()
    expected, before = 0, START
    for row in _sealed(connection):
        expected += 1
        if row.position != expected:
            return Verified(expected - 1, unsealed, before, f"row {expected} is missing")
        if row.hash != row.sealed_after(before, expected):
            return Verified(expected - 1, unsealed, before, f"row {expected} was changed: {_named(row)}")
        before = row.hash
    recorded = read_fact(connection, AUDIT_HEAD) or {"position": 0}
    fault = f"the rows after {expected} are missing" if recorded["position"] > expected else ""
    return Verified(expected, unsealed, before, fault)


def _sealed(connection: Connection) -> Iterator[AuditRow]:
    listed = select(*_COLUMNS).where(audit.c.position.is_not(None)).order_by(audit.c.position)
    for row in connection.execution_options(yield_per=1000).execute(listed):
        yield AuditRow(*row)


def _named(row: AuditRow) -> str:
    return f"{row.event} {row.kind} {row.name} at {row.at.isoformat()}"


def list_rows(
    connection: Connection, *, since: datetime | None = None, until: datetime | None = None, who: str | None = None
) -> Iterator[AuditRow]:
    """Yield the rows in the order in which they were added: of a span of time, by somebody or about somebody.

    About somebody is what names it, also by a name it had before, and what names it among its changes.
    """
    listed = select(*_COLUMNS).order_by(audit.c.id)
    if since is not None:
        listed = listed.where(audit.c.at >= since)
    if until is not None:
        listed = listed.where(audit.c.at < until)
    if who is not None:
        key = who.lower()
        subjects = select(audit.c.subject).where(func.lower(audit.c.name) == key, audit.c.subject != "")
        about = (audit.c.subject.in_(subjects), audit.c.detail.icontains(f" {who} ", autoescape=True))
        did = func.lower(audit.c.who).in_([key, f"admin {key}", f"token {key}", f"command by {key}"])
        listed = listed.where(or_(did, func.lower(audit.c.name) == key, *about))
    for row in connection.execute(listed):
        yield AuditRow(*row)
