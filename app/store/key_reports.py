"""What people read of keys and rotations. Every function only reads, and none returns a value of a key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from app.core.credentials import Credential, KeyKind, KeyState, Rotation, Step
from app.core.policy_accounts import Credentials
from app.credentials.ports import UnknownAccount
from app.store.credentials import list_credentials
from app.store.key_accounts import list_accounts
from app.store.rotations import list_rotations

_WORDS = {
    KeyState.NEW: "sealed",
    KeyState.DUE: "to be delivered",
    KeyState.WAITING: "to be claimed",
    KeyState.DELIVERED: "delivered",
    KeyState.CLAIMED: "claimed",
}
_STEP_WORDS = {
    Step.CREATE: "no second secret is made yet",
    Step.DELIVER: "a second secret is made",
    Step.SETTLE: "the second secret is handed over",
    Step.RETIRE: "the old secret is deactivated",
    Step.DONE: "rotated",
}


@dataclass(frozen=True, slots=True)
class KeyReport:
    """One service account's newest key and rotation, either of which may be unknown.

    `standing` is `active`, `deactivated` or `gone`, as the account was last seen in Tecton.
    """

    name: str
    tecton_id: str
    standing: str
    credential: Credential | None
    rotation: Rotation | None

    @property
    def words(self) -> str:
        """Where the key is, for a person."""
        key = self.credential
        if key is None:
            return "not known here"
        if key.state is KeyState.CLAIMED:
            return f"claimed by {key.claimed_by}"
        failing = f", fails: {key.last_error}" if key.last_error else ""
        return _WORDS[key.state] + (f" to {key.destination}" if key.destination else "") + failing

    @property
    def can_be_claimed(self) -> bool:
        """Tell whether a person may claim the key now."""
        return self.credential is not None and self.credential.state is KeyState.WAITING

    @property
    def can_be_rotated(self) -> bool:
        """Tell whether a new client secret can be asked for: API keys cannot be replaced."""
        key = self.credential
        idle = self.rotation is None or not self.rotation.is_open
        is_secret = key is None or key.kind is KeyKind.CLIENT_SECRET
        return self.standing == "active" and idle and is_secret and (key is None or key.state.is_handed_over)

    @property
    def rotation_words(self) -> str:
        """How far the newest rotation has come, for a person; empty when there never was one."""
        return words_of(self.rotation) if self.rotation else ""

    def as_json(self, waits: Credentials) -> dict[str, Any]:
        """Return the report as JSON values; `waits` are those of the policy in force."""
        return {
            "name": self.name,
            "tecton_id": self.tecton_id,
            "standing": self.standing,
            "key": _key_as_json(self.credential) if self.credential else None,
            "rotation": _rotation_as_json(self.rotation, waits) if self.rotation else None,
        }


def words_of(rotation: Rotation) -> str:
    """Return how far a rotation has come, and why it does not go on, for a person."""
    return _STEP_WORDS[rotation.step] + (f" ({rotation.last_error})" if rotation.last_error else "")


def find_key_report(connection: Connection, name: str) -> KeyReport:
    """Return what is known of the key of the account of this name, in any case, or Tecton id.

    Of several of one name, the newest. Raise UnknownAccount.
    """
    wanted = name.casefold()
    found = [r for r in list_key_reports(connection) if wanted in (r.name.casefold(), r.tecton_id.casefold())]
    if not found:
        raise UnknownAccount(f"no key of a service account {name} is known here")
    return max(found, key=lambda report: report.credential.created_at.timestamp() if report.credential else 0.0)


def list_key_reports(connection: Connection) -> list[KeyReport]:
    """Return every account of which a key or a rotation is known, by name."""
    credentials = {credential.tecton_id: credential for credential in list_credentials(connection)}
    rotations = {rotation.tecton_id: rotation for rotation in list_rotations(connection)}
    standing = {account.tecton_id: account.is_active for account in list_accounts(connection)}
    reports = []
    for tecton_id in credentials.keys() | rotations.keys():
        credential, rotation = credentials.get(tecton_id), rotations.get(tecton_id)
        name = credential.name if credential else rotation.name if rotation else tecton_id
        seen = {True: "active", False: "deactivated", None: "gone"}[standing.get(tecton_id)]
        reports.append(KeyReport(name, tecton_id, seen, credential, rotation))
    return sorted(reports, key=lambda report: (report.name.casefold(), report.tecton_id))


def _key_as_json(key: Credential) -> dict[str, Any]:
    return {
        "kind": key.kind.value,
        "state": key.state.value,
        "destination": key.destination,
        "created_at": key.created_at.isoformat(),
        "handed_at": _iso(key.handed_at),
        "claimed_by": key.claimed_by,
        "secret_id": key.secret_id,
        "attempts": key.attempts,
        "next_at": _iso(key.next_at),
        "last_error": key.last_error,
        "is_sealed_here": key.is_sealed,
        "is_kept_for_probes": key.is_kept,
    }


def _rotation_as_json(rotation: Rotation, waits: Credentials) -> dict[str, Any]:
    return {
        "step": rotation.step.value,
        "requested_by": rotation.requested_by,
        "started_at": rotation.started_at.isoformat(),
        "since": rotation.since.isoformat(),
        "goes_on_at": rotation.due_at(waits).isoformat() if rotation.is_open else None,
        "attempts": rotation.attempts,
        "last_error": rotation.last_error,
    }


def _iso(time: datetime | None) -> str | None:
    return time.isoformat() if time else None
