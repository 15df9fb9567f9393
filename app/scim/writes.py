"""What a push does to the directory: each kind of write, read whole before anything is stored.

A write is parsed first and done later: alone, in the fewest statements, or within the transaction of a
Bulk request.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from scim2_models import InvalidSyntaxException, NotFoundException
from scim2_server.conditions import Conditions

from app.core.attributes import ResourceSchema
from app.scim.documents import Document, finish, read_document
from app.scim.member_changes import MemberSet, Touched, change_members, read_member_ids
from app.scim.patch import apply_change
from app.scim.patch_request import Change, read_changes
from app.scim.values import identity
from app.store import departures, directory, members
from app.store.directory import Revision, Stored
from app.store.marks import mark
from app.store.member_notes import note_leaving, note_members
from app.store.sql import Session

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Push:
    """Who pushes, when, and how long a change that removes no access may wait for others."""

    by: str
    now: datetime
    window: timedelta


class Write(Protocol):
    """One write. Both ways raise a SCIMException or `NameTaken` when it cannot be done, and store nothing."""

    def within(self, session: Session) -> Stored | None:
        """Do it in the transaction that the session is in."""

    def alone(self, session: Session) -> Stored | None:
        """Do it in a transaction of its own."""


@dataclass(frozen=True, slots=True)
class Creation:
    """A resource to create, and the members it begins with (RFC 7644 section 3.3)."""

    push: Push
    schema: ResourceSchema
    document: Document
    member_ids: Sequence[str]

    def within(self, session: Session) -> Stored:
        """Create it."""
        stored = directory.insert(session, self.schema, self.document, self.push.now, self.push.by)
        added = members.add(session, stored.id, self.member_ids)
        note_members(session, stored.id, added, (), self.push.now, self.push.by)
        mark(session, [(stored.type, stored.id)], now=self.push.now, window=self.push.window)
        _tell_unknown(session, self.push, stored, len(self.member_ids) - len(added))
        return stored

    def alone(self, session: Session) -> Stored:
        """Create it, as one statement where the database can."""
        if self.member_ids or session.is_sqlite:
            return session.transact(self.within)
        due = self.push.now + self.push.window
        return directory.insert_marked(session, self.schema, self.document, self.push.now, self.push.by, due)


def create(push: Push, schema: ResourceSchema, payload: Any) -> Creation:
    """Return the write that creates a resource. A person or service account is active unless it says not.

    Raise a SCIMException for a body that is no such resource.
    """
    payload = require_object(payload)
    document = read_document(schema, payload)
    if "active" in schema.attributes:
        document.setdefault("active", True)
    return Creation(push, schema, finish(schema, document), read_member_ids(_given_members(schema, payload)))


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of one resource: of its document, and of its members if it is a group."""

    push: Push
    schema: ResourceSchema
    id_: str
    method: str
    conditions: Conditions
    revise: Callable[[Document], Document]  # what becomes of a copy of the document
    change_members: Callable[[Session], Touched] | None = None

    def within(self, session: Session) -> Stored:
        """Change it: nobody else does before the transaction ends."""
        stored = require_found(directory.lock(session, self.schema, self.id_), self.schema, self.id_)
        self.conditions.check(stored.etag, self.method)
        touched = self.change_members(session) if self.change_members else Touched()
        note_members(session, self.id_, touched.added, touched.removed, self.push.now, self.push.by)
        saved = self._saved(session, stored, touched)
        _tell_unknown(session, self.push, saved, touched.unknown, changed=saved is not stored)
        return saved

    def _saved(self, session: Session, stored: Stored, touched: Touched) -> Stored:
        document = self.revise(stored.document)
        if _is_same(stored, document) and touched:
            return self._touch(session, stored, touched)
        revision = self._revision(stored, document, bool(touched.removed))
        return directory.save(session, stored, revision) if revision else stored

    def alone(self, session: Session) -> Stored:
        """Change it; a change of the document alone is stored only over the version it was made of."""
        if self.change_members is None and not session.is_sqlite:
            stored = directory.revise(session, self.schema, self.id_, self._revised, self.within)
            return require_found(stored, self.schema, self.id_)
        return session.transact(self.within)

    def _revised(self, stored: Stored) -> Revision | None:
        self.conditions.check(stored.etag, self.method)
        return self._revision(stored, self.revise(stored.document), False)

    def _revision(self, stored: Stored, document: Document, removes_members: bool) -> Revision | None:
        """Return what to store, None when nothing changes: then version and time stay."""
        if _is_same(stored, document):
            return None
        removes = removes_members or _removes_access(stored.document, document)
        due = self.push.now if removes else self.push.now + self.push.window
        return Revision(document, self.push.now, self.push.by, due)

    def _touch(self, session: Session, stored: Stored, touched: Touched) -> Stored:
        due = self.push.now if touched.removed else self.push.now + self.push.window
        return directory.touch_marked(session, stored, self.push.now, self.push.by, due)


