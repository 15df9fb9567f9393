"""The directory: what the IdP pushed, one row per resource, ready to be served."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from app.core.attributes import RESOURCE_SCHEMAS, ResourceSchema
from app.core.comparison import comparison_document, exact, fold
from app.store.sql import Session, among, as_time, texts

Document = dict[str, Any]


class Stored(NamedTuple):
    """A stored resource. `text` is its document as JSON; `groups` are (id, name) of those it is in."""

    id: str
    type: str
    text: str
    version: int
    created_at: datetime
    modified_at: datetime
    active: bool = True
    deactivated_at: datetime | None = None
    groups: tuple[tuple[str, str], ...] = ()

    @property
    def document(self) -> Document:
        """The document, as a copy to change."""
        return orjson.loads(self.text)  # type: ignore[no-any-return]

    @property
    def schema(self) -> ResourceSchema:
        """The resource type."""
        return RESOURCE_SCHEMAS[self.type]

    @property
    def etag(self) -> str:
        """The version as an entity tag (RFC 7644 section 3.14)."""
        return f'W/"{self.version}"'


class NameTaken(Exception):
    """Another resource of the type has the name."""


def new_id(now: datetime) -> str:
    """Return a new resource id: time first (a version 7 UUID), so that an index grows at its end."""
    stamp = int(now.timestamp() * 1000)
    random = secrets.randbits(74)
    number = (stamp & (1 << 48) - 1) << 80 | 7 << 76 | (random >> 62) << 64 | 0b10 << 62 | random & ((1 << 62) - 1)
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


_INSERT = """
INSERT INTO resources (id, type, name, name_key, external_id, active, document, compared,
                       version, created_at, modified_at, deactivated_at, pushed_by)
VALUES (:id, :type, :name, :name_key, :external_id, :active, :document, :compared,
        1, :now, :now, :deactivated_at, :by)
ON CONFLICT (type, name_key) DO NOTHING RETURNING id
"""


def insert(session: Session, schema: ResourceSchema, document: Document, now: datetime, by: str) -> Stored:
    """Store a new resource; `document` gets its id. Raise `NameTaken` when another one has its name."""
    document = {"schemas": document["schemas"], "id": new_id(now), **document}
    row = _columns(schema, document)
    deactivated_at = None if row["active"] else now
    if session.row(_INSERT, {**row, "now": now, "by": by, "deactivated_at": deactivated_at}) is None:
        raise NameTaken(row["name"])
    return Stored(row["id"], schema.name, row["document"], 1, now, now, row["active"], deactivated_at)


def _columns(schema: ResourceSchema, document: Document) -> dict[str, Any]:
    name = document[schema.name_attribute]
    external_id = document.get("externalId")
    return {
        "id": document["id"],
        "type": schema.name,
        "name": name,
        "name_key": fold(name),
        "external_id": None if external_id is None else exact(external_id),
        "active": is_active(schema, document),
        "document": orjson.dumps(document).decode(),
        "compared": orjson.dumps(comparison_document(document, schema)).decode(),
    }


def is_active(schema: ResourceSchema, document: Mapping[str, Any]) -> bool:
    """Tell whether a resource counts as active: only what says so does, and every group."""
    return document.get("active") is True if "active" in schema.attributes else True


_SELECT = "SELECT r.id, r.type, r.document, r.version, r.created_at, r.modified_at, r.active, r.deactivated_at"
_JOINED = "FROM group_members AS l JOIN resources AS g ON g.id = l.group_id WHERE l.member_id = r.id"
_GROUPS = {
    False: f"(SELECT json_agg(json_build_array(g.id, g.name) ORDER BY g.name_key)::TEXT {_JOINED})",
    True: "(SELECT json_group_array(json_array(g.id, g.name))"  # noqa: S608 - names of ours only
    f" FROM (SELECT g.id, g.name {_JOINED} ORDER BY g.name_key) AS g)",
}


def load(session: Session, schema: ResourceSchema, id_: str, *, groups: bool = True) -> Stored | None:
    """Return a resource, None when there is none of this type and id; with its groups where it has any."""
    columns = _selected(session, schema, groups)
    row = session.row(f"{columns} FROM resources AS r WHERE r.id = :id AND r.type = :type", _key(schema, id_))
    return None if row is None else stored_of(row)


def lock(session: Session, schema: ResourceSchema, id_: str) -> Stored | None:
    """Return a resource that nobody else changes before this transaction ends, None when there is none."""
    # SQLite has one writer at a time: the transaction is the lock.
    suffix = "" if session.is_sqlite else " FOR NO KEY UPDATE OF r"
    columns = _selected(session, schema, groups=True)
    sql = f"{columns} FROM resources AS r WHERE r.id = :id AND r.type = :type{suffix}"
    row = session.row(sql, _key(schema, id_))
    return None if row is None else stored_of(row)


def _key(schema: ResourceSchema, id_: str) -> dict[str, Any]:
    return {"id": id_, "type": schema.name}


def _selected(session: Session, schema: ResourceSchema, groups: bool) -> str:
    return selection(session, groups and "groups" in schema.attributes)


def selection(session: Session, groups: bool) -> str:
    """Return the SELECT of what `stored_of` reads, from `resources AS r`."""
    return f"{_SELECT}, {_GROUPS[session.is_sqlite] if groups else 'NULL'}"


def stored_of(row: Sequence[Any]) -> Stored:
    """Return the resource that a row selected here holds."""
    id_, type_, text, version, created_at, modified_at, active, deactivated_at, groups = row
    return Stored(
        id_,
        type_,
        text,
        version,
        as_time(created_at),
        as_time(modified_at),
        bool(active),
        None if deactivated_at is None else as_time(deactivated_at),
        () if groups is None else tuple((group[0], group[1]) for group in orjson.loads(groups)),
    )


_UPDATE = """
UPDATE resources SET name = :name, name_key = :name_key, external_id = :external_id, active = :active,
  document = :document, compared = :compared, version = version + 1, modified_at = :now,
  deactivated_at = :deactivated_at, pushed_by = :by
WHERE id = :id
"""


def save(session: Session, stored: Stored, document: Document, now: datetime, by: str) -> Stored:
    """Store the new document of a locked resource. Raise `Conflict` when another one has its name.

    `deactivated_at` is when `active` went false; a return forgets it.
    """
    row = _columns(stored.schema, document)
    deactivated_at = None if row["active"] else stored.deactivated_at or now
    session.run(_UPDATE, {**row, "now": now, "by": by, "deactivated_at": deactivated_at})
    return stored._replace(
        text=row["document"],
        version=stored.version + 1,
        modified_at=now,
        active=row["active"],
        deactivated_at=deactivated_at,
    )


def touch(session: Session, ids: Sequence[str], now: datetime, by: str) -> None:
    """Note that resources changed in what their documents do not hold: the members of groups."""
    if not ids:
        return
    changes = "version = version + 1, modified_at = :now, pushed_by = :by"
    chosen = among(session, "id", "ids")
    if not session.is_sqlite:
        # Locked in one order, so that two transactions cannot wait for each other.
        chosen = f"id IN (SELECT id FROM resources WHERE {chosen} ORDER BY id FOR NO KEY UPDATE)"  # noqa: S608
    sql = f"UPDATE resources SET {changes} WHERE {chosen}"  # noqa: S608 - names of ours only
    session.run(sql, {"ids": texts(session, ids), "now": now, "by": by})


def delete(session: Session, id_: str) -> None:
    """Delete a resource; its memberships go with it."""
    session.run("DELETE FROM resources WHERE id = :id", {"id": id_})
