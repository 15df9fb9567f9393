"""One-time keys, sealed: where each is on its way, and what happened to it.

A value leaves this module only to be delivered, claimed or used by a probe; it is never in a row in
clear, nor in an exception.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import Connection, delete, insert, or_, select, update

from app.core.credentials import Credential, KeyKind, KeyState, Routing, route
from app.core.policy import Policy
from app.credentials.deliver import destination_of, is_kept
from app.credentials.ports import CredentialError, UnknownAccount
from app.reconcile.ports import OneTimeKey
from app.store.tables import key_events, sealed_keys
from app.store.upsert import upsert

Sealer = Fernet | MultiFernet


class KeyEvent(NamedTuple):
    """Something that happened to a key or a secret, and who did it."""

    name: str
    event: str
    who: str
    detail: str
    at: datetime


def seal_key(connection: Connection, sealer: Sealer, key: OneTimeKey, now: datetime) -> None:
    """Keep a new key of an account, encrypted, in place of its older one."""
    row = {
        "tecton_id": key.tecton_id,
        "name": key.name,
        "sealed": sealer.encrypt(key.value.encode()).decode(),
        "created_at": now,
        "kind": key.kind.value,
        "secret_id": key.secret_id,
        "state": KeyState.NEW.value,
        "destination": None,
        "attempts": 0,
        "next_at": None,
        "last_error": None,
        "handed_at": None,
        "claimed_by": None,
        "is_kept": False,
    }
    upsert(connection, sealed_keys, [row])
    add_event(connection, key.tecton_id, key.name, "sealed", "bridge", key.kind.value, now)


_COLUMNS = tuple(column for column in sealed_keys.c if column.name != "sealed")


def list_credentials(connection: Connection) -> list[Credential]:
    """Return the newest key of every account, by name; never a value."""
    is_sealed = sealed_keys.c.sealed.is_not(None).label("is_sealed")
    listed = select(*_COLUMNS, is_sealed).order_by(sealed_keys.c.name, sealed_keys.c.created_at)
    return [_credential(row) for row in connection.execute(listed)]


def find_credential(connection: Connection, name: str) -> Credential:
    """Return the newest key of the account of this name, or with this Tecton id. Raise CredentialError."""
    wanted = name.casefold()
    found = [c for c in list_credentials(connection) if wanted in (c.name.casefold(), c.tecton_id.casefold())]
    if not found:
        raise UnknownAccount(f"no key of a service account {name} was ever kept here: see `credentials list`")
    return max(found, key=lambda credential: credential.created_at)


def _credential(row: Any) -> Credential:
    values = dict(row._mapping)
    return Credential(**{**values, "kind": KeyKind(values["kind"]), "state": KeyState(values["state"])})


def unseal(connection: Connection, sealer: Sealer | None, tecton_id: str) -> str:
    """Return the value of a key. Raise CredentialError when there is none any more, or it cannot be opened."""
    held = connection.execute(select(sealed_keys.c.sealed).where(sealed_keys.c.tecton_id == tecton_id))
    sealed = held.scalar_one_or_none()
    if sealed is None:
        raise CredentialError("the key is not kept here any more: it was handed over")
    return _opened(sealer, sealed)


def _opened(sealer: Sealer | None, sealed: str) -> str:
    if sealer is None:
        raise CredentialError("the key cannot be opened: BRIDGE_SECRET_KEY is not set")
    try:
        return sealer.decrypt(sealed.encode()).decode()
    except InvalidToken:
        pass
    raise CredentialError("the key cannot be opened: it was sealed with a key that BRIDGE_SECRET_KEY does not name")


def route_new(connection: Connection, name: str, policy: Policy) -> None:
    """Note where a new key goes by the policy, before a worker has looked at it. Raise CredentialError."""
    credential = find_credential(connection, name)
    if credential.state is KeyState.NEW:
        place = destination_of(credential, policy)
        reroute(connection, credential, route(credential, place), keep=is_kept(credential, policy))


def reroute(connection: Connection, credential: Credential, routing: Routing, *, keep: bool) -> None:
    """Note where a key goes from now on, to be tried at once, and whether a copy is to be kept for probes."""
    values: dict[str, Any] = {"is_kept": keep}
    if routing != (credential.state, credential.destination):
        fresh = {"attempts": 0, "next_at": None, "last_error": None}
        values |= {"state": routing.state.value, "destination": routing.destination, **fresh}
    _update(connection, credential.tecton_id, values)


def note_delivered(connection: Connection, credential: Credential, now: datetime) -> None:
    """Note that a key was delivered; its value is wiped, unless a copy is kept for probes."""
    _hand_over(connection, credential, {"state": KeyState.DELIVERED.value, "handed_at": now})
    where = credential.destination or ""
    add_event(connection, credential.tecton_id, credential.name, "delivered", "bridge", where, now)


def note_undelivered(
    connection: Connection, credential: Credential, error: str, *, next_at: datetime, now: datetime
) -> None:
    """Note that a delivery failed, why, and when it is tried again."""
    attempts = credential.attempts + 1
    _update(connection, credential.tecton_id, {"attempts": attempts, "next_at": next_at, "last_error": error})
    if error != credential.last_error:
        add_event(connection, credential.tecton_id, credential.name, "delivery failed", "bridge", error, now)


def claim(
    connection: Connection,
    sealer: Sealer | None,
    name: str,
    who: str,
    now: datetime,
    *,
    policy: Policy | None = None,
) -> str:
    """Return the key of an account to the person who claims it, once; its value is wiped.

    `policy` decides where a key goes that no worker has looked at yet. Call it in a write transaction:
    what fails until that ends leaves the key to be claimed. Raise CredentialError when there is nothing
    to claim.
    """
    if policy is not None:
        route_new(connection, name, policy)
    credential = find_credential(connection, name)
    value = unseal(connection, sealer, credential.tecton_id) if credential.state is KeyState.WAITING else ""
    claimed = {"state": KeyState.CLAIMED.value, "handed_at": now, "claimed_by": who}
    # Of two who claim at once, the condition lets one: the other's waits for this transaction. It also lets
    # nobody wipe a newer key, sealed since this one was read.
    if not value or not _hand_over(connection, credential, claimed, only_in=KeyState.WAITING):
        raise CredentialError(_why_not_claimed(find_credential(connection, name)))
    add_event(connection, credential.tecton_id, credential.name, "claimed", who, "", now)
    return value


def _why_not_claimed(credential: Credential) -> str:
    when = f" at {credential.handed_at:%Y-%m-%d %H:%M} UTC" if credential.handed_at else ""
    return (
        f"the key of {credential.name} cannot be claimed: "
        + {
            KeyState.NEW: "where it goes is decided within seconds, while a worker runs",
            KeyState.DUE: f"the policy says that it goes to {credential.destination}"
            + (f", which fails: {credential.last_error}" if credential.last_error else ""),
            KeyState.DELIVERED: f"it was delivered to {credential.destination}{when}",
            KeyState.CLAIMED: f"{credential.claimed_by} claimed it{when}",
            KeyState.WAITING: "a newer one took its place meanwhile; claim that one"
            if credential.is_sealed
            else "it is not kept here any more",
        }[credential.state]
    )


def _hand_over(
    connection: Connection, credential: Credential, values: dict[str, Any], *, only_in: KeyState | None = None
) -> bool:
    """Note that the value of just this key was handed over; tell whether it still was the one that is kept."""
    fresh = {"attempts": 0, "next_at": None, "last_error": None}
    wiped = {} if credential.is_kept else {"sealed": None}
    changed = update(sealed_keys).where(
        sealed_keys.c.tecton_id == credential.tecton_id, sealed_keys.c.created_at == credential.created_at
    )
    if only_in is not None:
        changed = changed.where(sealed_keys.c.state == only_in.value)
    return connection.execute(changed.values(**values, **fresh, **wiped)).rowcount == 1


def wipe(connection: Connection, credential: Credential, reason: str, now: datetime) -> None:
    """Wipe the copy of a key that was kept for probes."""
    _update(connection, credential.tecton_id, {"sealed": None, "is_kept": False})
    add_event(connection, credential.tecton_id, credential.name, "wiped", "bridge", reason, now)


def forget(connection: Connection, name: str, who: str, now: datetime) -> Credential:
    """Drop everything that is kept of an account's key. Raise CredentialError when there is nothing."""
    credential = find_credential(connection, name)
    connection.execute(delete(sealed_keys).where(sealed_keys.c.tecton_id == credential.tecton_id))
    add_event(connection, credential.tecton_id, credential.name, "forgotten", who, credential.state.value, now)
    return credential


