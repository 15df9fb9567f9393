"""What is kept of a resource that is deleted, written in the transaction that deletes it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import orjson

from app.core.comparison import exact, fold
from app.core.returns import roles_in
from app.store.directory import Stored
from app.store.sql import Session

_DEPART = """
INSERT INTO departures (id, type, name_key, external_id, group_ids, roles, pushed_by, first_pushed_by, deleted_at)
VALUES (CAST(:id AS VARCHAR), :type, :name_key, :external_id, :group_ids, :roles, :by,
        (SELECT first_pushed_by FROM resources WHERE id = CAST(:id AS VARCHAR)), :now)
ON CONFLICT (id) DO NOTHING
"""


def remember(session: Session, stored: Stored, group_ids: Sequence[str], now: datetime, by: str) -> None:
    """Keep of a resource what its return gives back, and who deleted it: nothing else of a person."""
    document = stored.document
    external_id = document.get("externalId")
    row = {
        "id": stored.id,
        "type": stored.type,
        "name_key": fold(document[stored.schema.name_attribute]),
        "external_id": None if external_id is None else exact(external_id),
        "group_ids": orjson.dumps(list(group_ids)).decode(),
        "roles": _roles_of(session, stored),
    }
    session.run(_DEPART, {**row, "by": by, "now": now})


def _roles_of(session: Session, stored: Stored) -> str:
    """Return the roles that somebody was pushed with, else those that a return gave back, as JSON."""
    if pushed := roles_in(stored.document):
        return orjson.dumps(pushed).decode()
    row = session.row("SELECT roles FROM returned_roles WHERE resource_id = :id", {"id": stored.id})
    return str(row[0]) if row else "{}"
