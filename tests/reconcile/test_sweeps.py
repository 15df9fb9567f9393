"""The sweep finds what was changed in Tecton, and puts it right."""

from __future__ import annotations

from tests.reconcile.conftest import MakeRig
from tests.rig import POLICY, Rig, roles


def team(rig: Rig) -> tuple[str, str]:
    """Push Ana, and her team; return their ids."""
    ana = rig.create_user("ana@acme.com", title="Auditor")
    group = rig.create_group("tecton-fraud", ana)
    rig.settle()
    return ana, group


def classes(rig: Rig) -> list[str]:
    return [item["class"] for item in rig.drift()]


def test_a_second_sweep_writes_nothing_and_reads_each_object_once(rig: Rig) -> None:
    team(rig)
    rig.run()
    rig.forget_calls()
    report = rig.run()
    state = rig.state()
    objects = sum(len(state[kind]) for kind in ("users", "groups", "service_accounts"))
    assert report["writes"] == 0
    assert report["reads"] == objects + 3 + 1 + len(state["scopes"])
    assert len(list(rig.calls())) == report["reads"]


def test_a_role_granted_by_hand_is_shown_and_taken_back(rig: Rig) -> None:
    team(rig)
    rig.by_hand("assign", principal_type="user", principal="ana@acme.com", type="workspace_prod", value="editor")
    found = rig.run("drift")
    assert found["writes"] == 0
    assert [(item["class"], item["sentence"]) for item in rig.drift()] == [
        ("extra", "user ana@acme.com should not hold editor on workspace prod")
    ]
    assert rig.run()["applied"] == 1
    assert roles(rig.user("ana@acme.com")) == {("all_workspaces", "viewer")}
    assert rig.drift() == []


def test_a_scope_role_granted_by_hand_is_taken_back(rig: Rig) -> None:
    team(rig)
    grant = {"principal_type": "group", "principal": "fraud", "value": "secret_scope_manager"}
    rig.by_hand("assign", type="secret_scope_my-secret-scope", **grant)
    rig.run()
    assert ("secret_scope_my-secret-scope", "secret_scope_manager") not in roles(rig.group("fraud"))


def test_a_role_taken_away_by_hand_is_missing_and_comes_back(rig: Rig) -> None:
    team(rig)
    rig.by_hand("unassign", principal_type="group", principal="fraud", type="workspace_prod", value="consumer")
    rig.run("drift")
    assert classes(rig) == ["missing"]
    assert rig.drift()[0]["wanted_by"] == ["policy rule 'fraud team uses prod'"]
    rig.run()
    assert ("workspace_prod", "consumer") in roles(rig.group("fraud"))


def test_a_member_added_by_hand_is_taken_out_and_one_taken_out_comes_back(rig: Rig) -> None:
    team(rig)
    rig.by_hand("groups/fraud/members", add=["admin@example.com"], remove=["ana@acme.com"])
    rig.run("drift")
    assert sorted(classes(rig)) == ["extra", "missing"]
    rig.run()
    assert rig.members("fraud") == {"ana@acme.com"}


def test_a_user_deleted_by_hand_comes_back_with_groups_and_roles(rig: Rig) -> None:
    team(rig)
    rig.tecton.delete("/_sandbox/users/ana@acme.com")
    rig.run("drift")
    assert set(classes(rig)) == {"missing"}
    rig.run()
    assert rig.members("fraud") == {"ana@acme.com"}
    assert roles(rig.user("ana@acme.com")) == {("all_workspaces", "viewer")}


def test_a_group_renamed_by_hand_gets_its_name_back(rig: Rig) -> None:
    team(rig)
    group = rig.group("fraud")
    assert group
    rig.tecton.put(f"/_sandbox/groups/{group['id']}", json={"displayName": "by hand"})
    rig.run("drift")
    assert classes(rig) == ["changed"]
    rig.run()
    after = rig.group("fraud")
    assert after and after["id"] == group["id"]


def test_what_is_not_managed_survives_a_managed_change(rig: Rig) -> None:
    """GET, merge, PUT: a PUT clears in Tecton whatever it omits."""
    _, group = team(rig)
    tecton_id = (rig.group("fraud") or {})["id"]
    rig.tecton.put(f"/_sandbox/groups/{tecton_id}", json={"description": "by hand", "idpMappingNames": ["Fraud"]})
    rig.run()
    ben = rig.create_user("ben@acme.com")
    rig.patch(f"/Groups/{group}", {"op": "add", "path": "members", "value": [{"value": ben}]})
    rig.settle()
    after = rig.group("fraud")
    assert after and (after["description"], after["idpMappingNames"]) == ("by hand", ["Fraud"])
    assert rig.members("fraud") == {"ana@acme.com", "ben@acme.com"}
    assert ("workspace_prod", "consumer") in roles(after)


