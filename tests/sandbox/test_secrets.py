"""secrets-service and metadata-service, with the rights of their callers."""

import json

import pytest

from tests.sandbox.client import ADMIN_KEY, METADATA, READ, SECRETS, WRITE, Sandbox, role

KEY = f"{SECRETS}/snowflake/keys/user"


def test_values_are_written_read_and_deleted(sandbox: Sandbox) -> None:
    assert sandbox.put(KEY, {"value": "svc"}).get_json() == {}
    assert sandbox.put(KEY, {"value": "svc2"}).get_json() == {}
    assert sandbox.get(KEY).get_json() == {"value": "svc2"}
    assert sandbox.get(f"{SECRETS}/snowflake/keys").get_json() == {"keys": [{"name": "user"}]}
    assert sandbox.delete(KEY).get_json() == {}
    assert sandbox.get(KEY).status_code == 404
    assert sandbox.get(f"{SECRETS}/snowflake/keys").get_json() == {}


def test_values_are_in_no_log_and_no_dump(sandbox: Sandbox) -> None:
    sandbox.put(KEY, {"value": "very-secret-value"})
    sandbox.get(KEY)
    assert "very-secret-value" not in json.dumps([sandbox.state(), sandbox.log()])
    assert ADMIN_KEY not in json.dumps([sandbox.state(), sandbox.log()])


@pytest.mark.parametrize(
    ("who", "put", "read", "keys"),
    [
        (role("secret_scope_snowflake", "secret_scope_manager"), 200, 200, 200),
        (role("secret_scope_snowflake", WRITE), 200, 200, 200),
        (role("secret_scope_snowflake", READ), 403, 200, 403),
        (role("account_type", "admin"), 403, 403, 200),
        (role("workspace_prod", "owner"), 403, 403, 403),
    ],
)
def test_what_each_role_may_do_with_values(sandbox: Sandbox, who: object, put: int, read: int, keys: int) -> None:
    sandbox.put(KEY, {"value": "x"})
    key = sandbox.account("ci", who)["apiKey"]
    assert sandbox.put(KEY, {"value": "y"}, key=key).status_code == put
    assert sandbox.get(KEY, key=key).status_code == read
    assert sandbox.get(f"{SECRETS}/snowflake/keys", key=key).status_code == keys


def test_anybody_may_create_a_scope_and_becomes_its_manager(sandbox: Sandbox) -> None:
    account = sandbox.account("ci")
    assert sandbox.post(f"{SECRETS}/mine", key=account["apiKey"]).get_json() == {}
    assert sandbox.roles("ServiceAccounts", account["id"]) == [role("secret_scope_mine", "secret_scope_manager")]
    assert sandbox.get(SECRETS, key=account["apiKey"]).get_json() == {"scopes": [{"name": "mine"}]}


def test_an_admin_who_is_not_manager_cannot_delete_a_scope(sandbox: Sandbox) -> None:
    admin = sandbox.account("ci", role("account_type", "admin"))
    assert sandbox.delete(f"{SECRETS}/snowflake", key=admin["apiKey"]).status_code == 403
    assert sandbox.delete(f"{SECRETS}/snowflake").status_code == 200
    assert {"name": "snowflake"} not in sandbox.get(SECRETS).get_json()["scopes"]


def test_deleting_a_scope_takes_the_roles_on_it(sandbox: Sandbox) -> None:
    user = sandbox.user("ana@example.com", role("secret_scope_snowflake", READ))
    sandbox.delete(f"{SECRETS}/snowflake")
    assert sandbox.roles("Users", user["id"]) == []


def test_a_value_must_be_a_text(sandbox: Sandbox) -> None:
    for body in ({}, {"value": 7}, {"value": None}):
        assert sandbox.put(KEY, body).status_code == 400


def test_users_are_found_by_email_and_id(sandbox: Sandbox) -> None:
    user = sandbox.user("ana@example.com", name={"givenName": "Ana", "familyName": "Li"})
    shown = {"okta_id": user["id"], "first_name": "Ana", "last_name": "Li", "login_email": "ana@example.com"}
    for question in ({"email": "ana@example.com"}, {"id": user["id"]}):
        assert sandbox.post(f"{METADATA}/get-user", question).get_json() == {"user": shown}
    assert sandbox.post(f"{METADATA}/get-user", {"email": "no@example.com"}).status_code == 404


def test_cluster_admin_info_counts_admins_through_groups(sandbox: Sandbox) -> None:
    user = sandbox.user()
    sandbox.group("admins", [user["id"]], role("account_type", "admin"))
    info = sandbox.post(f"{METADATA}/get-cluster-admin-info", {}).get_json()
    assert info["caller_is_admin"] is True
    assert [admin["login_email"] for admin in info["admins"]] == ["admin@example.com", "ana@example.com"]


def test_workspaces_are_listed(sandbox: Sandbox) -> None:
    answer = sandbox.post(f"{METADATA}/list-workspaces", {}).get_json()
    assert {"name": "prod", "capabilities": {"materializable": True}} in answer["workspaces"]


def test_a_key_says_whose_it_is(sandbox: Sandbox) -> None:
    answer = sandbox.post(f"{METADATA}/introspect-api-key", {"api_key": ADMIN_KEY}).get_json()
    assert (answer["name"], answer["active"], answer["is_admin"]) == ("scim-bridge", True, True)
    assert sandbox.post(f"{METADATA}/introspect-api-key", {"api_key": "nobody's"}).status_code == 404


def test_login_configs_need_no_credential(sandbox: Sandbox) -> None:
    answer = sandbox.post(f"{METADATA}/get-login-configs", key=None)
    assert answer.status_code == 200
    assert "key_values" in answer.get_json()
