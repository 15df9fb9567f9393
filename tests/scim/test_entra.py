"""What Entra ID sends, default client and flag client (Microsoft Learn; SCIM Validator; gallery validation)."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from app.scim.resources import SMALL_GROUP
from tests.scim.conftest import ENTERPRISE, GROUP, USER, Client

MS_GROUP = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"
ENTRA_USER = {
    "schemas": [USER, ENTERPRISE],
    "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
    "userName": "grace@acme.com",
    "active": True,
    "emails": [{"primary": True, "type": "work", "value": "grace@acme.com"}],
    "meta": {"resourceType": "User"},
    "name": {"formatted": "Grace Hopper", "familyName": "Hopper", "givenName": "Grace"},
    "roles": [],
}


@pytest.fixture
def user(client: Client) -> dict[str, Any]:
    return client.create("/Users", ENTRA_USER)


def patched(client: Client, user: dict[str, Any], *operations: dict[str, Any]) -> dict[str, Any]:
    """Patch a user and return what is read afterwards; the answer must be the same."""
    answer = client.patch(f"/Users/{user['id']}", *operations)
    read = client.get(f"/Users/{user['id']}")
    assert answer == read
    return read


# ---------------------------------------------------------------- test connection, lookups


def test_test_connection_of_a_random_guid_is_an_empty_list(client: Client) -> None:
    guid = 'userName eq "5d48ca61-0ad3-4a2b-8d4c-3ea3a1d5ed5e"'
    assert client.find("/Users", guid) == []
    assert client.find("/Groups", guid.replace("userName", "displayName"), excludedAttributes="members") == []


def test_spaces_as_plus_and_at_as_percent_40(client: Client, user: dict[str, Any]) -> None:
    response = client.send("GET", "/Users?filter=userName+eq+%22grace%40acme.com%22")
    assert json.loads(response.data)["totalResults"] == 1


@pytest.mark.parametrize(
    "filter",
    [
        'externalId eq "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef"',
        'emails[type eq "work"].value eq "GRACE@acme.com"',
        'userName eq "Grace@Acme.com" and active eq true',
    ],
)
def test_lookups_by_other_matching_attributes(client: Client, user: dict[str, Any], filter: str) -> None:
    assert client.find("/Users", filter) == [user["id"]]


def test_the_reference_check_of_a_manager(client: Client, user: dict[str, Any]) -> None:
    boss = client.user("boss@acme.com")
    patched(client, user, {"op": "Add", "path": f"{ENTERPRISE}:manager", "value": boss["id"]})
    found = client.get("/Users", filter=f'id eq "{user["id"]}" and manager eq "{boss["id"]}"', attributes="id")
    assert found["Resources"] == [{"schemas": [USER, ENTERPRISE], "id": user["id"]}]
    assert client.find("/Users", f'id eq "{user["id"]}" and manager eq "other"') == []


def test_the_reference_check_of_a_member(client: Client, user: dict[str, Any]) -> None:
    group = client.group(members=[user["id"]])
    found = client.find("/Groups", f'id eq "{group["id"]}" and members eq "{user["id"]}"', attributes="id")
    assert found == [group["id"]]


def test_the_gallery_suite_pages_through_eleven_users_by_five(client: Client) -> None:
    """Each page is a 200 with the startIndex that was asked for (SCIMReferenceCode, gallery validation)."""
    for number in range(11):
        client.user(f"u{number}@acme.com")
    pages = [client.get("/Users", startIndex=start, count=5) for start in (1, 6, 11)]
    assert [(page["startIndex"], len(page["Resources"]), page["totalResults"]) for page in pages] == [
        (1, 5, 11),
        (6, 5, 11),
        (11, 1, 11),
    ]


def test_the_flag_in_the_tenant_url_is_passed_over(client: Client, user: dict[str, Any]) -> None:
    """The tenant URL ends with `?aadOptscim062020`, and so every request has it (Microsoft Learn, known issues)."""
    found = client.send("GET", "/Users?aadOptscim062020&filter=userName+eq+%22grace%40acme.com%22")
    assert json.loads(found.data)["totalResults"] == 1
    body = {"Operations": [{"op": "replace", "path": "active", "value": False}]}
    answer = client.send("PATCH", f"/Users/{user['id']}?aadOptscim062020", body)
    assert json.loads(answer.data)["active"] is False


def test_the_schemas_declare_every_attribute_of_the_default_mapping(client: Client) -> None:
    """The gallery suite builds its requests from them; `externalId` is common to all (RFC 7643 section 3.1)."""
    declared = {
        attribute["name"]: {sub["name"] for sub in attribute.get("subAttributes", ())}
        for urn in (USER, ENTERPRISE)
        for attribute in client.get(f"/Schemas/{urn}")["attributes"]
    }
    simple = {"userName", "active", "displayName", "title", "preferredLanguage", "employeeNumber", "department"}
    assert declared.keys() >= simple
    assert declared["name"] >= {"givenName", "familyName", "formatted"}
    assert declared["addresses"] >= {
        "formatted",
        "streetAddress",
        "locality",
        "region",
        "postalCode",
        "country",
        "type",
    }
    for name in ("emails", "phoneNumbers", "roles"):
        assert declared[name] >= {"type", "value", "primary"}
    assert "value" in declared["manager"]


# ---------------------------------------------------------------- create


def test_explicit_nulls_at_every_level_are_absent_values(client: Client) -> None:
    nulls = {"addresses": None, "phoneNumbers": None, "preferredLanguage": None, "title": None}
    extension = {"department": "R&D", "division": None}
    body = {**ENTRA_USER, **nulls, ENTERPRISE: extension, "department": None, "manager": None}
    user = client.create("/Users", body)
    assert not nulls.keys() & user.keys()
    assert user[ENTERPRISE] == {"department": "R&D"}
    assert "roles" not in user


@pytest.mark.parametrize(("sent", "active"), [("True", True), ("true", True), ("False", False), (False, False)])
def test_active_in_every_form(client: Client, sent: object, active: bool) -> None:
    assert client.create("/Users", {**ENTRA_USER, "active": sent})["active"] is active


def test_active_that_is_neither_is_refused(client: Client) -> None:
    assert client.error("POST", "/Users", {**ENTRA_USER, "active": "perhaps"}) == (400, "invalidValue")


@pytest.mark.parametrize(
    "manager", ["42", {"value": "42"}, [{"$ref": "http://x/Users/42", "value": "42"}], {"managerId": "42"}]
)
def test_a_manager_in_every_form_is_returned_as_an_object(client: Client, manager: object) -> None:
    user = client.create("/Users", {**ENTRA_USER, ENTERPRISE: {"manager": manager}})
    assert user[ENTERPRISE]["manager"]["value"] == "42"


def test_unknown_schema_uris_and_a_custom_extension_that_schemas_leaves_out(client: Client) -> None:
    custom = "urn:ietf:params:scim:schemas:extension:acme:2.0:User"
    body = {**ENTRA_USER, "schemas": [USER, "urn:example:unknown"], custom: {"badge": "A7", "gone": None}}
    user = client.create("/Users", body)
    assert user[custom] == {"badge": "A7"}
    assert user["schemas"] == [USER, custom]
    assert client.find("/Users", f'{custom}:badge eq "a7"') == [user["id"]]


def test_values_are_stored_verbatim(client: Client) -> None:
    """The validator sends random capitals as locale and profileUrl, and e-mails of any domain."""
    odd = {"locale": "QWERTY", "profileUrl": "ZXCVB", "timezone": "nowhere", "preferredLanguage": "xx"}
    mails = [{"type": "work", "value": "Grace@ACME.Local", "primary": True}]
    phones = [{"type": "work", "value": "  +1 (555) 0100 ext 7"}]
    user = client.create("/Users", {**ENTRA_USER, **odd, "emails": mails, "phoneNumbers": phones})
    read = client.get(f"/Users/{user['id']}")
    assert {name: read[name] for name in odd} == odd
    assert (read["emails"], read["phoneNumbers"]) == (mails, phones)


# ---------------------------------------------------------------- update


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "Replace", "path": "active", "value": "False"},
        {"op": "replace", "path": "active", "value": False},
        {"op": "replace", "value": {"active": False}},
        {"op": "REPLACE", "path": "urn:ietf:params:scim:schemas:core:2.0:User:active", "value": "false"},
    ],
    ids=["default", "flag", "pathless", "urn"],
)
def test_disable_in_every_dialect(client: Client, user: dict[str, Any], operation: dict[str, Any]) -> None:
    assert patched(client, user, operation)["active"] is False
    assert client.dirty()["user", user["id"]] == timedelta(0)


def test_default_client_sends_one_operation_per_attribute(client: Client, user: dict[str, Any]) -> None:
    read = patched(
        client,
        user,
        {"op": "Add", "path": "nickName", "value": "Amazing"},
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "gh@acme.com"},
        {"op": "Replace", "path": "name.givenName", "value": "Grace B."},
        {"op": "Replace", "path": f"{ENTERPRISE}:department", "value": "Navy"},
    )
    assert read["nickName"] == "Amazing"
    assert read["emails"] == [{"primary": True, "type": "work", "value": "gh@acme.com"}]
    assert read["name"] == {"formatted": "Grace Hopper", "familyName": "Hopper", "givenName": "Grace B."}
    assert read[ENTERPRISE] == {"department": "Navy"}


def test_flag_client_folds_plain_dotted_and_urn_keys_into_one_operation(client: Client, user: dict[str, Any]) -> None:
    value = {"displayName": "Amazing Grace", "name.givenName": "G", f"{ENTERPRISE}:employeeNumber": "7"}
    read = patched(client, user, {"op": "replace", "value": value})
    assert read["displayName"] == "Amazing Grace"
    assert read["name"]["givenName"] == "G"
    assert read["name"]["familyName"] == "Hopper"
    assert read[ENTERPRISE] == {"employeeNumber": "7"}


@pytest.mark.parametrize(
    ("path", "name", "sent", "kept"),
    [
        ("displayName", "displayName", "Grace", "Grace"),
        ("active", "active", "False", False),
        ('emails[type eq "work"].value', "emails", "g@x", [{"primary": True, "type": "work", "value": "g@x"}]),
    ],
)
def test_a_single_value_in_a_list_with_a_null_ref_is_that_value(
    client: Client, user: dict[str, Any], path: str, name: str, sent: str, kept: object
) -> None:
    """The form of Microsoft's own library and its older clients (azure-docs #42220)."""
    value = [{"$ref": None, "value": sent}]
    assert patched(client, user, {"op": "Replace", "path": path, "value": value})[name] == kept


