"""What an admin orders from a page: a sweep, or a held plan. The leader does it; the page shows the run."""

from __future__ import annotations

from flask import Blueprint, abort, redirect, url_for
from flask.typing import ResponseReturnValue

from app.store import journal, run_reports
from app.web.access import caller
from app.web.errors import refuse_impossible_names
from app.web.pages import guard
from app.web.room import room

blueprint = Blueprint("orders", __name__)
blueprint.before_request(guard)
blueprint.before_request(refuse_impossible_names)


@blueprint.post("/sweeps")
def order_sweep() -> ResponseReturnValue:
    """Ask for a sweep, and show its run."""
    return _order("sweep")


@blueprint.post("/plans/<fingerprint>/approval")
def approve_plan(fingerprint: str) -> ResponseReturnValue:
    """Ask for a held plan to be applied, exactly as it is, and show its run. 409 when it is not held any more."""
    with room().database.read() as connection:
        plan = run_reports.find_plan(connection, fingerprint) or abort(404)
    if plan.status != "held":
        abort(409, f"this plan is {plan.status} by now: nothing of it waits for approval")
    return _order("apply", approve=fingerprint)


def _order(purpose: str, approve: str | None = None) -> ResponseReturnValue:
    with room().database.write() as connection:
        run_id = journal.request_run(connection, purpose, caller(), room().clock(), approve=approve)
    return redirect(url_for("pages.show_run", run_id=run_id), 303)
