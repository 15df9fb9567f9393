"""What comes together: a push while a sweep writes, a policy that is reloaded, names that clash, guards and graces."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.reconcile.conftest import MakeRig
from tests.rig import ADMIN_KEY, GROUP, POLICY, TECTON_URL, Rig, roles
from tests.wsgi_adapter import WsgiAdapter

Watch = Callable[[requests.PreparedRequest], None]
NO_GUARDS = "guards: {min_admins: 0}"
ADMIN_ROLE = ("account_type", "admin")


def nothing(_: requests.PreparedRequest) -> None:
    """Watch without doing anything."""


def watch_calls(monkeypatch: pytest.MonkeyPatch, *, before: Watch = nothing, after: Watch = nothing) -> None:
    """Do something before, or after, each call to Tecton."""
    send = WsgiAdapter.send

    def sending(self: WsgiAdapter, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        before(request)
        answer = send(self, request, *args, **options)
        after(request)
        return answer

    monkeypatch.setattr(WsgiAdapter, "send", sending)


def creates(request: requests.PreparedRequest, user_name: str) -> bool:
    body = json.loads(request.body) if request.body else {}
    return request.method == "POST" and body.get("userName") == user_name


def settled(rig: Rig) -> dict[str, Any]:
    rig.settle()
    return rig.run()


def test_who_leaves_while_a_sweep_creates_them_does_not_stay(
    make_rig: MakeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = make_rig()
    rig.run()
    leaver, other = rig.create_user("x@acme.com"), rig.create_user("y@acme.com")
    rig.create_group("tecton-fraud", leaver, other)
    drained = threading.Event()

    def hold_the_leaver(request: requests.PreparedRequest) -> None:
        if creates(request, "x@acme.com"):
            assert drained.wait(60)

    def push_the_leaving(request: requests.PreparedRequest) -> None:
        if creates(request, "y@acme.com"):
            rig.set_active(leaver, False)

    watch_calls(monkeypatch, before=hold_the_leaver, after=push_the_leaving)
    drain = rig.engine.worker.drain_due

    def drain_and_tell() -> None:
        is_pushed = rig.user("y@acme.com") is not None
        drain()
        if is_pushed:
            drained.set()

    monkeypatch.setattr(rig.engine.worker, "drain_due", drain_and_tell)
    rig.run()
    drained.set()
    rig.settle()
    assert rig.user("x@acme.com") is None


RULES = (
    "- {name: auditors, to: {where: 'title eq \"Auditor\"'}, roles: [{all_workspaces: viewer}]}",
    "- {name: bosses, to: {where: 'title eq \"Boss\"'}, roles: [{account: admin}]}",
)


def policy_of(*rules: str) -> str:
    listed = "\n".join(f"  {rule}" for rule in rules)
    return f"version: 1\ngrants:\n{listed}\n{NO_GUARDS}\n"


def test_a_policy_that_is_reordered_while_a_sweep_reads_gives_nobody_anothers_role(
    make_rig: MakeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = make_rig(policy=policy_of(*RULES))
    auditor = rig.create_user("x@acme.com", title="Auditor")
    rig.run()
    settled(rig)
    pushed: list[str] = []
    given: list[str] = []

    def reorder(request: requests.PreparedRequest) -> None:
        if request.method == "GET" and not pushed:
            pushed.append(auditor)
            rig.policy_file.write_text(policy_of(*reversed(RULES)) + "# of another size\n")
            rig.patch(f"/Users/{auditor}", {"op": "replace", "path": "nickName", "value": "Xi"})
            rig.clock.move(seconds=3)
        if request.method == "PUT":
            given.append(str(request.body))

    watch_calls(monkeypatch, before=reorder)
    rig.run()
    assert roles(rig.user("x@acme.com")) == {("all_workspaces", "viewer")}
    assert [body for body in given if "admin" in body] == []


def test_a_push_after_the_policy_became_shorter_is_read_by_the_new_one(make_rig: MakeRig) -> None:
    rig = make_rig(policy=POLICY.replace("guards:", f"  {RULES[1]}\nguards:"))
    rig.run()
    group = rig.create_group("tecton-fraud", rig.create_user("boss@acme.com", title="Boss"))
    settled(rig)
    rig.policy_file.write_text(POLICY)
    rig.patch(f"/Groups/{group}", {"op": "add", "path": "members", "value": [{"value": rig.create_user("b@acme.com")}]})
    rig.settle()
    assert rig.members("fraud") == {"boss@acme.com", "b@acme.com"}


def test_a_user_name_that_is_no_address_any_more_deletes_nobody(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run()
    user = rig.create_user("x@acme.com")
    rig.create_group("tecton-fraud", user)
    rig.settle()
    rig.patch(f"/Users/{user}", {"op": "replace", "path": "userName", "value": "x"})
    settled(rig)
    assert rig.members("fraud") == {"x@acme.com"}
    assert [item["class"] for item in rig.drift()] == ["blocked"]


def test_an_address_that_is_somebody_elses_deletes_neither(make_rig: MakeRig) -> None:
    rig = make_rig(policy=POLICY.replace("names: {", "names: {user: email, "))
    rig.run()
    people = {name: rig.create_user(name, emails=_mail(f"{name}@acme.com")) for name in ("x", "y")}
    settled(rig)
    for name, other in (("x", "y"), ("y", "x")):
        rig.patch(f"/Users/{people[name]}", {"op": "replace", "path": "emails", "value": _mail(f"{other}@acme.com")})
        settled(rig)
        assert rig.user("x@acme.com")
        assert rig.user("y@acme.com")
        rig.patch(f"/Users/{people[name]}", {"op": "replace", "path": "emails", "value": _mail(f"{name}@acme.com")})
        settled(rig)


def _mail(address: str) -> list[dict[str, Any]]:
    return [{"value": address, "type": "work", "primary": True}]


def test_a_group_of_admins_that_cannot_be_read_keeps_nobody_elses_leaving_back(make_rig: MakeRig) -> None:
    rig = make_rig(policy=POLICY.replace(NO_GUARDS, "guards: {min_admins: 1}"))
    rig.run()
    admins, leaver = [rig.create_user(f"a{n}@acme.com") for n in range(4)], rig.create_user("z@acme.com")
    rig.create_group("tecton-admins", *admins)
    settled(rig)
    group = rig.group("admins")
    assert group
    rig.fault({"kind": "status", "status": 500}, path_regex=f"Groups/{group['id']}", method="GET", times=0)
    rig.set_active(admins[0], False)
    rig.tick(seconds=3)
    rig.set_active(leaver, False)
    for _ in range(10):
        rig.tick(minutes=2)
    assert rig.user("z@acme.com") is None
    rig.heal()
    rig.tick(hours=1)
    rig.settle()
    assert rig.user("a0@acme.com") is None


WITH_GRACE = POLICY.replace(NO_GUARDS, "guards: {min_admins: 0, grace: {users: 7d}}")


def test_a_leaver_in_a_grace_loses_memberships_though_another_process_leads_now(make_rig: MakeRig) -> None:
    rig = make_rig(policy=WITH_GRACE)
    rig.run()
    leaver = rig.create_user("x@acme.com")
    rig.create_group("tecton-fraud", leaver, rig.create_user("y@acme.com"))
    settled(rig)
    rig.set_active(leaver, False)
    rig.engine.worker.release()
    rig.engine.close()
    rig.engine = rig.start_engine()
    rig.settle()
    assert rig.members("fraud") == {"y@acme.com"}


def test_a_whole_team_that_leaves_in_a_grace_is_no_emptied_group(make_rig: MakeRig) -> None:
    rig = make_rig(policy=WITH_GRACE)
    rig.run()
    team = [rig.create_user(f"y{n}@acme.com") for n in range(7)]
    rig.create_group("tecton-fraud", *team)
    rig.create_group("tecton-rest", *(rig.create_user(f"o{n}@acme.com") for n in range(60)))
    settled(rig)
    for person in team:
        rig.set_active(person, False)
    settled(rig)
    assert rig.members("fraud") == set()


def test_an_approved_plan_that_was_halted_is_not_called_applied(make_rig: MakeRig) -> None:
    limits = "guards: {min_admins: 0, floor: 1, removals: {users: {count: 1, percent: 1}}}"
    rig = make_rig(policy=POLICY.replace(NO_GUARDS, limits))
    rig.run()
    people = [rig.create_user(f"a{n}@acme.com") for n in range(10)]
    settled(rig)
    for person in people:
        rig.set_active(person, False)
    held = settled(rig)["fingerprint"]
    for method in ("DELETE", "PUT"):
        rig.fault({"kind": "status", "status": 503}, path_regex="Users/", method=method, times=0)
    assert rig.run("apply", held)["applied"] == 0
    with rig.database.read() as connection:
        statuses = connection.exec_driver_sql(f"SELECT status FROM plans WHERE fingerprint = '{held}'").scalars().all()
    assert statuses != ["applied"]
    rig.heal()
    rig.clock.move(hours=2)
    assert rig.run("apply", rig.run()["fingerprint"])["held"] == 0


def test_where_tecton_does_not_tell_whose_the_key_is_no_account_that_is_admin_is_touched(make_rig: MakeRig) -> None:
    rig = make_rig(policy=POLICY + "unmanaged: {service_accounts: remove}\n")
    rig.fault({"kind": "status", "status": 404}, path_regex="introspect", times=0)
    rig.run()
    rig.run()
    account = rig.account("scim-bridge")
    assert account and account["active"]


def test_where_tecton_does_not_tell_whose_the_key_is_a_group_keeps_the_admin_of_its_accounts(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.fault({"kind": "status", "status": 404}, path_regex="introspect", times=0)
    rig.run()
    group = rig.create_group("tecton-admins", rig.create_user("ada@acme.com"))
    settled(rig)
    let_the_bridge_be_admin_through(rig, "admins")
    rig.run()
    rig.push("DELETE", f"/Groups/{group}")
    settled(rig)
    assert roles(rig.group("admins")) == {ADMIN_ROLE}
    assert [item["sentence"] for item in rig.drift() if item["class"] == "blocked"] == [
        "group admins is not deleted: service account scim-bridge must not lose it"
    ]
    rig.policy_file.write_text(POLICY.replace("  - {name: admins,", "  #- {name: admins,"))
    rig.run()
    assert roles(rig.group("admins")) == {ADMIN_ROLE}


def let_the_bridge_be_admin_through(rig: Rig, name: str) -> None:
    """Put the bridge's account into a group by hand, and take its own role of admin away."""
    account = rig.account("scim-bridge")
    assert account
    put_into_group(rig, name, account)
    path = f"ServiceAccounts/{account['id']}"
    by_hand(rig, "PUT", path, {**by_hand(rig, "GET", path), "roles": []})


