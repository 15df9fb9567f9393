"""`python -m app plan`: what a sweep would do."""

from __future__ import annotations

import click

from app.cli.common import ask_for_run, json_option, prepare, print_json, show_report


@click.command("plan")
@json_option
def command(as_json: bool) -> None:
    """Read everything in Tecton and say what a sweep would change. Nothing is written."""
    report = ask_for_run(*prepare(), "plan")
    print_json(report) if as_json else show_report(report)
