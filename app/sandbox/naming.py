"""What names are allowed (row 50), for the API and for edits made by hand."""

import re

from app.sandbox.knobs import Knobs
from app.sandbox.replies import ApiError

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


def check_name(knobs: Knobs, name: str, what: str) -> str:
    """Return the name of a group, account, scope or workspace; raise ApiError 400 when not allowed."""
    if not name:
        raise ApiError(400, f"{what} is required", name="invalidValue")
    pattern = knobs["name_pattern"]
    fits = re.fullmatch(pattern, name) if pattern else "/" not in name
    if not fits:
        raise ApiError(400, f"{what} {name!r} is not allowed", name="invalidValue")
    return name


def check_email(name: str) -> str:
    """Return a user name; raise ApiError 400 unless it is an e-mail address (reference)."""
    if not _EMAIL.fullmatch(name):
        raise ApiError(400, "userName is required and must be an email", name="invalidValue")
    return name