def put_into_group(rig: Rig, name: str, account: dict[str, Any]) -> None:
    group = rig.group(name)
    assert group
    document = by_hand(rig, "GET", f"Groups/{group['id']}")
    document["members"].append({"value": account["id"], "type": "ServiceAccount"})
    by_hand(rig, "PUT", f"Groups/{group['id']}", document)


def by_hand(rig: Rig, method: str, path: str, document: Any = None) -> Any:
    """Call Tecton's SCIM as a person with an admin's key does."""
    session = rig.new_session()
    session.headers["Authorization"] = f"{rig.settings.tecton_scim_auth} {ADMIN_KEY}"
    path = path.replace("ServiceAccounts", rig.settings.tecton_service_accounts_path.strip("/"))
    answer = session.request(method, f"{TECTON_URL}/api/scim/v2/{path}", json=document)
    assert answer.ok, answer.text
    return answer.json()


def test_whose_the_key_is_is_asked_again_where_tecton_did_not_tell(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.fault({"kind": "status", "status": 404}, path_regex="introspect", times=0)
    rig.run()
    rig.heal()
    rig.run()
    assert rig.engine.worker.reconciler
    assert rig.engine.worker.reconciler.own_account() is None
    rig.clock.move(days=1, seconds=1)
    account = rig.account("scim-bridge")
    assert account
    assert rig.engine.worker.reconciler.own_account() == account["id"]


TIGHT = POLICY.replace(NO_GUARDS, "guards: {min_admins: 0, floor: 5, removals: {users: {count: 5, percent: 10}}}")


def push_at_the_first_write(monkeypatch: pytest.MonkeyPatch, rig: Rig, push: Callable[[], None]) -> None:
    """Push during a sweep's first write, and have the queue drained before its other writes reach Tecton."""
    begun, pushed, draining, drained = (threading.Event() for _ in range(4))
    drain = rig.engine.worker.drain_due

    def push_or_wait(request: requests.PreparedRequest) -> None:
        if request.method not in ("PUT", "DELETE") or draining.is_set():
            return
        if begun.is_set():
            assert drained.wait(60)
        else:
            begun.set()
            push()
            pushed.set()

    def drain_what_was_pushed() -> None:
        if pushed.is_set():
            draining.set()
            drain()
            drained.set()

    watch_calls(monkeypatch, before=push_or_wait)
    monkeypatch.setattr(rig.engine.worker, "drain_due", drain_what_was_pushed)


def test_who_leaves_while_a_sweep_takes_others_away_counts_with_them(
    make_rig: MakeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = make_rig(policy=TIGHT)
    rig.run()
    people = [rig.create_user(f"y{n:02}@acme.com", title="Guest" if n < 5 else "Staff") for n in range(40)]
    settled(rig)
    rig.policy_file.write_text(
        TIGHT.replace("provision: {", "provision: {users: 'active eq true and title eq \"Staff\"', ")
    )

    def five_leave() -> None:
        for person in people[5:10]:
            rig.set_active(person, False)

    push_at_the_first_write(monkeypatch, rig, five_leave)
    assert rig.run()["applied"] == 5
    rig.settle()
    assert sum(user["userName"].startswith("y") for user in rig.state()["users"]) == 35
    assert rig.run()["held"] == 5


def test_a_sweep_and_a_drain_leave_enough_admins_between_them(
    make_rig: MakeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    chiefs = RULES[1].replace("bosses", "chiefs").replace("Boss", "Chief")
    rig = make_rig(policy=policy_of(RULES[1], chiefs).replace("min_admins: 0", "min_admins: 2"))
    rig.run()
    people = [rig.create_user(f"y{n}@acme.com", title="Chief" if n < 2 else "Boss") for n in range(4)]
    settled(rig)
    rig.policy_file.write_text(policy_of(RULES[1]).replace("min_admins: 0", "min_admins: 2"))

    def the_others_change() -> None:
        for person in people[2:]:
            rig.patch(f"/Users/{person}", {"op": "replace", "path": "title", "value": "Guest"})
        rig.clock.move(seconds=3)

    push_at_the_first_write(monkeypatch, rig, the_others_change)
    assert rig.run()["applied"] == 2
    rig.settle()
    admins = {user["userName"] for user in rig.state()["users"] if ADMIN_ROLE in roles(user)}
    assert admins == {"admin@example.com", "y2@acme.com", "y3@acme.com"}


def test_a_group_that_is_deleted_and_pushed_anew_is_there_all_the_time(
    make_rig: MakeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = make_rig()
    rig.run()
    people = [rig.create_user(f"y{n}@acme.com") for n in range(3)]
    group = rig.create_group("tecton-fraud", *people)
    settled(rig)
    before = rig.group("fraud")
    rig.push("DELETE", f"/Groups/{group}")
    rig.create_group("tecton-fraud", *people[:2])
    rig.tick(seconds=3)
    after = rig.group("fraud")
    assert before and after
    assert (after["id"], after["roles"]) == (before["id"], before["roles"])
    assert rig.members("fraud") == {"y0@acme.com", "y1@acme.com"}
    assert settled(rig)["planned"] == 0


def test_a_group_that_gets_the_name_of_one_that_goes_does_not_wait(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run()
    person = rig.create_user("y@acme.com")
    old, new = (rig.create_group(f"tecton-{name}", person) for name in ("old", "new"))
    settled(rig)
    rig.push("DELETE", f"/Groups/{old}")
    rig.patch(f"/Groups/{new}", {"op": "replace", "path": "displayName", "value": "tecton-old"})
    rig.tick(seconds=3)
    assert rig.drift() == []
    assert (rig.members("old"), rig.group("new")) == ({"y@acme.com"}, None)


def test_a_service_account_that_is_pushed_again_is_active_again(make_rig: MakeRig) -> None:
    rig = make_rig(policy=POLICY.replace("provision: {", "provision: {service_accounts: 'userType eq \"Service\"', "))
    rig.run()
    robot = rig.create_user("robot", userType="Service")
    rig.settle()
    before = rig.account("robot")
    rig.push("DELETE", f"/Users/{robot}")
    rig.settle()
    inactive = rig.account("robot")
    assert before and inactive
    assert (before["active"], inactive["active"]) == (True, False)
    rig.create_user("robot", userType="Service")
    rig.settle()
    after = rig.account("robot")
    assert after
    assert (after["id"], after["active"]) == (before["id"], True)
    assert settled(rig)["planned"] == 0
    assert rig.drift() == []


def test_a_group_that_got_a_member_since_it_was_read_is_not_deleted_unseen(make_rig: MakeRig) -> None:
    """Somebody put a protected account into it by hand, and no sweep has seen that yet."""
    rig = make_rig(policy=POLICY + "protected: {service_accounts: [training]}\n")
    rig.run()
    group = rig.create_group("tecton-fraud", rig.create_user("y@acme.com"))
    settled(rig)
    account = rig.tecton.post("/_sandbox/service-accounts", json={"name": "training"}).get_json()
    rig.run()
    put_into_group(rig, "fraud", account)
    rig.push("DELETE", f"/Groups/{group}")
    rig.settle()
    assert rig.members("fraud") == {"y@acme.com", "training"}
    assert [item["sentence"] for item in rig.drift() if item["class"] == "blocked"] == [
        "group fraud is not deleted: service account training must not lose it"
    ]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_write_that_follows_another_undoes_nothing_of_it_though_reads_lag(make_rig: MakeRig) -> None:
    """Each write begins with a read, and what that shows is sent back."""
    rig = make_rig()
    rig.run()
    people = {name: rig.create_user(f"{name}@acme.com") for name in ("goes", "comes", "stays", "next")}
    group = rig.create_group("tecton-fraud", people["goes"], people["stays"], people["next"])
    settled(rig)
    rig.clock.move(minutes=1)
    push_members(rig, group, people, {"comes", "stays", "next"}, "tecton-risk")
    rig.tick(seconds=3)
    assert rig.members("risk") == {"comes@acme.com", "stays@acme.com", "next@acme.com"}
    rig.fault({"kind": "stale", "seconds": 30}, path_regex="/Groups/", times=0)
    push_members(rig, group, people, {"comes", "stays"}, "tecton-risk")
    rig.tick(seconds=3)
    assert rig.members("risk") == {"comes@acme.com", "stays@acme.com"}


def push_members(rig: Rig, group: str, people: dict[str, str], names: set[str], name: str) -> None:
    body = {"schemas": [GROUP], "displayName": name, "members": [{"value": people[of]} for of in sorted(names)]}
    rig.push("PUT", f"/Groups/{group}", body)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_was_given_by_hand_since_the_bridge_took_it_away_stays_where_it_was_seen(make_rig: MakeRig) -> None:
    rig = make_rig(policy=f"{POLICY}unmanaged: {{members: report}}\n")
    rig.run()
    people = {name: rig.create_user(f"{name}@acme.com") for name in ("one", "two", "three")}
    group = rig.create_group("tecton-fraud", *people.values())
    settled(rig)
    push_members(rig, group, people, {"one", "two"}, "tecton-fraud")
    rig.tick(seconds=3)
    rig.by_hand("groups/fraud/members", add=["three@acme.com"])
    rig.run()
    push_members(rig, group, people, {"one"}, "tecton-fraud")
    rig.tick(seconds=3)
    assert rig.members("fraud") == {"one@acme.com", "three@acme.com"}
