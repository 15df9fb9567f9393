"""The pages. They only read; every one is behind sign-in."""

from __future__ import annotations

from flask import Blueprint, abort, render_template

from app.core.identity import Kind
from app.store import reports, run_reports
from app.store.evidence import load_evidence, snapshot
from app.store.leases import is_held
from app.store.reports import DriftFilter
from app.store.run_reports import RunFilter
from app.web.access import AccessRefused, check_csrf, is_signed_in
from app.web.errors import refuse_impossible_names
from app.web.models import DriftQuery, PageQuery, RunQuery
from app.web.notices import list_notices
from app.web.openapi import read_query
from app.web.room import room
from app.web.sections import CLASS_TITLES, MEANINGS, SECTIONS, Filled
from app.web.verdict import judge

blueprint = Blueprint("pages", __name__, template_folder="templates")
assets = Blueprint("assets", __name__, static_folder="static", static_url_path="/assets")

WAITING, RUNS = 5, 8


@blueprint.before_request
def guard() -> None:
    """Let only admins who signed in through."""
    check_csrf()
    if not is_signed_in():
        raise AccessRefused(401, "sign in first")


blueprint.before_request(refuse_impossible_names)


@blueprint.get("/")
def show_drift() -> str:
    """Answer: is it in sync and since when is that known; what is extra, missing, failed; and the rest."""
    with snapshot(room().database) as connection:
        evidence = load_evidence(connection)
        items = {
            section: reports.list_differences(connection, section.filter, limit=section.limit)
            for section in SECTIONS
            if section.count(evidence.counts)
        }
        waiting = reports.list_waiting(connection, limit=WAITING)
        runs = run_reports.list_runs(connection, RunFilter(), limit=RUNS)
        verified_by = run_reports.find_run(connection, evidence.sweep.run_id) if evidence.sweep else None
    filled = [Filled(of, of.count(evidence.counts), items.get(of, [])) for of in SECTIONS]
    now = room().clock()
    return render_template(
        "drift.html",
        evidence=evidence,
        verdict=judge(evidence, now, room().sweep_interval),
        notices=list_notices(evidence, worker_alive=is_held(evidence.lease, now), observes_only=room().observes_only),
        loud=[of for of in filled if of.section.is_loud],
        quiet=[of for of in filled if of.count and not of.section.is_loud],
        waiting=waiting,
        runs=runs,
        verified_by=verified_by,
    )


@blueprint.get("/drift")
def list_drift() -> str:
    """List differences, selected and paged."""
    query = read_query(DriftQuery)
    wanted = DriftFilter((query.drift_class,) if query.drift_class else (), query.kind, query.q)
    with snapshot(room().database) as connection:
        counts = reports.count_drift(connection)
        total = reports.count_differences(connection, wanted)
        items = reports.list_differences(connection, wanted, limit=query.limit, offset=query.offset)
    return render_template(
        "differences.html",
        query=query,
        counts=counts,
        items=items,
        total=total,
        kinds=list(Kind),
        classes=reports.CLASS_ORDER,
        titles=CLASS_TITLES,
        meanings=MEANINGS,
    )


@blueprint.get("/runs")
def list_runs() -> str:
    """List runs, the newest first."""
    query = read_query(RunQuery)
    wanted = RunFilter(query.purpose, query.status)
    with snapshot(room().database) as connection:
        total = run_reports.count_runs(connection, wanted)
        runs = run_reports.list_runs(connection, wanted, limit=query.limit, offset=query.offset)
    return render_template("runs.html", query=query, runs=runs, total=total)


@blueprint.get("/runs/<run_id>")
def show_run(run_id: str) -> str:
    """Show what a run changed, and what it could not and why."""
    query = read_query(PageQuery)
    with snapshot(room().database) as connection:
        run = run_reports.find_run(connection, run_id) or abort(404)
        counts = run_reports.count_outcomes(connection, run_id)
        outcomes = run_reports.list_outcomes(connection, run_id, limit=query.limit, offset=query.offset)
        plans = run_reports.list_plans_of(connection, run_id)
    return render_template("run.html", query=query, run=run, counts=counts, outcomes=outcomes, plans=plans)


@blueprint.get("/plans/<fingerprint>")
def show_plan(fingerprint: str) -> str:
    """Show a plan: what is held and why, with numbers, and its changes."""
    query = read_query(PageQuery)
    with room().database.read() as connection:
        plan = run_reports.find_plan(connection, fingerprint) or abort(404)
        run = run_reports.find_run(connection, plan.run_id)
    means = ((run and run.summary) or {}).get("held_effects" if plan.status == "held" else "effects") or []
    changes = plan.changes[query.offset : query.offset + query.limit]
    return render_template("plan.html", query=query, plan=plan, changes=changes, means=means)
