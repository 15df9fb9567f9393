"""`python -m app runs`: what was done, newest first."""

from __future__ import annotations

from typing import Any

import click
from rich.table import Table

from app.cli.common import console, json_option, prepare_kept, print_json
from app.store.run_reports import Run, RunFilter, list_runs


@click.command("runs")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000), help="How many, at the most.")
@json_option
def command(limit: int, as_json: bool) -> None:
    """Show the last runs, the newest first."""
    _, database = prepare_kept()
    with database.read() as connection:
        found = list_runs(connection, RunFilter(), limit=limit)
    print_json([_document(run) for run in found]) if as_json else console().print(_table(found))


def _document(run: Run) -> dict[str, Any]:
    times = ("requested_at", "started_at", "finished_at")
    values = {name: getattr(run, name) for name in Run.__slots__}
    return {name: value.isoformat() if name in times and value else value for name, value in values.items()}


def _table(found: list[Run]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("run", "purpose", "status", "when (UTC)", "planned", "applied", "failed", "held", "error"):
        table.add_column(column, overflow="fold")
    for run in found:
        counts = [str((run.summary or {}).get(name, "")) for name in ("planned", "applied", "failed", "held")]
        when = run.requested_at.strftime("%Y-%m-%d %H:%M:%S")
        table.add_row(run.id[:8], run.purpose, run.status, when, *counts, (run.error or "").replace("\n", "; "))
    return table
