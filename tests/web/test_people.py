"""Who has what, through what, and why not: pages and API, on a bridge that pushed to a Tecton."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from app.bootstrap import read_policy
from app.store import admins
from app.store.access_reports import AccessReport, explain_by_name
from app.store.database import Database
from app.store.facts import OWN_ACCOUNT, read_fact
from app.store.tokens import create_token
from tests.conftest import Clock, Invoke
from tests.rig import Rig
from tests.web.conftest import PASSWORD, Caller, sign_in
from tests.web.test_pages import words

POLICY = """
version: 1
provision: {users: 'active eq true and userType ne "Guest"', groups: 'displayName sw "tecton-"'}
names: {group: {strip_prefix: "tecton-"}}
grants:
  - name: fraud team uses prod
    to: {group: tecton-fraud}
    roles: [{workspace: prod, role: consumer}, {secret_scope: my-secret-scope, role: reader}]
  - {name: ada looks at prod, to: {user: ada@acme.com}, roles: [{workspace: prod, role: viewer}]}
  - {name: ada works on prod, to: {user: ada@acme.com}, roles: [{workspace: prod, role: editor}]}
  - {name: auditors, to: {where: 'title eq "Auditor"'}, roles: [{workspace: audits, role: viewer}]}
  - {name: typo, to: {group: tecton-frued}, roles: [{workspace: lost, role: viewer}]}
