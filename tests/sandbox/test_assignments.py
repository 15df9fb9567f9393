"""authorization-service, and the two vocabularies over one role store."""

import pytest

from tests.sandbox.client import AUTHZ, MANAGE, READ, SCIM, WRITE, Sandbox, assignment, role

SCOPE = {"resource_type": "RESOURCE_TYPE_SECRET_SCOPE", "resource_id": "snowflake"}


def principals(sandbox: Sandbox, **more: object) -> dict[str, list[str]]:
    """Return the roles on the scope snowflake by the id of their holder."""
    answer = sandbox.post(f"{AUTHZ}/list-assigned-principals", {**SCOPE, **more}).get_json()
    found = {}
    for entry in answer.get("assignments", []):
        ((kind, shown),) = entry["principal"].items()
        holder = shown["name"] if kind == "workspace" else shown.get("okta_id") or shown["id"]
        (on_scope,) = entry["role_assignments"]
        found[holder] = [granted["role"] for granted in on_scope["roles_granted"]]
    return found


def assign(sandbox: Sandbox, *entries: object, un: str = "") -> int:
    return sandbox.post(f"{AUTHZ}/{un}assign-roles", {"assignments": list(entries)}).status_code


@pytest.mark.parametrize(
    ("scim", "legacy"),
    [(READ, "read_scope_role"), (WRITE, "write_scope_role"), (MANAGE, "manage_scope_role")],
)
def test_a_role_put_through_scim_is_seen_through_authorization_and_back(
    sandbox: Sandbox, scim: str, legacy: str
) -> None:
    user = sandbox.user("ana@example.com", role("secret_scope_snowflake", scim))
    assert principals(sandbox)[user["id"]] == [legacy]
    other = sandbox.user("bob@example.com")
    assert assign(sandbox, assignment("USER", other["id"], "snowflake", legacy)) == 200
    assert sandbox.roles("Users", other["id"]) == [role("secret_scope_snowflake", scim)]
    assert assign(sandbox, assignment("USER", other["id"], "snowflake", legacy), un="un") == 200
    assert sandbox.roles("Users", other["id"]) == []


def test_workspace_and_organization_roles_go_both_ways(sandbox: Sandbox) -> None:
    user = sandbox.user()
    entry = {"principal_type": "PRINCIPAL_TYPE_USER", "principal_id": user["id"]}
    workspace = {"resource_type": "RESOURCE_TYPE_WORKSPACE", "resource_id": "prod", "role": "editor"}
    organization = {"resource_type": "RESOURCE_TYPE_ORGANIZATION"}
    given = [workspace, {**organization, "role": "admin"}, {**organization, "role": "viewer"}]
    assert assign(sandbox, *({**entry, **one} for one in given)) == 200
    assert sandbox.roles("Users", user["id"]) == [
        role("account_type", "admin"),
        role("all_workspaces", "viewer"),
        role("workspace_prod", "editor"),
    ]


def test_inherited_roles_name_their_group_and_cannot_be_unassigned(sandbox: Sandbox) -> None:
    user = sandbox.user()
    group = sandbox.group("ML", [user["id"]], role("secret_scope_snowflake", READ))
    question = {"principal_type": "PRINCIPAL_TYPE_USER", "principal_id": user["id"]}
    question["resource_type"] = "RESOURCE_TYPE_SECRET_SCOPE"
    expected = [
        {
            "resource_type": "RESOURCE_TYPE_SECRET_SCOPE",
            "resource_id": "snowflake",
            "roles_granted": [
                {
                    "role": "read_scope_role",
                    "role_assignment_sources": [
                        {
                            "assignment_type": "ROLE_ASSIGNMENT_TYPE_FROM_PRINCIPAL_GROUP",
                            "principal_group_name": "ML",
                            "principal_group_id": group["id"],
                        }
                    ],
                }
            ],
        }
    ]
    assert sandbox.post(f"{AUTHZ}/list-assigned-roles", question).get_json() == {"assignments": expected}
    assert assign(sandbox, assignment("USER", user["id"], "snowflake", "read_scope_role"), un="un") == 200
    assert principals(sandbox)[user["id"]] == ["read_scope_role"]


