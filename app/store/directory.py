"""The directory: what the IdP pushed, one row per resource, ready to be served."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from app.core.attributes import RESOURCE_SCHEMAS, ResourceSchema
from app.core.comparison import comparison_document, exact, fold
from app.core.returns import roles_in
from app.store.marks import KINDS, mark, mark_from
from app.store.sql import Session, among, are_few, as_time, texts

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


class Revision(NamedTuple):
    """What becomes of a resource: its new document, who made it when, and when it is due to be reconciled."""

    document: Document
    now: datetime
    by: str
    due: datetime


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
                       version, created_at, modified_at, deactivated_at, pushed_by, first_pushed_by)
VALUES (:id, :type, :name, :name_key, :external_id, :active, :document, :compared,
        1, :now, :now, :deactivated_at, :by, :by)
ON CONFLICT (type, name_key) DO NOTHING RETURNING id
"""


_NEW_COLUMNS = ("id", "type", "name", "name_key", "external_id", "active", "document", "compared")
_INSERT_MANY = """
INSERT INTO resources (id, type, name, name_key, external_id, active, document, compared,
                       version, created_at, modified_at, deactivated_at, pushed_by, first_pushed_by)
SELECT x.id, x.type, x.name, x.name_key, x.external_id, x.active, x.document, CAST(x.compared AS JSONB),
       1, CAST(:now AS TIMESTAMPTZ), CAST(:now AS TIMESTAMPTZ),
       CASE WHEN x.active THEN NULL ELSE CAST(:now AS TIMESTAMPTZ) END, CAST(:by AS TEXT), CAST(:by AS TEXT)
FROM unnest(CAST(:id AS TEXT[]), CAST(:type AS TEXT[]), CAST(:name AS TEXT[]), CAST(:name_key AS TEXT[]),
            CAST(:external_id AS TEXT[]), CAST(:active AS BOOLEAN[]), CAST(:document AS TEXT[]),
            CAST(:compared AS TEXT[]))
  AS x(id, type, name, name_key, external_id, active, document, compared)
ON CONFLICT (type, name_key) DO NOTHING RETURNING id
"""


def insert(session: Session, schema: ResourceSchema, document: Document, now: datetime, by: str) -> Stored:
    """Store a new resource; `document` gets its id. Raise `NameTaken` when another one has its name."""
    row = _new_row(schema, document, now)
    stored = _new(row, now)
    when = {"now": now, "by": by, "deactivated_at": stored.deactivated_at}
    if session.row(_INSERT, {**row, **when}) is None:
        raise NameTaken(row["name"])
    return stored


def insert_many(
    session: Session, resources: Sequence[tuple[ResourceSchema, Document]], now: datetime, by: str
) -> list[Stored | None]:
    """Store new resources as one statement where the database can; None for each whose name is taken."""
    if session.is_sqlite:
        return [_insert_or_none(session, schema, document, now, by) for schema, document in resources]
    rows = [_new_row(schema, document, now) for schema, document in resources]
    columns = {name: [row[name] for row in rows] for name in _NEW_COLUMNS}
    inserted = {row[0] for row in session.rows(_INSERT_MANY, {**columns, "now": now, "by": by})}
    return [_new(row, now) if row["id"] in inserted else None for row in rows]


def _insert_or_none(
    session: Session, schema: ResourceSchema, document: Document, now: datetime, by: str
) -> Stored | None:
    try:
        return insert(session, schema, document, now, by)
    except NameTaken:
        return None


def _new_row(schema: ResourceSchema, document: Document, now: datetime) -> dict[str, Any]:
    return _columns(schema, {"schemas": document["schemas"], "id": new_id(now), **document})


def _new(row: dict[str, Any], now: datetime) -> Stored:
    deactivated_at = None if row["active"] else now
    return Stored(row["id"], row["type"], row["document"], 1, now, now, row["active"], deactivated_at)


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


_SET = """
UPDATE resources SET name = :name, name_key = :name_key, external_id = :external_id, active = :active,
  document = :document, compared = :compared, version = version + 1, modified_at = :now,
  deactivated_at = :deactivated_at, pushed_by = :by
WHERE id = :id AND version = :version
"""
# One statement, and so one transaction: PostgreSQL does both or neither.
_SET_AND_MARK = f"WITH saved AS ({_SET} RETURNING id) {mark_from('saved')} RETURNING id"
_INSERT_AND_MARK = f"WITH saved AS ({_INSERT}) {mark_from('saved')} RETURNING id"
_OPTIMISTIC_TRIES = 3


def insert_marked(
    session: Session, schema: ResourceSchema, document: Document, now: datetime, by: str, due: datetime
) -> Stored:
    """Store a new resource and mark it dirty as one statement of PostgreSQL. Raise `NameTaken`."""
    row = _new_row(schema, document, now)
    stored = _new(row, now)
    when = {"now": now, "by": by, "deactivated_at": stored.deactivated_at, "due": due, "kind": KINDS[schema.name]}
    if session.row(_INSERT_AND_MARK, {**row, **when}) is None:
        raise NameTaken(row["name"])
    return stored


