"""The requests Tecton's reference prints, sent as they are to a fresh sandbox.

Documented status, and every documented key; values are the sandbox's own.
"""

from typing import Any

import pytest

from tests.sandbox.client import AUTHZ, METADATA, SCIM, SECRET_ROUTES, SECRETS, Sandbox

ALL_METADATA = {
    "includeSloInfo": True,
    "includeEffectiveTimes": True,
    "includeNames": True,
    "includeDataTypes": True,
    "includeServingStatus": True,
}
SERVICE = {"featureServiceName": "fraud_detection_feature_service", "workspaceName": "prod"}
GET_FEATURES = {
    "params": {
        **SERVICE,
        "joinKeyMap": {"user_id": "A123", "ad_id": "5417"},
        "requestContextMap": {"amount": 500},
        "metadataOptions": ALL_METADATA,
    }
}
ROW = {
    "joinKeyMap": {"user_uuid": "6c423390-9a64-52c8-9bb3-bbb108c74198"},
    "requestContextMap": {"amount": 2000},
}
GET_BATCH = {"params": {**SERVICE, "requestData": [ROW, ROW], "metadataOptions": ALL_METADATA}}
SLO = {
    "sloEligible",
    "sloServerTimeSeconds",
    "dynamodbResponseSizeBytes",
    "serverTimeSeconds",
    "storeMaxLatency",
    "storeResponseSizeBytes",
}
V2 = "/api/v2/workspaces/prod/feature-services/fraud_detection_feature_service"
OAUTH_ID, SECRET_ID = "0oa1a45o42rZDl3g4358", "ocs1di9xhlvn2shQU358"
BOTH = {"service_account_id": OAUTH_ID, "secret_id": SECRET_ID}


def answered(sandbox: Sandbox, path: str, body: object) -> Any:
    answer = sandbox.post(path, body)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_json()


@pytest.mark.parametrize("path", ["/api/v1/feature-service/get-features", f"{V2}/get-features"])
def test_get_features(sandbox: Sandbox, path: str) -> None:
    answer = answered(sandbox, path, GET_FEATURES)
    features = answer["metadata"]["features"]
    assert len(answer["result"]["features"]) == len(features)
    assert set(answer["metadata"]["sloInfo"]) == SLO
    assert set().union(*features) == {"name", "effectiveTime", "dataType", "status"}
    assert any("elementType" in feature["dataType"] for feature in features)
    assert any("effectiveTime" not in feature for feature in features)


@pytest.mark.parametrize("path", ["/api/v1/feature-service/get-features-batch", f"{V2}/get-features-batch"])
def test_get_features_batch(sandbox: Sandbox, path: str) -> None:
    answer = answered(sandbox, path, GET_BATCH)
    assert [set(row) for row in answer["result"]] == [{"features"}] * 2
    metadata = answer["metadata"]
    assert all(len(feature["status"]) == 2 for feature in metadata["features"])
    assert [set(row) for row in metadata["sloInfo"]] == [SLO] * 2
    batch = {"sloEligible", "sloServerTimeSeconds", "serverTimeSeconds", "storeMaxLatency"}
    assert set(metadata["batchSloInfo"]) >= batch


def test_metadata(sandbox: Sandbox) -> None:
    first = answered(sandbox, "/api/v1/feature-service/metadata", {"params": SERVICE})
    assert first == sandbox.get(f"{V2}/metadata").get_json()
    assert first["featureServiceType"] == "DEFAULT"
    for part in ("inputJoinKeys", "inputRequestContextKeys", "featureValues"):
        assert all(set(row) == {"name", "dataType"} for row in first[part])


def test_ingest(sandbox: Sandbox) -> None:
    def record(second: int, user: str) -> object:
        return {"record": {"timestamp": f"2024-01-01T00:00:0{second}Z", "user_id": user, "value": second}}

    records = {
        "stream_source_1": [record(1, "123"), record(2, "123")],
        "stream_source_2": [record(3, "456"), record(4, "456")],
    }
    answer = answered(sandbox, "/ingest", {"workspaceName": "my_workspace", "dryRun": False, "records": records})
    assert answer["workspaceName"] == "my_workspace"
    metrics = answer["ingestMetrics"]["featureViewIngestMetrics"]
    documented = {"featureViewName", "onlineRecordIngestCount", "featureViewId"}
    assert all(set(row) >= documented for row in metrics)
    assert [row["onlineRecordIngestCount"] for row in metrics] == ["2", "2"]


def test_assign_and_unassign_roles_on_a_scope(sandbox: Sandbox) -> None:
    entry = {
        "principal_type": "PRINCIPAL_TYPE_WORKSPACE",
        "principal_id": "my-workspace",
        "resource_type": "RESOURCE_TYPE_SECRET_SCOPE",
        "resource_id": "my-secret-scope",
        "role": "read_scope_role",
    }
    assert answered(sandbox, f"{AUTHZ}/assign-roles", {"assignments": [entry]}) == {}
    assert answered(sandbox, f"{AUTHZ}/unassign-roles", {"assignments": [entry]}) == {}


