"""What Okta sends: the catalogue app's PATCHes and the wizard app's PUTs (Okta, SCIM 2.0 protocol reference)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.scim.conftest import ENTERPRISE, GROUP, USER, WINDOW, Client

OKTA_USER = {
    "schemas": [USER],
    "userName": "Ada@Acme.com",
    "name": {"givenName": "Ada", "familyName": "Lovelace"},
    "emails": [{"primary": True, "value": "Ada@Acme.com", "type": "work"}],
    "displayName": "Ada Lovelace",
    "locale": "en-US",
    "externalId": "00u1",
    "groups": [],
    "password": "S3cret!-never-kept",
    "active": True,
}


def test_the_connection_test_answers_numbers(client: Client) -> None:
    page = client.get("/Users", startIndex=1, count=2)
    assert page == {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": 0,
        "startIndex": 1,
        "itemsPerPage": 0,
        "Resources": [],
    }


def test_the_connection_test_of_groups_is_answered_in_the_same_form(client: Client) -> None:
    """Documented for SCIM 1.1, reported for 2.0 (Delinea, Okta SCIM endpoint reference)."""
    page = client.get("/Groups", startIndex=1, count=100)
    assert (page["totalResults"], page["startIndex"], page["itemsPerPage"], page["Resources"]) == (0, 1, 0, [])


def test_the_published_spec_test_passes_in_its_order(client: Client) -> None:
    """Okta-SCIM-20-SPEC-Test.json, request by request, with the Content-Type that it sets even on its GETs."""
    client.create("/Users", OKTA_USER)
    (first,) = client.get("/Users", count=1, startIndex=1)["Resources"]
    for user in (first, client.get(f"/Users/{first['id']}")):
        assert all((user["id"], user["name"]["familyName"], user["name"]["givenName"], user["userName"]))
        assert isinstance(user["active"], bool)
        assert user["emails"][0]["value"]
    assert client.find("/Users", 'userName eq "abcdefgh@atko.com"') == []
    assert client.error("GET", "/Users/010101001010101011001010101011") == (404, None)
    name = "Runscope300Abc123@atko.com"
    body = {
        "schemas": [USER],
        "userName": name,
        "name": {"givenName": "Runscope", "familyName": "Test"},
        "emails": [{"primary": True, "value": name, "type": "work"}],
        "displayName": "Runscope Test",
        "active": True,
    }
    headers = {"Content-Type": "application/json", "Accept": "application/scim+json; charset=utf-8"}
    created = client.send("POST", "/Users", body, headers=headers)
    assert created.status_code == 201
    user = created.get_json(force=True)
    assert (user["active"], user["name"]["familyName"], user["userName"]) == (True, "Test", name)
    assert client.get(f"/Users/{user['id']}") == user
    assert client.send("POST", "/Users", body, headers=headers).status_code == 409
    assert client.find("/Users", f'userName eq "{name.upper()}"') == [user["id"]]
    assert client.get("/Groups")["totalResults"] == 0


def test_the_headers_of_oktas_client_are_answered_in_scims_own_type(client: Client) -> None:
    """As captured (oktadeveloper/okta-blog-archive PR 1956)."""
    headers = {
        "Accept": "application/scim+json",
        "Accept-Charset": "utf-8",
        "Accept-Encoding": "gzip,deflate",
        "User-Agent": "Okta SCIM Client 1.0.0",
    }
    created = client.send("POST", "/Users", OKTA_USER, headers=headers)
    for response in (created, client.send("GET", "/Users", headers=headers, startIndex=1, count=100)):
        assert response.content_type == "application/scim+json"
        assert "Content-Encoding" not in response.headers


def test_a_create_is_answered_with_the_whole_user_and_its_location(client: Client) -> None:
    response = client.send("POST", "/Users", OKTA_USER)
    user = response.get_json(force=True)
    assert response.status_code == 201
    assert user["name"] == OKTA_USER["name"]
    assert user["userName"] == "Ada@Acme.com"
    assert user["externalId"] == "00u1"
    assert response.headers["Location"] == user["meta"]["location"]
    assert response.headers["Location"] == f"http://localhost/scim/v2/Users/{user['id']}"


def test_the_random_password_is_accepted_and_never_stored_or_returned(client: Client) -> None:
    user = client.create("/Users", OKTA_USER)
    client.patch(f"/Users/{user['id']}", {"op": "replace", "value": {"password": "An0ther!secret"}})
    with client.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT document, CAST(compared AS TEXT) FROM resources").all()
    assert "password" not in client.get(f"/Users/{user['id']}")
    assert "cret" not in str(rows).lower()


def test_a_password_sync_changes_nothing(client: Client) -> None:
    user = client.create("/Users", OKTA_USER)
    client.clock.move(minutes=1)
    client.forget_dirty()
    answer = client.patch(f"/Users/{user['id']}", {"op": "replace", "value": {"password": "An0ther!secret"}})
    assert answer == user
    assert client.dirty() == {}


def test_a_second_create_of_a_name_is_a_conflict_whatever_its_case(client: Client) -> None:
    client.create("/Users", OKTA_USER)
    again = {**OKTA_USER, "userName": "ADA@acme.COM"}
    assert client.error("POST", "/Users", again) == (409, "uniqueness")
    assert client.get("/Users")["totalResults"] == 1


def test_a_lookup_finds_the_user_whatever_the_case_of_its_name(client: Client) -> None:
    user = client.create("/Users", OKTA_USER)
    assert client.find("/Users", 'userName eq "ADA@ACME.COM"', startIndex=1, count=100) == [user["id"]]
    assert client.find("/Users", 'userName eq "nobody@acme.com"', startIndex=1, count=100) == []


@pytest.mark.parametrize("filter", ['emails.value eq "x@y"', 'externalId eq "00u9"', 'id eq "nonsense"'])
def test_a_lookup_of_nobody_is_an_empty_list(client: Client, filter: str) -> None:
    client.create("/Users", OKTA_USER)
    assert client.find("/Users", filter) == []


def test_an_unknown_id_is_a_404_with_a_detail(client: Client) -> None:
    assert client.error("GET", "/Users/nonsense") == (404, None)


def test_a_put_of_what_was_read_changes_nothing(client: Client) -> None:
    user = client.create("/Users", OKTA_USER)
    client.clock.move(minutes=1)
    client.forget_dirty()
    answer = client.send("PUT", f"/Users/{user['id']}", {**client.get(f"/Users/{user['id']}"), "groups": []})
    assert answer.status_code == 200
    assert answer.get_json(force=True) == user
    assert client.dirty() == {}


def test_a_put_of_what_was_read_keeps_the_display_of_an_email(client: Client) -> None:
    """The PUT of a wizard app carries `emails[].display` back (Okta, SCIM 2.0 protocol reference)."""
    mails = [{"primary": True, "value": "ada@acme.com", "type": "work", "display": "Ada at work"}]
    user = client.create("/Users", {**OKTA_USER, "emails": mails})
    client.send("PUT", f"/Users/{user['id']}", {**user, "displayName": "Ada King"})
    assert client.get(f"/Users/{user['id']}")["emails"] == mails


def test_a_put_with_groups_id_meta_and_password_leaves_memberships_alone(client: Client) -> None:
    user = client.create("/Users", OKTA_USER)
    group = client.group(members=[user["id"]])
    body = {**OKTA_USER, "id": "another", "meta": {"version": "9"}, "displayName": "Ada King", "groups": []}
    answer = client.send("PUT", f"/Users/{user['id']}", body)
    assert answer.status_code == 200
    assert answer.get_json(force=True)["id"] == user["id"]
    assert client.members(group) == {user["id"]}
    assert client.get(f"/Users/{user['id']}")["displayName"] == "Ada King"


def test_a_put_removes_what_it_leaves_out(client: Client) -> None:
    user = client.create("/Users", {**OKTA_USER, "title": "Countess"})
    client.send("PUT", f"/Users/{user['id']}", OKTA_USER)
    assert "title" not in client.get(f"/Users/{user['id']}")


def test_the_catalogue_app_deactivates_by_a_patch_without_path(client: Client) -> None:
    user = client.create("/Users", OKTA_USER)
    answer = client.patch(f"/Users/{user['id']}", {"op": "replace", "value": {"active": False}})
    assert answer is not None
    assert answer["active"] is False


def test_the_wizard_app_deactivates_by_a_put_of_the_whole_user(client: Client) -> None:
    user = client.create("/Users", OKTA_USER)
    read = client.get(f"/Users/{user['id']}")
    answer = client.send("PUT", f"/Users/{user['id']}", {**read, "active": False})
    assert answer.get_json(force=True)["active"] is False


def test_a_put_without_active_does_not_let_anybody_back_in(client: Client) -> None:
    user = client.create("/Users", OKTA_USER)
    client.patch(f"/Users/{user['id']}", {"op": "replace", "value": {"active": False}})
    body = {key: value for key, value in OKTA_USER.items() if key != "active"}
    assert client.send("PUT", f"/Users/{user['id']}", body).get_json(force=True)["active"] is False


def test_an_inactive_user_stays_visible_keeps_its_name_and_its_groups(client: Client) -> None:
    user = client.create("/Users", OKTA_USER)
    group = client.group(members=[user["id"]])
    client.patch(f"/Users/{user['id']}", {"op": "replace", "value": {"active": False}})
    assert client.get(f"/Users/{user['id']}")["active"] is False
    assert client.find("/Users", 'userName eq "ada@acme.com"') == [user["id"]]
    assert client.error("POST", "/Users", OKTA_USER) == (409, "uniqueness")
    assert client.members(group) == {user["id"]}


@pytest.mark.parametrize("is_wizard", [True, False], ids=["wizard", "catalogue"])
def test_a_reassigned_user_is_found_and_activated_again(client: Client, is_wizard: bool) -> None:
    """No second POST comes: the lookup must find the inactive user (Okta, SCIM 2.0 protocol reference)."""
    user = client.create("/Users", {**OKTA_USER, "active": False})
    (id_,) = client.find("/Users", 'userName eq "Ada@Acme.com"', startIndex=1, count=100)
    read = client.get(f"/Users/{id_}")
    if is_wizard:
        answer = client.send("PUT", f"/Users/{id_}", {**read, "active": True}).get_json(force=True)
    else:
        answer = client.patch(f"/Users/{id_}", {"op": "replace", "value": {"active": True}})
    assert (answer["id"], answer["active"]) == (user["id"], True)


def test_a_deactivation_does_not_wait_and_other_changes_do(client: Client) -> None:
    user = client.create("/Users", OKTA_USER)
    assert client.dirty() == {("user", user["id"]): WINDOW}
    client.patch(f"/Users/{user['id']}", {"op": "replace", "value": {"active": False}})
    assert client.dirty() == {("user", user["id"]): timedelta(0)}


def test_a_returning_user_forgets_when_it_left(client: Client) -> None:
    user = client.create("/Users", OKTA_USER)
    left = client.clock.move(hours=1)
    client.patch(f"/Users/{user['id']}", {"op": "replace", "value": {"active": False}})
    client.clock.move(hours=1)
    client.patch(f"/Users/{user['id']}", {"op": "replace", "value": {"title": "Gone"}})
    assert _deactivated_at(client, user["id"]) == left
    client.patch(f"/Users/{user['id']}", {"op": "replace", "value": {"active": True}})
    assert _deactivated_at(client, user["id"]) is None


def _deactivated_at(client: Client, id_: str) -> object:
    from app.store.tables import resources

    with client.database.read() as connection:
        return connection.execute(resources.select().where(resources.c.id == id_)).one().deactivated_at


def test_enterprise_attributes_arrive_nested_under_their_urn(client: Client) -> None:
    user = client.create("/Users", {**OKTA_USER, ENTERPRISE: {"department": "Engines", "costCenter": "1"}})
    assert client.get(f"/Users/{user['id']}")[ENTERPRISE] == {"department": "Engines", "costCenter": "1"}
    assert client.get(f"/Users/{user['id']}")["schemas"] == [USER, ENTERPRISE]


def test_import_pages_through_everything_once_in_one_order(client: Client) -> None:
    ids = []
    for number in range(7):
        client.clock.move(seconds=1)
        ids.append(client.user(f"u{number}@acme.com")["id"])
    pages = [client.get("/Users", startIndex=start, count=3) for start in (1, 4, 7)]
    assert [resource["id"] for page in pages for resource in page["Resources"]] == ids
    assert [(page["totalResults"], page["startIndex"], page["itemsPerPage"]) for page in pages] == [
        (7, 1, 3),
        (7, 4, 3),
        (7, 7, 1),
    ]


# ---------------------------------------------------------------- groups


def test_group_push_creates_an_empty_group_and_finds_it_by_name(client: Client) -> None:
    group = client.create("/Groups", {"schemas": [GROUP], "displayName": "Tecton-ML", "members": []})
    assert client.find("/Groups", 'displayName eq "tecton-ml"', startIndex=1, count=100) == [group["id"]]
    assert client.error("POST", "/Groups", {"schemas": [GROUP], "displayName": "TECTON-ml"}) == (409, "uniqueness")


def test_a_rename_with_the_groups_own_id_keeps_the_members(client: Client) -> None:
    user = client.user()
    group = client.group(members=[user["id"]])
    value = {"id": group["id"], "displayName": "builders"}
    client.patch(f"/Groups/{group['id']}", {"op": "replace", "value": value})
    assert client.get(f"/Groups/{group['id']}")["displayName"] == "builders"
    assert client.members(group) == {user["id"]}


def test_a_rename_that_comes_with_a_change_of_members_does_both(client: Client) -> None:
    """The catalogue app sends its rename with every change of members (Okta, SCIM 2.0 protocol reference)."""
    old, new = client.user("old@acme.com"), client.user("new@acme.com")
    group = client.group(members=[old["id"]])
    client.patch(
        f"/Groups/{group['id']}",
        {"op": "replace", "value": {"id": group["id"], "displayName": "builders"}},
        {"op": "add", "path": "members", "value": [{"value": new["id"], "display": "new@acme.com"}]},
    )
    assert client.get(f"/Groups/{group['id']}")["displayName"] == "builders"
    assert client.members(group) == {old["id"], new["id"]}


def test_a_full_push_without_path_carries_the_groups_own_id(client: Client) -> None:
    """Seen by jelhub/scimgateway #113."""
    old, new = client.user("old@acme.com"), client.user("new@acme.com")
    group = client.group(members=[old["id"]])
    value = {"members": [{"value": new["id"]}], "id": group["id"], "displayName": "engineers"}
    client.patch(f"/Groups/{group['id']}", {"op": "replace", "value": value})
    assert client.members(group) == {new["id"]}


