"""The state machine's identity provider: everything that it can push, in the dialects of Okta and Entra."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from tests.reconcile.pushed import PUSHED_ROLES, Person, Pushed, Team
from tests.reconcile.wired import WiredRig
from tests.rig import GROUP

NAMES = [f"{name}@acme.com" for name in ("ana", "ben", "cy", "dee", "eve", "fay")]
TEAMS = ["tecton-fraud", "tecton-risk", "tecton-admins", "tecton-eu", "everybody"]

pick = st.integers(0, 1000)
dialects = st.sampled_from(["okta", "entra", "put"])
pushed_roles = st.sets(st.sampled_from(PUSHED_ROLES), max_size=2)


class Pushing(RuleBasedStateMachine):
    """People and teams are pushed, changed and deleted; `pushed` keeps what the IdP holds."""

    rig: WiredRig

    def __init__(self) -> None:
        super().__init__()
        self.pushed = Pushed()
        self.breakglass_id = ""  # the pushed user that the policy protects

    def _person(self, number: int) -> Person | None:
        people = list(self.pushed.people.values())
        return people[number % len(people)] if people else None

    def _team(self, number: int) -> Team | None:
        teams = list(self.pushed.teams.values())
        return teams[number % len(teams)] if teams else None

    def _name(self, id_: str) -> str:
        """Return who an id is: the ids themselves differ from run to run."""
        return "" if id_ == self.breakglass_id else self.pushed.people[id_].name

    def _free_team(self, number: int) -> str | None:
        taken = {team.name for team in self.pushed.teams.values()}
        free = [name for name in TEAMS if name not in taken]
        return free[number % len(free)] if free else None

    # ---------------------------------------------------------------- people

    @rule(number=pick, is_auditor=st.booleans(), roles=pushed_roles)
    def hire(self, number: int, is_auditor: bool, roles: set[tuple[str, str]]) -> None:
        taken = {person.name for person in self.pushed.people.values()}
        if not (free := [name for name in NAMES if name not in taken]):
            return
        name = free[number % len(free)]
        title = {"title": "Auditor"} if is_auditor else {}
        id_ = self.rig.create_user(name, **title, roles=as_scim(roles))
        self.pushed.people[id_] = Person(id_, name, True, is_auditor, roles)

    @rule(number=pick, active=st.booleans(), dialect=dialects)
    def set_active(self, number: int, active: bool, dialect: str) -> None:
        if not (person := self._person(number)):
            return
        path = f"/Users/{person.id}"
        if dialect == "okta":
            self.rig.patch(path, {"op": "replace", "value": {"active": active}})
        elif dialect == "entra":
            self.rig.patch(path, {"op": "Replace", "path": "active", "value": str(active)})
        else:
            self.rig.push("PUT", path, {**self.rig.push("GET", path), "active": active})
        person.active = active

    @rule(active=st.booleans(), but=pick)
    def set_nearly_everybody_active(self, active: bool, but: int) -> None:
        """A burst: the work of a wrong assignment, or of mending it."""
        for number in range(len(self.pushed.people)):
            if number != but % 7:
                self.set_active(number, active, "okta")

    @rule(number=pick)
    def delete_user(self, number: int) -> None:
        if person := self._person(number):
            self.rig.push("DELETE", f"/Users/{person.id}")
            del self.pushed.people[person.id]
            for team in self.pushed.teams.values():
                team.members.discard(person.id)

    @rule(number=pick, roles=pushed_roles)
    def push_roles(self, number: int, roles: set[tuple[str, str]]) -> None:
        if person := self._person(number):
            self.rig.patch(f"/Users/{person.id}", {"op": "replace", "path": "roles", "value": as_scim(roles)})
            person.roles = roles

    @rule(number=pick, is_auditor=st.booleans())
    def push_title(self, number: int, is_auditor: bool) -> None:
        if person := self._person(number):
            title = {"op": "Replace", "path": "title", "value": "Auditor" if is_auditor else "Engineer"}
            self.rig.patch(f"/Users/{person.id}", title)
            person.is_auditor = is_auditor

    @rule(active=st.booleans(), roles=pushed_roles)
    def push_a_protected_user(self, active: bool, roles: set[tuple[str, str]]) -> None:
        values = {"active": active, "roles": as_scim(roles)}
        self.rig.patch(f"/Users/{self.breakglass_id}", {"op": "replace", "value": values})

    # ---------------------------------------------------------------- teams

    @rule(number=pick, size=pick)
    def create_group(self, number: int, size: int) -> None:
        if name := self._free_team(number):
            members = list(self.pushed.people)[: size % 5]
            id_ = self.rig.create_group(name, *members)
            self.pushed.teams[id_] = Team(id_, name, set(members))

    @rule(number=pick, name=pick)
    def rename_group(self, number: int, name: int) -> None:
        team, free = self._team(number), self._free_team(name)
        if team and free:
            team.name = free
            self.rig.patch(f"/Groups/{team.id}", {"op": "replace", "value": {"id": team.id, "displayName": free}})

    @rule(number=pick)
    def delete_group(self, number: int) -> None:
        if team := self._team(number):
            self.rig.push("DELETE", f"/Groups/{team.id}")
            del self.pushed.teams[team.id]

    @rule(number=pick, who=pick, dialect=dialects)
    def add_member(self, number: int, who: int, dialect: str) -> None:
        """Add somebody, one time in seven the protected user."""
        team, person = self._team(number), self._person(who)
        id_ = self.breakglass_id if who % 7 == 0 else person.id if person else None
        if team and id_:
            value = [{"$ref": None, "value": id_}] if dialect == "entra" else [{"value": id_}]
            self._set_members(team, team.members | {id_}, {"op": "add", "path": "members", "value": value}, dialect)

    @rule(number=pick, who=pick, dialect=dialects)
    def remove_member(self, number: int, who: int, dialect: str) -> None:
        if (team := self._team(number)) and team.members:
            gone = sorted(team.members, key=self._name)[who % len(team.members)]
            if dialect == "entra":
                operation = {"op": "Remove", "path": "members", "value": [{"$ref": None, "value": gone}]}
            else:
                operation = {"op": "remove", "path": f'members[value eq "{gone}"]'}
            self._set_members(team, team.members - {gone}, operation, dialect)

    @rule(number=pick, dialect=dialects)
    def empty_group(self, number: int, dialect: str) -> None:
        if team := self._team(number):
            everybody = {"members": [], "id": team.id, "displayName": team.name}
            self._set_members(team, set(), {"op": "replace", "value": everybody}, dialect)

    def _set_members(self, team: Team, members: set[str], operation: dict[str, Any], dialect: str) -> None:
        if dialect == "put":
            listed = [{"value": id_} for id_ in sorted(members)]
            body = {"schemas": [GROUP], "displayName": team.name, "members": listed}
            self.rig.push("PUT", f"/Groups/{team.id}", body)
        else:
            self.rig.patch(f"/Groups/{team.id}", operation)
        team.members = members


def as_scim(roles: set[tuple[str, str]]) -> list[dict[str, str]]:
    """Return roles as the IdP pushes them."""
    return [{"type": type_, "value": value} for type_, value in sorted(roles)]