@pytest.mark.parametrize("is_list", [False, True])
def test_the_values_that_a_filter_selects_are_replaced_by_an_object_or_a_list_of_one(
    client: Client, user: dict[str, Any], is_list: bool
) -> None:
    mail = {"type": "work", "value": "g@x", "primary": True}
    operation = {"op": "replace", "path": 'emails[type eq "work"]', "value": [mail] if is_list else mail}
    assert patched(client, user, operation)["emails"] == [mail]


def test_several_operations_on_one_attribute_are_applied_in_order(client: Client, user: dict[str, Any]) -> None:
    """A preview test of the validator."""
    read = patched(
        client,
        user,
        {"op": "add", "path": "title", "value": "first"},
        {"op": "remove", "path": "title"},
        {"op": "add", "path": "title", "value": "second"},
        {"op": "replace", "path": "title", "value": "third"},
    )
    assert read["title"] == "third"


def test_add_through_a_filter_that_matches_nothing_creates_the_element(client: Client, user: dict[str, Any]) -> None:
    """The validator's "Add Attributes": filtered adds on a user that has none of them."""
    read = patched(
        client,
        user,
        {"op": "add", "path": 'addresses[type eq "work"].formatted', "value": "18/2111"},
        {"op": "add", "path": 'addresses[type eq "work"].locality', "value": "Arlington"},
        {"op": "add", "path": 'phoneNumbers[type eq "mobile"].value', "value": "+1"},
        {"op": "add", "path": 'phoneNumbers[type eq "fax"].value', "value": "+2"},
        {"op": "add", "path": 'emails[type eq "home"].value', "value": "g@home"},
        {"op": "add", "value": {"title": "Admiral", f"{ENTERPRISE}:costCenter": "9"}},
    )
    assert read["addresses"] == [{"type": "work", "formatted": "18/2111", "locality": "Arlington"}]
    assert read["phoneNumbers"] == [{"type": "mobile", "value": "+1"}, {"type": "fax", "value": "+2"}]
    assert read["emails"][1] == {"type": "home", "value": "g@home"}
    assert (read["title"], read[ENTERPRISE]["costCenter"]) == ("Admiral", "9")


