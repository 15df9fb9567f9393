"""Whatever Tecton turns out to be like, a day of pushes ends with the same access.

Each alternative of each knob of the sandbox is lived through; where the bridge cannot do its work under
one, it says so, and which.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Clock, open_hastily
from tests.knob_cases import CASES, REFUSED
from tests.reconcile.conftest import MakeRig
from tests.reconcile.knob_day import NO_SCOPES, POLICY, lives_through, refuses
from tests.rig import Rig, roles


@pytest.fixture
def sqlite_rig(sqlite_template: Path, tmp_path: Path, clock: Clock, request: pytest.FixtureRequest) -> Iterator[Rig]:
    """A bridge on SQLite, with the knobs that the test is about."""
    shutil.copy(sqlite_template, tmp_path / "bridge.db")
    database = open_hastily(f"sqlite:///{tmp_path / 'bridge.db'}")
    rig = Rig(database, clock, tmp_path, policy=POLICY, knobs=request.param)
    yield rig
    rig.close()
    database.dispose()


@pytest.mark.parametrize(("name", "sqlite_rig"), CASES.items(), ids=CASES, indirect=["sqlite_rig"])
def test_a_day_ends_the_same_under_every_alternative(name: str, sqlite_rig: Rig) -> None:
    if name in REFUSED:
        refuses(sqlite_rig)
    else:
        lives_through(sqlite_rig, name)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("name", ["scim_user_id=separate", "repeated_assignment=conflict", "read_delay_ms=500"])
def test_and_so_it_does_on_postgresql(make_rig: MakeRig, name: str) -> None:
    lives_through(make_rig(policy=POLICY, knobs=CASES[name]), name)


# ------------------------------------------------------- what a day does not meet


@pytest.mark.parametrize("sqlite_rig", [{"scim_auth_schemes": "bearer"}], indirect=True)
def test_a_scheme_that_scim_does_not_take_is_said_with_what_to_set(sqlite_rig: Rig) -> None:
    sqlite_rig.settings = sqlite_rig.settings.model_copy(update={"tecton_scim_auth": "Tecton-key"})
    sqlite_rig.engine.close()
    sqlite_rig.engine = sqlite_rig.start_engine()
    run = sqlite_rig.try_run()
    assert run.status == "failed"
    assert "BRIDGE_TECTON_SCIM_AUTH" in run.error


@pytest.mark.parametrize("sqlite_rig", [{"scim_non_admin_status": s} for s in ("403", "401", "404")], indirect=True)
def test_the_key_of_one_who_is_not_admin_is_refused_whatever_the_status(sqlite_rig: Rig) -> None:
    sqlite_rig.by_hand("service-accounts", name="ci", secret="plain-key")
    sqlite_rig.config = {"api_key": "plain-key"}
    sqlite_rig.engine.close()
    sqlite_rig.engine = sqlite_rig.start_engine()
    run = sqlite_rig.try_run()
    assert run.status == "failed"
    assert "TECTON_API_KEY: it must be the key of a service account that is admin" in run.error


@pytest.mark.parametrize("sqlite_rig", [{"scim_user_id": "separate"}], indirect=True)
def test_users_of_two_ids_that_cannot_be_looked_up_get_no_scope_roles_and_it_is_said(sqlite_rig: Rig) -> None:
    sqlite_rig.run()
    sqlite_rig.fault({"kind": "status", "status": 404}, path_regex="get-user", times=0)
    sqlite_rig.create_user("ana@acme.com", title="Auditor")
    sqlite_rig.settle(rounds=3)
    assert roles(sqlite_rig.user("ana@acme.com")) == {("all_workspaces", "viewer")}
    (item,) = sqlite_rig.drift()
    assert "may know ana@acme.com by another id" in item["error"]
    sqlite_rig.heal()
    sqlite_rig.clock.move(hours=2)
    sqlite_rig.run()
    assert sqlite_rig.drift() == []


@pytest.mark.parametrize("sqlite_rig", [{"scopes_shown_to_admin": "with_role"}], indirect=True)
def test_a_scope_that_tecton_does_not_show_the_bridge_is_said_until_it_holds_a_role_there(sqlite_rig: Rig) -> None:
    bridge = {"principal_type": "service_account", "principal": "scim-bridge", "type": "secret_scope_snowflake"}
    sqlite_rig.by_hand("unassign", value="secret_scope_manager", **bridge)
    sqlite_rig.run()
    sqlite_rig.create_group("tecton-fraud")
    sqlite_rig.settle()
    assert {item["class"] for item in sqlite_rig.drift()} == {"blocked"}
    assert all(NO_SCOPES in item["sentence"] for item in sqlite_rig.drift())
    sqlite_rig.by_hand("assign", value="secret_scope_reader", **bridge)
    sqlite_rig.run()
    assert ("secret_scope_snowflake", "secret_scope_reader") in roles(sqlite_rig.group("fraud"))
    assert sqlite_rig.drift() == []


@pytest.mark.parametrize(
    ("sqlite_rig", "name", "classes"),
    [
        ({"user_name_change": "reject"}, "ana@acme.com", {"failing"}),
        ({"user_name_change": "allow"}, "ana.li@acme.com", set()),
        ({"user_name_change": "ignore"}, "ana@acme.com", {"not_effective"}),
    ],
    indirect=["sqlite_rig"],
)
def test_a_new_sign_in_name_is_taken_or_it_is_said_that_it_is_not(
    sqlite_rig: Rig, name: str, classes: set[str]
) -> None:
    sqlite_rig.run()
    ana = sqlite_rig.create_user("ana@acme.com")
    sqlite_rig.create_group("tecton-admins", ana)
    sqlite_rig.settle()
    before = sqlite_rig.user("ana@acme.com") or {}
    sqlite_rig.patch(f"/Users/{ana}", {"op": "replace", "path": "userName", "value": "ana.li@acme.com"})
    sqlite_rig.settle(rounds=3)
    assert (sqlite_rig.user(name) or {})["id"] == before["id"]
    assert sqlite_rig.members("admins") == {name}
    sqlite_rig.run()
    assert {item["class"] for item in sqlite_rig.drift()} - {"pending"} == classes


@pytest.mark.parametrize(
    ("sqlite_rig", "classes"),
    [
        ({"unknown_role": "reject"}, {"failing"}),
        ({"unknown_role": "not_found"}, {"failing"}),
        ({"unknown_role": "partial"}, {"failing"}),
        ({"unknown_role": "ignore"}, {"not_effective"}),
    ],
    indirect=["sqlite_rig"],
)
def test_a_role_on_a_workspace_that_is_not_there_keeps_nothing_else_back(sqlite_rig: Rig, classes: set[str]) -> None:
    sqlite_rig.run()
    wanted = [{"type": "workspace_nowhere", "value": "viewer"}, {"type": "workspace_prod", "value": "viewer"}]
    ana = sqlite_rig.create_user("ana@acme.com", roles=wanted)
    sqlite_rig.create_group("tecton-admins", ana)
    sqlite_rig.settle(rounds=3)
    assert roles(sqlite_rig.user("ana@acme.com")) == {("workspace_prod", "viewer")}
    assert sqlite_rig.members("admins") == {"ana@acme.com"}
    sqlite_rig.run()
    assert {item["class"] for item in sqlite_rig.drift()} == classes


@pytest.mark.parametrize("sqlite_rig", [{"name_pattern": r"[a-z0-9_.@-]+"}], indirect=True)
def test_a_name_that_tecton_does_not_take_is_said_and_the_others_go_on(sqlite_rig: Rig) -> None:
    sqlite_rig.run()
    ana = sqlite_rig.create_user("ana@acme.com")
    sqlite_rig.create_group("tecton-Fraud & Risk", ana)
    sqlite_rig.create_group("tecton-fraud", ana)
    sqlite_rig.settle(rounds=3)
    assert sqlite_rig.members("fraud") == {"ana@acme.com", "scoring"}
    assert {(item["class"], item["name"]) for item in sqlite_rig.drift()} == {("failing", "Fraud & Risk")}


@pytest.mark.parametrize("sqlite_rig", [{"last_admin_guard": s} for s in ("400", "403")], indirect=True)
def test_an_admin_whom_tecton_keeps_is_said_and_the_others_leave(sqlite_rig: Rig) -> None:
    sqlite_rig.policy_file.write_text(POLICY.replace("min_admins: 1", "min_admins: 0"))
    sqlite_rig.tecton.delete("/_sandbox/users/admin@example.com")
    sqlite_rig.run()
    cy, ben = sqlite_rig.create_user("cy@acme.com"), sqlite_rig.create_user("ben@acme.com")
    sqlite_rig.create_group("tecton-admins", cy)
    sqlite_rig.settle()
    for person in (cy, ben):
        sqlite_rig.set_active(person, False)
    sqlite_rig.settle(rounds=3)
    assert (sqlite_rig.user("ben@acme.com"), bool(sqlite_rig.user("cy@acme.com"))) == (None, True)
    assert "the last admin" in " ".join(item["error"] for item in sqlite_rig.drift())


@pytest.mark.parametrize("sqlite_rig", [{"scim_delete_active_account": s} for s in ("allow", "reject")], indirect=True)
def test_a_service_account_is_deactivated_and_after_its_grace_deleted(sqlite_rig: Rig) -> None:
    policy = POLICY.replace("floor: 1000", "floor: 1000, grace: {service_accounts: 1h}")
    sqlite_rig.policy_file.write_text(policy)
    sqlite_rig.run()
    sqlite_rig.policy_file.write_text(policy.partition("\nservice_accounts:")[0] + policy[policy.index("\nguards:") :])
    sqlite_rig.run()
    assert (sqlite_rig.account("scoring") or {})["active"] is False
    sqlite_rig.clock.move(hours=2)
    sqlite_rig.run()
    assert sqlite_rig.account("scoring") is None
