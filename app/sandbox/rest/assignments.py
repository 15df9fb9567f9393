"""authorization-service: looking at assignments. Inherited roles name the group they come from."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from app.sandbox.bodies import rest_body, text, texts
from app.sandbox.call import Call
from app.sandbox.replies import Json, Reply
from app.sandbox.rest.assigning import insist_may_grant, public_role, shown_role
from app.sandbox.rest.resources import (
    denied,
    insist_principal,
    insist_resource,
    principal_payload,
    read_principal,
    read_resource_type,
)
from app.sandbox.world.authority import effective, holders, workspace_roles
from app.sandbox.world.records import Grant, Group, Level, Principal
from app.sandbox.world.roles import (
    ADMIN,
    LEVELS_OF,
    ORGANIZATION,
    PRINCIPAL_TYPES,
    RESOURCE_OF,
    ROLES_OF,
    SCOPE_ROLES,
    SECRET_SCOPE,
    WORKSPACE,
    WORKSPACE_ROLES,
)
from app.sandbox.world.world import Transaction

_ORDER = ("user", "service_account", "group", "workspace")


class Source(NamedTuple):
    """A grant with the group it comes from, None when it is direct."""

    grant: Grant
    group: Group | None


def list_assigned_principals(call: Call) -> Reply:
    """POST list-assigned-principals: everybody with a role on one resource."""
    body = rest_body(call, ("resource_type", "resource_id", "roles", "principal_types"))
    type_ = read_resource_type(call.tx, text(body, "resource_type"))
    name = "" if type_ == ORGANIZATION else text(body, "resource_id")
    insist_resource(call.tx, type_, name)
    _insist_may_see(call, type_, name)
    kinds = {read_principal(t, "").kind for t in texts(body, "principal_types")}
    roles = _wanted_roles(call.tx, body)
    found = []
    for principal in _candidates(call.tx, type_, name):
        sources = _sources(call.tx, principal, type_, {name}, roles)
        if sources and (not kinds or principal.kind in kinds):
            shown = {"principal": principal_payload(call.tx, principal)}
            found.append({**shown, "role_assignments": _by_resource(call.tx, sources)})
    return _listed(found)


def list_assigned_roles(call: Call) -> Reply:
    """POST list-assigned-roles: the roles of one principal on one type of resource."""
    body = rest_body(call, ("principal_type", "principal_id", "resource_type", "resource_ids", "roles"))
    principal = read_principal(text(body, "principal_type"), text(body, "principal_id"))
    type_ = read_resource_type(call.tx, text(body, "resource_type"))
    if principal != call.caller.principal and not call.caller.is_admin(call.tx.tables):
        raise denied(f"serviceAccount {call.caller.account_id} not authorized to list roles of others")
    insist_principal(call.tx, principal, 403)
    names = set(texts(body, "resource_ids"))
    sources = _sources(call.tx, principal, type_, names, _wanted_roles(call.tx, body))
    return _listed(_by_resource(call.tx, sources))


def get_roles(call: Call) -> Reply:
    """POST get-roles (internal): the catalogue, for anybody with a credential."""
    rest_body(call, ())
    people = [t for t, kind in PRINCIPAL_TYPES.items() if kind != "workspace"]
    catalogue = [_catalogue_entry(call.tx, ADMIN.role, [ORGANIZATION], people)]
    catalogue += [_catalogue_entry(call.tx, role, [ORGANIZATION, WORKSPACE], people) for role in WORKSPACE_ROLES]
    for role in SCOPE_ROLES:
        all_may = role == "secret_scope_reader" or call.tx.knobs["workspace_principal_roles"] == "all"
        kinds = list(PRINCIPAL_TYPES) if all_may else people
        catalogue.append(_catalogue_entry(call.tx, role, [SECRET_SCOPE], kinds))
    return Reply(200, {"roles": catalogue})


def _catalogue_entry(tx: Transaction, role: str, resources: list[str], kinds: list[str]) -> Json:
    words = role.replace("_", " ")
    return {
        "id": role,
        "name": words.title(),
        "description": f"The {words} role",
        "legacy_id": shown_role(tx, role),
        "assignable_on_resource_types": resources,
        "assignable_to_principal_types": kinds,
    }


def _insist_may_see(call: Call, type_: str, name: str) -> None:
    """Those who may change roles may see them; on a workspace, so may everybody with a role there."""
    if type_ == WORKSPACE and workspace_roles(call.tx.tables, call.caller.principal, name):
        return
    insist_may_grant(call, type_, name)


def _wanted_roles(tx: Transaction, body: Json) -> set[str]:
    return {public_role(tx, role) for role in texts(body, "roles")}


def _levels(type_: str) -> tuple[Level, ...]:
    """Asking for workspace roles also returns the all-workspaces ones, as ORGANIZATION entries."""
    return ("all_workspaces", "workspace") if type_ == WORKSPACE else LEVELS_OF[type_]


def _candidates(tx: Transaction, type_: str, name: str) -> list[Principal]:
    """Return who holds something on the resource, directly or through a group, in a stable order."""
    found: dict[Principal, None] = {}
    for level in _levels(type_):
        for held in holders(tx.tables, level, name if level in ("workspace", "secret_scope") else ""):
            found[held.principal] = None
            group = tx.tables.groups.get(held.principal.id) if held.principal.kind == "group" else None
            found.update({Principal(m.kind, m.id): None for m in group.members} if group else {})
    return sorted(found, key=lambda p: _ORDER.index(p.kind))


def _sources(
    tx: Transaction, principal: Principal, type_: str, names: Collection[str], roles: Collection[str]
) -> list[Source]:
    """Return the principal's grants on a type of resource; empty `names` or `roles` leave all in."""
    levels = _levels(type_)
    return [
        Source(grant, group)
        for grant, group in effective(tx.tables, principal)
        if grant.level in levels
        and (not names or not grant.name or grant.name in names)
        and (not roles or grant.role in roles)
        and grant.role in ROLES_OF[grant.level]
    ]


def _by_resource(tx: Transaction, sources: Iterable[Source]) -> list[Json]:
    """Return one entry per resource, with the roles on it, sorted."""
    resources: dict[tuple[str, str], dict[str, list[Json]]] = {}
    for grant, group in sources:
        roles = resources.setdefault((RESOURCE_OF[grant.level], grant.name), {})
        roles.setdefault(shown_role(tx, grant.role), []).append(_source(group))
    return [_resource_entry(type_, name, roles) for (type_, name), roles in sorted(resources.items())]


def _resource_entry(type_: str, name: str, roles: dict[str, list[Json]]) -> Json:
    granted = [{"role": role, "role_assignment_sources": roles[role]} for role in sorted(roles)]
    named = {"resource_id": name} if name else {}
    return {"resource_type": type_, **named, "roles_granted": granted}


def _source(group: Group | None) -> Json:
    if group is None:
        return {"assignment_type": "ROLE_ASSIGNMENT_TYPE_DIRECT"}
    return {
        "assignment_type": "ROLE_ASSIGNMENT_TYPE_FROM_PRINCIPAL_GROUP",
        "principal_group_name": group.display_name,
        "principal_group_id": group.id,
    }


def _listed(assignments: list[Json]) -> Reply:
    """Empty lists are left out of the gateway's answers: `{}` is "none"."""
    return Reply(200, {"assignments": assignments} if assignments else {})