def test_replace_through_a_filter_that_matches_nothing_is_no_target(client: Client, user: dict[str, Any]) -> None:
    """RFC 7644 section 3.5.2.3 says so, for every client but Entra's default one."""
    operation = {"op": "replace", "path": 'addresses[type eq "home"].locality', "value": "x"}
    body = {"Operations": [operation]}
    assert client.error("PATCH", f"/Users/{user['id']}", body) == (400, "noTarget")


def test_default_clients_replace_of_what_is_not_there_creates_it(client: Client, user: dict[str, Any]) -> None:
    """A user without the element would otherwise fail in every cycle (scim-for-keycloak #73)."""
    read = patched(client, user, {"op": "Replace", "path": 'addresses[type eq "home"].locality', "value": "x"})
    assert read["addresses"] == [{"type": "home", "locality": "x"}]


def test_replace_attributes_verbose_changes_each_and_leaves_the_rest(client: Client, user: dict[str, Any]) -> None:
    paths = ["displayName", "title", "preferredLanguage", "nickName", "userType", "locale", "timezone", "profileUrl"]
    paths += [f"name.{part}" for part in ("formatted", "familyName", "middleName", "honorificPrefix")]
    paths += [f"{ENTERPRISE}:{part}" for part in ("employeeNumber", "organization", "division", "department")]
    operations = [{"op": "replace", "path": path, "value": f"v {path[-8:]}"} for path in paths]
    read = patched(client, user, *operations)
    for path in paths:
        head, _, name = path.rpartition(":")
        holder = read[head] if head else read
        for part in name.split("."):
            holder = holder[part]
        assert holder == f"v {path[-8:]}"
    assert read["name"]["givenName"] == "Grace"


