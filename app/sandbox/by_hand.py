"""Edits made by hand, as an administrator makes them in Tecton's own pages.

They obey names being unique and roles having to exist, but no knob about how an API behaves.
Used by the control API, the pages and the seed. Everything raises ApiError: 400, 404 or 409.
"""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar, get_args

from app.sandbox.bodies import flag, items, section, text, texts
from app.sandbox.naming import check_email
from app.sandbox.replies import ApiError, Json
from app.sandbox.world import edits
from app.sandbox.world.authority import direct
from app.sandbox.world.records import (
    ClientSecret,
    Grant,
    Group,
    Member,
    Principal,
    PrincipalKind,
    ServiceAccount,
    User,
)
from app.sandbox.world.roles import ROLES_OF, target_of
from app.sandbox.world.world import Transaction

T = TypeVar("T")

KINDS: tuple[PrincipalKind, ...] = get_args(PrincipalKind)


def find_user(tx: Transaction, ref: str) -> User:
    """Return the user with this id or userName (any case, the exact one first)."""
    alike = tx.tables.users.find("name", ref.casefold())
    exact = [user for user in alike if user.user_name == ref]
    return _insist(tx.tables.users.get(ref) or next(iter(exact or alike), None), "user", ref)


def find_group(tx: Transaction, ref: str) -> Group:
    """Return the group with this id or displayName."""
    named = tx.tables.groups.find("name", ref)
    return _insist(tx.tables.groups.get(ref) or next(iter(named), None), "group", ref)


def find_account(tx: Transaction, ref: str) -> ServiceAccount:
    """Return the service account with this id or name."""
    named = tx.tables.accounts.find("name", ref)
    return _insist(tx.tables.accounts.get(ref) or next(iter(named), None), "service account", ref)


def find_principal(tx: Transaction, kind: str, ref: str) -> Principal:
    """Return the principal of a kind with this id or name."""
    if kind == "user":
        return Principal("user", find_user(tx, ref).id)
    if kind == "group":
        return Principal("group", find_group(tx, ref).id)
    if kind == "service_account":
        return Principal("service_account", find_account(tx, ref).id)
    if kind == "workspace":
        return Principal("workspace", _insist(tx.tables.workspaces.get(ref), "workspace", ref).id)
    raise ApiError(400, f"principal_type must be one of {', '.join(KINDS)}")


def read_grant(tx: Transaction, role: Any) -> Grant:
    """Return the grant of a {type, value} in SCIM's vocabulary."""
    if not isinstance(role, Mapping):
        raise ApiError(400, "a role is an object of type and value")
    type_, value = text(dict(role), "type"), text(dict(role), "value").lower()
    target = target_of(type_)
    if target is None or value not in ROLES_OF[target[0]]:
        raise ApiError(400, f"there is no role {value!r} of type {type_!r}")
    if not edits.target_exists(tx.tables, *target):
        raise ApiError(404, f"there is no {target[0].replace('_', ' ')} {target[1]!r}")
    return Grant(*target, value)


def assign(tx: Transaction, body: Json) -> None:
    """Give a role: {principal_type, principal, type, value}."""
    principal = find_principal(tx, text(body, "principal_type"), text(body, "principal"))
    edits.grant(tx, principal, read_grant(tx, body))


def unassign(tx: Transaction, body: Json) -> None:
    """Take a role: {principal_type, principal, type, value}; without value all of that type."""
    principal = find_principal(tx, text(body, "principal_type"), text(body, "principal"))
    target, value = target_of(text(body, "type")), text(body, "value")
    if target is None:
        raise ApiError(400, f"there is no role type {text(body, 'type')!r}")
    for held in direct(tx.tables, principal):
        if (held.level, held.name) == target and value in ("", held.role):
            edits.revoke(tx, principal, held)


def create_user(tx: Transaction, body: Json) -> User:
    """Create a user: {userName, givenName?, familyName?, name?, email?, id?, roles?}."""
    name = check_email(text(body, "userName"))
    if tx.tables.users.find("name", name.casefold()):
        raise ApiError(409, f"userName {name!r} is already taken")
    given, family = _names(body, "", "")
    user = edits.add_user(tx, name, given, family, email=text(body, "email", name), id=text(body, "id"))
    _set_roles(tx, Principal("user", user.id), body)
    return user


def change_user(tx: Transaction, user: User, body: Json) -> User:
    """Change what the body names of a user; the rest stays."""
    name = text(body, "userName", user.user_name)
    if any(other.id != user.id for other in tx.tables.users.find("name", name.casefold())):
        raise ApiError(409, f"userName {name!r} is already taken")
    given, family = _names(body, user.given_name, user.family_name)
    email = text(body, "email", user.email)
    named = replace(user, user_name=check_email(name), given_name=given, family_name=family)
    _set_roles(tx, Principal("user", user.id), body)
    return tx.tables.users.put(replace(named, email=email, modified=tx.now))


