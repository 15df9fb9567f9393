"""Reading principals and resources out of requests, and showing principals in answers."""

from app.sandbox.replies import ApiError, Json
from app.sandbox.world.edits import principal_exists
from app.sandbox.world.records import Principal, ServiceAccount, User
from app.sandbox.world.roles import LEVELS_OF, ORGANIZATION, PRINCIPAL_TYPES, SECRET_SCOPE
from app.sandbox.world.tables import Tables
from app.sandbox.world.world import Transaction

_TYPE_OF = {kind: type_ for type_, kind in PRINCIPAL_TYPES.items()}


def read_principal(type_: str, principal_id: str) -> Principal:
    """Return the principal a request names; raises ApiError 400 for an unknown type."""
    if type_ not in PRINCIPAL_TYPES:
        raise ApiError(400, f"principal_type must be one of {', '.join(PRINCIPAL_TYPES)}")
    return Principal(PRINCIPAL_TYPES[type_], principal_id)


def read_resource_type(tx: Transaction, type_: str) -> str:
    """Return a resource type on which roles can be assigned; raises ApiError (row 5: Secrets may be off)."""
    if type_ not in LEVELS_OF:
        raise ApiError(400, f"resource_type must be one of {', '.join(LEVELS_OF)}")
    if type_ == SECRET_SCOPE:
        insist_secrets_enabled(tx)
    return type_


def insist_secrets_enabled(tx: Transaction) -> None:
    """Raise ApiError when Secrets is off (row 5)."""
    if not tx.knobs.on("secrets_enabled"):
        raise ApiError(int(tx.knobs["secrets_disabled_status"]), "Secrets is not enabled for this cluster")


def insist_resource(tx: Transaction, type_: str, name: str) -> None:
    """Raise ApiError for a scope or workspace that does not exist (row 36)."""
    if type_ == ORGANIZATION:
        return
    table = tx.tables.scopes if type_ == SECRET_SCOPE else tx.tables.workspaces
    if name not in table.rows:
        raise unknown_resource(tx, name)


def unknown_resource(tx: Transaction, name: str) -> ApiError:
    """Return the refusal of an unknown name; 403 as the permission check runs first (inferred)."""
    if tx.knobs["unknown_scope_answer"] == "404":
        return ApiError(404, f"{name!r} not found")
    return denied(f"not authorized to perform any action on {name!r}")


def denied(message: str) -> ApiError:
    """Return a refusal for want of rights."""
    return ApiError(403, message, code=7)


def insist_principal(tx: Transaction, principal: Principal, status: int) -> None:
    """Raise ApiError when there is no such principal."""
    if not principal_exists(tx.tables, principal):
        raise ApiError(status, f"there is no {principal.kind.replace('_', ' ')} {principal.id!r}")


def principal_payload(tx: Transaction, principal: Principal) -> Json:
    """Return `principal` of list-assigned-principals; of one that is gone (row 38) only its id."""
    tables = tx.tables
    if principal.kind == "user":
        user = tables.users.get(principal.id)
        return {"user": user_payload(user) if user else {"okta_id": principal.id}}
    if principal.kind == "service_account":
        account = tables.accounts.get(principal.id)
        return {"service_account": _account_payload(tx, account) if account else {"id": principal.id}}
    if principal.kind == "group":
        group = tables.groups.get(principal.id)
        return {"group": {"id": principal.id, **({"name": group.display_name} if group else {})}}
    return {"workspace": {"name": principal.id}}


def user_payload(user: User) -> Json:
    """Return a user as the metadata server shows it."""
    return {
        "okta_id": user.id,
        "first_name": user.given_name,
        "last_name": user.family_name,
        "login_email": user.user_name,
    }


def creator_of(tx: Transaction, account: ServiceAccount) -> Principal | None:
    """Return who made the account (row 49: whether a deleted creator is still shown)."""
    if account.creator_kind is None:
        return None
    creator = Principal(account.creator_kind, account.creator_id)
    forgotten = tx.knobs["creator_deleted"] == "forgotten" and not principal_exists(tx.tables, creator)
    return None if forgotten else creator


def created_by(tx: Transaction, account: ServiceAccount) -> Json:
    """Return {created_by: {user|service_account: …}}, or nothing when nobody is known."""
    creator = creator_of(tx, account)
    if creator is None:
        return {}
    if creator.kind == "user":
        return {"created_by": principal_payload(tx, creator)}
    return {"created_by": {"service_account": _short_account(tx.tables, creator.id)}}


def _short_account(tables: Tables, account_id: str) -> Json:
    account = tables.accounts.get(account_id)
    return {"id": account_id, **({"name": account.name} if account else {})}


def _account_payload(tx: Transaction, account: ServiceAccount) -> Json:
    creator = creator_of(tx, account)
    shown = {"creator": {"principal_type": _TYPE_OF[creator.kind], "id": creator.id}} if creator else {}
    return {
        "id": account.id,
        "name": account.name,
        "description": account.description,
        "is_active": account.active,
        **shown,
    }
