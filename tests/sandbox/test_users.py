"""SCIM users."""

import pytest

from tests.sandbox.client import SCIM, Sandbox, names, role

ANA = {
    "userName": "ana@example.com",
    "name": {"givenName": "Ana", "familyName": "Li"},
    "active": True,
    "emails": [{"type": "work", "primary": True, "value": "ana@example.com"}],
    "roles": [role("workspace_prod", "viewer")],
}
USER_FIELDS = {"schemas", "id", "meta", "userName", "name", "active", "emails"}


def test_created_user_has_every_documented_field_and_no_other(sandbox: Sandbox) -> None:
    made = sandbox.made(sandbox.post(f"{SCIM}/Users", ANA))
    assert set(made) == {*USER_FIELDS, "groups", "roles"}
    assert set(made["meta"]) == {"resourceType", "created", "lastModified"}
    assert made["roles"] == [role("workspace_prod", "viewer")]
    assert made["id"].startswith("00u") and len(made["id"]) == 20


def test_list_entries_omit_roles_and_groups(sandbox: Sandbox) -> None:
    user = sandbox.user("ana@example.com", role("workspace_prod", "viewer"))
    sandbox.group("ML", [user["id"]])
    answer = sandbox.get(f"{SCIM}/Users").get_json()
    assert set(answer) == {"schemas", "startIndex", "itemsPerPage", "totalResults", "Resources"}
    assert all(set(entry) == USER_FIELDS for entry in answer["Resources"])
    full = sandbox.get(f"{SCIM}/Users/{user['id']}").get_json()
    assert [group["display"] for group in full["groups"]] == ["ML"]


def test_active_false_deletes_with_all_grants_and_memberships(sandbox: Sandbox) -> None:
    user = sandbox.user("ana@example.com", role("secret_scope_snowflake", "secret_scope_reader"))
    group = sandbox.group("ML", [user["id"]])
    answer = sandbox.put(f"{SCIM}/Users/{user['id']}", {**ANA, "active": False})
    assert answer.status_code == 200
    assert answer.get_json()["active"] is False
    assert sandbox.get(f"{SCIM}/Users/{user['id']}").status_code == 404
    assert sandbox.get(f"{SCIM}/Groups/{group['id']}").get_json()["members"] == []
    again = sandbox.user("ana@example.com")
    assert again["id"] != user["id"]
    assert again["roles"] == [] and again["groups"] == []


def test_put_clears_what_it_omits(sandbox: Sandbox) -> None:
    made = sandbox.made(sandbox.post(f"{SCIM}/Users", ANA))
    cleared = sandbox.put(f"{SCIM}/Users/{made['id']}", {"userName": "ana@example.com"}).get_json()
    assert cleared["name"] == {"givenName": "", "familyName": ""}
    assert cleared["emails"] == [] and cleared["roles"] == []


def test_only_the_primary_email_is_kept(sandbox: Sandbox) -> None:
    emails = [
        {"type": "home", "value": "a@home.example"},
        {"type": "work", "primary": True, "value": "a@w.example"},
    ]
    made = sandbox.user("ana@example.com", emails=emails)
    assert made["emails"] == [{"type": "work", "primary": True, "value": "a@w.example"}]


def test_groups_written_on_a_user_are_ignored(sandbox: Sandbox) -> None:
    group = sandbox.group("ML")
    made = sandbox.user("ana@example.com", groups=[{"value": group["id"]}])
    assert made["groups"] == []


def test_duplicate_user_name_is_refused_with_409(sandbox: Sandbox) -> None:
    sandbox.user("ana@example.com")
    refused = sandbox.post(f"{SCIM}/Users", {"userName": "ana@example.com"})
    assert refused.status_code == 409
    assert refused.get_json()["scimType"] == "uniqueness"
    assert refused.get_json()["status"] == "409"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_unknown_id_is_404(sandbox: Sandbox, method: str) -> None:
    body = ANA if method == "PUT" else None
    assert sandbox.call(method, f"{SCIM}/Users/00uNobody", body).status_code == 404