def test_users_and_groups_that_nobody_pushed_are_reported_and_left_alone(rig: Rig) -> None:
    team(rig)
    rig.by_hand("users", userName="stranger@acme.com", givenName="S", familyName="T")
    rig.by_hand("groups", displayName="by hand", members=["stranger@acme.com"])
    report = rig.run()
    assert report["writes"] == 0
    assert report["drift"]["unmanaged"] >= 2
    assert rig.user("stranger@acme.com")
    assert rig.members("by hand") == {"stranger@acme.com"}


def test_a_policy_that_says_so_removes_what_nobody_pushed(make_rig: MakeRig) -> None:
    rig = make_rig(policy=POLICY + "\nunmanaged: {users: remove}\nprotected: {users: [admin@example.com]}\n")
    rig.by_hand("users", userName="stranger@acme.com", givenName="S", familyName="T")
    rig.run()
    assert rig.user("stranger@acme.com") is None
    assert rig.user("admin@example.com")


def test_the_creators_role_of_a_new_scope_is_never_taken_away(rig: Rig) -> None:
    team(rig)
    rig.by_hand("scopes", name="anas-scope")
    grant = {"principal_type": "user", "principal": "ana@acme.com", "value": "secret_scope_manager"}
    rig.by_hand("assign", type="secret_scope_anas-scope", **grant)
    rig.run()
    rig.run()
    assert ("secret_scope_anas-scope", "secret_scope_manager") in roles(rig.user("ana@acme.com"))


def test_a_members_sign_in_by_mapping_is_inherited_and_not_fought(rig: Rig) -> None:
    team(rig)
    tecton_id = (rig.group("fraud") or {})["id"]
    rig.tecton.put(f"/_sandbox/groups/{tecton_id}", json={"idpMappingNames": ["Fraud"]})
    rig.by_hand("sign-in", user="cy@acme.com", saml_groups=["Fraud"])
    report = rig.run()
    assert report["drift"]["inherited"] == 1
    assert rig.members("fraud") == {"ana@acme.com", "cy@acme.com"}


def test_a_push_to_a_group_leaves_those_in_it_whom_single_sign_on_put_there(rig: Rig) -> None:
    ana, group = team(rig)
    rig.create_user("cy@acme.com")
    rig.settle()
    rig.tecton.put(f"/_sandbox/groups/{(rig.group('fraud') or {})['id']}", json={"idpMappingNames": ["Fraud"]})
    rig.by_hand("sign-in", user="cy@acme.com", saml_groups=["Fraud"])
    rig.run()
    rig.patch(f"/Groups/{group}", {"op": "remove", "path": f'members[value eq "{ana}"]'})
    rig.settle()
    assert rig.members("fraud") == {"cy@acme.com"}


def test_names_that_single_sign_on_writes_are_not_fought(rig: Rig) -> None:
    team(rig)
    rig.by_hand("sign-in", user="ana@acme.com", saml_groups=[], givenName="Anastasia", familyName="Li")
    assert rig.run()["writes"] == 0


def test_observe_mode_never_writes(make_rig: MakeRig) -> None:
    rig = make_rig(mode="observe")
    rig.run()
    ana = rig.create_user("ana@acme.com")
    rig.create_group("tecton-fraud", ana)
    rig.settle()
    rig.set_active(ana, False)
    rig.settle()
    report = rig.run()
    rig.run("apply")
    assert rig.writes() == []
    assert (report["mode"], report["planned"] > 0, report["applied"]) == ("observe", True, 0)


def test_before_tecton_was_read_once_the_queue_waits(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.create_user("ana@acme.com")
    rig.tick(seconds=10)
    assert (rig.writes(), rig.waiting()) == ([], 1)
    rig.run()
    assert rig.user("ana@acme.com")


def test_drift_keeps_its_since_from_sweep_to_sweep(rig: Rig) -> None:
    rig.create_user("nobody")
    rig.settle()
    with rig.database.read() as connection:
        first = connection.exec_driver_sql("SELECT since FROM drift ORDER BY key").scalars().all()
    rig.clock.move(hours=3)
    rig.run()
    with rig.database.read() as connection:
        assert connection.exec_driver_sql("SELECT since FROM drift ORDER BY key").scalars().all() == first
