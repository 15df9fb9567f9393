"""Service Accounts API: client secrets of OAuth accounts.

At most two, at least one active, deactivated before deleted (product docs). A value is shown once.
"""

import secrets
from dataclasses import replace
from datetime import datetime

from app.sandbox.bodies import rest_body, text
from app.sandbox.call import Call
from app.sandbox.replies import ApiError, Json, Reply
from app.sandbox.rest.managing import managed_account
from app.sandbox.world.edits import digest, okta_id
from app.sandbox.world.records import ClientSecret, ServiceAccount

_MOST = 2


def create_client_secret(call: Call) -> Reply:
    """Add a secret to {id}; 400 when there are two already."""
    account = _oauth_account(call, text(rest_body(call, ("id",)), "id"))
    if len(account.secrets) >= _MOST:
        raise ApiError(400, f"a service account may have at most {_MOST} client secrets", code=9)
    made, value = add_client_secret(call, account)
    shown = {"secret_id": made.id, "created_at": _stamp(made.created), "status": _status(made)}
    return Reply(200, {"secret": {**shown, "secret": value}})


def list_client_secrets(call: Call) -> Reply:
    """List the secrets of {id}, masked."""
    account = _oauth_account(call, text(rest_body(call, ("id",)), "id"))
    rows = [_masked(secret) for secret in account.secrets]
    return Reply(200, {call.tx.knobs["client_secrets_key"]: rows} if rows else {})


def activate_client_secret(call: Call) -> Reply:
    """Activate {service_account_id, secret_id}."""
    account, secret = _found(call)
    return _switched(call, account, secret, True)


def deactivate_client_secret(call: Call) -> Reply:
    """Deactivate {service_account_id, secret_id}; 400 for the last active one."""
    account, secret = _found(call)
    if not any(other.active for other in account.secrets if other.id != secret.id):
        raise ApiError(400, "at least one client secret must stay active", code=9)
    return _switched(call, account, secret, False)


def delete_client_secret(call: Call) -> Reply:
    """Delete {service_account_id, secret_id}; it must have been deactivated before."""
    account, secret = _found(call)
    if secret.active:
        raise ApiError(400, "a client secret must be deactivated before it is deleted", code=9)
    kept = tuple(other for other in account.secrets if other.id != secret.id)
    call.tx.tables.accounts.put(replace(account, secrets=kept))
    return Reply()


def add_client_secret(call: Call, account: ServiceAccount) -> tuple[ClientSecret, str]:
    """Give the account one more active secret; return it and its value."""
    value = secrets.token_urlsafe(48)
    made = ClientSecret(okta_id("ocs"), digest(value), value[-4:], True, call.now)
    call.tx.tables.accounts.put(replace(account, secrets=(*account.secrets, made)))
    return made, value


def _oauth_account(call: Call, account_id: str) -> ServiceAccount:
    account = managed_account(call, account_id)
    if not account.oauth:
        raise ApiError(400, "the service account has an API key, not client secrets", code=9)
    return account


def _found(call: Call) -> tuple[ServiceAccount, ClientSecret]:
    body = rest_body(call, ("service_account_id", "secret_id"))
    account = _oauth_account(call, text(body, "service_account_id"))
    wanted = text(body, "secret_id")
    secret = next((secret for secret in account.secrets if secret.id == wanted), None)
    if secret is None:
        raise ApiError(404, f"client secret {wanted!r} not found")
    return account, secret


def _switched(call: Call, account: ServiceAccount, secret: ClientSecret, active: bool) -> Reply:
    changed = replace(secret, active=active, updated=call.now)
    kept = tuple(changed if other.id == secret.id else other for other in account.secrets)
    call.tx.tables.accounts.put(replace(account, secrets=kept))
    return Reply(200, {"secret": _masked(changed)})


def _masked(secret: ClientSecret) -> Json:
    return {
        "secret_id": secret.id,
        "created_at": _stamp(secret.created),
        "updated_at": _stamp(secret.updated or secret.created),
        "status": _status(secret),
        "masked_secret": "*" * 12 + secret.tail,
    }


def _status(secret: ClientSecret) -> str:
    return "ACTIVE" if secret.active else "INACTIVE"


def _stamp(moment: datetime) -> str:
    """Return a moment with milliseconds, as client secrets show it."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
