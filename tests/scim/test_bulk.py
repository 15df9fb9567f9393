"""Bulk requests (RFC 7644 section 3.7)."""

from __future__ import annotations

from typing import Any

from app.scim.bulk_request import MAX_OPERATIONS, MAX_PAYLOAD_BYTES
from tests.scim.conftest import GROUP, USER, Client

REQUEST = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"


def create(name: str, bulk_id: str | None = None, **attributes: Any) -> dict[str, Any]:
    data = {"schemas": [USER], "userName": name, **attributes}
    return {"method": "POST", "path": "/Users", "bulkId": bulk_id or name, "data": data}


def run(client: Client, *operations: dict[str, Any], **body: Any) -> list[dict[str, Any]]:
    response = client.send("POST", "/Bulk", {"schemas": [REQUEST], "Operations": list(operations), **body})
    assert response.status_code == 200, response.text
    answer = response.get_json(force=True)
    assert answer["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"]
    return answer["Operations"]


def test_each_operation_has_its_own_outcome(client: Client) -> None:
    ada = client.user("ada@acme.com")
    gone = client.user("gone@acme.com")
    outcomes = run(
        client,
        create("bob@acme.com", "b1"),
        create("ADA@acme.com", "b2"),
        {
            "method": "PATCH",
            "path": f"/Users/{ada['id']}",
            "data": {"Operations": [{"op": "replace", "path": "title", "value": "Countess"}]},
        },
        {"method": "PUT", "path": f"/Users/{ada['id']}", "data": {"userName": "ada@acme.com", "title": "Dr"}},
        {"method": "DELETE", "path": f"/Users/{gone['id']}"},
        {"method": "PATCH", "path": "/Users/nobody", "data": {"Operations": [{"op": "remove", "path": "title"}]}},
    )
    assert [outcome["status"] for outcome in outcomes] == ["201", "409", "200", "200", "204", "404"]
    assert outcomes[0]["bulkId"] == "b1"
    (bob,) = client.find("/Users", 'userName eq "bob@acme.com"')
    assert outcomes[0]["location"].endswith(f"/Users/{bob}")
    assert outcomes[1]["response"]["scimType"] == "uniqueness"
    assert "location" not in outcomes[1]
    assert client.get(f"/Users/{ada['id']}")["title"] == "Dr"


def test_a_group_may_refer_to_a_user_that_comes_later(client: Client) -> None:
    members = [{"type": "User", "value": "bulkId:u1"}]
    group = {"schemas": [GROUP], "displayName": "ops", "members": members}
    outcomes = run(
        client,
        {"method": "POST", "path": "/Groups", "bulkId": "g1", "data": group},
        create("bob@acme.com", "u1"),
        {"method": "DELETE", "path": "/Groups/bulkId:g1"},
        {"method": "POST", "path": "/Groups", "bulkId": "g2", "data": {**group, "displayName": "dev"}},
    )
    assert [outcome["status"] for outcome in outcomes] == ["201", "201", "204", "201"]
    (found,) = client.get("/Groups")["Resources"]
    assert found["displayName"] == "dev"
    assert [member["value"] for member in found["members"]] == client.find("/Users", 'userName eq "bob@acme.com"')


def test_a_reference_to_nothing_and_a_circular_one_are_conflicts(client: Client) -> None:
    def group(name: str, member: str) -> dict[str, Any]:
        data = {"displayName": name, "members": [{"value": f"bulkId:{member}"}]}
        return {"method": "POST", "path": "/Groups", "bulkId": name, "data": data}

    outcomes = run(client, group("a", "b"), group("b", "a"), group("c", "nowhere"))
    assert {outcome["status"] for outcome in outcomes} == {"409"}
    assert client.get("/Groups")["totalResults"] == 0


def test_fail_on_errors_stops_after_that_many(client: Client) -> None:
    operations = [create("ada@acme.com"), create("ada@acme.com", "x"), create("bob@acme.com")]
    assert [outcome["status"] for outcome in run(client, *operations, failOnErrors=1)] == ["201", "409"]
    assert client.get("/Users")["totalResults"] == 1


def test_without_fail_on_errors_every_operation_runs(client: Client) -> None:
    operations = [create("ada@acme.com"), create("ada@acme.com", "x"), create("bob@acme.com")]
    assert [outcome["status"] for outcome in run(client, *operations)] == ["201", "409", "201"]


def test_an_operation_that_fails_leaves_nothing_behind(client: Client) -> None:
    group = {"displayName": "ops", "members": [{"value": 5}]}
    outcomes = run(client, {"method": "POST", "path": "/Groups", "bulkId": "g", "data": group}, create("a@b"))
    assert [outcome["status"] for outcome in outcomes] == ["400", "201"]
    assert client.get("/Groups")["totalResults"] == 0
    assert set(client.dirty()) == {("user", client.get("/Users")["Resources"][0]["id"])}


def test_an_outdated_version_fails_alone(client: Client) -> None:
    user = client.user()
    data = {"Operations": [{"op": "replace", "path": "title", "value": "x"}]}
    operation = {"method": "PATCH", "path": f"/Users/{user['id']}", "version": 'W/"7"', "data": data}
    assert [outcome["status"] for outcome in run(client, operation)] == ["412"]


def test_operations_that_mean_nothing_fail_alone(client: Client) -> None:
    outcomes = run(
        client,
        {"method": "POST", "path": "/Users", "data": {"userName": "no-bulk-id"}},
        {"method": "GET", "path": "/Users/1"},
        {"method": "POST", "path": "/Unicorns", "bulkId": "u", "data": {}},
        {"method": "POST", "path": "/Users", "bulkId": "v", "data": "text"},
        {"method": "POST", "path": "/Users", "bulkId": "w", "data": {"userName": ""}},
    )
    assert [outcome["status"] for outcome in outcomes] == ["400", "405", "404", "400", "400"]


def test_a_chain_of_references_of_any_length_is_resolved(client: Client) -> None:
    def group(number: int) -> dict[str, Any]:
        members = [{"value": f"bulkId:g{number + 1}"}] if number < 1100 else []
        data = {"displayName": f"g{number}", "members": members}
        return {"method": "POST", "path": "/Groups", "bulkId": f"g{number}", "data": data}

    outcomes = run(client, *(group(number) for number in range(1101)))
    assert {outcome["status"] for outcome in outcomes} == {"201"}


def test_too_many_operations_or_bytes_are_a_413(client: Client) -> None:
    many = {"Operations": [create(str(number)) for number in range(MAX_OPERATIONS + 1)]}
    assert client.error("POST", "/Bulk", many) == (413, None)
    assert client.error("POST", "/Bulk", b'{"Operations": []' + b" " * MAX_PAYLOAD_BYTES + b"}") == (413, None)
    assert client.get("/Users")["totalResults"] == 0


def test_a_body_that_is_no_bulk_request_is_refused(client: Client) -> None:
    for body in ({}, {"Operations": "x"}, {"Operations": [1]}, [], {"Operations": [{"method": 1}]}):
        assert client.error("POST", "/Bulk", body) == (400, "invalidSyntax")
    assert client.error("POST", "/Bulk", {"Operations": [], "failOnErrors": 0}) == (400, "invalidValue")


def test_a_thousand_creations_are_stored_and_marked(client: Client) -> None:
    outcomes = run(client, *(create(f"u{number}@acme.com") for number in range(1000)))
    assert {outcome["status"] for outcome in outcomes} == {"201"}
    assert client.get("/Users", count=0)["totalResults"] == 1000
    assert len(client.dirty()) == 1000
