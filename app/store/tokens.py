"""Named tokens: what a client or an admin program shows to be let in.

A secret is 256 random bits behind a prefix that scanners of repositories can recognise. Only its
SHA-256 is kept: with that many random bits a slow hash would protect nothing more.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, delete, insert, select, update

from app.store.sql import Session, as_time
from app.store.tables import oauth_clients, tokens

PREFIX = "tsb_"
SCOPES = ("scim", "admin")
RESERVED = ("bridge", "command")  # who does what no client does, in the audit log, where a push has its token's name
_OTHERS = ("admin ", "command by ", "token ")  # how records name an admin, a command's user, an admin's token
_USE_INTERVAL = timedelta(minutes=1)


class TokenError(Exception):
    """A token that cannot be created or revoked; the message says why."""


class TokenRecord(NamedTuple):
    """A token, without its secret."""

    name: str
    scope: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None

    def is_good(self, now: datetime) -> bool:
        """Tell whether the token lets in at this time."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def create_token(
    connection: Connection, name: str, scope: str, now: datetime, expires_at: datetime | None = None
) -> str:
    """Create a token and return its secret, which is shown nowhere else.

    The name of a revoked token is free again. Raise `TokenError` for a name that a token or an OAuth client
    has, or that is none, or a scope that is none.
    """
    require_name(name)
    if scope not in SCOPES:
        raise TokenError(f"{scope!r} is not a scope: {', '.join(SCOPES)}")
    connection.execute(delete(tokens).where(tokens.c.name == name, tokens.c.revoked_at.is_not(None)))
    if connection.execute(select(tokens.c.name).where(tokens.c.name == name)).first():
        raise TokenError(f"there is a token {name!r} already: revoke it, or choose another name")
    if is_unrevoked(connection, oauth_clients, name):
        raise TokenError(f"there is an OAuth client {name!r} already: revoke it, or choose another name")
    secret = PREFIX + secrets.token_urlsafe(32)
    row = {
        "name": name,
        "scope": scope,
        "secret_hash": digest(secret),
        "created_at": now,
        "expires_at": expires_at,
    }
    connection.execute(insert(tokens).values(row))
    return secret


def require_name(name: str) -> None:
    """Raise `TokenError` for what cannot name a token."""
    if not name.strip() or len(name) > 128 or not name.isprintable():
        raise TokenError("a token needs a name of at most 128 characters that can be printed")
    key = name.strip().lower()
    if key in RESERVED or key.startswith(_OTHERS):
        raise TokenError(f"{name!r} is what records call something else than a token: choose another name")


def list_tokens(connection: Connection) -> list[TokenRecord]:
    """Return every token, by name."""
    columns = [tokens.c[field] for field in TokenRecord._fields]
    return [TokenRecord(*row) for row in connection.execute(select(*columns).order_by(tokens.c.name))]


def revoke(connection: Connection, name: str, now: datetime) -> None:
    """Revoke whatever a name lets in, from now on: the token, and the OAuth client with all that came of it.

    Raise `TokenError` when there is neither.
    """
    named = [table for table in (tokens, oauth_clients) if _has(connection, table, name)]
    if not named:
        raise TokenError(f"there is no token and no OAuth client {name!r}")
    for table in named:
        unrevoked = (table.c.name == name) & table.c.revoked_at.is_(None)
        connection.execute(update(table).where(unrevoked).values(revoked_at=now))


def is_unrevoked(connection: Connection, table: Table, name: str) -> bool:
    """Tell whether a row of a name, of the tokens or of the OAuth clients, is not revoked."""
    return _has(connection, table, name, table.c.revoked_at.is_(None))


def _has(connection: Connection, table: Table, name: str, *conditions: ColumnElement[bool]) -> bool:
    found = select(table.c.name).where(table.c.name == name, *conditions)
    return connection.execute(found).first() is not None


def authenticate(connection: Connection, secret: str, now: datetime) -> TokenRecord | None:
    """Return the token whose secret this is, None when it is nobody's, expired or revoked.

    The work is the same whatever the secret: one hash, one look-up by it. When the token was last
    used is noted once a minute at most.
    """
    return authenticate_in(Session.of(connection), secret, now)


_FIND = """
SELECT name, scope, created_at, expires_at, revoked_at, last_used_at FROM tokens WHERE secret_hash = :digest
"""
_USE = "UPDATE tokens SET last_used_at = :now WHERE name = :name"


def authenticate_in(session: Session, secret: str, now: datetime) -> TokenRecord | None:
    """Do what `authenticate` does, in a driver session."""
    row = session.row(_FIND, {"digest": digest(secret)})
    if row is None:
        return None
    token = TokenRecord(row[0], row[1], *(None if time is None else as_time(time) for time in row[2:]))  # type: ignore[arg-type]
    if not token.is_good(now):
        return None
    if token.last_used_at is None or now - token.last_used_at >= _USE_INTERVAL:
        session.run(_USE, {"name": token.name, "now": now})
    return token


def digest(secret: str) -> str:
    """Return what is kept of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
