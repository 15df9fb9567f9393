"""One probe per knob: what a caller sees, which the knob decides.

A probe takes a fresh sandbox with the knob set and returns something to compare.
"""

from collections.abc import Callable
from typing import Any

from tests.sandbox.client import (
    ADMIN_KEY,
    AUTHZ,
    GROUP_EXTENSION,
    METADATA,
    READ,
    SCIM,
    SECRET_ROUTES,
    SECRETS,
    WRITE,
    Sandbox,
    assignment,
    names,
    role,
)

Probe = Callable[[Sandbox], Any]
USERS, GROUPS, ACCOUNTS = f"{SCIM}/Users", f"{SCIM}/Groups", f"{SCIM}/ServiceAccounts"
ANA = "ana@example.com"


def filtered(sandbox: Sandbox, text: str) -> Any:
    answer = sandbox.get(USERS, query_string={"filter": text})
    return names(answer) if answer.status_code == 200 else answer.status_code


def service_accounts_path(sandbox: Sandbox) -> Any:
    return [sandbox.get(f"{SCIM}{path}").status_code for path in ("/ServiceAccounts", "/Robots")]


def v1_paths(sandbox: Sandbox) -> Any:
    paths = (f"{METADATA}/create-service-account", "/api/v1/accounts/new")
    return [sandbox.post(path, {"name": "x"}).status_code for path in paths]


def v1_aliases(sandbox: Sandbox) -> Any:
    return sandbox.post(f"{SECRET_ROUTES}/search-service-accounts", {}).status_code


def v1_verbs(sandbox: Sandbox) -> Any:
    body = {"id": "service-account-id", "description": "new"}
    path = f"{METADATA}/update-service-account"
    return [sandbox.call(verb, path, body).status_code for verb in ("POST", "PUT")]


def client_secrets_key(sandbox: Sandbox) -> Any:
    answer = sandbox.post(f"{SECRET_ROUTES}/list-service-account-secrets", {"id": "0oa1a45o42rZDl3g4358"})
    return list(answer.get_json())


def error_body(sandbox: Sandbox) -> Any:
    answer = sandbox.get(f"{USERS}/nobody")
    return sorted(answer.get_json()) if answer.is_json else answer.mimetype


def patch(sandbox: Sandbox) -> Any:
    return sandbox.call("PATCH", f"{USERS}/x", {}).status_code


def scim_status(sandbox: Sandbox) -> Any:
    return sandbox.get(USERS).status_code


def scim_off_status(sandbox: Sandbox) -> Any:
    sandbox.turn(scim_enabled="off")
    return sandbox.get(USERS).status_code


def secrets_status(sandbox: Sandbox) -> Any:
    question = {"resource_type": "RESOURCE_TYPE_SECRET_SCOPE", "resource_id": "snowflake"}
    listed = sandbox.post(f"{AUTHZ}/list-assigned-principals", question).status_code
    return sandbox.get(SECRETS).status_code, listed


def secrets_off_status(sandbox: Sandbox) -> Any:
    sandbox.turn(secrets_enabled="off")
    return secrets_status(sandbox)


def schemes(sandbox: Sandbox) -> Any:
    headers = [{"Authorization": f"{scheme} {ADMIN_KEY}"} for scheme in ("Tecton-key", "Bearer")]
    return [sandbox.http.get(USERS, headers=one).status_code for one in headers]


def invalid_key(sandbox: Sandbox) -> Any:
    answer = sandbox.get(SECRETS, key="wrong")
    return answer.status_code, answer.get_json()["code"]


def non_admin(sandbox: Sandbox) -> Any:
    return sandbox.get(USERS, key=sandbox.account()["apiKey"]).status_code


def put_inactive(sandbox: Sandbox) -> Any:
    user = sandbox.user()
    answer = sandbox.put(f"{USERS}/{user['id']}", {"userName": ANA, "active": False})
    return answer.status_code, (answer.get_json(silent=True) or {}).get("active")


def post_inactive(sandbox: Sandbox) -> Any:
    answer = sandbox.post(USERS, {"userName": ANA, "active": False})
    return answer.status_code, filtered(sandbox, f'userName eq "{ANA}"')


def rename(sandbox: Sandbox) -> Any:
    user = sandbox.user()
    answer = sandbox.put(f"{USERS}/{user['id']}", {"userName": "ann@example.com"})
    return answer.status_code, sandbox.get(f"{USERS}/{user['id']}").get_json()["userName"]


