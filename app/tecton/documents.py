"""Tecton's SCIM documents <-> records of the core.

Attributes are camelCase always (reference). A PUT replaces the whole resource, and what it omits may
be cleared (inferred), so that a document is changed where it must be and sent back as it came
everywhere else.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from app.core.access import GroupProfile, Profile, ServiceAccountProfile, UserProfile
from app.core.identity import Grant, Kind
from app.core.records import GroupRecord, MemberId, Record, ServiceAccountRecord, UserRecord
from app.tecton.members import WhichKind, members_of, merged_members, read_members
from app.tecton.roles import merged_roles, read_roles, roles_of
from app.tecton.wire import Json, read_list, read_text

USER_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Group"
GROUP_EXTENSION = "urn:ietf:params:scim:schemas:extension:tecton:1.0:Group"
ACCOUNT_SCHEMA = "urn:ietf:params:scim:schemas:extension:tecton:1.0:ServiceAccount"  # assumed

NAME_OF = {Kind.USER: "userName", Kind.GROUP: "displayName", Kind.SERVICE_ACCOUNT: "name"}

# What a list is asked for, to show all that a record holds (RFC 7644, 3.4.2.5). Tecton documents no such thing.
WHOLE_ATTRIBUTES = {
    Kind.USER: "userName,name,active,roles,meta",
    Kind.GROUP: f"displayName,members,roles,meta,{GROUP_EXTENSION}",
    Kind.SERVICE_ACCOUNT: "name,active,description,roles,meta",
}

# What only Tecton writes (reference: memberships are edited on groups alone).
_READ_ONLY = ("meta", "groups", "apiKey")


def read_record(kind: Kind, document: Any, which: WhichKind) -> Record:
    """Return the record in a document that has an id; `which` tells members without a type."""
    id_ = read_text(document, "id")
    name, roles = read_text(document, NAME_OF[kind]), read_roles(document)
    if kind is Kind.USER:
        person = document.get("name")
        return UserRecord(id_, name, read_text(person, "givenName"), read_text(person, "familyName"), roles)
    if kind is Kind.GROUP:
        return _group(id_, name, document, read_members(document, which), roles)
    # Nothing said of `active` is no word of a deactivation.
    active = document.get("active") is not False
    return ServiceAccountRecord(id_, name, read_text(document, "description"), active, roles)


def is_whole(kind: Kind, document: Any) -> bool:
    """Tell whether the answer to a write shows all that a GET would: id, name, roles and members."""
    wanted = ["id", NAME_OF[kind], "roles", *(["members"] if kind is Kind.GROUP else [])]
    return isinstance(document, dict) and all(document.get(name) is not None for name in wanted)


def new_document(profile: Profile, members: Iterable[MemberId], roles: Iterable[Grant]) -> Json:
    """Return the document that creates an object. Empty roles are not sent: SCIM may not manage them."""
    document = _new_by_profile(profile)
    if isinstance(profile, GroupProfile):
        document["members"] = members_of(members)
    if entries := roles_of(roles):
        document["roles"] = entries
    return document


def merged_document(raw: Json, before: Record, after: Record) -> Json:
    """Return the document as it should be: `raw`, with what differs between the two records replaced."""
    document = {name: copy.deepcopy(value) for name, value in raw.items() if name not in _READ_ONLY}
    if isinstance(before, UserRecord) and isinstance(after, UserRecord):
        _merge_user(document, before, after)
    elif isinstance(before, GroupRecord) and isinstance(after, GroupRecord):
        _merge_group(document, before, after)
    elif isinstance(before, ServiceAccountRecord) and isinstance(after, ServiceAccountRecord):
        _merge_account(document, before, after)
    else:
        raise TypeError(f"a {type(before).__name__} cannot become a {type(after).__name__}")
    if "roles" in document or after.roles:
        document["roles"] = merged_roles(read_list(document, "roles"), before.roles, after.roles)
    return document


def _group(id_: str, name: str, document: Json, members: frozenset[MemberId], roles: frozenset[Grant]) -> GroupRecord:
    extension = document.get(GROUP_EXTENSION)
    names = tuple(n for n in read_list(extension, "idpMappingNames") if isinstance(n, str))
    return GroupRecord(id_, name, read_text(extension, "description"), names, members, roles)


def _new_by_profile(profile: Profile) -> Json:
    if isinstance(profile, UserProfile):
        return _new_user(profile)
    if isinstance(profile, ServiceAccountProfile):
        described = {"description": profile.description or ""}
        return {"schemas": [ACCOUNT_SCHEMA], "name": profile.name, "active": profile.active, **described}
    document: Json = {"schemas": [GROUP_SCHEMA], "displayName": profile.name}
    _extend(document, profile.description, profile.idp_mapping_names)
    return document


def _new_user(profile: UserProfile) -> Json:
    return {
        "schemas": [USER_SCHEMA],
        "userName": profile.user_name,
        "name": {"givenName": profile.given_name, "familyName": profile.family_name},
        "active": True,
        "emails": [{"type": "work", "primary": True, "value": profile.user_name}],
    }


def _put(document: Json, name: str, old: Any, new: Any) -> None:
    """Replace a field that differs; one that does not stays as it came, even spelt otherwise."""
    if old != new:
        document[name] = new


def _merge_user(document: Json, before: UserRecord, after: UserRecord) -> None:
    document["active"] = True  # false would delete the user (reference)
    person = document.get("name")
    person = dict(person) if isinstance(person, dict) else {}
    _put(person, "givenName", before.given_name, after.given_name)
    _put(person, "familyName", before.family_name, after.family_name)
    document["name"] = person
    if before.user_name != after.user_name:
        document["userName"] = after.user_name
        _rename_email(document, before.user_name, after.user_name)


def _merge_account(document: Json, before: ServiceAccountRecord, after: ServiceAccountRecord) -> None:
    document["active"] = after.active  # always said: what its absence means is not known
    _put(document, "name", before.name, after.name)
    _put(document, "description", before.description, after.description)


def _rename_email(document: Json, old: str, new: str) -> None:
    """Let the address that is the sign-in name follow it."""
    for email in read_list(document, "emails"):
        if isinstance(email, dict) and email.get("value") == old:
            email["value"] = new


def _merge_group(document: Json, before: GroupRecord, after: GroupRecord) -> None:
    _put(document, "displayName", before.name, after.name)
    document["members"] = merged_members(read_list(document, "members"), before.members, after.members)
    _extend(
        document,
        after.description if after.description != before.description else None,
        after.idp_mapping_names if after.idp_mapping_names != before.idp_mapping_names else None,
    )


def _extend(document: Json, description: str | None, names: tuple[str, ...] | None) -> None:
    """Set what is given (not None) in the group extension, and name its schema."""
    given = {"description": description, "idpMappingNames": None if names is None else list(names)}
    changed = {name: value for name, value in given.items() if value is not None}
    if not changed:
        return
    document[GROUP_EXTENSION] = {**(document.get(GROUP_EXTENSION) or {}), **changed}
    document["schemas"] = list(dict.fromkeys([*read_list(document, "schemas"), GROUP_EXTENSION]))
