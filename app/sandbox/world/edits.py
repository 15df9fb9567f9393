"""What may be done to the world, whoever does it: an API call, an edit by hand, a sign-in."""

import hashlib
import secrets
import string
from dataclasses import replace
from datetime import datetime

from app.sandbox.world.authority import direct, holders, is_admin
from app.sandbox.world.records import (
    Grant,
    Group,
    Level,
    Member,
    Principal,
    PrincipalKind,
    Revocation,
    RoleSet,
    Scope,
    ServiceAccount,
    User,
    Workspace,
)
from app.sandbox.world.tables import Tables
from app.sandbox.world.world import Transaction

_ALPHABET = string.ascii_letters + string.digits


def digest(secret: str) -> str:
    """Return the form in which keys, client secrets and tokens are kept."""
    return hashlib.sha256(secret.encode()).hexdigest()


def okta_id(prefix: str) -> str:
    """Return a new id of the 20 characters Okta gives: 00u users, 0oa clients, ocs client secrets."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(17))


def add_user(tx: Transaction, user_name: str, given: str = "", family: str = "", **known: str) -> User:
    """Create a user. `known` may name id, email and email_type. Uniqueness is the caller's to check."""
    return tx.tables.users.put(
        User(
            id=known.get("id") or okta_id("00u"),
            seq=tx.tables.next_seq(),
            scim_id=secrets.token_hex(16),
            user_name=user_name,
            given_name=given,
            family_name=family,
            email=known.get("email", ""),
            email_type=known.get("email_type", "work"),
            created=tx.now,
            modified=tx.now,
        )
    )


def add_group(tx: Transaction, display_name: str, description: str = "", group_id: str = "") -> Group:
    """Create an empty group."""
    return tx.tables.groups.put(
        Group(
            id=group_id or secrets.token_hex(16),
            seq=tx.tables.next_seq(),
            display_name=display_name,
            description=description,
            idp_names=(),
            members=(),
            created=tx.now,
            modified=tx.now,
        )
    )


def add_account(
    tx: Transaction,
    name: str,
    description: str = "",
    *,
    creator: Principal | None = None,
    key: str = "",
    account_id: str = "",
    created: datetime | None = None,
) -> ServiceAccount:
    """Create a service account: with `key` one that has an API key, without one an OAuth client."""
    made_id = account_id or (secrets.token_hex(16) if key else okta_id("0oa"))
    return tx.tables.accounts.put(
        ServiceAccount(
            id=made_id,
            seq=tx.tables.next_seq(),
            name=name,
            description=description,
            active=True,
            oauth=not key,
            key_hash=digest(key) if key else "",
            secrets=(),
            creator_kind=creator.kind if creator else None,
            creator_id=creator.id if creator else "",
            created=created or tx.now,
            modified=tx.now,
        )
    )


def set_account_active(tx: Transaction, account: ServiceAccount, active: bool) -> ServiceAccount:
    """Activate or deactivate; roles and memberships stay."""
    if account.active and not active:
        _note_revocation(tx, account)
    return tx.tables.accounts.put(replace(account, active=active, modified=tx.now))


def add_workspace(tx: Transaction, name: str, creator: Principal | None = None, live: bool = True) -> Workspace:
    """Create a workspace; its creator becomes owner."""
    made = tx.tables.workspaces.put(Workspace(name, tx.tables.next_seq(), live, tx.now))
    if creator:
        grant(tx, creator, Grant("workspace", name, "owner"))
    return made


def add_scope(tx: Transaction, name: str, creator: Principal | None = None) -> Scope:
    """Create a secret scope; its creator becomes manager."""
    made = tx.tables.scopes.put(Scope(name, tx.tables.next_seq(), {}, tx.now))
    if creator:
        grant(tx, creator, Grant("secret_scope", name, "secret_scope_manager"))
    return made


def set_roles(tx: Transaction, principal: Principal, grants: frozenset[Grant]) -> None:
    """Let the principal hold exactly these grants."""
    held = tx.tables.roles.get(principal.key)
    if grants == (held.grants if held else frozenset()):
        return
    if tx.knobs["last_modified"] == "everything":
        _touch(tx, principal)
    if not grants:
        tx.tables.roles.drop(principal.key)
        return
    seq = held.seq if held else tx.tables.next_seq()
    tx.tables.roles.put(RoleSet(principal.key, seq, principal, grants))