def user_name_case(sandbox: Sandbox) -> Any:
    sandbox.user()
    found = filtered(sandbox, 'userName eq "ANA@example.com"')
    return found, sandbox.post(USERS, {"userName": "ANA@example.com"}).status_code


def put_without_roles(sandbox: Sandbox) -> Any:
    user = sandbox.user(ANA, role("workspace_prod", "viewer"))
    sandbox.put(f"{USERS}/{user['id']}", {"userName": ANA})
    return len(sandbox.roles("Users", user["id"]))


def null_role(sandbox: Sandbox) -> Any:
    return sandbox.post(USERS, {"userName": ANA, "roles": [role("account_type", None)]}).status_code


def managed(kind: str) -> Probe:
    """Return a probe that writes a role on a resource and looks whether it is there."""

    def probe(sandbox: Sandbox) -> Any:
        given = role("workspace_prod", "viewer")
        made = {
            "Users": lambda: sandbox.user(ANA, given),
            "Groups": lambda: sandbox.group("ML", [], given),
            "ServiceAccounts": lambda: sandbox.account("ci", given),
        }[kind]()
        return len(made["roles"])

    return probe


def management_off(sandbox: Sandbox) -> Any:
    user = sandbox.user(ANA, role("workspace_prod", "viewer"))
    sandbox.turn(roles_management_users="off")
    answer = sandbox.put(f"{USERS}/{user['id']}", {"userName": ANA, "roles": []})
    return answer.status_code, len(sandbox.roles("Users", user["id"]))


def put_without_members(sandbox: Sandbox) -> Any:
    group = sandbox.group("ML", [sandbox.user()["id"]])
    return len(sandbox.put(f"{GROUPS}/{group['id']}", {"displayName": "ML"}).get_json()["members"])


def put_without_extension(sandbox: Sandbox) -> Any:
    extension = {GROUP_EXTENSION: {"description": "d", "idpMappingNames": ["x"]}}
    group = sandbox.group("ML", [], **extension)
    return sandbox.put(f"{GROUPS}/{group['id']}", {"displayName": "ML"}).get_json()[GROUP_EXTENSION]


def unknown_role(sandbox: Sandbox) -> Any:
    user = sandbox.user()
    wanted = [role("workspace_prod", "viewer"), role("workspace_x", "viewer"), role("account_type", "admin")]
    answer = sandbox.put(f"{USERS}/{user['id']}", {"userName": ANA, "roles": wanted})
    return answer.status_code, len(sandbox.roles("Users", user["id"]))


def duplicate_role(sandbox: Sandbox) -> Any:
    wanted = [role("workspace_prod", value) for value in ("viewer", "owner", "editor")]
    answer = sandbox.post(USERS, {"userName": ANA, "roles": wanted})
    return [one["value"] for one in answer.get_json().get("roles", [])]


def role_case(sandbox: Sandbox) -> Any:
    return sandbox.post(USERS, {"userName": ANA, "roles": [role("workspace_prod", "Viewer")]}).status_code


def member_type(sandbox: Sandbox) -> Any:
    return sandbox.group("ML", [sandbox.user()["id"]])["members"][0]["type"]


def groups_type(sandbox: Sandbox) -> Any:
    user = sandbox.user()
    sandbox.group("ML", [user["id"]])
    return sandbox.get(f"{USERS}/{user['id']}").get_json()["groups"][0]["type"]


def unknown_member(sandbox: Sandbox) -> Any:
    return sandbox.post(GROUPS, {"displayName": "ML", "members": [{"value": "nobody"}]}).status_code


def mapped_removal(sandbox: Sandbox) -> Any:
    sandbox.control("POST", "groups", {"displayName": "ML", "idpMappingNames": ["x"]})
    sandbox.control("POST", "sign-in", {"user": ANA, "saml_groups": ["x"]})
    group = sandbox.state()["groups"][0]
    answer = sandbox.put(f"{GROUPS}/{group['id']}", {"displayName": "ML", "members": []})
    return answer.status_code, len(sandbox.state()["groups"][0]["members"])


def put_duplicate(sandbox: Sandbox) -> Any:
    sandbox.group("ML")
    other = sandbox.group("Ops")
    return sandbox.put(f"{GROUPS}/{other['id']}", {"displayName": "ML"}).status_code


