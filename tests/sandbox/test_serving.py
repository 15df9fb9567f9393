"""Feature server and stream ingest: what roles really let somebody do, and documented error shapes."""

import pytest

from tests.sandbox.client import Sandbox, role

V1 = "/api/v1/feature-service"
V2 = "/api/v2/workspaces/prod/feature-services/fraud_detection_feature_service"
NAMES = {"workspaceName": "prod", "featureServiceName": "fraud_detection_feature_service"}
KEYS = {"joinKeyMap": {"user_id": "U1", "merchant": "m"}}
RECORD = {"record": {"timestamp": "2026-01-01T00:00:00Z", "user_id": "U1", "value": 1}}


def stream(**more: object) -> dict[str, object]:
    body = {"workspaceName": "my_workspace", "dryRun": False, "records": {"stream_source_1": [RECORD]}}
    return {**body, **more}


@pytest.mark.parametrize(
    ("who", "status"),
    [
        (role("workspace_prod", "owner"), 200),
        (role("workspace_prod", "editor"), 200),
        (role("workspace_prod", "consumer"), 200),
        (role("all_workspaces", "consumer"), 200),
        (role("workspace_prod", "operator"), 403),
        (role("workspace_prod", "viewer"), 403),
        (role("workspace_my_workspace", "owner"), 403),
        (role("account_type", "admin"), 403),
    ],
)
def test_reading_features_takes_a_consumer_or_stronger(sandbox: Sandbox, who: object, status: int) -> None:
    key = sandbox.account("serving", who)["apiKey"]
    answers = [
        sandbox.post(f"{V1}/get-features", {"params": {**NAMES, **KEYS}}, key=key),
        sandbox.post(f"{V1}/get-features-batch", {"params": {**NAMES, "requestData": [KEYS]}}, key=key),
        sandbox.post(f"{V1}/metadata", {"params": NAMES}, key=key),
        sandbox.post(f"{V2}/get-features", {"params": KEYS}, key=key),
        sandbox.post(f"{V2}/get-features-batch", {"params": {"requestData": [KEYS]}}, key=key),
        sandbox.get(f"{V2}/metadata", key=key),
    ]
    assert [answer.status_code for answer in answers] == [status] * 6
    if status == 403:
        assert {answer.get_json()["code"] for answer in answers} == {7}


def test_a_role_through_a_group_counts_and_goes_with_it(sandbox: Sandbox) -> None:
    account = sandbox.account("serving")
    group = sandbox.group("readers", [account["id"]], role("workspace_prod", "consumer"))
    assert sandbox.get(f"{V2}/metadata", key=account["apiKey"]).status_code == 200
    sandbox.put(f"/api/scim/v2/Groups/{group['id']}", {"displayName": "readers", "roles": group["roles"]})
    assert sandbox.get(f"{V2}/metadata", key=account["apiKey"]).status_code == 403


def test_values_are_the_same_for_the_same_keys(sandbox: Sandbox) -> None:
    first = sandbox.post(f"{V2}/get-features", {"params": KEYS}).get_json()
    assert first == sandbox.post(f"{V1}/get-features", {"params": {**NAMES, **KEYS}}).get_json()
    other = {"joinKeyMap": {"user_id": "U2", "merchant": "m"}}
    assert first != sandbox.post(f"{V2}/get-features", {"params": other}).get_json()
    batch = sandbox.post(f"{V2}/get-features-batch", {"params": {"requestData": [KEYS, other]}}).get_json()
    assert batch["result"][0] == first["result"]


def test_values_have_the_types_the_metadata_names(sandbox: Sandbox) -> None:
    kinds = {"boolean": bool, "int64": str, "float64": float, "string": str, "array": list}
    fields = sandbox.get(f"{V2}/metadata").get_json()["featureValues"]
    seen = set()
    for number in range(20):
        params = {"joinKeyMap": {"user_id": str(number)}}
        values = sandbox.post(f"{V2}/get-features", {"params": params}).get_json()["result"]["features"]
        for field, value in zip(fields, values, strict=True):
            assert value is None or isinstance(value, kinds[field["dataType"]["type"]])
            seen.add(value is None)
    assert seen == {True, False}


def test_snake_case_is_accepted_too(sandbox: Sandbox) -> None:
    params = {
        "workspace_name": "prod",
        "feature_service_name": "fraud_detection_feature_service",
        "join_key_map": {"user_id": "U1"},
    }
    assert sandbox.post(f"{V1}/get-features", {"params": params}).status_code == 200


