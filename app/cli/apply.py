"""`python -m app apply`: apply what may go on, or a held plan that a person approves."""

from __future__ import annotations

import sys

import click

from app.cli.common import ask_for_run, json_option, prepare, print_json, show_report
from app.cli.main import fail
from app.store.database import Database
from app.store.run_reports import find_plan


def _require_held(database: Database, fingerprint: str) -> None:
    """End the process when there is no such plan to approve; of a superseded one, the run says what took its place."""
    with database.read() as connection:
        plan = find_plan(connection, fingerprint)
    if plan is None:
        fail(f"no plan has the fingerprint {fingerprint}: `python -m app plan` shows what is held, and its fingerprint")
    elif plan.status == "applied":
        fail(f"plan {fingerprint} was applied already")


@click.command("apply")
@click.option("--approve", metavar="FINGERPRINT", help="Apply the held plan of this fingerprint too, exactly as it is.")
@json_option
def command(approve: str | None, as_json: bool) -> None:
    """Apply the difference between Tecton and what is desired.

    Exit code 1 when a change failed, or when something is held: a plan is approved by its fingerprint,
    and only while it is exactly what would be done.
    """
    settings, database = prepare()
    if approve:
        _require_held(database, approve)
    report = ask_for_run(settings, database, "apply", approve)
    print_json(report) if as_json else show_report(report)
    sys.exit(1 if report["failed"] or report["held"] else 0)
