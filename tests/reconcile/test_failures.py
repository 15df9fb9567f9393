"""What goes wrong in Tecton, or in the bridge, is got over."""

from __future__ import annotations

import pytest

from app.store import leases
from tests.reconcile.conftest import MakeRig
from tests.rig import POLICY, Rig, roles


def test_one_failing_user_does_not_stop_the_others_and_is_tried_again(rig: Rig) -> None:
    rig.fault({"kind": "status", "status": 500}, path_regex="/Users$", method="POST", nth=1, times=1)
    people = [rig.create_user(f"user{n}@acme.com") for n in range(3)]
    rig.create_group("tecton-fraud", *people)
    rig.settle()
    assert rig.members("fraud") == {"user0@acme.com", "user1@acme.com", "user2@acme.com"}


def test_what_tecton_refuses_is_shown_with_its_reason(rig: Rig) -> None:
    rig.fault({"kind": "status", "status": 400}, path_regex="/Users$", method="POST", times=0)
    rig.create_user("ana@acme.com")
    rig.tick(seconds=3)
    (item,) = rig.drift()
    assert item["class"] == "failing"
    assert "400" in item["error"] or "refused" in item["error"].lower()


def test_pushes_while_tecton_is_down_reach_it_afterwards(rig: Rig) -> None:
    rig.fault({"kind": "reset"}, times=0)
    ana = rig.create_user("ana@acme.com")
    rig.create_group("tecton-fraud", ana)
    rig.settle(rounds=3)
    assert rig.waiting() == 2
    rig.heal()
    rig.clock.move(minutes=2)
    rig.settle()
    assert rig.members("fraud") == {"ana@acme.com"}


def test_a_tecton_that_is_down_is_not_hammered(rig: Rig) -> None:
    rig.fault({"kind": "reset"}, times=0)
    for n in range(50):
        rig.create_user(f"user{n}@acme.com")
    rig.forget_calls()
    for _ in range(10):
        rig.tick(seconds=1)
    assert len(list(rig.calls())) < 50


def test_a_create_whose_reply_is_lost_is_not_repeated(rig: Rig) -> None:
    rig.fault({"kind": "lost_reply"}, path_regex="/Users$", method="POST", nth=1, times=1)
    rig.create_user("ana@acme.com", title="Auditor")
    rig.settle()
    rig.run()
    assert rig.writes().count("POST /api/scim/v2/Users") == 1
    assert roles(rig.user("ana@acme.com")) == {("all_workspaces", "viewer")}


def test_a_put_whose_reply_is_lost_converges(rig: Rig) -> None:
    ana = rig.create_user("ana@acme.com")
    rig.create_group("tecton-fraud", ana)
    rig.settle()
    rig.fault({"kind": "lost_reply"}, path_regex="/Groups/", method="PUT", nth=1, times=1)
    ben = rig.create_user("ben@acme.com")
    with rig.database.read() as connection:
        group = connection.exec_driver_sql("SELECT id FROM resources WHERE type = 'Group'").scalar_one()
    rig.patch(f"/Groups/{group}", {"op": "add", "path": "members", "value": [{"value": ben}]})
    rig.settle()
    assert rig.members("fraud") == {"ana@acme.com", "ben@acme.com"}
    assert rig.run()["planned"] == 0


def test_roles_that_tecton_takes_without_effect_are_said_so(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run()
    rig.fault({"kind": "roles_ignored"}, times=0)
    rig.create_user("ana@acme.com", title="Auditor")
    rig.settle()
    assert [item["class"] for item in rig.drift()] == ["not_effective"]


def test_a_grant_on_a_scope_that_tecton_does_not_have_is_said_so(make_rig: MakeRig) -> None:
    rig = make_rig(policy=POLICY.replace("secret_scope: snowflake", "secret_scope: nowhere"))
    rig.run()
    rig.create_group("tecton-fraud", rig.create_user("ana@acme.com"))
    rig.settle()
    (item,) = rig.drift()
    assert item["class"] == "blocked"
    assert "no such secret scope" in item["sentence"]


def test_a_restart_in_the_middle_of_everything_loses_nothing(rig: Rig) -> None:
    """Another process takes the lease over; the first one, which does not know yet, can write no more."""
    ana = rig.create_user("ana@acme.com")
    rig.create_group("tecton-fraud", ana)
    first, rig.engine = rig.engine, rig.start_engine()
    rig.engine.worker.holder = "another machine/1/1/1"
    rig.clock.move(seconds=leases.LEASE_TIME.total_seconds() + 1)
    rig.run()
    rig.settle()
    assert rig.members("fraud") == {"ana@acme.com"}
    rig.forget_calls()
    rig.create_user("ben@acme.com")
    first.worker.tick()
    assert not first.worker.leads
    assert rig.writes() == []
    first.close()


def test_two_workers_never_both_lead(rig: Rig) -> None:
    other = rig.start_engine()
    other.worker.holder = "another machine/1/1/1"
    assert rig.engine.worker.leads
    assert other.worker.renew() is False
    rig.engine.worker.release()
    assert other.worker.renew() is True
    assert rig.engine.worker.renew() is False
    other.close()


@pytest.mark.parametrize("broken", ["version: 2", "version: 1\ngrants: [{name: x}]", "not yaml: ["])
def test_a_policy_that_does_not_load_never_replaces_a_good_one(rig: Rig, broken: str) -> None:
    rig.create_group("tecton-fraud", rig.create_user("ana@acme.com"))
    rig.settle()
    rig.policy_file.write_text(broken)
    assert rig.run()["planned"] == 0


def test_a_changed_policy_is_taken_up_by_the_next_sweep(rig: Rig) -> None:
    rig.create_group("tecton-fraud", rig.create_user("ana@acme.com"))
    rig.settle()
    rig.policy_file.write_text(POLICY.replace("role: consumer", "role: operator"))
    rig.run()
    assert ("workspace_prod", "operator") in roles(rig.group("fraud"))
