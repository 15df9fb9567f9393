"""authorization-service: assigning and unassigning roles."""

from collections.abc import Callable
from typing import Any, NamedTuple

from app.sandbox.bodies import items, only_known, rest_body, snake, text, texts
from app.sandbox.call import Call
from app.sandbox.guard import guarded
from app.sandbox.replies import ApiError, Json, KeptError, Reply
from app.sandbox.rest.resources import (
    denied,
    insist_principal,
    insist_resource,
    read_principal,
    read_resource_type,
)
from app.sandbox.world.authority import direct, scope_role_at_least, workspace_roles
from app.sandbox.world.edits import grant, revoke, set_roles
from app.sandbox.world.records import Grant, Level, Principal
from app.sandbox.world.roles import (
    LEVELS_OF,
    ORGANIZATION,
    ROLES_OF,
    SECRET_SCOPE,
    legacy_id,
    public_ids,
)
from app.sandbox.world.world import Transaction

_ENTRY = ("principal_type", "principal_id", "resource_type", "resource_id", "role")


class Assignment(NamedTuple):
    """One entry of a request, understood."""

    principal: Principal
    grant: Grant


def assign_roles(call: Call) -> Reply:
    """POST assign-roles: `assignments[]`, answered with {}."""
    return _each(call, _assign)


def unassign_roles(call: Call) -> Reply:
    """POST unassign-roles: takes direct roles away; inherited ones cannot be."""
    return _each(call, _unassign)


def put_roles(call: Call) -> Reply:
    """PUT assign-roles (internal): the principal holds exactly `roles` on the resource afterwards."""
    body = rest_body(call, (*_ENTRY[:4], "roles"))
    principal, type_, name = _read_target(call, body)
    wanted = {_assignable(call.tx, principal, type_, name, role) for role in texts(body, "roles")}
    kept = {g for g in direct(call.tx.tables, principal) if not _is_on(g, type_, name)}
    guarded(call, lambda: _set(call, principal, frozenset(kept | wanted)))
    return Reply()


def public_role(tx: Transaction, role: str) -> str:
    """Return the public id of a role in a request; raises ApiError 400 (row 34: which ids are accepted)."""
    known = public_ids(tx.knobs["legacy_role_ids"] == "suffixed")
    if role in known:
        return known[role]
    if tx.knobs["role_id_forms"] == "both" and role in known.values():
        return role
    raise ApiError(400, f"unknown role {role!r}")


def shown_role(tx: Transaction, role: str) -> str:
    """Return the id by which authorization-service answers."""
    return legacy_id(role, tx.knobs["legacy_role_ids"] == "suffixed")


def insist_may_grant(call: Call, type_: str, name: str) -> None:
    """Raise ApiError 403 unless the caller may change roles on the resource."""
    tables, caller = call.tx.tables, call.caller
    if caller.is_admin(tables):
        return
    if type_ == SECRET_SCOPE and scope_role_at_least(tables, caller.principal, name, "secret_scope_manager"):
        return
    if type_ not in (SECRET_SCOPE, ORGANIZATION) and "owner" in workspace_roles(tables, caller.principal, name):
        return
    raise denied(f"serviceAccount {caller.account_id} not authorized to perform action assign_roles")


def _each(call: Call, edit: Callable[[Call, Assignment], None]) -> Reply:
    """Do an edit for every entry; all or nothing, or up to the bad one (row 33)."""
    entries = items(rest_body(call, ("assignments",)), "assignments")
    if not entries:
        raise ApiError(400, "assignments must not be empty")
    guarded(call, lambda: _edit_all(call, entries, edit))
    return Reply()


def _edit_all(call: Call, entries: list[Any], edit: Callable[[Call, Assignment], None]) -> None:
    for entry in entries:
        try:
            edit(call, _read_entry(call, entry))
        except ApiError as error:
            if call.tx.knobs["batch_with_bad_entry"] == "partial":
                raise KeptError(error.status, error.message, code=error.code) from error
            raise


def _assign(call: Call, wanted: Assignment) -> None:
    if wanted.grant in direct(call.tx.tables, wanted.principal):
        _complain_about_repetition(call.tx, 409, "the role is already assigned")
    if not call.effect("roles_ignored"):
        grant(call.tx, *wanted)


def _unassign(call: Call, wanted: Assignment) -> None:
    if wanted.grant not in direct(call.tx.tables, wanted.principal):
        _complain_about_repetition(call.tx, 404, "the role is not assigned")
    if not call.effect("roles_ignored"):
        revoke(call.tx, *wanted)


def _set(call: Call, principal: Principal, grants: frozenset[Grant]) -> None:
    if not call.effect("roles_ignored"):
        set_roles(call.tx, principal, grants)


def _complain_about_repetition(tx: Transaction, status: int, message: str) -> None:
    """Row 32: whether assigning twice is an error."""
    behaviour = tx.knobs["repeated_assignment"]
    if behaviour != "idempotent":
        raise ApiError(status if behaviour == "conflict" else 400, message)


def _read_entry(call: Call, raw: Any) -> Assignment:
    if not isinstance(raw, dict):
        raise ApiError(400, "an assignment must be an object")
    entry = only_known(call, {snake(name): value for name, value in raw.items()}, _ENTRY)
    principal, type_, name = _read_target(call, entry)
    return Assignment(principal, _assignable(call.tx, principal, type_, name, text(entry, "role")))


def _read_target(call: Call, entry: Json) -> tuple[Principal, str, str]:
    """Return principal, resource type and resource id; raises ApiError when the caller may not."""
    principal = read_principal(text(entry, "principal_type"), text(entry, "principal_id"))
    type_ = read_resource_type(call.tx, text(entry, "resource_type"))
    name = "" if type_ == ORGANIZATION else text(entry, "resource_id")
    insist_resource(call.tx, type_, name)
    insist_may_grant(call, type_, name)
    insist_principal(call.tx, principal, 400)
    return principal, type_, name


def _assignable(tx: Transaction, principal: Principal, type_: str, name: str, role: str) -> Grant:
    public = public_role(tx, role)
    level = next((level for level in LEVELS_OF[type_] if public in ROLES_OF[level]), None)
    if level is None:
        raise ApiError(400, f"role {role!r} cannot be assigned on {type_}")
    if principal.kind == "workspace":
        _insist_workspace_may_hold(tx, level, public)
    return Grant(level, name, public)


def _insist_workspace_may_hold(tx: Transaction, level: Level, role: str) -> None:
    """Row 40: a workspace holds scope roles only, and perhaps only the reader's."""
    reader_only = tx.knobs["workspace_principal_roles"] == "reader_only"
    if level != "secret_scope" or (reader_only and role != "secret_scope_reader"):
        raise ApiError(400, f"role {role!r} cannot be assigned to a workspace")


def _is_on(held: Grant, type_: str, name: str) -> bool:
    return held.level in LEVELS_OF[type_] and held.name == name
