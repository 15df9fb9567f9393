"""Anything at all: never a failure inside, always an answer in SCIM's form, and nothing stored of what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import text
from werkzeug.test import TestResponse

from tests.scim.conftest import Client
from tests.scim.fuzzing import GROUP_ID, USER_ID, Request, requests

# The same requests in every run; a longer search is made with other settings, by hand.
fuzzed = settings(
    max_examples=400,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
_STORED = text(
    "SELECT (SELECT count(*) FROM resources), (SELECT coalesce(sum(version), 0) FROM resources),"
    " (SELECT count(*) FROM group_members), (SELECT coalesce(sum(generation), 0) FROM dirty)"
)


@pytest.fixture
def ids(client: Client) -> dict[str, str]:
    """The ids of a user and a group; what a request deletes stays deleted, which is fine, too."""
    user = client.user("fixture@acme.com", emails=[{"type": "work", "value": "a@b", "primary": True}])
    return {USER_ID: user["id"], GROUP_ID: client.group("fixture", members=[user["id"]])["id"]}


def stored(client: Client) -> Any:
    with client.database.read() as connection:
        return tuple(connection.execute(_STORED).one())


def send(client: Client, request: Request, ids: dict[str, str]) -> TestResponse:
    path, raw = request.path, request.raw
    for name, id_ in ids.items():
        path, raw = path.replace(name, id_), raw.replace(name.encode(), id_.encode())
    path = f"{path}?{request.query}" if request.query else path
    return client.send(request.method, path, raw, headers=request.headers)


@fuzzed
@given(request=requests)
def test_no_request_fails_inside_and_what_is_refused_leaves_no_trace(
    client: Client, ids: dict[str, str], request: Request
) -> None:
    before = stored(client)
    response = send(client, request, ids)
    assert response.status_code < 500 or response.status_code == 501, response.text  # /Me
    if response.status_code >= 400:
        assert stored(client) == before
        require_error(response, has_body=request.method != "HEAD")
    elif response.data:
        assert response.content_type == "application/scim+json"
        answer = json.loads(response.data)
        if request.path == "/Bulk":
            assert all(outcome["status"] < "500" for outcome in answer["Operations"])


def require_error(response: TestResponse, *, has_body: bool) -> None:
    assert response.content_type == "application/scim+json"
    if has_body:
        error = json.loads(response.data)
        assert error["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
        assert error["status"] == str(response.status_code)
        assert error["detail"]
