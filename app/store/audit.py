"""The audit log: adding to it, sealing it in one chain of hashes, verifying that, and reading it.

A row is added in the transaction of what it tells of, which must not wait for any other: so it is added
unsealed, and the leader seals rows in order afterwards. Whoever changes or takes out a sealed row breaks
the chain from there on, and no sealing mends it: that goes on from the end that was recorded, not from the rows
that are left. Who can write rows and record alike can write another log: a hash kept elsewhere shows that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, bindparam, func, insert, or_, select, update

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
    """What verifying found: `fault` says what does not fit, empty when all does.

    `kept_at` is the position of the hash that was asked for, None when no row that fits has it.
    """

    sealed: int
    unsealed: int
    head: str
    fault: str = ""
    kept_at: int | None = None


class _End(NamedTuple):
    """Where the chain ends."""

    position: int
    hash: str


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
    position, before = _next_after(connection)
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


def _next_after(connection: Connection) -> _End:
    """Return what the next row is sealed after: the recorded end, also when the rows up to it are gone.

    Rows beyond a record that was put back stay: the next one does not fit to them, and verifying shows it.
    """
    recorded = _recorded(connection)
    newest = connection.execute(select(func.max(audit.c.position))).scalar_one() or 0
    return recorded._replace(position=max(recorded.position, newest))


def _recorded(connection: Connection) -> _End:
    return _End(**(read_fact(connection, AUDIT_HEAD) or {"position": 0, "hash": START}))


def verify(connection: Connection, kept: str | None = None) -> Verified:
    """Return whether the chain fits from its first row to the recorded end, and which row has the hash `kept`."""
    unsealed = connection.execute(select(func.count()).where(audit.c.position.is_(None))).scalar_one()
    recorded, end = _recorded(connection), _End(0, START)
    kept_at = 0 if kept == START else None
    for row in _sealed(connection):
        if fault := _misfit(row, end, recorded):
            return Verified(end.position, unsealed, end.hash, fault, kept_at)
        end = _End(end.position + 1, str(row.hash))
        kept_at = end.position if end.hash == kept else kept_at
    fault = f"the rows after {end.position} are missing" if recorded.position > end.position else ""
    return Verified(end.position, unsealed, end.hash, fault, kept_at)


def _misfit(row: AuditRow, before: _End, recorded: _End) -> str:
    """Return what is wrong with a row after the one before it, empty when it fits."""
    position = before.position + 1
    if row.position != position:
        return f"row {position} is missing"
    if row.hash != row.sealed_after(before.hash, position):
        return f"row {position} was changed: {_named(row)}"
    if position > recorded.position:
        return f"row {position} is after the recorded end, which is row {recorded.position}"
    if position == recorded.position and row.hash != recorded.hash:
        return f"row {position} has not the hash that was recorded for it: it or a row before it was changed"
    return ""


def _sealed(connection: Connection) -> Iterator[AuditRow]:
    listed = select(*_COLUMNS).where(audit.c.position.is_not(None)).order_by(audit.c.position)
    for row in connection.execution_options(yield_per=1000).execute(listed):
        yield AuditRow(*row)


def _named(row: AuditRow) -> str:
    return f"{row.event} {row.kind} {row.name} at {row.at.isoformat()}"


class _Somebody(NamedTuple):
    """Who is asked about: the names it had, the ids of what had the name, and what it did things as."""

    spelled: frozenset[str]  # as they were written: SQLite knows no case beyond ASCII
    ids: frozenset[str]
    actors: frozenset[str]

    @property
    def names(self) -> frozenset[str]:
        """The names in lower case."""
        return frozenset(name.lower() for name in self.spelled)

    def is_in(self, row: AuditRow) -> bool:
        """Tell whether a row is by it, about it, or about its memberships."""
        names = self.names
        is_named = row.name.lower() in names or row.subject in self.ids or row.who.lower() in self.actors
        return is_named or any(_is_moved(name, sentence) for sentence in _sentences(row.detail) for name in names)

    @property
    def condition(self) -> ColumnElement[bool]:
        """Select the rows that it may be in."""
        # Some details are JSON that a driver wrote in ASCII alone.
        written = {text for name in self.spelled for text in (name, json.dumps(name)[1:-1])}
        mentions = (audit.c.detail.icontains(text, autoescape=True) for text in sorted(written))
        named = or_(func.lower(audit.c.name).in_(self.names), audit.c.name.in_(self.spelled))
        return or_(named, audit.c.subject.in_(self.ids), func.lower(audit.c.who).in_(self.actors), *mentions)


def list_rows(
    connection: Connection, *, since: datetime | None = None, until: datetime | None = None, who: str | None = None
) -> Iterator[AuditRow]:
    """Yield the rows in the order in which they were added: of a span of time, by somebody or about somebody.

    About somebody is what names it, also by a name it had before, and what says that it came into a group or left it.
    """
    listed = select(*_COLUMNS).order_by(audit.c.id)
    if since is not None:
        listed = listed.where(audit.c.at >= since)
    if until is not None:
        listed = listed.where(audit.c.at < until)
    somebody = None if who is None else _called(connection, who)
    if somebody is not None:
        listed = listed.where(somebody.condition)
    for row in map(AuditRow._make, connection.execute(listed)):
        if somebody is None or somebody.is_in(row):
            yield row


def _called(connection: Connection, who: str) -> _Somebody:
    key = who.lower()
    named = select(audit.c.subject).where(or_(func.lower(audit.c.name) == key, audit.c.name == who))
    ids = frozenset(connection.execute(named.where(audit.c.subject != "").distinct()).scalars())
    names = connection.execute(select(audit.c.name).where(audit.c.subject.in_(ids)).distinct()).scalars()
    actors = frozenset({key, f"admin {key}", f"token {key}", f"command by {key}"})
    return _Somebody(frozenset({who, *names}), ids, actors)


def _sentences(detail: str) -> list[str]:
    """Return the changes that a detail tells of: they come first, as JSON; none of a detail of another sort."""
    try:
        changes, _ = json.JSONDecoder().raw_decode(detail)
    except ValueError:
        return []
    return [sentence.lower() for sentence in changes if isinstance(sentence, str)] if isinstance(changes, list) else []


def _is_moved(name: str, sentence: str) -> bool:
    return sentence.startswith((f"add {name} to group ", f"remove {name} from group "))
