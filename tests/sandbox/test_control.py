"""The control API, the log, sign-in, snapshots, the seed."""

import json
from pathlib import Path

import pytest

from app.sandbox import create_app
from app.sandbox.seed import SeedError
from tests.sandbox.client import ADMIN_KEY, AUTHZ, METADATA, SCIM, SECRETS, Sandbox, role


def members(sandbox: Sandbox, name: str) -> list[tuple[str, bool]]:
    group = next(g for g in sandbox.state()["groups"] if g["displayName"] == name)
    return [(member["name"], member["from_idp"]) for member in group["members"]]


def test_the_state_says_everything_in_words(sandbox: Sandbox) -> None:
    user = sandbox.user("ana@example.com", role("workspace_prod", "viewer"))
    group = sandbox.group("ML", [user["id"]], role("secret_scope_snowflake", "secret_scope_reader"))
    state = sandbox.state()
    ana = next(u for u in state["users"] if u["id"] == user["id"])
    assert ana["groups"] == ["ML"] and ana["roles"] == [role("workspace_prod", "viewer")]
    shown = state["groups"][0]
    assert shown["members"] == [{"type": "user", "id": user["id"], "name": "ana@example.com", "from_idp": False}]
    bridge = next(a for a in state["service_accounts"] if a["name"] == "scim-bridge")
    assert (bridge["active"], bridge["credentials_type"]) == (True, "api_key")
    assert role("account_type", "admin") in bridge["roles"]
    scope = next(s for s in state["scopes"] if s["name"] == "snowflake")
    assert (scope["grants"][-1]["principal_id"], scope["grants"][-1]["name"]) == (group["id"], "ML")
    assert {w["name"] for w in state["workspaces"]} >= {"prod", "my_workspace"}


@pytest.mark.parametrize(
    ("kind", "principal"),
    [
        ("user", "admin@example.com"),
        ("group", "ML"),
        ("service_account", "scim-bridge"),
        ("workspace", "prod"),
    ],
)
def test_roles_are_assigned_and_taken_by_hand(sandbox: Sandbox, kind: str, principal: str) -> None:
    sandbox.group("ML")
    body = {"principal_type": kind, "principal": principal, "type": "secret_scope_my-secret-scope"}

    def held() -> list[str]:
        scope = next(s for s in sandbox.state()["scopes"] if s["name"] == "my-secret-scope")
        return [g["role"] for g in scope["grants"] if (g["principal_type"], g["name"]) == (kind, principal)]

    before = held()
    sandbox.control("POST", "assign", {**body, "value": "secret_scope_reader"})
    assert held() == sorted([*before, "secret_scope_reader"])
    sandbox.control("POST", "unassign", {**body, "value": "secret_scope_reader"})
    assert held() == before
    sandbox.control("POST", "unassign", body)
    assert held() == []


def test_people_and_groups_are_edited_by_hand(sandbox: Sandbox) -> None:
    made = sandbox.control("POST", "users", {"userName": "ana@example.com", "givenName": "Ana"})
    assert sandbox.get(f"{SCIM}/Users/{made['id']}").get_json()["name"]["givenName"] == "Ana"
    sandbox.control("PUT", "users/ana@example.com", {"familyName": "Li", "roles": [role("account_type", "admin")]})
    assert sandbox.roles("Users", made["id"]) == [role("account_type", "admin")]
    sandbox.control("POST", "groups", {"displayName": "ML", "members": ["scim-bridge"]})
    sandbox.control("POST", "groups/ML/members", {"add": ["ana@example.com"], "remove": ["scim-bridge"]})
    assert members(sandbox, "ML") == [("ana@example.com", False)]
    sandbox.control("PUT", "groups/ML", {"displayName": "ML 2", "description": "new"})
    assert members(sandbox, "ML 2") == [("ana@example.com", False)]
    sandbox.control("DELETE", f"users/{made['id']}")
    assert members(sandbox, "ML 2") == []
    sandbox.control("DELETE", "groups/ML 2")
    assert sandbox.state()["groups"] == []


