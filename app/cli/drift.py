"""`python -m app drift`: where Tecton differs from what is desired, and why."""

from __future__ import annotations

from typing import Any

import click
from rich.table import Table

from app.bootstrap import utc_now
from app.cli.common import ask_for_run, console, json_option, prepare, prepare_kept, print_json
from app.settings import Settings
from app.store.database import Database
from app.web.drift_report import read_drift_report


@click.command("drift")
@click.option("--recorded", is_flag=True, help="Show what was recorded last, without reading Tecton again.")
@json_option
def command(recorded: bool, as_json: bool) -> None:
    """Read everything in Tecton and show where it differs from what is desired. Nothing is written."""
    settings, database = prepare_kept() if recorded else prepare()
    if not recorded:
        ask_for_run(settings, database, "drift")
    document = read_drift(settings, database)
    print_json(document) if as_json else _show(document)


def read_drift(settings: Settings, database: Database) -> dict[str, Any]:
    """Return the drift document: what `GET /api/v1/drift` answers, with every difference."""
    report = read_drift_report(database, utc_now(), mode=settings.mode, sweep_interval=settings.sweep_interval)
    return report.model_dump(mode="json", by_alias=True)


def _show(document: dict[str, Any]) -> None:
    out = console()
    head = "In sync. " if document["in_sync"] else ""
    out.print_headed(f"{head}{document['sentence']}", _evidence(document))
    if document["items"]:
        out.print(_table(document["items"]))


def _evidence(document: dict[str, Any]) -> str:
    """Say what it is known from: a sweep speaks for the moment at which it began to read."""
    if document["verified_at"] is None:
        return ""
    return f"Verified at {document['verified_at'][:19].replace('T', ' ')} UTC."


def _table(items: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("class", "what", "wanted by", "since (UTC)", "why it fails"):
        table.add_column(column, overflow="fold")
    for item in items:
        since = item["since"][:16].replace("T", " ")
        table.add_row(item["class"], item["sentence"], "; ".join(item["wanted_by"]), since, item["error"])
    return table