def replace(push: Push, schema: ResourceSchema, id_: str, payload: Any, conditions: Conditions) -> Edit:
    """Return the write that replaces a resource (RFC 7644 section 3.5.1).

    What the client cannot write stays as it is, and so does `active` when the body leaves it out: an
    omission must not let anybody back in. Raise a SCIMException for a body that is no such resource.
    """
    payload = require_object(payload)
    given = read_document(schema, payload)
    only = MemberSet()
    only.replace(read_member_ids(_given_members(schema, payload)))

    def revise(document: Document) -> Document:
        kept = {"active": document["active"]} if "active" in document else {}
        return finish(schema, kept | given, id_)

    is_group = schema.name == "Group"
    return Edit(push, schema, id_, "PUT", conditions, revise, (lambda s: only.apply(s, id_)) if is_group else None)


def patch(push: Push, schema: ResourceSchema, id_: str, payload: Any, conditions: Conditions) -> Edit:
    """Return the write that applies the operations of a PATCH, all or none (RFC 7644 section 3.5.2).

    Raise a SCIMException for a body that is no PATCH.
    """
    changes = read_changes(schema, payload, id_)
    of_members = [change for change in changes if change.target.is_members]
    of_document = [change for change in changes if not change.target.is_members]

    def revise(document: Document) -> Document:
        return _patched(schema, id_, document, of_document)

    in_members = (lambda session: change_members(session, id_, of_members)) if of_members else None
    return Edit(push, schema, id_, "PATCH", conditions, revise, in_members)


def _patched(schema: ResourceSchema, id_: str, document: Document, changes: Sequence[Change]) -> Document:
    for change in changes:
        apply_change(schema, document, change)
    return finish(schema, document, id_) if changes else document


@dataclass(frozen=True, slots=True)
class Deletion:
    """A resource to delete (RFC 7644 section 3.6); the groups it was in are looked at again."""

    push: Push
    schema: ResourceSchema
    id_: str
    conditions: Conditions

    def within(self, session: Session) -> None:
        """Delete it."""
        # Groups are locked before their members, here as in every change of members.
        groups = members.groups_of(session, self.id_)
        directory.touch(session, groups, self.push.now, self.push.by)
        stored = require_found(directory.lock(session, self.schema, self.id_), self.schema, self.id_)
        self.conditions.check(stored.etag, "DELETE")
        departures.remember(session, stored, groups, self.push.now, self.push.by)
        note_leaving(session, self.id_, groups, self.push.now, self.push.by)
        if self.schema.name == "Group":
            lost = members.of_group(session, self.id_)
            note_members(session, self.id_, (), lost, self.push.now, self.push.by)
        directory.delete(session, stored, self.push.now, self.push.by)
        marks = [(self.schema.name, self.id_), *(("Group", group) for group in groups)]
        mark(session, marks, now=self.push.now, window=timedelta(0))

    def alone(self, session: Session) -> None:
        """Delete it."""
        session.transact(self.within)


def _tell_unknown(session: Session, push: Push, group: Stored, number: int, *, changed: bool = True) -> None:
    """Leave a trace of members that were passed over: in the log, and in the audit log beside what the push changed."""
    if number:
        name = group.document["displayName"]
        _LOG.info("%s pushed group %r: %d members passed over, whose ids no resource has", push.by, name, number)
        if changed:
            directory.note_passed_over(session, group, number, push.now, push.by)


def require_object(payload: Any) -> dict[str, Any]:
    """Return a body that is an object. Raise InvalidSyntaxException for any other."""
    if not isinstance(payload, dict):
        raise InvalidSyntaxException(detail="the body must be a JSON object")
    return payload


def require_found(stored: Stored | None, schema: ResourceSchema, id_: str) -> Stored:
    """Return a resource. Raise NotFoundException when there is none."""
    if stored is None:
        raise NotFoundException(detail=f"there is no {schema.name} with the id {id_!r}")
    return stored


def _given_members(schema: ResourceSchema, payload: dict[str, Any]) -> Any:
    if schema.name != "Group":
        return None
    return next((value for key, value in payload.items() if key.lower() == "members"), None)


def _is_same(stored: Stored, document: Document) -> bool:
    before = stored.document
    return document == before or _unordered(document) == _unordered(before)


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
