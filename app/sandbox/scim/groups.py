"""SCIM groups, with Tecton's extension for description and idpMappingNames."""

from dataclasses import replace

from app.sandbox.bodies import json_body, section, text, texts
from app.sandbox.call import Call
from app.sandbox.guard import guarded
from app.sandbox.naming import check_name
from app.sandbox.replies import ApiError, Json, Reply, scim_reply
from app.sandbox.scim.filters import Equality
from app.sandbox.scim.listing import Collection, list_reply
from app.sandbox.scim.members import read_members, shown_members
from app.sandbox.scim.resources import GROUP_EXTENSION, GROUP_SCHEMA, meta
from app.sandbox.scim.roles import shown_roles, write_roles
from app.sandbox.world.edits import add_group, delete_group
from app.sandbox.world.records import Group, Principal
from app.sandbox.world.world import Transaction


def list_groups(call: Call) -> Reply:
    """GET /Groups: entries without members and roles."""
    return list_reply(call, _COLLECTION)


def create_group(call: Call) -> Reply:
    """POST /Groups; 409 when the displayName is taken."""
    body = json_body(call)
    name = check_name(call.tx.knobs, text(body, "displayName"), "displayName")
    _insist_free(call.tx, name, 409)
    _write(call, add_group(call.tx, name), body, is_new=True)
    made = call.tx.tables.groups.find("name", name)[0]
    return scim_reply(call.tx.knobs, _full(call.tx, made), 201)


def get_group(call: Call) -> Reply:
    """GET /Groups/{id}, with members and direct roles."""
    return scim_reply(call.tx.knobs, _full(call.tx, _found(call)))


def replace_group(call: Call) -> Reply:
    """PUT /Groups/{id}: members and everything else are replaced; what it omits is cleared."""
    group = _found(call)
    body = json_body(call)
    name = check_name(call.tx.knobs, text(body, "displayName"), "displayName")
    if name != group.display_name:
        _insist_free(call.tx, name, int(call.tx.knobs["put_duplicate_name_status"]))
    renamed = replace(group, display_name=name)
    guarded(call, lambda: _write(call, renamed, body, is_new=False))
    return scim_reply(call.tx.knobs, _full(call.tx, _found(call)))


def remove_group(call: Call) -> Reply:
    """DELETE /Groups/{id}."""
    group = _found(call)
    guarded(call, lambda: delete_group(call.tx, group))
    return scim_reply(call.tx.knobs, None, 204)


def _write(call: Call, group: Group, body: Json, *, is_new: bool) -> None:
    """Put members, extension and roles of a body into the group (rows 16 and 17)."""
    described = _with_extension(call.tx, group, body, is_new)
    kept = "members" not in body and call.tx.knobs["members_missing_in_put"] == "keep"
    members = group.members if kept and not is_new else read_members(call.tx, body, group)
    call.tx.tables.groups.put(replace(described, members=members, modified=call.now))
    write_roles(call, Principal("group", group.id), body, is_new=is_new)


def _with_extension(tx: Transaction, group: Group, body: Json, is_new: bool) -> Group:
    missing = GROUP_EXTENSION not in body
    if missing and not is_new and tx.knobs["group_extension_missing_in_put"] == "keep":
        return group
    extension = section(body, GROUP_EXTENSION)
    names = tuple(dict.fromkeys(texts(extension, "idpMappingNames")))
    return replace(group, description=text(extension, "description"), idp_names=names)


def _insist_free(tx: Transaction, name: str, status: int) -> None:
    if tx.tables.groups.find("name", name):
        raise ApiError(status, f"displayName {name!r} is already taken", name="uniqueness")


def _found(call: Call) -> Group:
    group = call.tx.tables.groups.get(call.params["id"])
    if group is None:
        raise ApiError(404, f"Group {call.params['id']} not found")
    return group


def _entry(tx: Transaction, group: Group) -> Json:
    return {
        "schemas": [GROUP_SCHEMA, GROUP_EXTENSION],
        "id": group.id,
        "displayName": group.display_name,
        GROUP_EXTENSION: {"description": group.description, "idpMappingNames": list(group.idp_names)},
        "meta": meta("Group", group.created, group.modified),
    }


def _full(tx: Transaction, group: Group) -> Json:
    roles = shown_roles(tx, Principal("group", group.id))
    return {**_entry(tx, group), "members": shown_members(tx, group), "roles": roles}


def _find(tx: Transaction, wanted: Equality) -> list[Group] | None:
    """Only displayName can be filtered by (reference)."""
    if wanted.attribute != "displayname":
        return None
    return tx.tables.groups.find("name", wanted.value)


_COLLECTION = Collection[Group](
    rows=lambda tx: list(tx.tables.groups),
    find=_find,
    entry=_entry,
    whole=_full,
    sort_keys={
        "displayname": lambda g: g.display_name,
        "id": lambda g: g.id,
        "meta.created": lambda g: g.created.isoformat(),
        "meta.lastmodified": lambda g: g.modified.isoformat(),
    },
)