def test_a_rename_with_another_id_is_refused(client: Client) -> None:
    group = client.group()
    body = {"Operations": [{"op": "replace", "value": {"id": "other", "displayName": "x"}}]}
    assert client.error("PATCH", f"/Groups/{group['id']}", body) == (400, "mutability")
    assert client.get(f"/Groups/{group['id']}")["displayName"] == "engineers"


def test_one_patch_removes_one_member_and_adds_another(client: Client) -> None:
    old, new = client.user("old@acme.com"), client.user("new@acme.com")
    group = client.group(members=[old["id"]])
    client.patch(
        f"/Groups/{group['id']}",
        {"op": "remove", "path": f'members[value eq "{old["id"]}"]'},
        {"op": "add", "path": "members", "value": [{"value": new["id"], "display": "new@acme.com"}]},
    )
    assert client.members(group) == {new["id"]}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": "members", "value": []},
        {"op": "replace", "value": {"members": [], "displayName": "engineers"}},
        {"op": "remove", "path": "members"},
    ],
    ids=["path", "no path", "remove"],
)
def test_a_full_push_of_nobody_empties_the_group(client: Client, operation: dict[str, object]) -> None:
    group = client.group(members=[client.user("a@acme.com")["id"], client.user("b@acme.com")["id"]])
    client.patch(f"/Groups/{group['id']}", operation)
    assert client.members(group) == set()


