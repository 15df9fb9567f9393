"""SCIM service accounts. The answer to a create is the only place an API key is ever shown."""

import secrets
from dataclasses import replace

from app.sandbox.bodies import flag, json_body, text
from app.sandbox.call import Call
from app.sandbox.guard import guarded
from app.sandbox.naming import check_name
from app.sandbox.replies import ApiError, Json, Reply, scim_reply
from app.sandbox.scim.filters import Equality
from app.sandbox.scim.listing import Collection, list_reply
from app.sandbox.scim.resources import ACCOUNT_SCHEMA, meta, shown_groups
from app.sandbox.scim.roles import shown_roles, write_roles
from app.sandbox.world.edits import add_account, delete_account, set_account_active
from app.sandbox.world.records import Principal, ServiceAccount
from app.sandbox.world.world import Transaction


def list_accounts(call: Call) -> Reply:
    """GET /ServiceAccounts: entries without roles and groups."""
    return list_reply(call, _COLLECTION)


def create_account(call: Call) -> Reply:
    """POST /ServiceAccounts; 409 when the name is taken."""
    body = json_body(call)
    name = check_name(call.tx.knobs, text(body, "name"), "name")
    _insist_free(call.tx, name, 409)
    key = secrets.token_urlsafe(32)
    made = add_account(call.tx, name, text(body, "description"), creator=call.caller.principal, key=key)
    if flag(body, "active") is False:
        made = set_account_active(call.tx, made, False)
    write_roles(call, Principal("service_account", made.id), body, is_new=True)
    return scim_reply(call.tx.knobs, {**_full(call.tx, made), "apiKey": key}, 201)


def get_account(call: Call) -> Reply:
    """GET /ServiceAccounts/{id}, with groups and direct roles."""
    return scim_reply(call.tx.knobs, _full(call.tx, _found(call)))


def replace_account(call: Call) -> Reply:
    """PUT /ServiceAccounts/{id}. Without `active` the account stays as active as it was."""
    account = _found(call)
    body = json_body(call)
    name = check_name(call.tx.knobs, text(body, "name"), "name")
    if name != account.name:
        _insist_free(call.tx, name, int(call.tx.knobs["put_duplicate_name_status"]))
    renamed = replace(account, name=name, description=text(body, "description"))
    guarded(call, lambda: _write(call, renamed, body))
    return scim_reply(call.tx.knobs, _full(call.tx, _found(call)))


def remove_account(call: Call) -> Reply:
    """DELETE /ServiceAccounts/{id} (row 30: of an active one, too)."""
    account = _found(call)
    if account.active and call.tx.knobs["scim_delete_active_account"] == "reject":
        raise ApiError(400, "a service account must be deactivated before it is deleted")
    guarded(call, lambda: delete_account(call.tx, account))
    return scim_reply(call.tx.knobs, None, 204)


def _write(call: Call, account: ServiceAccount, body: Json) -> None:
    active = flag(body, "active")
    set_account_active(call.tx, account, account.active if active is None else active)
    write_roles(call, Principal("service_account", account.id), body, is_new=False)


def _insist_free(tx: Transaction, name: str, status: int) -> None:
    if tx.tables.accounts.find("name", name):
        raise ApiError(status, f"name {name!r} is already taken", name="uniqueness")


def _found(call: Call) -> ServiceAccount:
    account = call.tx.tables.accounts.get(call.params["id"])
    if account is None or not _is_shown(call.tx, account):
        raise ApiError(404, f"ServiceAccount {call.params['id']} not found")
    return account


def _is_shown(tx: Transaction, account: ServiceAccount) -> bool:
    """Row 29: whether OAuth accounts appear in SCIM."""
    return not account.oauth or tx.knobs.on("oauth_accounts_in_scim")


def _entry(tx: Transaction, account: ServiceAccount) -> Json:
    return {
        "schemas": [ACCOUNT_SCHEMA],
        "id": account.id,
        "name": account.name,
        "active": account.active,
        "description": account.description,
        "meta": meta("ServiceAccount", account.created, account.modified),
    }


def _full(tx: Transaction, account: ServiceAccount) -> Json:
    principal = Principal("service_account", account.id)
    groups, roles = shown_groups(tx, principal), shown_roles(tx, principal)
    return {**_entry(tx, account), "groups": groups, "roles": roles}


def _rows(tx: Transaction) -> list[ServiceAccount]:
    return [account for account in tx.tables.accounts if _is_shown(tx, account)]


def _find(tx: Transaction, wanted: Equality) -> list[ServiceAccount] | None:
    """Only name can be filtered by (reference)."""
    if wanted.attribute != "name":
        return None
    return [a for a in tx.tables.accounts.find("name", wanted.value) if _is_shown(tx, a)]


_COLLECTION = Collection[ServiceAccount](
    rows=_rows,
    find=_find,
    entry=_entry,
    whole=_full,
    sort_keys={
        "name": lambda a: a.name,
        "id": lambda a: a.id,
        "meta.created": lambda a: a.created.isoformat(),
        "meta.lastmodified": lambda a: a.modified.isoformat(),
    },
)
