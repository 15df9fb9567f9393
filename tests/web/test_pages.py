"""The pages, as text: what somebody in a hurry is told."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from app.core.drift import DriftClass
from app.core.guards import Objection
from tests.conftest import Clock
from tests.web.conftest import MakeApp, sign_in
from tests.web.rows import Rows, difference, revoke


def words(page: str) -> str:
    """The words of a page, without its marks."""
    body = page.partition("<main")[2].partition("</main>")[0]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body)).strip()


def headline(page: str) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", page, re.DOTALL)
    assert found
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", found[1])).strip()


def test_a_clean_recent_sweep_is_in_sync_and_says_since_when_that_is_known(admin: FlaskClient, rows: Rows) -> None:
    rows.sweep(reads=1204)
    page = admin.get("/").text
    assert headline(page) == "In sync"
    assert "Last verified 4 minutes ago , at 2026-03-02 08:56:00 UTC" in words(page)
    assert "of 1,204 reads" in words(page)


def test_before_the_first_sweep_the_page_claims_nothing(admin: FlaskClient) -> None:
    page = admin.get("/").text
    assert headline(page) == "Not verified yet"
    assert "In sync" not in words(page)
    assert words(page).count("Not known before the first complete sweep.") == 3


def test_old_evidence_is_called_old(admin: FlaskClient, rows: Rows) -> None:
    rows.sweep(ago=timedelta(hours=3))
    page = admin.get("/").text
    assert headline(page) == "Not verified any more"
    assert "longer ago than two sweep intervals (30 m)" in words(page)


def test_the_page_answers_in_the_order_sync_extra_missing_failed(admin: FlaskClient, rows: Rows) -> None:
    rows.sweep()
    rows.drift(
        difference(DriftClass.FAILING, "fay", "user fay should exist", error="Tecton said no"),
        difference(DriftClass.MISSING, "mia", "user mia should exist"),
        difference(DriftClass.EXTRA, "eve", "user eve should not exist"),
        difference(DriftClass.PENDING, "pam", "user pam should exist"),
    )
    text = words(admin.get("/").text)
    places = [text.index(part) for part in ("Not in sync", "eve", "mia", "fay", "Tecton said no", "pam")]
    assert places == sorted(places)


def test_a_change_without_effect_is_a_failure_with_a_reason(admin: FlaskClient, rows: Rows) -> None:
    rows.sweep()
    rows.drift(difference(DriftClass.NOT_EFFECTIVE))
    text = words(admin.get("/").text)
    assert "Tecton answered that it was done, and it is not" in text


def test_a_long_section_is_cut_and_says_where_the_rest_is(admin: FlaskClient, rows: Rows) -> None:
    rows.drift(*(difference(DriftClass.EXTRA, f"user{number:02}") for number in range(12)))
    page = admin.get("/").text
    assert "10 of 12" in words(page) and "user11" not in page
    assert 'href="/drift?class=extra"' in page
    assert "user11" in admin.get("/drift?class=extra").text


def test_waiting_pushes_are_shown_with_their_reason(admin: FlaskClient, rows: Rows) -> None:
    rows.sweep()
    rows.dirty("u1", attempts=3, error="Tecton did not answer")
    text = words(admin.get("/").text)
    assert "Not in sync yet" in text
    assert "Tecton did not answer" in text and "after 3 tries" in text


def test_observe_mode_is_said_and_enforce_mode_is_not(admin: FlaskClient, make_app: MakeApp, rows: Rows) -> None:
    observer = make_app(mode="observe").test_client()
    sign_in(observer)
    assert "This installation only observes" in observer.get("/").text
    assert "only observes" not in admin.get("/").text


@pytest.mark.parametrize(
    ("fact", "value", "told"),
    [
        ("tecton", {"ok": False, "error": "no route to host"}, "no route to host"),
        ("policy", {"path": "p", "digest": "", "error": "p:3: no such role"}, "p:3: no such role"),
    ],
)
def test_trouble_is_told_with_its_reason(
    admin: FlaskClient, rows: Rows, fact: str, value: dict[str, object], told: str
) -> None:
    rows.sweep()
    rows.fact(fact, value)
    page = admin.get("/").text
    assert told in page and headline(page) != "In sync"


def test_a_worker_that_is_gone_is_missed_and_one_that_is_alive_is_not(admin: FlaskClient, rows: Rows) -> None:
    assert "No worker is running" in admin.get("/").text
    rows.worker()
    assert "No worker is running" not in admin.get("/").text


def test_a_failed_sweep_is_told_even_while_an_earlier_one_still_counts(admin: FlaskClient, rows: Rows) -> None:
    rows.sweep()
    rows.run("sweep", status="failed", error="page 3 of the users did not come")
    page = admin.get("/").text
    assert headline(page) == "In sync"
    assert "page 3 of the users did not come" in page


def test_names_from_outside_cannot_become_markup(admin: FlaskClient, rows: Rows) -> None:
    bad = '<script>alert("x")</script>'
    rows.sweep()
    rows.drift(difference(DriftClass.FAILING, bad, f"user {bad} should exist", wanted_by=(bad,), error=bad))
    rows.dirty("u", attempts=1, error=bad)
    run_id = rows.run("drain", status="failed", error=bad)
    rows.outcome(run_id, bad, f"create user {bad}", status="failed", error=bad)
    for path in ("/", "/drift", f"/drift?q={bad}", "/runs", f"/runs/{run_id}"):
        page = admin.get(path).text
        assert "&lt;script&gt;" in page and "<script" not in page


@pytest.mark.parametrize("path", ["/", "/drift", "/runs", "/sign-in", "/nothing"])
def test_no_page_holds_a_script_a_style_or_an_address_of_another_site(admin: FlaskClient, path: str) -> None:
    page = admin.get(path).text
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=", page)
    assert not re.search(r'(?:href|src)="(?:https?:)?//', page)


def test_every_file_that_a_page_names_is_served_to_visitors(visitor: FlaskClient) -> None:
    page = visitor.get("/sign-in").text
    files = re.findall(r'<(?:link|img)[^>]*(?:href|src)="([^"]+)"', page)
    assert len(files) >= 3
    for path in files:
        with visitor.get(path.replace("&amp;", "&")) as response:
            assert response.status_code == 200


def test_a_search_that_finds_nothing_says_so_and_leads_back(admin: FlaskClient, rows: Rows) -> None:
    rows.drift(difference(DriftClass.EXTRA))
    page = admin.get("/drift?class=extra&kind=&q=nobody").text
    assert "Nothing matches" in page and 'href="/drift?class=extra"' in page


def test_a_page_of_a_list_leads_to_the_next_and_the_one_before_with_its_filter(admin: FlaskClient, rows: Rows) -> None:
    rows.drift(*(difference(DriftClass.EXTRA, f"user{number}") for number in range(5)))
    page = admin.get("/drift?class=extra&limit=2&offset=2").text
    assert "3–4 of 5" in page
    assert 'rel="prev" href="/drift?offset=0&amp;limit=2&amp;class=extra"' in page
    assert 'rel="next" href="/drift?offset=4&amp;limit=2&amp;class=extra"' in page


def test_a_run_says_what_it_changed_and_what_failed_and_why(admin: FlaskClient, rows: Rows) -> None:
    run_id = rows.run(
        "drain", summary={"mode": "enforce", "reads": 9, "writes": 4, "planned": 5, "failed": 1, "applied": 4}
    )
    rows.outcome(run_id, "ada", "create user ada")
    rows.outcome(run_id, "bob", "create user bob", status="failed", error="the name is taken")
    text = words(admin.get(f"/runs/{run_id}").text)
    assert "1 failed 4 applied" in text
    assert text.index("the name is taken") < text.index("create user ada")


def test_a_failed_run_says_why(admin: FlaskClient, rows: Rows) -> None:
    run_id = rows.run("sweep", status="failed", error="Tecton did not answer")
    text = words(admin.get(f"/runs/{run_id}").text)
    assert "Why it failed Tecton did not answer" in text
    assert "changed nothing" in text


@pytest.mark.parametrize(
    ("status", "summary", "told"),
    [
        ("requested", None, "waits for a worker"),
        ("running", None, "under way"),
        ("done", {}, "nothing to change"),
        ("done", {"planned": 3, "applied": 0}, "3 planned, nothing written"),
        ("done", {"planned": 9, "applied": 3, "held": 6}, "6 held"),
    ],
)
def test_the_list_of_runs_says_what_came_of_each(
    admin: FlaskClient, rows: Rows, status: str, summary: dict[str, int] | None, told: str
) -> None:
    rows.run("plan", status=status, summary=summary)
    assert told in words(admin.get("/runs").text)


def test_a_held_plan_says_why_with_numbers_and_how_to_approve_it(admin: FlaskClient, rows: Rows) -> None:
    run_id = rows.sweep()
    objection = Objection("removals", "60 roles would be removed, out of 90", 60)
    fingerprint = rows.plan(run_id, [revoke("u1"), revoke("u2")], objections=[objection])
    assert f'href="/plans/{fingerprint}"' in admin.get("/").text
    text = words(admin.get(f"/plans/{fingerprint}").text)
    assert "60 roles would be removed, out of 90" in text
    assert f"python -m app apply --approve {fingerprint}" in text
    assert "2 roles revoked" in text and "from user u2@acme.com" in text


def test_a_held_plan_says_what_approving_means_for_people(admin: FlaskClient, rows: Rows) -> None:
    meaning = {"effects": ["eve gains admin"], "held_effects": ["3 (ana, bo, cy) lose manager on secret scope fraud"]}
    fingerprint = rows.plan(rows.sweep(**meaning), [revoke("u1")])
    text = words(admin.get(f"/plans/{fingerprint}").text)
    assert "3 (ana, bo, cy) lose manager on secret scope fraud" in text
    assert "eve gains admin" not in text


def test_what_no_approval_overrides_is_not_offered_for_approval(admin: FlaskClient, rows: Rows) -> None:
    objection = Objection("min_admins", "1 of 3 admins would be left, fewer than 2", 1)
    fingerprint = rows.plan(rows.run("plan"), [revoke("u1")], objections=[objection])
    text = words(admin.get(f"/plans/{fingerprint}").text)
    assert "No approval overrides this" in text and "--approve" not in text


def test_times_are_relative_with_the_exact_one_at_hand(admin: FlaskClient, rows: Rows, clock: Clock) -> None:
    rows.drift(difference(DriftClass.EXTRA))
    clock.move(hours=2)
    page = admin.get("/drift").text
    assert 'title="2026-03-02 09:00:00 UTC">2 hours ago</time>' in page
