"""The JSON API."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from app.core.changes import MemberChange
from app.core.drift import DriftClass
from app.core.guards import Objection
from app.core.identity import Kind, Principal
from app.store import tokens
from app.store.database import Database
from tests.conftest import Clock
from tests.web.conftest import Caller
from tests.web.rows import ADA, Rows, difference, revoke

PATHS = ["drift", "status", "runs", "runs/x", "plans/x", "openapi.json"]


@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_answered_without_a_token(visitor: FlaskClient, path: str) -> None:
    response = visitor.get(f"/api/v1/{path}")
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert response.json["error"]["code"] == "unauthorized"


@pytest.mark.parametrize("sent", ["Bearer nonsense", "Bearer ", "Basic YWRtaW46cHc=", "nonsense", "Bearer \xff"])
def test_a_token_that_is_none_is_refused(visitor: FlaskClient, sent: str) -> None:
    assert visitor.get("/api/v1/drift", headers={"Authorization": sent}).status_code == 401


def test_a_scim_token_is_understood_and_not_let_in(make_caller: Callable[[str], Caller]) -> None:
    response = make_caller("scim").get("/api/v1/drift")
    assert response.status_code == 403
    assert "scope admin" in response.json["error"]["message"]


def test_a_revoked_token_is_refused(api: Caller, database: Database, clock: Clock) -> None:
    with database.write() as connection:
        tokens.revoke(connection, "of admin", clock())
    assert api.get("/api/v1/drift").status_code == 401


def test_an_admin_who_signed_in_may_read_the_api_in_the_browser(admin: FlaskClient) -> None:
    assert admin.get("/api/v1/drift").status_code == 200


def test_a_bad_token_is_not_made_good_by_a_session(admin: FlaskClient) -> None:
    assert admin.get("/api/v1/drift", headers={"Authorization": "Bearer x"}).status_code == 401


def test_drift_names_every_class_also_when_nothing_differs(api: Caller, rows: Rows) -> None:
    rows.sweep()
    answer = api.read("/api/v1/drift")
    assert answer["counts"] == {drift_class.value: 0 for drift_class in DriftClass}
    assert (answer["in_sync"], answer["items"], answer["next_offset"]) == (True, [], None)


def test_drift_is_verified_as_of_the_start_of_the_last_complete_sweep(api: Caller, rows: Rows) -> None:
    rows.sweep(ago=timedelta(minutes=5))
    assert api.read("/api/v1/drift")["verified_at"] == "2026-03-02T08:55:00Z"


def test_before_the_first_sweep_it_is_not_in_sync_and_never_verified(api: Caller) -> None:
    answer = api.read("/api/v1/drift")
    assert (answer["in_sync"], answer["verified_at"], answer["state"]) == (False, None, "unverified")


def test_a_difference_is_told_whole(api: Caller, rows: Rows) -> None:
    rows.sweep()
    rows.drift(difference(DriftClass.FAILING, wanted_by=("rule a", "rule b"), error="Tecton said no"))
    answer = api.read("/api/v1/drift")
    assert answer["items"] == [
        {
            "class": "failing",
            "kind": "user",
            "principal_id": "id-of-ada@acme.com",
            "name": "ada@acme.com",
            "sentence": "user ada@acme.com should not hold editor on workspace prod",
            "wanted_by": ["rule a", "rule b"],
            "error": "Tecton said no",
            "since": "2026-03-02T09:00:00Z",
        }
    ]
    assert (answer["in_sync"], answer["counts"]["failing"], answer["failing"]) == (False, 1, 1)


def test_what_matters_most_comes_first_then_names_in_any_case(api: Caller, rows: Rows) -> None:
    rows.drift(
        difference(DriftClass.UNMANAGED, "a"),
        difference(DriftClass.EXTRA, "Zoe"),
        difference(DriftClass.MISSING, "a", "a should be in group fraud"),
        difference(DriftClass.EXTRA, "bob"),
    )
    items = api.read("/api/v1/drift")["items"]
    assert [(item["class"], item["name"]) for item in items] == [
        ("extra", "bob"),
        ("extra", "Zoe"),
        ("missing", "a"),
        ("unmanaged", "a"),
    ]


def test_a_filter_selects_items_and_leaves_the_counts_whole(api: Caller, rows: Rows) -> None:
    rows.drift(
        difference(DriftClass.EXTRA, "ada@acme.com"),
        difference(DriftClass.EXTRA, "fraud", kind=Kind.GROUP),
        difference(DriftClass.PENDING, "bob@acme.com"),
    )
    answer = api.read("/api/v1/drift?class=extra&kind=group")
    assert [item["name"] for item in answer["items"]] == ["fraud"]
    assert (answer["total"], answer["counts"]["extra"], answer["counts"]["pending"]) == (1, 2, 1)


@pytest.mark.parametrize(("text", "found"), [("ADA", 1), ("should", 2), ("100%", 1), ("%", 1), ("_", 1), ("nobody", 0)])
def test_a_text_is_found_in_any_case_and_wildcards_are_plain_letters(
    api: Caller, rows: Rows, text: str, found: int
) -> None:
    rows.drift(
        difference(DriftClass.EXTRA, "ada@acme.com"),
        difference(DriftClass.EXTRA, "x_y", "x_y should be 100% gone"),
    )
    assert api.read("/api/v1/drift?q=" + text.replace("%", "%25"))["total"] == found


def test_pages_of_a_list_are_disjoint_and_whole(api: Caller, rows: Rows) -> None:
    rows.drift(*(difference(DriftClass.EXTRA, f"user{number}") for number in range(7)))
    names, offset = [], 0
    while offset is not None:
        answer = api.read(f"/api/v1/drift?limit=3&offset={offset}")
        names += [item["name"] for item in answer["items"]]
        assert answer["total"] == 7
        offset = answer["next_offset"]
    assert sorted(names) == [f"user{number}" for number in range(7)] and names == sorted(names)


@pytest.mark.parametrize(
    "query", ["class=wrong", "kind=dog", "limit=0", "limit=1001", "limit=x", "offset=-1", "clas=extra", "q=%00"]
)
def test_a_parameter_that_cannot_be_used_is_named(api: Caller, query: str) -> None:
    response = api.get(f"/api/v1/drift?{query}")
    assert response.status_code == 400
    assert query.partition("=")[0] in response.json["error"]["message"]


def test_waiting_pushes_are_counted_from_the_oldest(api: Caller, rows: Rows, clock: Clock) -> None:
    rows.sweep()
    rows.dirty("a")
    clock.move(minutes=1)
    rows.dirty("b", attempts=2, error="Tecton said no")
    answer = api.read("/api/v1/drift")
    assert answer["waiting"] == {"count": 2, "oldest_since": "2026-03-02T09:00:00Z", "retrying": 1}
    assert (answer["in_sync"], answer["state"], answer["failing"]) == (False, "waiting", 1)


def test_a_principal_that_fails_in_drift_and_queue_counts_once(api: Caller, rows: Rows) -> None:
    rows.drift(
        difference(DriftClass.FAILING, "ada", error="no"), difference(DriftClass.FAILING, "ada", "x", error="no")
    )
    rows.dirty("id-of-ada", attempts=1, error="no")
    assert api.read("/api/v1/drift")["failing"] == 1


def test_the_last_contact_with_tecton_is_told(api: Caller, rows: Rows) -> None:
    rows.sweep()
    rows.fact("tecton", {"ok": False, "error": "no route to acme.tecton.ai"})
    answer = api.read("/api/v1/drift")
    assert answer["tecton"] == {"ok": False, "error": "no route to acme.tecton.ai", "at": "2026-03-02T09:00:00Z"}
    assert answer["in_sync"] is False


def test_status_tells_of_the_worker_held_plans_and_notices(api: Caller, rows: Rows) -> None:
    run_id = rows.sweep()
    fingerprint = rows.plan(run_id, [revoke("u")], objections=[Objection("removals", "60 roles would be removed", 60)])
    answer = api.read("/api/v1/status")
    assert (answer["worker_alive"], answer["held_plans"], answer["last_sweep_run"]) == (False, [fingerprint], run_id)
    assert [notice["title"] for notice in answer["notices"]] == ["No worker is running", "Removals are held"]
    rows.worker()
    assert api.read("/api/v1/status")["worker_alive"] is True


def test_runs_are_listed_newest_first_and_filtered(api: Caller, rows: Rows, clock: Clock) -> None:
    old = rows.run("sweep", summary={"reads": 3})
    clock.move(minutes=1)
    new = rows.run("drain", status="failed", error="Tecton did not answer")
    assert [run["id"] for run in api.read("/api/v1/runs")["items"]] == [new, old]
    assert [run["id"] for run in api.read("/api/v1/runs?purpose=sweep&status=done")["items"]] == [old]
    assert api.read("/api/v1/runs?status=failed")["items"][0]["error"] == "Tecton did not answer"


def test_a_run_shows_failures_before_what_went_well(api: Caller, rows: Rows) -> None:
    run_id = rows.run("drain")
    rows.outcome(run_id, "ada", "create user ada")
    rows.outcome(run_id, "bob", "create user bob", status="failed", error="the name is taken")
    fingerprint = rows.plan(run_id, [revoke("u")], status="planned")
    answer = api.read(f"/api/v1/runs/{run_id}")
    assert [(of["name"], of["status"], of["error"]) for of in answer["outcomes"]] == [
        ("bob", "failed", "the name is taken"),
        ("ada", "applied", ""),
    ]
    assert answer["outcome_counts"] == {"applied": 1, "failed": 1}
    assert answer["plans"] == [{"fingerprint": fingerprint, "status": "planned"}]


def test_the_outcomes_of_another_run_are_not_shown(api: Caller, rows: Rows) -> None:
    rows.outcome(rows.run("drain"), "ada", "create user ada")
    assert api.read(f"/api/v1/runs/{rows.run('drain')}")["outcomes"] == []


def test_a_plan_is_told_with_its_objections_and_how_many_changes_of_each_sort(api: Caller, rows: Rows) -> None:
    group = Principal(Kind.GROUP, "g")
    changes = [revoke("u1"), revoke("u2"), MemberChange(group, ADA, added=True)]
    objection = Objection("removals", "2 roles would be removed, out of 3", 2)
    fingerprint = rows.plan(rows.run("plan"), changes, objections=[objection])
    answer = api.read(f"/api/v1/plans/{fingerprint}")
    assert answer["counts"] == {"roles revoked": 2, "members added": 1}
    assert answer["objections"] == [{"guard": "removals", "sentence": objection.sentence, "held": 2}]
    assert "revoke editor on workspace prod from user u1@acme.com" in answer["changes"]
    assert answer["status"] == "held"


@pytest.mark.parametrize("path", ["runs/none", "plans/none", "runs/%00", "plans/%00", "nothing"])
def test_what_is_not_there_is_404_in_json(api: Caller, path: str) -> None:
    response = api.get(f"/api/v1/{path}")
    assert (response.status_code, response.json["error"]["code"]) == (404, "not_found")


def test_the_api_only_reads(api: Caller) -> None:
    response = api.client.post("/api/v1/drift", headers=api.headers)
    assert (response.status_code, response.json["error"]["code"]) == (405, "method_not_allowed")
    assert "GET" in response.headers["Allow"]


def test_the_description_covers_every_path_and_each_of_its_references_leads_somewhere(api: Caller) -> None:
    document = api.read("/api/v1/openapi.json")
    routed = {
        str(rule).replace("<", "{").replace(">", "}")
        for rule in api.client.application.url_map.iter_rules()
        if str(rule).startswith("/api/v1/") and not str(rule).endswith("openapi.json")
    }
    assert set(document["paths"]) == routed
    references = set(_references(document))
    assert references
    assert {f"#/components/schemas/{name}" for name in document["components"]["schemas"]} >= references


def _references(part: object) -> list[str]:
    if isinstance(part, list):
        return [found for of in part for found in _references(of)]
    if isinstance(part, dict):
        own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        return own + [found for of in part.values() for found in _references(of)]
    return []