def test_remove_attributes_of_the_validator(client: Client) -> None:
    phones = [{"type": "work", "value": "1"}, {"type": "mobile", "value": "2"}]
    address = {"type": "work", "formatted": "f", "locality": "l"}
    user = client.create(
        "/Users",
        {**ENTRA_USER, "title": "t", "phoneNumbers": phones, "addresses": [address], ENTERPRISE: {"division": "d"}},
    )
    read = patched(
        client,
        user,
        {"op": "remove", "path": "title"},
        {"op": "remove", "path": 'phoneNumbers[type eq "mobile"].value'},
        {"op": "remove", "path": 'addresses[type eq "work"].formatted'},
        {"op": "remove", "path": "name.formatted"},
        {"op": "remove", "path": f"{ENTERPRISE}:division"},
    )
    assert "title" not in read
    assert read["phoneNumbers"] == [{"type": "work", "value": "1"}]
    assert read["addresses"] == [{"type": "work", "locality": "l"}]
    assert read["name"] == {"familyName": "Hopper", "givenName": "Grace"}
    assert ENTERPRISE not in read
    assert read["schemas"] == [USER]


@pytest.mark.parametrize("empty", ["", None], ids=["empty string", "null"])
@pytest.mark.parametrize("pathless", [False, True], ids=["path", "no path"])
def test_clearing_every_optional_attribute(client: Client, empty: object, pathless: bool) -> None:
    """The gallery suite's null update: afterwards a read shows null, empty or nothing."""
    full = {
        "title": "t",
        "displayName": "d",
        "phoneNumbers": [{"type": "work", "value": "1"}],
        "name": {"givenName": "g", "familyName": "f"},
        ENTERPRISE: {"department": "x", "manager": {"value": "1"}},
    }
    user = client.create("/Users", {**ENTRA_USER, **full})
    paths = ["title", "displayName", "name.givenName", f"{ENTERPRISE}:department", f"{ENTERPRISE}:manager"]
    paths += ["phoneNumbers", 'emails[type eq "work"].value']
    if pathless:
        operations = [{"op": "replace", "value": dict.fromkeys(paths, empty)}]
    else:
        operations = [{"op": "replace", "path": path, "value": empty} for path in paths]
    read = patched(client, user, *operations)
    assert not {"title", "displayName", "phoneNumbers", ENTERPRISE, "emails"} & read.keys()
    assert read["name"] == {"familyName": "f"}