guards: {min_admins: 0}
"""


@pytest.fixture
def rig(database: Database, clock: Clock, tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(database, clock, tmp_path, policy=POLICY)
    rig.run()
    yield rig
    rig.close()


@pytest.fixture
def api(rig: Rig) -> Caller:
    with rig.database.write() as connection:
        secret = create_token(connection, "terraform", "admin", rig.clock())
    return Caller(rig.app.test_client(), secret)


@pytest.fixture
def admin(rig: Rig) -> FlaskClient:
    with rig.database.write() as connection:
        admins.set_password(connection, "ana", PASSWORD, rig.clock())
    client = rig.app.test_client()
    assert sign_in(client, "ana").status_code == 302
    return client


def report_of(rig: Rig, who: str, resource: str | None = None) -> AccessReport:
    """What `why` tells of the one who is called so."""
    with rig.database.read() as connection:
        (report,) = explain_by_name(connection, read_policy(rig.policy_file), who, rig.clock(), resource)
    return report


def why_not(rig: Rig, who: str, resource: str | None = None) -> str:
    """The reasons that `why` gives, as one text."""
    return "; ".join(report_of(rig, who, resource).why_not)


# ---------------------------------------------------------------- why not


def test_a_deactivated_person_is_said_to_be_so_and_since_when(rig: Rig) -> None:
    rig.set_active(rig.create_user("ada@acme.com"), False)
    rig.settle()
    assert why_not(rig, "ada@acme.com") == "it was deactivated by the identity provider on 2026-03-02 at 09:00 UTC"


def test_a_person_that_the_policy_leaves_out_is_told_the_selector(rig: Rig) -> None:
    rig.create_user("guest@acme.com", userType="Guest")
    assert 'users where active eq true and userType ne "Guest"' in why_not(rig, "guest@acme.com")


def test_a_name_that_is_no_address_is_a_reason(rig: Rig) -> None:
    rig.create_user("ada")
    assert "is not an e-mail address" in why_not(rig, "ada")


def test_a_person_in_no_group_and_of_no_rule_is_told_that(rig: Rig) -> None:
    rig.create_user("bob@acme.com")
    rig.settle()
    assert why_not(rig, "bob@acme.com") == "no rule of the policy names it or selects it, and it is in no group"


def test_what_is_asked_for_and_given_to_others_says_to_whom(rig: Rig) -> None:
    rig.create_group("tecton-fraud", rig.create_user("ada@acme.com"))
    rig.create_user("bob@acme.com")
    rig.settle()
    reasons = why_not(rig, "bob@acme.com", "prod")
    assert "'fraud team uses prod' gives consumer on workspace prod to group tecton-fraud, and it is not in" in reasons
    assert "'ada looks at prod' gives viewer on workspace prod to user ada@acme.com, and it is called other" in reasons
    assert "which does not select it" in why_not(rig, "bob@acme.com", "audits")
    assert "under which no group was pushed" in why_not(rig, "bob@acme.com", "lost")
    assert why_not(rig, "bob@acme.com", "nowhere") == (
        "no workspace or secret scope called nowhere is known: neither to the policy, nor in Tecton"
    )


def test_what_is_on_all_workspaces_reaches_no_secret_scope_and_an_admin_holds_no_role_on_either(rig: Rig) -> None:
    rules = "  - {name: all, to: {user: ada@acme.com}, roles: [{all_workspaces: viewer}, {account: admin}]}\nguards:"
    rig.policy_file.write_text(POLICY.replace("guards:", rules))
    rig.create_user("ada@acme.com")
    rig.settle()
    assert [row.on for row in report_of(rig, "ada@acme.com", "AUDITS").access] == ["all workspaces"]
    scope = report_of(rig, "ada@acme.com", "my-secret-scope")
    assert not scope.access and scope.why_not[:1] == (
        "admin on the account is no role on secret scope my-secret-scope,"
        " but it can assign each role on it, to itself as well",
    )
    assert any("'fraud team uses prod' gives reader on secret scope" in reason for reason in scope.why_not)
    assert why_not(rig, "ada@acme.com", "nowhere").endswith("workspace, viewer on all workspaces would reach it")


def test_a_group_that_the_policy_does_not_provision_gives_nothing_and_says_so(rig: Rig) -> None:
    rig.create_group("everybody", rig.create_user("bob@acme.com"))
    assert "in the pushed group everybody, which the policy does not provision" in why_not(rig, "bob@acme.com")
    assert 'groups where displayName sw "tecton-"' in why_not(rig, "everybody")


def test_a_role_in_the_shadow_of_a_greater_one_is_named(rig: Rig) -> None:
    rig.create_user("ada@acme.com")
    rig.settle()
    assert why_not(rig, "ada@acme.com") == (
        "viewer on workspace prod, wanted by policy rule 'ada looks at prod', is contained in editor on workspace prod"
    )


def test_a_failure_is_told_with_its_next_try(rig: Rig) -> None:
    rig.fault({"kind": "status", "status": 400}, path_regex="/Users", method="POST", times=0)
    rig.create_user("ada@acme.com")
    rig.tick(seconds=3)
    assert "tries failed" in why_not(rig, "ada@acme.com") and "the next is at 2026-03-02" in why_not(
        rig, "ada@acme.com"
    )


def test_what_a_guard_holds_is_named_with_its_plan(rig: Rig) -> None:
    limits = "guards: {min_admins: 0, floor: 0, removals: {roles: {count: 0, percent: 0}}}"
    rig.create_user("ada@acme.com")
    rig.settle()
    rig.policy_file.write_text(
        POLICY.replace("guards: {min_admins: 0}", limits).replace("to: {user: ada", "to: {user: bob")
    )
    held = rig.run()
    assert held["held"]
    assert "held by a guard: " in why_not(rig, "ada@acme.com")
    assert held["fingerprint"] in why_not(rig, "ada@acme.com")


# ---------------------------------------------------------------- pages and API


def test_a_person_is_found_and_its_access_explained(rig: Rig, admin: FlaskClient) -> None:
    ada = rig.create_user("ada@acme.com")
    rig.create_group("tecton-fraud", ada)
    rig.settle()
    assert f'href="/people/user/{ada}"' in admin.get("/people?q=ADA@").text
    text = words(admin.get(f"/people/user/{ada}").text)
    assert "Is desired, and is in Tecton." in text
    assert "consumer on workspace prod group fraud policy rule &#39;fraud team uses prod&#39; yes" in text
    assert "add ada@acme.com to group fraud" in text and "create user ada@acme.com" in text


def test_somebody_whom_only_tecton_knows_is_found(rig: Rig, admin: FlaskClient) -> None:
    rig.by_hand("users", userName="eve@acme.com")
    rig.run()
    (place,) = [part for part in admin.get("/people?q=eve").text.split('"') if part.startswith("/people/user/tecton/")]
    text = words(admin.get(place).text)
    assert "Is in Tecton, and is not desired." in text and "No push and no policy knows it" in text
    assert "Unmanaged" in text


def test_what_is_asked_of_nobody_is_404(rig: Rig, admin: FlaskClient, api: Caller) -> None:
    assert admin.get("/people/user/none").status_code == admin.get("/people/dog/x").status_code == 404
    assert api.get("/api/v1/principals/none/access").status_code == 404
    assert api.get("/api/v1/principals/none/scopes").status_code == 404
    assert api.get("/api/v1/scopes/none").status_code == admin.get("/scopes/none").status_code == 404


def test_the_api_finds_and_explains(rig: Rig, api: Caller) -> None:
    ada = rig.create_user("ada@acme.com")
    rig.create_group("tecton-fraud", ada)
    rig.settle()
    (found,) = api.read("/api/v1/principals?q=ada")["items"]
    assert (found["kind"], found["id"], found["where"]) == ("user", ada, "pushed")
    (report,) = api.read(f"/api/v1/principals/{quote('ADA@acme.com')}/access?resource=prod")["items"]
    assert {(row["role"], row["via_group"]) for row in report["access"]} == {("editor", None), ("consumer", "fraud")}
    assert report["why_not"] == [why_not(rig, "ada@acme.com")]


def test_a_scope_names_its_principals_and_through_what(rig: Rig, admin: FlaskClient, api: Caller) -> None:
    rig.create_group("tecton-fraud", rig.create_user("ada@acme.com"))
    rig.settle()
    rig.run()
    held = api.read("/api/v1/scopes/my-secret-scope")["principals"]
    assert {(of["name"], of["role"], of["via_group"]) for of in held} >= {
        ("fraud", "reader", None),
        ("ada@acme.com", "reader", "fraud"),
    }
    listed: dict[str, Any] = {item["scope"]: item["principals"] for item in api.read("/api/v1/scopes")["items"]}
    assert listed["my-secret-scope"] == len({(of["kind"], of["tecton_id"]) for of in held})
    assert [of["scope"] for of in api.read("/api/v1/principals/ada@acme.com/scopes")["scopes"]] == ["my-secret-scope"]
    assert 'href="/scopes/my-secret-scope"' in admin.get("/scopes").text
    assert "ada@acme.com reader group fraud" in words(admin.get("/scopes/my-secret-scope").text)


def test_pages_of_people_and_scopes_are_behind_the_sign_in(rig: Rig) -> None:
    for path in ("/people", "/people/user/x", "/scopes", "/scopes/x"):
        assert rig.app.test_client().get(path).location.startswith("/sign-in")


def test_an_outcome_of_somebody_whose_name_only_begins_alike_is_not_shown(rig: Rig, admin: FlaskClient) -> None:
    ada, other = rig.create_user("ada@acme.co"), rig.create_user("ada@acme.com")
    rig.create_group("tecton-fraud", ada, other)
    rig.settle()
    text = words(admin.get(f"/people/user/{ada}").text)
    assert "add ada@acme.co to" in text and "add ada@acme.com to" not in text


# ---------------------------------------------------------------- those who left


def test_a_deleted_leaver_is_found_with_who_deleted_it_and_when(
    rig: Rig, admin: FlaskClient, api: Caller, invoke_stored: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRIDGE_POLICY", str(rig.policy_file))
    rig.push("DELETE", f"/Users/{rig.create_user('Ada@acme.com')}")
    rig.settle()
    fate = "was deleted by okta on 2026-03-02 at 09:00 UTC"
    assert f"ada@acme.com user {fate}" in words(admin.get("/people?q=ADA").text).lower().replace("utc", "UTC")
    assert [item["where"] for item in api.read("/api/v1/principals?q=ada")["items"]] == [fate]
    with rig.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM departures")  # as they are after a while
    proof = f'user Ada@acme.com {fate}; the audit log has the rest: python -m app audit export --who "Ada@acme.com"'
    assert f"Ada@acme.com user {fate}" in words(admin.get("/people?q=ADA@acme.com").text)
    answer = api.get("/api/v1/principals/ada@acme.com/access")
    assert answer.status_code == 404 and proof in answer.json["error"]["message"]
    result = invoke_stored("why", "ada@acme.com")
    assert (result.exit_code, proof in result.stderr) == (1, True)


def test_a_leaver_whom_a_guard_keeps_in_tecton_is_said_to_be_deleted_and_by_whom(rig: Rig) -> None:
    ada = rig.create_user("ada@acme.com")
    rig.settle()
    guards = "guards: {min_admins: 0, floor: 0, removals: {users: {count: 0, percent: 0}}}"
    rig.policy_file.write_text(POLICY.replace("guards: {min_admins: 0}", guards))
    rig.push("DELETE", f"/Users/{ada}")
    assert rig.run()["held"]
    assert why_not(rig, "ada@acme.com").startswith("it was deleted by okta on 2026-03-02 at 09:00 UTC; held by a guard")


def test_the_account_of_the_bridge_itself_is_said_to_be_that(rig: Rig) -> None:
    with rig.database.read() as connection:
        own = read_fact(connection, OWN_ACCOUNT)["id"]
    (name,) = (account["name"] for account in rig.state()["service_accounts"] if account["id"] == own)
    assert why_not(rig, name) == "it is the bridge's own service account, which the bridge never writes"


def test_what_is_said_of_tecton_says_when_it_was_read(
    rig: Rig, admin: FlaskClient, api: Caller, invoke_stored: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRIDGE_POLICY", str(rig.policy_file))
    ada = rig.create_user("ada@acme.com")
    rig.clock.move(minutes=10)
    report = api.read("/api/v1/principals/ada@acme.com/access")["items"][0]
    assert datetime.fromisoformat(report["verified_at"]) == datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert "Tecton as last read at 2026-03-02 09:00:00 UTC" in invoke_stored("why", "ada@acme.com").stdout
    assert "Tecton as last read 10 minutes ago" in words(admin.get(f"/people/user/{ada}").text)


def test_what_the_policy_declares_is_said_to_be_wanted_by_it(rig: Rig) -> None:
    rig.create_group("tecton-fraud")
    rig.settle()
    rig.policy_file.write_text(POLICY + "service_accounts: [{name: loader, groups: [tecton-fraud]}]\n")
    rig.run("drift")
    wanted = {item["sentence"]: item["wanted_by"] for item in rig.drift()}
    assert wanted["service account loader should exist"] == ["the policy, which declares it"]
    assert wanted["loader should be in group fraud"] == ["the policy, which declares it"]
