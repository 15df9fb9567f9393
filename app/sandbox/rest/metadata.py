"""metadata-service: the few routes a client needs to find its way (older SDK, may change)."""

from app.sandbox.bodies import rest_body, text
from app.sandbox.call import Call
from app.sandbox.replies import ApiError, Json, Reply
from app.sandbox.rest.resources import creator_of, user_payload
from app.sandbox.world.authority import is_admin
from app.sandbox.world.edits import digest
from app.sandbox.world.records import Principal, ServiceAccount, User
from app.sandbox.world.world import Transaction


def get_user(call: Call) -> Reply:
    """POST get-user {email} or {id}: the user by sign-in name or principal id; 404 when unknown."""
    body = rest_body(call, ("email", "id"))
    user = _user(call.tx, text(body, "email"), text(body, "id"))
    if user is None:
        raise ApiError(404, "user not found")
    return Reply(200, {"user": user_payload(user)})


def get_cluster_admin_info(call: Call) -> Reply:
    """POST get-cluster-admin-info: every user, every admin, and whether the caller is one."""
    rest_body(call, ())
    users = [_user_with_status(call.tx, user) for user in call.tx.tables.users]
    admins = [user for user in users if user["is_admin"]]
    body: Json = {"caller_is_admin": call.caller.is_admin(call.tx.tables)}
    body.update({name: rows for name, rows in (("users", users), ("admins", admins)) if rows})
    return Reply(200, body)


def list_workspaces(call: Call) -> Reply:
    """POST list-workspaces: all of them; live ones can materialize."""
    rest_body(call, ())
    rows = [
        {"name": workspace.id, "capabilities": {"materializable": workspace.live}}
        for workspace in call.tx.tables.workspaces
    ]
    return Reply(200, {"workspaces": rows} if rows else {})


def introspect_api_key(call: Call) -> Reply:
    """POST introspect-api-key {api_key}: whose it is; 404 when it is nobody's."""
    body = rest_body(call, ("api_key",))
    found = call.tx.tables.accounts.find("key", digest(text(body, "api_key")))
    if not found:
        raise ApiError(404, "API key not found")
    return Reply(200, _introspection(call.tx, found[0]))


def get_login_configs(call: Call) -> Reply:
    """POST get-login-configs: public, good for asking whether anybody is there."""
    values = {"OKTA_CLIENT_ID": "0oasandboxsandboxsan", "OKTA_ISSUER": "https://login.tecton.example/oauth2"}
    return Reply(200, {"key_values": values})


def _user(tx: Transaction, email: str, user_id: str) -> User | None:
    if user_id:
        return tx.tables.users.get(user_id)
    alike = tx.tables.users.find("name", email.casefold())
    exact = [user for user in alike if user.user_name == email]
    return next(iter(exact or alike), None)


def _user_with_status(tx: Transaction, user: User) -> Json:
    last = {"last_login": user.last_login.isoformat()} if user.last_login else {}
    admin = is_admin(tx.tables, Principal("user", user.id))
    return {**user_payload(user), "is_admin": admin, "okta_status": "ACTIVE", **last}


def _introspection(tx: Transaction, account: ServiceAccount) -> Json:
    creator = creator_of(tx, account)
    return {
        "id": account.id,
        "name": account.name,
        "description": account.description,
        "created_by": creator.id if creator else "",
        "active": account.active,
        "is_admin": is_admin(tx.tables, Principal("service_account", account.id)),
    }