def test_the_name_that_is_required_cannot_be_cleared(client: Client, user: dict[str, Any]) -> None:
    for operation in ({"op": "remove", "path": "userName"}, {"op": "replace", "path": "userName", "value": ""}):
        body = {"Operations": [operation]}
        assert client.error("PATCH", f"/Users/{user['id']}", body) == (400, "mutability")


def test_update_of_the_user_name(client: Client, user: dict[str, Any]) -> None:
    assert patched(client, user, {"op": "replace", "path": "userName", "value": "gh@x"})["userName"] == "gh@x"
    assert client.find("/Users", 'userName eq "GH@X"') == [user["id"]]
    other = client.user("taken@acme.com")
    body = {"Operations": [{"op": "replace", "path": "userName", "value": "TAKEN@acme.com"}]}
    assert client.error("PATCH", f"/Users/{user['id']}", body) == (409, "uniqueness")
    assert client.find("/Users", 'userName eq "taken@acme.com"') == [other["id"]]


# ---------------------------------------------------------------- manager


@pytest.mark.parametrize(
    "value", ["9", {"value": "9"}, [{"$ref": "http://x/Users/9", "value": "9"}]], ids=["string", "object", "list"]
)
@pytest.mark.parametrize("path", [f"{ENTERPRISE}:manager", "manager"])
def test_a_manager_is_added_in_every_form(client: Client, user: dict[str, Any], value: object, path: str) -> None:
    read = patched(client, user, {"op": "Add", "path": path, "value": value})
    assert read[ENTERPRISE]["manager"]["value"] == "9"


def test_a_manager_is_changed_by_a_string_and_nothing_of_the_former_stays(client: Client, user: dict[str, Any]) -> None:
    path = f"{ENTERPRISE}:manager"
    patched(client, user, {"op": "add", "path": path, "value": {"$ref": "http://x/Users/9", "value": "9"}})
    read = patched(client, user, {"op": "replace", "path": path, "value": "10"})
    assert read[ENTERPRISE]["manager"] == {"value": "10"}


@pytest.mark.parametrize(
    "operation",
    [{"op": "replace", "value": ""}, {"op": "replace", "value": {"value": ""}}, {"op": "Remove"}],
    ids=["empty", "empty value", "remove"],
)
def test_a_manager_is_removed_in_every_form(client: Client, user: dict[str, Any], operation: dict[str, Any]) -> None:
    path = f"{ENTERPRISE}:manager"
    patched(client, user, {"op": "add", "path": path, "value": "9"})
    assert ENTERPRISE not in patched(client, user, {**operation, "path": path})


# ---------------------------------------------------------------- restore, delete


def test_a_restored_user_is_found_while_inactive_and_activated_without_a_new_post(
    client: Client, user: dict[str, Any]
) -> None:
    """Soft-deleted, then restored (Microsoft Learn, how provisioning works)."""
    group = client.group(members=[user["id"]])
    patched(client, user, {"op": "Replace", "path": "active", "value": "False"})
    assert client.find("/Users", 'userName eq "grace@acme.com"') == [user["id"]]
    assert client.get(f"/Users/{user['id']}")["active"] is False
    assert patched(client, user, {"op": "Replace", "path": "active", "value": "True"})["active"] is True
    assert client.members(group) == {user["id"]}


def test_a_deleted_user_is_gone_and_its_name_free(client: Client, user: dict[str, Any]) -> None:
    group = client.group(members=[user["id"]])
    client.forget_dirty()
    assert client.send("DELETE", f"/Users/{user['id']}").status_code == 204
    assert client.error("GET", f"/Users/{user['id']}") == (404, None)
    assert client.error("DELETE", f"/Users/{user['id']}") == (404, None)
    assert client.members(group) == set()
    assert client.dirty() == {("user", user["id"]): timedelta(0), ("group", group["id"]): timedelta(0)}
    client.create("/Users", ENTRA_USER)


# ---------------------------------------------------------------- groups


def test_a_group_is_created_with_microsofts_own_schema_and_no_members(client: Client) -> None:
    body = {"schemas": [GROUP, MS_GROUP], "externalId": "g1", "displayName": "Ops", "meta": {"resourceType": "Group"}}
    group = client.create("/Groups", body)
    assert client.find("/Groups", 'externalId eq "g1"', excludedAttributes="members") == [group["id"]]
    assert client.error("POST", "/Groups", {**body, "displayName": "OPS"}) == (409, "uniqueness")


