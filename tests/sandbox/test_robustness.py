"""Whatever is sent: no error of the sandbox's own, and a refused call changes nothing."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.sandbox.client import ADMIN_KEY, AUTHZ, GROUP_EXTENSION, METADATA, SCIM, SECRET_ROUTES, SECRETS, Sandbox

FIELDS = [
    "userName", "displayName", "name", "givenName", "active", "emails", "roles", "members", "value", "type",
    "primary", "description", "assignments", "principal_type", "principal_id", "resource_type", "resourceId",
    "resource_ids", "role", "principal_types", "id", "ids", "search", "is_active", "credentials_type",
    "service_account_id", "secretId", "email", "api_key", "params", "workspaceName", "featureServiceName",
    "joinKeyMap", "requestData", "metadataOptions", "includeNames", "dryRun", "records", "stream_source_1",
    "record", "idpMappingNames", GROUP_EXTENSION,
]  # fmt: skip
WORDS = [
    "ana@example.com", "workspace_prod", "viewer", "admin", "account_type", "secret_scope_snowflake", "prod",
    "secret_scope_reader", "PRINCIPAL_TYPE_USER", "RESOURCE_TYPE_SECRET_SCOPE", "RESOURCE_TYPE_ORGANIZATION",
    "RESOURCE_TYPE_WORKSPACE", "PRINCIPAL_TYPE_WORKSPACE", "snowflake", "read_scope_role", "my_workspace",
    "00u18938zqdN98Gzq358", "0oa1a45o42rZDl3g4358", "ocs1di9xhlvn2shQU358", "scim-bridge", "",
    "fraud_detection_feature_service",
]  # fmt: skip
ROUTES = [
    ("POST", f"{SCIM}/Users"),
    ("PUT", f"{SCIM}/Users/00u18938zqdN98Gzq358"),
    ("POST", f"{SCIM}/Groups"),
    ("PUT", f"{SCIM}/Groups/fuzzed"),
    ("POST", f"{SCIM}/ServiceAccounts"),
    ("PUT", f"{SCIM}/ServiceAccounts/service-account-id"),
    ("POST", f"{AUTHZ}/assign-roles"),
    ("PUT", f"{AUTHZ}/assign-roles"),
    ("POST", f"{AUTHZ}/unassign-roles"),
    ("POST", f"{AUTHZ}/list-assigned-principals"),
    ("POST", f"{AUTHZ}/list-assigned-roles"),
    ("POST", f"{METADATA}/create-service-account"),
    ("POST", f"{METADATA}/get-service-account"),
    ("POST", f"{METADATA}/update-service-account"),
    ("POST", f"{METADATA}/delete-service-account"),
    ("POST", f"{METADATA}/get-user"),
    ("POST", f"{METADATA}/introspect-api-key"),
    ("POST", f"{SECRET_ROUTES}/create-service-account-secret"),
    ("POST", f"{SECRET_ROUTES}/activate-service-account-secret"),
    ("PUT", f"{SECRETS}/snowflake/keys/user"),
    ("POST", "/api/v1/feature-service/get-features"),
    ("POST", "/api/v1/feature-service/get-features-batch"),
    ("POST", "/ingest"),
    ("POST", "/oauth2/default/v1/token"),
    ("POST", "/_sandbox/users"),
    ("POST", "/_sandbox/groups"),
    ("POST", "/_sandbox/service-accounts"),
    ("POST", "/_sandbox/assign"),
    ("POST", "/_sandbox/sign-in"),
    ("POST", "/_sandbox/faults"),
    ("PUT", "/_sandbox/knobs"),
    ("POST", "/_sandbox/restore"),
]

leaves = (
    st.none() | st.booleans() | st.integers(-3, 10**20) | st.floats() | st.sampled_from(WORDS) | st.text(max_size=5)
)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=5),
    max_leaves=12,
)
bodies = st.dictionaries(st.sampled_from(FIELDS), values, max_size=6)


@pytest.fixture(scope="module")
def shared() -> Any:
    """One sandbox, put back to its beginning before every example."""
    sandbox = Sandbox()
    sandbox.control("POST", "groups", {"displayName": "fuzzed", "id": "fuzzed"})
    return sandbox, sandbox.control("POST", "snapshot")


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(route=st.sampled_from(ROUTES), body=bodies)
@example(route=("POST", f"{METADATA}/introspect-api-key"), body={"api_key": "\ud800"})
@example(route=("POST", f"{SCIM}/Users"), body={"userName": "a@\ud800"})
def test_any_body_is_understood_or_refused(shared: Any, route: tuple[str, str], body: Any) -> None:
    sandbox, snapshot = shared
    sandbox.control("POST", "restore", snapshot)
    sandbox.control("DELETE", "faults")
    method, path = route
    headers = {"Authorization": f"Tecton-key {ADMIN_KEY}"}
    answer = sandbox.http.open(path, method=method, data=json.dumps(body), headers=headers)
    assert answer.status_code < 500
    if answer.status_code >= 400:
        assert sandbox.control("POST", "snapshot") == snapshot
    assert sandbox.http.get("/_sandbox/state").status_code == 200
    for page in ("/users", "/groups", "/service-accounts", "/resources"):
        assert sandbox.http.get(page).status_code == 200


@pytest.mark.parametrize("raw", [b"\xff\xfe", b"[" * 100_000, b'"text"', b"nul", b'{"a": NaN}', b'{"a": "\\ud800"}'])
def test_bodies_that_are_no_json_objects_are_400(sandbox: Sandbox, raw: bytes) -> None:
    headers = {"Authorization": f"Tecton-key {ADMIN_KEY}"}
    for path in (f"{SCIM}/Users", f"{AUTHZ}/assign-roles", "/ingest", "/_sandbox/users"):
        assert sandbox.http.post(path, data=raw, headers=headers).status_code == 400


@pytest.mark.parametrize("path", ["/api//v1/secrets-service/scopes", "/api/scim/v2/Users/", "/api/scim/v2/Users/a/b"])
def test_odd_paths_are_wrong_routes(sandbox: Sandbox, path: str) -> None:
    assert sandbox.get(path).status_code == 404


@pytest.mark.parametrize("header", ["", "Tecton-key", "Tecton-key  ", "Basic abc", "Bearer \xff", "x" * 5000])
def test_odd_credentials_are_401(sandbox: Sandbox, header: str) -> None:
    for path in (f"{SCIM}/Users", SECRETS):
        assert sandbox.http.get(path, headers={"Authorization": header}).status_code == 401
