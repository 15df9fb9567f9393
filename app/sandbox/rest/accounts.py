"""Service Accounts API: accounts. Messages are documented; the paths are in `account_routes`."""

import secrets
from dataclasses import replace

from app.sandbox.bodies import flag, rest_body, text, texts
from app.sandbox.call import Call
from app.sandbox.guard import guarded
from app.sandbox.naming import check_name
from app.sandbox.replies import ApiError, Json, Reply
from app.sandbox.rest.client_secrets import add_client_secret
from app.sandbox.rest.managing import made_by, managed_account
from app.sandbox.rest.resources import created_by
from app.sandbox.world.edits import add_account, delete_account, set_account_active
from app.sandbox.world.records import ServiceAccount

API_KEY = "SERVICE_ACCOUNT_CREDENTIALS_TYPE_API_KEY"
OAUTH = "SERVICE_ACCOUNT_CREDENTIALS_TYPE_OAUTH_CLIENT_CREDENTIALS"


def create_service_account(call: Call) -> Reply:
    """Create {name, description?, credentials_type?}; its key or client secret is shown this once."""
    body = rest_body(call, ("name", "description", "credentials_type"))
    kind = text(body, "credentials_type", API_KEY)
    if kind not in (API_KEY, OAUTH):
        raise ApiError(400, f"credentials_type must be {API_KEY} or {OAUTH}")
    name = check_name(call.tx.knobs, text(body, "name"), "name")
    _insist_free(call, name)
    key = secrets.token_urlsafe(32) if kind == API_KEY else ""
    made = add_account(call.tx, name, text(body, "description"), creator=call.caller.principal, key=key)
    credential = {"api_key": key} if key else {"client_secret": add_client_secret(call, made)[1]}
    return Reply(200, {**_shown(made), "credentials_type": kind, **credential})


def search_service_accounts(call: Call) -> Reply:
    """Find {search?, ids?}: a part of name, description or id in any case; `ids` absent is all.

    An admin sees every account, others see themselves and what they created (assumed).
    """
    body = rest_body(call, ("search", "ids"))
    wanted, ids = text(body, "search").casefold(), texts(body, "ids")
    found = [
        {**_shown(account), **created_by(call.tx, account), "credentials_type": _kind(account)}
        for account in _visible(call, ids)
        if any(wanted in field.casefold() for field in (account.name, account.description, account.id))
    ]
    return Reply(200, {"service_accounts": found} if found else {})


def update_service_account(call: Call) -> Reply:
    """Change {id, name?, description?, is_active?}; what is absent stays."""
    body = rest_body(call, ("id", "name", "description", "is_active"))
    account = managed_account(call, text(body, "id"))
    name = check_name(call.tx.knobs, text(body, "name", account.name), "name")
    if name != account.name:
        _insist_free(call, name)
    named = replace(account, name=name, description=text(body, "description", account.description))
    active = flag(body, "is_active")
    guarded(call, lambda: _store(call, named, account.active if active is None else active))
    return Reply(200, _shown(call.tx.tables.accounts.rows[account.id]))


def delete_service_account(call: Call) -> Reply:
    """Delete {id}; it must have been deactivated before."""
    account = managed_account(call, text(rest_body(call, ("id",)), "id"))
    if account.active:
        raise ApiError(400, "a service account must be deactivated before it is deleted", code=9)
    delete_account(call.tx, account)
    return Reply()


def _store(call: Call, account: ServiceAccount, active: bool) -> None:
    set_account_active(call.tx, account, active)


def _visible(call: Call, ids: list[str]) -> list[ServiceAccount]:
    accounts = call.tx.tables.accounts
    chosen = [accounts.rows[i] for i in dict.fromkeys(ids) if i in accounts.rows] if ids else list(accounts)
    if call.caller.is_admin(call.tx.tables):
        return chosen
    mine = call.caller.principal
    return [a for a in chosen if a.id == mine.id or made_by(a) == mine]


def _insist_free(call: Call, name: str) -> None:
    """Row 31: 409 is not among the documented answers here."""
    if call.tx.tables.accounts.find("name", name):
        raise ApiError(int(call.tx.knobs["v1_duplicate_account_name"]), f"name {name!r} is already taken")


def _kind(account: ServiceAccount) -> str:
    return OAUTH if account.oauth else API_KEY


def _shown(account: ServiceAccount) -> Json:
    return {
        "id": account.id,
        "name": account.name,
        "description": account.description,
        "is_active": account.active,
        "created_at": account.created.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    }