def test_members_are_excluded_on_demand_everywhere(client: Client, user: dict[str, Any]) -> None:
    group = client.group(members=[user["id"]])
    assert "members" not in client.get(f"/Groups/{group['id']}", excludedAttributes="members")
    page = client.get("/Groups", filter='displayName eq "engineers"', excludedAttributes="members")
    assert "members" not in page["Resources"][0]
    assert page["Resources"][0]["displayName"] == "engineers"


def test_default_client_adds_several_members_with_null_refs(client: Client) -> None:
    ids = [client.user(f"{name}@acme.com")["id"] for name in "abc"]
    group = client.group()
    value = [{"$ref": None, "value": id_} for id_ in ids]
    client.patch(f"/Groups/{group['id']}", {"op": "Add", "path": "members", "value": value})
    assert client.members(group) == set(ids)


def test_default_clients_remove_with_a_value_array_removes_only_the_listed(client: Client) -> None:
    """Servers that read it as "remove all" empty the group (SCIMReferenceCode #10)."""
    a, b, c = (client.user(f"{name}@acme.com")["id"] for name in "abc")
    group = client.group(members=[a, b, c])
    value = [{"$ref": None, "value": a}, {"$ref": None, "value": b}]
    client.patch(f"/Groups/{group['id']}", {"op": "Remove", "path": "members", "value": value})
    assert client.members(group) == {c}


def test_a_remove_with_an_empty_value_array_removes_nobody(client: Client, user: dict[str, Any]) -> None:
    group = client.group(members=[user["id"]])
    client.patch(f"/Groups/{group['id']}", {"op": "Remove", "path": "members", "value": []})
    assert client.members(group) == {user["id"]}


def test_flag_client_removes_by_a_filter(client: Client) -> None:
    a, b = (client.user(f"{name}@acme.com")["id"] for name in "ab")
    group = client.group(members=[a, b])
    client.patch(f"/Groups/{group['id']}", {"op": "remove", "path": f'members[value eq "{a}"]'})
    assert client.members(group) == {b}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "Replace", "path": "displayName", "value": "Ops"},
        {"op": "replace", "value": {"displayName": "Ops"}},
    ],
)
def test_a_rename_does_not_touch_the_members(client: Client, user: dict[str, Any], operation: dict[str, Any]) -> None:
    group = client.group(members=[user["id"]])
    client.patch(f"/Groups/{group['id']}", operation)
    assert client.get(f"/Groups/{group['id']}")["displayName"] == "Ops"
    assert client.members(group) == {user["id"]}


def test_a_replace_of_another_attribute_does_not_empty_the_group(client: Client, user: dict[str, Any]) -> None:
    group = client.group(members=[user["id"]])
    client.patch(f"/Groups/{group['id']}", {"op": "replace", "value": {"externalId": "e2"}})
    assert client.get(f"/Groups/{group['id']}")["externalId"] == "e2"
    assert client.members(group) == {user["id"]}


def test_the_validator_adds_a_member_by_replacing_them_all(client: Client, user: dict[str, Any]) -> None:
    other = client.user("other@acme.com")
    group = client.group(members=[other["id"]])
    operation = {"op": "replace", "path": "members", "value": [{"$ref": None, "value": user["id"]}]}
    client.patch(f"/Groups/{group['id']}", operation)
    assert client.members(group) == {user["id"]}


def test_the_validator_adds_and_removes_one_member_in_one_request(client: Client, user: dict[str, Any]) -> None:
    group = client.group()
    before = client.get(f"/Groups/{group['id']}")
    client.clock.move(minutes=1)
    client.patch(
        f"/Groups/{group['id']}",
        {"op": "add", "path": "members", "value": [{"value": user["id"]}]},
        {"op": "remove", "path": f'members[value eq "{user["id"]}"]'},
    )
    assert client.get(f"/Groups/{group['id']}") == before


