"""What was pushed, kept by a test on its own, and what Tecton should therefore hold: computed as simply as can be.

It shares nothing with the product: no parsing of the policy, no access state.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

POLICY = """
version: 1
provision: {groups: 'displayName sw "tecton-"'}
names: {group: {strip_prefix: "tecton-"}}
grants:
  - name: fraud team uses prod
    to: {group: tecton-fraud}
    roles: [{workspace: prod, role: consumer}, {secret_scope: snowflake, role: reader}]
  - {name: admins, to: {group: tecton-admins}, roles: [{account: admin}]}
  - {name: auditors, to: {where: 'title eq "Auditor"'}, roles: [{all_workspaces: viewer}]}
protected: {users: [breakglass@acme.com]}
guards:
  min_admins: 2
  floor: 2
  removals: {users: {count: 3, percent: 100}, members: {count: 6, percent: 100}, roles: {count: 6, percent: 100}}
"""

Role = tuple[str, str]
RULES: dict[str, set[Role]] = {
    "tecton-fraud": {("workspace_prod", "consumer"), ("secret_scope_snowflake", "secret_scope_reader")},
    "tecton-admins": {("account_type", "admin")},
}
AUDITOR: Role = ("all_workspaces", "viewer")
# Roles that a test pushes, so that of two on one target one always contains the other.
PUSHED_ROLES: list[Role] = [
    ("workspace_prod", "viewer"),
    ("workspace_prod", "editor"),
    ("workspace_my_workspace", "viewer"),
    ("secret_scope_snowflake", "secret_scope_writer"),
    ("account_type", "admin"),
]
_STRENGTH = ["viewer", "consumer", "editor", "owner", "secret_scope_reader", "secret_scope_writer", "admin"]


@dataclass
class Person:
    """A pushed user."""

    id: str
    name: str
    active: bool = True
    is_auditor: bool = False
    roles: set[Role] = field(default_factory=set)


@dataclass
class Team:
    """A pushed group; `members` are ids."""

    id: str
    name: str
    members: set[str] = field(default_factory=set)
    roles: set[Role] = field(default_factory=set)


@dataclass
class Pushed:
    """All that the IdP holds now."""

    people: dict[str, Person] = field(default_factory=dict)
    teams: dict[str, Team] = field(default_factory=dict)

    def users(self) -> dict[str, list[Role]]:
        """Return the users that Tecton should hold, with their own roles."""
        return {
            person.name: _strongest(person.roles | ({AUDITOR} if person.is_auditor else set()))
            for person in self.people.values()
            if person.active
        }

    def groups(self) -> dict[str, tuple[list[str], list[Role]]]:
        """Return the groups that Tecton should hold, with members and roles."""
        active = {person.id: person.name for person in self.people.values() if person.active}
        return {
            team.name.removeprefix("tecton-"): (
                sorted(active[id_] for id_ in team.members if id_ in active),
                _strongest(team.roles | RULES.get(team.name, set())),
            )
            for team in self.teams.values()
            if team.name.startswith("tecton-")
        }


def _strongest(roles: set[Role]) -> list[Role]:
    """Return one role per target: the strongest."""
    best: dict[str, str] = {}
    for type_, value in sorted(roles, key=lambda role: _STRENGTH.index(role[1])):
        best[type_] = value
    return sorted(best.items())


def users_in(state: dict[str, Any], names: set[str]) -> dict[str, list[Role]]:
    """Return Tecton's users of these names, with their own roles."""
    return {user["userName"]: _roles(user) for user in state["users"] if user["userName"] in names}


def groups_in(state: dict[str, Any]) -> dict[str, tuple[list[str], list[Role]]]:
    """Return Tecton's groups, with members and roles."""
    return {
        group["displayName"]: (sorted(member["name"] for member in group["members"]), _roles(group))
        for group in state["groups"]
    }


def human_admins(state: dict[str, Any]) -> set[str]:
    """Return who is admin in Tecton, in their own right or through a group."""
    admins = {user["userName"] for user in state["users"] if ("account_type", "admin") in _roles(user)}
    users = {user["userName"] for user in state["users"]}
    for group in state["groups"]:
        if ("account_type", "admin") in _roles(group):
            admins |= {member["name"] for member in group["members"]} & users
    return admins


def _roles(principal: dict[str, Any]) -> list[Role]:
    return sorted((role["type"], role["value"]) for role in principal["roles"])
