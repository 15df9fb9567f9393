"""OAuth service accounts: made by their own API, given groups and roles like any other, their secret delivered."""

from __future__ import annotations

from app.core.credentials import KeyKind, KeyState
from tests.credentials.conftest import MakeKeyRig
from tests.credentials.rig import SCOPE, KeyRig
from tests.rig import POLICY, roles

ACCOUNT = f"""
service_accounts:
  - {{name: etl, description: nightly, credentials: oauth, groups: [tecton-fraud],
     deliver_to: {{secret_scope: {SCOPE}, key: etl}}}}
"""
ETL = POLICY.replace(
    "guards:", "  - {name: etl, to: {service_account: etl}, roles: [{workspace: prod, role: editor}]}\nguards:"
)
ETL += ACCOUNT


def made(rig: KeyRig) -> KeyRig:
    rig.create_group("tecton-fraud")
    rig.run()
    rig.settle()
    rig.run()
    rig.keep(seconds=1)
    return rig


def test_an_oauth_account_is_made_with_its_groups_and_roles(make_rig: MakeKeyRig) -> None:
    rig = made(make_rig(policy=ETL))
    account = rig.account("etl")
    assert account and account["credentials_type"] == "oauth"
    assert (account["description"], account["groups"]) == ("nightly", ["fraud"])
    assert roles(account) == {("workspace_prod", "editor")}
    assert rig.run()["planned"] == 0


def test_its_client_secret_is_sealed_and_delivered(make_rig: MakeKeyRig) -> None:
    rig = made(make_rig(policy=ETL))
    account = rig.account("etl")
    assert account and rig.takes(account["id"], rig.scope_value("etl"))
    credential = rig.credential("etl")
    assert (credential.kind, credential.state) == (KeyKind.CLIENT_SECRET, KeyState.DELIVERED)


def test_without_a_secret_key_none_is_made(make_rig: MakeKeyRig) -> None:
    rig = make_rig(policy=ETL, secret_key="")
    rig.run()
    assert rig.account("etl") is None


def test_where_scim_would_not_show_it_none_is_made_and_it_is_said_what_to_do(make_rig: MakeKeyRig) -> None:
    rig = make_rig(policy=ETL, knobs={"oauth_accounts_in_scim": "off"})
    rig.run()
    assert rig.account("etl") is None
    errors = [item["error"] for item in rig.drift() if item["name"] == "etl"]
    assert errors and all("write `credentials: api_key`" in error for error in errors)
    rig.forget_calls()
    rig.clock.move(hours=1)
    rig.run()
    assert [write for write in rig.writes() if "create" in write] == []


def test_where_that_is_found_out_only_afterwards_it_is_undone(make_rig: MakeKeyRig) -> None:
    rig = make_rig(policy=ETL, knobs={"oauth_accounts_in_scim": "off"})
    rig.tecton.delete("/_sandbox/service-accounts/my-oauth-account")
    rig.run()
    assert rig.account("etl") is None
    assert sum("create-service-account" in write for write in rig.writes()) == 1


def test_roles_that_cannot_be_given_do_not_lose_the_secret(make_rig: MakeKeyRig) -> None:
    rig = make_rig(policy=ETL)
    rig.create_group("tecton-fraud")
    rig.fault({"kind": "status", "status": 500}, path_regex="/ServiceAccounts/", method="PUT", times=20)
    rig.run()
    rig.keep(seconds=1)
    account = rig.account("etl")
    assert account and rig.takes(account["id"], rig.scope_value("etl"))
    rig.heal()
    rig.clock.move(minutes=10)
    rig.settle()
    rig.run()
    assert roles(rig.account("etl")) == {("workspace_prod", "editor")}


def test_an_oauth_account_that_was_there_already_is_adopted(make_rig: MakeKeyRig) -> None:
    rig = make_rig(policy=ETL)
    rig.by_hand("service-accounts", name="etl", oauth=True, secret="a-secret-made-by-hand")
    made(rig)
    assert roles(rig.account("etl")) == {("workspace_prod", "editor")}
    assert rig.scope_value("etl") is None


def test_a_first_secret_that_was_lost_on_the_way_is_replaced(make_rig: MakeKeyRig) -> None:
    rig = make_rig(policy=ETL)
    rig.fault({"kind": "lost_reply"}, path_regex="create-service-account$", times=1)
    made(rig)
    rig.keep(seconds=1)
    account = rig.account("etl")
    assert account and len(account["secrets"]) == 2
    assert rig.takes(account["id"], rig.scope_value("etl"))
    assert rig.rotation("etl").requested_by == "its first secret was lost on the way"
    rig.run()
    assert [item["sentence"] for item in rig.drift()] == []
    for _ in range(3):
        rig.keep(days=2)
    account = rig.account("etl")
    assert account and len(account["secrets"]) == 1
    assert rig.takes(account["id"], rig.scope_value("etl"))
