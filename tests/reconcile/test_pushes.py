"""What the IdP pushes reaches Tecton."""

from __future__ import annotations

import pytest

from app.core.identity import Kind, Principal
from app.store.evidence import load_evidence
from app.store.obstacles import obstacles
from tests.reconcile.conftest import MakeRig
from tests.rig import POLICY, Rig, roles


def test_a_hire_in_a_group_gets_the_groups_access(rig: Rig) -> None:
    ana = rig.create_user("ana@acme.com")
    rig.create_group("tecton-fraud", ana)
    rig.settle()
    assert rig.members("fraud") == {"ana@acme.com"}
    assert roles(rig.group("fraud")) == {
        ("workspace_prod", "consumer"),
        ("secret_scope_snowflake", "secret_scope_reader"),
    }


def test_a_hire_and_a_group_cost_one_write_each_and_one_batch(rig: Rig) -> None:
    rig.create_group("tecton-fraud", rig.create_user("ana@acme.com"))
    rig.settle()
    assert rig.writes() == [
        "POST /api/scim/v2/Users",
        "POST /api/scim/v2/Groups",
        "POST /api/v1/authorization-service/assign-roles",
    ]


def test_a_deactivated_user_is_deleted_and_a_return_restores_groups_and_roles(rig: Rig) -> None:
    ana = rig.create_user("ana@acme.com", title="Auditor")
    rig.create_group("tecton-fraud", ana)
    rig.settle()
    rig.set_active(ana, False)
    rig.tick(seconds=0)
    assert rig.user("ana@acme.com") is None
    rig.set_active(ana, True)
    rig.settle()
    assert rig.members("fraud") == {"ana@acme.com"}
    assert roles(rig.user("ana@acme.com")) == {("all_workspaces", "viewer")}


def test_a_removal_does_not_wait_for_the_coalescing_window_and_a_grant_does(rig: Rig) -> None:
    ana, ben = rig.create_user("ana@acme.com"), rig.create_user("ben@acme.com")
    group = rig.create_group("tecton-fraud", ana)
    rig.settle()
    rig.patch(f"/Groups/{group}", {"op": "add", "path": "members", "value": [{"value": ben}]})
    rig.tick(seconds=1)
    assert rig.members("fraud") == {"ana@acme.com"}
    rig.patch(f"/Groups/{group}", {"op": "remove", "path": f'members[value eq "{ana}"]'})
    rig.tick(seconds=0)
    assert rig.members("fraud") == {"ben@acme.com"}


def test_many_pushes_to_one_group_become_one_write(rig: Rig) -> None:
    people = [rig.create_user(f"user{n}@acme.com") for n in range(8)]
    group = rig.create_group("tecton-fraud")
    rig.settle()
    rig.forget_calls()
    for person in people:
        rig.patch(f"/Groups/{group}", {"op": "add", "path": "members", "value": [{"value": person}]})
    rig.settle()
    assert [write for write in rig.writes() if "Groups" in write] == [
        f"PUT /api/scim/v2/Groups/{rig.group('fraud')['id']}"
    ]
    assert len(rig.members("fraud")) == 8


def test_a_renamed_group_stays_the_same_group(rig: Rig) -> None:
    group = rig.create_group("tecton-fraud", rig.create_user("ana@acme.com"))
    rig.settle()
    before = rig.group("fraud")
    rig.patch(f"/Groups/{group}", {"op": "replace", "value": {"id": group, "displayName": "tecton-risk"}})
    rig.settle()
    after = rig.group("risk")
    assert before and after and after["id"] == before["id"]
    assert rig.members("risk") == {"ana@acme.com"}
    assert not [write for write in rig.writes() if write.startswith("DELETE")]


def test_a_transfer_between_groups(rig: Rig) -> None:
    ana = rig.create_user("ana@acme.com")
    fraud, admins = rig.create_group("tecton-fraud", ana), rig.create_group("tecton-admins")
    rig.settle()
    rig.patch(f"/Groups/{fraud}", {"op": "Remove", "path": "members", "value": [{"$ref": None, "value": ana}]})
    rig.patch(f"/Groups/{admins}", {"op": "Add", "path": "members", "value": [{"$ref": None, "value": ana}]})
    rig.settle()
    assert rig.members("fraud") == set()
    assert rig.members("admins") == {"ana@acme.com"}


def test_a_deleted_group_is_deleted_and_its_members_stay(rig: Rig) -> None:
    group = rig.create_group("tecton-fraud", rig.create_user("ana@acme.com"))
    rig.settle()
    rig.push("DELETE", f"/Groups/{group}")
    rig.settle()
    assert rig.group("fraud") is None
    assert rig.user("ana@acme.com")


def test_a_deleted_user_is_deleted(rig: Rig) -> None:
    ana = rig.create_user("ana@acme.com")
    rig.settle()
    rig.push("DELETE", f"/Users/{ana}")
    rig.settle()
    assert rig.user("ana@acme.com") is None


def test_a_group_that_the_policy_does_not_select_is_not_created(rig: Rig) -> None:
    rig.create_group("everybody", rig.create_user("ana@acme.com"))
    rig.settle()
    assert rig.group("everybody") is None


