"""What the keeping of credentials needs: of Tecton, of the places keys go to, and of the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol

from app.core.credentials import Credential, Rotation, Routing, Shown
from app.core.policy import Policy
from app.core.policy_accounts import Delivery
from app.core.policy_probes import Ability
from app.core.probes import Answer, ProbeResult
from app.reconcile.ports import OneTimeKey


class DeliveryError(Exception):
    """A key could not be delivered. The message says where to, why, and what to do; never the key."""


class CredentialError(Exception):
    """What was asked of a key cannot be done; the message says why, and what to do."""


class UnknownAccount(CredentialError):
    """No account of that name, or none whose key was ever kept here."""


# ---------------------------------------------------------------- outside


class Places(Protocol):
    """Where keys are delivered to."""

    def put(self, place: Delivery, value: str) -> None:
        """Put a key there, in place of an older one; putting the same twice is the same as once.

        Raise DeliveryError, TectonError.
        """


class ClientSecrets(Protocol):
    """The client secrets of OAuth accounts, in Tecton."""

    def list_secrets(self, account_id: str) -> list[Shown]:
        """Return what Tecton shows of an account's secrets. Raise TectonError."""

    def create(self, account_id: str) -> tuple[str, str]:
        """Make one more secret and return its id and its value.

        Raise UnknownOutcome when it may have been made, and its value is lost; TectonError.
        """

    def deactivate(self, account_id: str, secret_id: str) -> None:
        """Deactivate a secret. Raise TectonError."""

    def delete(self, account_id: str, secret_id: str) -> None:
        """Delete a deactivated secret; one that is not there any more is no error. Raise TectonError."""


class Asker(Protocol):
    """Tries what the holder of a key may do."""

    def ask(self, credential: Credential, value: str, ability: Ability) -> tuple[Answer, str]:
        """Return Tecton's answer and its words. Raise nothing that Tecton may answer."""


# ---------------------------------------------------------------- the store


class Account(NamedTuple):
    """A service account that is linked, and in Tecton, as last seen."""

    tecton_id: str
    name: str
    is_active: bool
    linked_at: datetime


@dataclass(frozen=True, slots=True)
class Holdings:
    """Every key and rotation, and the accounts that are in Tecton, by Tecton id.

    `lost` are the accounts that the bridge created and whose key never arrived: nobody has it.
    """

    credentials: Mapping[str, Credential] = field(default_factory=dict)
    rotations: Mapping[str, Rotation] = field(default_factory=dict)
    accounts: Mapping[str, Account] = field(default_factory=dict)
    lost: frozenset[str] = frozenset()

    def account_called(self, name: str) -> Account | None:
        """Return the account of this name, in any case; None when it is not in Tecton."""
        wanted = name.casefold()
        return next((account for account in self.accounts.values() if account.name.casefold() == wanted), None)


class KeyStore(Protocol):
    """The keys and rotations; every writing method is one transaction, and fails with LostLease."""

    @property
    def can_seal(self) -> bool:
        """Tell whether a new secret could be kept."""

    def load(self) -> Holdings:
        """Return what there is."""

    def unseal(self, credential: Credential) -> str:
        """Return a key's value. Raise CredentialError when it cannot be opened."""

    def reroute(self, credential: Credential, routing: Routing, *, keep: bool) -> None:
        """Note where a key goes, and whether a copy is to be kept for probes."""

    def note_delivered(self, credential: Credential) -> None:
        """Note that a key was delivered; its value is wiped, unless a copy is kept."""

    def note_undelivered(self, credential: Credential, error: str, next_at: datetime) -> None:
        """Note that a delivery failed, and when it is tried again."""

    def wipe(self, credential: Credential, reason: str) -> None:
        """Wipe the copy that was kept for probes."""

    def save_rotation(self, rotation: Rotation, event: str = "", detail: str = "") -> None:
        """Store how far a rotation has come, with what happened, if anything did."""

    def note_rotation_waits(self, rotation: Rotation, error: str, next_at: datetime) -> None:
        """Note why a step of a rotation failed, and when it is tried again; the rest stays as it is stored."""

    def keep_secret(self, rotation: Rotation, key: OneTimeKey) -> None:
        """Seal a new secret, and store how far its rotation has come, both or neither."""


class Standing(NamedTuple):
    """How a service account stands: whether it is desired, as active; its id, key and state in Tecton.

    `inactive_since` is None while it is active; `is_there` says whether Tecton holds it at all.
    """

    is_desired: bool
    is_there: bool = False
    credential: Credential | None = None
    inactive_since: datetime | None = None


class ProbeStore(Protocol):
    """What access probes need, and what they found."""

    def load_results(self) -> dict[str, ProbeResult]:
        """Return the last result of every probe, by the probe's name."""

    def last_change(self) -> datetime | None:
        """Return when access of a service account or a group was last changed, None when it never was."""

    def standing(self, policy: Policy, name: str) -> Standing:
        """Return how a service account stands."""

    def unseal(self, credential: Credential) -> str:
        """Return a key's value. Raise CredentialError when there is none any more, or it cannot be opened."""

    def save_result(self, result: ProbeResult) -> None:
        """Store what a probe found."""

    def drop_results(self, names: Iterable[str]) -> None:
        """Forget what probes found."""

    def ask_for_sweep(self, requested_by: str) -> None:
        """Ask for a sweep, unless one waits or is under way."""

    def wipe(self, credential: Credential, reason: str) -> None:
        """Wipe the copy that was kept for probes."""
