"""`python -m app apply`: apply what may go on, or a held plan that a person approves."""

from __future__ import annotations

import sys

import click

from app.cli.common import ask_for_run, json_option, prepare, print_json, show_report


@click.command("apply")
@click.option("--approve", metavar="FINGERPRINT", help="Apply the held plan of this fingerprint too, exactly as it is.")
@json_option
def command(approve: str | None, as_json: bool) -> None:
    """Apply the difference between Tecton and what is desired.

    Exit code 1 when a change failed, or when something is held: a plan is approved by its fingerprint,
    and only while it is exactly what would be done.
    """
    report = ask_for_run(*prepare(), "apply", approve)
    print_json(report) if as_json else show_report(report)
    sys.exit(1 if report["failed"] or report["held"] else 0)
