"""Service Accounts API v1, client secrets, tokens."""

import base64
import json

import pytest

from tests.sandbox.client import AUTHZ, METADATA, SCIM, SECRET_ROUTES, SECRETS, Json, Sandbox, role

API_KEY = "SERVICE_ACCOUNT_CREDENTIALS_TYPE_API_KEY"
OAUTH = "SERVICE_ACCOUNT_CREDENTIALS_TYPE_OAUTH_CLIENT_CREDENTIALS"
TOKEN = "/oauth2/default/v1/token"


def secret(sandbox: Sandbox, what: str, body: object, status: int = 200) -> Json:
    plural = "s" if what == "list" else ""
    answer = sandbox.post(f"{SECRET_ROUTES}/{what}-service-account-secret{plural}", body)
    assert answer.status_code == status, answer.get_data(as_text=True)
    return answer.get_json()


def secret_ids(sandbox: Sandbox, account_id: str) -> dict[str, str]:
    """Return the status of every client secret by id."""
    rows = secret(sandbox, "list", {"id": account_id})["clientSecrets"]
    return {row["secret_id"]: row["status"] for row in rows}


def test_an_api_key_account_is_the_default_and_its_key_works(sandbox: Sandbox) -> None:
    made = sandbox.post(f"{METADATA}/create-service-account", {"name": "x", "description": "d"}).get_json()
    fields = {"id", "name", "description", "is_active", "created_at", "credentials_type", "api_key"}
    assert set(made) == fields
    assert made["credentials_type"] == API_KEY
    assert sandbox.get(SECRETS, key=made["api_key"]).status_code == 200
    shown = sandbox.get(f"{SCIM}/ServiceAccounts/{made['id']}").get_json()
    assert (shown["name"], shown["active"]) == ("x", True)


def test_an_oauth_account_has_a_client_secret_of_64_characters_shown_once(sandbox: Sandbox) -> None:
    made = sandbox.oauth_account()
    assert made["id"].startswith("0oa")
    assert len(made["client_secret"]) == 64
    listed = secret(sandbox, "list", {"id": made["id"]})
    (row,) = listed["clientSecrets"]
    assert row["masked_secret"] == "*" * 12 + made["client_secret"][-4:]
    assert set(row) == {"secret_id", "created_at", "updated_at", "status", "masked_secret"}
    texts = json.dumps([listed, sandbox.state(), sandbox.control("POST", "snapshot"), sandbox.log()])
    assert made["client_secret"] not in texts


def test_search_looks_at_name_description_and_id_in_any_case(sandbox: Sandbox) -> None:
    made = sandbox.oauth_account("Etl-Nightly")
    for text in ("etl", "NIGHTLY", made["id"][4:12].lower()):
        found = sandbox.post(f"{METADATA}/get-service-account", {"search": text}).get_json()
        assert [row["id"] for row in found["service_accounts"]] == [made["id"]]
    (row,) = sandbox.post(f"{METADATA}/get-service-account", {"ids": [made["id"]]}).get_json()["service_accounts"]
    assert row["credentials_type"] == OAUTH
    assert row["created_by"]["service_account"]["name"] == "scim-bridge"
    assert sandbox.post(f"{METADATA}/get-service-account", {"search": "nothing"}).get_json() == {}


def test_update_changes_only_what_is_named(sandbox: Sandbox) -> None:
    made = sandbox.account("ci", description="d")
    path = f"{METADATA}/update-service-account"
    changed = sandbox.post(path, {"id": made["id"], "is_active": False}).get_json()
    assert (changed["name"], changed["description"], changed["is_active"]) == ("ci", "d", False)
    renamed = sandbox.post(path, {"id": made["id"], "name": "cd", "isActive": True}).get_json()
    assert (renamed["name"], renamed["is_active"]) == ("cd", True)
    assert sandbox.post(path, {"id": "nobody"}).status_code == 404
    assert sandbox.post(path, {"id": made["id"], "name": "scim-bridge"}).status_code == 400


def test_delete_needs_deactivation_first(sandbox: Sandbox) -> None:
    made = sandbox.account("ci")
    path = f"{METADATA}/delete-service-account"
    refused = sandbox.post(path, {"id": made["id"]})
    assert (refused.status_code, refused.get_json()["code"]) == (400, 9)
    sandbox.post(f"{METADATA}/update-service-account", {"id": made["id"], "is_active": False})
    assert sandbox.post(path, {"id": made["id"]}).get_json() == {}
    assert sandbox.post(path, {"id": made["id"]}).status_code == 404


def test_only_the_creator_or_an_admin_manages_an_account(sandbox: Sandbox) -> None:
    mine, other = sandbox.account("mine")["apiKey"], sandbox.account("other")["apiKey"]
    made = sandbox.post(f"{METADATA}/create-service-account", {"name": "x"}, key=mine).get_json()
    change = {"id": made["id"], "description": "new"}
    path = f"{METADATA}/update-service-account"
    assert sandbox.post(path, change, key=other).status_code == 403
    assert sandbox.post(path, change, key=mine).status_code == 200
    assert sandbox.post(path, change).status_code == 200
    seen = sandbox.post(f"{METADATA}/get-service-account", {}, key=other).get_json()["service_accounts"]
    assert [row["name"] for row in seen] == ["other"]