def test_service_accounts_workspaces_and_scopes_are_edited_by_hand(sandbox: Sandbox) -> None:
    made = sandbox.control("POST", "service-accounts", {"name": "ci", "roles": [role("account_type", "admin")]})
    assert sandbox.get(f"{SCIM}/Users", key=made["apiKey"]).status_code == 200
    sandbox.control("PUT", "service-accounts/ci", {"active": False})
    assert sandbox.get(f"{SCIM}/Users", key=made["apiKey"]).status_code == 401
    sandbox.control("DELETE", "service-accounts/ci")
    sandbox.control("POST", "workspaces", {"name": "dev"})
    user = sandbox.user("ana@example.com", role("workspace_dev", "viewer"))
    sandbox.control("DELETE", "workspaces/dev")
    assert sandbox.roles("Users", user["id"]) == []
    sandbox.control("POST", "scopes", {"name": "fraud", "values": {"user": "x"}})
    scope = next(s for s in sandbox.state()["scopes"] if s["name"] == "fraud")
    assert scope == {"name": "fraud", "keys": ["user"], "grants": []}
    sandbox.control("DELETE", "scopes/fraud")


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "users", {"userName": "admin@example.com"}, 409),
        ("POST", "users", {"userName": "nope"}, 400),
        ("POST", "users", [], 400),
        ("PUT", "users/nobody", {}, 404),
        ("DELETE", "users/nobody", None, 404),
        ("POST", "groups", {}, 400),
        ("POST", "groups", {"displayName": "x", "members": ["nobody"]}, 404),
        ("DELETE", "groups/none", None, 404),
        ("POST", "service-accounts", {"name": "scim-bridge"}, 409),
        ("DELETE", "scopes/none", None, 404),
        ("DELETE", "workspaces/none", None, 404),
        ("POST", "workspaces", {"name": "prod"}, 409),
        ("POST", "scopes", {"name": "x", "values": {"a": 1}}, 400),
        ("POST", "assign", {"principal_type": "robot", "principal": "x"}, 400),
        ("POST", "assign", {"principal_type": "user", "principal": "admin@example.com", "type": "x"}, 400),
        ("POST", "restore", {"version": 99}, 400),
        ("DELETE", "faults/9", None, 404),
    ],
)
def test_impossible_edits_are_refused_and_change_nothing(
    sandbox: Sandbox, method: str, path: str, body: object, status: int
) -> None:
    before = sandbox.control("POST", "snapshot")
    answer = sandbox.http.open(f"/_sandbox/{path}", method=method, json=body)
    assert answer.status_code == status
    assert answer.get_json()["error"]
    assert sandbox.control("POST", "snapshot") == before


def test_a_sign_in_creates_overwrites_names_and_applies_mappings(sandbox: Sandbox) -> None:
    for name, mapped in (("ML", ["platform", "ml"]), ("Ops", ["ops"]), ("Manual", [])):
        sandbox.control("POST", "groups", {"displayName": name, "idpMappingNames": mapped})
    ana = {"user": "ana@example.com", "givenName": "Ana"}
    sandbox.control("POST", "sign-in", {**ana, "saml_groups": ["ml", "other"]})
    assert members(sandbox, "ML") == [("ana@example.com", True)]
    sandbox.control("POST", "groups/Ops/members", {"add": ["ana@example.com"]})
    sandbox.control("POST", "groups/Manual/members", {"add": ["ana@example.com"]})
    sandbox.control("POST", "sign-in", {"user": "ana@example.com", "saml_groups": ["ops"], "givenName": "Anna"})
    assert members(sandbox, "ML") == []
    assert members(sandbox, "Ops") == [("ana@example.com", True)]
    assert members(sandbox, "Manual") == [("ana@example.com", False)]
    user = next(u for u in sandbox.state()["users"] if u["userName"] == "ana@example.com")
    assert user["name"]["givenName"] == "Anna"
    sandbox.control("POST", "sign-in", {"user": "ana@example.com", "saml_groups": []})
    assert members(sandbox, "Ops") == [] and members(sandbox, "Manual") == [("ana@example.com", False)]


