"""What Tecton holds, as a set of plain facts: two worlds are equal exactly when their sets are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

Json = Mapping[str, Any]


class Aspect(StrEnum):
    """What a fact is about; the value is how it is said, in the order in which it is said."""

    EXISTS = "there"
    NAMED = "named {}"
    ADDRESS = "with the address {}"
    DESCRIBED = "described as “{}”"
    STATE = "{}"
    MAPPED = "mapped to {}"
    KEY = "with the key {}"
    MEMBER = "in group {}"
    ROLE = "holding {}"


class Subject(NamedTuple):
    """Somebody or something in Tecton, by the name that people use."""

    kind: str  # user, group, service account, workspace, secret scope
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class Fact(NamedTuple):
    """One thing that is so."""

    subject: Subject
    aspect: Aspect
    value: str = ""

    def __str__(self) -> str:
        return f"{self.subject} is {self.words}"

    @property
    def words(self) -> str:
        """The fact without its subject."""
        return self.aspect.format(self.value)


Facts = frozenset[Fact]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Tecton at one moment: the facts, and by which id each subject goes."""

    facts: Facts
    ids: Mapping[Subject, str]


def read_snapshot(state: Json) -> Snapshot:
    """Return the snapshot in a state dump of the sandbox."""
    facts = {*_users(state), *_groups(state), *_accounts(state), *_places(state)}
    named = (("user", "users", "userName"), ("group", "groups", "displayName"))
    ids = {Subject(kind, row[name]): str(row["id"]) for kind, rows, name in named for row in state[rows]}
    return Snapshot(frozenset(facts), ids)


def _users(state: Json) -> Iterator[Fact]:
    for row in state["users"]:
        user = Subject("user", row["userName"])
        yield Fact(user, Aspect.EXISTS)
        yield Fact(user, Aspect.NAMED, f"{row['name']['givenName']} {row['name']['familyName']}".strip())
        yield from (Fact(user, Aspect.ADDRESS, email["value"]) for email in row["emails"])
        yield from roles(user, row["roles"])


def _groups(state: Json) -> Iterator[Fact]:
    for row in state["groups"]:
        group = Subject("group", row["displayName"])
        yield Fact(group, Aspect.EXISTS)
        if row["description"]:
            yield Fact(group, Aspect.DESCRIBED, row["description"])
        yield from (Fact(group, Aspect.MAPPED, name) for name in row["idpMappingNames"])
        yield from roles(group, row["roles"])
        for member in row["members"]:
            who = Subject(member["type"].replace("_", " "), member["name"])
            yield Fact(who, Aspect.MEMBER, group.name)


def _accounts(state: Json) -> Iterator[Fact]:
    for row in state["service_accounts"]:
        account = Subject("service account", row["name"])
        yield Fact(account, Aspect.EXISTS)
        yield Fact(account, Aspect.STATE, "active" if row["active"] else "deactivated")
        yield Fact(account, Aspect.STATE, f"with credentials of type {row['credentials_type']}")
        if row["description"]:
            yield Fact(account, Aspect.DESCRIBED, row["description"])
        yield from roles(account, row["roles"])


def _places(state: Json) -> Iterator[Fact]:
    for row in state["workspaces"]:
        workspace = Subject("workspace", row["name"])
        yield Fact(workspace, Aspect.EXISTS)
        yield Fact(workspace, Aspect.STATE, "live" if row["live"] else "for development")
    for row in state["scopes"]:
        scope = Subject("secret scope", row["name"])
        yield Fact(scope, Aspect.EXISTS)
        yield from (Fact(scope, Aspect.KEY, key) for key in row["keys"])
        for grant in row["grants"]:
            holder = Subject(grant["principal_type"].replace("_", " "), grant["name"] or grant["principal_id"])
            yield from roles(holder, [{"type": f"secret_scope_{row['name']}", "value": grant["role"]}])


def roles(subject: Subject, listed: Iterable[Json]) -> Iterator[Fact]:
    """Yield the facts in a list of roles as Tecton's SCIM writes them, {type, value}."""
    for role in listed:
        yield Fact(subject, Aspect.ROLE, role_words(role["type"], role["value"]))


def role_words(type_: str, value: str) -> str:
    """Return a role as the files of the day say it: `viewer on workspace prod`."""
    role = value.removeprefix("secret_scope_")
    for prefix in ("workspace_", "secret_scope_"):
        if type_.startswith(prefix):
            return f"{role} on {prefix[:-1].replace('_', ' ')} {type_.removeprefix(prefix)}"
    return f"{role} on {'the account' if type_ == 'account_type' else type_.replace('_', ' ')}"
