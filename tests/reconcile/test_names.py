"""Names that change hands: who swap names, chains of renames, and names that are not free yet."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from app.core.identity import Kind, Principal
from app.jobs import worker
from app.store.database import Database
from app.store.obstacles import obstacles
from tests.conftest import Clock
from tests.reconcile.conftest import MakeRig
from tests.reconcile.wire import Strike
from tests.reconcile.wired import WiredRig
from tests.rig import POLICY, Rig, roles

ASIDE = "bridge-renaming-"
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def rename(rig: Rig, group: str, name: str) -> None:
    rig.patch(f"/Groups/{group}", {"op": "replace", "path": "displayName", "value": f"tecton-{name}"})


def groups_named(rig: Rig, *names: str) -> dict[str, str]:
    """Push groups, each with a member of its own, a moment apart: ids tell the time. Return the bridge's ids."""
    found = {}
    for name in names:
        found[name] = rig.create_group(f"tecton-{name}", rig.create_user(f"in-{name}@acme.com"))
        rig.clock.move(milliseconds=1)
    return found


def who_is(rig: Rig, *names: str) -> list[tuple[str, set[str]]]:
    """Return the Tecton id and the members of each group, with its roles: what a rename must not touch."""
    found = [rig.group(name) for name in names]
    return [(of["id"], rig.members(of["displayName"]) | {str(roles(of))}) for of in found if of]


def statuses(rig: Rig) -> list[int]:
    """Return how the writes ended that a name can be the matter of: done, or 409."""
    return [call["status"] for call in rig.calls() if call["kind"] == "write" and call["status"] in (200, 201, 409)]


def swap(rig: Rig, groups: dict[str, str]) -> None:
    """Push that a and b swap their names, which takes three pushes."""
    rename(rig, groups["a"], "between")
    rename(rig, groups["b"], "a")
    rename(rig, groups["a"], "b")


