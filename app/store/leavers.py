"""Who was deleted by a provider, by which token and when: from what is kept of them, or the audit log. Only reads.

What a return would need is deleted after a while; the audit log keeps for good that somebody was deleted.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select

from app.core.comparison import fold
from app.core.identity import Kind, Principal
from app.store.tables import audit, departures

KINDS = {"User": Kind.USER, "Group": Kind.GROUP, "ServiceAccount": Kind.SERVICE_ACCOUNT}
_DELETED = (audit.c.event == "pushed", audit.c.detail == "deleted", audit.c.kind.in_(KINDS))


class Leaver(NamedTuple):
    """Somebody, or a group, whom a provider deleted, and the name it had at the end."""

    principal: Principal
    name: str
    deleted_by: str
    deleted_at: datetime

    @property
    def fate(self) -> str:
        """Who deleted it and when, for a person."""
        return f"was deleted by {self.deleted_by} on {self.deleted_at:%Y-%m-%d at %H:%M} UTC"

    @property
    def sentence(self) -> str:
        """What became of it, and how to see more."""
        about = f"{self.principal.kind.words} {self.name} {self.fate}"
        return f'{about}; the audit log has the rest: python -m app audit export --who "{self.name}"'


def leavers_called(connection: Connection, who: str) -> list[Leaver]:
    """Return those of a name, in any case, that were deleted: the newest first."""
    key = fold(who)
    kept = _kept(connection, departures.c.name_key == key)
    # Without an index, and so only when nothing else is known of a name.
    return kept or _logged(connection, func.lower(audit.c.name) == who.lower())


def leavers_named_like(connection: Connection, text: str, *, limit: int) -> list[Leaver]:
    """Return those whose name contains a text, of whom more is kept than the audit log has: the newest first."""
    return _kept(connection, departures.c.name_key.contains(fold(text), autoescape=True), limit)


def find_leaver(connection: Connection, principal: Principal) -> Leaver | None:
    """Return who deleted what a principal was pushed as, None when nobody did."""
    found = _kept(connection, departures.c.id == principal.id) or _logged(connection, audit.c.subject == principal.id)
    return found[0] if found else None


def _kept(connection: Connection, which: Any, limit: int | None = None) -> list[Leaver]:
    columns = (departures.c.type, departures.c.id, departures.c.name_key, departures.c.pushed_by)
    listed = select(*columns, departures.c.deleted_at).where(which, departures.c.returned_at.is_(None))
    return _leavers(connection.execute(listed.order_by(departures.c.deleted_at.desc()).limit(limit)))


def _logged(connection: Connection, which: Any) -> list[Leaver]:
    columns = (audit.c.kind, audit.c.subject, audit.c.name, audit.c.who, audit.c.at)
    return _leavers(connection.execute(select(*columns).where(which, *_DELETED).order_by(audit.c.id.desc())))


def _leavers(rows: Iterable[Any]) -> list[Leaver]:
    return [Leaver(Principal(KINDS[type_], id_), *about) for type_, id_, *about in rows]
