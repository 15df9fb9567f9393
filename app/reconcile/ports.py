"""What the use cases need of Tecton, and the errors that come from there, split by what to do next."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol

from app.core.access import AccessState, Profile
from app.core.changes import Change, NameOf
from app.core.circumstances import Doubt, Objection, Silence, Source
from app.core.credentials import KeyKind
from app.core.directory import Directory
from app.core.drift import DriftItem
from app.core.freshness import Verified
from app.core.identity import Grant, Kind, Principal
from app.core.plan import Plan
from app.core.policy import Policy
from app.core.policy_guards import Guards
from app.core.records import Link, Links, MemberId, Record, ScopeGrant, TectonObjects
from app.core.removals import Item
from app.core.returns import Return


class TectonError(Exception):
    """A call to Tecton did not do what was asked.

        TectonError
        ├── TemporaryError        try again later
        │   ├── Unreachable       no connection, or no answer in time
        │   ├── Throttled         429; `retry_after` seconds when Tecton said so
        │   ├── UnknownOutcome    a create whose reply was lost: look it up, never repeat it blindly
        │   └── Moved             the object is not as it was when the plan was made
        └── PermanentError        trying again changes nothing
            ├── CredentialsRefused  401, or 403 for the key itself: nothing else will work either
            ├── NotFound          the object is not there (any more)
            ├── Conflict          the name is taken
            ├── Unsupported       this Tecton does not have the endpoint, or has it switched off
            ├── Refused           Tecton understood and said no, with a reason
            ├── NotEffective      Tecton said that it was done, and it is not
            └── NotPossible       the bridge does not even ask, as it could not keep the answer

    The message is a sentence for a person: what was asked, of which object, what Tecton said. It
    never holds a key.
    """


class TemporaryError(TectonError):
    """Trying again later may work."""


class Unreachable(TemporaryError):
    """No connection, or no answer in time."""


class Throttled(TemporaryError):
    """Tecton asks for fewer calls."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class UnknownOutcome(TemporaryError):
    """A create was sent and its reply was lost: it may or may not have happened."""


class Moved(TemporaryError):
    """The object is not as it was when the plan was made: what is to become of it is decided anew."""


class PermanentError(TectonError):
    """Trying again changes nothing."""


class CredentialsRefused(PermanentError):
    """Tecton does not accept the key, or the key's service account may not do this."""


class NotFound(PermanentError):
    """The object is not there."""


class Conflict(PermanentError):
    """An object of that name is there already."""


class Unsupported(PermanentError):
    """This Tecton does not offer the endpoint."""


class Refused(PermanentError):
    """Tecton refused what it was asked, with a reason."""


class NotEffective(PermanentError):
    """Tecton answered that it was done, and what it shows since then says that it was not."""


class NotPossible(PermanentError):
    """The bridge itself does not ask: it could not keep what the answer would hold."""


class Entry(NamedTuple):
    """An entry of a list: lists omit roles and members.

    `modified` is when Tecton says that it was modified, "" when it does not; `record` is the whole object
    where this Tecton's lists were found to hold it.
    """

    id: str
    name: str
    modified: str = ""
    record: Record | None = None


@dataclass(frozen=True, slots=True)
class Created:
    """A new object; for a service account with its API key or client secret, which are only here."""

    record: Record
    api_key: str | None = None
    client_secret: str | None = None

    def __repr__(self) -> str:
        return f"Created({self.record!r}, api_key={'…' if self.api_key or self.client_secret else None})"


@dataclass(frozen=True, slots=True)
class Edited:
    """An object before and after an edit; `wrote` is False when the edit found nothing to do."""

    before: Record
    after: Record
    wrote: bool


class Calls(NamedTuple):
    """How many calls were made."""

    reads: int = 0
    writes: int = 0


Edit = Callable[[Record], Record | None]