def test_adding_a_member_twice_keeps_it_once_and_moves_nothing(client: Client, user: dict[str, Any]) -> None:
    group = client.group(members=[user["id"]])
    before = client.get(f"/Groups/{group['id']}")
    client.clock.move(minutes=1)
    client.forget_dirty()
    value = [{"value": user["id"]}, {"value": user["id"]}]
    client.patch(f"/Groups/{group['id']}", {"op": "add", "path": "members", "value": value})
    assert client.get(f"/Groups/{group['id']}") == before
    assert client.dirty() == {}


def test_a_patch_of_a_small_group_is_answered_with_it_and_of_a_large_one_with_204(client: Client) -> None:
    """A 200 with an empty body is an error to Entra (azure-docs #116775); a body of thousands is discouraged."""
    operations = [
        {"method": "POST", "path": "/Users", "bulkId": str(number), "data": {"userName": f"u{number}"}}
        for number in range(SMALL_GROUP + 1)
    ]
    client.send("POST", "/Bulk", {"Operations": operations})
    ids = [found["id"] for found in client.get("/Users", count=1000)["Resources"]]
    group = client.group(members=ids[:-2])
    path = f"/Groups/{group['id']}"
    answer = client.patch(path, {"op": "add", "path": "members", "value": [{"value": ids[-2]}]})
    assert answer == client.get(path)
    assert client.patch(path, {"op": "add", "path": "members", "value": [{"value": ids[-1]}]}) is None
    assert client.members(group) == set(ids)


# ---------------------------------------------------------------- app roles


def roles_of(client: Client, user: dict[str, Any]) -> object:
    return client.get(f"/Users/{user['id']}").get("roles")


def test_single_app_role_arrives_with_a_primary_that_is_a_string(client: Client) -> None:
    role = {"primary": "True", "type": "WindowsAzureActiveDirectoryRole", "value": "Admin"}
    user = client.create("/Users", {**ENTRA_USER, "roles": [role]})
    assert roles_of(client, user) == [{**role, "primary": True}]


@pytest.mark.parametrize("op", ["add", "Add", "Replace"])
def test_single_app_role_is_set_through_a_string_compared_with_a_boolean(
    client: Client, user: dict[str, Any], op: str
) -> None:
    patched(
        client,
        user,
        {"op": op, "path": 'roles[primary eq "True"].value', "value": "Editor"},
        {"op": op, "path": 'roles[primary eq "True"].display', "value": "The editor"},
        {"op": op, "path": 'roles[primary eq "True"].type', "value": "workspace_prod"},
    )
    role = {"primary": True, "value": "Editor", "display": "The editor", "type": "workspace_prod"}
    assert roles_of(client, user) == [role]
    patched(client, user, {"op": "replace", "path": 'roles[primary eq "True"].value', "value": "Viewer"})
    assert roles_of(client, user) == [{**role, "value": "Viewer"}]


def test_app_roles_as_json_inside_a_string_are_added(client: Client, user: dict[str, Any]) -> None:
    def wrapped(value: str) -> dict[str, str]:
        return {"value": json.dumps({"id": "18d1", "value": value, "displayName": f"Role {value}"})}

    patched(client, user, {"op": "Add", "path": "roles", "value": [wrapped("Admin")]})
    patched(client, user, {"op": "Add", "path": "roles", "value": [wrapped("Admin"), wrapped("Viewer")]})
    assert roles_of(client, user) == [
        {"value": "Admin", "display": "Role Admin"},
        {"value": "Viewer", "display": "Role Viewer"},
    ]


def test_complex_app_roles_say_display_name(client: Client) -> None:
    roles = [{"primary": False, "type": "t", "value": "Admin", "displayName": "The admin"}]
    user = client.create("/Users", {**ENTRA_USER, "roles": roles})
    assert roles_of(client, user) == [{"primary": False, "type": "t", "value": "Admin", "display": "The admin"}]


def test_assertive_app_roles_replace_the_whole_list_at_once(client: Client) -> None:
    def role(value: str) -> dict[str, Any]:
        return {"primary": False, "type": "workspace_prod", "display": value, "value": value}

    user = client.create("/Users", {**ENTRA_USER, "roles": [role("editor"), role("viewer")]})
    client.forget_dirty()
    patched(client, user, {"op": "replace", "path": "roles", "value": [role("viewer")]})
    assert roles_of(client, user) == [role("viewer")]
    assert client.dirty() == {("user", user["id"]): timedelta(0)}
