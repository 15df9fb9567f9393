"""Creating, reading, replacing, patching and deleting one resource."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from scim2_models import NotFoundException

from app.core.attributes import ResourceSchema
from app.scim.documents import Document, finish, read_document
from app.scim.http import Call, Reply
from app.scim.member_changes import MemberSet, Touched, change_members, read_member_ids
from app.scim.patch import apply_change
from app.scim.patch_request import Change, read_changes
from app.scim.projection import Projection, read_projection
from app.scim.rendering import location_of, render, stream_group
from app.scim.values import identity
from app.store import directory, members
from app.store.directory import Stored
from app.store.marks import mark
from app.store.sql import Session


def create(call: Call, schema: ResourceSchema) -> Reply:
    """Create a resource (RFC 7644 section 3.3)."""
    payload = call.json_object()
    document = read_document(schema, payload)
    if "active" in schema.attributes:
        document.setdefault("active", True)
    document = finish(schema, document)
    ids = read_member_ids(_given_members(schema, payload))

    def work(session: Session) -> Stored:
        stored = directory.insert(session, schema, document, call.now, call.token.name)
        members.add(session, stored.id, ids)
        mark(session, [(schema.name, stored.id)], now=call.now, window=call.window)
        return stored

    stored = call.session.transact(work)
    reply = _reply(call, stored, _projection(call, schema), 201)
    reply.headers["Location"] = location_of(stored, call.base)
    return reply


def read(call: Call, schema: ResourceSchema, id_: str) -> Reply:
    """Return a resource, or 304 when the client has its version (RFC 7644 section 3.4.1)."""
    projection = _projection(call, schema)
    stored = directory.load(call.session, schema, id_, groups=projection is None or projection.keeps("groups"))
    stored = _found(stored, schema, id_)
    if not call.conditions.check(stored.etag, "GET"):
        return Reply(304, headers={"ETag": stored.etag})
    return _reply(call, stored, projection, 200)


def replace(call: Call, schema: ResourceSchema, id_: str) -> Reply:
    """Replace a resource (RFC 7644 section 3.5.1).

    What the client cannot write stays as it is, and so does `active` when the body leaves it out: an
    omission must not let anybody back in.
    """
    payload = call.json_object()
    document = read_document(schema, payload)
    given = _given_members(schema, payload)
    ids = None if given is None else read_member_ids(given)

    def work(session: Session) -> Stored:
        stored = _locked(call, session, schema, id_)
        before = stored.document
        if "active" in before:
            document.setdefault("active", before["active"])
        touched = Touched()
        if schema.name == "Group":
            touched = _replaced(ids or []).apply(session, id_)
        return _store(call, session, stored, finish(schema, document, id_), touched)

    return _reply(call, call.session.transact(work), _projection(call, schema), 200)


def _replaced(ids: Sequence[str]) -> MemberSet:
    everything = MemberSet()
    everything.replace(ids)
    return everything


def patch(call: Call, schema: ResourceSchema, id_: str) -> Reply:
    """Apply the operations of a PATCH, all of them or none (RFC 7644 section 3.5.2).

    A user is sent back whole, as Entra likes it; a group is not, unless attributes are asked for.
    """
    changes = read_changes(schema, call.json(), id_)

    def work(session: Session) -> Stored:
        stored = _locked(call, session, schema, id_)
        touched = change_members(session, id_, [change for change in changes if change.target.is_members])
        return _store(call, session, stored, _patched(stored, changes), touched)

    stored = call.session.transact(work)
    projection = _projection(call, schema)
    if schema.name == "Group" and projection is None:
        return Reply(204, headers={"ETag": stored.etag})
    return _reply(call, stored, projection, 200)


def _patched(stored: Stored, changes: Sequence[Change]) -> Document:
    changes = [change for change in changes if not change.target.is_members]
    document = stored.document
    for change in changes:
        apply_change(stored.schema, document, change)
    return finish(stored.schema, document, stored.id) if changes else document


def delete(call: Call, schema: ResourceSchema, id_: str) -> Reply:
    """Delete a resource (RFC 7644 section 3.6): whoever it was a member of is looked at again."""

    def work(session: Session) -> None:
        # Groups are locked before their members, here as in every change of members.
        groups = members.groups_of(session, id_)
        directory.touch(session, groups, call.now, call.token.name)
        _locked(call, session, schema, id_)
        directory.delete(session, id_)
        marks = [(schema.name, id_), *(("Group", group) for group in groups)]
        mark(session, marks, now=call.now, window=timedelta(0))

    call.session.transact(work)
    return Reply(204)


def _given_members(schema: ResourceSchema, payload: dict[str, Any]) -> Any:
    if schema.name != "Group":
        return None
    return next((value for key, value in payload.items() if key.lower() == "members"), None)


def _locked(call: Call, session: Session, schema: ResourceSchema, id_: str) -> Stored:
    stored = _found(directory.lock(session, schema, id_), schema, id_)
    call.conditions.check(stored.etag, call.method)
    return stored


def _found(stored: Stored | None, schema: ResourceSchema, id_: str) -> Stored:
    if stored is None:
        raise NotFoundException(detail=f"there is no {schema.name} with the id {id_!r}")
    return stored


def _store(call: Call, session: Session, stored: Stored, document: Document, touched: Touched) -> Stored:
    """Store what changed and mark it dirty; what changes nothing keeps version and time."""
    before = stored.document
    if not touched and _unordered(document) == _unordered(before):
        return stored
    removes = bool(touched.removed) or _removes_access(before, document)
    window = timedelta(0) if removes else call.window
    mark(session, [(stored.type, stored.id)], now=call.now, window=window)
    if document == before:
        directory.touch(session, [stored.id], call.now, call.token.name)
        return stored._replace(version=stored.version + 1, modified_at=call.now)
    return directory.save(session, stored, document, call.now, call.token.name)


def _unordered(document: Any) -> Any:
    """Return a document in a form where the order of values does not count (RFC 7643 section 2.4)."""
    if isinstance(document, dict):
        return {key: _unordered(value) for key, value in document.items()}
    if isinstance(document, list):
        return sorted(identity(_unordered(item)) for item in document)
    return document


def _removes_access(before: Document, after: Document) -> bool:
    """Tell whether a change takes access away: then it does not wait for others."""
    if before.get("active") is True and after.get("active") is not True:
        return True
    return any(
        {identity(entry) for entry in before.get(name) or ()} - {identity(entry) for entry in after.get(name) or ()}
        for name in ("roles", "entitlements")
    )


def _projection(call: Call, schema: ResourceSchema) -> Projection | None:
    return read_projection([schema], call.args.get("attributes"), call.args.get("excludedAttributes"))


def _reply(call: Call, stored: Stored, projection: Projection | None, status: int) -> Reply:
    headers = {"ETag": stored.etag, "Content-Location": location_of(stored, call.base)}
    if stored.type == "Group" and (projection is None or projection.keeps("members")):
        return Reply(status, _encoded(stream_group(call.session, stored, call.base, projection)), headers)
    return Reply(status, render(stored, call.base, projection).encode(), headers)


def _encoded(pieces: Iterator[str]) -> Iterator[bytes]:
    return (piece.encode() for piece in pieces)
