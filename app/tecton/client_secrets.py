"""Service Accounts API v1: the client secrets of an OAuth account (messages: reference; paths: inferred).

An account has at most two and at least one active (documented). Rotation: create, hand out, wait for
a minute of propagation and an hour of token lifetime, deactivate the old one, delete it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from app.reconcile.ports import TemporaryError, UnknownOutcome
from app.tecton.caller import Caller
from app.tecton.wire import Json, operation, read, read_list, read_text

_OFFERED = "client secrets must be where BRIDGE_TECTON_PATHS says, and OAuth accounts switched on for this cluster"


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """A client secret, as it can be seen for ever: masked."""

    id: str
    active: bool
    created_at: str = ""
    updated_at: str = ""
    masked: str = ""


@dataclass(frozen=True, slots=True)
class NewClientSecret:
    """A new client secret with its value, which is shown only once, and not in the repr."""

    secret: ClientSecret
    value: str = field(repr=False)


class ClientSecrets:
    """The client secrets of one Tecton's OAuth accounts, for one run."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._paths = caller.config.paths

    def create(self, account_id: str) -> NewClientSecret:
        """Add a secret. Raise Refused when there are two; UnknownOutcome when the new value was lost."""
        asks = f"create a client secret for service account {account_id}"
        path = self._paths.create_client_secret
        answer = read(self._ask(path, asks, {"id": account_id}, write=True, create=True), "secret")
        value = read_text(answer, "secret")
        if not value or not read_text(answer, "secret_id"):
            raise UnknownOutcome(f"could not {asks}: Tecton's answer lacks its id or its value")
        return NewClientSecret(_secret(answer), value)

    def list_secrets(self, account_id: str) -> list[ClientSecret]:
        """Return the secrets of an account, masked. Raise NotFound, Refused."""
        asks = f"list the client secrets of service account {account_id}"
        answer = self._ask(self._paths.list_client_secrets, asks, {"id": account_id})
        # The reference spells this one key in camelCase, and all around it in snake_case: both are read.
        return [_secret(row) for row in read_list(answer, "client_secrets")]

    def activate(self, account_id: str, secret_id: str) -> ClientSecret:
        """Activate a secret and return it. Raise NotFound, Refused."""
        return self._switch(self._paths.activate_client_secret, "activate", account_id, secret_id)

    def deactivate(self, account_id: str, secret_id: str) -> ClientSecret:
        """Deactivate a secret and return it. Raise NotFound; Refused, also for the last active one."""
        return self._switch(self._paths.deactivate_client_secret, "deactivate", account_id, secret_id)

    def delete(self, account_id: str, secret_id: str) -> None:
        """Delete a secret, which must have been deactivated (reference). Raise NotFound, Refused."""
        body = {"service_account_id": account_id, "secret_id": secret_id}
        asks = f"delete client secret {secret_id} of service account {account_id}"
        self._ask(self._paths.delete_client_secret, asks, body, write=True, removal=True)

    def _switch(self, path: str, verb: str, account_id: str, secret_id: str) -> ClientSecret:
        body = {"service_account_id": account_id, "secret_id": secret_id}
        asks = f"{verb} client secret {secret_id} of service account {account_id}"
        return _secret(read(self._ask(path, asks, body, write=True), "secret"))

    def _ask(self, path: str, asks: str, body: Json, **more: bool) -> Any:
        return self._caller.call(operation(path, asks, body, offered_when=_OFFERED, **more))


def _secret(row: Any) -> ClientSecret:
    id_ = read_text(row, "secret_id")
    if not id_:
        raise TemporaryError("Tecton answered with a client secret without an id")
    return ClientSecret(
        id=id_,
        active=read_text(row, "status").upper() == "ACTIVE",
        created_at=read_text(row, "created_at"),
        updated_at=read_text(row, "updated_at"),
        masked=read_text(row, "masked_secret"),
    )
