"""Service Accounts API v1: accounts with API keys or OAuth client secrets, and the rotation of those.

Messages and statuses are in the reference; the paths are not, and every one can be changed in
`Paths`: those of accounts are confirmed for an older release, those of client secrets inferred. All
are POST (inferred: every operation has its ids in a body). For accounts with API keys SCIM is to be
preferred; this is needed for OAuth accounts and for rotation.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from app.reconcile.ports import TemporaryError, UnknownOutcome
from app.tecton.caller import Caller
from app.tecton.wire import Json, operation, read, read_list, read_text

API_KEY = "SERVICE_ACCOUNT_CREDENTIALS_TYPE_API_KEY"
OAUTH = "SERVICE_ACCOUNT_CREDENTIALS_TYPE_OAUTH_CLIENT_CREDENTIALS"

_OFFERED = "the Service Accounts API must be where BRIDGE_TECTON_PATHS says, and switched on for this cluster"


@dataclass(frozen=True, slots=True)
class Account:
    """A service account; `oauth` is None where Tecton does not say (the answer to an update)."""

    id: str
    name: str
    description: str = ""
    active: bool = True
    oauth: bool | None = None
    created_at: str = ""
    created_by: str = ""  # the id of a user or a service account


@dataclass(frozen=True, slots=True)
class NewAccount:
    """A new account with its one-time secret: an API key, or a client secret. Its repr shows neither."""

    account: Account
    api_key: str | None = field(default=None, repr=False)
    client_secret: str | None = field(default=None, repr=False)


class ServiceAccounts:
    """The Service Accounts API of one Tecton, for one run."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._paths = caller.config.paths

    def create(self, name: str, description: str = "", *, oauth: bool = False) -> NewAccount:
        """Create an account (statuses: reference).

        Raise Conflict when the name is taken (400 or 409: row 31), UnknownOutcome when its secret was
        lost: then it has to be found by name, deactivated, deleted and created again.
        """
        asks = f"create service account {name}"
        kind = OAUTH if oauth else API_KEY
        body = {"name": name, "description": description, "credentials_type": kind}
        answer = self._ask(self._paths.create_account, asks, body, write=True, create=True)
        api_key, secret = read_text(answer, "api_key"), read_text(answer, "client_secret")
        if not read_text(answer, "id") or not (api_key or secret):
            raise UnknownOutcome(f"could not {asks}: Tecton's answer lacks its id or its secret")
        return NewAccount(_account(answer), api_key or None, secret or None)

    def find(self, search: str = "", ids: Collection[str] | None = None) -> list[Account]:
        """Return the accounts whose name, description or id holds `search` in any case.

        `ids` restricts them; an empty one finds nobody, and is not sent: Tecton would take it for all.
        """
        if ids is not None and not ids:
            return []
        restricted = {"ids": sorted(ids)} if ids else {}
        body = {**({"search": search} if search else {}), **restricted}
        answer = self._ask(self._paths.get_accounts, "look up service accounts", body)
        return [_account(row) for row in read_list(answer, "service_accounts")]

    def update(
        self,
        account_id: str,
        *,
        name: str | None = None,
        description: str | None = None,
        active: bool | None = None,
    ) -> Account:
        """Change what is given; the rest stays (the CLI sends only what changed). Raise NotFound, Refused."""
        given = {"name": name, "description": description, "is_active": active}
        body = {"id": account_id, **{field_: value for field_, value in given.items() if value is not None}}
        asks = f"update service account {account_id}"
        return _account(self._ask(self._paths.update_account, asks, body, write=True))

    def delete(self, account_id: str) -> None:
        """Delete an account, which must have been deactivated (reference). Raise NotFound, Refused."""
        asks = f"delete service account {account_id}"
        self._ask(self._paths.delete_account, asks, {"id": account_id}, write=True, removal=True)

    def _ask(self, path: str, asks: str, body: Json, **more: bool) -> Any:
        return self._caller.call(operation(path, asks, body, offered_when=_OFFERED, **more))


def _account(row: Any) -> Account:
    id_ = read_text(row, "id")
    if not id_:
        raise TemporaryError("Tecton answered with a service account without an id")
    kind = read(row, "credentials_type")
    return Account(
        id=id_,
        name=read_text(row, "name"),
        description=read_text(row, "description"),
        active=read(row, "is_active") is not False,
        oauth=None if kind is None else kind == OAUTH,
        created_at=read_text(row, "created_at"),
        created_by=_creator(read(row, "created_by")),
    )


def _creator(created_by: Any) -> str:
    return read_text(read(created_by, "user"), "okta_id") or read_text(read(created_by, "service_account"), "id")
