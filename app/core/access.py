"""The state of access: principals with their profiles, memberships and grants.

Desired, observed and last applied are all of this one type.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from app.core.identity import Grant, Kind, Principal


@dataclass(frozen=True, slots=True)
class UserProfile:
    """What Tecton knows of a person. `user_name` is an e-mail address."""

    user_name: str
    given_name: str = ""
    family_name: str = ""

    @property
    def name(self) -> str:
        """What people call it."""
        return self.user_name


@dataclass(frozen=True, slots=True)
class GroupProfile:
    """A group; None for what nobody desires and the bridge therefore leaves as it is."""

    name: str
    description: str | None = None
    idp_mapping_names: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class ServiceAccountProfile:
    """A service account; None for a description that nobody desires.

    `oauth` says how it is to be created; once it is there, nothing shows it, and nothing changes it.
    """

    name: str
    description: str | None = None
    active: bool = True
    oauth: bool = field(default=False, compare=False)


Profile = UserProfile | GroupProfile | ServiceAccountProfile

V = TypeVar("V")

_EMPTY: frozenset[Principal] = frozenset()
_NO_GRANTS: frozenset[Grant] = frozenset()


@dataclass(frozen=True, slots=True)
class AccessState:
    """Who exists, who is in which group, who holds which grant.

    A group without members and a principal without grants have no entry, so that equal states
    compare equal.
    """

    profiles: Mapping[Principal, Profile] = field(default_factory=dict)
    members: Mapping[Principal, frozenset[Principal]] = field(default_factory=dict)
    grants: Mapping[Principal, frozenset[Grant]] = field(default_factory=dict)

    def members_of(self, group: Principal) -> frozenset[Principal]:
        """Return the principals in a group."""
        return self.members.get(group, _EMPTY)

    def grants_of(self, principal: Principal) -> frozenset[Grant]:
        """Return the grants that a principal holds itself."""
        return self.grants.get(principal, _NO_GRANTS)

    def name_of(self, principal: Principal) -> str | None:
        """Return a principal's name, None when it does not exist here."""
        if principal.kind is Kind.WORKSPACE:
            return principal.id
        profile = self.profiles.get(principal)
        return profile.name if profile else None

    def principals(self) -> set[Principal]:
        """Return every principal that anything is said of."""
        return {*self.profiles, *self.members, *self.grants}

    def restricted_to(self, principals: Iterable[Principal]) -> AccessState:
        """Return what is said of these principals alone (a group keeps all its members)."""
        wanted = set(principals)
        return AccessState(
            profiles={p: self.profiles[p] for p in wanted & self.profiles.keys()},
            members={p: self.members[p] for p in wanted & self.members.keys()},
            grants={p: self.grants[p] for p in wanted & self.grants.keys()},
        )

    def overlaid_with(self, other: AccessState, principals: Iterable[Principal]) -> AccessState:
        """Return this state with all that `other` says, and does not say, of these principals."""
        profiles, members, grants = dict(self.profiles), dict(self.members), dict(self.grants)
        for principal in principals:
            _put(profiles, principal, other.profiles.get(principal))
            _put(members, principal, other.members.get(principal))
            _put(grants, principal, other.grants.get(principal))
        return AccessState(profiles, members, grants)


def _put(mapping: dict[Principal, V], principal: Principal, value: V | None) -> None:
    if value is None:
        mapping.pop(principal, None)
    else:
        mapping[principal] = value


def access_state(
    profiles: Mapping[Principal, Profile],
    members: Mapping[Principal, Iterable[Principal]],
    grants: Mapping[Principal, Iterable[Grant]],
) -> AccessState:
    """Return the state of these parts, empty entries left out."""
    return AccessState(
        profiles=dict(profiles),
        members={group: frozenset(of) for group, of in members.items() if of},
        grants={principal: frozenset(of) for principal, of in grants.items() if of},
    )
