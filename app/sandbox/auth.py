"""Who is calling: API keys and OAuth access tokens of service accounts.

`Tecton-key` is documented; `Bearer` with an API key is inferred for SCIM only, from Okta's header
mode; `Bearer` with an access token is documented for everything but ingest.
"""

from datetime import timedelta

from werkzeug.datastructures import Headers

from app.sandbox.call import Caller
from app.sandbox.replies import ApiError, Service
from app.sandbox.world.edits import digest
from app.sandbox.world.records import ServiceAccount
from app.sandbox.world.world import Transaction

_BAD_KEY = "invalid 'Tecton-key' authorization header. New keys may take up to 60 seconds to work."


def identify(tx: Transaction, headers: Headers, service: Service) -> Caller:
    """Return who sent these headers; raise ApiError when no valid credential is in them."""
    scheme, _, credential = headers.get("Authorization", "").partition(" ")
    known = digest(credential.strip())
    takes_key, takes_token = _accepted(tx, scheme.lower(), service)
    caller = _by_key(tx, known) if takes_key else None
    if caller is None and takes_token:
        caller = _by_token(tx, known)
    if caller is None and (takes_key or takes_token):
        caller = _lingering(tx, known)
    if caller is None:
        raise _refusal(tx, service)
    return caller


def _accepted(tx: Transaction, scheme: str, service: Service) -> tuple[bool, bool]:
    """Say whether the scheme may carry an API key here, and whether an access token."""
    if service == "scim":
        allowed = tx.knobs["scim_auth_schemes"]
        is_key = scheme == "tecton-key" and allowed != "bearer"
        is_bearer = scheme == "bearer" and allowed != "tecton_key"
        return is_key or is_bearer, is_bearer
    return scheme == "tecton-key", scheme == "bearer" and service != "ingest"


def _by_key(tx: Transaction, known: str) -> Caller | None:
    accounts = tx.tables.accounts.find("key", known)
    return _active(accounts[0]) if accounts else None


def _by_token(tx: Transaction, known: str) -> Caller | None:
    token = tx.tables.tokens.get(known)
    if token is None or token.expires <= tx.now:
        return None
    account = tx.tables.accounts.get(token.account_id)
    return _active(account) if account else None


def _active(account: ServiceAccount) -> Caller | None:
    return Caller(account.id, account.name) if account.active else None


def _lingering(tx: Transaction, known: str) -> Caller | None:
    """Row 42: a credential may go on working for a while after it was revoked."""
    revoked = tx.tables.revocations.get(known)
    delay = timedelta(seconds=tx.knobs.number("revocation_delay_seconds"))
    if revoked is None or tx.now >= revoked.at + delay:
        return None
    return Caller(revoked.account_id, revoked.account_name, revoked.admin)


def _refusal(tx: Transaction, service: Service) -> ApiError:
    """Row 7: the metadata server has answered 403 for bad credentials, too."""
    if service in ("scim", "gateway") and tx.knobs["invalid_key_answer"] == "403":
        return ApiError(403, "UNAUTHENTICATED: InvalidToken", code=7)
    return ApiError(401, _BAD_KEY)
