"""The SCIM requests that Tecton's reference prints, in the order printed, for each of its three resources.

The reference prints a type where a value belongs (`"displayName": "string"`); here a value of that kind
stands in its place, and every attribute that is printed is sent. Documented status, and every documented key.
"""

from typing import Any

import pytest

from tests.sandbox.client import GROUP_EXTENSION, SCIM, Sandbox

META = {"resourceType": "string", "created": "string", "lastModified": "string"}
ROLES = [{"type": "workspace_prod", "value": "viewer"}]
ADMIN_ID = "00u18938zqdN98Gzq358"

COMMON = {"schemas", "id", "meta"}
GROUP = {*COMMON, "displayName", GROUP_EXTENSION}
ACCOUNT = {*COMMON, "name", "active", "description"}
USER = {*COMMON, "userName", "name", "active", "emails"}

SAMPLES: dict[str, dict[str, Any]] = {
    "Groups": {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group", GROUP_EXTENSION],
        "meta": META,
        "displayName": "ML Ops",
        "members": [{"type": "User", "display": "admin@example.com", "value": ADMIN_ID}],
        "roles": ROLES,
        GROUP_EXTENSION: {"description": "platform team", "idpMappingNames": ["Platform"]},
    },
    "ServiceAccounts": {
        "schemas": ["urn:ietf:params:scim:schemas:extension:tecton:1.0:ServiceAccount"],
        "meta": META,
        "name": "ci",
        "active": True,
        "description": "CI/CD",
        "roles": ROLES,
    },
    "Users": {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "meta": META,
        "userName": "ana@example.com",
        "name": {"familyName": "Li", "givenName": "Ana"},
        "active": True,
        "emails": [{"type": "work", "primary": True, "value": "ana@example.com"}],
        "roles": ROLES,
    },
}
# In entries of a list, and in a resource as such; the answer to a create of a service account has its key.
LISTED = {"Groups": GROUP, "ServiceAccounts": ACCOUNT, "Users": USER}
WHOLE = {
    "Groups": GROUP | {"members", "roles"},
    "ServiceAccounts": ACCOUNT | {"groups", "roles"},
    "Users": USER | {"groups", "roles"},
}
NAME = {"Groups": "displayName", "ServiceAccounts": "name", "Users": "userName"}
COLLECTIONS = list(SAMPLES)


def created(sandbox: Sandbox, collection: str) -> Any:
    return sandbox.made(sandbox.post(f"{SCIM}/{collection}", SAMPLES[collection]))


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_get_all(sandbox: Sandbox, collection: str) -> None:
    name = created(sandbox, collection)[NAME[collection]]
    query: dict[str, Any] = {"startIndex": 1, "count": 10, "sortBy": NAME[collection], "sortOrder": "ascending"}
    query["filter"] = f'{NAME[collection]} eq "{name}"'
    answer = sandbox.get(f"{SCIM}/{collection}", query_string=query)
    assert answer.status_code == 200
    listed = answer.get_json()
    assert set(listed) == {"schemas", "startIndex", "itemsPerPage", "totalResults", "Resources"}
    assert [set(row) for row in listed["Resources"]] == [LISTED[collection]]


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_create(sandbox: Sandbox, collection: str) -> None:
    made = created(sandbox, collection)
    assert set(made) == WHOLE[collection] | ({"apiKey"} if collection == "ServiceAccounts" else set())
    assert set(made["meta"]) == set(META)
    assert made["roles"] == ROLES
    assert sandbox.post(f"{SCIM}/{collection}", SAMPLES[collection]).status_code == 409


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_get(sandbox: Sandbox, collection: str) -> None:
    id_ = created(sandbox, collection)["id"]
    answer = sandbox.get(f"{SCIM}/{collection}/{id_}")
    assert (answer.status_code, set(answer.get_json())) == (200, WHOLE[collection])
    assert sandbox.get(f"{SCIM}/{collection}/string").status_code == 404


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_delete(sandbox: Sandbox, collection: str) -> None:
    path = f"{SCIM}/{collection}/{created(sandbox, collection)['id']}"
    assert [sandbox.delete(path).status_code for _ in range(2)] == [204, 404]


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_replace(sandbox: Sandbox, collection: str) -> None:
    path = f"{SCIM}/{collection}/{created(sandbox, collection)['id']}"
    answer = sandbox.put(path, SAMPLES[collection])
    assert (answer.status_code, set(answer.get_json())) == (200, WHOLE[collection])
    assert sandbox.put(f"{SCIM}/{collection}/string", SAMPLES[collection]).status_code == 404


def test_the_members_of_attributes_are_those_documented(sandbox: Sandbox) -> None:
    user, group = created(sandbox, "Users"), created(sandbox, "Groups")
    three = {"type", "display", "value"}
    assert [set(member) for member in group["members"]] == [three]
    assert set(group[GROUP_EXTENSION]) == {"description", "idpMappingNames"}
    assert set(user["name"]) == {"familyName", "givenName"}
    assert [set(email) for email in user["emails"]] == [{"type", "primary", "value"}]
    shown = sandbox.get(f"{SCIM}/Users/{ADMIN_ID}").get_json()
    assert [set(entry) for entry in shown["groups"]] == [three]
