"""Anything in any order: pushes in the dialects of Okta and Entra, edits by hand, faults, time, crashes, approvals.

After every step the promises hold; and whatever happened, once nothing goes wrong any more and what is
held is approved, Tecton holds what was pushed. `BRIDGE_MACHINE=deep` searches for long and at random.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from app.store import leases
from app.store.database import Database
from tests.conftest import Clock
from tests.reconcile.day import WiredRig
from tests.reconcile.pushed import POLICY, PUSHED_ROLES, Person, Pushed, Team, groups_in, human_admins, users_in
from tests.reconcile.wire import Strike

NAMES = [f"{name}@acme.com" for name in ("ana", "ben", "cy", "dee", "eve", "fay")]
TEAMS = ["tecton-fraud", "tecton-risk", "tecton-admins", "tecton-eu", "everybody"]
KINDS = ["reset", "lost_reply", "throttled", "error", "stale", "crash_before", "crash_after"]
MIN_ADMINS, MOST_LEAVERS = 2, 3
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"

pick = st.integers(0, 1000)
dialects = st.sampled_from(["okta", "entra", "put"])


class Bridge(RuleBasedStateMachine):
    """The bridge, its Tecton, its IdP, and people who do things by hand."""

    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp(prefix="machine-"))
        shutil.copy(self.template, self.directory / "bridge.db")
        url = f"sqlite:///{self.directory / 'bridge.db'}"
        self.rig = WiredRig(Database(url), Clock(), self.directory, policy=POLICY)
        self.pushed = Pushed()
        self.made_by_hand: set[str] = set()  # users whom the bridge does not delete
        self.deletions: list[Any] = []  # when users were deleted without an approval
        self.is_by_hand = False  # whether the last step was
        self.admins: set[str] = set()

    @initialize()
    def begin(self) -> None:
        rig = self.rig
        for name in ("breakglass@acme.com", "creator@acme.com"):
            rig.by_hand("users", userName=name, givenName="B", familyName="G")
        self._grant("user", "breakglass@acme.com", ("account_type", "admin"))
        rig.by_hand("scopes", name="creators-scope")
        self._grant("user", "creator@acme.com", ("secret_scope_creators-scope", "secret_scope_manager"))
        self.own = rig.account("scim-bridge")
        self.breakglass = rig.user("breakglass@acme.com")
        rig.sweep()
        self.admins = human_admins(rig.state())

    def _grant(self, kind: str, name: str, role: tuple[str, str]) -> None:
        self.rig.by_hand("assign", principal_type=kind, principal=name, type=role[0], value=role[1])

    # ---------------------------------------------------------------- pushes

    def _free(self, names: list[str], taken: set[str]) -> list[str]:
        return [name for name in names if name not in taken]

    def _person(self, number: int) -> Person | None:
        people = list(self.pushed.people.values())
        return people[number % len(people)] if people else None

    def _team(self, number: int) -> Team | None:
        teams = list(self.pushed.teams.values())
        return teams[number % len(teams)] if teams else None

    @rule(number=pick, is_auditor=st.booleans(), roles=st.sets(st.sampled_from(PUSHED_ROLES), max_size=2))
    def hire(self, number: int, is_auditor: bool, roles: set[tuple[str, str]]) -> None:
        free = self._free(NAMES, {person.name for person in self.pushed.people.values()})
        if not free:
            return
        name = free[number % len(free)]
        title = {"title": "Auditor"} if is_auditor else {}
        id_ = self.rig.create_user(name, **title, roles=_as_scim(roles))
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

    @rule(number=pick)
    def delete_user(self, number: int) -> None:
        if person := self._person(number):
            self.rig.push("DELETE", f"/Users/{person.id}")
            del self.pushed.people[person.id]
            for team in self.pushed.teams.values():
                team.members.discard(person.id)

    @rule(number=pick, roles=st.sets(st.sampled_from(PUSHED_ROLES), max_size=2))
    def push_roles(self, number: int, roles: set[tuple[str, str]]) -> None:
        if person := self._person(number):
            self.rig.patch(f"/Users/{person.id}", {"op": "replace", "path": "roles", "value": _as_scim(roles)})
            person.roles = roles

    @rule(number=pick, size=pick)
    def create_group(self, number: int, size: int) -> None:
        free = self._free(TEAMS, {team.name for team in self.pushed.teams.values()})
        if free:
            members = list(self.pushed.people)[: size % 5]
            id_ = self.rig.create_group(free[number % len(free)], *members)
            self.pushed.teams[id_] = Team(id_, free[number % len(free)], set(members))

    @rule(number=pick, name=pick)
    def rename_group(self, number: int, name: int) -> None:
        free = self._free(TEAMS, {team.name for team in self.pushed.teams.values()})
        if free and (team := self._team(number)):
            team.name = free[name % len(free)]
            self.rig.patch(f"/Groups/{team.id}", {"op": "replace", "path": "displayName", "value": team.name})

    @rule(number=pick)
    def delete_group(self, number: int) -> None:
        if team := self._team(number):
            self.rig.push("DELETE", f"/Groups/{team.id}")
            del self.pushed.teams[team.id]

    @rule(number=pick, who=pick, dialect=dialects)
    def add_member(self, number: int, who: int, dialect: str) -> None:
        team, person = self._team(number), self._person(who)
        if team and person:
            self._set_members(team, team.members | {person.id}, {"op": "add", "path": "members",
                              "value": [{"value": person.id}]}, dialect)  # fmt: skip

    @rule(number=pick, who=pick, dialect=dialects)
    def remove_member(self, number: int, who: int, dialect: str) -> None:
        if (team := self._team(number)) and team.members:
            gone = sorted(team.members)[who % len(team.members)]
            if dialect == "entra":
                operation = {"op": "Remove", "path": "members", "value": [{"$ref": None, "value": gone}]}
            else:
                operation = {"op": "remove", "path": f'members[value eq "{gone}"]'}
            self._set_members(team, team.members - {gone}, operation, dialect)

    @rule(number=pick)
    def empty_group(self, number: int) -> None:
        if team := self._team(number):
            self._set_members(team, set(), {}, "put")

    def _set_members(self, team: Team, members: set[str], operation: dict[str, Any], dialect: str) -> None:
        if dialect == "put":
            body = {
                "schemas": [GROUP],
                "displayName": team.name,
                "members": [{"value": id_} for id_ in sorted(members)],
            }
            self.rig.push("PUT", f"/Groups/{team.id}", body)
        else:
            self.rig.patch(f"/Groups/{team.id}", operation)
        team.members = members

    # ---------------------------------------------------------------- by hand

    def _someone(self, number: int) -> str | None:
        names = [u["userName"] for u in self.rig.state()["users"] if u["userName"] in NAMES]
        return names[number % len(names)] if names else None

    def _some_group(self, number: int) -> str | None:
        groups = [group["displayName"] for group in self.rig.state()["groups"]]
        return groups[number % len(groups)] if groups else None

    @rule(
        number=pick, role=st.sampled_from([*PUSHED_ROLES, ("workspace_my_workspace", "owner")]), of_group=st.booleans()
    )
    def grant_by_hand(self, number: int, role: tuple[str, str], of_group: bool) -> None:
        name = self._some_group(number) if of_group else self._someone(number)
        if name:
            self._grant("group" if of_group else "user", name, role)
            self.is_by_hand = True

    @rule(number=pick, of_group=st.booleans())
    def revoke_by_hand(self, number: int, of_group: bool) -> None:
        state = self.rig.state()
        mine = [*NAMES, "admin@example.com"]
        held = [("group", g["displayName"], r) for g in state["groups"] for r in g["roles"]] if of_group else [
            ("user", u["userName"], r) for u in state["users"] if u["userName"] in mine for r in u["roles"]
        ]  # fmt: skip
        if held:
            kind, name, role = held[number % len(held)]
            self.rig.by_hand("unassign", principal_type=kind, principal=name, type=role["type"], value=role["value"])
            self.is_by_hand = True

    @rule(number=pick, who=pick, add=st.booleans())
    def change_members_by_hand(self, number: int, who: int, add: bool) -> None:
        if not (group := self._some_group(number)):
            return
        members = sorted(self.rig.members(group))
        if add:
            self.rig.by_hand(f"groups/{group}/members", add=[self._someone(who) or "admin@example.com"])
        elif members:
            self.rig.by_hand(f"groups/{group}/members", remove=[members[who % len(members)]])
        self.is_by_hand = True

    @rule(number=pick)
    def delete_user_by_hand(self, number: int) -> None:
        if name := self._someone(number):
            self.rig.tecton.delete(f"/_sandbox/users/{name}")
            self.made_by_hand.discard(name)
            self.is_by_hand = True

    @rule(number=pick)
    def delete_group_by_hand(self, number: int) -> None:
        if name := self._some_group(number):
            self.rig.tecton.delete(f"/_sandbox/groups/{name}")
            self.is_by_hand = True

    @rule(number=pick)
    def sign_in_before_the_push(self, number: int) -> None:
        """Single sign-on makes a user whom nobody pushed yet: to be adopted when it is."""
        name = NAMES[number % len(NAMES)]
        if self.rig.user(name) is None:
            self.rig.by_hand("sign-in", user=name, saml_groups=[])
            self.made_by_hand.add(name)

    # ---------------------------------------------------------------- what goes wrong

    @rule(kind=st.sampled_from(KINDS), after=st.integers(1, 6), times=st.sampled_from([1, 1, 2, 5]))
    def strike(self, kind: str, after: int, times: int) -> None:
        """Let one of the next calls suffer."""
        assert self.rig.wire
        self.rig.wire.strike = Strike(kind, len(self.rig.wire.calls) + after, times)

    @rule(seconds=st.sampled_from([1, 5, 30, 120, 900, 4000]))
    def wait(self, seconds: int) -> None:
        self.rig.clock.move(seconds=seconds)

    @rule()
    def another_process_takes_over(self) -> None:
        """The first one, which does not know, writes no more."""
        first, self.rig.engine = self.rig.engine, self.rig.start_engine()
        self.rig.clock.move(seconds=leases.LEASE_TIME.total_seconds() + 1)
        self._work(self.rig.engine.worker.renew)
        before = len(self.rig.writes())
        self._work(first.worker.tick)
        assert len(self.rig.writes()) == before
        first.close()

    # ---------------------------------------------------------------- the bridge works

    def _work(self, work: Any) -> Any:
        """Let the bridge do something; note whom it deletes without an approval."""
        before = self._deleted()
        result = self.rig.go_on(work)
        self.deletions += [self.rig.clock.now] * (self._deleted() - before)
        return result

    def _deleted(self) -> int:
        return sum(write.startswith("DELETE /api/scim/v2/Users") for write in self.rig.writes())

    @rule()
    def tick(self) -> None:
        self._work(lambda: self.rig.tick(seconds=3))

    @rule()
    def sweep(self) -> None:
        self._work(self.rig.try_run)

    @rule()
    def observe(self) -> None:
        """A bridge in observe mode looks at it all, and never writes."""
        rig, mode = self.rig, self.rig.settings.mode
        rig.engine.worker.release()
        rig.engine.close()
        rig.settings.mode = "observe"
        rig.engine = rig.start_engine()
        before = len(rig.writes())
        rig.go_on(rig.try_run)
        rig.go_on(lambda: rig.tick(seconds=0))
        assert len(rig.writes()) == before
        rig.settings.mode = mode
        rig.engine.worker.release()
        rig.engine.close()
        rig.engine = rig.start_engine()

    def _held(self) -> str | None:
        with self.rig.database.read() as connection:
            query = "SELECT fingerprint FROM plans WHERE status = 'held' ORDER BY made_at DESC, fingerprint LIMIT 1"
            found: str | None = connection.exec_driver_sql(query).scalar_one_or_none()
        return found

    @precondition(lambda self: self._held() is not None)
    @rule()
    def approve(self) -> None:
        held = self._held()
        self.rig.go_on(lambda: self.rig.try_run("apply", held))

    # ---------------------------------------------------------------- what always holds

    @invariant()
    def what_must_not_be_touched_is_not(self) -> None:
        if hasattr(self, "own"):
            assert self.rig.account("scim-bridge") == self.own
            assert self.rig.user("breakglass@acme.com") == self.breakglass
            creator = self.rig.user("creator@acme.com")
            assert creator and {r["type"] for r in creator["roles"]} == {"secret_scope_creators-scope"}

    @invariant()
    def admins_are_left(self) -> None:
        admins = human_admins(self.rig.state())
        if not self.is_by_hand:
            assert len(admins) >= MIN_ADMINS or admins >= self.admins, (sorted(self.admins), sorted(admins))
        self.admins, self.is_by_hand = admins, False

    @invariant()
    def nobody_leaves_beyond_the_limit(self) -> None:
        """What a crash kept from being counted aside."""
        hour_ago = self.rig.clock.now.timestamp() - 3600
        recent = [when for when in self.deletions if when.timestamp() > hour_ago]
        assert len(recent) <= MOST_LEAVERS + self.rig.crashes

    def teardown(self) -> None:
        try:
            if self.admins:
                self._end_well()
        finally:
            self.rig.close()
            self.rig.database.dispose()
            shutil.rmtree(self.directory)

    def _end_well(self) -> None:
        rig = self.rig
        assert rig.wire
        rig.wire.strike = None
        for name in ("admin@example.com", "breakglass@acme.com"):
            self._grant("user", name, ("account_type", "admin"))
        for _ in range(12):
            rig.settle()
            report = rig.sweep()
            while report["held"]:
                report = rig.try_run("apply", report["fingerprint"]).summary
            if not report["planned"] and not rig.waiting():
                break
            rig.clock.move(hours=1)
        self._insist_on_what_was_pushed()
        rig.forget_calls()
        rig.sweep()
        assert rig.writes() == []

    def _insist_on_what_was_pushed(self) -> None:
        state, wanted = self.rig.state(), self.pushed.users()
        found = users_in(state, set(NAMES))
        assert {name: roles for name, roles in found.items() if name in wanted} == wanted, self.rig.drift()
        assert set(found) - set(wanted) <= self.made_by_hand
        assert groups_in(state) == self.pushed.groups(), self.rig.drift()
        assert self.rig.drift() == []


def _as_scim(roles: set[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"type": type_, "value": value} for type_, value in sorted(roles)]


def test_whatever_is_pushed_done_by_hand_or_goes_wrong_the_promises_hold(sqlite_template: Path) -> None:
    deep = os.environ.get("BRIDGE_MACHINE") == "deep"
    machine = type("Machine", (Bridge,), {"template": sqlite_template})
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine,
        settings=settings(
            max_examples=400 if deep else 15,
            stateful_step_count=50 if deep else 30,
            derandomize=not deep,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
