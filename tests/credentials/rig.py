"""The bridge with a Tecton, a Vault, and a record of every key that anybody handed out."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import requests

from app.bootstrap import Engine, build_engine, make_sealer
from app.core.credentials import Credential, Rotation
from app.delivery import Vault
from app.store import credentials, journal, leases
from app.store.database import Database
from app.store.rotations import list_rotations
from app.tecton import TectonConfig, open_tecton
from tests.conftest import Clock
from tests.credentials.vault_double import TOKEN, VaultDouble
from tests.rig import ADMIN_KEY, Rig
from tests.wsgi_adapter import WsgiAdapter

SCOPE = "my-secret-scope"
VAULT_URL = "https://vault.test"

HANDED_OUT = re.compile(r'"(?:apiKey|api_key|client_secret|secret|access_token)"\s*:\s*"([^"]{16,})"')


class Listening(WsgiAdapter):
    """Answers from an application, and notes every key in what it answers."""

    def __init__(self, app: Any, keys: set[str]) -> None:
        super().__init__(app)
        self.keys = keys

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        answer = super().send(request)
        self.keys.update(HANDED_OUT.findall(answer.text))
        return answer


class KeyRig(Rig):
    """A rig that looks after keys, too. `keys` are all that Tecton handed out."""

    def __init__(self, database: Database, clock: Clock, directory: Path, **settings: Any) -> None:
        self.keys: set[str] = set()
        self.vault = VaultDouble()
        self._processes = count(1)
        super().__init__(database, clock, directory, vault_token=TOKEN, **settings)

    def tecton_adapter(self) -> WsgiAdapter:
        """Return what answers calls to Tecton."""
        return Listening(self.sandbox, self.keys)

    def vault_adapter(self) -> WsgiAdapter:
        """Return what answers calls to Vault."""
        return WsgiAdapter(self.vault)

    def start_engine(self) -> Engine:
        config = replace(
            TectonConfig.from_settings(self.settings),
            rate=1e6,
            concurrency=self.settings.tecton_concurrency,
            clock=lambda: self.clock().timestamp(),
            wall_clock=lambda: self.clock().timestamp(),
            sleep=self.sleep if self.knobs else lambda _: None,
            session_factory=lambda: _session(self.tecton_adapter()),
        )
        vault = Vault(self.settings.vault_token.get_secret_value(), lambda: _session(self.vault_adapter()))
        engine = build_engine(self.settings, self.database, self.clock, open_tecton(config), vault)
        engine.worker.holder = f"another machine/1/{next(self._processes)}/1"
        return engine

    def restart(self) -> None:
        """Go on in another process, once the lease of the one that died has run out."""
        self.engine.close()
        self.clock.move(seconds=leases.LEASE_TIME.total_seconds() + 1)
        self.engine = self.start_engine()
        self.engine.worker.renew()

    # ---------------------------------------------------------------- working

    def keep(self, **by: float) -> None:
        """Let time pass, and do what is due for keys."""
        self.clock.move(**by)
        self.engine.worker.renew()
        self.engine.keeper.tick()

    def declare(self, policy: str) -> None:
        """Put another policy in force."""
        self.policy_file.write_text(policy)

    # ---------------------------------------------------------------- looking

    def credential(self, name: str) -> Credential:
        """Return what is known of an account's key."""
        with self.database.read() as connection:
            return credentials.find_credential(connection, name)

    def rotation(self, name: str) -> Rotation:
        """Return the newest rotation of an account."""
        with self.database.read() as connection:
            return next(rotation for rotation in list_rotations(connection) if rotation.name == name)

    def sealed(self, name: str) -> str | None:
        """Return the key that is kept of an account, in clear; None when none is kept."""
        with self.database.read() as connection:
            if not credentials.find_credential(connection, name).is_sealed:
                return None
            sealer = make_sealer(self.settings.secret_key.get_secret_value())
            return credentials.unseal(connection, sealer, self.credential(name).tecton_id)

    def events(self, name: str) -> list[str]:
        """Return what happened to an account's keys, the oldest first."""
        with self.database.read() as connection:
            return [event.event for event in reversed(credentials.list_events(connection, name))]

    def scope_value(self, key: str, scope: str = SCOPE) -> str | None:
        """Return what Tecton holds in a secret scope."""
        answer = self.tecton.get(
            f"/api/v1/secrets-service/scopes/{scope}/keys/{key}", headers={"Authorization": f"Tecton-key {ADMIN_KEY}"}
        )
        return answer.get_json()["value"] if answer.status_code == 200 else None

    def owner_of(self, key: str) -> str | None:
        """Return the name of the account whose API key this is, None when Tecton does not take it."""
        headers = {"Authorization": f"Tecton-key {ADMIN_KEY}"}
        body = {"api_key": key}
        answer = self.tecton.post("/api/v1/metadata-service/introspect-api-key", json=body, headers=headers)
        shown = answer.get_json()
        return shown.get("name") if answer.status_code == 200 and shown.get("active") else None

    def takes(self, client_id: str, secret: str | None) -> bool:
        """Tell whether Tecton gives a token for a client secret."""
        form = {"scope": "everything", "grant_type": "client_credentials", "client_id": client_id}
        answer = self.tecton.post("/oauth2/default/v1/token", data={**form, "client_secret": secret or ""})
        return answer.status_code == 200

    def runs(self) -> list[Any]:
        """Return who asked for the runs that wait."""
        with self.database.read() as connection:
            request = journal.next_request(connection)
        return [request] if request else []

    def everything_stored(self) -> str:
        """Return every row of every table, as text."""
        with self.database.read() as connection:
            from app.store.tables import metadata

            rows = [connection.execute(table.select()).all() for table in metadata.sorted_tables]
        return json.dumps(rows, default=str)


def _session(adapter: WsgiAdapter) -> requests.Session:
    session = requests.Session()
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session
