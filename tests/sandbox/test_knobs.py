"""Every knob does something: its default and its alternatives are told apart by a caller."""

import pytest

from app.sandbox import create_app
from app.sandbox.knob_table import KNOBS
from app.sandbox.knobs import KnobError
from tests.sandbox.client import SCIM, Sandbox
from tests.sandbox.probes import EXPECTED

CASES = [(name, value) for name, (_, values) in EXPECTED.items() for value in values]


@pytest.mark.parametrize(("name", "value"), CASES)
def test_a_knob_decides_what_its_probe_sees(name: str, value: str) -> None:
    probe, values = EXPECTED[name]
    assert probe(Sandbox({name: value})) == values[value]


def test_every_knob_is_probed_at_its_default_and_every_closed_alternative() -> None:
    for knob in KNOBS:
        probed = list(EXPECTED[knob.name][1])
        assert probed[0] == knob.default
        assert len(probed) > 1
        assert knob.check or set(probed) == {knob.default, *knob.alternatives}
    assert {knob.name for knob in KNOBS} == set(EXPECTED)


def test_every_row_of_the_table_of_unknowns_has_a_knob() -> None:
    assert {knob.row for knob in KNOBS} == set(range(51))


def test_knobs_are_listed_with_all_a_person_needs(sandbox: Sandbox) -> None:
    sandbox.turn(scim_patch_status="405")
    listing = {knob["name"]: knob for knob in sandbox.control("GET", "knobs")}
    patch = listing["scim_patch_status"]
    assert (patch["value"], patch["default"], patch["row"]) == ("405", "501", 4)
    assert patch["alternatives"] == ["404", "405"]
    assert all(knob["description"] for knob in listing.values())


def test_knobs_take_effect_at_once_and_go_back_to_their_defaults(sandbox: Sandbox) -> None:
    sandbox.turn(scim_patch_status="404")
    assert sandbox.call("PATCH", f"{SCIM}/Users/x", {}).status_code == 404
    sandbox.control("DELETE", "knobs")
    assert sandbox.call("PATCH", f"{SCIM}/Users/x", {}).status_code == 501


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("no_such_knob", "1"),
        ("scim_patch_status", "418"),
        ("list_count_cap", "-1"),
        ("latency_seconds", "soon"),
        ("scim_service_accounts_path", "ServiceAccounts"),
        ("service_accounts_v1_paths", '{"unknown": "/x"}'),
        ("service_accounts_v1_paths", "[]"),
        ("service_accounts_v1_paths", "{"),
        ("name_pattern", "("),
    ],
)
def test_wrong_knobs_are_refused_with_a_reason_and_nothing_is_set(sandbox: Sandbox, name: str, value: str) -> None:
    both = {"scim_error_body": "text", name: value}
    answer = sandbox.http.put("/_sandbox/knobs", json=both)
    assert answer.status_code == 400
    assert name in answer.get_json()["error"]
    error_body = next(k for k in sandbox.control("GET", "knobs") if k["name"] == "scim_error_body")
    assert error_body["value"] == "rfc7644"
    with pytest.raises(KnobError):
        create_app(admin_key="k", knobs={name: value})


def test_numbers_and_objects_may_be_sent_as_such(sandbox: Sandbox) -> None:
    paths = {"create": "/api/v1/own"}
    sandbox.control("PUT", "knobs", {"list_count_cap": 1, "service_accounts_v1_paths": paths})
    assert sandbox.post("/api/v1/own", {"name": "x"}).status_code == 200
    assert sandbox.get(f"{SCIM}/ServiceAccounts").get_json()["itemsPerPage"] == 1


def test_the_guard_also_keeps_the_caller_an_admin() -> None:
    sandbox = Sandbox({"last_admin_guard": "403"})
    own = next(a for a in sandbox.state()["service_accounts"] if a["name"] == "scim-bridge")
    path = f"{SCIM}/ServiceAccounts/{own['id']}"
    assert sandbox.delete(path).status_code == 403
    assert sandbox.put(path, {"name": "scim-bridge", "active": False, "roles": own["roles"]}).status_code == 403
    assert sandbox.put(path, {"name": "scim-bridge", "roles": []}).status_code == 403
    assert sandbox.put(path, {"name": "scim-bridge", "roles": own["roles"]}).status_code == 200


def test_dangling_roles_are_held_again_when_the_scope_is_made_again() -> None:
    sandbox = Sandbox({"deleted_target_assignments": "dangling"})
    user = sandbox.user("ana@example.com", {"type": "secret_scope_snowflake", "value": "secret_scope_reader"})
    sandbox.control("DELETE", "scopes/snowflake")
    sandbox.control("POST", "scopes", {"name": "snowflake"})
    assert len(sandbox.roles("Users", user["id"])) == 1


def test_a_separate_scim_id_is_not_a_principal_id() -> None:
    sandbox = Sandbox({"scim_user_id": "separate"})
    user = sandbox.user()
    state = next(u for u in sandbox.state()["users"] if u["userName"] == "ana@example.com")
    assert state["id"] != user["id"]
    assert sandbox.get(f"{SCIM}/Users/{state['id']}").status_code == 404
