"""Tables of records with indices, so that no lookup ever scans."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from copy import copy
from dataclasses import dataclass
from typing import Any, Generic, Protocol, Self, TypeVar

from app.sandbox.world.records import (
    FeatureService,
    Group,
    Revocation,
    RoleSet,
    Scope,
    ServiceAccount,
    Setting,
    StreamSource,
    Token,
    User,
    Workspace,
)


class Record(Protocol):
    """What every record has."""

    @property
    def id(self) -> str: ...
    @property
    def seq(self) -> int: ...


R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class Change:
    """One record replaced by another; None stands for its absence."""

    table: str
    id: str
    before: Any
    after: Any


class Index(Generic[R]):
    """Finds the ids of the records that have a key; a record may have many keys."""

    def __init__(self, keys: Callable[[R], Iterable[Hashable]]) -> None:
        self._keys = keys
        self._ids: dict[Hashable, set[str]] = {}

    def find(self, key: Hashable) -> set[str]:
        """Return the ids that have `key`; the caller must not change the set."""
        return self._ids.get(key, set())

    def move(self, record_id: str, before: R | None, after: R | None) -> None:
        """Note that a record was replaced; only keys that differ are touched."""
        old = set(self._keys(before)) if before is not None else set()
        new = set(self._keys(after)) if after is not None else set()
        for key in old - new:
            self._remove(key, record_id)
        for key in new - old:
            self._ids.setdefault(key, set()).add(record_id)

    def clone(self) -> Self:
        """Return an index that can change without changing this one."""
        twin = copy(self)
        twin._ids = {key: set(ids) for key, ids in self._ids.items()}
        return twin

    def _remove(self, key: Hashable, record_id: str) -> None:
        ids = self._ids[key]
        ids.discard(record_id)
        if not ids:
            del self._ids[key]


class Table(Generic[R]):
    """Records by id, in order of creation."""

    def __init__(self, name: str, record: type[R], /, **indices: Callable[[R], Iterable[Hashable]]) -> None:
        self.name = name
        self.record = record
        self.rows: dict[str, R] = {}
        self.by = {key: Index(keys) for key, keys in indices.items()}
        self.journal: list[Change] = []

    def __iter__(self) -> Iterator[R]:
        return iter(self.rows.values())

    def __len__(self) -> int:
        return len(self.rows)

    def get(self, record_id: str) -> R | None:
        """Return the record, or None."""
        return self.rows.get(record_id)

    def find(self, index: str, key: Hashable) -> list[R]:
        """Return the records that have `key` in the named index, in order of creation."""
        ids = self.by[index].find(key)
        return sorted((self.rows[i] for i in ids), key=lambda row: row.seq)

    def put(self, record: R) -> R:
        """Add the record, or replace the one with its id; return it."""
        self._set(record.id, record)
        return record

    def drop(self, record_id: str) -> None:
        """Remove the record; nothing happens when it is not there."""
        if record_id in self.rows:
            self._set(record_id, None)

    def revert(self, change: Change) -> None:
        """Undo one change, the newest first, without noting that in the journal."""
        reinserted = change.before is not None and change.id not in self.rows
        self._store(change.id, change.before)
        if reinserted:
            self.rows = dict(sorted(self.rows.items(), key=lambda item: item[1].seq))

    def clone(self) -> Self:
        """Return a table that can change without changing this one."""
        twin = copy(self)
        twin.rows = dict(self.rows)
        twin.by = {key: index.clone() for key, index in self.by.items()}
        return twin

    def _set(self, record_id: str, after: R | None) -> None:
        before = self._store(record_id, after)
        self.journal.append(Change(self.name, record_id, before, after))

    def _store(self, record_id: str, after: R | None) -> R | None:
        before = self.rows.get(record_id)
        for index in self.by.values():
            index.move(record_id, before, after)
        if after is None:
            self.rows.pop(record_id, None)
        else:
            self.rows[record_id] = after
        return before


class Tables:
    """Everything the sandbox's Tecton holds."""

    def __init__(self) -> None:
        self.users = Table(
            "user",
            User,
            name=lambda u: (u.user_name.casefold(),),
            scim_id=lambda u: (u.scim_id,),
            email=lambda u: (u.email,),
        )
        self.groups = Table(
            "group",
            Group,
            name=lambda g: (g.display_name,),
            member=lambda g: (m.id for m in g.members),
            mapped=lambda g: (True,) if g.idp_names else (),
        )
        self.accounts = Table("service_account", ServiceAccount, name=lambda a: (a.name,), key=lambda a: (a.key_hash,))
        self.workspaces = Table("workspace", Workspace)
        self.scopes = Table("scope", Scope)
        self.roles = Table("roles", RoleSet, on=lambda r: {(g.level, g.name) for g in r.grants})
        self.tokens = Table("token", Token, account=lambda t: (t.account_id,))
        self.revocations = Table("revocation", Revocation)
        self.feature_services = Table("feature_service", FeatureService, uid=lambda f: (f.uid,))
        self.stream_sources = Table("stream_source", StreamSource)
        self.settings = Table("setting", Setting)
        self.seq = 0

    def all(self) -> dict[str, Table[Any]]:
        """Return every table by name."""
        return {t.name: t for t in vars(self).values() if isinstance(t, Table)}

    def next_seq(self) -> int:
        """Return the place of the next record in the order of creation."""
        self.seq += 1
        return self.seq

    def share_journal(self) -> list[Change]:
        """Let every table note its changes in one new list; return that list."""
        journal: list[Change] = []
        for table in self.all().values():
            table.journal = journal
        return journal

    def revert(self, changes: list[Change]) -> None:
        """Undo changes, the newest first."""
        tables = self.all()
        for change in reversed(changes):
            tables[change.table].revert(change)

    def clone(self) -> "Tables":
        """Return tables that can change without changing these."""
        twin = copy(self)
        for field, table in vars(self).items():
            if isinstance(table, Table):
                setattr(twin, field, table.clone())
        return twin