def test_rotation_keeps_at_least_one_active_and_at_most_two(sandbox: Sandbox) -> None:
    account = sandbox.oauth_account()
    (first,) = secret_ids(sandbox, account["id"])
    both = {"service_account_id": account["id"], "secret_id": first}
    secret(sandbox, "deactivate", both, 400)
    secret(sandbox, "delete", both, 400)
    made = secret(sandbox, "create", {"id": account["id"]})["secret"]
    assert set(made) == {"secret_id", "created_at", "status", "secret"}
    secret(sandbox, "create", {"id": account["id"]}, 400)
    assert secret(sandbox, "deactivate", both)["secret"]["status"] == "INACTIVE"
    assert secret_ids(sandbox, account["id"]) == {first: "INACTIVE", made["secret_id"]: "ACTIVE"}
    secret(sandbox, "deactivate", {**both, "secret_id": made["secret_id"]}, 400)
    assert secret(sandbox, "activate", both)["secret"]["status"] == "ACTIVE"
    secret(sandbox, "deactivate", both)
    assert secret(sandbox, "delete", both) == {}
    assert secret_ids(sandbox, account["id"]) == {made["secret_id"]: "ACTIVE"}
    assert sandbox.token(account["id"], made["secret"])


def test_client_secrets_are_for_oauth_accounts_and_known_ids_only(sandbox: Sandbox) -> None:
    account = sandbox.account("ci")
    secret(sandbox, "create", {"id": account["id"]}, 400)
    secret(sandbox, "list", {"id": "nobody"}, 404)
    oauth = sandbox.oauth_account()
    secret(sandbox, "activate", {"serviceAccountId": oauth["id"], "secretId": "ocsNone"}, 404)


def test_a_token_works_as_bearer_with_the_accounts_authority_for_an_hour(sandbox: Sandbox) -> None:
    account = sandbox.oauth_account()
    bearer = {"Authorization": f"Bearer {sandbox.token(account['id'], account['client_secret'])}"}
    assert sandbox.http.get(SECRETS, headers=bearer).status_code == 200
    assert sandbox.http.get(f"{SCIM}/Users", headers=bearer).status_code == 403
    admin = {"principal_type": "PRINCIPAL_TYPE_SERVICE_ACCOUNT", "principal_id": account["id"]}
    admin.update(resource_type="RESOURCE_TYPE_ORGANIZATION", role="admin")
    sandbox.post(f"{AUTHZ}/assign-roles", {"assignments": [admin]})
    assert sandbox.http.get(f"{SCIM}/Users", headers=bearer).status_code == 200
    sandbox.clock.forward(3600)
    assert sandbox.http.get(SECRETS, headers=bearer).status_code == 401


def test_the_token_answer_has_every_documented_key_and_basic_works_too(sandbox: Sandbox) -> None:
    account = sandbox.oauth_account()
    basic = base64.b64encode(f"{account['id']}:{account['client_secret']}".encode()).decode()
    form = {"grant_type": "client_credentials", "scope": "everything"}
    answer = sandbox.http.post(TOKEN, data=form, headers={"Authorization": f"Basic {basic}"})
    token = answer.get_json()
    assert set(token) == {"token_type", "expires_in", "access_token", "scope"}
    assert (token["token_type"], token["expires_in"], token["scope"]) == ("Bearer", 3600, "everything")


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"scope": "openid"}, 400, "invalid_scope"),
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "0oaNobody"}, 401, "invalid_client"),
    ],
)
def test_token_refusals_have_oauths_own_shape(
    sandbox: Sandbox, change: dict[str, str], status: int, error: str
) -> None:
    account = sandbox.oauth_account()
    form = {"grant_type": "client_credentials", "scope": "everything"}
    form.update(client_id=account["id"], client_secret=account["client_secret"])
    answer = sandbox.http.post(TOKEN, data={**form, **change})
    assert (answer.status_code, answer.get_json()["error"]) == (status, error)


def test_deactivated_secrets_and_accounts_get_no_token_and_lose_the_ones_they_have(sandbox: Sandbox) -> None:
    account = sandbox.oauth_account()
    token = sandbox.token(account["id"], account["client_secret"])
    sandbox.post(f"{METADATA}/update-service-account", {"id": account["id"], "is_active": False})
    assert sandbox.http.get(SECRETS, headers={"Authorization": f"Bearer {token}"}).status_code == 401
    form = {"grant_type": "client_credentials", "scope": "everything"}
    form.update(client_id=account["id"], client_secret=account["client_secret"])
    assert sandbox.http.post(TOKEN, data=form).status_code == 401


def test_api_keys_are_no_tokens_and_tokens_no_keys(sandbox: Sandbox) -> None:
    account = sandbox.oauth_account()
    token = sandbox.token(account["id"], account["client_secret"])
    assert sandbox.get(SECRETS, key=token).status_code == 401


def test_the_role_of_an_account_made_here_can_be_set_through_scim(sandbox: Sandbox) -> None:
    made = sandbox.post(f"{METADATA}/create-service-account", {"name": "x"}).get_json()
    body = {"name": "x", "roles": [role("workspace_prod", "consumer")]}
    assert sandbox.put(f"{SCIM}/ServiceAccounts/{made['id']}", body).status_code == 200
    assert sandbox.roles("ServiceAccounts", made["id"]) == body["roles"]