class Tecton(Protocol):
    """Tecton, for one run: the calls of the run are counted."""

    @property
    def calls(self) -> Calls:
        """The calls made so far, repeated tries included."""

    def list_entries(self, kind: Kind, *, whole: bool = False) -> list[Entry]:
        """Return every user, group or service account, from all pages; `whole` asks for roles and members, too.

        Raise TectonError, also when the pages do not add up to the total that Tecton names.
        """

    def find_entries(self, kind: Kind, name: str) -> list[Entry]:
        """Return the entries whose name is exactly `name` by Tecton's own filter."""

    def get_record(self, kind: Kind, tecton_id: str) -> Record | None:
        """Return one object whole, None when Tecton does not hold it."""

    def create(self, kind: Kind, profile: Profile, members: Iterable[MemberId], roles: Iterable[Grant]) -> Created:
        """Create an object and return it as Tecton answered it.

        Raise Conflict when the name is taken; UnknownOutcome when the reply was lost.
        """

    def edit(self, kind: Kind, tecton_id: str, edit: Edit) -> Edited:
        """GET the object, let `edit` return it as it should be (None: as it is), merge, PUT, read back.

        What the record does not know of the object is sent back as it came. Raise NotFound.
        """

    def delete(self, kind: Kind, tecton_id: str) -> None:
        """Delete an object; one that is not there any more is no error."""

    def list_scopes(self) -> frozenset[str]:
        """Return the names of all secret scopes; none when Tecton has secrets switched off."""

    def list_scope_grants(self, scope: str) -> frozenset[ScopeGrant]:
        """Return the roles held directly on a secret scope, by every kind of principal."""

    def assign(self, grants: Iterable[ScopeGrant]) -> None:
        """Grant roles on secret scopes, in one call."""

    def unassign(self, grants: Iterable[ScopeGrant]) -> None:
        """Revoke roles on secret scopes, in one call."""

    def own_account_id(self) -> str | None:
        """Return the service account id of the key in use, None when this Tecton does not tell."""


# ---------------------------------------------------------------- the store


class Dirty(NamedTuple):
    """One principal that waits to be looked at; `generation` moves when it is pushed again."""

    kind: str
    id: str
    generation: int
    dirty_since: datetime
    attempts: int


@dataclass(frozen=True, slots=True)
class Escrow:
    """Changes of one object that failed: they wait for their next try, and nothing else of the object does."""

    row: Dirty
    error: str
    next_at: datetime
    tried: frozenset[Change] = frozenset()
    is_ineffective: bool = False  # Tecton took them without effect

    def holds(self, changes: Collection[Change], now: datetime) -> bool:
        """Tell whether these changes, all that the object needs, are to wait: another one among them is news."""
        return now < self.next_at and self.tried.issuperset(changes)


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What the bridge knows of Tecton, as of its last reads and writes."""

    objects: TectonObjects = field(default_factory=TectonObjects)
    links: Links = field(default_factory=Links)
    last_applied: AccessState = field(default_factory=AccessState)
    automatic: frozenset[tuple[Kind, str, str]] = frozenset()  # kind, Tecton id, target
    known_targets: frozenset[str] = frozenset()
    failing: Mapping[Principal, Escrow] = field(default_factory=dict)
    awaited_keys: frozenset[Principal] = frozenset()  # whose creation was begun, and whose key never came
    complete: bool = False  # everything in Tecton was read at least once
    verified: Mapping[tuple[Kind, str], datetime] = field(default_factory=dict)  # when each was last read
    modified: Mapping[tuple[Kind, str], str] = field(default_factory=dict)  # what a list said of it then
    whole_lists: frozenset[Kind] = frozenset()  # kinds whose lists were found to hold whole objects
    elsewhere: str = ""  # the address of the Tecton that all this is known of, where it is not the one in use


class Outcome(NamedTuple):
    """What became of the changes to one object."""

    principal: Principal
    name: str
    changes: tuple[Change, ...]
    sentences: tuple[str, ...]
    status: str  # applied, failed, not_effective, skipped
    error: str = ""
    removed: Mapping[str, int] = {}  # how much of each kind went without an approval; never changed
    approved_by: str | None = None  # who approved some of the removals; None: nobody had to


@dataclass(frozen=True, slots=True)
class OneTimeKey:
    """A key that Tecton shows this once; its repr does not. `secret_id` where a client secret's is known."""

    tecton_id: str
    name: str
    value: str = field(repr=False)
    kind: KeyKind = KeyKind.API_KEY
    secret_id: str | None = None


@dataclass(slots=True)
class Step:
    """What one step of a run found out or did: stored in one transaction, or not at all."""

    records: dict[tuple[Kind, str], Record | None] = field(default_factory=dict)  # None: not in Tecton any more
    scopes: dict[str, frozenset[ScopeGrant] | None] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)
    unlinked: list[Principal] = field(default_factory=list)
    last_applied: dict[Principal, AccessState | None] = field(default_factory=dict)
    automatic: set[tuple[Kind, str, str]] = field(default_factory=set)
    known_targets: set[str] = field(default_factory=set)
    outcomes: list[Outcome] = field(default_factory=list)
    one_time_key: OneTimeKey | None = None
    awaited_keys: dict[Principal, bool] = field(default_factory=dict)  # from now on, or no more

    def __repr__(self) -> str:
        return f"Step({len(self.records)} records, {len(self.outcomes)} outcomes)"


