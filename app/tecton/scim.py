"""Tecton's SCIM: users, groups and service accounts (base and statuses: reference)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import structlog

from app.core.access import Profile
from app.core.identity import Grant, Kind
from app.core.records import GroupRecord, MemberId, Record, ServiceAccountRecord
from app.reconcile.ports import (
    Created,
    Edit,
    Edited,
    Entry,
    NotFound,
    Refused,
    TectonError,
    TemporaryError,
    UnknownOutcome,
)
from app.tecton import documents
from app.tecton.caller import Caller
from app.tecton.config import Paths
from app.tecton.errors import CHECK_KEY
from app.tecton.listing import list_whole
from app.tecton.members import KnownKinds
from app.tecton.user_ids import UserIds
from app.tecton.wire import About, Json, Request, read_text, segment

log = structlog.get_logger(__name__)

_ROLES_UNMANAGED = re.compile(r"\broles?\b.*\bmanage(d|ment)?\b|\bmanage(d|ment)?\b.*\broles?\b", re.I)

_OFFERED = "SCIM must be switched on for this cluster by Tecton support"
_ACCEPTED = f"{CHECK_KEY}; SCIM must take keys as BRIDGE_TECTON_SCIM_AUTH says"
_ACCOUNTS_OFFERED = f"{_OFFERED}, and its service accounts are where BRIDGE_TECTON_SERVICE_ACCOUNTS_PATH says"


def collection(paths: Paths, kind: Kind) -> str:
    """Return the path of a kind's collection."""
    names = {Kind.USER: paths.users, Kind.GROUP: paths.groups, Kind.SERVICE_ACCOUNT: paths.service_accounts}
    return paths.scim + names[kind]


def offered_when(kind: Kind) -> str:
    """Return what to say when the collection is not there."""
    return _ACCOUNTS_OFFERED if kind is Kind.SERVICE_ACCOUNT else _OFFERED


