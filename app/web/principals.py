"""The pages of principals: why does she have this, and why not that?"""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, abort, render_template
from sqlalchemy import Connection

from app.core.identity import Kind, Principal
from app.store.access_reports import AccessReport, AccessReports
from app.store.evidence import snapshot
from app.store.obstacles import Escrow, read_escrow
from app.store.principal_reports import differences_of, outcomes_of
from app.store.principal_search import search_principals
from app.store.reports import Difference
from app.store.run_reports import ObjectOutcome
from app.store.vicinity import read_vicinity
from app.web.errors import refuse_impossible_names
from app.web.models import FindQuery, WhyQuery
from app.web.openapi import read_query
from app.web.pages import guard
from app.web.room import room
from app.web.sections import CLASS_TITLES

blueprint = Blueprint("principals", __name__, template_folder="templates")
blueprint.before_request(guard)
blueprint.before_request(refuse_impossible_names)

SHOWN, OUTCOMES = 50, 20


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page of a principal tells."""

    report: AccessReport
    differences: list[Difference]
    outcomes: list[ObjectOutcome]
    escrow: Escrow | None


@blueprint.get("/people")
def search() -> str:
    """Find users, groups and service accounts by a part of their name."""
    query = read_query(FindQuery)
    found = []
    if query.q:
        with snapshot(room().database) as connection:
            found = search_principals(connection, room().policy(), query.q, limit=SHOWN)
    return render_template("people.html", query=query, found=found, is_cut=len(found) == SHOWN)


@blueprint.get("/people/<kind>/<path:principal_id>")
def show(kind: str, principal_id: str) -> str:
    """Show one principal's access with its reasons, what differs, what happened, and what it waits for."""
    query = read_query(WhyQuery)
    if kind not in set(Kind):
        abort(404)
    with snapshot(room().database) as connection:
        shown = _read(connection, Principal(Kind(kind), principal_id), query.resource)
    return render_template("principal.html", query=query, shown=shown, titles=CLASS_TITLES)


def _read(connection: Connection, principal: Principal, resource: str | None) -> Shown:
    policy = room().policy()
    reports = AccessReports(connection, read_vicinity(connection, policy, [principal]), policy, room().clock())
    if not reports.knows(principal):
        abort(404)
    report = reports.report(principal, resource)
    return Shown(
        report,
        differences_of(connection, principal, report.name),
        outcomes_of(connection, principal, report.name, reports.groups_of(principal), limit=OUTCOMES),
        read_escrow(connection, principal),
    )