def test_a_full_push_replaces_the_members(client: Client) -> None:
    a, b, c = (client.user(f"{name}@acme.com")["id"] for name in "abc")
    group = client.group(members=[a, b])
    value = [{"value": b, "display": "b"}, {"value": c, "display": "c"}]
    client.patch(f"/Groups/{group['id']}", {"op": "replace", "path": "members", "value": value})
    assert client.members(group) == {b, c}


def test_the_wizard_app_puts_the_whole_group_with_its_members(client: Client) -> None:
    a, b = (client.user(f"{name}@acme.com")["id"] for name in "ab")
    group = client.group(members=[a])
    body = {"schemas": [GROUP], "id": group["id"], "displayName": "engineers", "members": [{"value": b}]}
    answer = client.send("PUT", f"/Groups/{group['id']}", body)
    assert answer.status_code == 200
    assert [member["value"] for member in answer.get_json(force=True)["members"]] == [b]
    assert client.members(group) == {b}


def test_removals_of_members_do_not_wait_and_additions_do(client: Client) -> None:
    user = client.user()
    group = client.group()
    client.forget_dirty()
    client.patch(f"/Groups/{group['id']}", {"op": "add", "path": "members", "value": [{"value": user["id"]}]})
    assert client.dirty() == {("group", group["id"]): WINDOW}
    client.patch(f"/Groups/{group['id']}", {"op": "remove", "path": f'members[value eq "{user["id"]}"]'})
    assert client.dirty() == {("group", group["id"]): timedelta(0)}


