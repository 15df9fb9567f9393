"""Sign-in and sign-out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, Field, ValidationError

from app.store import admins, audit, tries
from app.store.admins import Admin
from app.web.access import begin_session, check_csrf, end_session, is_signed_in
from app.web.room import room

blueprint = Blueprint("signin", __name__, template_folder="templates")
blueprint.before_request(check_csrf)

WRONG = "This name and password do not belong together."


class Credentials(BaseModel):
    """What the form sends."""

    name: Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f]+$")]
    password: Annotated[str, Field(min_length=1, max_length=1024)]


@blueprint.get("/sign-in")
def show() -> ResponseReturnValue:
    """Show the form; to somebody who is signed in, the page they wanted."""
    if is_signed_in():
        return redirect(_next_page())
    return _form()


@blueprint.post("/sign-in")
def sign_in() -> ResponseReturnValue:
    """Start a session for the right name and password."""
    try:
        credentials = Credentials.model_validate(request.form.to_dict())
    except ValidationError:
        return _form(WRONG, 401)
    # The try is counted and committed before the password is looked at, and outside of the slow
    # hash: a writer must not hold pushes up.
    again_at = _count_try(credentials.name)
    if again_at is not None:
        return _refuse(again_at)
    admin = _verify(credentials)
    if admin is None:
        # Logged without the name, which may be a password typed in the wrong field. Not in the audit log:
        # it is never shortened, and anybody could make it grow.
        current_app.logger.warning("a sign-in from %s was refused: wrong name or password", _address())
        return _form(WRONG, 401)
    _admit(admin)
    return redirect(_next_page())


@blueprint.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """End the session."""
    end_session()
    return redirect(url_for("signin.show"))


def _count_try(name: str) -> datetime | None:
    with room().database.write() as connection:
        return tries.count_try(connection, name, _address(), room().clock())


def _verify(credentials: Credentials) -> Admin | None:
    with room().database.read() as connection:
        return admins.verify(connection, credentials.name, credentials.password)


def _admit(admin: Admin) -> None:
    end_session()  # the visitor's own, from before
    who, detail = f"admin {admin.name}", f"from {_address()}"
    with room().database.write() as connection:
        tries.forget_tries(connection, admin.name, _address(), room().clock())
        audit.note(connection, who, "signed in", room().clock(), kind="admin", name=admin.name, detail=detail)
        begin_session(connection, admin)


def _address() -> str:
    return (request.remote_addr or "")[:64]


def _refuse(again_at: datetime) -> ResponseReturnValue:
    seconds = max(1, int((again_at - room().clock()).total_seconds()))
    minutes = -(-seconds // 60)
    wait = "a minute" if minutes == 1 else f"{minutes} minutes"
    body, status = _form(f"Too many tries from here, or for this name. Try again in {wait}.", 429)
    return body, status, {"Retry-After": str(seconds)}


def _form(problem: str = "", status: int = 200) -> tuple[str, int]:
    name = request.form.get("name", "")
    return render_template("sign_in.html", problem=problem, name=name, next_page=request.values.get("next", "")), status


def _next_page() -> str:
    """Return the page to go to: only one of this site, whatever the address says."""
    wanted = request.values.get("next", "")
    is_local = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable()
    return wanted if is_local else url_for("pages.show_drift")