class Scim:
    """The SCIM resources of one Tecton, for one run."""

    def __init__(
        self, caller: Caller, known: KnownKinds, users: UserIds, note_echo: Callable[[bool], None] = lambda _: None
    ) -> None:
        self._caller, self._note_echo = caller, note_echo
        self._known = known
        self._users = users

    def list_entries(self, kind: Kind, *, whole: bool = False) -> list[Entry]:
        """Return every object of a kind (GET of the collection; confirmed for users and groups).

        `whole` asks for all that a record holds; an entry that shows it carries its record. Raise
        TemporaryError when the pages do not add up.
        """
        asked: Json = {"attributes": documents.WHOLE_ATTRIBUTES[kind]} if whole else {}
        entries = self._list(kind, f"list {kind.words}s", asked, whole=whole)
        self._learn(kind, entries)
        return entries

    def first_page(self, kind: Kind, size: int) -> Any:
        """Return the first page of a list as Tecton answers it, asked for all that a record holds."""
        query: Json = {"attributes": documents.WHOLE_ATTRIBUTES[kind], "startIndex": 1, "count": size}
        path, asks = collection(self._caller.config.paths, kind), f"list {kind.words}s"
        return self._caller.call(Request("GET", path, asks, query=query, offered_when=offered_when(kind)))

    def record_in(self, kind: Kind, row: Any) -> Record | None:
        """Return the record that an entry of a list shows, None when it does not show all of it."""
        if not documents.is_whole(kind, row):
            return None
        strangers: list[str] = []

        def which(id_: str) -> Kind | None:
            known = self._known.get(id_)
            if known is None:
                strangers.append(id_)  # its own page is read, and the member asked for, if need be
            return known

        record = documents.read_record(kind, row, which)
        return None if strangers else record

    def find_entries(self, kind: Kind, name: str) -> list[Entry]:
        """Return the objects of a name, by an equality filter (reference: userName, displayName, name).

        Whether case counts is Tecton's choice (unknown, row 12); a server that ignored the filter
        would show here, and its other entries are left out. The exact spelling comes first.
        """
        test = f"{documents.NAME_OF[kind]} eq {json.dumps(name, ensure_ascii=False)}"
        found = self._list(kind, f"look up {kind.words} {name}", {"filter": test})
        alike = [entry for entry in found if entry.name.casefold() == name.casefold()]
        self._learn(kind, alike)
        return sorted(alike, key=lambda entry: entry.name != name)

    def get_record(self, kind: Kind, tecton_id: str) -> Record | None:
        """Return an object, None when it is not there (GET; 404: reference)."""
        try:
            return self._record(kind, self._get(kind, tecton_id))
        except NotFound:
            return None

    def create(self, kind: Kind, profile: Profile, members: Iterable[MemberId], roles: Iterable[Grant]) -> Created:
        """Create an object (POST; 201 and 409: reference) and return it as Tecton answered it.

        Raise Conflict when the name is taken, UnknownOutcome when it may or may not have been created.
        """
        members = list(members)
        self._learn_members(members)
        body = documents.new_document(profile, members, roles)
        asks = f"create {kind.words} {profile.name}"
        offered = offered_when(kind)
        answer = self._caller.call(
            Request(
                "POST",
                collection(self._caller.config.paths, kind),
                asks,
                body,
                write=True,
                create=True,
                accepted_when=_ACCEPTED,
                offered_when=offered,
            )
        )
        if not read_text(answer, "id"):
            raise UnknownOutcome(f"could not {asks}: Tecton's answer names no id; it may have been done all the same")
        return Created(self._created(kind, answer, body), read_text(answer, "api_key") or None)

    def edit(self, kind: Kind, tecton_id: str, edit: Edit) -> Edited:
        """GET, let `edit` change the record, merge, PUT, read back. Raise NotFound, Conflict, Refused."""
        raw = self._get(kind, tecton_id)
        before = self._record(kind, raw)
        after = edit(before)
        if after is None or after == before:
            return Edited(before, before, wrote=False)
        if isinstance(after, GroupRecord):
            self._learn_members(after.members)
        body = documents.merged_document(raw, before, after)
        echo = self._replace(kind, tecton_id, body, roles_matter=before.roles != after.roles)
        return Edited(before, self._read_back(kind, tecton_id, echo), wrote=True)

    def delete(self, kind: Kind, tecton_id: str) -> None:
        """Delete an object (DELETE; 204: reference); one that is gone already is no error.

        A service account may have to be deactivated first (documented for the other API): that is
        done when Tecton asks for it.
        """
        try:
            self._delete(kind, tecton_id)
        except Refused as refusal:
            if kind is not Kind.SERVICE_ACCOUNT or "deactivat" not in str(refusal).lower():
                raise
            self._deactivate(tecton_id)
            self._delete(kind, tecton_id)

    def _replace(self, kind: Kind, tecton_id: str, body: Json, *, roles_matter: bool) -> Any:
        """PUT an object. Where SCIM may not manage roles it can refuse their mere mention (row 15 of the unknowns)."""
        try:
            return self._call_on(kind, "PUT", tecton_id, "replace", body)
        except Refused as refusal:
            if roles_matter or "roles" not in body or not _ROLES_UNMANAGED.search(str(refusal)):
                raise
        # Tecton said that it takes no roles here: what is left out is not cleared.
        return self._call_on(kind, "PUT", tecton_id, "replace", {k: v for k, v in body.items() if k != "roles"})

    def _delete(self, kind: Kind, tecton_id: str) -> None:
        try:
            self._call_on(kind, "DELETE", tecton_id, "delete")
        except NotFound:
            return

    def _deactivate(self, tecton_id: str) -> None:
        try:
            self.edit(Kind.SERVICE_ACCOUNT, tecton_id, _inactive)
        except NotFound:
            return

    def _list(self, kind: Kind, asks: str, query: Json, *, whole: bool = False) -> list[Entry]:
        def fetch(page: Any) -> Any:
            request = Request(
                "GET",
                collection(self._caller.config.paths, kind),
                asks,
                query=page,
                accepted_when=_ACCEPTED,
                offered_when=offered_when(kind),
            )
            return self._caller.call(request)

        name, size = documents.NAME_OF[kind], self._caller.config.page_size
        in_row = (lambda row: self.record_in(kind, row)) if whole else (lambda _: None)
        return list_whole(fetch, f"{kind.words}s", name, size, query, in_row)

    def _get(self, kind: Kind, tecton_id: str) -> Json:
        answer = self._call_on(kind, "GET", tecton_id, "read")
        if not isinstance(answer, dict) or read_text(answer, "id") != tecton_id:
            raise TemporaryError(f"could not read {kind.words} {tecton_id}: Tecton answered with something else")
        return answer

    def _call_on(self, kind: Kind, method: str, tecton_id: str, verb: str, body: Json | None = None) -> Any:
        return self._caller.call(
            Request(
                method,
                f"{collection(self._caller.config.paths, kind)}/{segment(tecton_id)}",
                f"{verb} {kind.words} {tecton_id}",
                body,
                write=method != "GET",
                removal=method == "DELETE",
                about=About.OBJECT,
                accepted_when=_ACCEPTED,
                offered_when=offered_when(kind),
            )
        )

    def _read_back(self, kind: Kind, tecton_id: str, echo: Any) -> Record:
        """Return the object after a PUT: from its answer if that is whole (204 and {} are possible, too)."""
        echoes = documents.is_whole(kind, echo) and read_text(echo, "id") == tecton_id
        self._note_echo(echoes)
        if echoes:
            return self._record(kind, echo)
        return self._record(kind, self._get(kind, tecton_id))

    def _created(self, kind: Kind, answer: Json, body: Json) -> Record:
        """Return the new object; a poor answer is filled up by a GET if that works: a key may be in it."""
        if not documents.is_whole(kind, answer) and ("roles" in body or "members" in body):
            try:
                return self._record(kind, self._get(kind, read_text(answer, "id")))
            except TectonError as error:
                log.warning("a new object could not be read back", kind=kind.value, error=str(error))
        # Its name and the like are as we sent them; of roles and members nothing is claimed.
        sent = {name: value for name, value in body.items() if name not in ("roles", "members")}
        return self._record(kind, {**sent, **answer})

    def _record(self, kind: Kind, document: Json) -> Record:
        record = documents.read_record(kind, document, self._which_kind)
        self._learn(kind, [Entry(record.id, record.name)])
        return record

    def _learn(self, kind: Kind, entries: list[Entry]) -> None:
        self._known.learn(kind, (entry.id for entry in entries))
        if kind is Kind.USER:
            self._users.learn(entries)

    def _learn_members(self, members: Iterable[MemberId]) -> None:
        for member in members:
            self._known.learn(member.kind, [member.id])

    def _which_kind(self, id_: str) -> Kind | None:
        """Return what a member without a type is: known, or found by asking for it as either."""
        if known := self._known.get(id_):
            return known
        for kind in (Kind.USER, Kind.SERVICE_ACCOUNT):
            if self.get_record(kind, id_):
                return kind
        return None


def _inactive(record: Record) -> Record:
    return replace(record, active=False) if isinstance(record, ServiceAccountRecord) else record
