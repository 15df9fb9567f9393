"""The rules of RFC 7643 and RFC 7644 that decide arguments."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scim.conftest import ACCOUNT, ENTERPRISE, GROUP, TECTON_GROUP, USER, WINDOW, Client

# ---------------------------------------------------------------- PATCH


def refuse(client: Client, path: str, *operations: dict[str, Any]) -> tuple[int, str | None]:
    before = client.get(path)
    refusal = client.error("PATCH", path, {"Operations": list(operations)})
    assert client.get(path) == before
    return refusal


@pytest.mark.parametrize(
    ("operation", "scim_type"),
    [
        ({"op": "remove"}, "noTarget"),
        ({"op": "replace", "path": 'emails[type eq "pager"].value', "value": "x"}, "noTarget"),
        ({"op": "remove", "path": "userName"}, "mutability"),
        ({"op": "replace", "path": "id", "value": "x"}, "mutability"),
        ({"op": "replace", "path": "meta.created", "value": "x"}, "mutability"),
        ({"op": "add", "path": "groups", "value": [{"value": "x"}]}, "mutability"),
        ({"op": "replace", "path": "nope", "value": "x"}, "invalidPath"),
        ({"op": "replace", "path": "name.nope", "value": "x"}, "invalidPath"),
        ({"op": "replace", "path": "emails[", "value": "x"}, "invalidPath"),
        ({"op": "replace", "path": 'title[value eq "x"]', "value": "x"}, "invalidPath"),
        ({"op": "replace", "path": f"{ENTERPRISE}:nope", "value": "x"}, "invalidPath"),
        ({"op": "replace", "path": f"{ENTERPRISE}.department", "value": "x"}, "invalidPath"),
        ({"op": "remove", "path": "id"}, "mutability"),
        ({"op": "remove", "path": "groups"}, "mutability"),
        ({"op": "replace", "path": 'emails[nope eq "x"].value', "value": "x"}, "invalidFilter"),
        ({"op": "replace", "path": "emails[primary gt true].value", "value": "x"}, "invalidFilter"),
        ({"op": "replace", "path": "active", "value": "maybe"}, "invalidValue"),
        ({"op": "replace", "path": "title", "value": {"a": 1}}, "invalidValue"),
        ({"op": "replace", "path": "emails", "value": [1]}, "invalidValue"),
        ({"op": "replace", "path": "name", "value": "Ada"}, "invalidValue"),
        ({"op": "replace", "path": "title"}, "invalidValue"),
        ({"op": "replace", "value": "text"}, "invalidValue"),
        ({"op": "move", "path": "title", "value": "x"}, "invalidSyntax"),
        ({"path": "title", "value": "x"}, "invalidSyntax"),
    ],
)
def test_a_patch_that_cannot_be_applied_says_why(client: Client, operation: dict[str, Any], scim_type: str) -> None:
    user = client.user(emails=[{"type": "work", "value": "a@b"}])
    assert refuse(client, f"/Users/{user['id']}", operation) == (400, scim_type)


def test_a_patch_is_applied_whole_or_not_at_all(client: Client) -> None:
    user = client.user(title="before")
    good = {"op": "replace", "path": "title", "value": "after"}
    assert refuse(client, f"/Users/{user['id']}", good, {"op": "remove", "path": "userName"})[0] == 400


def test_a_patch_of_a_group_is_applied_whole_or_not_at_all(client: Client) -> None:
    user = client.user()
    group = client.group(members=[user["id"]])
    client.forget_dirty()
    emptied = {"op": "replace", "path": "members", "value": []}
    assert refuse(client, f"/Groups/{group['id']}", emptied, {"op": "remove", "path": "displayName"})[0] == 400
    assert client.dirty() == {}


@pytest.mark.parametrize("body", [{}, {"Operations": []}, {"Operations": "x"}, {"Operations": ["x"]}, [], "x", None])
def test_a_body_that_is_no_patch_is_refused(client: Client, body: Any) -> None:
    user = client.user()
    assert client.error("PATCH", f"/Users/{user['id']}", body if body is not None else b"")[0] == 400


def test_a_value_that_is_there_already_moves_nothing(client: Client) -> None:
    mail = {"type": "work", "value": "a@b", "primary": True}
    user = client.user(emails=[mail], title="x")
    client.clock.move(hours=1)
    client.forget_dirty()
    client.patch(
        f"/Users/{user['id']}",
        {"op": "add", "path": "emails", "value": [dict(reversed(mail.items()))]},
        {"op": "replace", "path": "title", "value": "x"},
        {"op": "remove", "path": "nickName"},
    )
    assert client.get(f"/Users/{user['id']}") == user
    assert client.dirty() == {}


def test_the_order_of_values_counts_as_no_change(client: Client) -> None:
    mails = [{"type": "work", "value": "a@b"}, {"type": "home", "value": "c@d"}]
    user = client.user(emails=mails)
    client.clock.move(hours=1)
    client.patch(f"/Users/{user['id']}", {"op": "replace", "path": "emails", "value": mails[::-1]})
    assert client.get(f"/Users/{user['id']}")["meta"] == user["meta"]


def test_replacing_a_complex_value_leaves_what_it_does_not_mention(client: Client) -> None:
    user = client.user(name={"givenName": "Ada", "familyName": "Lovelace"})
    client.patch(f"/Users/{user['id']}", {"op": "replace", "path": "name", "value": {"familyName": "King"}})
    assert client.get(f"/Users/{user['id']}")["name"] == {"givenName": "Ada", "familyName": "King"}


def test_the_value_just_marked_primary_is_the_only_one(client: Client) -> None:
    mails = [{"type": "work", "value": "a@b", "primary": True}, {"type": "home", "value": "c@d"}]
    user = client.user(emails=mails)
    path = 'emails[type eq "home"].primary'
    client.patch(f"/Users/{user['id']}", {"op": "replace", "path": path, "value": True})
    read = client.get(f"/Users/{user['id']}")["emails"]
    assert [mail.get("primary") for mail in read] == [False, True]


def test_operations_see_what_those_before_them_did(client: Client) -> None:
    user = client.user()
    client.patch(
        f"/Users/{user['id']}",
        {"op": "add", "path": "emails", "value": [{"type": "work", "value": "a@b"}]},
        {"op": "replace", "path": 'emails[type eq "work"].value', "value": "c@d"},
        {"op": "add", "path": "emails", "value": {"type": "home", "value": "e@f"}},
        {"op": "remove", "path": 'emails[value co "c@"]'},
    )
    assert client.get(f"/Users/{user['id']}")["emails"] == [{"type": "home", "value": "e@f"}]


def test_an_extension_is_patched_as_a_whole(client: Client) -> None:
    user = client.user(**{ENTERPRISE: {"department": "R", "costCenter": "1"}})
    client.patch(f"/Users/{user['id']}", {"op": "replace", "path": ENTERPRISE, "value": {"department": "S"}})
    assert client.get(f"/Users/{user['id']}")[ENTERPRISE] == {"department": "S", "costCenter": "1"}
    client.patch(f"/Users/{user['id']}", {"op": "remove", "path": ENTERPRISE})
    assert ENTERPRISE not in client.get(f"/Users/{user['id']}")


def test_an_unknown_extension_can_be_patched(client: Client) -> None:
    custom = "urn:ietf:params:scim:schemas:extension:acme:2.0:User"
    user = client.user()
    client.patch(f"/Users/{user['id']}", {"op": "Add", "path": f"{custom}:badge", "value": "A7"})
    assert client.get(f"/Users/{user['id']}")[custom] == {"badge": "A7"}
    client.patch(f"/Users/{user['id']}", {"op": "Remove", "path": f"{custom}:badge"})
    assert custom not in client.get(f"/Users/{user['id']}")


@pytest.mark.parametrize(
    ("filter", "left"),
    [
        ('value eq "{a}" or value eq "{b}"', {"c"}),
        ('value sw "nobody" or type ne "User"', {"a", "b", "c"}),
        ('type eq "user"', set()),
        ('not (value eq "{a}")', {"a"}),
        ('value eq "nobody"', {"a", "b", "c"}),
    ],
)
def test_members_are_removed_by_any_filter(client: Client, filter: str, left: set[str]) -> None:
    ids = {name: client.user(f"{name}@acme.com")["id"] for name in "abc"}
    group = client.group(members=list(ids.values()))
    client.patch(f"/Groups/{group['id']}", {"op": "remove", "path": f"members[{filter.format(**ids)}]"})
    assert client.members(group) == {ids[name] for name in left}


def test_a_member_itself_cannot_be_changed(client: Client) -> None:
    user = client.user()
    group = client.group(members=[user["id"]])
    path = f'members[value eq "{user["id"]}"].type'
    body = {"Operations": [{"op": "replace", "path": path, "value": "x"}]}
    assert client.error("PATCH", f"/Groups/{group['id']}", body) == (400, "mutability")


def test_a_patch_that_asks_for_attributes_is_answered_with_them(client: Client) -> None:
    group = client.group()
    operation = {"op": "replace", "path": "displayName", "value": "x"}
    answer = client.patch(f"/Groups/{group['id']}", operation, attributes="displayName")
    assert answer == {"schemas": [GROUP], "id": group["id"], "displayName": "x"}


# ---------------------------------------------------------------- versions


def test_an_outdated_if_match_is_a_412_and_a_good_one_goes_through(client: Client) -> None:
    user = client.user()
    path = f"/Users/{user['id']}"
    body = {"Operations": [{"op": "replace", "path": "title", "value": "x"}]}
    for method, sent in (("PATCH", body), ("PUT", {"userName": "ada@acme.com"}), ("DELETE", None)):
        response = client.send(method, path, sent, headers={"If-Match": 'W/"99"'})
        assert response.status_code == 412
    response = client.send("PATCH", path, body, headers={"If-Match": user["meta"]["version"]})
    assert response.status_code == 200
    assert response.headers["ETag"] == client.get(path)["meta"]["version"] != user["meta"]["version"]


def test_a_read_of_a_known_version_is_a_304_without_a_body(client: Client) -> None:
    user = client.user()
    response = client.send("GET", f"/Users/{user['id']}", headers={"If-None-Match": user["meta"]["version"]})
    assert (response.status_code, response.data) == (304, b"")
    assert client.send("GET", f"/Users/{user['id']}", headers={"If-None-Match": 'W/"9"'}).status_code == 200


def test_a_change_of_members_is_a_change_of_the_group(client: Client) -> None:
    user, group = client.user(), client.group()
    client.clock.move(minutes=1)
    client.patch(f"/Groups/{group['id']}", {"op": "add", "path": "members", "value": [{"value": user["id"]}]})
    meta = client.get(f"/Groups/{group['id']}")["meta"]
    assert meta["version"] != group["meta"]["version"]
    assert meta["lastModified"] > group["meta"]["lastModified"]
    client.clock.move(minutes=1)
    client.send("DELETE", f"/Users/{user['id']}")
    assert client.get(f"/Groups/{group['id']}")["meta"]["version"] != meta["version"]


# ---------------------------------------------------------------- projection


def test_attributes_choose_what_is_sent_with_id_and_schemas_always(client: Client) -> None:
    user = client.user(name={"givenName": "A", "familyName": "B"}, **{ENTERPRISE: {"department": "D"}})
    path = f"/Users/{user['id']}"
    head = {"schemas": [USER, ENTERPRISE], "id": user["id"]}
    assert client.get(path, attributes="userName") == {**head, "userName": "ada@acme.com"}
    assert client.get(path, attributes="name.givenName") == {**head, "name": {"givenName": "A"}}
    assert client.get(path, attributes=f"{ENTERPRISE}:department") == {**head, ENTERPRISE: {"department": "D"}}
    assert client.get(path, attributes=f"{USER}:USERNAME, nope") == {**head, "userName": "ada@acme.com"}
    assert set(client.get(path, attributes="meta")) == {"schemas", "id", "meta"}


def test_excluded_attributes_leave_out_and_never_the_id(client: Client) -> None:
    user = client.user(emails=[{"type": "work", "value": "a@b"}])
    read = client.get(f"/Users/{user['id']}", excludedAttributes="emails.type,meta,id")
    assert read == {
        "schemas": [USER],
        "id": user["id"],
        "userName": "ada@acme.com",
        "emails": [{"value": "a@b"}],
        "active": True,
    }


def test_sub_attributes_of_members_can_be_chosen(client: Client) -> None:
    user = client.user()
    group = client.group(members=[user["id"]])
    read = client.get(f"/Groups/{group['id']}", attributes="members.value")
    assert read["members"] == [{"value": user["id"]}]
    read = client.get(f"/Groups/{group['id']}", excludedAttributes="members.$ref")
    assert read["members"] == [{"value": user["id"], "type": "User"}]


def test_what_is_no_name_of_an_attribute_is_refused(client: Client) -> None:
    assert client.error("GET", "/Users", attributes='emails[type eq "work"]') == (400, "invalidPath")
    assert client.error("GET", "/Users", excludedAttributes="a b") == (400, "invalidPath")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_a_write_whose_answer_cannot_be_given_as_asked_stores_nothing(client: Client, method: str) -> None:
    user = client.user()
    path = "/Users" if method == "POST" else f"/Users/{user['id']}"
    body = {"userName": "another@acme.com", "Operations": [{"op": "add", "path": "title", "value": "x"}]}
    assert client.error(method, path, body, attributes="a b") == (400, "invalidPath")
    assert client.get("/Users")["Resources"] == [user]


# ---------------------------------------------------------------- service accounts, groups, groups of groups


def test_a_service_account_is_a_resource_of_its_own(client: Client) -> None:
    body = {"schemas": [ACCOUNT], "name": "Scoring", "description": "online scoring"}
    roles = [{"type": "workspace_prod", "value": "consumer"}]
    account = client.create("/ServiceAccounts", {**body, "roles": roles})
    assert account["active"] is True
    assert client.dirty() == {("service_account", account["id"]): WINDOW}
    assert client.find("/ServiceAccounts", 'name eq "scoring" and roles.value eq "consumer"') == [account["id"]]
    assert client.error("POST", "/ServiceAccounts", {"name": "SCORING"}) == (409, "uniqueness")
    group = client.group(members=[account["id"]])
    read = client.get(f"/ServiceAccounts/{account['id']}")
    assert [found["value"] for found in read["groups"]] == [group["id"]]
    assert client.get(f"/Groups/{group['id']}")["members"][0]["type"] == "ServiceAccount"
    assert client.error("GET", f"/Users/{account['id']}") == (404, None)


def test_a_group_holds_roles_and_tectons_extension(client: Client) -> None:
    extension = {"description": "fraud team", "idpMappingNames": ["fraud", "fraud", "FRAUD"]}
    roles = [{"type": "secret_scope_fraud", "value": "reader"}]
    group = client.create(
        "/Groups", {"schemas": [GROUP], "displayName": "fraud", "roles": roles, TECTON_GROUP: extension}
    )
    assert group["roles"] == roles
    assert group[TECTON_GROUP] == {"description": "fraud team", "idpMappingNames": ["fraud", "FRAUD"]}
    path = f"{TECTON_GROUP}:description"
    client.patch(f"/Groups/{group['id']}", {"op": "replace", "path": path, "value": "the fraud team"})
    assert client.find("/Groups", f'{path} co "THE fraud"') == [group["id"]]


def test_a_group_may_be_a_member_of_a_group(client: Client) -> None:
    inner = client.group("inner")
    outer = client.group("outer", members=[inner["id"]])
    (member,) = client.get(f"/Groups/{outer['id']}")["members"]
    assert member == {
        "value": inner["id"],
        "$ref": f"http://localhost/scim/v2/Groups/{inner['id']}",
        "type": "Group",
    }


# ---------------------------------------------------------------- endpoints


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_me_is_not_implemented(client: Client, method: str) -> None:
    assert client.error(method, "/Me", {}) == (501, None)


@pytest.mark.parametrize("path", ["/Unicorns", "/Users/a/b", "/Unicorns/1", "/Users/1/.search"])
def test_what_is_not_there_is_a_404(client: Client, path: str) -> None:
    assert client.error("GET", path) == (404, None)


def test_a_method_that_is_not_allowed_says_which_are(client: Client) -> None:
    response = client.send("PUT", "/Users", {})
    assert response.status_code == 405
    assert set(response.headers["Allow"].split(", ")) == {"GET", "POST"}
    assert client.send("DELETE", "/Bulk").status_code == 405
    assert client.send("OPTIONS", "/Users").status_code == 405


def test_discovery_describes_every_resource_type_and_refuses_filters(client: Client) -> None:
    types = client.get("/ResourceTypes")
    assert [found["name"] for found in types["Resources"]] == ["User", "Group", "ServiceAccount"]
    schemas = {found["id"]: found for found in client.get("/Schemas")["Resources"]}
    assert {USER, ENTERPRISE, GROUP, TECTON_GROUP, ACCOUNT} <= schemas.keys()
    assert client.get(f"/Schemas/{USER}") == schemas[USER]
    assert client.get("/ResourceTypes/Group")["endpoint"] == "/Groups"
    for path in ("/Schemas", "/ResourceTypes", "/ServiceProviderConfig"):
        assert client.error("GET", path, filter='id eq "x"') == (403, None)
    assert client.error("GET", "/Schemas/urn:nothing") == (404, None)


def test_schemas_declare_the_canonical_types_that_entra_builds_paths_from(client: Client) -> None:
    attributes = {found["name"]: found for found in client.get(f"/Schemas/{USER}")["attributes"]}
    for name in ("emails", "phoneNumbers", "addresses"):
        subs = {sub["name"]: sub for sub in attributes[name]["subAttributes"]}
        assert "work" in subs["type"]["canonicalValues"]


def test_the_configuration_announces_what_is_there(client: Client) -> None:
    config = client.get("/ServiceProviderConfig")
    for capability in ("patch", "bulk", "filter", "sort", "etag"):
        assert config[capability]["supported"] is True
    assert config["changePassword"]["supported"] is False
    assert config["pagination"]["cursor"] is True