def test_direct_and_inherited_sources_of_one_role_are_both_named(sandbox: Sandbox) -> None:
    user = sandbox.user("ana@example.com", role("secret_scope_snowflake", READ))
    sandbox.group("ML", [user["id"]], role("secret_scope_snowflake", READ))
    answer = sandbox.post(
        f"{AUTHZ}/list-assigned-principals", {**SCOPE, "principal_types": ["PRINCIPAL_TYPE_USER"]}
    ).get_json()
    (entry,) = answer["assignments"]
    (granted,) = entry["role_assignments"][0]["roles_granted"]
    kinds = [source["assignment_type"] for source in granted["role_assignment_sources"]]
    assert kinds == ["ROLE_ASSIGNMENT_TYPE_DIRECT", "ROLE_ASSIGNMENT_TYPE_FROM_PRINCIPAL_GROUP"]


def test_several_roles_on_one_scope_are_each_shown_sorted(sandbox: Sandbox) -> None:
    user = sandbox.user()
    for legacy in ("write_scope_role", "read_scope_role"):
        assign(sandbox, assignment("USER", user["id"], "snowflake", legacy))
    assert principals(sandbox)[user["id"]] == ["read_scope_role", "write_scope_role"]
    assert sandbox.roles("Users", user["id"]) == [
        role("secret_scope_snowflake", READ),
        role("secret_scope_snowflake", WRITE),
    ]


def test_listing_filters_by_kind_of_principal_and_role(sandbox: Sandbox) -> None:
    user = sandbox.user("ana@example.com", role("secret_scope_snowflake", READ))
    group = sandbox.group("ML", [], role("secret_scope_snowflake", WRITE))
    assert set(principals(sandbox, principal_types=["PRINCIPAL_TYPE_USER"])) == {user["id"]}
    assert set(principals(sandbox, roles=["write_scope_role"])) == {group["id"]}


def test_nothing_assigned_is_an_empty_object(sandbox: Sandbox) -> None:
    user = sandbox.user()
    question = {"principal_type": "PRINCIPAL_TYPE_USER", "principal_id": user["id"]}
    question["resource_type"] = "RESOURCE_TYPE_WORKSPACE"
    assert sandbox.post(f"{AUTHZ}/list-assigned-roles", question).get_json() == {}


def test_asking_for_workspace_roles_returns_all_workspaces_roles_too(sandbox: Sandbox) -> None:
    user = sandbox.user("ana@example.com", role("all_workspaces", "viewer"), role("workspace_prod", "owner"))
    question = {"principal_type": "PRINCIPAL_TYPE_USER", "principal_id": user["id"]}
    question["resource_type"] = "RESOURCE_TYPE_WORKSPACE"
    entries = sandbox.post(f"{AUTHZ}/list-assigned-roles", question).get_json()["assignments"]
    assert [(e["resource_type"], e.get("resource_id")) for e in entries] == [
        ("RESOURCE_TYPE_ORGANIZATION", None),
        ("RESOURCE_TYPE_WORKSPACE", "prod"),
    ]


def test_camel_case_requests_are_accepted(sandbox: Sandbox) -> None:
    user = sandbox.user()
    entry = {
        "principalType": "PRINCIPAL_TYPE_USER",
        "principalId": user["id"],
        "resourceType": "RESOURCE_TYPE_SECRET_SCOPE",
        "resourceId": "snowflake",
        "role": "read_scope_role",
    }
    assert assign(sandbox, entry) == 200
    assert sandbox.roles("Users", user["id"]) == [role("secret_scope_snowflake", READ)]


def test_put_assign_roles_sets_exactly(sandbox: Sandbox) -> None:
    user = sandbox.user("ana@example.com", role("secret_scope_snowflake", READ), role("workspace_prod", "viewer"))
    body = {**SCOPE, "principal_type": "PRINCIPAL_TYPE_USER", "principal_id": user["id"]}
    assert sandbox.put(f"{AUTHZ}/assign-roles", {**body, "roles": ["manage_scope_role"]}).status_code == 200
    assert sandbox.roles("Users", user["id"]) == [
        role("secret_scope_snowflake", MANAGE),
        role("workspace_prod", "viewer"),
    ]


def test_workspaces_may_read_scopes(sandbox: Sandbox) -> None:
    assert assign(sandbox, assignment("WORKSPACE", "prod", "snowflake", "read_scope_role")) == 200
    assert principals(sandbox)["prod"] == ["read_scope_role"]
    scope = next(s for s in sandbox.state()["scopes"] if s["name"] == "snowflake")
    expected = {"principal_type": "workspace", "principal_id": "prod", "name": "prod", "role": READ}
    assert expected in scope["grants"]


