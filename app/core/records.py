"""Tecton's objects as read, with Tecton's own ids; and the access state that they make."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from app.core.access import AccessState, GroupProfile, Profile, ServiceAccountProfile, UserProfile, access_state
from app.core.identity import FOREIGN, Grant, Kind, Level, Principal, Target


@dataclass(frozen=True, slots=True)
class UserRecord:
    """A user; `roles` are those granted directly."""

    id: str
    user_name: str
    given_name: str = ""
    family_name: str = ""
    roles: frozenset[Grant] = frozenset()

    @property
    def name(self) -> str:
        """What people call it."""
        return self.user_name


class MemberId(NamedTuple):
    """A member of a group, by Tecton id."""

    kind: Kind
    id: str


@dataclass(frozen=True, slots=True)
class GroupRecord:
    """A group."""

    id: str
    name: str
    description: str = ""
    idp_mapping_names: tuple[str, ...] = ()
    members: frozenset[MemberId] = frozenset()
    roles: frozenset[Grant] = frozenset()


@dataclass(frozen=True, slots=True)
class ServiceAccountRecord:
    """A service account."""

    id: str
    name: str
    description: str = ""
    active: bool = True
    roles: frozenset[Grant] = frozenset()


Record = UserRecord | GroupRecord | ServiceAccountRecord

KINDS: dict[type[Record], Kind] = {
    UserRecord: Kind.USER,
    GroupRecord: Kind.GROUP,
    ServiceAccountRecord: Kind.SERVICE_ACCOUNT,
}


class ScopeGrant(NamedTuple):
    """One role on a secret scope, held directly; for a workspace, `id` is its name."""

    kind: Kind
    id: str
    scope: str
    role: str

    @property
    def grant(self) -> Grant:
        """The grant that it is."""
        return Grant(Target(Level.SECRET_SCOPE, self.scope), self.role)


@dataclass(frozen=True, slots=True)
class TectonObjects:
    """All, or some, of what Tecton holds.

    `scopes` maps every known scope to its direct grants: roles on scopes are read there, where
    those of workspaces show too, and not from the roles of users and groups.
    """

    records: Mapping[tuple[Kind, str], Record] = field(default_factory=dict)
    scopes: Mapping[str, frozenset[ScopeGrant]] = field(default_factory=dict)

    def of_kind(self, kind: Kind) -> list[Record]:
        """Return the records of one kind."""
        return [record for (of, _), record in self.records.items() if of is kind]


class Link(NamedTuple):
    """Which principal of ours a Tecton object is."""

    principal: Principal
    tecton_id: str
    adopted: bool = False


class Links:
    """The correlation of principals and Tecton ids, both ways."""

    def __init__(self, links: Iterable[Link] = ()) -> None:
        self._by_principal: dict[Principal, Link] = {}
        self._by_tecton: dict[tuple[Kind, str], Principal] = {}
        self.clock = 0  # moves with every change
        for link in links:
            self.add(link)

    def __iter__(self) -> Iterator[Link]:
        return iter(list(self._by_principal.values()))

    def __contains__(self, principal: Principal) -> bool:
        return principal in self._by_principal

    def add(self, link: Link) -> None:
        """Link a principal, in place of what it was linked to."""
        self.discard(link.principal)
        self.clock += 1
        self._by_principal[link.principal] = link
        self._by_tecton[link.principal.kind, link.tecton_id] = link.principal

    def discard(self, principal: Principal) -> None:
        """Forget the link of a principal, if it has one."""
        if link := self._by_principal.pop(principal, None):
            self.clock += 1
            self._by_tecton.pop((principal.kind, link.tecton_id), None)

    def principal_of(self, kind: Kind, tecton_id: str) -> Principal:
        """Return who a Tecton object is: a linked principal, else a foreign one."""
        return self._by_tecton.get((kind, tecton_id)) or Principal(kind, FOREIGN + tecton_id)

    def principals_of(self, members: Iterable[MemberId]) -> frozenset[Principal]:
        """Return who the members of a group are."""
        known = self._by_tecton
        return frozenset(known.get(member) or self.principal_of(*member) for member in members)

    def is_linked(self, kind: Kind, tecton_id: str) -> bool:
        """Tell whether a Tecton object is a principal of ours."""
        return (kind, tecton_id) in self._by_tecton

    def tecton_id_of(self, principal: Principal) -> str | None:
        """Return the Tecton id of a principal, None when it has none yet."""
        if principal.kind is Kind.WORKSPACE:
            return principal.id
        if principal.is_foreign:
            return principal.id.removeprefix(FOREIGN)
        link = self._by_principal.get(principal)
        return link.tecton_id if link else None


def observed_access(objects: TectonObjects, links: Links) -> AccessState:
    """Return the access state that Tecton's objects make, in the bridge's principals."""
    profiles: dict[Principal, Profile] = {}
    members: dict[Principal, frozenset[Principal]] = {}
    grants = _scope_grants(objects, links)
    for (kind, id_), record in objects.records.items():
        principal = links.principal_of(kind, id_)
        profiles[principal] = profile_of(record)
        if record.roles:
            outside = {grant for grant in record.roles if grant.target.level is not Level.SECRET_SCOPE}
            grants[principal] = grants.get(principal, frozenset()) | outside
        if isinstance(record, GroupRecord):
            members[principal] = links.principals_of(record.members)
    return access_state(profiles, members, grants)


def _scope_grants(objects: TectonObjects, links: Links) -> dict[Principal, frozenset[Grant]]:
    held: defaultdict[Principal, set[Grant]] = defaultdict(set)
    for scope_grant in (grant for grants in objects.scopes.values() for grant in grants):
        held[_holder(scope_grant, links)].add(scope_grant.grant)
    return {principal: frozenset(grants) for principal, grants in held.items()}


def _holder(scope_grant: ScopeGrant, links: Links) -> Principal:
    if scope_grant.kind is Kind.WORKSPACE:
        return Principal(Kind.WORKSPACE, scope_grant.id)
    return links.principal_of(scope_grant.kind, scope_grant.id)


def profile_of(record: Record) -> Profile:
    """Return the profile in a record."""
    if isinstance(record, UserRecord):
        return UserProfile(record.user_name, record.given_name, record.family_name)
    if isinstance(record, GroupRecord):
        return GroupProfile(record.name, record.description, record.idp_mapping_names)
    return ServiceAccountProfile(record.name, record.description, record.active)
