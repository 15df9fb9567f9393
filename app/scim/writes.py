"""What a push does to the directory: each kind of write, read whole before anything is stored.

A write is parsed first and done later, inside a transaction: alone, or as one of a Bulk request.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from scim2_models import InvalidSyntaxException, NotFoundException
from scim2_server.conditions import Conditions

from app.core.attributes import ResourceSchema
from app.scim.documents import Document, finish, read_document
from app.scim.member_changes import MemberSet, Touched, change_members, read_member_ids
from app.scim.patch import apply_change
from app.scim.patch_request import Change, read_changes
from app.scim.values import identity
from app.store import directory, members
from app.store.directory import Stored
from app.store.marks import mark
from app.store.sql import Session

Write = Callable[[Session], Stored | None]


@dataclass(frozen=True, slots=True)
class Push:
    """Who pushes, when, and how long a change that removes no access may wait for others."""

    by: str
    now: datetime
    window: timedelta


@dataclass(frozen=True, slots=True)
class Creation:
    """A resource to create, and the members it begins with."""

    schema: ResourceSchema
    document: Document
    member_ids: Sequence[str]


def read_creation(schema: ResourceSchema, payload: Any) -> Creation:
    """Return what to create (RFC 7644 section 3.3). A person or service account is active unless it says not.

    Raise a SCIMException for a body that is no such resource.
    """
    payload = require_object(payload)
    document = read_document(schema, payload)
    if "active" in schema.attributes:
        document.setdefault("active", True)
    return Creation(schema, finish(schema, document), read_member_ids(_given_members(schema, payload)))


def create(push: Push, creation: Creation) -> Write:
    """Return the write that creates a resource. It raises `NameTaken`, `UnknownMembers`."""

    def work(session: Session) -> Stored:
        stored = directory.insert(session, creation.schema, creation.document, push.now, push.by)
        members.add(session, stored.id, creation.member_ids)
        mark(session, [(stored.type, stored.id)], now=push.now, window=push.window)
        return stored

    return work


def replace(push: Push, schema: ResourceSchema, id_: str, payload: Any, conditions: Conditions) -> Write:
    """Return the write that replaces a resource (RFC 7644 section 3.5.1).

    What the client cannot write stays as it is, and so does `active` when the body leaves it out: an
    omission must not let anybody back in. Raise a SCIMException for a body that is no such resource.
    """
    payload = require_object(payload)
    document = read_document(schema, payload)
    ids = read_member_ids(_given_members(schema, payload))

    def work(session: Session) -> Stored:
        stored = _locked(session, schema, id_, conditions, "PUT")
        given = {"active": stored.document["active"], **document} if _keeps_active(stored, document) else document
        touched = _only(ids).apply(session, id_) if schema.name == "Group" else Touched()
        return _store(push, session, stored, finish(schema, given, id_), touched)

    return work


def _keeps_active(stored: Stored, document: Document) -> bool:
    return "active" not in document and "active" in stored.document


def _only(ids: Sequence[str]) -> MemberSet:
    everything = MemberSet()
    everything.replace(ids)
    return everything


def patch(push: Push, schema: ResourceSchema, id_: str, payload: Any, conditions: Conditions) -> Write:
    """Return the write that applies the operations of a PATCH, all or none (RFC 7644 section 3.5.2).

    Raise a SCIMException for a body that is no PATCH.
    """
    changes = read_changes(schema, payload, id_)

    def work(session: Session) -> Stored:
        stored = _locked(session, schema, id_, conditions, "PATCH")
        touched = change_members(session, id_, [change for change in changes if change.target.is_members])
        return _store(push, session, stored, _patched(stored, changes), touched)

    return work


def _patched(stored: Stored, changes: Sequence[Change]) -> Document:
    changes = [change for change in changes if not change.target.is_members]
    document = stored.document
    for change in changes:
        apply_change(stored.schema, document, change)
    return finish(stored.schema, document, stored.id) if changes else document


def delete(push: Push, schema: ResourceSchema, id_: str, conditions: Conditions) -> Write:
    """Return the write that deletes a resource (RFC 7644 section 3.6): its groups are looked at again."""

    def work(session: Session) -> None:
        # Groups are locked before their members, here as in every change of members.
        groups = members.groups_of(session, id_)
        directory.touch(session, groups, push.now, push.by)
        _locked(session, schema, id_, conditions, "DELETE")
        directory.delete(session, id_)
        marks = [(schema.name, id_), *(("Group", group) for group in groups)]
        mark(session, marks, now=push.now, window=timedelta(0))

    return work


def require_object(payload: Any) -> dict[str, Any]:
    """Return a body that is an object. Raise InvalidSyntaxException for any other."""
    if not isinstance(payload, dict):
        raise InvalidSyntaxException(detail="the body must be a JSON object")
    return payload


def _given_members(schema: ResourceSchema, payload: dict[str, Any]) -> Any:
    if schema.name != "Group":
        return None
    return next((value for key, value in payload.items() if key.lower() == "members"), None)


def _locked(session: Session, schema: ResourceSchema, id_: str, conditions: Conditions, method: str) -> Stored:
    stored = require_found(directory.lock(session, schema, id_), schema, id_)
    conditions.check(stored.etag, method)
    return stored


def require_found(stored: Stored | None, schema: ResourceSchema, id_: str) -> Stored:
    """Return a resource. Raise NotFoundException when there is none."""
    if stored is None:
        raise NotFoundException(detail=f"there is no {schema.name} with the id {id_!r}")
    return stored


def _store(push: Push, session: Session, stored: Stored, document: Document, touched: Touched) -> Stored:
    """Store what changed and mark it dirty; what changes nothing keeps version and time."""
    before = stored.document
    same = document == before or _unordered(document) == _unordered(before)
    if same and not touched:
        return stored
    removes = bool(touched.removed) or _removes_access(before, document)
    mark(session, [(stored.type, stored.id)], now=push.now, window=timedelta(0) if removes else push.window)
    if same:
        directory.touch(session, [stored.id], push.now, push.by)
        return stored._replace(version=stored.version + 1, modified_at=push.now)
    return directory.save(session, stored, document, push.now, push.by)


def _unordered(document: Any) -> Any:
    """Return a document in a form where the order of values does not count (RFC 7643 section 2.4)."""
    if isinstance(document, dict):
        return {key: _unordered(value) for key, value in document.items()}
    if isinstance(document, list):
        return sorted(identity(item) for item in document)
    return document


def _removes_access(before: Document, after: Document) -> bool:
    """Tell whether a change takes access away: then it does not wait for others."""
    if before.get("active") is True and after.get("active") is not True:
        return True
    return any(_entries(before, name) - _entries(after, name) for name in ("roles", "entitlements"))


def _entries(document: Document, name: str) -> set[bytes]:
    return {identity(entry) for entry in document.get(name) or ()}
