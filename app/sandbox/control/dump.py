"""The whole state in words a person can read; no key, hash or secret value is in it."""

from app.sandbox.replies import Json
from app.sandbox.scim.roles import roles_of
from app.sandbox.world.authority import direct, groups_of, holders
from app.sandbox.world.records import ClientSecret, Group, Principal, Scope, ServiceAccount, User
from app.sandbox.world.tables import Tables


def dump_state(tables: Tables) -> Json:
    """Return users, groups, service accounts, workspaces and scopes with every direct role."""
    return {
        "users": [dump_user(tables, user) for user in tables.users],
        "groups": [dump_group(tables, group) for group in tables.groups],
        "service_accounts": [dump_account(tables, account) for account in tables.accounts],
        "workspaces": [{"name": w.id, "live": w.live} for w in tables.workspaces],
        "scopes": [dump_scope(tables, scope) for scope in tables.scopes],
        "feature_services": [{"workspace": f.workspace, "name": f.name} for f in tables.feature_services],
        "stream_sources": [
            {"workspace": s.workspace, "name": s.name, "ingested": s.ingested} for s in tables.stream_sources
        ],
    }


def dump_user(tables: Tables, user: User) -> Json:
    """Return one user."""
    principal = Principal("user", user.id)
    return {
        "id": user.id,
        "userName": user.user_name,
        "name": {"givenName": user.given_name, "familyName": user.family_name},
        "emails": [{"type": user.email_type, "value": user.email}] if user.email else [],
        "active": True,
        "groups": [group.display_name for group in groups_of(tables, principal)],
        "roles": roles_of(direct(tables, principal)),
    }


def dump_group(tables: Tables, group: Group) -> Json:
    """Return one group with its members, by hand or by IdP mapping."""
    return {
        "id": group.id,
        "displayName": group.display_name,
        "description": group.description,
        "idpMappingNames": list(group.idp_names),
        "members": [
            {
                "type": member.kind,
                "id": member.id,
                "name": principal_name(tables, Principal(member.kind, member.id)),
                "from_idp": member.from_idp,
            }
            for member in group.members
        ],
        "roles": roles_of(direct(tables, Principal("group", group.id))),
    }


def dump_account(tables: Tables, account: ServiceAccount) -> Json:
    """Return one service account; of its secrets the ids and whether they are active."""
    principal = Principal("service_account", account.id)
    return {
        "id": account.id,
        "name": account.name,
        "active": account.active,
        "description": account.description,
        "credentials_type": "oauth" if account.oauth else "api_key",
        "roles": roles_of(direct(tables, principal)),
        "groups": [group.display_name for group in groups_of(tables, principal)],
        "secrets": [_dump_secret(secret) for secret in account.secrets],
    }


def dump_scope(tables: Tables, scope: Scope) -> Json:
    """Return one scope: the names of its keys, and who has which role on it directly."""
    grants = []
    for held in holders(tables, "secret_scope", scope.id):
        for grant in sorted(held.grants):
            if (grant.level, grant.name) == ("secret_scope", scope.id):
                grants.append(_dump_grant(tables, held.principal, grant.role))
    return {"name": scope.id, "keys": list(scope.values), "grants": grants}


def principal_name(tables: Tables, principal: Principal) -> str | None:
    """Return what people call the principal; None when it is gone."""
    if principal.kind == "user":
        user = tables.users.get(principal.id)
        return user.user_name if user else None
    if principal.kind == "group":
        group = tables.groups.get(principal.id)
        return group.display_name if group else None
    if principal.kind == "service_account":
        account = tables.accounts.get(principal.id)
        return account.name if account else None
    return principal.id if tables.workspaces.get(principal.id) else None


def _dump_grant(tables: Tables, principal: Principal, role: str) -> Json:
    return {
        "principal_type": principal.kind,
        "principal_id": principal.id,
        "name": principal_name(tables, principal),
        "role": role,
    }


def _dump_secret(secret: ClientSecret) -> Json:
    return {"id": secret.id, "active": secret.active}
