"""Session cookies of the admin pages: how they are signed, and how long they last.

The secret that signs them opens nothing by itself: a cookie counts as an admin's only while it holds the random secret
of a session that is recorded (`app/store/sessions.py`). So it does no harm that it may lie in the database.
"""

from __future__ import annotations

import hashlib
import secrets

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import Flask, Request, request, session
from flask.sessions import NullSession, SecureCookieSession, SecureCookieSessionInterface

from app.store.admins import keep_session_secret
from app.store.database import StoreError
from app.store.sessions import LIFETIME
from app.web.room import Room, room


def install(flask_app: Flask) -> None:
    """Let the application sign sessions with the room's secret."""
    flask_app.session_interface = _Sessions()
    flask_app.config.update(
        SESSION_COOKIE_NAME="bridge_admin",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=LIFETIME,
    )


class _Sessions(SecureCookieSessionInterface):
    digest_method = staticmethod(hashlib.sha256)

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Return the session of a request; none for SCIM clients, which have tokens and no cookies."""
        if request.path.startswith("/scim/"):
            return None
        try:
            # At the first request and not before: the database may be migrated after the start.
            app.secret_key = app.secret_key or _secret(room())
        except StoreError:
            return None  # `require_session` says so, where a session is needed
        return super().open_session(app, request)

    def get_cookie_secure(self, app: Flask) -> bool:
        """Keep the cookie to https when the browser used it, as far as that is known here.

        Behind TLS, set BRIDGE_TRUSTED_PROXIES. Without it, gunicorn hands X-Forwarded-Proto on, and it is believed
        in this alone, where a lie does no harm; the server of `serve` drops it, and the cookie is not Secure.
        """
        return request.is_secure or request.headers.get("X-Forwarded-Proto", "").startswith("https")


def require_session() -> None:
    """Raise StoreError when there can be no session because its secret cannot be read."""
    if isinstance(session, NullSession):
        raise StoreError("the session secret cannot be read from the database")


def _secret(of: Room) -> str:
    if of.secret_key:
        derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"admin session cookies")
        return derivation.derive(of.secret_key.encode()).hex()
    with of.database.write() as connection:
        return keep_session_secret(connection, secrets.token_hex(32), of.clock())
