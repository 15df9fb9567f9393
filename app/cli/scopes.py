"""`python -m app scopes`: who can do what on a secret scope, and through what."""

from __future__ import annotations

from typing import Any

import click
from rich.table import Table

from app.cli.common import console, json_option, prepare_kept, print_json
from app.cli.main import fail
from app.store.scope_reports import Holding, ScopesReport, is_known, load_scopes


@click.command("scopes")
@click.argument("scope", required=False)
@click.option("--principal", metavar="NAME", help="The scopes of this user, group, service account or workspace.")
@json_option
def command(scope: str | None, principal: str | None, as_json: bool) -> None:
    """Show the principals of SCOPE, or the scopes of a principal, each role with its source; or list all scopes.

    A role is held directly, or through a group. As Tecton was last read.
    """
    if scope is not None and principal is not None:
        raise click.UsageError("give a SCOPE or a --principal, not both")
    _, database = prepare_kept()
    with database.read() as connection:
        report = load_scopes(connection)
        known = principal is None or is_known(connection, principal)
    document, rows = _answer(report, scope, principal, known=known)
    if as_json:
        print_json(document)
    elif scope is None and principal is None:
        console().print(_overview(report))
    else:
        console().print(_table(rows) if rows else "nobody holds a role" if scope else "no role on any secret scope")


def _answer(
    report: ScopesReport, scope: str | None, principal: str | None, *, known: bool
) -> tuple[Any, list[Holding]]:
    if scope is not None:
        if scope not in report.scopes:
            fail(f"Tecton has no secret scope {scope}, as it was last read")
        rows = report.of_scope(scope)
        return {"scope": scope, "principals": [_without(row, "scope") for row in rows]}, rows
    if principal is not None:
        rows = report.of_principal(principal)
        if not rows and not known:
            fail(f"Tecton has no principal {principal}, as it was last read")
        return {"principal": principal, "scopes": [row.as_json() for row in rows]}, rows
    return [{"scope": name, "principals": report.count_principals(name)} for name in report.scopes], []


def _without(row: Holding, name: str) -> dict[str, Any]:
    return {key: value for key, value in row.as_json().items() if key != name}


def _overview(report: ScopesReport) -> Table:
    table = _empty_table("secret scope", "principals")
    for name in report.scopes:
        table.add_row(name, str(report.count_principals(name)))
    return table


def _table(rows: list[Holding]) -> Table:
    table = _empty_table("secret scope", "principal", "role", "source")
    for row in rows:
        table.add_row(row.scope, f"{row.kind.replace('_', ' ')} {row.name}", row.role, row.source)
    return table


def _empty_table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
