"""secrets-service: scopes and keys. A value is shown only by the route that reads one value."""

from dataclasses import replace

from app.sandbox.bodies import rest_body, text
from app.sandbox.call import Call
from app.sandbox.naming import check_name
from app.sandbox.replies import ApiError, Reply
from app.sandbox.rest.resources import denied, insist_secrets_enabled, unknown_resource
from app.sandbox.world.authority import effective, scope_role_at_least
from app.sandbox.world.edits import add_scope, delete_scope
from app.sandbox.world.records import Scope


def list_scopes(call: Call) -> Reply:
    """GET scopes: an admin's list (row 39), or the scopes the caller has a role on."""
    insist_secrets_enabled(call.tx)
    names = list(call.tx.tables.scopes.rows)
    if not (call.caller.is_admin(call.tx.tables) and call.tx.knobs["scopes_shown_to_admin"] == "all"):
        mine = {grant.name for grant, _ in effective(call.tx.tables, call.caller.principal)}
        names = [name for name in names if name in mine]
    return Reply(200, {"scopes": [{"name": name} for name in names]} if names else {})


def create_scope(call: Call) -> Reply:
    """POST scopes/{scope}: any account may; it becomes manager of what it created."""
    insist_secrets_enabled(call.tx)
    name = check_name(call.tx.knobs, call.params["scope"], "scope")
    if call.tx.tables.scopes.get(name):
        return _existing(call, name)
    add_scope(call.tx, name, call.caller.principal)
    return Reply()


def remove_scope(call: Call) -> Reply:
    """DELETE scopes/{scope}: for managers; an admin may not (documented)."""
    delete_scope(call.tx, _scope(call, "secret_scope_manager", "delete_secret_scope"))
    return Reply()


def list_keys(call: Call) -> Reply:
    """GET scopes/{scope}/keys: names only, for writers, managers and admins."""
    scope = _scope(call, "secret_scope_writer", "list_secret_key", admin_may=True)
    keys = [{"name": name} for name in scope.values]
    return Reply(200, {"keys": keys} if keys else {})


def get_value(call: Call) -> Reply:
    """GET scopes/{scope}/keys/{key}: for readers and stronger, not for admins."""
    scope = _scope(call, "secret_scope_reader", "read_secret_value")
    if call.params["key"] not in scope.values:
        raise ApiError(404, f"secret {call.params['key']!r} not found")
    return Reply(200, {"value": scope.values[call.params["key"]]})


def put_value(call: Call) -> Reply:
    """PUT scopes/{scope}/keys/{key}: adds or overwrites, for writers and managers."""
    scope = _scope(call, "secret_scope_writer", "manage_secret_value")
    body = rest_body(call, ("value", "scope", "key"))
    if not isinstance(body.get("value"), str):
        raise ApiError(400, "value must be a string")
    key = check_name(call.tx.knobs, call.params["key"], "key")
    call.tx.tables.scopes.put(replace(scope, values={**scope.values, key: text(body, "value")}))
    return Reply()


def delete_key(call: Call) -> Reply:
    """DELETE scopes/{scope}/keys/{key}: at once, for writers and managers."""
    scope = _scope(call, "secret_scope_writer", "manage_secret_value")
    if call.params["key"] not in scope.values:
        raise ApiError(404, f"secret {call.params['key']!r} not found")
    values = {name: value for name, value in scope.values.items() if name != call.params["key"]}
    call.tx.tables.scopes.put(replace(scope, values=values))
    return Reply()


def _existing(call: Call, name: str) -> Reply:
    """Row 37: what creating a scope that exists answers."""
    status = int(call.tx.knobs["existing_scope_create"])
    if status != 200:
        raise ApiError(status, f"scope {name!r} already exists")
    return Reply()


def _scope(call: Call, role: str, action: str, *, admin_may: bool = False) -> Scope:
    """Return the scope of the path; raises ApiError when it is unknown or the caller may not."""
    insist_secrets_enabled(call.tx)
    scope = call.tx.tables.scopes.get(call.params["scope"])
    if scope is None:
        raise unknown_resource(call.tx, call.params["scope"])
    by_role = scope_role_at_least(call.tx.tables, call.caller.principal, scope.id, role)
    if not by_role and not (admin_may and call.caller.is_admin(call.tx.tables)):
        raise denied(f"serviceAccount {call.caller.account_id} not authorized to perform action {action}")
    return scope