def filter_attributes(sandbox: Sandbox) -> Any:
    sandbox.user(ANA, emails=[{"value": "a@work.example", "primary": True}])
    by_email = filtered(sandbox, 'emails.value eq "a@work.example"')
    return by_email, filtered(sandbox, "active eq true")


def count_cap(sandbox: Sandbox) -> Any:
    for number in range(3):
        sandbox.user(f"u{number}@example.com")
    return len(names(sandbox.get(USERS))), len(names(sandbox.get(f"{USERS}?count=50")))


def order(sandbox: Sandbox) -> Any:
    for number in range(9):
        sandbox.user(f"u{number}@example.com")
    return len({tuple(names(sandbox.get(USERS))) for _ in range(6)}) > 1


def scim_id(sandbox: Sandbox) -> Any:
    user = sandbox.user()
    found = sandbox.post(f"{METADATA}/get-user", {"email": ANA}).get_json()["user"]["okta_id"]
    entry = assignment("USER", found, "snowflake", "read_scope_role")
    assert sandbox.post(f"{AUTHZ}/assign-roles", {"assignments": [entry]}).status_code == 200
    group = sandbox.group("ML", [user["id"]])
    assert group["members"][0]["value"] == user["id"]
    assert len(sandbox.roles("Users", user["id"])) == 1
    return found == user["id"]


def oauth_in_scim(sandbox: Sandbox) -> Any:
    made = sandbox.oauth_account()
    listed = made["name"] in names(sandbox.get(ACCOUNTS), "name")
    return listed, sandbox.get(f"{ACCOUNTS}/{made['id']}").status_code


def delete_active(sandbox: Sandbox) -> Any:
    return sandbox.delete(f"{ACCOUNTS}/{sandbox.account()['id']}").status_code


def v1_duplicate(sandbox: Sandbox) -> Any:
    answer = sandbox.post(f"{METADATA}/create-service-account", {"name": "scim-bridge"})
    return answer.status_code, answer.get_json()["code"]


def repeated(sandbox: Sandbox) -> Any:
    user = sandbox.user(ANA, role("secret_scope_snowflake", READ))
    held = assignment("USER", user["id"], "snowflake", "read_scope_role")
    absent = assignment("USER", user["id"], "snowflake", "write_scope_role")
    again = sandbox.post(f"{AUTHZ}/assign-roles", {"assignments": [held]}).status_code
    return again, sandbox.post(f"{AUTHZ}/unassign-roles", {"assignments": [absent]}).status_code


def bad_batch(sandbox: Sandbox) -> Any:
    user = sandbox.user()
    good = assignment("USER", user["id"], "snowflake", "read_scope_role")
    answer = sandbox.post(f"{AUTHZ}/assign-roles", {"assignments": [good, {**good, "role": "x"}]})
    return answer.status_code, len(sandbox.roles("Users", user["id"]))


def role_ids(sandbox: Sandbox) -> Any:
    entry = assignment("USER", sandbox.user()["id"], "snowflake", READ)
    return sandbox.post(f"{AUTHZ}/assign-roles", {"assignments": [entry]}).status_code


def legacy_ids(sandbox: Sandbox) -> Any:
    roles = sandbox.post(f"{AUTHZ}/get-roles", {}).get_json()["roles"]
    legacy = next(one["legacy_id"] for one in roles if one["id"] == "owner")
    entry = {"principal_type": "PRINCIPAL_TYPE_USER", "principal_id": sandbox.user()["id"], "role": legacy}
    entry.update(resource_type="RESOURCE_TYPE_WORKSPACE", resource_id="prod")
    assert sandbox.post(f"{AUTHZ}/assign-roles", {"assignments": [entry]}).status_code == 200
    return legacy


def unknown_scope(sandbox: Sandbox) -> Any:
    question = {"resource_type": "RESOURCE_TYPE_SECRET_SCOPE", "resource_id": "nowhere"}
    listed = sandbox.post(f"{AUTHZ}/list-assigned-principals", question)
    return sandbox.get(f"{SECRETS}/nowhere/keys").status_code, listed.status_code


def existing_scope(sandbox: Sandbox) -> Any:
    return sandbox.post(f"{SECRETS}/snowflake").status_code