def test_a_mapped_member_removed_by_scim_comes_back_at_the_next_sign_in(sandbox: Sandbox) -> None:
    group = sandbox.control("POST", "groups", {"displayName": "ML", "idpMappingNames": ["ml"]})
    signed_in = {"user": "ana@example.com", "saml_groups": ["ml"]}
    sandbox.control("POST", "sign-in", signed_in)
    extension = "urn:ietf:params:scim:schemas:extension:tecton:1.0:Group"
    body = {"displayName": "ML", "members": [], extension: {"idpMappingNames": ["ml"]}}
    sandbox.put(f"{SCIM}/Groups/{group['id']}", body)
    assert members(sandbox, "ML") == []
    sandbox.control("POST", "sign-in", signed_in)
    assert members(sandbox, "ML") == [("ana@example.com", True)]


def test_a_snapshot_puts_everything_back_keys_included(sandbox: Sandbox) -> None:
    account = sandbox.account("ci", role("account_type", "admin"))
    sandbox.put(f"{SECRETS}/snowflake/keys/user", {"value": "svc"})
    snapshot = sandbox.control("POST", "snapshot")
    state = sandbox.state()
    sandbox.delete(f"{SCIM}/ServiceAccounts/{account['id']}")
    sandbox.user("ana@example.com")
    sandbox.control("POST", "restore", snapshot)
    assert sandbox.state() == state
    assert sandbox.get(f"{SCIM}/Users", key=account["apiKey"]).status_code == 200
    assert sandbox.get(f"{SECRETS}/snowflake/keys/user").get_json() == {"value": "svc"}
    other = Sandbox()
    other.control("POST", "restore", json.loads(json.dumps(snapshot)))
    assert other.state() == state


def test_a_broken_snapshot_is_refused_and_leaves_the_world_alone(sandbox: Sandbox) -> None:
    before = sandbox.state()
    answer = sandbox.http.post("/_sandbox/restore", json={"version": 1, "records": {"user": [{"id": "x"}]}})
    assert answer.status_code == 400
    assert sandbox.state() == before


def test_the_log_has_every_call_to_tecton_and_none_to_the_sandbox(sandbox: Sandbox) -> None:
    sandbox.get(f"{SCIM}/Users", query_string={"count": "1"})
    sandbox.state()
    sandbox.post(f"{SCIM}/Users", {"userName": "nope"})
    sandbox.get("/api/nowhere", key=None)
    first, second, third = sandbox.log()
    assert first == {
        "n": 1,
        "at": "2026-03-01T12:00:00+00:00",
        "method": "GET",
        "path": "/api/scim/v2/Users",
        "query": {"count": "1"},
        "status": 200,
        "kind": "read",
        "operation": "list_users",
        "principal": "scim-bridge",
    }
    assert (second["status"], second["kind"]) == (400, "write")
    assert (third["status"], third["kind"], third["principal"]) == (404, "read", None)
    assert [call["n"] for call in sandbox.control("GET", "log?since=1")] == [2, 3]


def test_posts_that_only_ask_are_reads(sandbox: Sandbox) -> None:
    question = {"resource_type": "RESOURCE_TYPE_SECRET_SCOPE", "resource_id": "snowflake"}
    sandbox.post(f"{AUTHZ}/list-assigned-principals", question)
    sandbox.post(f"{AUTHZ}/get-roles", {})
    sandbox.post(f"{METADATA}/introspect-api-key", {"api_key": ADMIN_KEY})
    sandbox.post(f"{METADATA}/get-service-account", {})
    sandbox.post(f"{METADATA}/create-service-account", {"name": "x"})
    sandbox.post(f"{AUTHZ}/unassign-roles", {})
    summary = sandbox.control("GET", "log/summary")
    assert (summary["reads"], summary["writes"], summary["total"]) == (4, 2, 6)
    assert ADMIN_KEY not in json.dumps(sandbox.log())
    sandbox.control("DELETE", "log")
    assert sandbox.control("GET", "log/summary")["total"] == 0
    sandbox.get(SECRETS)
    assert [call["n"] for call in sandbox.log()] == [7]