def test_a_delete_of_a_group_is_answered_with_204_then_404(client: Client) -> None:
    group = client.group(members=[client.user()["id"]])
    client.forget_dirty()
    assert client.send("DELETE", f"/Groups/{group['id']}").status_code == 204
    assert client.error("GET", f"/Groups/{group['id']}") == (404, None)
    assert client.dirty() == {("group", group["id"]): timedelta(0)}


def test_a_member_that_nobody_is_does_not_keep_the_others_out(client: Client) -> None:
    user = client.user()
    group = client.group(members=["nobody", user["id"]])
    assert client.members(group) == {user["id"]}
    value = [{"value": user["id"]}, {"value": "nobody"}]
    client.patch(f"/Groups/{group['id']}", {"op": "replace", "path": "members", "value": value})
    body = {"displayName": "engineers", "members": [*value, {"value": "nobody else"}]}
    assert client.send("PUT", f"/Groups/{group['id']}", body).status_code == 200
    assert client.members(group) == {user["id"]}


def test_a_body_as_plain_json_is_read_too(client: Client) -> None:
    headers = {"Content-Type": "application/json"}
    response = client.send("POST", "/Users", OKTA_USER, headers=headers)
    assert response.status_code == 201
    assert response.content_type == "application/scim+json"


def test_a_get_with_a_content_type_and_no_body_is_read(client: Client) -> None:
    headers = {"Content-Type": "application/json", "Accept": "application/scim+json; charset=utf-8"}
    assert client.send("GET", "/Users", headers=headers, count=1, startIndex=1).status_code == 200
