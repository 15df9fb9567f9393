"""The things the sandbox's Tecton holds: frozen values, replaced as a whole, never changed in place.

`seq` is the order of creation over all kinds; listings that ask for no order use it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

PrincipalKind = Literal["user", "group", "service_account", "workspace"]
Level = Literal["account", "all_workspaces", "workspace", "secret_scope"]


class Principal(NamedTuple):
    """Who may hold a role. Workspaces are named by their name, the others by their id."""

    kind: PrincipalKind
    id: str

    @property
    def key(self) -> str:
        """Return the text that names this principal among all kinds."""
        return f"{self.kind}:{self.id}"


class Grant(NamedTuple):
    """One role on one thing; `name` is the workspace or scope, empty for the organization's levels."""

    level: Level
    name: str
    role: str


@dataclass(frozen=True, slots=True)
class User:
    id: str
    seq: int
    scim_id: str
    user_name: str
    given_name: str
    family_name: str
    email: str
    email_type: str
    created: datetime
    modified: datetime
    last_login: datetime | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """A user or service account in a group; `from_idp` when a SAML mapping put it there."""

    kind: PrincipalKind
    id: str
    from_idp: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    id: str
    seq: int
    display_name: str
    description: str
    idp_names: tuple[str, ...]
    members: tuple[Member, ...]
    created: datetime
    modified: datetime


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """An OAuth client secret: its hash and the four last characters that masked answers show."""

    id: str
    hash: str
    tail: str
    active: bool
    created: datetime
    updated: datetime | None = None


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    id: str
    seq: int
    name: str
    description: str
    active: bool
    oauth: bool
    key_hash: str
    secrets: tuple[ClientSecret, ...]
    creator_kind: PrincipalKind | None
    creator_id: str
    created: datetime
    modified: datetime


@dataclass(frozen=True, slots=True)
class Workspace:
    id: str
    seq: int
    live: bool
    created: datetime


@dataclass(frozen=True, slots=True)
class Scope:
    id: str
    seq: int
    values: Mapping[str, str]
    created: datetime


@dataclass(frozen=True, slots=True)
class RoleSet:
    """Every role a principal holds directly; `id` is the principal's key."""

    id: str
    seq: int
    principal: Principal
    grants: frozenset[Grant]


@dataclass(frozen=True, slots=True)
class Token:
    """An OAuth access token; `id` is its hash."""

    id: str
    seq: int
    account_id: str
    expires: datetime


@dataclass(frozen=True, slots=True)
class Revocation:
    """A credential that stopped being valid, remembered for the knob that lets it linger."""

    id: str
    seq: int
    account_id: str
    account_name: str
    admin: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class Feature:
    name: str
    type: str
    element_type: str = ""
    stored: bool = True


@dataclass(frozen=True, slots=True)
class FeatureService:
    """`id` is workspace/name; `uid` is the id Tecton would give; `batch` when it reads from Redis."""

    id: str
    seq: int
    workspace: str
    name: str
    uid: str
    batch: bool
    join_keys: Mapping[str, str]
    context_keys: Mapping[str, str]
    features: tuple[Feature, ...]


@dataclass(frozen=True, slots=True)
class StreamSource:
    """`id` is workspace/name; `ingested` counts the records that were really written."""

    id: str
    seq: int
    workspace: str
    name: str
    feature_view: str
    feature_view_id: str
    fields: Mapping[str, str] = field(default_factory=dict)
    ingested: int = 0


@dataclass(frozen=True, slots=True)
class Setting:
    """A knob or a fault that was set while the sandbox ran; `value` is JSON."""

    id: str
    seq: int
    value: str
