"""Roles in their two vocabularies.

SCIM says `{type: secret_scope_x, value: secret_scope_reader}`; authorization-service says
`RESOURCE_TYPE_SECRET_SCOPE`, `x`, `read_scope_role`. Both are the same Grant here.
(Each id set is documented; that they pair by name is inferred, and safe.)
"""

from app.sandbox.world.records import Grant, Level, PrincipalKind

# Strongest first; operator and consumer are siblings, their order only serves "highest role".
WORKSPACE_ROLES = ("owner", "editor", "operator", "consumer", "viewer")
SCOPE_ROLES = ("secret_scope_manager", "secret_scope_writer", "secret_scope_reader")
ADMIN = Grant("account", "", "admin")

ROLES_OF: dict[Level, tuple[str, ...]] = {
    "account": ("admin",),
    "all_workspaces": WORKSPACE_ROLES,
    "workspace": WORKSPACE_ROLES,
    "secret_scope": SCOPE_ROLES,
}

_SCOPE_LEGACY = {
    "secret_scope_manager": "manage_scope_role",
    "secret_scope_writer": "write_scope_role",
    "secret_scope_reader": "read_scope_role",
}
_PREFIXES: tuple[tuple[str, Level], ...] = (
    ("workspace_", "workspace"),
    ("secret_scope_", "secret_scope"),
)

ORGANIZATION = "RESOURCE_TYPE_ORGANIZATION"
WORKSPACE = "RESOURCE_TYPE_WORKSPACE"
SECRET_SCOPE = "RESOURCE_TYPE_SECRET_SCOPE"  # noqa: S105  the name of a type
RESOURCE_OF: dict[Level, str] = {
    "account": ORGANIZATION,
    "all_workspaces": ORGANIZATION,
    "workspace": WORKSPACE,
    "secret_scope": SECRET_SCOPE,
}
LEVELS_OF: dict[str, tuple[Level, ...]] = {
    ORGANIZATION: ("account", "all_workspaces"),
    WORKSPACE: ("workspace",),
    SECRET_SCOPE: ("secret_scope",),
}

PRINCIPAL_TYPES: dict[str, PrincipalKind] = {
    "PRINCIPAL_TYPE_USER": "user",
    "PRINCIPAL_TYPE_SERVICE_ACCOUNT": "service_account",
    "PRINCIPAL_TYPE_GROUP": "group",
    "PRINCIPAL_TYPE_WORKSPACE": "workspace",
}


def scim_type(grant: Grant) -> str:
    """Return the SCIM role type of a grant."""
    if grant.level == "account":
        return "account_type"
    return "all_workspaces" if grant.level == "all_workspaces" else f"{grant.level}_{grant.name}"


def target_of(type_: str) -> tuple[Level, str] | None:
    """Return level and name that a SCIM role type means, or None; a name may hold underscores."""
    if type_ == "account_type":
        return "account", ""
    if type_ == "all_workspaces":
        return "all_workspaces", ""
    for prefix, level in _PREFIXES:
        if type_.startswith(prefix) and len(type_) > len(prefix):
            return level, type_.removeprefix(prefix)
    return None


def strength(grant: Grant) -> int:
    """Return the rank of a grant's role among the roles of its level, 0 the strongest."""
    return ROLES_OF[grant.level].index(grant.role)


def legacy_id(role: str, suffixed: bool) -> str:
    """Return the id authorization-service uses; `suffixed` is the knob for ids nobody knows."""
    known = _SCOPE_LEGACY.get(role)
    if known:
        return known
    return f"{role}_role" if suffixed else role


def public_ids(suffixed: bool) -> dict[str, str]:
    """Return the map from legacy ids to public ids."""
    return {legacy_id(role, suffixed): role for role in (*ADMIN[2:], *WORKSPACE_ROLES, *SCOPE_ROLES)}