class Store(Protocol):
    """What the use cases keep. Every writing method fails with `LostLease` when another leader took over."""

    @property
    def can_seal(self) -> bool:
        """Tell whether a one-time key could be kept."""

    def load_directory(self, policy: Policy) -> Directory:
        """Return everything that was pushed."""

    def load_part(self, policy: Policy, resource_ids: Collection[str]) -> Directory:
        """Return these resources; one that was deleted is not in it."""

    def groups_of(self, resource_ids: Collection[str]) -> set[str]:
        """Return the groups that have any of these resources as a member."""

    def load_knowledge(self) -> Knowledge:
        """Return what is known of Tecton."""

    def save(self, run_id: str, step: Step) -> None:
        """Store a step in one transaction."""

    def removals_since(self, since: datetime) -> dict[str, int]:
        """Return how many removals of each kind (`REMOVAL_KINDS`) were applied since then.

        What a person approved does not count: it is no sign of anything going wrong.
        """

    def taken_since(self, since: datetime) -> frozenset[Change]:
        """Return the removals that were made since then and not undone; also those that only seem to have failed."""

    def tried_since(self, since: datetime, principals: Collection[Principal]) -> dict[Principal, list[Change]]:
        """Return the changes that were tried on these principals since then, in their order: some may have failed."""

    def read_source(self, principals: Collection[Principal], guards: Guards) -> Source:
        """Return what is known of where the removals from these principals come from.

        All but who leaves, and what is remembered, which is known better elsewhere.
        """

    def read_silence(self) -> Silence | None:
        """Return the time of which the store remembers nothing, until everything was looked at again."""

    def take_in(self, policy: Policy, resource_ids: Collection[str] | None = None) -> list[Return]:
        """Note which clients pushed these resources (None: any), and give people who came back what they had.

        Without ids, what was given back and is not confirmed lapses, too.
        """

    def keep_doubt(self, doubt: Doubt | None) -> None:
        """Keep the removals that a silence made doubtful, in place of those that were."""

    def inactive_accounts(self, since: datetime) -> frozenset[str]:
        """Return the Tecton ids of the service accounts that were seen deactivated at this time, and ever since."""

    def due(self, now: datetime, limit: int) -> list[Dirty]:
        """Return the principals whose time has come, the longest waiting first."""

    def settle(self, done: Collection[Dirty]) -> None:
        """Take these out of the queue, except those pushed again since."""

    def postpone(self, item: Dirty, error: str, *, now: datetime, next_at: datetime, attempts: int) -> None:
        """Keep a principal in the queue, or put it there, with its error and the time of its next try.

        One that was pushed again since keeps its own, earlier time.
        """

    def read_held(self) -> dict[Item, Objection]:
        """Return what guards hold until somebody decides, with what they objected."""

    def keep_held(self, held: Mapping[Item, Objection], ended: Collection[Item]) -> None:
        """Note what is held from now on, and what is not any more."""

    def keep_plan(
        self, run_id: str, plan: Plan, status: str, objections: Collection[Objection], name_of: NameOf
    ) -> None:
        """Store a plan before the first write, with the objections to it; the same plan is stored once."""

    def keep_objection(self, run_id: str, fingerprint: str, objection: Objection) -> None:
        """Store why a run changed nothing at all, to be approved like a plan."""

    def supersede_plans(self, except_for: str) -> None:
        """Say of every other held or planned plan that a newer one took its place."""

    def close_plan(self, fingerprint: str, status: str, approved_by: str | None = None) -> None:
        """Say what became of a plan: applied or superseded."""

    def replace_drift(self, items: Iterable[DriftItem], principals: Collection[Principal] | None) -> None:
        """Record drift: of these principals, or (None) all there is. What was there before keeps its since."""

    def note_verified(
        self, keys: Collection[tuple[Kind, str]] | None, modified: Mapping[tuple[Kind, str], str], at: datetime
    ) -> None:
        """Record that these objects (None: all) and every scope were read at this time, and what the lists said."""

    def forget_tecton(self) -> None:
        """Forget all that is known of Tecton: objects, links, what was last applied, what was there at first sight."""

    def distrust_lists(self, kinds: Collection[Kind]) -> None:
        """Record that lists which were taken for whole are not."""

    def note_privileged(self, keys: frozenset[tuple[Kind, str]]) -> None:
        """Record which objects are privileged."""

    def load_verified(self) -> tuple[Verified, ...]:
        """Return how many objects of each class were last read when."""

    def note_evidence(self, run_id: str, mode: str, started_at: datetime, *, late: int = 0) -> None:
        """Record that all of Tecton's lists were read, starting at this time, and what was to be read of the objects.

        `late` objects will be too old before the next sweep, because this one had no calls left for them.
        """

    def note_tecton(self, *, ok: bool, error: str = "") -> None:
        """Record whether Tecton answered."""


class LostLease(Exception):
    """Another process leads now: this one must not write any more."""
