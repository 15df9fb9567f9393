"""What a plan may not do without a person."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner
from structlog.testing import capture_logs

from app.cli import common, main
from app.store import audit
from tests.reconcile.conftest import MakeRig
from tests.rig import POLICY, Rig, roles

STRICT = POLICY.replace(
    "guards: {min_admins: 0}",
    "guards: {min_admins: 0, floor: 2, removals: {users: {count: 3, percent: 100}, members: {count: 3, percent: 100}}}",
)


def hire(rig: Rig, number: int) -> list[str]:
    """Push so many users, all in one group."""
    people = [rig.create_user(f"user{n}@acme.com") for n in range(number)]
    rig.create_group("tecton-fraud", *people)
    rig.settle()
    return people


def hire_and_lose(rig: Rig, number: int) -> list[str]:
    """Push so many users, and then that all of them leave at once."""
    people = hire(rig, number)
    for person in people:
        rig.set_active(person, False)
    rig.settle()
    return people


def left(rig: Rig) -> int:
    return sum(user["userName"].startswith("user") for user in rig.state()["users"])


def test_more_leavers_than_the_limit_are_held_and_the_rest_leave(make_rig: MakeRig) -> None:
    rig = make_rig(policy=STRICT)
    rig.run()
    hire_and_lose(rig, 10)
    report = rig.run()
    assert left(rig) == 7
    assert report["held"] == 7
    assert "7 users would be removed after 3 in the last 60 minutes" in report["objections"][0]["sentence"]


def test_a_burst_drained_one_by_one_is_held_too(make_rig: MakeRig) -> None:
    rig = make_rig(policy=STRICT)
    rig.run()
    for person in hire(rig, 10):
        rig.set_active(person, False)
        rig.settle()
    assert left(rig) == 7


def test_the_next_window_lets_single_leavers_flow_again(make_rig: MakeRig) -> None:
    rig = make_rig(policy=STRICT)
    rig.run()
    people = hire(rig, 10)
    for person in people[:3]:
        rig.set_active(person, False)
    rig.settle()
    rig.clock.move(hours=2)
    rig.set_active(people[3], False)
    rig.settle()
    assert left(rig) == 6


def held_leavers(rig: Rig) -> list[str]:
    """Let ten people leave at once, of whom three go and seven are held; return all ten."""
    rig.run()
    people = hire_and_lose(rig, 10)
    rig.run()
    assert left(rig) == 7
    return people


def test_what_is_held_stays_held_however_much_time_passes_and_the_next_leaver_goes(make_rig: MakeRig) -> None:
    rig = make_rig(policy=STRICT)
    held_leavers(rig)
    for _ in range(3):
        rig.clock.move(hours=2)
        report = rig.run()
        assert (left(rig), report["held"]) == (7, 7)
    other = rig.create_user("other@acme.com")
    rig.settle()
    rig.set_active(other, False)
    rig.settle()
    assert rig.user("other@acme.com") is None
    report = rig.run("apply", rig.run()["fingerprint"])
    assert (report["applied"], report["held"], left(rig)) == (7, 0, 0)


def test_what_waits_although_its_reason_faded_says_so(make_rig: MakeRig) -> None:
    rig = make_rig(policy=STRICT)
    people = held_leavers(rig)
    for person in people[:-1]:
        rig.set_active(person, True)
    rig.settle()
    rig.clock.move(hours=2)
    report = rig.run()
    assert (report["held"], [of["guard"] for of in report["objections"]]) == (1, ["removals"])
    assert report["objections"][0]["sentence"].startswith("1 removal was held before, and waits for a person or the ")


def test_who_came_back_may_leave_again_without_a_person(make_rig: MakeRig) -> None:
    rig = make_rig(policy=STRICT)
    people = held_leavers(rig)
    rig.clock.move(hours=2)
    (still,) = [n for n in range(10) if rig.user(f"user{n}@acme.com")][:1]
    rig.set_active(people[still], True)
    rig.settle()
    rig.set_active(people[still], False)
    rig.settle()
    assert rig.user(f"user{still}@acme.com") is None
    assert left(rig) == 6


def test_who_is_held_keeps_memberships_whatever_else_is_pushed_of_the_group(make_rig: MakeRig) -> None:
    rig = make_rig(policy=STRICT)
    held_leavers(rig)
    rig.clock.move(hours=2)
    new = rig.create_user("new@acme.com")
    with rig.database.read() as connection:
        group = connection.exec_driver_sql("SELECT id FROM resources WHERE type = 'Group'").scalar_one()
    rig.patch(f"/Groups/{group}", {"op": "add", "path": "members", "value": [{"value": new}]})
    rig.settle()
    members = rig.members("fraud")
    assert "new@acme.com" in members
    assert len(members) == 8
    rig.run("apply", rig.run()["fingerprint"])
    assert rig.members("fraud") == {"new@acme.com"}


def test_what_is_held_is_blocked_in_the_drift_report_with_the_reason(make_rig: MakeRig) -> None:
    rig = make_rig(policy=STRICT)
    held_leavers(rig)
    items = rig.drift()
    assert {item["class"] for item in items} == {"blocked"}
    assert len(items) == 14  # seven people, and the membership of each
    assert all(item["error"].startswith("held by a guard: 7 users would be removed") for item in items)


def test_an_emptied_group_is_held_while_grants_go_on(make_rig: MakeRig) -> None:
    rig = make_rig(policy=STRICT)
    rig.run()
    hire(rig, 10)
    with rig.database.read() as connection:
        group = connection.exec_driver_sql("SELECT id FROM resources WHERE type = 'Group'").scalar_one()
    rig.patch(f"/Groups/{group}", {"op": "replace", "path": "members", "value": []})
    rig.create_user("new@acme.com", title="Auditor")
    rig.settle()
    assert len(rig.members("fraud")) == 10
    assert roles(rig.user("new@acme.com")) == {("all_workspaces", "viewer")}


def test_an_approved_plan_is_applied(make_rig: MakeRig) -> None:
    rig = make_rig(policy=STRICT)
    rig.run()
    hire_and_lose(rig, 10)
    held = rig.run()
    assert [sentence.partition(" (")[0] for sentence in held["held_effects"]] == ["7"] * 2
    report = rig.run("apply", held["fingerprint"])
    assert (report["applied"], report["held"], left(rig)) == (7, 0, 0)


def test_what_was_held_by_which_guard_and_what_came_of_an_approval_is_in_the_audit_log(make_rig: MakeRig) -> None:
    rig = make_rig(policy=STRICT)
    rig.run()
    hire_and_lose(rig, 10)
    held = rig.run()
    assert rig.run()["fingerprint"] == held["fingerprint"]  # held again by every sweep, and noted once
    rig.run("apply", held["fingerprint"])
    rig.run("apply", held["fingerprint"])
    with rig.database.read() as connection:
        found = [row for row in audit.list_rows(connection, who=held["fingerprint"]) if row.kind == "plan"]
    events = ["held", "approved", "approval carried out", "approved", "approval without effect"]
    assert [row.event for row in found] == events
    assert found[0].who == "bridge" and found[0].detail.startswith("removals: 10 users would be")
    assert (found[2].who, found[2].detail) == ("test", "7 applied, 0 failed, 0 held")
    assert found[4].detail.startswith("0 applied, 0 failed, 0 held")


def test_an_approved_burst_does_not_hold_the_next_leaver(make_rig: MakeRig) -> None:
    rig = make_rig(policy=STRICT)
    rig.run()
    people = hire(rig, 10)
    for person in people[:8]:
        rig.set_active(person, False)
    rig.settle()
    rig.clock.move(minutes=50)
    assert rig.run("apply", rig.run()["fingerprint"])["applied"] == 5
    rig.clock.move(minutes=20)  # the three that went by themselves do not count any more
    rig.set_active(people[8], False)
    rig.settle()
    assert left(rig) == 1


def test_who_approved_what_was_removed_is_recorded(make_rig: MakeRig) -> None:
    rig = make_rig(policy=STRICT)
    rig.run()
    hire_and_lose(rig, 10)
    rig.run("apply", rig.run()["fingerprint"])
    with rig.database.read() as connection:
        columns = "approved_by, count(*), sum(removed_users)"
        rows = connection.exec_driver_sql(f"SELECT {columns} FROM outcomes WHERE removal GROUP BY approved_by").all()
    assert {tuple(row) for row in rows} == {(None, 3, 3), ("test", 7, 0)}


def _nameless(error: type[Exception]) -> Callable[[], str]:
    def getuser() -> str:
        raise error("uid not found: 10001")

    return getuser


@pytest.mark.parametrize(
    ("getuser", "name", "who"),
    [
        (lambda: "ana", "ana", "command by ana"),
        (_nameless(OSError), "command", "command"),
        (_nameless(KeyError), "command", "command"),
    ],
)
def test_who_approved_by_a_command_is_recorded(
    make_rig: MakeRig, monkeypatch: pytest.MonkeyPatch, getuser: Callable[[], str], name: str, who: str
) -> None:
    rig = make_rig(policy=STRICT)
    rig.run()
    hire_and_lose(rig, 4)
    fingerprint = rig.run()["fingerprint"]
    monkeypatch.setattr(getpass, "getuser", getuser)
    report = approve(rig, monkeypatch, fingerprint)
    assert (report["failed"], report["held"], left(rig)) == (0, 0, 0)
    with rig.database.read() as connection:
        approvals = {row.who for row in audit.list_rows(connection, who=name) if row.event == "approved"}
        runs = connection.exec_driver_sql("SELECT DISTINCT requested_by FROM runs WHERE approve IS NOT NULL")
        outcomes = connection.exec_driver_sql("SELECT DISTINCT approved_by FROM outcomes WHERE approved_by IS NOT NULL")
        assert (approvals, runs.scalars().all(), outcomes.scalars().all()) == ({who}, [who], [who])


def approve(rig: Rig, monkeypatch: pytest.MonkeyPatch, fingerprint: str) -> dict[str, Any]:
    """Approve a held plan by the command, as its user does while no process leads; return its report."""
    rig.engine.worker.release()
    monkeypatch.setattr("app.cli.apply.prepare", lambda: (rig.settings, rig.database))
    monkeypatch.setattr(common, "build_engine", lambda *_: rig.start_engine())
    monkeypatch.setattr(common, "utc_now", rig.clock)
    with capture_logs():
        said = CliRunner().invoke(main, ["apply", "--approve", fingerprint, "--json"], catch_exceptions=False)
    assert said.exit_code == 0, said.stderr
    report: dict[str, Any] = json.loads(said.stdout)
    return report


def test_approving_something_else_than_what_is_held_applies_nothing_of_it(make_rig: MakeRig) -> None:
    rig = make_rig(policy=STRICT)
    rig.run()
    people = hire(rig, 10)
    for person in people[:8]:
        rig.set_active(person, False)
    rig.settle()
    held = rig.run()
    rig.set_active(people[8], False)
    rig.settle()
    report = rig.run("apply", held["fingerprint"])
    assert left(rig) == 7
    assert "moved since" in report["notes"][0]
    assert report["fingerprint"] != held["fingerprint"]


def test_the_last_admin_is_kept(make_rig: MakeRig) -> None:
    policy = POLICY.replace("min_admins: 0", "min_admins: 2")
    rig = make_rig(policy=policy)
    rig.run()
    ana = rig.create_user("ana@acme.com")
    rig.create_group("tecton-admins", ana)
    rig.settle()
    rig.set_active(ana, False)
    rig.settle()
    report = rig.run()
    assert rig.user("ana@acme.com")
    assert report["objections"][0]["guard"] == "min_admins"
    rig.run("apply", report["fingerprint"])
    assert rig.user("ana@acme.com")


def test_an_admin_who_was_one_at_the_last_sweep_only_does_not_count_as_left(make_rig: MakeRig) -> None:
    """Between sweeps somebody is taken out of the admins by hand; then another one leaves."""
    rig = make_rig(policy=POLICY.replace("min_admins: 0", "min_admins: 2"))
    rig.run()
    ana, ben = rig.create_user("ana@acme.com"), rig.create_user("ben@acme.com")
    rig.create_group("tecton-admins", ana, ben)
    rig.settle()
    rig.by_hand("groups/admins/members", remove=["ben@acme.com"])
    rig.set_active(ana, False)
    rig.tick(seconds=0)
    assert "ana@acme.com" in rig.members("admins")
    rig.run()
    assert rig.members("admins") == {"ben@acme.com"}


def lag(rig: Rig) -> None:
    """Let Tecton tell what was so half a minute ago, to everybody who asks."""
    rig.fault({"kind": "stale", "seconds": 30}, path_regex="/api/", times=0)


def admins(rig: Rig) -> set[str]:
    """Return the people who are admin in Tecton, themselves or through the group."""
    direct = {user["userName"] for user in rig.state()["users"] if ("account_type", "admin") in roles(user)}
    return direct | rig.members("admins")


ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
TWO_ADMINS = POLICY.replace("min_admins: 0", "min_admins: 2").replace(
    "guards:", "  - {name: bosses, to: {where: 'title eq \"Boss\"'}, roles: [{account: admin}]}\nguards:"
)


def leave(rig: Rig, person: str) -> None:
    rig.set_active(person, False)


def be_demoted(rig: Rig, person: str) -> None:
    rig.patch(f"/Users/{person}", {"op": "replace", "path": "title", "value": "Guest"})


@ON_SQLITE
@pytest.mark.parametrize("look", ["drain", "sweep", "another process"])
@pytest.mark.parametrize("go", [leave, be_demoted])
def test_an_admin_from_whom_the_bridge_just_took_it_does_not_count_though_reads_lag(
    make_rig: MakeRig, go: Callable[[Rig, str], None], look: str
) -> None:
    rig = make_rig(policy=TWO_ADMINS)
    rig.run()
    ana, ben = (rig.create_user(f"{name}@acme.com", title="Boss") for name in ("ana", "ben"))
    rig.settle()
    rig.clock.move(minutes=1)
    rig.run()
    go(rig, ana)
    rig.tick(seconds=3)
    assert admins(rig) == {"admin@example.com", "ben@acme.com"}
    lag(rig)
    if look == "another process":
        rig.engine.worker.release()
        rig.engine.close()
        rig.engine = rig.start_engine()
    rig.set_active(ben, False)
    if look == "drain":
        rig.tick(seconds=0)
    rig.run()
    rig.tick(seconds=3)
    assert admins(rig) == {"admin@example.com", "ben@acme.com"}


@ON_SQLITE
@pytest.mark.parametrize(("members", "looks"), [("remove", 0), ("report", 0), ("report", 1)])
def test_a_member_whom_the_bridge_just_deleted_is_no_admin_though_reads_lag(
    make_rig: MakeRig, members: str, looks: int
) -> None:
    rig = make_rig(policy=f"{TWO_ADMINS}unmanaged: {{members: {members}}}\n")
    rig.run()
    ana, ben = rig.create_user("ana@acme.com"), rig.create_user("ben@acme.com", title="Boss")
    rig.create_group("tecton-admins", ana)
    rig.settle()
    rig.clock.move(minutes=1)
    rig.run()
    rig.set_active(ana, False)
    rig.tick(seconds=3)
    lag(rig)
    for _ in range(looks):
        rig.run()
    rig.set_active(ben, False)
    rig.tick(seconds=3)
    assert admins(rig) == {"admin@example.com", "ben@acme.com"}


@ON_SQLITE
def test_an_admin_who_got_it_back_counts_again_at_once(make_rig: MakeRig) -> None:
    rig = make_rig(policy=POLICY.replace("min_admins: 0", "min_admins: 2"))
    rig.run()
    ana, ben = rig.create_user("ana@acme.com"), rig.create_user("ben@acme.com")
    rig.create_group("tecton-admins", ana, ben)
    rig.settle()
    rig.set_active(ana, False)
    rig.settle()
    rig.set_active(ana, True)
    rig.settle()
    rig.set_active(ben, False)
    rig.settle()
    assert admins(rig) == {"admin@example.com", "ana@acme.com"}


def test_the_bridges_own_account_is_never_touched(make_rig: MakeRig) -> None:
    rig = make_rig(policy=POLICY + "\nunmanaged: {users: remove, groups: remove, service_accounts: remove}\n")
    rig.by_hand("groups", displayName="bridge admins", members=["scim-bridge"])
    before = rig.account("scim-bridge")
    rig.run()
    after = rig.account("scim-bridge")
    assert after == before
    assert rig.members("bridge admins") == {"scim-bridge"}


def test_a_protected_user_keeps_everything(make_rig: MakeRig) -> None:
    rig = make_rig(policy=POLICY + "\nprotected: {users: [Breakglass@acme.com]}\n")
    rig.by_hand("users", userName="breakglass@acme.com", givenName="B", familyName="G")
    grant = {"principal_type": "user", "principal": "breakglass@acme.com"}
    rig.by_hand("assign", type="account_type", value="admin", **grant)
    person = rig.create_user("breakglass@acme.com")
    rig.run()
    rig.set_active(person, False)
    rig.settle()
    rig.run()
    assert roles(rig.user("breakglass@acme.com")) == {("account_type", "admin")}


def test_a_protected_user_is_neither_put_into_a_group_nor_out_of_it_by_a_push_to_it(make_rig: MakeRig) -> None:
    """A drain looks at the group alone, and must know its members for what they are all the same."""
    rig = make_rig(policy=POLICY + "\nprotected: {users: [Breakglass@acme.com]}\n")
    rig.by_hand("users", userName="breakglass@acme.com", givenName="B", familyName="G")
    ana, breakglass = rig.create_user("ana@acme.com"), rig.create_user("breakglass@acme.com")
    fraud = rig.create_group("tecton-fraud", ana)
    rig.run()
    rig.by_hand("groups/fraud/members", add=["breakglass@acme.com"])
    rig.run()
    rig.patch(f"/Groups/{fraud}", {"op": "remove", "path": f'members[value eq "{ana}"]'})
    rig.create_group("tecton-risk", ana, breakglass)
    rig.settle()
    assert rig.members("fraud") == {"breakglass@acme.com"}
    assert rig.members("risk") == {"ana@acme.com"}
    assert [item["sentence"] for item in rig.drift() if "group" in item["sentence"]] == [
        "user breakglass@acme.com is not put into group risk: it is protected",
        "user breakglass@acme.com stays in group fraud: it is protected",
    ]


def test_an_emptied_list_changes_nothing(make_rig: MakeRig) -> None:
    rig = make_rig(policy=STRICT)
    rig.run()
    hire(rig, 10)
    rig.run()
    rig.forget_calls()
    rig.fault({"kind": "empty_list"}, path_regex="/Users$", times=0)
    report = rig.run()
    assert report["objections"][0]["guard"] == "listing"
    assert rig.writes() == []
    rig.heal()
    assert rig.run()["planned"] == 0


def test_a_list_that_a_person_believes_is_not_said_to_have_moved(make_rig: MakeRig) -> None:
    rig = make_rig(policy=STRICT)
    rig.run()
    hire(rig, 4)
    rig.run()
    for number in range(4):
        rig.tecton.delete(f"/_sandbox/users/user{number}@acme.com")
    held = rig.run()
    assert (held["objections"][0]["guard"], left(rig)) == ("listing", 0)
    report = rig.run("apply", held["fingerprint"])
    assert (report["notes"], report["held"], left(rig)) == ([], 0, 4)
    with rig.database.read() as connection:
        of_plan = f"SELECT status, approved_by FROM plans WHERE fingerprint = '{held['fingerprint']}'"
        assert tuple(connection.exec_driver_sql(of_plan).one()) == ("applied", "test")


def test_a_failing_list_changes_nothing(rig: Rig) -> None:
    hire(rig, 3)
    rig.run()
    rig.forget_calls()
    rig.fault({"kind": "status", "status": 500}, path_regex="/Groups$", method="GET", times=0)
    assert rig.try_run().status == "failed"
    assert rig.writes() == []


def test_more_service_accounts_than_the_limit_are_held(make_rig: MakeRig) -> None:
    accounts = ", ".join(f"{{name: scoring-{n:02}}}" for n in range(10))
    rig = make_rig(policy=f"{STRICT}\nservice_accounts: [{accounts}]\n")
    rig.run()
    rig.policy_file.write_text(f"{STRICT}\nservice_accounts: []\n# of another size\n")
    report = rig.run()
    active = [of for of in rig.state()["service_accounts"] if of["name"].startswith("scoring") and of["active"]]
    assert (len(active), report["held"]) == (8, 8)
    assert report["objections"][0]["sentence"].startswith("10 service accounts would be removed, out of ")
