"""Sessions of admins: recorded here and not in the cookie, so that what ends one ends every copy of its cookie.

Of the secret in the cookie only the digest is kept, as of a token's: who reads the database can open no session.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select

from app.store import admins
from app.store.admins import Admin
from app.store.tables import admin_sessions
from app.store.tokens import digest

LIFETIME = timedelta(hours=8)


def begin_session(connection: Connection, secret: str, admin: Admin, now: datetime) -> None:
    """Record that a secret, which is new, opens a session of an admin whose password was right."""
    row = {"secret_hash": digest(secret), "name": admin.name, "stamp": admin.stamp, "expires_at": now + LIFETIME}
    connection.execute(insert(admin_sessions).values(row))


def find_session(connection: Connection, secret: str, now: datetime) -> Admin | None:
    """Return whose session a secret opens; None when it opens none, or none any more.

    A session is bound to the password that it began with: a new one ends it, also one that comes at the same moment.
    """
    begun = select(admin_sessions.c.name, admin_sessions.c.stamp).where(
        admin_sessions.c.secret_hash == digest(secret), admin_sessions.c.expires_at > now
    )
    row = connection.execute(begun).first()
    admin = admins.find(connection, row.name) if row else None
    return admin if row and admin and admin.stamp == row.stamp else None


def end_session(connection: Connection, secret: str) -> None:
    """End the session that a secret opens, if it opens one; others of the same admin go on."""
    connection.execute(delete(admin_sessions).where(admin_sessions.c.secret_hash == digest(secret)))


def delete_ended(connection: Connection, now: datetime) -> None:
    """Delete the sessions whose time is over."""
    connection.execute(delete(admin_sessions).where(admin_sessions.c.expires_at <= now))