def dangling(sandbox: Sandbox) -> Any:
    user = sandbox.user(ANA, role("secret_scope_snowflake", READ))
    sandbox.delete(f"{USERS}/{user['id']}")
    question: dict[str, Any] = {"resource_type": "RESOURCE_TYPE_SECRET_SCOPE", "resource_id": "snowflake"}
    question["principal_types"] = ["PRINCIPAL_TYPE_USER"]
    return len(sandbox.post(f"{AUTHZ}/list-assigned-principals", question).get_json().get("assignments", []))


def admins_scopes(sandbox: Sandbox) -> Any:
    admin = sandbox.account("admin", role("account_type", "admin"), role("secret_scope_snowflake", WRITE))
    return [row["name"] for row in sandbox.get(SECRETS, key=admin["apiKey"]).get_json()["scopes"]]


def workspace_roles(sandbox: Sandbox) -> Any:
    entries = [assignment("WORKSPACE", "prod", "snowflake", f"{r}_scope_role") for r in ("read", "write")]
    return [sandbox.post(f"{AUTHZ}/assign-roles", {"assignments": [e]}).status_code for e in entries]


def last_admin(sandbox: Sandbox) -> Any:
    admin = sandbox.state()["users"][0]
    demoted = sandbox.put(f"{USERS}/{admin['id']}", {"userName": admin["userName"], "roles": []})
    return demoted.status_code, len(sandbox.state()["users"][0]["roles"])


def revocation(sandbox: Sandbox) -> Any:
    account = sandbox.account("admin", role("account_type", "admin"))
    sandbox.delete(f"{ACCOUNTS}/{account['id']}")
    first = sandbox.get(USERS, key=account["apiKey"]).status_code
    sandbox.clock.forward(31)
    return first, sandbox.get(USERS, key=account["apiKey"]).status_code


def rate_limit(sandbox: Sandbox) -> Any:
    statuses = [sandbox.get(USERS).status_code for _ in range(4)]
    sandbox.clock.forward(1)
    return statuses, sandbox.get(USERS).status_code


def retry_after(sandbox: Sandbox) -> Any:
    sandbox.turn(rate_limit_per_second="1")
    sandbox.get(USERS)
    return sandbox.get(USERS).headers.get("Retry-After")


def content_type(sandbox: Sandbox) -> Any:
    return sandbox.get(USERS).mimetype


def unknown_fields(sandbox: Sandbox) -> Any:
    return sandbox.post(f"{METADATA}/get-user", {"email": "admin@example.com", "colour": "red"}).status_code


def read_delay(sandbox: Sandbox) -> Any:
    sandbox.clock.forward(10)
    user = sandbox.user()
    first = sandbox.get(f"{USERS}/{user['id']}").status_code
    sandbox.clock.forward(0.6)
    return first, sandbox.get(f"{USERS}/{user['id']}").status_code


def wrong_route(sandbox: Sandbox) -> Any:
    calls = [sandbox.get("/api/v1/nowhere"), sandbox.delete(SECRETS), sandbox.delete(USERS)]
    return [answer.status_code for answer in calls]


def invitation(sandbox: Sandbox) -> Any:
    sandbox.user()
    return len(sandbox.log()[-1].get("notes", []))


def creator_gone(sandbox: Sandbox) -> Any:
    sandbox.control("DELETE", "users/admin@example.com")
    found = sandbox.post(f"{METADATA}/get-service-account", {"ids": ["service-account-id"]})
    return "created_by" in found.get_json()["service_accounts"][0]


def name_pattern(sandbox: Sandbox) -> Any:
    return sandbox.post(GROUPS, {"displayName": "ML Ops"}).status_code


def latency(sandbox: Sandbox) -> Any:
    sandbox.get(USERS)
    return sandbox.slept


DATE = "Sun, 01 Mar 2026 12:00:01 GMT"
ADMIN = "admin@example.com"
EMPTY = {"description": "", "idpMappingNames": []}
OWN_PATHS = '{"create": "/api/v1/accounts/new"}'


# knob -> (probe, what it sees for each value; the default first)
def listed_attributes(sandbox: Sandbox) -> Any:
    """Whether a list asked for more leaves out what was not asked for, and how many members it shows."""
    sandbox.group("ML Ops", [sandbox.user()["id"], sandbox.account()["id"]])
    answer = sandbox.get(GROUPS, query_string={"attributes": "members,roles"}).get_json()
    (entry,) = answer["Resources"]
    return "displayName" not in entry, len(entry.get("members", []))


