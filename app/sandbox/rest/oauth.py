"""The token endpoint: client credentials of an OAuth service account for an access token of an hour."""

import base64
import binascii
import hmac
import secrets
from datetime import timedelta
from urllib.parse import parse_qsl, unquote_plus

from app.sandbox.call import Call
from app.sandbox.replies import ApiError, Reply
from app.sandbox.world.edits import digest
from app.sandbox.world.records import ServiceAccount, Token

_LIFETIME = timedelta(hours=1)
_SCOPE = "everything"


def issue_token(call: Call) -> Reply:
    """POST the form scope, grant_type, client_id, client_secret (or HTTP Basic).

    Refusals have OAuth's own shape: 401 invalid_client, 400 for the others.
    """
    form = dict(parse_qsl(call.request.body.decode("utf-8", "replace")))
    if form.get("grant_type") != "client_credentials":
        raise ApiError(400, "grant_type must be client_credentials", name="unsupported_grant_type")
    if form.get("scope") != _SCOPE:
        raise ApiError(400, f"scope must be {_SCOPE}", name="invalid_scope")
    account = _authenticated(call, *_credentials(call, form))
    value = secrets.token_urlsafe(48)
    tokens = call.tx.tables.tokens
    tokens.put(Token(digest(value), call.tx.tables.next_seq(), account.id, call.now + _LIFETIME))
    lifetime = int(_LIFETIME.total_seconds())
    body = {"token_type": "Bearer", "expires_in": lifetime, "access_token": value, "scope": _SCOPE}
    return Reply(200, body, headers={"Cache-Control": "no-store"})


def _credentials(call: Call, form: dict[str, str]) -> tuple[str, str]:
    scheme, _, value = call.request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        client, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise _invalid_client() from error
    return unquote_plus(client), unquote_plus(secret)


def _authenticated(call: Call, client_id: str, secret: str) -> ServiceAccount:
    account = call.tx.tables.accounts.get(client_id)
    known = digest(secret)
    if account is None or not account.active:
        raise _invalid_client()
    if not any(s.active and hmac.compare_digest(s.hash, known) for s in account.secrets):
        raise _invalid_client()
    return account


def _invalid_client() -> ApiError:
    return ApiError(401, "the client id or the client secret is wrong", name="invalid_client")
