"""Who may see what: an admin who signed in, or a token of scope admin. Nothing is open without either."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any, cast

from flask import Flask, g, request, session
from flask_login import LoginManager, current_user, login_user, logout_user
from flask_wtf.csrf import CSRFProtect
from sqlalchemy import Connection

from app.store import sessions
from app.store.admins import Admin
from app.store.sessions import LIFETIME
from app.store.tokens import authenticate
from app.web.room import room
from app.web.sessions import require_session

_csrf = CSRFProtect()


class AccessRefused(Exception):
    """A call without the credentials it needs.

    `status` is 401 when there are none that count, 403 when they are good but not enough.
    """

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The admin of a recorded session, as Flask-Login wants it."""

    admin: Admin
    secret: str = field(repr=False)
    is_authenticated = True
    is_active = True
    is_anonymous = False

    @property
    def name(self) -> str:
        """The admin's name."""
        return self.admin.name

    def get_id(self) -> str:
        """Return what the cookie keeps: the secret that opens the session, and not whose it is."""
        return self.secret


def install(flask_app: Flask) -> None:
    """Set up Flask-Login and CSRF protection.

    CSRF is not checked for every route of the application: SCIM clients have no cookie to abuse. The
    blueprints that have forms check it themselves, for all their routes.
    """
    flask_app.config["WTF_CSRF_CHECK_DEFAULT"] = False
    flask_app.config["WTF_CSRF_TIME_LIMIT"] = int(LIFETIME.total_seconds())
    _csrf.init_app(flask_app)
    logins = LoginManager()
    logins.session_protection = None  # it binds a session to an address, and people change networks
    logins.user_loader(_load)
    # No context processor: it would load the admin, hence read the database, for error pages too.
    logins.init_app(flask_app, add_context_processor=False)


def _load(secret: str) -> SignedIn | None:
    with room().database.read() as connection:
        admin = sessions.find_session(connection, secret, room().clock())
    return SignedIn(admin, secret) if admin else None


def begin_session(connection: Connection, admin: Admin) -> None:
    """Record a session of its own for the admin: nothing of the visitor's before is kept."""
    session.clear()
    session.permanent = True
    secret = secrets.token_urlsafe(32)
    sessions.begin_session(connection, secret, admin, room().clock())
    login_user(SignedIn(admin, secret))


def end_session() -> None:
    """End the session at hand, if there is one, and with it every copy of its cookie."""
    if is_signed_in():
        with room().database.write() as connection:
            sessions.end_session(connection, current_user.get_id())
    logout_user()
    session.clear()


def is_signed_in() -> bool:
    """Tell whether the request comes from an admin who signed in."""
    require_session()
    return bool(cast(Any, current_user).is_authenticated)


def check_csrf() -> None:
    """Refuse a form that does not carry the token of its session. Raise CSRFError, or StoreError."""
    require_session()
    _csrf.protect()


def require_admin_or_token() -> None:
    """Let a token of scope admin pass and, where a call only reads, a session.

    Raise AccessRefused. A token that is sent decides: it is not made good by a session. What changes
    something needs one: a session's cookie alone is what another site could make a browser send.
    """
    if "Authorization" in request.headers or request.method not in {"GET", "HEAD"}:
        require_admin_token()
    elif not is_signed_in():
        raise AccessRefused(401, "send a token of scope admin as Authorization: Bearer")


def require_admin_token() -> None:
    """Let a token of scope admin pass. Raise AccessRefused."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise AccessRefused(401, "send a token of scope admin as Authorization: Bearer")
    # Looking a token up may note its last use.
    with room().database.write() as connection:
        token = authenticate(connection, secret.strip(), room().clock())
    if token is None:
        raise AccessRefused(401, "the token is unknown, expired or revoked")
    if token.scope != "admin":
        raise AccessRefused(403, f"the token {token.name} is of scope {token.scope}: this needs scope admin")
    g.caller = f"token {token.name}"


def caller() -> str:
    """Return who calls, for the record: `admin ana`, or `token NAME`."""
    return str(g.get("caller") or f"admin {current_user.name}")