def test_control_is_refused_to_other_sites_and_foreign_hosts() -> None:
    app = create_app(admin_key=ADMIN_KEY, control_hosts={"127.0.0.1"})
    http = app.test_client()
    own = "http://127.0.0.1:8099"
    assert http.get("/_sandbox/state", base_url=own).status_code == 200
    assert http.get("/_sandbox/state", base_url="http://evil.example").status_code == 403
    assert http.get("/", base_url="http://evil.example").status_code == 403
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert http.post("/_sandbox/users", base_url=own, json={}, headers=headers).status_code == 403
    same = {"Origin": own, "Sec-Fetch-Site": "same-origin"}
    made = http.post("/_sandbox/users", base_url=own, json={"userName": "a@b.example"}, headers=same)
    assert made.status_code == 200
    tecton = http.get(f"{SCIM}/Users", base_url="http://evil.example")
    assert tecton.status_code == 401


SEED = {
    "default_world": False,
    "workspaces": ["dev", {"name": "staging", "live": False}],
    "scopes": ["fraud", {"name": "warehouse", "values": {"user": "svc"}}],
    "users": [{"userName": "ana@example.com", "id": "00uAna", "roles": [role("workspace_dev", "viewer")]}],
    "service_accounts": [{"name": "ci", "secret": "the-ci-key", "roles": [role("account_type", "admin")]}],
    "groups": [{"displayName": "ML", "members": ["ana@example.com", "ci"], "idpMappingNames": ["ml"]}],
    "assignments": [
        {
            "principal_type": "workspace",
            "principal": "dev",
            "type": "secret_scope_fraud",
            "value": "secret_scope_reader",
        }
    ],
}


def test_a_seed_says_what_a_fresh_sandbox_holds(tmp_path: Path) -> None:
    path = tmp_path / "seed.json"
    path.write_text(json.dumps(SEED))
    sandbox = Sandbox(seed=path)
    state = sandbox.state()
    assert [user["id"] for user in state["users"]] == ["00uAna"]
    assert [w["name"] for w in state["workspaces"]] == ["dev", "staging"]
    assert members(sandbox, "ML") == [("ana@example.com", False), ("ci", False)]
    assert state["scopes"][0]["grants"][0]["principal_id"] == "dev"
    assert sandbox.get(f"{SCIM}/Users", key="the-ci-key").status_code == 200


def test_a_seed_comes_on_top_of_the_default_world_unless_told_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "seed.json"
    path.write_text(json.dumps({"users": [{"userName": "ana@example.com"}]}))
    users = [user["userName"] for user in Sandbox(seed=path).state()["users"]]
    assert users == ["admin@example.com", "ana@example.com"]


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ("{", "seed.json"),
        ("[]", "seed.json"),
        ('{"robots": []}', "robots"),
        ('{"users": {}}', "users"),
        ('{"users": [{"userName": "x"}]}', "users[0]"),
        ('{"users": [7]}', "users[0]"),
        ('{"groups": [{"displayName": "ML", "members": ["nobody"]}]}', "groups[0]"),
        ('{"assignments": [{"principal_type": "workspace", "principal": "x"}]}', "assignments[0]"),
    ],
)
def test_a_wrong_seed_is_refused_with_its_place(tmp_path: Path, content: str, where: str) -> None:
    path = tmp_path / "seed.json"
    path.write_text(content)
    with pytest.raises(SeedError) as refused:
        Sandbox(seed=path)
    assert where in str(refused.value)


def test_roles_on_names_with_underscores_mean_the_whole_rest_of_the_type(sandbox: Sandbox) -> None:
    user = sandbox.user("ana@example.com", role("workspace_my_workspace", "viewer"))
    assert user["roles"] == [role("workspace_my_workspace", "viewer")]