def modified_by_a_role(sandbox: Sandbox) -> Any:
    """Whether a list says when an entry was modified, and whether a role granted later moved that."""
    ana = sandbox.user()
    sandbox.clock.forward(60)
    body = {"assignments": [assignment("USER", ana["id"], "snowflake", "read_scope_role")]}
    assert sandbox.post(f"{AUTHZ}/assign-roles", body).status_code == 200
    (entry,) = sandbox.get(USERS, query_string={"filter": f'userName eq "{ANA}"'}).get_json()["Resources"]
    return "lastModified" in entry["meta"], entry["meta"].get("lastModified") != ana["meta"]["lastModified"]


EXPECTED: dict[str, tuple[Probe, dict[str, Any]]] = {
    "scim_service_accounts_path": (
        service_accounts_path,
        {"/ServiceAccounts": [200, 404], "/Robots": [404, 200]},
    ),
    "service_accounts_v1_paths": (v1_paths, {"{}": [200, 404], OWN_PATHS: [404, 200]}),
    "service_accounts_v1_aliases": (v1_aliases, {"on": 200, "off": 404}),
    "service_accounts_v1_verbs": (v1_verbs, {"post": [200, 404], "rest": [404, 200]}),
    "client_secrets_key": (
        client_secrets_key,
        {"clientSecrets": ["clientSecrets"], "client_secrets": ["client_secrets"]},
    ),
    "scim_error_body": (
        error_body,
        {
            "rfc7644": ["detail", "schemas", "status"],
            "gateway": ["code", "error", "message"],
            "text": "text/plain",
        },
    ),
    "scim_patch_status": (patch, {"501": 501, "404": 404, "405": 405}),
    "scim_enabled": (scim_status, {"on": 200, "off": 404}),
    "secrets_enabled": (secrets_status, {"on": (200, 200), "off": (400, 400)}),
    "scim_disabled_status": (scim_off_status, {"404": 404, "403": 403, "501": 501}),
    "secrets_disabled_status": (
        secrets_off_status,
        {"400": (400, 400), "403": (403, 403), "501": (501, 501)},
    ),
    "scim_auth_schemes": (schemes, {"both": [200, 200], "tecton_key": [200, 401], "bearer": [401, 200]}),
    "invalid_key_answer": (invalid_key, {"401": (401, 16), "403": (403, 7)}),
    "scim_non_admin_status": (non_admin, {"403": 403, "401": 401, "404": 404}),
    "user_put_inactive_answer": (
        put_inactive,
        {"representation": (200, False), "no_content": (204, None), "empty": (200, None)},
    ),
    "user_post_inactive": (
        post_inactive,
        {"reject": (400, []), "create_and_delete": (201, []), "ignore_flag": (201, [ANA])},
    ),
    "user_name_change": (
        rename,
        {"reject": (400, ANA), "allow": (200, "ann@example.com"), "ignore": (200, ANA)},
    ),
    "user_name_case": (
        user_name_case,
        {"unique_insensitive": ([], 409), "sensitive": ([], 201), "insensitive": ([ANA], 409)},
    ),
    "roles_missing_in_put": (put_without_roles, {"clear": 0, "keep": 1}),
    "roles_null_value": (null_role, {"not_assigned": 201, "reject": 400}),
    "roles_management_users": (managed("Users"), {"on": 1, "off": 0}),
    "roles_management_groups": (managed("Groups"), {"on": 1, "off": 0}),
    "roles_management_service_accounts": (managed("ServiceAccounts"), {"on": 1, "off": 0}),
    "roles_management_off_effect": (
        management_off,
        {"ignored_shown": (200, 1), "ignored_hidden": (200, 0), "reject": (400, 1)},
    ),
    "members_missing_in_put": (put_without_members, {"clear": 0, "keep": 1}),
    "group_extension_missing_in_put": (
        put_without_extension,
        {"clear": EMPTY, "keep": {"description": "d", "idpMappingNames": ["x"]}},
    ),
    "unknown_role": (
        unknown_role,
        {"reject": (400, 0), "ignore": (200, 2), "partial": (400, 1), "not_found": (404, 0)},
    ),
    "duplicate_role_type": (
        duplicate_role,
        {"last_wins": ["editor"], "first_wins": ["viewer"], "reject": [], "highest_only": ["owner"]},
    ),
    "role_value_case": (role_case, {"lowered": 201, "reject": 400}),
    "member_type_strings": (member_type, {"named": "User", "empty": ""}),
    "groups_type_string": (groups_type, {"direct": "direct", "Group": "Group", "empty": ""}),
    "unknown_member": (unknown_member, {"reject": 400, "ignore": 201, "not_found": 404}),
    "idp_member_removal": (
        mapped_removal,
        {"allow": (200, 0), "reject_400": (400, 1), "reject_403": (403, 1), "keep": (200, 1)},
    ),
    "put_duplicate_name_status": (put_duplicate, {"409": 409, "400": 400}),
    "user_filter_attributes": (
        filter_attributes,
        {
            "basic": (400, 400),
            "emails": ([ANA], 400),
            "active": (400, [ADMIN, ANA]),
            "emails_active": ([ANA], [ADMIN, ANA]),
        },
    ),
    "list_count_cap": (count_cap, {"0": (4, 4), "2": (2, 2)}),
    "unsorted_order": (order, {"creation": False, "unstable": True}),
    "scim_user_id": (scim_id, {"okta_id": True, "separate": False}),
    "oauth_accounts_in_scim": (oauth_in_scim, {"on": (True, 200), "off": (False, 404)}),
    "scim_delete_active_account": (delete_active, {"allow": 204, "reject": 400}),
    "v1_duplicate_account_name": (v1_duplicate, {"400": (400, 3), "409": (409, 6)}),
    "repeated_assignment": (
        repeated,
        {"idempotent": (200, 200), "conflict": (409, 404), "invalid": (400, 400)},
    ),
    "batch_with_bad_entry": (bad_batch, {"all_or_nothing": (400, 0), "partial": (400, 1)}),
    "role_id_forms": (role_ids, {"both": 200, "legacy_only": 400}),
    "legacy_role_ids": (legacy_ids, {"same": "owner", "suffixed": "owner_role"}),
    "unknown_scope_answer": (unknown_scope, {"403": (403, 403), "404": (404, 404)}),
    "existing_scope_create": (existing_scope, {"409": 409, "200": 200, "400": 400}),
    "deleted_target_assignments": (dangling, {"removed": 0, "dangling": 1}),
    "scopes_shown_to_admin": (
        admins_scopes,
        {"all": ["my-secret-scope", "snowflake"], "with_role": ["snowflake"]},
    ),
    "workspace_principal_roles": (workspace_roles, {"reader_only": [200, 400], "all": [200, 200]}),
    "last_admin_guard": (last_admin, {"off": (200, 0), "400": (400, 1), "403": (403, 1)}),
    "revocation_delay_seconds": (revocation, {"0": (401, 401), "30": (200, 401)}),
    "rate_limit_per_second": (
        rate_limit,
        {"0": ([200, 200, 200, 200], 200), "2": ([200, 200, 429, 429], 200)},
    ),
    "rate_limit_retry_after": (retry_after, {"none": None, "seconds": "1", "date": DATE}),
    "scim_content_type": (
        content_type,
        {"application/scim+json": "application/scim+json", "application/json": "application/json"},
    ),
    "unknown_json_fields": (unknown_fields, {"ignore": 200, "reject": 400}),
    "read_delay_ms": (read_delay, {"0": (200, 200), "500": (404, 200)}),
    "wrong_route_answer": (
        wrong_route,
        {"404": [404, 404, 404], "405": [405, 405, 405], "501": [501, 501, 501]},
    ),
    "invitation_mail": (invitation, {"none": 0, "logged": 1}),
    "creator_deleted": (creator_gone, {"shown": True, "forgotten": False}),
    "name_pattern": (name_pattern, {"": 201, r"[\w-]+": 400}),
    "list_attributes": (
        listed_attributes,
        {"ignored": (False, 0), "honoured": (True, 2), "members_cut": (True, 1)},
    ),
    "last_modified": (
        modified_by_a_role,
        {"own_attributes": (True, False), "everything": (True, True), "absent": (False, True)},
    ),
    "latency_seconds": (latency, {"0": [], "1.5": [1.5]}),
}