def test_principals_of_a_scope(sandbox: Sandbox) -> None:
    question = {
        "resource_type": "RESOURCE_TYPE_SECRET_SCOPE",
        "resource_id": "my-secret-scope",
        "principal_types": ["PRINCIPAL_TYPE_SERVICE_ACCOUNT"],
    }
    entries = answered(sandbox, f"{AUTHZ}/list-assigned-principals", question)["assignments"]
    shown = [entry["principal"]["service_account"] for entry in entries]
    sample = next(a for a in shown if a["id"] == "98be6e950d8c4b14aeb32f48b20a9245")
    assert set(sample) == {"id", "name", "description", "is_active", "creator"}
    assert set(sample["creator"]) == {"principal_type", "id"}


def test_roles_of_a_principal(sandbox: Sandbox) -> None:
    question = {
        "principal_type": "PRINCIPAL_TYPE_SERVICE_ACCOUNT",
        "principal_id": "service-account-id",
        "resource_type": "RESOURCE_TYPE_SECRET_SCOPE",
    }
    (entry,) = answered(sandbox, f"{AUTHZ}/list-assigned-roles", question)["assignments"]
    assert (entry["resource_type"], entry["resource_id"]) == ("RESOURCE_TYPE_SECRET_SCOPE", "my-secret-scope")
    direct = [{"assignment_type": "ROLE_ASSIGNMENT_TYPE_DIRECT"}]
    assert entry["roles_granted"] == [{"role": "write_scope_role", "role_assignment_sources": direct}]


def test_put_and_delete_a_secret(sandbox: Sandbox) -> None:
    path = f"{SECRETS}/my-secret-scope/keys/my-key"
    assert sandbox.put(path, {"value": "shhh"}).get_json() == {}
    assert sandbox.delete(path).get_json() == {}


def test_create_a_service_account(sandbox: Sandbox) -> None:
    body = {
        "name": "my-service-account",
        "description": "description of my-service-account",
        "credentials_type": "SERVICE_ACCOUNT_CREDENTIALS_TYPE_OAUTH_CLIENT_CREDENTIALS",
    }
    made = answered(sandbox, f"{METADATA}/create-service-account", body)
    documented = {"id", "name", "description", "is_active", "created_at", "credentials_type", "client_secret"}
    assert set(made) == documented


def test_get_multiple_service_accounts(sandbox: Sandbox) -> None:
    body = {"search": "my", "ids": [OAUTH_ID, "d3a38a4be4bc45a58c8223ae57b0d267"]}
    rows = answered(sandbox, f"{METADATA}/get-service-account", body)["service_accounts"]
    assert [row["id"] for row in rows] == body["ids"]
    fields = {"id", "name", "description", "is_active", "created_by", "created_at", "credentials_type"}
    assert all(set(row) == fields for row in rows)
    users = [row["created_by"]["user"] for row in rows]
    assert all(set(user) == {"okta_id", "first_name", "last_name", "login_email"} for user in users)


def test_update_and_delete_a_service_account(sandbox: Sandbox) -> None:
    body = {"id": OAUTH_ID, "name": "updated-my-service-account", "description": "updated", "is_active": True}
    updated = answered(sandbox, f"{METADATA}/update-service-account", body)
    assert set(updated) == {"id", "name", "description", "is_active", "created_at"}
    assert sandbox.post(f"{METADATA}/delete-service-account", {"id": OAUTH_ID}).status_code == 400
    answered(sandbox, f"{METADATA}/update-service-account", {"id": OAUTH_ID, "is_active": False})
    assert answered(sandbox, f"{METADATA}/delete-service-account", {"id": OAUTH_ID}) == {}


def test_client_secrets_in_the_order_of_the_reference(sandbox: Sandbox) -> None:
    masked = {"secret_id", "created_at", "updated_at", "status", "masked_secret"}
    activated = answered(sandbox, f"{SECRET_ROUTES}/activate-service-account-secret", BOTH)
    assert set(activated["secret"]) == masked
    made = answered(sandbox, f"{SECRET_ROUTES}/create-service-account-secret", {"id": OAUTH_ID})
    assert set(made["secret"]) == {"secret_id", "created_at", "status", "secret"}
    deactivated = answered(sandbox, f"{SECRET_ROUTES}/deactivate-service-account-secret", BOTH)
    assert set(deactivated["secret"]) == masked
    assert answered(sandbox, f"{SECRET_ROUTES}/delete-service-account-secret", BOTH) == {}
    listed = answered(sandbox, f"{SECRET_ROUTES}/list-service-account-secrets", {"id": OAUTH_ID})
    assert [set(row) for row in listed["clientSecrets"]] == [masked]


@pytest.mark.parametrize("collection", ["Users", "Groups", "ServiceAccounts"])
def test_scim_answers_without_a_key_or_with_a_regular_one(sandbox: Sandbox, collection: str) -> None:
    regular = sandbox.account("regular")["apiKey"]
    for method, path in (("GET", ""), ("POST", ""), ("GET", "/x"), ("PUT", "/x"), ("DELETE", "/x")):
        body: object = {} if method in ("POST", "PUT") else None
        url = f"{SCIM}/{collection}{path}"
        assert sandbox.call(method, url, body, key=None).status_code == 401
        assert sandbox.call(method, url, body, key=regular).status_code == 403