def reseal(connection: Connection, sealer: Sealer | None, who: str, now: datetime) -> int:
    """Encrypt every kept key anew with the first key of BRIDGE_SECRET_KEY; return how many there were.

    All or none: raise CredentialError naming the first one that cannot be opened.
    """
    if not isinstance(sealer, MultiFernet):
        raise CredentialError("BRIDGE_SECRET_KEY is not set: there is nothing to seal with")
    columns = (sealed_keys.c.tecton_id, sealed_keys.c.name, sealed_keys.c.sealed)
    rows = connection.execute(select(*columns).where(sealed_keys.c.sealed.is_not(None))).all()
    for tecton_id, name, sealed in rows:
        _update(connection, tecton_id, {"sealed": _resealed(sealer, name, sealed)})
        add_event(connection, tecton_id, name, "resealed", who, "", now)
    return len(rows)


def _resealed(sealer: MultiFernet, name: str, sealed: str) -> str:
    try:
        return sealer.rotate(sealed.encode()).decode()
    except InvalidToken:
        pass
    raise CredentialError(f"the key of {name} was sealed with a key that BRIDGE_SECRET_KEY does not name: add that key")


def _update(connection: Connection, tecton_id: str, values: dict[str, Any]) -> None:
    connection.execute(update(sealed_keys).where(sealed_keys.c.tecton_id == tecton_id).values(**values))


# ---------------------------------------------------------------- what happened


def add_event(
    connection: Connection, tecton_id: str, name: str, event: str, who: str, detail: str, now: datetime
) -> None:
    """Record that something happened to a key or a secret."""
    row = {"tecton_id": tecton_id, "name": name, "event": event, "who": who, "detail": detail, "at": now}
    connection.execute(insert(key_events).values(**row))


def list_events(
    connection: Connection, name: str | None = None, *, limit: int = 100, offset: int = 0
) -> list[KeyEvent]:
    """Return what happened to the keys of one account, by name or Tecton id, or of all; the newest first."""
    columns = [key_events.c[field] for field in KeyEvent._fields]
    listed = select(*columns).order_by(key_events.c.id.desc()).limit(limit).offset(offset)
    if name is not None:
        listed = listed.where(or_(key_events.c.name == name, key_events.c.tecton_id == name))
    return [KeyEvent(*row) for row in connection.execute(listed)]
