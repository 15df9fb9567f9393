"""Rotations of client secrets, step by step."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from app.core.credentials import KeyKind, Rotation, Step
from app.credentials.ports import Account, CredentialError, UnknownAccount
from app.store.credentials import add_event, list_credentials
from app.store.key_accounts import list_accounts
from app.store.tables import rotations
from app.store.upsert import upsert


def list_rotations(connection: Connection) -> list[Rotation]:
    """Return the newest rotation of every account, by name."""
    return [_rotation(row) for row in connection.execute(select(rotations).order_by(rotations.c.name))]


def read_rotation(connection: Connection, tecton_id: str) -> Rotation | None:
    """Return the newest rotation of an account, None when there never was one."""
    row = connection.execute(select(rotations).where(rotations.c.tecton_id == tecton_id)).one_or_none()
    return _rotation(row) if row else None


def save_rotation(connection: Connection, rotation: Rotation) -> None:
    """Store how far a rotation has come."""
    values = asdict(rotation) | {"step": rotation.step.value, "known": list(rotation.known)}
    upsert(connection, rotations, [values])


def note_rotation_waits(connection: Connection, rotation: Rotation, error: str, next_at: datetime) -> None:
    """Note why a step failed, and when it is tried again; the rest stays as it is stored."""
    values = {"attempts": rotation.attempts + 1, "next_at": next_at, "last_error": error}
    connection.execute(update(rotations).where(rotations.c.tecton_id == rotation.tecton_id).values(**values))


def request_rotation(connection: Connection, name: str, who: str, now: datetime, *, mode: str) -> Rotation:
    """Ask for a rotation of the client secret of the account of this name or id, and return it; the leader does it.

    One that is under way is returned as it is. `mode` is that of the installation. Raise CredentialError
    when it cannot be rotated.
    """
    if mode != "enforce":
        raise CredentialError("BRIDGE_MODE is observe: nothing is written to Tecton, so nothing is rotated")
    wanted = name.casefold()
    found = [
        account
        for account in list_accounts(connection)
        if wanted in (account.name.casefold(), account.tecton_id.casefold())
    ]
    if len(found) != 1:
        raise UnknownAccount(f"the bridge looks after no service account called {name}")
    account = found[0]
    current = read_rotation(connection, account.tecton_id)
    if current and current.is_open:
        return current
    _insist_on_rotatable(connection, account)
    rotation = new_rotation(account.tecton_id, account.name, who, now)
    save_rotation(connection, rotation)
    add_event(connection, account.tecton_id, account.name, "rotation started", who, "", now)
    return rotation


def _insist_on_rotatable(connection: Connection, account: Account) -> None:
    held = {credential.tecton_id: credential for credential in list_credentials(connection)}.get(account.tecton_id)
    if not account.is_active:
        raise CredentialError(f"service account {account.name} is deactivated")
    if held and held.kind is KeyKind.API_KEY:
        raise CredentialError(
            f"{account.name} has an API key, which Tecton cannot replace: declare another account, move whoever uses "
            "this one over to it, and take this one out of the policy"
        )
    if held and not held.state.is_handed_over:
        raise CredentialError(f"nobody has the secret of {account.name} yet: claim it, or let it be delivered, first")


def new_rotation(tecton_id: str, name: str, requested_by: str, now: datetime) -> Rotation:
    """Return a rotation at its beginning."""
    return Rotation(tecton_id, name, Step.CREATE, requested_by, started_at=now, since=now)


def _rotation(row: Any) -> Rotation:
    values = dict(row._mapping)
    return Rotation(**{**values, "step": Step(values["step"]), "known": tuple(values["known"])})
