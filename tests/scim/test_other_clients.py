"""OneLogin, JumpCloud, SailPoint and others, where they differ from Okta and Entra."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scim.conftest import ACCOUNT, ENTERPRISE, GROUP, PATCH_OP, USER, Client


def test_onelogins_templates_send_a_null_id_a_string_for_active_and_the_old_core_schema(client: Client) -> None:
    """An administrator writes OneLogin's body as a template (scim.dev guide; keepnetlabs page)."""
    body = {
        "schemas": ["urn:scim:schemas:core:1.0"],
        "id": None,
        "userName": "ada@acme.com",
        "active": "true",
        "name": {"givenName": "Ada", "familyName": "Lovelace", "formatted": ""},
        "emails": [{"value": "ada@acme.com", "type": "work", "primary": True}],
        ENTERPRISE: {"department": "Engines", "manager": {"managerId": "m1", "displayName": "Boss"}},
    }
    user = client.create("/Users", body)
    assert user["id"]
    assert user["active"] is True
    assert user["name"] == {"givenName": "Ada", "familyName": "Lovelace"}
    assert user[ENTERPRISE] == {"department": "Engines", "manager": {"value": "m1"}}
    assert user["schemas"] == [USER, ENTERPRISE]


def test_onelogin_connects_by_a_lookup_of_a_name_known_not_to_exist(client: Client) -> None:
    assert client.find("/Users", 'userName eq "onelogin-test"') == []


def test_onelogin_updates_by_put_and_by_patch(client: Client) -> None:
    user = client.user()
    path = f"/Users/{user['id']}"
    put = client.send("PUT", path, {"schemas": [USER], "id": None, "userName": "ada@acme.com", "active": "false"})
    assert put.get_json(force=True)["active"] is False
    patch = {"schemas": [PATCH_OP], "Operations": [{"op": "replace", "value": {"active": "true"}}]}
    assert client.send("PATCH", path, patch).get_json(force=True)["active"] is True


def test_jumpcloud_activates_with_a_test_user_and_a_test_group_it_changes_and_deletes(client: Client) -> None:
    assert client.find("/Users", 'userName eq "test@jumptest.jumptest"') == []
    user = client.create("/Users", {"schemas": [USER], "userName": "test@jumptest.jumptest", "active": True})
    group = client.create("/Groups", {"schemas": [GROUP], "displayName": "jumptest"})
    members = [{"value": user["id"]}]
    client.patch(f"/Groups/{group['id']}", {"op": "add", "path": "members", "value": members})
    assert client.members(group) == {user["id"]}
    client.patch(f"/Groups/{group['id']}", {"op": "remove", "path": "members", "value": members})
    assert client.members(group) == set()
    client.patch(f"/Users/{user['id']}", {"op": "replace", "value": {"active": False, "name": {"familyName": "x"}}})
    assert client.send("DELETE", f"/Groups/{group['id']}").status_code == 204
    assert client.send("DELETE", f"/Users/{user['id']}").status_code == 204


def test_sailpoint_reads_the_discovery_documents_before_anything_else_and_aggregates_by_pages(
    client: Client,
) -> None:
    for path in ("/ServiceProviderConfig", "/ResourceTypes", "/Schemas", "/ResourceTypes/User", "/ResourceTypes/Group"):
        response = client.send("GET", path)
        assert (response.status_code, response.content_type) == (200, "application/scim+json")
        assert response.get_json(force=True)["schemas"]
    ids = {client.user(f"u{number}@acme.com")["id"] for number in range(5)}
    pages = [client.get("/Users", startIndex=start, count=2)["Resources"] for start in (1, 3, 5, 7)]
    assert {user["id"] for page in pages for user in page} == ids
    assert [len(page) for page in pages] == [2, 2, 1, 0]


def test_sailpoint_changes_one_of_several_values(client: Client) -> None:
    roles = [{"value": "a"}, {"value": "b"}]
    user = client.user(roles=roles)
    client.patch(
        f"/Users/{user['id']}",
        {"op": "add", "path": "roles", "value": [{"value": "c"}]},
        {"op": "remove", "path": 'roles[value eq "a"]'},
    )
    assert client.get(f"/Users/{user['id']}")["roles"] == [{"value": "b"}, {"value": "c"}]


def test_authentik_decides_on_patch_by_the_configuration(client: Client) -> None:
    assert client.get("/ServiceProviderConfig")["patch"] == {"supported": True}


def test_a_person_may_be_created_inactive(client: Client) -> None:
    """PingOne does."""
    user = client.user(active=False)
    assert client.get(f"/Users/{user['id']}")["active"] is False


def test_a_trailing_slash_and_another_case_of_the_endpoint_are_found(client: Client) -> None:
    user = client.user()
    assert client.get("/users/")["totalResults"] == 1
    assert client.get(f"/USERS/{user['id']}/")["id"] == user["id"]
    assert client.get("/serviceproviderconfig")["patch"]["supported"] is True


def test_a_head_request_is_answered_as_a_get_without_a_body(client: Client) -> None:
    user = client.user()
    response = client.send("HEAD", f"/Users/{user['id']}")
    assert (response.status_code, response.data) == (200, b"")
    assert response.headers["ETag"] == user["meta"]["version"]


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        ("/Users", {"schemas": [USER], "userName": "scoring@acme.com"}),
        ("/ServiceAccounts", {"schemas": [ACCOUNT], "name": "scoring"}),
    ],
)
def test_a_service_account_is_switched_off_in_every_form_that_a_user_is(
    client: Client, endpoint: str, body: dict[str, Any]
) -> None:
    created = client.create(endpoint, {**body, "active": "True"})
    path = f"{endpoint}/{created['id']}"
    for off in (
        {"op": "Replace", "path": "active", "value": "False"},
        {"op": "replace", "path": "active", "value": False},
        {"op": "replace", "value": {"active": False}},
        {"op": "replace", "value": {f"{body['schemas'][0]}:active": "false"}},
    ):
        assert client.send("PUT", path, {**body, "active": "true"}).get_json(force=True)["active"] is True
        answer = client.patch(path, off)
        assert answer is not None
        assert answer["active"] is False
    assert client.send("PUT", path, {**body, "active": "False"}).get_json(force=True)["active"] is False
