"""Principals, and the grants they hold.

The role vocabulary is the one of Tecton's SCIM: a role's `type` names the target, `value` the role.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """What sort of principal."""

    USER = "user"
    GROUP = "group"
    SERVICE_ACCOUNT = "service_account"
    WORKSPACE = "workspace"

    @property
    def words(self) -> str:
        """The kind as a sentence says it."""
        return self.value.replace("_", " ")


class Principal(NamedTuple):
    """One who can hold access, by the bridge's own key, which outlives every rename.

    `id` is the directory resource's id; `policy/NAME` for a service account that the policy declares;
    `tecton/ID` for an object that only Tecton knows; for a workspace its name.
    """

    kind: Kind
    id: str

    @property
    def is_foreign(self) -> bool:
        """Tell whether only Tecton knows it."""
        return self.id.startswith(FOREIGN)


FOREIGN = "tecton/"
DECLARED = "policy/"


class Level(StrEnum):
    """What a grant is on."""

    ACCOUNT = "account"
    ALL_WORKSPACES = "all_workspaces"
    WORKSPACE = "workspace"
    SECRET_SCOPE = "secret_scope"  # noqa: S105 - a level, not a secret


class Target(NamedTuple):
    """One workspace, one secret scope, every workspace, or the account."""

    level: Level
    name: str = ""

    def __str__(self) -> str:
        if self.level is Level.WORKSPACE:
            return f"workspace {self.name}"
        if self.level is Level.SECRET_SCOPE:
            return f"secret scope {self.name}"
        return "all workspaces" if self.level is Level.ALL_WORKSPACES else "the account"

    @property
    def key(self) -> str:
        """The target as one word, to keep: `workspace/prod`."""
        return f"{self.level.value}/{self.name}"

    @classmethod
    def of_key(cls, key: str) -> Target:
        """Return the target that `key` wrote."""
        level, _, name = key.partition("/")
        return cls(Level(level), name)


class Grant(NamedTuple):
    """One role on one target."""

    target: Target
    role: str

    def __str__(self) -> str:
        return f"{self.role} on {self.target}"


ADMIN = Grant(Target(Level.ACCOUNT), "admin")

_WORKSPACE_ROLES = ("owner", "editor", "operator", "consumer", "viewer")
ROLES: dict[Level, tuple[str, ...]] = {
    Level.ACCOUNT: ("admin",),
    Level.ALL_WORKSPACES: _WORKSPACE_ROLES,
    Level.WORKSPACE: _WORKSPACE_ROLES,
    Level.SECRET_SCOPE: ("manager", "writer", "reader"),
}

# What a role contains besides itself: owner > editor > {operator, consumer} > viewer; manager > writer > reader.
_CONTAINS: dict[str, frozenset[str]] = {
    "owner": frozenset({"editor", "operator", "consumer", "viewer"}),
    "editor": frozenset({"operator", "consumer", "viewer"}),
    "operator": frozenset({"viewer"}),
    "consumer": frozenset({"viewer"}),
    "manager": frozenset({"writer", "reader"}),
    "writer": frozenset({"reader"}),
}


def contains(role: str, other: str) -> bool:
    """Tell whether a role allows all that another one on the same target allows."""
    return role == other or other in _CONTAINS.get(role, ())


# The role that comes by itself to whoever creates a workspace or a secret scope.
AUTOMATIC_ROLE = {Level.WORKSPACE: "owner", Level.SECRET_SCOPE: "manager"}


def is_automatic_role(grant: Grant) -> bool:
    """Tell whether Tecton gives this role by itself to whoever creates the target."""
    return AUTOMATIC_ROLE.get(grant.target.level) == grant.role


def automatic_grant(target: Target) -> Grant:
    """Return the grant that a target's creator gets (KeyError for a target that nobody creates)."""
    return Grant(target, AUTOMATIC_ROLE[target.level])


_SCOPE_VALUE = "secret_scope_"


def without_contained(grants: frozenset[Grant]) -> frozenset[Grant]:
    """Return the grants less those that another one on the same target contains.

    Tecton keeps one role per target in SCIM; the greater one is what the person effectively has.
    """
    roles: dict[Target, set[str]] = {}
    for grant in grants:
        roles.setdefault(grant.target, set()).add(grant.role)
    return frozenset(
        Grant(target, role)
        for target, held in roles.items()
        for role in held
        if not any(role in _CONTAINS.get(other, ()) for other in held)
    )


def parse_target(type_: str) -> Target | None:
    """Return the target that a SCIM role `type` names, None when it names none.

    The prefix is taken once; the rest, underscores included, is the name.
    """
    if type_ == "account_type":
        return Target(Level.ACCOUNT)
    if type_ == "all_workspaces":
        return Target(Level.ALL_WORKSPACES)
    for level in (Level.WORKSPACE, Level.SECRET_SCOPE):
        name = type_.removeprefix(f"{level.value}_")
        if name and name != type_:
            return Target(level, name)
    return None


def parse_grant(type_: str, value: str) -> Grant | None:
    """Return the grant of a SCIM role (`type`, `value`), None when it is not in Tecton's vocabulary.

    The value's case does not count: Tecton's own examples for Okta write `Admin` and `Owner`.
    """
    target = parse_target(type_)
    role = value.strip().lower().removeprefix(_SCOPE_VALUE)
    if target is None or role not in ROLES[target.level]:
        return None
    return Grant(target, role)


def format_grant(grant: Grant) -> tuple[str, str]:
    """Return the SCIM (`type`, `value`) of a grant: the reverse of `parse_grant`."""
    level, name = grant.target
    if level is Level.ACCOUNT:
        return "account_type", grant.role
    if level is Level.ALL_WORKSPACES:
        return "all_workspaces", grant.role
    prefix = _SCOPE_VALUE if level is Level.SECRET_SCOPE else ""
    return f"{level.value}_{name}", prefix + grant.role
