"""Tecton, as the use cases need it: every service behind one object per run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType

from app.core.abilities import Abilities, Finding
from app.core.access import Profile, ServiceAccountProfile
from app.core.identity import Grant, Kind
from app.core.records import MemberId, Record, ScopeGrant
from app.reconcile.ports import Calls, Created, Edit, Edited, Entry
from app.tecton.authorization import Authorization
from app.tecton.caller import Caller
from app.tecton.client_secrets import ClientSecrets
from app.tecton.config import TectonConfig
from app.tecton.credentials import API_KEY_SCHEME, Credential
from app.tecton.features import FeatureServices
from app.tecton.ingest import Ingest
from app.tecton.learning import Learner, echo_finding
from app.tecton.members import KnownKinds
from app.tecton.metadata import Metadata
from app.tecton.oauth import Tokens
from app.tecton.oauth_accounts import create_oauth_account
from app.tecton.preflight import Preflight, probe
from app.tecton.scim import Scim
from app.tecton.scopes import Scopes
from app.tecton.service_accounts import ServiceAccounts
from app.tecton.transport import Transport
from app.tecton.user_ids import UserIds


@dataclass(slots=True)
class Memory:
    """What one run learned that stays true for the next."""

    kinds: KnownKinds = field(default_factory=KnownKinds)
    users: UserIds = field(default_factory=UserIds)
    owner_id: str | None = None
    put_echoes: bool | None = None  # whether the last change was answered with the whole object

    def note_echo(self, echoes: bool) -> None:
        """Remember how a change was answered."""
        self.put_echoes = echoes


class TectonClient:
    """Tecton for one run: fits the port `app.reconcile.ports.Tecton`, which says what each call does.

    Safe for many threads. The services that the port does not need are there, too, as attributes.
    """

    def __init__(self, caller: Caller, memory: Memory) -> None:
        self.caller = caller
        self._memory = memory
        self.scim = Scim(caller.calling_scim(), memory.kinds, memory.users, memory.note_echo)
        self.scopes = Scopes(caller)
        self.authorization = Authorization(caller, memory.users)
        self.metadata = Metadata(caller)
        self.service_accounts = ServiceAccounts(caller)
        self.client_secrets = ClientSecrets(caller)

    @property
    def calls(self) -> Calls:
        """The calls of this run so far, repeated tries included."""
        return self.caller.counter.calls

    def list_entries(self, kind: Kind, *, whole: bool = False) -> list[Entry]:
        """Return every user, group or service account. Raise TectonError, also for an incomplete list."""
        return self.scim.list_entries(kind, whole=whole)

    def find_entries(self, kind: Kind, name: str) -> list[Entry]:
        """Return the entries of a name, the exact spelling first."""
        return self.scim.find_entries(kind, name)

    def get_record(self, kind: Kind, tecton_id: str) -> Record | None:
        """Return one object whole, None when Tecton does not hold it."""
        return self.scim.get_record(kind, tecton_id)

    def create(self, kind: Kind, profile: Profile, members: Iterable[MemberId], roles: Iterable[Grant]) -> Created:
        """Create an object. Raise Conflict, UnknownOutcome; NotPossible for an OAuth account that SCIM hides."""
        if isinstance(profile, ServiceAccountProfile) and profile.oauth:
            return create_oauth_account(self.service_accounts, self.scim, profile)
        return self.scim.create(kind, profile, members, roles)

    def edit(self, kind: Kind, tecton_id: str, edit: Edit) -> Edited:
        """GET, let `edit` change the record, merge, PUT, read back. Raise NotFound."""
        return self.scim.edit(kind, tecton_id, edit)

    def delete(self, kind: Kind, tecton_id: str) -> None:
        """Delete an object; one that is gone already is no error."""
        self.scim.delete(kind, tecton_id)

    def list_scopes(self) -> frozenset[str]:
        """Return the names of all secret scopes; none when Tecton has secrets switched off."""
        return self.scopes.list_scopes()

    def list_scope_grants(self, scope: str) -> frozenset[ScopeGrant]:
        """Return the roles held directly on a secret scope."""
        return self.authorization.list_scope_grants(scope)

    def assign(self, grants: Iterable[ScopeGrant]) -> None:
        """Grant roles on secret scopes, in one call."""
        self.authorization.assign(grants)

    def unassign(self, grants: Iterable[ScopeGrant]) -> None:
        """Revoke roles on secret scopes, in one call."""
        self.authorization.unassign(grants)

    def own_account_id(self) -> str | None:
        """Return the service account id of the key in use, None when this Tecton does not tell.

        Told once per process: a key never changes hands.
        """
        if self._memory.owner_id is None:
            owner = self.metadata.introspect_key()
            self._memory.owner_id = owner.id if owner else None
        return self._memory.owner_id


class Serving:
    """What somebody else than the bridge may read and write, to see that a grant took effect."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self.features = FeatureServices(caller)

    @property
    def calls(self) -> Calls:
        """The calls so far."""
        return self._caller.counter.calls

    def ingest_at(self, url: str) -> Ingest:
        """Return stream ingest at an address of its own."""
        return Ingest(self._caller, url)


class TectonService:
    """One Tecton: one set of connections, one rate limit and one concurrency limit for all runs."""

    def __init__(self, config: TectonConfig) -> None:
        self._transport = Transport(config)
        self._memory = Memory()

    def for_run(self) -> TectonClient:
        """Return Tecton for one run, which counts its own calls."""
        return TectonClient(Caller(self._transport), self._memory)

    def serving_for_key(self, api_key: str) -> Serving:
        """Return what the holder of an API key may read and write.

        Raise CredentialsRefused for a key that no header can hold.
        """
        credential = Credential(API_KEY_SCHEME, api_key)
        return Serving(Caller(self._transport).calling_as(lambda: credential))

    def serving_for_client(self, client_id: str, client_secret: str) -> Serving:
        """Return what an OAuth service account may read; its token is fetched at the first call."""
        caller = Caller(self._transport)
        return Serving(caller.calling_as(Tokens(caller, client_id, client_secret).credential))

    def learn(self, address: str, now: datetime) -> Abilities:
        """Return what the Tecton at this address can do, found out by reading alone.

        Raise TectonError when it cannot be read.
        """
        run, size = self.for_run(), self._transport.config.page_size
        found = Learner(run.scim, run.scopes, run.authorization, size).learn(address, now)
        echo = self.echo()
        return found.with_finding(echo) if echo else found

    def echo(self) -> Finding | None:
        """Return what the last change told of how changes are answered, None before there was any."""
        return None if self._memory.put_echoes is None else echo_finding(self._memory.put_echoes)

    def probe(self) -> Preflight:
        """Return whether this Tecton can be worked with, and what to do if not. Raise no TectonError."""
        return probe(Caller(self._transport))

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __enter__(self) -> TectonService:
        """Return the service, to be closed at the end of the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        self.close()


def open_tecton(config: TectonConfig) -> TectonService:
    """Return a Tecton; nothing is asked of it yet."""
    return TectonService(config)
