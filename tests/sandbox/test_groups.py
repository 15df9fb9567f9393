"""SCIM groups."""

import pytest

from tests.sandbox.client import GROUP_EXTENSION, SCIM, Sandbox, names, role


def test_created_group_has_every_documented_field_and_no_other(sandbox: Sandbox) -> None:
    user, account = sandbox.user(), sandbox.account()
    made = sandbox.group(
        "ML",
        [user["id"], account["id"]],
        role("all_workspaces", "operator"),
        **{GROUP_EXTENSION: {"description": "platform", "idpMappingNames": ["Platform"]}},
    )
    assert set(made) == {"schemas", "id", "meta", "displayName", "members", "roles", GROUP_EXTENSION}
    assert made["members"] == [
        {"type": "User", "display": "ana@example.com", "value": user["id"]},
        {"type": "ServiceAccount", "display": "ci", "value": account["id"]},
    ]
    assert made[GROUP_EXTENSION] == {"description": "platform", "idpMappingNames": ["Platform"]}
    assert len(made["id"]) == 32


def test_list_entries_omit_roles_and_members(sandbox: Sandbox) -> None:
    sandbox.group("ML", [sandbox.user()["id"]], role("workspace_prod", "owner"))
    entries = sandbox.get(f"{SCIM}/Groups").get_json()["Resources"]
    assert [set(entry) for entry in entries] == [{"schemas", "id", "meta", "displayName", GROUP_EXTENSION}]


def test_put_replaces_members_and_clears_what_it_omits(sandbox: Sandbox) -> None:
    ana, bob = sandbox.user("ana@example.com"), sandbox.user("bob@example.com")
    extension = {GROUP_EXTENSION: {"description": "d", "idpMappingNames": ["x"]}}
    group = sandbox.group("ML", [ana["id"]], role("workspace_prod", "viewer"), **extension)
    path = f"{SCIM}/Groups/{group['id']}"
    replaced = sandbox.put(path, {"displayName": "ML 2", "members": [{"value": bob["id"]}]}).get_json()
    assert replaced["displayName"] == "ML 2"
    assert [member["value"] for member in replaced["members"]] == [bob["id"]]
    assert replaced["roles"] == []
    assert replaced[GROUP_EXTENSION] == {"description": "", "idpMappingNames": []}
    assert sandbox.put(path, {"displayName": "ML 2"}).get_json()["members"] == []


def test_put_without_display_name_is_400(sandbox: Sandbox) -> None:
    group = sandbox.group("ML")
    assert sandbox.put(f"{SCIM}/Groups/{group['id']}", {"members": []}).status_code == 400


def test_duplicate_display_name_is_409(sandbox: Sandbox) -> None:
    sandbox.group("ML")
    assert sandbox.post(f"{SCIM}/Groups", {"displayName": "ML"}).status_code == 409


def test_a_group_cannot_be_a_member(sandbox: Sandbox) -> None:
    group = sandbox.group("ML")
    refused = sandbox.post(f"{SCIM}/Groups", {"displayName": "outer", "members": [{"value": group["id"]}]})
    assert refused.status_code == 400
    assert [g["displayName"] for g in sandbox.state()["groups"]] == ["ML"]


def test_members_named_twice_are_there_once(sandbox: Sandbox) -> None:
    user = sandbox.user()
    assert len(sandbox.group("ML", [user["id"], user["id"]])["members"]) == 1


def test_filter_is_by_display_name_only(sandbox: Sandbox) -> None:
    made = sandbox.group("ML")
    sandbox.group("Ops")
    found = sandbox.get(f"{SCIM}/Groups", query_string={"filter": 'displayName eq "ML"'})
    assert names(found, "displayName") == ["ML"]
    refused = sandbox.get(f"{SCIM}/Groups", query_string={"filter": f'id eq "{made["id"]}"'})
    assert refused.status_code == 400


def test_deleting_a_group_takes_what_its_members_inherited(sandbox: Sandbox) -> None:
    account = sandbox.account()
    group = sandbox.group("admins", [account["id"]], role("account_type", "admin"))
    assert sandbox.get(f"{SCIM}/Users", key=account["apiKey"]).status_code == 200
    assert sandbox.delete(f"{SCIM}/Groups/{group['id']}").status_code == 204
    assert sandbox.get(f"{SCIM}/Users", key=account["apiKey"]).status_code == 403


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_unknown_id_is_404(sandbox: Sandbox, method: str) -> None:
    body = {"displayName": "x"} if method == "PUT" else None
    assert sandbox.call(method, f"{SCIM}/Groups/none", body).status_code == 404


def test_groups_inherited_roles_are_not_among_a_members_own(sandbox: Sandbox) -> None:
    user = sandbox.user()
    sandbox.group("ML", [user["id"]], role("workspace_prod", "editor"))
    assert sandbox.roles("Users", user["id"]) == []
