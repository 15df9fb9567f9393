"""`python -m app why`: why does she have this, and why not?"""

from __future__ import annotations

from collections.abc import Sequence

import click
from rich.table import Table

from app.bootstrap import utc_now
from app.cli.common import console, json_option, policy_in_force, prepare_kept, print_json
from app.cli.main import fail
from app.store.access_reports import AccessReport, AccessRow, explain_by_name
from app.store.evidence import snapshot
from app.store.leavers import leavers_called


@click.command("why")
@click.argument("who")
@click.argument("resource", required=False)
@json_option
def command(who: str, resource: str | None, as_json: bool) -> None:
    """Say what WHO (a user, group, service account or workspace, by name) may do, through what, and who wants it so.

    RESOURCE, a workspace or secret scope, shows only what is on it. Where there is nothing, the reasons that
    are known are given. From what was pushed, the policy in force, and Tecton as last read.
    """
    settings, database = prepare_kept()
    policy = policy_in_force(settings, database)
    with snapshot(database) as connection:
        reports = explain_by_name(connection, policy, who, utc_now(), resource)
        gone = [] if reports else leavers_called(connection, who)
    if gone:
        fail(f"nobody is called {who} any more: {gone[0].sentence}")
    if not reports:
        fail(f"nobody is called {who}: neither pushed, nor declared in the policy, nor in Tecton as last read")
    documents = [report.as_json() for report in reports]
    print_json(documents[0] if len(documents) == 1 else documents) if as_json else _show(reports, resource)


def _show(reports: list[AccessReport], resource: str | None) -> None:
    for report in reports:
        console().print_headed(f"{report.principal.kind.words} {report.name}", report.standing)
        nothing = f"  no access to {resource}" if resource else "  no access"
        console().print(_table(report.access) if report.access else nothing)
        for reason in report.why_not:
            console().print(f"  why not: {reason}", soft_wrap=True)
    read = reports[0].verified_at
    console().print(f"Tecton as last read at {read:%Y-%m-%d %H:%M:%S} UTC" if read else "Tecton was never read")


def _table(rows: Sequence[AccessRow]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("role", "on", "through", "desired", "in Tecton", "wanted by"):
        table.add_column(column, overflow="fold")
    for row in rows:
        through = f"group {row.via_group}" if row.via_group else "itself"
        wanted = "; ".join(row.wanted_by) or "nobody"
        table.add_row(row.role, row.on, through, _yes(row.is_desired), _yes(row.is_observed), wanted)
    return table


def _yes(flag: bool) -> str:
    return "yes" if flag else "no"
