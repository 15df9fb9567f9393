"""Client secrets as rotation needs them: fits the port `app.credentials.ports.ClientSecrets`."""

from __future__ import annotations

from datetime import UTC, datetime

from app.core.credentials import Shown
from app.reconcile.ports import NotFound
from app.tecton.client_secrets import ClientSecret, ClientSecrets


class RotatedSecrets:
    """The client secrets of OAuth accounts, for one look."""

    def __init__(self, secrets: ClientSecrets) -> None:
        self._secrets = secrets

    def list_secrets(self, account_id: str) -> list[Shown]:
        """Return what Tecton shows of an account's secrets. Raise TectonError."""
        return [_shown(secret) for secret in self._secrets.list_secrets(account_id)]

    def create(self, account_id: str) -> tuple[str, str]:
        """Make one more secret and return its id and its value. Raise UnknownOutcome, TectonError."""
        made = self._secrets.create(account_id)
        return made.secret.id, made.value

    def deactivate(self, account_id: str, secret_id: str) -> None:
        """Deactivate a secret. Raise TectonError."""
        self._secrets.deactivate(account_id, secret_id)

    def delete(self, account_id: str, secret_id: str) -> None:
        """Delete a deactivated secret; one that is not there any more is no error. Raise TectonError."""
        try:
            self._secrets.delete(account_id, secret_id)
        except NotFound:
            return


def _shown(secret: ClientSecret) -> Shown:
    return Shown(secret.id, secret.active, _time(secret.created_at))


def _time(text: str) -> datetime | None:
    """Return the time that Tecton writes (documented: `2024-11-28T06:21:10.000Z`), None for what is none."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time
