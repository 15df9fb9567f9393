"""OAuth clients: several secrets each, and access tokens that end with them."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select, update

from app.store import audit
from app.store.sql import Session, as_time
from app.store.tables import oauth_clients, oauth_secrets, oauth_tokens, tokens
from app.store.tokens import TokenError, TokenRecord, digest, is_unrevoked, require_name

SECRET_PREFIX = "tsc_"  # noqa: S105 - a mark by which scanners of repositories know a secret
ACCESS_PREFIX = "tsa_"
TOKEN_TIME = timedelta(minutes=60)


class ClientSecret(NamedTuple):
    """A secret of a client, without the secret."""

    id: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None


class Client(NamedTuple):
    """An OAuth client and what is known of its secrets."""

    id: str
    name: str
    created_at: datetime
    revoked_at: datetime | None = None
    secrets: Sequence[ClientSecret] = ()


class NewSecret(NamedTuple):
    """What an IdP is given; the secret is shown nowhere else."""

    client_id: str
    secret: str


def add_secret(connection: Connection, name: str, now: datetime, expires_at: datetime | None = None) -> NewSecret:
    """Give the client of a name another secret; create the client when there is none.

    Raise `TokenError` for a name that a token has, or that is none.
    """
    require_name(name)
    if is_unrevoked(connection, tokens, name):
        raise TokenError(f"there is a token {name!r} already: choose another name")
    connection.execute(
        delete(oauth_clients).where(oauth_clients.c.name == name, oauth_clients.c.revoked_at.is_not(None))
    )
    client_id = connection.execute(select(oauth_clients.c.id).where(oauth_clients.c.name == name)).scalar()
    if client_id is None:
        client_id = f"scim-{secrets.token_hex(8)}"
        connection.execute(insert(oauth_clients).values(id=client_id, name=name, created_at=now))
    secret = SECRET_PREFIX + secrets.token_urlsafe(32)
    row = {"id": secrets.token_hex(4), "client_id": client_id, "secret_hash": digest(secret)}
    connection.execute(insert(oauth_secrets).values(**row, created_at=now, expires_at=expires_at))
    return NewSecret(client_id, secret)


def list_clients(connection: Connection) -> list[Client]:
    """Return every client with its secrets, by name."""
    of_client: dict[str, list[ClientSecret]] = {}
    fields = [oauth_secrets.c[field] for field in ClientSecret._fields]
    for client_id, *values in connection.execute(
        select(oauth_secrets.c.client_id, *fields).order_by(oauth_secrets.c.created_at)
    ):
        of_client.setdefault(client_id, []).append(ClientSecret(*values))
    rows = connection.execute(select(oauth_clients).order_by(oauth_clients.c.name))
    return [Client(row.id, row.name, row.created_at, row.revoked_at, tuple(of_client.get(row.id, ()))) for row in rows]


def revoke_secret(connection: Connection, name: str, secret_id: str, now: datetime) -> None:
    """Revoke one secret of a client, and every access token that came of it; `tokens.revoke` ends the client.

    Raise `TokenError` when there is no client of that name, or no such secret.
    """
    client_id = connection.execute(select(oauth_clients.c.id).where(oauth_clients.c.name == name)).scalar()
    if client_id is None:
        raise TokenError(f"there is no OAuth client {name!r}")
    mine = (oauth_secrets.c.client_id == client_id) & (oauth_secrets.c.id == secret_id)
    if connection.execute(update(oauth_secrets).where(mine).values(revoked_at=now)).rowcount == 0:
        raise TokenError(f"the OAuth client {name!r} has no secret {secret_id!r}")


def find_client(connection: Connection, client_id: str) -> Client | None:
    """Return a client that is not revoked, without its secrets; None when there is none."""
    row = connection.execute(
        select(oauth_clients).where(oauth_clients.c.id == client_id, oauth_clients.c.revoked_at.is_(None))
    ).first()
    return Client(row.id, row.name, row.created_at) if row else None


def find_secret(connection: Connection, client_id: str, secret: str, now: datetime) -> str | None:
    """Return the id of the good secret of a client that this is, and note its use; None when it is none."""
    row = connection.execute(
        select(oauth_secrets).where(
            oauth_secrets.c.secret_hash == digest(secret),
            oauth_secrets.c.client_id == client_id,
            oauth_secrets.c.revoked_at.is_(None),
        )
    ).first()
    if row is None or (row.expires_at is not None and row.expires_at <= now):
        return None
    connection.execute(update(oauth_secrets).where(oauth_secrets.c.id == row.id).values(last_used_at=now))
    return str(row.id)


def keep_access_token(connection: Connection, token: str, secret_id: str, now: datetime) -> None:
    """Store an access token; those that ended long ago go."""
    connection.execute(delete(oauth_tokens).where(oauth_tokens.c.expires_at < now - TOKEN_TIME))
    row = {"token_hash": digest(token), "secret_id": secret_id, "issued_at": now, "expires_at": now + TOKEN_TIME}
    connection.execute(insert(oauth_tokens).values(row))


def client_of_access_token(connection: Connection, token: str) -> str | None:
    """Return the id of the client that an access token was issued to, None when it is no token."""
    joined = oauth_tokens.join(oauth_secrets, oauth_secrets.c.id == oauth_tokens.c.secret_id)
    found = select(oauth_secrets.c.client_id).select_from(joined).where(oauth_tokens.c.token_hash == digest(token))
    return connection.execute(found).scalar()


def revoke_access_token(connection: Connection, token: str, now: datetime) -> None:
    """Revoke one access token, as its client asked (RFC 7009); asked again, nothing more is recorded.

    That one was issued is in no log: a client fetches one an hour, and what it pushes is recorded under its name.
    """
    unrevoked = (oauth_tokens.c.token_hash == digest(token)) & oauth_tokens.c.revoked_at.is_(None)
    ended = update(oauth_tokens).where(unrevoked).values(revoked_at=now).returning(oauth_tokens.c.secret_id)
    secret_id = connection.execute(ended).scalar()
    if secret_id is not None:
        name = connection.execute(_NAME_BY_SECRET.where(oauth_secrets.c.id == secret_id)).scalar_one()
        audit.note(
            connection, name, "token revoked", now, kind="oauth token", subject=secret_id, name=name, detail="scim"
        )


_NAME_BY_SECRET = select(oauth_clients.c.name).join(oauth_secrets, oauth_secrets.c.client_id == oauth_clients.c.id)


_FIND = """
SELECT c.name, t.issued_at, t.expires_at FROM oauth_tokens AS t
JOIN oauth_secrets AS s ON s.id = t.secret_id JOIN oauth_clients AS c ON c.id = s.client_id
WHERE t.token_hash = :digest AND t.revoked_at IS NULL AND s.revoked_at IS NULL AND c.revoked_at IS NULL
AND (s.expires_at IS NULL OR s.expires_at > :now)
"""


def authenticate_access_token(session: Session, token: str, now: datetime) -> TokenRecord | None:
    """Return whose access token this is, None when it is nobody's, expired or revoked, or its secret is."""
    row = session.row(_FIND, {"digest": digest(token), "now": now})
    if row is None:
        return None
    record = TokenRecord(row[0], "scim", as_time(row[1]), as_time(row[2]))
    return record if record.is_good(now) else None
