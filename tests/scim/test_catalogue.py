"""Okta's entitlement discovery: what can be assigned in Tecton, listed as resources (Okta, entitlements guide)."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from app.core.directory import pushed_grants
from app.core.identity import Grant, Level, Target
from app.store.tables import known_targets, observed
from tests.scim.conftest import USER, Client

ROLE = "urn:okta:scim:schemas:core:1.0:Role"
ENTITLEMENT = "urn:okta:scim:schemas:core:1.0:Entitlement"


@pytest.fixture
def seen(client: Client) -> Client:
    """A client of a bridge that has seen Tecton."""
    now = client.clock.now
    with client.database.write() as connection:
        scope = {"kind": "secret_scope", "tecton_id": "fraud", "record": {"grants": []}, "verified_at": now}
        connection.execute(observed.insert(), scope)
        connection.execute(known_targets.insert(), {"target": "workspace/prod_eu", "seen_at": now})
    return client


def test_nothing_is_announced_before_tecton_was_seen(client: Client) -> None:
    names = [found["name"] for found in client.get("/ResourceTypes")["Resources"]]
    assert names == ["User", "Group", "ServiceAccount"]
    assert client.get("/Roles")["totalResults"] == 0


def test_okta_walks_from_resource_types_over_schemas_to_the_resources(seen: Client) -> None:
    types = {found["schema"]: found["endpoint"] for found in seen.get("/ResourceTypes")["Resources"]}
    schemas = {found["id"] for found in seen.get("/Schemas")["Resources"]}
    assert {ROLE, ENTITLEMENT} <= schemas & types.keys()
    for urn in (ROLE, ENTITLEMENT):
        page = seen.get(types[urn], count=1, startIndex=1)
        assert page["itemsPerPage"] == len(page["Resources"]) == 1
        assert page["Resources"][0].keys() >= {"id", "displayName", "schemas"}


def test_roles_are_on_the_account_on_all_workspaces_and_on_each(seen: Client) -> None:
    names = [role["displayName"] for role in seen.get("/Roles")["Resources"]]
    assert names[0] == "admin on the account"
    assert "viewer on all workspaces" in names
    assert "owner on workspace prod_eu" in names
    assert len(names) == 1 + 5 + 5
    scopes = [found["displayName"] for found in seen.get("/Entitlements")["Resources"]]
    assert scopes == [f"{role} on secret scope fraud" for role in ("manager", "writer", "reader")]


def test_they_can_be_paged_filtered_read_and_not_written(seen: Client) -> None:
    page = seen.get("/Roles", startIndex=11, count=5)
    assert (page["totalResults"], page["itemsPerPage"]) == (11, 1)
    (owner,) = seen.get("/Roles", filter='displayName eq "OWNER on workspace prod_eu"')["Resources"]
    assert owner["id"] == "workspace_prod_eu:owner"
    assert seen.get(f"/Roles/{quote(owner['id'])}") == owner
    assert seen.get(f"/Roles/{owner['id']}", attributes="type").keys() == {"schemas", "id", "type"}
    assert seen.error("GET", "/Roles/nope") == (404, None)
    for method, path in (("POST", "/Roles"), ("DELETE", f"/Roles/{owner['id']}"), ("PATCH", "/Entitlements/x")):
        assert seen.error(method, path, {}) == (405, None)


def test_what_is_assigned_comes_back_as_a_grant(seen: Client) -> None:
    role = seen.get("/Roles", filter='displayName eq "editor on workspace prod_eu"')["Resources"][0]
    scope = seen.get("/Entitlements")["Resources"][2]
    user = seen.user(
        schemas=[USER],
        roles=[{"value": role["id"], "display": role["displayName"]}],
        entitlements=[{"value": scope["id"], "display": scope["displayName"], "type": scope["type"]}],
    )
    assert pushed_grants(seen.get(f"/Users/{user['id']}")) == {
        Grant(Target(Level.WORKSPACE, "prod_eu"), "editor"),
        Grant(Target(Level.SECRET_SCOPE, "fraud"), "reader"),
    }