def test_a_user_without_an_email_address_is_reported_and_not_sent(rig: Rig) -> None:
    rig.create_user("ana")
    rig.settle()
    assert rig.user("ana") is None
    assert [(item["class"], item["name"]) for item in rig.drift()] == [("blocked", "ana")]
    assert "e-mail" in rig.drift()[0]["sentence"]


def test_a_role_pushed_by_the_idp_is_granted(rig: Rig) -> None:
    rig.create_user("ana@acme.com", roles=[{"type": "workspace_my_workspace", "value": "Editor"}])
    rig.settle()
    assert roles(rig.user("ana@acme.com")) == {("workspace_my_workspace", "editor")}


def test_a_pushed_user_that_the_policy_takes_for_a_service_account_becomes_one(make_rig: MakeRig) -> None:
    policy = POLICY.replace("provision: {", "provision: {service_accounts: 'userType eq \"Service\"', ")
    rig = make_rig(policy=policy)
    rig.run()
    bot = rig.create_user("scoring-bot", userType="Service")
    rig.create_group("tecton-fraud", bot)
    rig.settle()
    assert rig.account("scoring-bot")
    assert rig.members("fraud") == {"scoring-bot"}
    rig.set_active(bot, False)
    rig.settle()
    account = rig.account("scoring-bot")
    assert account and account["active"] is False


def test_a_service_account_that_was_pushed_as_a_user_and_fails_is_one_that_fails(make_rig: MakeRig) -> None:
    rig = make_rig(policy=POLICY.replace("provision: {", "provision: {service_accounts: 'userType eq \"Service\"', "))
    rig.run()
    rig.fault({"kind": "status", "status": 400}, method="POST", path_regex="ServiceAccounts", times=0)
    bot = rig.create_user("scoring-bot", userType="Service")
    rig.settle(rounds=1)
    rig.run()
    with rig.database.read() as connection:
        found = obstacles(connection, Principal(Kind.SERVICE_ACCOUNT, bot))
        assert load_evidence(connection).failing == 1
    assert [sentence.partition(":")[0] for sentence in found] == ["the last of 1 tries failed"]


def test_a_declared_service_account_is_created_and_its_key_is_kept_sealed(make_rig: MakeRig) -> None:
    policy = POLICY + "\nservice_accounts: [{name: scoring, description: online, groups: [tecton-fraud]}]\n"
    rig = make_rig(policy=policy)
    rig.create_group("tecton-fraud")
    rig.run()
    rig.settle()
    rig.run()
    assert rig.members("fraud") == {"scoring"}
    with rig.database.read() as connection:
        sealed = connection.exec_driver_sql("SELECT name, sealed FROM sealed_keys").all()
    assert [name for name, _ in sealed] == ["scoring"]
    assert sealed[0][1].startswith("gAAAA")


def test_without_a_secret_key_no_service_account_is_created_as_its_key_would_be_lost(make_rig: MakeRig) -> None:
    rig = make_rig(policy=POLICY + "\nservice_accounts: [{name: scoring}]\n", secret_key="")
    report = rig.run()
    assert report["failed"] == 1
    assert rig.account("scoring") is None
    assert "BRIDGE_SECRET_KEY" in rig.drift()[0]["error"]


def test_an_existing_user_is_adopted_whatever_the_case_of_the_name(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.by_hand("users", userName="Ana@Acme.com", givenName="Ana", familyName="Li")
    rig.run()
    rig.create_group("tecton-fraud", rig.create_user("ana@acme.com"))
    rig.settle()
    assert rig.members("fraud") == {"Ana@Acme.com"}
    assert len([user for user in rig.state()["users"] if user["userName"].lower() == "ana@acme.com"]) == 1


def test_what_nobody_pushed_of_who_is_adopted_on_conflict_is_kept(rig: Rig) -> None:
    rig.by_hand("sign-in", user="ana@acme.com", saml_groups=[], givenName="Anaïs", familyName="Li")
    rig.by_hand("groups", displayName="fraud", description="by hand", idpMappingNames=["Fraud"])
    rig.create_group("tecton-fraud", rig.create_user("ana@acme.com"))
    rig.settle()
    user, group = rig.user("ana@acme.com"), rig.group("fraud")
    assert user and (user["name"]["givenName"], user["name"]["familyName"]) == ("Anaïs", "Li")
    assert group and (group["description"], group["idpMappingNames"]) == ("by hand", ["Fraud"])
    assert rig.members("fraud") == {"ana@acme.com"}
    assert (rig.drift(), rig.waiting()) == ([], 0)


@pytest.mark.parametrize("name", ["ana@acme.com", "Ana@Acme.com"])
def test_a_user_who_appeared_after_the_last_sweep_is_adopted_on_conflict(rig: Rig, name: str) -> None:
    rig.by_hand("users", userName=name, givenName="Ana", familyName="Li")
    rig.create_group("tecton-fraud", rig.create_user("ana@acme.com", title="Auditor"))
    rig.settle()
    assert rig.members("fraud") == {name}
    assert roles(rig.user(name)) == {("all_workspaces", "viewer")}
