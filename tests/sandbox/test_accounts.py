"""SCIM service accounts and their keys."""

import hashlib
import json

from tests.sandbox.client import ADMIN_KEY, SCIM, Sandbox, names, role


def test_the_key_is_in_the_create_answer_and_nowhere_else(sandbox: Sandbox) -> None:
    made = sandbox.account("ci", role("workspace_prod", "editor"))
    key = made["apiKey"]
    path = f"{SCIM}/ServiceAccounts/{made['id']}"
    answers = [
        sandbox.get(path),
        sandbox.get(f"{SCIM}/ServiceAccounts"),
        sandbox.put(path, {"name": "ci", "active": True}),
    ]
    seen = [answer.get_data(as_text=True) for answer in answers]
    seen += [json.dumps(sandbox.state()), json.dumps(sandbox.log())]
    snapshot = json.dumps(sandbox.control("POST", "snapshot"))
    assert not any(key in text for text in (*seen, snapshot))
    assert hashlib.sha256(key.encode()).hexdigest() in snapshot


def test_created_account_has_every_documented_field_and_no_other(sandbox: Sandbox) -> None:
    made = sandbox.account("ci")
    expected = {"schemas", "id", "meta", "name", "active", "description", "roles", "groups", "apiKey"}
    assert set(made) == expected
    assert len(made["id"]) == 32


def test_list_entries_omit_roles_and_groups(sandbox: Sandbox) -> None:
    sandbox.account("ci", role("workspace_prod", "editor"))
    entries = sandbox.get(f"{SCIM}/ServiceAccounts").get_json()["Resources"]
    fields = {"schemas", "id", "meta", "name", "active", "description"}
    assert all(set(entry) == fields for entry in entries)


def test_an_account_has_the_authority_its_roles_give(sandbox: Sandbox) -> None:
    regular = sandbox.account("regular")
    admin = sandbox.account("admin", role("account_type", "admin"))
    assert sandbox.get(f"{SCIM}/Users", key=regular["apiKey"]).status_code == 403
    assert sandbox.get(f"{SCIM}/Users", key=admin["apiKey"]).status_code == 200


def test_inactive_accounts_keep_everything_but_cannot_call(sandbox: Sandbox) -> None:
    made = sandbox.account("ci", role("account_type", "admin"))
    group = sandbox.group("ML", [made["id"]])
    path = f"{SCIM}/ServiceAccounts/{made['id']}"
    body = {"name": "ci", "active": False, "roles": made["roles"]}
    assert sandbox.put(path, body).get_json()["active"] is False
    assert sandbox.get(f"{SCIM}/Users", key=made["apiKey"]).status_code == 401
    kept = sandbox.get(path).get_json()
    assert kept["roles"] == made["roles"] and kept["groups"][0]["value"] == group["id"]
    sandbox.put(path, {**body, "active": True})
    assert sandbox.get(f"{SCIM}/Users", key=made["apiKey"]).status_code == 200


def test_put_renames_clears_and_leaves_activity_alone_when_it_is_not_named(sandbox: Sandbox) -> None:
    made = sandbox.account("ci", role("workspace_prod", "editor"), description="d", active=False)
    path = f"{SCIM}/ServiceAccounts/{made['id']}"
    replaced = sandbox.put(path, {"name": "ci 2"}).get_json()
    assert (replaced["name"], replaced["description"], replaced["roles"]) == ("ci 2", "", [])
    assert replaced["active"] is False


def test_names_are_unique(sandbox: Sandbox) -> None:
    first, second = sandbox.account("ci"), sandbox.account("cd")
    assert sandbox.post(f"{SCIM}/ServiceAccounts", {"name": "ci"}).status_code == 409
    path = f"{SCIM}/ServiceAccounts/{second['id']}"
    assert sandbox.put(path, {"name": "ci"}).status_code == 409
    assert sandbox.get(f"{SCIM}/ServiceAccounts/{first['id']}").get_json()["name"] == "ci"


def test_filter_is_by_name_only(sandbox: Sandbox) -> None:
    made = sandbox.account("ci")
    found = sandbox.get(f"{SCIM}/ServiceAccounts", query_string={"filter": 'name eq "ci"'})
    assert names(found, "name") == ["ci"]
    refused = sandbox.get(f"{SCIM}/ServiceAccounts", query_string={"filter": f'id eq "{made["id"]}"'})
    assert refused.status_code == 400


def test_deleted_accounts_key_stops_working_and_grants_are_gone(sandbox: Sandbox) -> None:
    made = sandbox.account("ci", role("secret_scope_snowflake", "secret_scope_writer"))
    assert sandbox.delete(f"{SCIM}/ServiceAccounts/{made['id']}").status_code == 204
    assert sandbox.get(f"{SCIM}/Users", key=made["apiKey"]).status_code == 401
    scope = next(s for s in sandbox.state()["scopes"] if s["name"] == "snowflake")
    assert made["id"] not in {grant["principal_id"] for grant in scope["grants"]}


def test_the_scheme_is_case_insensitive_and_bearer_works_on_scim_only(sandbox: Sandbox) -> None:
    for scheme in ("Tecton-key", "tecton-KEY", "Bearer", "bearer"):
        headers = {"Authorization": f"{scheme} {ADMIN_KEY}"}
        assert sandbox.http.get(f"{SCIM}/Users", headers=headers).status_code == 200
    bearer = {"Authorization": f"Bearer {ADMIN_KEY}"}
    assert sandbox.http.get("/api/v1/secrets-service/scopes", headers=bearer).status_code == 401


def test_missing_and_wrong_keys_are_401_with_code_16(sandbox: Sandbox) -> None:
    for key in (None, "wrong", ""):
        answer = sandbox.get("/api/v1/secrets-service/scopes", key=key)
        assert answer.status_code == 401
        assert answer.get_json()["code"] == 16
    assert sandbox.get(f"{SCIM}/Users", key="wrong").status_code == 401