def test_two_groups_that_swap_names_are_the_same_groups_afterwards(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run()
    groups = groups_named(rig, "a", "b")
    rig.settle()
    before = who_is(rig, "a", "b")
    rig.forget_calls()
    swap(rig, groups)
    rig.tick(seconds=3)
    assert who_is(rig, "b", "a") == before
    assert statuses(rig) == [200, 200, 200]
    assert (rig.drift(), rig.waiting(), rig.run()["planned"]) == ([], 0, 0)


@ON_SQLITE
def test_groups_that_pass_their_names_round_do_so_when_the_first_of_them_is_due(rig: Rig) -> None:
    groups = groups_named(rig, "a", "b", "c")
    rig.settle()
    before = who_is(rig, "a", "b", "c")
    rig.forget_calls()
    rename(rig, groups["a"], "between")
    rig.clock.move(seconds=1.5)
    for name, new in (("c", "a"), ("b", "c"), ("a", "b")):
        rename(rig, groups[name], new)
    rig.tick(seconds=1)
    assert who_is(rig, "b", "c", "a") == before
    assert statuses(rig) == [200] * 4


@ON_SQLITE
def test_a_chain_that_is_longer_than_a_drain_is_renamed_from_its_free_end(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups = groups_named(rig, "a", "b", "c")
    rig.settle()
    before = who_is(rig, "a", "b", "c")
    rig.forget_calls()
    monkeypatch.setattr(worker, "DRAIN_LIMIT", 1)
    rename(rig, groups["a"], "first in the queue")
    for name, new in (("c", "d"), ("b", "c"), ("a", "b")):
        rename(rig, groups[name], new)
    rig.create_group("tecton-a")
    rig.tick(seconds=3)
    assert who_is(rig, "b", "c", "d") == before
    rig.settle()
    assert (rig.members("a"), statuses(rig)) == (set(), [200, 200, 200, 201])


@ON_SQLITE
def test_a_name_that_is_given_up_and_taken_in_one_drain_is_given_up_first(rig: Rig) -> None:
    groups = groups_named(rig, "a")
    rig.settle()
    rig.forget_calls()
    rename(rig, groups["a"], "b")
    rig.create_group("tecton-a", rig.create_user("new@acme.com"))
    rig.tick(seconds=3)
    assert (rig.members("a"), rig.members("b")) == ({"new@acme.com"}, {"in-a@acme.com"})
    assert statuses(rig) == [200, 201, 201]


@ON_SQLITE
def test_who_waits_for_a_rename_that_fails_goes_on_when_it_works(rig: Rig) -> None:
    groups = groups_named(rig, "a", "b")
    rig.settle()
    before, (_, (b, _)) = who_is(rig, "a", "b"), who_is(rig, "a", "b")
    rig.fault({"kind": "status", "status": 500}, path_regex=f"Groups/{b}", method="PUT", times=0)
    swap(rig, groups)
    rig.tick(seconds=3)
    told = [(item["class"], item["name"].startswith(ASIDE), item["error"]) for item in rig.drift()]
    assert ("blocked", True, "it waits until the group that is called b in Tecton has another name") in told
    rig.heal()
    rig.forget_calls()
    rig.settle()
    assert who_is(rig, "b", "a") == before
    assert (statuses(rig), rig.drift()) == ([200, 200], [])


PEOPLE = POLICY.replace("provision: {", "provision: {service_accounts: 'userType eq \"Service\"', ")


@ON_SQLITE
@pytest.mark.parametrize("kind", ["user", "account"])
def test_people_and_service_accounts_that_swap_names_keep_what_they_have(make_rig: MakeRig, kind: str) -> None:
    rig = make_rig(policy=PEOPLE, knobs={"user_name_change": "allow"})
    rig.run()
    more, named = {"user": ({}, rig.user), "account": ({"userType": "Service"}, rig.account)}[kind]
    x, y = rig.create_user("x@acme.com", title="Auditor", **more), rig.create_user("y@acme.com", **more)
    rig.create_group("tecton-fraud", x)
    rig.settle()
    before = named("x@acme.com"), named("y@acme.com")
    for person, name in ((x, "z@acme.com"), (y, "x@acme.com"), (x, "y@acme.com")):
        rig.patch(f"/Users/{person}", {"op": "replace", "path": "userName", "value": name})
    rig.tick(seconds=3)
    after = named("y@acme.com"), named("x@acme.com")
    assert [(of["id"], roles(of)) for of in after if of] == [(of["id"], roles(of)) for of in before if of]
    assert rig.members("fraud") == {"y@acme.com"}


@ON_SQLITE
def test_people_who_cannot_be_renamed_at_all_are_tried_once_and_keep_everything(rig: Rig) -> None:
    x, y = rig.create_user("x@acme.com", title="Auditor"), rig.create_user("y@acme.com")
    rig.settle()
    rig.forget_calls()
    for person, name in ((x, "z@acme.com"), (y, "x@acme.com"), (x, "y@acme.com")):
        rig.patch(f"/Users/{person}", {"op": "replace", "path": "userName", "value": name})
    rig.tick(seconds=3)
    assert [call["status"] for call in rig.calls() if call["method"] == "PUT"].count(400) == 1
    assert roles(rig.user("x@acme.com")) == {("all_workspaces", "viewer")}
    assert {item["class"] for item in rig.drift()} == {"failing", "blocked"}


@pytest.mark.parametrize(
    ("kind", "nth"), [("crash_after", 2), ("crash_after", 4), ("crash_after", 6), ("lost_reply", 2)]
)
def test_a_swap_is_ended_by_whoever_leads_after_a_crash(
    sqlite_template: Path, tmp_path: Path, clock: Clock, kind: str, nth: int
) -> None:
    """Every other call is a PUT: the first gives a group the name of the bridge's own."""
    shutil.copy(sqlite_template, tmp_path / "bridge.db")
    rig = WiredRig(Database(f"sqlite:///{tmp_path / 'bridge.db'}"), clock, tmp_path)
    rig.sweep()
    groups = groups_named(rig, "a", "b")
    rig.settle()
    before = who_is(rig, "a", "b")
    swap(rig, groups)
    assert rig.wire
    rig.wire.strikes = (Strike(kind, len(rig.wire.calls) + nth),)
    rig.go_on(lambda: rig.tick(seconds=3))
    assert len(rig.wire.struck) == 1
    rig.sweep()
    rig.settle()
    assert who_is(rig, "b", "a") == before
    assert rig.sweep()["planned"] == 0
    rig.close()
    rig.database.dispose()


BURST = POLICY.replace(
    "guards: {min_admins: 0}", "guards: {min_admins: 0, floor: 2, removals: {users: {count: 2, percent: 1}}}"
)
TEAM = [f"p{number}@acme.com" for number in range(6)]


def ids_of(rig: Rig) -> dict[str, Any]:
    return {user["userName"]: user["id"] for user in rig.state()["users"] if user["userName"] in TEAM}


def test_people_who_are_deleted_and_pushed_anew_wait_for_the_approval_without_a_call(make_rig: MakeRig) -> None:
    rig = make_rig(policy=BURST)
    rig.run()
    people = [rig.create_user(name) for name in TEAM]
    group = rig.create_group("tecton-team", *people)
    rig.settle()
    before = ids_of(rig)
    for person in people:
        rig.push("DELETE", f"/Users/{person}")
    rig.settle()
    left = ids_of(rig)
    rig.forget_calls()
    anew = [rig.create_user(name) for name in TEAM]
    rig.patch(f"/Groups/{group}", {"op": "add", "path": "members", "value": [{"value": of} for of in anew]})
    rig.settle()
    report = rig.run()
    rig.tick(minutes=30)
    # Two of them were let go, and are created; with them in it, the group is written.
    assert statuses(rig) == [201, 201, 200]

    plan = f"which a guard holds: approve plan {report['fingerprint']}"
    assert (report["held"], report["drift"]["blocked"], report["drift"]["failing"]) == (4, 12, 0)
    assert report["notes"] == [f"4 wait for the deletion of somebody of the same name, {plan}"]
    blocked = [item for item in rig.drift() if item["class"] == "blocked"]
    waiting = {item["name"]: item for item in blocked if not item["error"].startswith("held by a guard")}
    name = next(iter(left))
    reason = f"it waits for the deletion of the former user {name}, {plan}"
    assert waiting.keys() == left.keys()
    assert waiting[name]["error"] == reason
    with rig.database.read() as connection:
        found = obstacles(connection, Principal(Kind.USER, waiting[name]["principal"][1]))
    assert found == [f"user {name} should exist: {reason}"]

    report = rig.run("apply", report["fingerprint"])
    assert (report["held"], report["failed"], report["drift"]["blocked"]) == (0, 0, 0)
    assert rig.members("team") == set(TEAM)
    assert ids_of(rig).keys() == before.keys()
    assert not set(ids_of(rig).values()) & set(before.values())
    assert (rig.drift(), rig.run()["planned"]) == ([], 0)
