"""Who may call: named bearer tokens and access tokens of OAuth clients (RFC 6750)."""

from __future__ import annotations

from datetime import datetime

from scim2_models import ForbiddenException, SCIMException, UnauthorizedException

from app.scim.throttle import Throttle
from app.store import oauth, tokens
from app.store.sql import Session
from app.store.tokens import TokenRecord


def let_in(session: Session, authorization: str, address: str, now: datetime, throttle: Throttle) -> TokenRecord:
    """Return the token that an Authorization header holds.

    Raise UnauthorizedException when it is none, `TooManyFailures` when the address sent too many such,
    ForbiddenException when it is a token for something else.
    """
    token = _token_in(session, authorization, now)
    if isinstance(token, SCIMException):
        throttle.count(address, now)
        raise token
    if token.scope != "scim":
        raise ForbiddenException(detail="this token is not for SCIM")
    return token


def _token_in(session: Session, authorization: str, now: datetime) -> TokenRecord | UnauthorizedException:
    scheme, _, secret = authorization.partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        return UnauthorizedException(detail="a bearer token is needed")
    secret = secret.strip()
    find = oauth.authenticate_access_token if secret.startswith(oauth.ACCESS_PREFIX) else tokens.authenticate_in
    return find(session, secret, now) or UnauthorizedException(detail="the token is unknown, expired or revoked")