@pytest.mark.parametrize(
    ("params", "status", "code"),
    [
        ({}, 400, 3),
        ({**NAMES}, 400, 3),
        ({**NAMES, "joinKeyMap": {}}, 400, 3),
        ({**NAMES, "joinKeyMap": {"user_id": {}}}, 400, 3),
        ({**NAMES, **KEYS, "featureServiceId": "x"}, 400, 3),
        ({**NAMES, **KEYS, "featureServiceName": "unknown"}, 404, 5),
        ({**NAMES, **KEYS, "workspaceName": "unknown"}, 403, 7),
    ],
)
def test_refusals_have_the_gateways_shape(sandbox: Sandbox, params: dict[str, object], status: int, code: int) -> None:
    answer = sandbox.post(f"{V1}/get-features", {"params": params})
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    assert answer.get_json()["error"] == answer.get_json()["message"]


def test_a_batch_is_at_most_ten_rows(sandbox: Sandbox) -> None:
    ok = sandbox.post(f"{V2}/get-features-batch", {"params": {"requestData": [KEYS] * 10}})
    assert len(ok.get_json()["result"]) == 10
    for rows in ([KEYS] * 11, [], ["x"]):
        answer = sandbox.post(f"{V2}/get-features-batch", {"params": {"requestData": rows}})
        assert answer.status_code == 400


@pytest.mark.parametrize(
    ("who", "write", "dry"),
    [
        (role("workspace_my_workspace", "owner"), 200, 200),
        (role("workspace_my_workspace", "editor"), 200, 200),
        (role("workspace_my_workspace", "consumer"), 403, 200),
        (role("workspace_my_workspace", "viewer"), 403, 200),
        (role("workspace_prod", "owner"), 403, 403),
    ],
)
def test_ingesting_takes_an_editor_and_a_dry_run_a_viewer(sandbox: Sandbox, who: object, write: int, dry: int) -> None:
    key = sandbox.account("stream", who)["apiKey"]
    assert sandbox.post("/ingest", stream(), key=key).status_code == write
    assert sandbox.post("/ingest", stream(dryRun=True), key=key).status_code == dry


def test_a_dry_run_writes_nothing(sandbox: Sandbox) -> None:
    def ingested() -> int:
        return int(sandbox.state()["stream_sources"][0]["ingested"])

    sandbox.post("/ingest", stream(dryRun=True))
    assert ingested() == 0
    snake = {"workspace_name": "my_workspace", "dry_run": False, "records": {"stream_source_1": [RECORD] * 3}}
    answer = sandbox.post("/ingest", snake).get_json()
    assert ingested() == 3
    (metric,) = answer["ingestMetrics"]["featureViewIngestMetrics"]
    assert metric["onlineRecordIngestCount"] == "3"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"workspaceName": None}, 400),
        ({"dryRun": None}, 400),
        ({"records": {}}, 400),
        ({"records": {"stream_source_1": [RECORD] * 11}}, 400),
        ({"records": {"stream_source_1": [{"x": 1}]}}, 400),
        ({"records": {"unknown": [RECORD]}}, 404),
        ({"workspaceName": "unknown"}, 403),
    ],
)
def test_ingest_refusals_have_their_own_shape(sandbox: Sandbox, change: dict[str, object], status: int) -> None:
    answer = sandbox.post("/ingest", stream(**change))
    assert answer.status_code == status
    assert set(answer.get_json()["requestError"]) == {"errorMessage", "errorType"}


def test_bad_records_are_named_and_nothing_is_written(sandbox: Sandbox) -> None:
    bad = {"record": {"timestamp": "yesterday", "user_id": "U1", "value": 1}}
    answer = sandbox.post("/ingest", stream(records={"stream_source_1": [RECORD, bad]}))
    assert answer.status_code == 400
    assert answer.get_json()["workspaceName"] == "my_workspace"
    (error,) = answer.get_json()["recordErrors"]
    assert set(error) == {"featureViewName", "pushSourceName", "errorType", "errorMessage"}
    assert sandbox.state()["stream_sources"][0]["ingested"] == 0


def test_ingest_rejects_access_tokens_and_names_missing_keys_in_its_shape(sandbox: Sandbox) -> None:
    account = sandbox.oauth_account()
    bearer = {"Authorization": f"Bearer {sandbox.token(account['id'], account['client_secret'])}"}
    answer = sandbox.post("/ingest", stream(), key=None, headers=bearer)
    assert (answer.status_code, "requestError" in answer.get_json()) == (401, True)