@pytest.mark.parametrize(
    "change",
    [
        {"principal_type": "PRINCIPAL_TYPE_ROBOT"},
        {"principal_id": "nobody"},
        {"resource_type": "RESOURCE_TYPE_METRIC"},
        {"role": "owner"},
        {"role": "emperor"},
        {"role": 7},
    ],
)
def test_bad_entries_are_400_and_nothing_of_the_batch_is_applied(sandbox: Sandbox, change: dict[str, object]) -> None:
    user = sandbox.user()
    good = assignment("USER", user["id"], "snowflake", "read_scope_role")
    answer = sandbox.post(f"{AUTHZ}/assign-roles", {"assignments": [good, {**good, **change}]})
    assert answer.status_code == 400
    assert set(answer.get_json()) == {"error", "message", "code"}
    assert answer.get_json()["code"] == 3
    assert sandbox.roles("Users", user["id"]) == []


def test_only_managers_and_admins_assign_on_a_scope(sandbox: Sandbox) -> None:
    user = sandbox.user()
    entry = assignment("USER", user["id"], "snowflake", "read_scope_role")
    writer = sandbox.account("writer", role("secret_scope_snowflake", WRITE))
    manager = sandbox.account("manager", role("secret_scope_snowflake", MANAGE))
    body = {"assignments": [entry]}
    assert sandbox.post(f"{AUTHZ}/assign-roles", body, key=writer["apiKey"]).status_code == 403
    assert sandbox.post(f"{AUTHZ}/assign-roles", body, key=manager["apiKey"]).status_code == 200


def test_only_owners_and_admins_assign_on_a_workspace_and_only_admins_on_the_organization(
    sandbox: Sandbox,
) -> None:
    user = sandbox.user()
    owner = sandbox.account("owner", role("workspace_prod", "owner"))
    entry = {"principal_type": "PRINCIPAL_TYPE_USER", "principal_id": user["id"], "role": "viewer"}
    on_workspace = {**entry, "resource_type": "RESOURCE_TYPE_WORKSPACE", "resource_id": "prod"}
    everywhere = {**entry, "resource_type": "RESOURCE_TYPE_ORGANIZATION"}
    path = f"{AUTHZ}/assign-roles"
    assert sandbox.post(path, {"assignments": [on_workspace]}, key=owner["apiKey"]).status_code == 200
    assert sandbox.post(path, {"assignments": [everywhere]}, key=owner["apiKey"]).status_code == 403


def test_an_account_may_list_its_own_roles_only(sandbox: Sandbox) -> None:
    account = sandbox.account("ci", role("secret_scope_snowflake", READ))
    question = {"principal_type": "PRINCIPAL_TYPE_SERVICE_ACCOUNT", "principal_id": account["id"]}
    question["resource_type"] = "RESOURCE_TYPE_SECRET_SCOPE"
    path = f"{AUTHZ}/list-assigned-roles"
    assert sandbox.post(path, question, key=account["apiKey"]).status_code == 200
    other = {**question, "principal_id": sandbox.account("cd")["id"]}
    assert sandbox.post(path, other, key=account["apiKey"]).status_code == 403


def test_unknown_principal_in_a_question_is_403(sandbox: Sandbox) -> None:
    question = {"principal_type": "PRINCIPAL_TYPE_USER", "principal_id": "00uNobody"}
    question["resource_type"] = "RESOURCE_TYPE_SECRET_SCOPE"
    assert sandbox.post(f"{AUTHZ}/list-assigned-roles", question).status_code == 403


def test_the_catalogue_pairs_both_vocabularies(sandbox: Sandbox) -> None:
    regular = sandbox.account("ci")
    answer = sandbox.post(f"{AUTHZ}/get-roles", {}, key=regular["apiKey"]).get_json()
    pairs = {entry["id"]: entry["legacy_id"] for entry in answer["roles"]}
    assert pairs[READ] == "read_scope_role" and pairs["owner"] == "owner"
    reader = next(entry for entry in answer["roles"] if entry["id"] == READ)
    assert "PRINCIPAL_TYPE_WORKSPACE" in reader["assignable_to_principal_types"]


def test_scim_put_replaces_what_authorization_gave(sandbox: Sandbox) -> None:
    user = sandbox.user()
    assign(sandbox, assignment("USER", user["id"], "snowflake", "read_scope_role"))
    sandbox.put(f"{SCIM}/Users/{user['id']}", {"userName": user["userName"], "roles": []})
    assert user["id"] not in principals(sandbox)