def create_group(tx: Transaction, body: Json) -> Group:
    """Create a group: {displayName, description?, idpMappingNames?, members?, id?, roles?}."""
    name = text(body, "displayName")
    if not name or tx.tables.groups.find("name", name):
        raise ApiError(409 if name else 400, f"displayName {name!r} is missing or already taken")
    return change_group(tx, edits.add_group(tx, name, group_id=text(body, "id")), body)


def change_group(tx: Transaction, group: Group, body: Json) -> Group:
    """Change what the body names of a group; `members` are names or ids of users and accounts."""
    name = text(body, "displayName", group.display_name)
    if any(other.id != group.id for other in tx.tables.groups.find("name", name)):
        raise ApiError(409, f"displayName {name!r} is already taken")
    mapped = tuple(texts(body, "idpMappingNames")) if "idpMappingNames" in body else group.idp_names
    described = replace(group, display_name=name, description=text(body, "description", group.description))
    members = group.members
    if "members" in body:
        members = tuple(dict.fromkeys(find_member(tx, ref) for ref in texts(body, "members")))
    _set_roles(tx, Principal("group", group.id), body)
    return tx.tables.groups.put(replace(described, idp_names=mapped, members=members, modified=tx.now))


def change_members(tx: Transaction, group: Group, body: Json) -> Group:
    """Change the members of a group: {add?, remove?}, both lists of names or ids."""
    gone = {find_member(tx, ref).id for ref in texts(body, "remove")}
    kept = {m.id: m for m in group.members if m.id not in gone}
    for ref in texts(body, "add"):
        member = find_member(tx, ref)
        kept.setdefault(member.id, member)
    return edits.set_members(tx, group, tuple(kept.values()))


def find_member(tx: Transaction, ref: str) -> Member:
    """Return the user or service account with this id or name, as a member added by hand."""
    if tx.tables.accounts.get(ref) or tx.tables.accounts.find("name", ref):
        return Member("service_account", find_account(tx, ref).id)
    return Member("user", find_user(tx, ref).id)


def create_account(tx: Transaction, body: Json) -> tuple[ServiceAccount, str]:
    """Create a service account: {name, description?, active?, oauth?, id?, secret?, roles?}.

    Returns it with its API key, or its client secret when `oauth` is true; `secret` sets that.
    """
    name = text(body, "name")
    if not name or tx.tables.accounts.find("name", name):
        raise ApiError(409 if name else 400, f"name {name!r} is missing or already taken")
    secret = text(body, "secret") or secrets.token_urlsafe(48)
    key = "" if flag(body, "oauth") else secret
    account = edits.add_account(tx, name, text(body, "description"), key=key, account_id=text(body, "id"))
    if not key:
        account = add_secret(tx, account, secret)
    return change_account(tx, account, body), secret


def add_secret(tx: Transaction, account: ServiceAccount, secret: str, secret_id: str = "") -> ServiceAccount:
    """Add an active client secret to an OAuth account."""
    made = ClientSecret(
        id=secret_id or edits.okta_id("ocs"),
        hash=edits.digest(secret),
        tail=secret[-4:],
        active=True,
        created=tx.now,
    )
    return tx.tables.accounts.put(replace(account, secrets=(*account.secrets, made), modified=tx.now))


def change_account(tx: Transaction, account: ServiceAccount, body: Json) -> ServiceAccount:
    """Change what the body names of a service account; the rest stays."""
    name = text(body, "name", account.name)
    if any(other.id != account.id for other in tx.tables.accounts.find("name", name)):
        raise ApiError(409, f"name {name!r} is already taken")
    active = flag(body, "active")
    named = replace(account, name=name, description=text(body, "description", account.description))
    _set_roles(tx, Principal("service_account", account.id), body)
    return edits.set_account_active(tx, named, account.active if active is None else active)


def create_workspace(tx: Transaction, body: Json) -> None:
    """Create a workspace: {name, live?}."""
    name = text(body, "name")
    if not name or tx.tables.workspaces.get(name):
        raise ApiError(409 if name else 400, f"name {name!r} is missing or already taken")
    edits.add_workspace(tx, name, live=flag(body, "live") is not False)


def create_scope(tx: Transaction, body: Json) -> None:
    """Create a secret scope: {name, values?}, values being texts by key."""
    name, values = text(body, "name"), section(body, "values")
    if not name or tx.tables.scopes.get(name):
        raise ApiError(409 if name else 400, f"name {name!r} is missing or already taken")
    if not all(isinstance(value, str) for value in values.values()):
        raise ApiError(400, "values must be texts")
    tx.tables.scopes.put(replace(edits.add_scope(tx, name), values=values))


def _set_roles(tx: Transaction, principal: Principal, body: Json) -> None:
    if "roles" in body:
        edits.set_roles(tx, principal, frozenset(read_grant(tx, role) for role in items(body, "roles")))


def _names(body: Json, given: str, family: str) -> tuple[str, str]:
    """Return given and family name, from the top of the body or from its `name`."""
    both = {**section(body, "name"), **body}
    return text(both, "givenName", given), text(both, "familyName", family)


def _insist(found: T | None, what: str, ref: str) -> T:
    if found is None:
        raise ApiError(404, f"there is no {what} {ref!r}")
    return found
