"""The web page: what it shows, what its forms do, what it refuses."""

import re

import pytest

from app.sandbox.faults import KINDS
from tests.sandbox.client import SCIM, Sandbox, role

PAGES = ["/", "/users", "/groups", "/service-accounts", "/resources", "/log", "/knobs", "/faults"]


def page(sandbox: Sandbox, path: str) -> str:
    answer = sandbox.http.get(path)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def submit(sandbox: Sandbox, action: str, **form: str) -> str:
    """Send a form and return the page it leads to."""
    answer = sandbox.http.post(f"/edit/{action}", data=form, follow_redirects=True)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


@pytest.fixture
def busy(sandbox: Sandbox) -> Sandbox:
    """A sandbox with something of everything."""
    user = sandbox.user("ana@example.com", role("workspace_prod", "viewer"))
    sandbox.group("ML", [user["id"]], role("secret_scope_snowflake", "secret_scope_reader"))
    sandbox.fault("slow", {"path_regex": "/Users"}, seconds=1)
    return sandbox


@pytest.mark.parametrize("path", [*PAGES, "/users/ana@example.com", "/groups/ML", "/service-accounts/scim-bridge"])
def test_every_page_renders_and_lets_nothing_foreign_in(busy: Sandbox, path: str) -> None:
    answer = busy.http.get(path)
    assert answer.status_code == 200
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    html = answer.get_data(as_text=True)
    assert "<script" not in html and " style=" not in html and "http://" not in html


def test_pages_show_what_is_there(busy: Sandbox) -> None:
    busy.get(f"{SCIM}/Users")
    assert "ana@example.com" in page(busy, "/users")
    assert "bob" not in page(busy, "/users") and "ana@" not in page(busy, "/users?q=bob")
    assert "workspace_prod" in page(busy, "/users/ana@example.com")
    assert "GET /api/scim/v2/Users" in page(busy, "/log")
    assert "scim_patch_status" in page(busy, "/knobs")
    assert all(kind in page(busy, "/faults") for kind in KINDS)
    assert "secret_scope_reader" in page(busy, "/resources")
    assert busy.http.get("/users/nobody").status_code == 404


def test_names_are_text_never_markup(sandbox: Sandbox) -> None:
    sandbox.control("POST", "groups", {"displayName": "<b>ML", "description": "<script>"})
    html = page(sandbox, "/groups") + page(sandbox, "/groups/<b>ML") + page(sandbox, "/?said=<b>")
    assert "<b>" not in html and "<script>" not in html
    assert "&lt;b&gt;ML" in html


def test_roles_are_assigned_and_unassigned(busy: Sandbox) -> None:
    who = {"principal_type": "user", "principal": "ana@example.com", "type": "account_type", "value": "admin"}
    assert "done" in submit(busy, "assign", **who, back="/users/ana@example.com")
    ana = next(u for u in busy.state()["users"] if u["userName"] == "ana@example.com")
    assert role("account_type", "admin") in ana["roles"]
    submit(busy, "unassign", **who)
    assert role("account_type", "admin") not in busy.roles("Users", ana["id"])


def test_members_are_added_and_removed(busy: Sandbox) -> None:
    submit(busy, "members", group="ML", add="scim-bridge, admin@example.com")
    assert len(busy.state()["groups"][0]["members"]) == 3
    submit(busy, "members", group="ML", remove="ana@example.com")
    assert len(busy.state()["groups"][0]["members"]) == 2


def test_everything_is_created_and_deleted(sandbox: Sandbox) -> None:
    submit(sandbox, "user", userName="ana@example.com", givenName="Ana", familyName="Li")
    submit(sandbox, "group", displayName="ML", description="d", idpMappingNames="a, b")
    submit(sandbox, "workspace", name="dev")
    submit(sandbox, "scope", name="fraud")
    submit(sandbox, "sign-in", user="ana@example.com", saml_groups="b")
    state = sandbox.state()
    assert state["groups"][0]["members"][0]["name"] == "ana@example.com"
    assert {"dev"} <= {w["name"] for w in state["workspaces"]}
    for kind, ref in (("user", "ana@example.com"), ("group", "ML"), ("workspace", "dev"), ("scope", "fraud")):
        assert "done" in submit(sandbox, "delete", kind=kind, ref=ref)
    assert sandbox.state()["groups"] == []
    assert "fraud" not in {s["name"] for s in sandbox.state()["scopes"]}


def test_a_new_key_is_shown_once_and_in_no_address(sandbox: Sandbox) -> None:
    answer = sandbox.http.post("/edit/service-account", data={"name": "ci", "credentials": "api_key"})
    found = re.search(r'class="secret">([^<]+)<', answer.get_data(as_text=True))
    assert found is not None
    assert sandbox.post("/api/v1/authorization-service/get-roles", {}, key=found[1]).status_code == 200
    assert found[1] not in page(sandbox, "/service-accounts/ci")
    submit(sandbox, "account-switch", ref="ci", active="0")
    assert sandbox.get("/api/v1/secrets-service/scopes", key=found[1]).status_code == 401
    submit(sandbox, "delete", kind="service_account", ref="ci")


def test_knobs_and_faults_are_set(sandbox: Sandbox) -> None:
    submit(sandbox, "knob", name="scim_patch_status", value="405")
    assert sandbox.call("PATCH", f"{SCIM}/Users/x").status_code == 405
    submit(sandbox, "fault", kind="status", status="429", path_regex="/Groups", times="1", retry_after="3")
    assert sandbox.get(f"{SCIM}/Groups").headers["Retry-After"] == "3"
    submit(sandbox, "fault-removal", id="1")
    assert sandbox.control("GET", "faults") == []


@pytest.mark.parametrize(
    ("action", "form"),
    [
        ("user", {"userName": "nope"}),
        ("assign", {"principal_type": "user", "principal": "nobody"}),
        ("delete", {"kind": "planet", "ref": "x"}),
        ("delete", {"kind": "scope", "ref": "x"}),
        ("knob", {"name": "scim_patch_status", "value": "1"}),
        ("fault", {"kind": "slow", "seconds": "long"}),
        ("service-account", {"name": "scim-bridge"}),
        ("nonsense", {}),
    ],
)
def test_what_cannot_be_done_is_said_on_the_page(sandbox: Sandbox, action: str, form: dict[str, str]) -> None:
    before = sandbox.control("POST", "snapshot")
    assert 'class="said bad"' in submit(sandbox, action, **form)
    assert sandbox.control("POST", "snapshot") == before


@pytest.mark.parametrize("back", ["//evil.example", "https://evil.example", "/\\evil.example", ""])
def test_forms_never_lead_to_another_site(sandbox: Sandbox, back: str) -> None:
    answer = sandbox.http.post("/edit/scope", data={"name": "x", "back": back})
    assert answer.headers["Location"].startswith("/?said=")


def test_forms_of_other_sites_are_refused(sandbox: Sandbox) -> None:
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "same-site"}):
        answer = sandbox.http.post("/edit/scope", data={"name": "x"}, headers=headers)
        assert answer.status_code == 403
    assert "x" not in {s["name"] for s in sandbox.state()["scopes"]}
