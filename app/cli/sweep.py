"""`python -m app sweep`: read everything in Tecton, compare, and apply what may go on."""

from __future__ import annotations

import sys

import click

from app.cli.common import ask_for_run, json_option, prepare, print_json, show_report


@click.command("sweep")
@json_option
def command(as_json: bool) -> None:
    """Read everything in Tecton, compare it with what is desired, and apply the difference.

    With BRIDGE_MODE=observe nothing is written. Exit code 1 when a change failed.
    """
    report = ask_for_run(*prepare(), "sweep")
    print_json(report) if as_json else show_report(report)
    sys.exit(1 if report["failed"] else 0)
