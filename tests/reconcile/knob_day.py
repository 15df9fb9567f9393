"""A day of pushes, small but complete, and what Tecton holds after it: as desired, but for what cannot be."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from tests.rig import Rig, roles

POLICY = """
version: 1
provision: {groups: 'displayName sw "tecton-"'}
names: {group: {strip_prefix: "tecton-"}}
grants:
  - name: fraud team uses prod
    to: {group: tecton-fraud}
    roles: [{workspace: prod, role: consumer}, {secret_scope: snowflake, role: reader}]
  - {name: admins, to: {group: tecton-admins}, roles: [{account: admin}]}
  - name: auditors
    to: {where: 'title eq "Auditor"'}
    roles: [{all_workspaces: viewer}, {secret_scope: my-secret-scope, role: reader}]
  - name: prod reads the warehouse
    to: {workspace: prod}
    roles: [{secret_scope: snowflake, role: reader}]
  - {name: scoring, to: {service_account: scoring}, roles: [{workspace: prod, role: editor}]}
service_accounts: [{name: scoring, description: online scoring, groups: [tecton-fraud]}]
guards: {min_admins: 1, floor: 1000}
"""


def a_day(rig: Rig) -> None:
    """Hires, groups with roles, a transfer, renames, edits by hand, a leaver, a return."""
    rig.run()
    people = {name: rig.create_user(f"{name}@acme.com") for name in ("ben", "cy")}
    people["ana"] = rig.create_user("ana@acme.com", title="Auditor")
    fraud = rig.create_group("tecton-fraud", people["ana"], people["ben"])
    risk = rig.create_group("tecton-risk", roles=[{"type": "workspace_my_workspace", "value": "Editor"}])
    rig.create_group("tecton-admins", people["cy"])
    rig.settle()
    rig.tick(seconds=1)
    rig.run()
    rig.patch(f"/Groups/{fraud}", {"op": "remove", "path": f'members[value eq "{people["ben"]}"]'})
    rig.patch(f"/Groups/{risk}", {"op": "add", "path": "members", "value": [{"value": people["ben"]}]})
    rig.patch(f"/Groups/{risk}", {"op": "replace", "path": "displayName", "value": "tecton-risk-eu"})
    rig.patch(f"/Users/{people['ben']}", {"op": "replace", "path": "name.familyName", "value": "Bond"})
    rig.settle()
    by_hand(rig)
    rig.tick(seconds=1)
    rig.run()
    rig.set_active(people["ana"], False)
    rig.settle()
    assert rig.user("ana@acme.com") is None
    rig.set_active(people["ana"], True)
    rig.settle()


def by_hand(rig: Rig) -> None:
    """Change what the bridge made."""
    rig.by_hand("assign", principal_type="user", principal="ben@acme.com", type="workspace_prod", value="owner")
    rig.by_hand("assign", principal_type="group", principal="admins", type="secret_scope_snowflake",
                value="secret_scope_writer")  # fmt: skip
    rig.by_hand("unassign", principal_type="group", principal="fraud", type="secret_scope_snowflake",
                value="secret_scope_reader")  # fmt: skip
    rig.by_hand("groups/risk-eu/members", add=["admin@example.com"], remove=["ben@acme.com"])


def facts(rig: Rig) -> dict[str, Any]:
    """Return what Tecton holds of the day, by names."""
    snowflake = next(scope for scope in rig.state()["scopes"] if scope["name"] == "snowflake")
    return {
        "users": {name: roles(rig.user(f"{name}@acme.com")) for name in ("ana", "ben", "cy")},
        "groups": {name: roles(rig.group(name)) for name in ("fraud", "risk-eu", "admins")},
        "members": {name: rig.members(name) for name in ("fraud", "risk-eu", "admins")},
        "account": roles(rig.account("scoring")),
        "workspaces": {g["name"] for g in snowflake["grants"] if g["principal_type"] == "workspace"},
        "ben": (rig.user("ben@acme.com") or {})["name"]["familyName"],
        "risk": rig.group("risk"),
    }


AS_DESIRED: dict[str, Any] = {
    "users": {
        "ana": {("all_workspaces", "viewer"), ("secret_scope_my-secret-scope", "secret_scope_reader")},
        "ben": set(),
        "cy": set(),
    },
    "groups": {
        "fraud": {("workspace_prod", "consumer"), ("secret_scope_snowflake", "secret_scope_reader")},
        "risk-eu": {("workspace_my_workspace", "editor")},
        "admins": {("account_type", "admin")},
    },
    "members": {"fraud": {"ana@acme.com", "scoring"}, "risk-eu": {"ben@acme.com"}, "admins": {"cy@acme.com"}},
    "account": {("workspace_prod", "editor")},
    "workspaces": {"prod"},
    "ben": "Bond",
    "risk": None,
}


NO_ROLES = "Tecton support can switch roles management by SCIM on"
NO_SCOPES = "Tecton shows the bridge no such secret scope"


def without_scopes(desired: dict[str, Any]) -> None:
    """Secrets is switched off: what the day says of scopes cannot be, and what is there cannot be seen."""
    desired["users"]["ana"] = {("all_workspaces", "viewer")}
    desired["groups"]["fraud"] = {("workspace_prod", "consumer")}
    desired["groups"]["admins"] |= {("secret_scope_snowflake", "secret_scope_writer")}  # by hand
    desired["workspaces"] = set()


def without_user_roles(desired: dict[str, Any]) -> None:
    """SCIM does not manage the roles of users: none comes, and one given by hand stays."""
    desired["users"]["ana"] -= {("all_workspaces", "viewer")}
    desired["users"]["ben"] = {("workspace_prod", "owner")}


def without_group_roles(desired: dict[str, Any]) -> None:
    """SCIM does not manage the roles of groups."""
    scoped = {("secret_scope_snowflake", "secret_scope_reader")}
    desired["groups"] = {"fraud": scoped, "risk-eu": set(), "admins": set()}


def without_account_roles(desired: dict[str, Any]) -> None:
    """SCIM does not manage the roles of service accounts."""
    desired["account"] = set()


def without_roles(desired: dict[str, Any]) -> None:
    """SCIM manages no roles at all."""
    for less in (without_user_roles, without_group_roles, without_account_roles):
        less(desired)


# What cannot be as desired under an alternative; the classes of the drift that says so; what it says.
LESS: dict[str, tuple[Callable[[dict[str, Any]], None], set[str], str]] = {
    "secrets_enabled=off": (without_scopes, {"blocked"}, NO_SCOPES),
    "secrets_disabled_status=403": (without_scopes, {"blocked"}, NO_SCOPES),
    "secrets_disabled_status=501": (without_scopes, {"blocked"}, NO_SCOPES),
    "roles_management_users=off": (without_user_roles, {"not_effective"}, NO_ROLES),
    "roles_management_groups=off": (without_group_roles, {"not_effective"}, NO_ROLES),
    "roles_management_service_accounts=off": (without_account_roles, {"not_effective"}, NO_ROLES),
    "roles_management_off_effect=ignored_hidden": (without_roles, {"not_effective"}, NO_ROLES),
    "roles_management_off_effect=reject": (without_roles, {"failing"}, "roles are not managed by SCIM"),
}


def refuses(rig: Rig) -> None:
    """Nothing is done, and it is said why."""
    run = rig.try_run()
    assert run.status == "failed"
    assert "SCIM must be switched on for this cluster by Tecton support" in run.error
    rig.create_user("ana@acme.com")
    rig.settle(rounds=3)
    assert rig.writes() == []


def lives_through(rig: Rig, name: str) -> None:
    """The day ends as desired, but for what cannot be; then nothing is written any more."""
    a_day(rig)
    desired = copy.deepcopy(AS_DESIRED)
    less, classes, says = LESS.get(name, (lambda _: None, set(), ""))
    less(desired)
    rig.tick(seconds=1)
    rig.run()
    assert facts(rig) == desired
    rig.clock.move(seconds=1)
    report = rig.run()
    assert report["writes"] == 0
    assert {item["class"] for item in rig.drift()} == classes
    assert all(says in item["sentence"] + str(item.get("error")) for item in rig.drift())