def save(session: Session, stored: Stored, revision: Revision) -> Stored:
    """Store the new document of a locked resource and mark it dirty. Raise `Conflict` when its name is taken."""
    saved, params = _saved(stored, revision)
    if _brings_roles(stored, revision):
        # The provider speaks for itself from now on, even if it takes them away again before anybody looks.
        session.run("DELETE FROM returned_roles WHERE resource_id = :id", {"id": stored.id})
    _run_and_mark(session, stored, _SET, _SET_AND_MARK, {**params, "due": revision.due})
    return saved


def revise(
    session: Session,
    schema: ResourceSchema,
    id_: str,
    decide: Callable[[Stored], Revision | None],
    locked: Callable[[Session], Stored],
) -> Stored | None:
    """Store what `decide` makes of a resource, over the version it saw, or leave it when that is None.

    Two statements of PostgreSQL and no lock between them. When others keep being faster, `locked` does
    it in a transaction, and where more is to be written. Return the resource, None when there is none of
    this id. Raise what they raise, and `Conflict` when the name is taken.
    """
    for _ in range(_OPTIMISTIC_TRIES):
        stored = load(session, schema, id_)
        revision = decide(stored) if stored else None
        if stored is None or revision is None:
            return stored
        if _brings_roles(stored, revision):
            break  # a statement more, and so a transaction
        saved, params = _saved(stored, revision)
        if session.row(_SET_AND_MARK, {**params, "due": revision.due, "kind": KINDS[schema.name]}):
            return saved
    return session.transact(locked)


def _brings_roles(stored: Stored, revision: Revision) -> bool:
    return bool(roles_in(revision.document)) and not roles_in(stored.document)


def _saved(stored: Stored, revision: Revision) -> tuple[Stored, dict[str, Any]]:
    """Return a resource as it will be, and the parameters that make it so.

    `deactivated_at` is when `active` went false; a return forgets it.
    """
    row = _columns(stored.schema, revision.document)
    deactivated_at = None if row["active"] else stored.deactivated_at or revision.now
    saved = stored._replace(
        text=row["document"],
        version=stored.version + 1,
        modified_at=revision.now,
        active=row["active"],
        deactivated_at=deactivated_at,
    )
    when = {"now": revision.now, "by": revision.by, "deactivated_at": deactivated_at, "version": stored.version}
    return saved, {**row, **when}


_TOUCH = "UPDATE resources SET version = version + 1, modified_at = :now, pushed_by = :by WHERE id = :id"
_TOUCH_AND_MARK = f"WITH saved AS ({_TOUCH} RETURNING id) {mark_from('saved')}"


def touch_marked(session: Session, stored: Stored, now: datetime, by: str, due: datetime) -> Stored:
    """Note that the members of a locked group changed, and mark it dirty."""
    params = {"id": stored.id, "now": now, "by": by, "due": due}
    _run_and_mark(session, stored, _TOUCH, _TOUCH_AND_MARK, params)
    return stored._replace(version=stored.version + 1, modified_at=now)


def _run_and_mark(session: Session, stored: Stored, change: str, both: str, params: dict[str, Any]) -> None:
    """Change a locked resource and mark it dirty: as one statement where the database can."""
    if session.is_sqlite:
        session.run(change, params)
        mark(session, [(stored.type, stored.id)], now=params["now"], window=params["due"] - params["now"])
    else:
        session.run(both, {**params, "kind": KINDS[stored.type]})


def touch(session: Session, ids: Sequence[str], now: datetime, by: str) -> None:
    """Note that resources changed in what their documents do not hold: the members of groups."""
    if not ids:
        return
    changes = "version = version + 1, modified_at = :now, pushed_by = :by"
    chosen = among(session, "id", "ids", few=are_few(ids))
    if not session.is_sqlite:
        # Locked in one order, so that two transactions cannot wait for each other.
        chosen = f"id IN (SELECT id FROM resources WHERE {chosen} ORDER BY id FOR NO KEY UPDATE)"  # noqa: S608
    sql = f"UPDATE resources SET {changes} WHERE {chosen}"  # noqa: S608 - names of ours only
    session.run(sql, {"ids": texts(session, ids), "now": now, "by": by})


_NOTE = """
INSERT INTO audit (at, who, event, kind, subject, name, detail)
SELECT :now, :by, 'pushed', type, id, name, :detail FROM resources WHERE id = :id
"""


def delete(session: Session, stored: Stored, now: datetime, by: str) -> None:
    """Delete a resource; its memberships go with it. Unlike a change, it leaves no row that says by whom."""
    session.run(_NOTE, {"id": stored.id, "now": now, "by": by, "detail": "deleted"})
    session.run("DELETE FROM resources WHERE id = :id", {"id": stored.id})


def note_passed_over(session: Session, stored: Stored, number: int, now: datetime, by: str) -> None:
    """Note of a group that was pushed how many of its members no resource was: the row of the push cannot say."""
    detail = f"members passed over, whose ids no resource has: {number}"
    session.run(_NOTE, {"id": stored.id, "now": now, "by": by, "detail": detail})
