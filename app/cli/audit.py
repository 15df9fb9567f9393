"""`python -m app audit`: what happened, in a log whose changes would show."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime

import click

from app.cli.common import json_option, prepare, print_json
from app.store import audit
from app.store.evidence import snapshot

WHEN = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])


@click.group("audit")
def command() -> None:
    """Verify the audit log, and export it."""


@command.command("verify")
@json_option
def verify(as_json: bool) -> None:
    """Say whether the log is whole and unchanged. Exit code 1 with the first row that does not fit.

    Rows of the last moments may not be sealed yet: their number is told. Who keeps the printed hash
    elsewhere can prove later that nothing before it was changed.
    """
    _, database = prepare()
    with snapshot(database) as connection:
        found = audit.verify(connection)
    if as_json:
        print_json({"ok": not found.fault, **found._asdict()})
    elif found.fault:
        click.echo(f"the audit log does not fit: {found.fault}; {found.sealed} rows before it do", err=True)
    else:
        click.echo(f"ok: {found.sealed} rows are sealed, {found.unsealed} wait for it; the last hash is {found.head}")
    sys.exit(1 if found.fault else 0)


@command.command("export")
@click.option("--since", type=WHEN, metavar="TIME", help="From this time on, UTC, such as 2026-03-01.")
@click.option("--until", type=WHEN, metavar="TIME", help="Before this time, UTC.")
@click.option("--who", metavar="NAME", help="What NAME did, and what happened to NAME: the proof of an off-boarding.")
def export(since: datetime | None, until: datetime | None, who: str | None) -> None:
    """Print the log as JSON lines, each with its position and hash, in the order in which it was written."""
    _, database = prepare()
    with snapshot(database) as connection:
        for row in audit.list_rows(connection, since=_utc(since), until=_utc(until), who=who):
            click.echo(json.dumps(row.as_json(), ensure_ascii=False))


def _utc(time: datetime | None) -> datetime | None:
    return time.replace(tzinfo=UTC) if time else None