def test_delete_answers_204_and_deletes(sandbox: Sandbox) -> None:
    user = sandbox.user()
    answer = sandbox.delete(f"{SCIM}/Users/{user['id']}")
    assert (answer.status_code, answer.data) == (204, b"")
    assert sandbox.get(f"{SCIM}/Users/{user['id']}").status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {"userName": "not an email"},
        {},
        {"userName": 7},
        {"userName": "a@b.example", "active": "yes"},
        {"userName": "a@b.example", "name": "Ana"},
        {"userName": "a@b.example", "emails": "a@b.example"},
        {"userName": "a@b.example", "emails": ["a@b.example"]},
        {"userName": "a@b.example", "roles": {}},
        {"userName": "a@b.example", "roles": ["viewer"]},
        {"userName": "a@b.example", "roles": [{"type": "workspace_prod", "value": 7}]},
        [],
    ],
)
def test_malformed_bodies_are_400_and_create_nothing(sandbox: Sandbox, body: object) -> None:
    before = sandbox.state()
    answer = sandbox.post(f"{SCIM}/Users", body)
    assert answer.status_code == 400
    assert answer.get_json()["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert sandbox.state() == before


def test_broken_json_is_400(sandbox: Sandbox) -> None:
    headers = {"Authorization": "Tecton-key the-admin-key"}
    answer = sandbox.http.post(f"{SCIM}/Users", data="{broken", headers=headers)
    assert answer.status_code == 400
    assert answer.get_json()["scimType"] == "invalidSyntax"


def test_filter_finds_by_exact_user_name(sandbox: Sandbox) -> None:
    sandbox.user("ana@example.com")
    sandbox.user("bob@example.com")
    found = sandbox.get(f"{SCIM}/Users", query_string={"filter": 'userName eq "bob@example.com"'})
    assert names(found) == ["bob@example.com"]
    assert found.get_json()["totalResults"] == 1
    none = sandbox.get(f"{SCIM}/Users", query_string={"filter": 'userName eq "eve@example.com"'})
    assert none.get_json()["totalResults"] == 0


@pytest.mark.parametrize(
    "text", ['userName sw "a"', 'active eq true or id eq "x"', "nonsense", 'title eq "x"', 'userName eq "a']
)
def test_other_filters_are_refused(sandbox: Sandbox, text: str) -> None:
    refused = sandbox.get(f"{SCIM}/Users", query_string={"filter": text})
    assert refused.status_code == 400
    assert refused.get_json()["scimType"] == "invalidFilter"


def test_pages_cover_the_list_in_order_of_creation(sandbox: Sandbox) -> None:
    for number in range(5):
        sandbox.user(f"u{number}@example.com")
    seen: list[str] = []
    for start in (1, 3, 5):
        page = sandbox.get(f"{SCIM}/Users?startIndex={start}&count=2")
        assert page.get_json()["totalResults"] == 6
        assert page.get_json()["itemsPerPage"] == len(names(page)) == 2
        seen += names(page)
    assert seen == ["admin@example.com", *(f"u{number}@example.com" for number in range(5))]


@pytest.mark.parametrize(
    ("query", "expected"),
    [("count=0", 0), ("count=-3", 0), ("startIndex=-2&count=1", 1), ("startIndex=99", 0), ("", 1)],
)
def test_count_and_start_index_follow_the_reference(sandbox: Sandbox, query: str, expected: int) -> None:
    answer = sandbox.get(f"{SCIM}/Users?{query}").get_json()
    assert len(answer["Resources"]) == expected
    assert answer["totalResults"] == 1


def test_sorting_by_user_name_both_ways(sandbox: Sandbox) -> None:
    sandbox.user("zoe@example.com")
    sandbox.user("Bob@example.com")
    up = sandbox.get(f"{SCIM}/Users?sortBy=userName")
    assert names(up) == ["admin@example.com", "Bob@example.com", "zoe@example.com"]
    assert names(sandbox.get(f"{SCIM}/Users?sortBy=userName&sortOrder=descending")) == names(up)[::-1]


def test_not_numbers_in_paging_are_400(sandbox: Sandbox) -> None:
    assert sandbox.get(f"{SCIM}/Users?count=many").status_code == 400
