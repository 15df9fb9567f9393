"""The admin JSON API at /api/v1. What changes something is a POST, and needs a token."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from flask import Blueprint, Response, abort, jsonify
from pydantic import BaseModel

from app import __version__
from app.store import run_reports
from app.store.evidence import load_evidence, snapshot
from app.store.leases import is_held
from app.store.reports import DriftFilter
from app.store.run_reports import RunFilter
from app.web import access_api, access_probes, keys_api
from app.web.access import require_admin_or_token
from app.web.drift_report import claim, paging, read_drift_report
from app.web.errors import refuse_impossible_names
from app.web.models import (
    DriftQuery,
    DriftReport,
    NoQuery,
    PageQuery,
    PlanReport,
    RunList,
    RunQuery,
    RunReport,
    StatusReport,
)
from app.web.notices import list_notices
from app.web.openapi import Operation, describe, serve_operation
from app.web.room import room
from app.web.verdict import judge

PREFIX = "/api/v1"
blueprint = Blueprint("api", __name__, url_prefix=PREFIX)
blueprint.before_request(require_admin_or_token)
blueprint.before_request(refuse_impossible_names)


def _read_drift(query: DriftQuery) -> DriftReport:
    return read_drift_report(
        room().database,
        room().clock(),
        mode=room().mode,
        sweep_interval=room().sweep_interval,
        wanted=DriftFilter((query.drift_class,) if query.drift_class else (), query.kind, query.q),
        limit=query.limit,
        offset=query.offset,
    )


def _read_status(query: NoQuery) -> StatusReport:
    with snapshot(room().database) as connection:
        evidence = load_evidence(connection)
    now = room().clock()
    alive = is_held(evidence.lease, now)
    about = {
        "headline": judge(evidence, now, room().sweep_interval).headline,
        "version": __version__,
        "tecton_url": room().tecton_url,
        "last_sweep_run": evidence.sweep.run_id if evidence.sweep else None,
        "worker_alive": alive,
        "held_plans": [plan.fingerprint for plan in evidence.held],
        "notices": list_notices(evidence, worker_alive=alive, observes_only=room().observes_only),
    }
    return StatusReport.model_validate({**claim(evidence, now, room().mode, room().sweep_interval), **about})


def _read_runs(query: RunQuery) -> RunList:
    wanted = RunFilter(query.purpose, query.status)
    with room().database.read() as connection:
        total = run_reports.count_runs(connection, wanted)
        items = run_reports.list_runs(connection, wanted, limit=query.limit, offset=query.offset)
    return RunList.model_validate({"items": items, **paging(query.offset, len(items), total)})


def _read_run(query: PageQuery, run_id: str) -> RunReport:
    with snapshot(room().database) as connection:
        run = run_reports.find_run(connection, run_id) or abort(404, "there is no such run")
        counts = run_reports.count_outcomes(connection, run_id)
        outcomes = run_reports.list_outcomes(connection, run_id, limit=query.limit, offset=query.offset)
        plans = run_reports.list_plans_of(connection, run_id)
    found = {"plans": plans, "outcome_counts": counts, "outcomes": outcomes}
    pages = paging(query.offset, len(outcomes), sum(counts.values()))
    return RunReport.model_validate({**asdict(run), **found, **pages})


def _read_plan(query: PageQuery, fingerprint: str) -> PlanReport:
    with room().database.read() as connection:
        plan = run_reports.find_plan(connection, fingerprint) or abort(404, "there is no such plan")
    part = plan.changes[query.offset : query.offset + query.limit]
    pages = paging(query.offset, len(part), len(plan.changes))
    return PlanReport.model_validate({**asdict(plan), "counts": plan.sorts, "changes": part, **pages})


_OPERATIONS: dict[Operation, Callable[..., BaseModel]] = {
    Operation(
        "/drift", "drift", "Is Tecton in sync, when was that verified, what differs", DriftQuery, DriftReport
    ): _read_drift,
    Operation("/status", "status", "The installation at a glance", NoQuery, StatusReport): _read_status,
    Operation("/runs", "runs", "Runs, the newest first", RunQuery, RunList): _read_runs,
    Operation("/runs/<run_id>", "run", "One run with its outcomes", PageQuery, RunReport): _read_run,
    Operation(
        "/plans/<fingerprint>",
        "plan",
        "One plan: its changes, and what is held and why",
        PageQuery,
        PlanReport,
    ): _read_plan,
    **access_api.OPERATIONS,
    **keys_api.OPERATIONS,
    **access_probes.OPERATIONS,
}
for _operation, _view in _OPERATIONS.items():
    serve_operation(blueprint, _operation, _view)


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """Return the description of this API."""
    return jsonify(describe(list(_OPERATIONS), PREFIX))
