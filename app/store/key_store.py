"""The store that the keeping of credentials works with: each method one transaction, fenced by the leader's lease."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Connection

from app.core.credentials import Credential, Rotation, Routing
from app.credentials.ports import Holdings
from app.reconcile.ports import OneTimeKey
from app.store import credentials
from app.store.credentials import Sealer
from app.store.database import Database
from app.store.fencing import fenced_write
from app.store.key_accounts import list_accounts, list_lost, note_found
from app.store.rotations import list_rotations, note_rotation_waits, save_rotation


class SqlKeyStore:
    """`app.credentials.ports.KeyStore` on SQL.

    `fence` is the fencing number of this process's lease; `sealer` None without a BRIDGE_SECRET_KEY.
    """

    def __init__(self, database: Database, clock: Callable[[], datetime], fence: int, sealer: Sealer | None) -> None:
        self.database, self.clock, self.fence, self.sealer = database, clock, fence, sealer

    @contextmanager
    def _fenced(self) -> Iterator[Connection]:
        with fenced_write(self.database, self.fence) as connection:
            yield connection

    @property
    def can_seal(self) -> bool:
        """Tell whether a new secret could be kept."""
        return self.sealer is not None

    def load(self) -> Holdings:
        """Return what there is."""
        with self.database.read() as connection:
            return Holdings(
                {credential.tecton_id: credential for credential in credentials.list_credentials(connection)},
                {rotation.tecton_id: rotation for rotation in list_rotations(connection)},
                {account.tecton_id: account for account in list_accounts(connection)},
                list_lost(connection),
            )

    def unseal(self, credential: Credential) -> str:
        """Return a key's value. Raise CredentialError when it cannot be opened."""
        with self.database.read() as connection:
            return credentials.unseal(connection, self.sealer, credential.tecton_id)

    def reroute(self, credential: Credential, routing: Routing, *, keep: bool) -> None:
        """Note where a key goes, and whether a copy is to be kept for probes."""
        with self._fenced() as connection:
            credentials.reroute(connection, credential, routing, keep=keep)

    def note_delivered(self, credential: Credential) -> None:
        """Note that a key was delivered; its value is wiped, unless a copy is kept."""
        with self._fenced() as connection:
            credentials.note_delivered(connection, credential, self.clock())

    def note_undelivered(self, credential: Credential, error: str, next_at: datetime) -> None:
        """Note that a delivery failed, and when it is tried again."""
        with self._fenced() as connection:
            credentials.note_undelivered(connection, credential, error, next_at=next_at, now=self.clock())

    def wipe(self, credential: Credential, reason: str) -> None:
        """Wipe the copy that was kept for probes."""
        with self._fenced() as connection:
            credentials.wipe(connection, credential, reason, self.clock())

    def save_rotation(self, rotation: Rotation, event: str = "", detail: str = "") -> None:
        """Store how far a rotation has come, with what happened, if anything did."""
        with self._fenced() as connection:
            save_rotation(connection, rotation)
            self._record(connection, rotation, event, detail)

    def note_rotation_waits(self, rotation: Rotation, error: str, next_at: datetime) -> None:
        """Note why a step of a rotation failed, and when it is tried again; the rest stays as it is stored."""
        with self._fenced() as connection:
            note_rotation_waits(connection, rotation, error, next_at)
            self._record(connection, rotation, "rotation waits" if error != rotation.last_error else "", error)

    def keep_secret(self, rotation: Rotation, key: OneTimeKey) -> None:
        """Seal a new secret, and store how far its rotation has come, both or neither."""
        if self.sealer is None:
            raise AssertionError("no secret is made while it could not be kept")
        with self._fenced() as connection:
            credentials.seal_key(connection, self.sealer, key, self.clock())
            save_rotation(connection, rotation)
            note_found(connection, key.tecton_id, self.clock())
            self._record(connection, rotation, "client secret created", key.secret_id or "")

    def _record(self, connection: Connection, rotation: Rotation, event: str, detail: str) -> None:
        if event:
            now, who = self.clock(), rotation.requested_by
            credentials.add_event(connection, rotation.tecton_id, rotation.name, event, who, detail, now)
