"""The cheapest safe way to read the Tecton at hand: learned, kept, proven again in every sweep."""

from __future__ import annotations

from typing import Any

from app.core.identity import Kind
from app.store.abilities import read_abilities
from tests.reconcile.conftest import MakeRig
from tests.rig import Rig, roles


def learned(rig: Rig) -> Rig:
    """Let a bridge that has read its Tecton once learn what that can do."""
    rig.run()
    people = [rig.create_user(f"user{n}@acme.com", title="Auditor") for n in range(5)]
    rig.create_group("tecton-fraud", *people)
    rig.settle()
    rig.forget_calls()
    rig.engine.learner.tick()
    return rig


def whole_lists(rig: Rig) -> frozenset[Kind]:
    with rig.database.read() as connection:
        found = read_abilities(connection)
    assert found
    return found.whole_lists


def objects(rig: Rig) -> int:
    state = rig.state()
    return sum(len(state[kind]) for kind in ("users", "groups", "service_accounts"))


def lists(rig: Rig) -> int:
    return 3 + 1 + len(rig.state()["scopes"])


def test_with_a_tecton_whose_lists_leave_roles_out_a_sweep_reads_exactly_as_much_as_without_learning(
    make_rig: MakeRig,
) -> None:
    rig = learned(make_rig())
    assert rig.writes() == []
    report = rig.run()
    assert (report["reads"], report["writes"]) == (objects(rig) + lists(rig), 0)


def test_objects_that_a_list_shows_whole_are_not_read_again_but_for_a_proof(make_rig: MakeRig) -> None:
    rig = learned(make_rig(knobs={"list_attributes": "honoured"}))
    assert whole_lists(rig) == {Kind.USER, Kind.GROUP, Kind.SERVICE_ACCOUNT}
    report = rig.run()
    assert report["reads"] == lists(rig) + 2 + 1 + 2  # two of each kind, or as many as there are
    assert report["writes"] == 0


def test_what_is_changed_by_hand_is_found_in_a_whole_list(make_rig: MakeRig) -> None:
    rig = learned(make_rig(knobs={"list_attributes": "honoured"}))
    rig.by_hand("assign", principal_type="user", principal="user3@acme.com", type="workspace_prod", value="owner")
    rig.by_hand("groups/fraud/members", remove=["user1@acme.com"])
    report = rig.run()
    assert (report["applied"], report["failed"]) == (2, 0)
    assert roles(rig.user("user3@acme.com")) == {("all_workspaces", "viewer")}
    assert "user1@acme.com" in rig.members("fraud")


def test_a_list_that_is_whole_no_more_is_found_out_and_nobody_loses_anything(make_rig: MakeRig) -> None:
    rig = learned(make_rig(knobs={"list_attributes": "honoured"}))
    turn(rig, list_attributes="members_cut")
    report = rig.run()
    assert (report["writes"], report["drift"]["missing"]) == (0, 0)
    assert any("list of groups does not show all" in note for note in report["notes"])
    assert whole_lists(rig) == {Kind.USER, Kind.SERVICE_ACCOUNT}
    assert len(rig.members("fraud")) == 5


def turn(rig: Rig, **knobs: str) -> None:
    answer = rig.tecton.put("/_sandbox/knobs", json=knobs)
    assert answer.status_code == 200, answer.get_data(as_text=True)


def test_a_whole_list_verifies_everybody_however_few_the_calls(make_rig: MakeRig) -> None:
    rig = learned(make_rig(knobs={"list_attributes": "honoured"}, sweep_budget=1))
    rig.clock.move(minutes=15)
    rig.engine.schedule.ask_for_sweep()
    rig.engine.worker.tick()
    with rig.database.read() as connection:
        ages = connection.exec_driver_sql("SELECT count(DISTINCT verified_at) FROM observed").scalar_one()
    assert ages == 1


def test_an_entry_that_a_list_calls_modified_is_read_before_others(make_rig: MakeRig) -> None:
    """Unread until now, it would be another quarter of an hour before its turn comes."""
    rig = learned(make_rig(knobs={"last_modified": "everything"}, sweep_budget=6 + 5 + 2))
    rig.run()
    for _ in range(2):
        scheduled(rig)
    rig.clock.move(minutes=1)
    rig.by_hand("assign", principal_type="user", principal=youngest(rig), type="workspace_prod", value="editor")
    assert scheduled(rig) == 1


def scheduled(rig: Rig) -> int:
    """Let the schedule sweep after a quarter of an hour; return how many writes Tecton got."""
    rig.clock.move(minutes=15)
    rig.forget_calls()
    rig.engine.schedule.ask_for_sweep()
    rig.engine.worker.tick()
    return len(rig.writes())


def youngest(rig: Rig) -> str:
    """Return the user who was read last, and is therefore to be read last again."""
    query = "SELECT tecton_id FROM observed WHERE kind = 'user' AND NOT is_privileged ORDER BY verified_at DESC LIMIT 1"
    with rig.database.read() as connection:
        tecton_id = connection.exec_driver_sql(query).scalar_one()
    found: Any = next(user for user in rig.state()["users"] if user["id"] == tecton_id)
    return str(found["userName"])


def test_a_tecton_that_does_not_answer_is_asked_again_ten_minutes_later(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run()
    rig.fault({"kind": "reset"}, times=0)
    rig.engine.learner.tick()
    rig.heal()
    rig.forget_calls()
    rig.clock.move(seconds=5)
    rig.engine.worker.renew()
    rig.engine.learner.tick()
    assert list(rig.calls()) == []
    rig.clock.move(minutes=10)
    rig.engine.worker.renew()
    rig.engine.learner.tick()
    assert whole_lists(rig) == frozenset()


def test_how_a_change_was_answered_is_kept_beside_the_rest(make_rig: MakeRig) -> None:
    rig = learned(make_rig())
    rig.patch(
        f"/Groups/{group_id(rig)}", {"op": "add", "path": "members", "value": [{"value": rig.create_user("x@a.b")}]}
    )
    rig.settle()
    rig.engine.learner.tick()
    with rig.database.read() as connection:
        found = read_abilities(connection)
    assert found and "yes: it shows the whole object" in [of.sentence.partition(",")[0] for of in found.findings]


def group_id(rig: Rig) -> str:
    with rig.database.read() as connection:
        return str(connection.exec_driver_sql("SELECT id FROM resources WHERE type = 'Group'").scalar_one())
