"""What a handler is given: the request, the world, who asks, and what is to go wrong."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from werkzeug.datastructures import Headers

from app.sandbox.faults import Effect
from app.sandbox.replies import Reply, Service
from app.sandbox.world.authority import is_admin
from app.sandbox.world.records import Principal, ServiceAccount
from app.sandbox.world.tables import Tables
from app.sandbox.world.world import Transaction


@dataclass(frozen=True)
class Request:
    """A call as it came in; `headers` is case-insensitive, `query` holds the first value of each key.

    `waited` is how long it has been here already (seconds).
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Headers
    body: bytes
    waited: float = 0


@dataclass(frozen=True)
class Caller:
    """The service account a call is made by. `lingering_admin` serves keys that were just revoked."""

    account_id: str
    name: str
    lingering_admin: bool = False

    @property
    def principal(self) -> Principal:
        """Return the caller as a holder of roles."""
        return Principal("service_account", self.account_id)

    def is_admin(self, tables: Tables) -> bool:
        """Say whether the caller is an admin."""
        return self.lingering_admin or is_admin(tables, self.principal)


ANYBODY = Caller("", "")


@dataclass
class Call:
    """One call being served. `params` come from the path; `notes` end up in the log."""

    request: Request
    tx: Transaction
    caller: Caller
    params: Mapping[str, str] = field(default_factory=dict)
    effects: list[Effect] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def effect(self, kind: str) -> Effect | None:
        """Return the fault of this kind that the call is to suffer, if any."""
        return next((effect for effect in self.effects if effect.kind == kind), None)

    def account(self) -> ServiceAccount | None:
        """Return the caller's service account; None when it was deleted a moment ago."""
        return self.tx.tables.accounts.get(self.caller.account_id)

    @property
    def now(self) -> datetime:
        """Return the moment of the call."""
        return self.tx.now


Handler = Callable[[Call], Reply]


@dataclass(frozen=True)
class Operation:
    """One thing a service does. `public` needs no credential."""

    name: str
    service: Service
    kind: Literal["read", "write"]
    handler: Handler
    public: bool = False