def _touch(tx: Transaction, principal: Principal) -> None:
    """Let a principal look modified; nobody knows whether its roles do that."""
    if user := tx.tables.users.get(principal.id):
        tx.tables.users.put(replace(user, modified=tx.now))
    elif group := tx.tables.groups.get(principal.id):
        tx.tables.groups.put(replace(group, modified=tx.now))
    elif account := tx.tables.accounts.get(principal.id):
        tx.tables.accounts.put(replace(account, modified=tx.now))


def grant(tx: Transaction, principal: Principal, given: Grant) -> None:
    """Add one grant."""
    set_roles(tx, principal, direct(tx.tables, principal) | {given})


def revoke(tx: Transaction, principal: Principal, taken: Grant) -> None:
    """Take one grant away."""
    set_roles(tx, principal, direct(tx.tables, principal) - {taken})


def set_members(tx: Transaction, group: Group, members: tuple[Member, ...]) -> Group:
    """Let the group have exactly these members."""
    return tx.tables.groups.put(replace(group, members=members, modified=tx.now))


def delete_user(tx: Transaction, user: User) -> None:
    """Delete a user with every grant and membership (row 38 may leave the grants)."""
    leave_groups(tx, user.id)
    _forget_grants(tx, Principal("user", user.id))
    tx.tables.users.drop(user.id)


def delete_group(tx: Transaction, group: Group) -> None:
    """Delete a group; what its members inherited is gone at once."""
    _forget_grants(tx, Principal("group", group.id))
    tx.tables.groups.drop(group.id)


def delete_account(tx: Transaction, account: ServiceAccount) -> None:
    """Delete a service account with every grant, membership and credential."""
    if account.active:
        _note_revocation(tx, account)
    leave_groups(tx, account.id)
    _forget_grants(tx, Principal("service_account", account.id))
    for token in tx.tables.tokens.find("account", account.id):
        tx.tables.tokens.drop(token.id)
    tx.tables.accounts.drop(account.id)


def delete_workspace(tx: Transaction, workspace: Workspace) -> None:
    """Delete a workspace with what is in it and every grant on it or held by it."""
    _forget_grants(tx, Principal("workspace", workspace.id))
    _forget_target(tx, "workspace", workspace.id)
    for service in [s for s in tx.tables.feature_services if s.workspace == workspace.id]:
        tx.tables.feature_services.drop(service.id)
    for source in [s for s in tx.tables.stream_sources if s.workspace == workspace.id]:
        tx.tables.stream_sources.drop(source.id)
    tx.tables.workspaces.drop(workspace.id)


def delete_scope(tx: Transaction, scope: Scope) -> None:
    """Delete a scope with its values and every grant on it."""
    _forget_target(tx, "secret_scope", scope.id)
    tx.tables.scopes.drop(scope.id)


def leave_groups(tx: Transaction, member_id: str) -> None:
    """Take somebody out of every group."""
    for group in tx.tables.groups.find("member", member_id):
        set_members(tx, group, tuple(m for m in group.members if m.id != member_id))


def principal_exists(tables: Tables, principal: Principal) -> bool:
    """Say whether there is such a principal."""
    found: dict[PrincipalKind, object] = {
        "user": tables.users.get(principal.id),
        "group": tables.groups.get(principal.id),
        "service_account": tables.accounts.get(principal.id),
        "workspace": tables.workspaces.get(principal.id),
    }
    return found[principal.kind] is not None


def target_exists(tables: Tables, level: Level, name: str) -> bool:
    """Say whether what a role is to be given on exists."""
    if level == "workspace":
        return tables.workspaces.get(name) is not None
    return level != "secret_scope" or tables.scopes.get(name) is not None


def _forget_grants(tx: Transaction, principal: Principal) -> None:
    if tx.knobs["deleted_target_assignments"] == "removed":
        set_roles(tx, principal, frozenset())


def _forget_target(tx: Transaction, level: Level, name: str) -> None:
    if tx.knobs["deleted_target_assignments"] != "removed":
        return
    for held in holders(tx.tables, level, name):
        kept = frozenset(g for g in held.grants if (g.level, g.name) != (level, name))
        set_roles(tx, held.principal, kept)


def _note_revocation(tx: Transaction, account: ServiceAccount) -> None:
    admin = is_admin(tx.tables, Principal("service_account", account.id))
    for token in tx.tables.tokens.find("account", account.id):
        _put_revocation(tx, token.id, account, admin)
    if account.key_hash:
        _put_revocation(tx, account.key_hash, account, admin)


def _put_revocation(tx: Transaction, credential: str, account: ServiceAccount, admin: bool) -> None:
    seq = tx.tables.next_seq()
    tx.tables.revocations.put(Revocation(credential, seq, account.id, account.name, admin, tx.now))
