"""`python -m app probes`: does every service account have the access that it must have, and no other?"""

from __future__ import annotations

import sys

import click
from rich.table import Table

from app.bootstrap import PolicySource, make_prober, require_tecton, utc_now
from app.cli.common import console, json_option, prepare, prepare_kept, print_json
from app.core.probes import ProbeResult
from app.durations import format_duration
from app.settings import Settings
from app.store.database import Database
from app.store.probes import list_probe_results, probe_result_as_json
from app.tecton import TectonConfig, open_tecton


@click.command("probes")
@click.option("--run", "run_now", is_flag=True, help="Run every probe now; otherwise what they found last is shown.")
@json_option
def command(run_now: bool, as_json: bool) -> None:
    """Show what the access probes of the policy expected and found. Exit code 1 when one is not as expected."""
    settings, database = prepare() if run_now else prepare_kept()
    if run_now:
        _run(settings, database)
    with database.read() as connection:
        found = list_probe_results(connection)
    print_json([probe_result_as_json(result) for result in found]) if as_json else console().print(_table(found))
    sys.exit(1 if any(result.is_as_expected is False for result in found) else 0)


def _run(settings: Settings, database: Database) -> None:
    require_tecton(settings)
    policy = PolicySource(settings.policy)
    with open_tecton(TectonConfig.from_settings(settings)) as tecton:
        make_prober(settings, database, tecton, policy).run_all()


def _table(found: list[ProbeResult]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("probe", "as expected", "found", "for", "checked (UTC)"):
        table.add_column(column, overflow="fold")
    for result in found:
        word = {True: "yes", False: "NO", None: "not known"}[result.is_as_expected]
        lasting = format_duration((utc_now() - result.since).total_seconds())
        checked = f"{result.checked_at:%Y-%m-%d %H:%M:%S}"
        style = "bold" if result.is_as_expected is False else None
        table.add_row(result.probe.name, word, result.sentence, lasting, checked, style=style)
    return table
