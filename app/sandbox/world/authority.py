"""Who may do what: effective roles are the direct ones and those of every group one is in."""

from collections.abc import Iterator

from app.sandbox.world.records import Grant, Group, Principal, RoleSet
from app.sandbox.world.roles import ADMIN, SCOPE_ROLES
from app.sandbox.world.tables import Tables


def direct(tables: Tables, principal: Principal) -> frozenset[Grant]:
    """Return the grants that were made to the principal itself."""
    held = tables.roles.get(principal.key)
    return held.grants if held else frozenset()


def groups_of(tables: Tables, principal: Principal) -> list[Group]:
    """Return the groups a user or service account is in, in order of creation."""
    if principal.kind not in ("user", "service_account"):
        return []
    return tables.groups.find("member", principal.id)


def effective(tables: Tables, principal: Principal) -> Iterator[tuple[Grant, Group | None]]:
    """Yield every grant the principal has, with the group it comes from (None: direct)."""
    for grant in sorted(direct(tables, principal)):
        yield grant, None
    for group in groups_of(tables, principal):
        for grant in sorted(direct(tables, Principal("group", group.id))):
            yield grant, group


def is_admin(tables: Tables, principal: Principal) -> bool:
    """Say whether the principal is an admin, directly or through a group."""
    return any(grant == ADMIN for grant, _ in effective(tables, principal))


def workspace_roles(tables: Tables, principal: Principal, workspace: str) -> set[str]:
    """Return the principal's effective roles on a workspace, all-workspaces roles included."""
    return {
        grant.role
        for grant, _ in effective(tables, principal)
        if grant.level == "all_workspaces" or (grant.level, grant.name) == ("workspace", workspace)
    }


def scope_role_at_least(tables: Tables, principal: Principal, scope: str, wanted: str) -> bool:
    """Say whether the principal holds `wanted` or a stronger role on the scope."""
    enough = SCOPE_ROLES[: SCOPE_ROLES.index(wanted) + 1]
    return any(
        grant.level == "secret_scope" and grant.name == scope and grant.role in enough
        for grant, _ in effective(tables, principal)
    )


def holders(tables: Tables, level: str, name: str) -> list[RoleSet]:
    """Return the role sets that hold anything on a target, in order of creation."""
    return tables.roles.find("on", (level, name))


def human_admins(tables: Tables) -> set[str]:
    """Return the ids of the users who are admins, directly or through a group."""
    admins = [r.principal for r in holders(tables, "account", "")]
    users = {p.id for p in admins if p.kind == "user" and tables.users.get(p.id)}
    groups = [tables.groups.get(p.id) for p in admins if p.kind == "group"]
    return users | {m.id for g in groups if g for m in g.members if m.kind == "user"}
