"""Admin accounts, and the secret that signs the cookies of their sessions."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from functools import cache
from threading import BoundedSemaphore
from typing import NamedTuple

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, delete, func, select
from sqlalchemy.exc import ProgrammingError

from app.store import audit, tries
from app.store.database import StoreError
from app.store.tables import admins, facts
from app.store.upsert import insert_into, upsert

FIRST_ADMIN = "admin"

# No 0/O, 1/l/I: the password is read from a terminal and typed. Twenty of these are 99 bits.
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
_HASHER = PasswordHasher()
# A hash takes 64 MiB: whoever sends many passwords at once must not use up the memory that pushes need.
_HASHING = BoundedSemaphore(2)


class AdminError(Exception):
    """An admin account that cannot be made, changed or removed; the message says why."""


class AdminRecord(NamedTuple):
    """An admin account as a list shows it."""

    name: str
    created_at: datetime


class Admin(NamedTuple):
    """An admin account; `stamp` changes with the password, so that a session can be bound to it."""

    name: str
    stamp: str


def ensure_first_admin(connection: Connection, now: datetime) -> str | None:
    """Create the admin `admin` when there is no admin at all.

    Return the password, which is stored hashed and shown nowhere else; None when an admin is there.
    """
    if connection.execute(select(func.count()).select_from(admins)).scalar_one():
        return None
    password = make_password()
    row = {"name": FIRST_ADMIN, "password_hash": _HASHER.hash(password), "created_at": now}
    # Another process may start at the same moment: one of the two makes the account.
    made = connection.execute(
        insert_into(connection, admins).values(row).on_conflict_do_nothing().returning(admins.c.name)
    )
    if made.first() is None:
        return None
    audit.note(connection, "serve", "password set", now, kind="admin", name=FIRST_ADMIN, detail="the first admin")
    return password


def create_admin(connection: Connection, name: str, now: datetime, *, who: str) -> str:
    """Create an admin, as `who` asked; return the password, which is kept hashed only. Raise AdminError."""
    if not name.strip() or len(name) > 128 or not name.isprintable():
        raise AdminError("an admin needs a name of at most 128 characters that can be printed")
    if find(connection, name):
        raise AdminError(f"there is an admin {name} already: `admin reset-password` gives another password")
    password = make_password()
    set_password(connection, name, password, now, who=who)
    return password


def reset_password(connection: Connection, name: str, now: datetime, *, who: str) -> str:
    """Give an admin a new password and return it; every session of the old one ends. Raise AdminError."""
    _require(connection, name)
    password = make_password()
    set_password(connection, name, password, now, who=who)
    tries.forgive(connection, name)
    return password


def list_admins(connection: Connection) -> list[AdminRecord]:
    """Return every admin, by name."""
    listed = select(admins.c.name, admins.c.created_at).order_by(admins.c.name)
    return [AdminRecord(*row) for row in connection.execute(listed)]


def remove_admin(connection: Connection, name: str, now: datetime, *, who: str) -> None:
    """Remove an admin, whose sessions end. Raise AdminError when there is none of that name, or no other."""
    _require(connection, name)
    # Locked, so that of two who remove the last two at once, the second sees that there is one left.
    names = connection.execute(select(admins.c.name).order_by(admins.c.name).with_for_update()).scalars().all()
    if len(names) == 1:
        raise AdminError(f"{name} is the last admin: create another one first")
    connection.execute(delete(admins).where(admins.c.name == name))
    tries.forget_places(connection, name)
    audit.note(connection, who, "removed", now, kind="admin", name=name)


def _require(connection: Connection, name: str) -> None:
    if find(connection, name) is None:
        raise AdminError(f"there is no admin {name}: see `admin list`")


def make_password() -> str:
    """Return a random password that can be read out and typed: five groups of four characters."""
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(5))
    return "-".join(groups)


def set_password(connection: Connection, name: str, password: str, now: datetime, *, who: str = "command") -> None:
    """Give the admin `name` a password, creating the account where there is none.

    It ends the admin's sessions.
    """
    row = {"name": name, "password_hash": _HASHER.hash(password), "created_at": now}
    upsert(connection, admins, [row], keep=["created_at"])
    audit.note(connection, who, "password set", now, kind="admin", name=name)


def verify(connection: Connection, name: str, password: str) -> Admin | None:
    """Return the admin whose name and password these are, None when they are nobody's.

    The work is the same for a name that does not exist, so that the time taken tells nothing.
    """
    decoy = _decoy()
    stored = connection.execute(select(admins.c.password_hash).where(admins.c.name == name)).scalar()
    if _matches(stored or decoy, password) and stored is not None:
        return Admin(name, _stamp(stored))
    return None


def find(connection: Connection, name: str) -> Admin | None:
    """Return the admin of that name, None when there is none."""
    stored = connection.execute(select(admins.c.password_hash).where(admins.c.name == name)).scalar()
    return None if stored is None else Admin(name, _stamp(stored))


def keep_session_secret(connection: Connection, fresh: str, now: datetime) -> str:
    """Return the secret that sessions are signed with, which is `fresh` when none is kept yet.

    Raise StoreError when the database has no tables: this is the first thing that a request reads.
    """
    row = {"name": "session_secret", "value": {"secret": fresh}, "at": now}
    try:
        connection.execute(insert_into(connection, facts).values(row).on_conflict_do_nothing())
        kept = connection.execute(select(facts.c.value).where(facts.c.name == "session_secret")).scalar_one()
    except ProgrammingError as error:
        raise StoreError("the database has no tables yet: run `python -m app db upgrade`") from error
    return str(kept["secret"])


def _matches(stored: str, password: str) -> bool:
    try:
        with _HASHING:
            return _HASHER.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _decoy() -> str:
    """Return the hash of a password that nobody has."""
    return _HASHER.hash(secrets.token_urlsafe())


def _stamp(password_hash: str) -> str:
    return hashlib.sha256(password_hash.encode()).hexdigest()[:16]
