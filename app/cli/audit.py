"""`python -m app audit`: what happened, in a log whose changes would show."""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime

import click

from app.cli.common import json_option, prepare_kept, print_json
from app.cli.plain import printable
from app.store import audit
from app.store.evidence import snapshot

WHEN = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])


@click.group("audit")
def command() -> None:
    """Verify the audit log, and export it."""


def _hash(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    if value is not None and not re.fullmatch("[0-9a-fA-F]{64}", value):
        raise click.BadParameter("a hash is 64 hexadecimal digits, as `audit verify` prints it")
    return value.lower() if value else None


@command.command("verify")
@click.option("--head", metavar="HASH", callback=_hash, help="A hash printed earlier: is its row still there?")
@json_option
def verify(head: str | None, as_json: bool) -> None:
    """Say whether the log is whole and unchanged. Exit code 1 with the first row that does not fit.

    Rows of the last moments may not be sealed yet: their number is told. Keep the printed hash elsewhere:
    given back with --head, it shows that nothing before it was changed, or exit code 1.
    """
    _, database = prepare_kept()
    with snapshot(database) as connection:
        found = audit.verify(connection, head)
    lost = head is not None and found.kept_at is None
    if as_json:
        print_json({"ok": not (found.fault or lost), **found._asdict()})
    else:
        _tell(found)
        _tell_kept(head, found.kept_at)
    sys.exit(1 if found.fault or lost else 0)


def _tell(found: audit.Verified) -> None:
    if found.fault:
        click.echo(f"the audit log does not fit: {found.fault}; {found.sealed} rows before it do", err=True)
    elif not found.sealed and not found.unsealed:
        click.echo("the audit log is empty: nothing has happened yet, and there is nothing to verify")
    else:
        click.echo(f"ok: {found.sealed} rows are sealed, {found.unsealed} wait for it; the last hash is {found.head}")


def _tell_kept(head: str | None, kept_at: int | None) -> None:
    if kept_at == 0:
        click.echo("the kept hash is that of an empty log, which every log begins with")
    elif kept_at is not None:
        click.echo(f"row {kept_at} has the kept hash: it and all before it are as they were")
    elif head is not None:
        click.echo("no row has the kept hash: its row, or one before it, was changed or is gone", err=True)


@command.command("export")
@click.option("--since", type=WHEN, metavar="TIME", help="From this time on, UTC, such as 2026-03-01.")
@click.option("--until", type=WHEN, metavar="TIME", help="Before this time, UTC.")
@click.option("--who", metavar="NAME", help="What NAME did, and what happened to NAME: the proof of an off-boarding.")
def export(since: datetime | None, until: datetime | None, who: str | None) -> None:
    """Print the log as JSON lines, each with its position and hash, in the order in which it was written."""
    _, database = prepare_kept()
    with snapshot(database) as connection:
        found = False
        for row in audit.list_rows(connection, since=_utc(since), until=_utc(until), who=who):
            click.echo(json.dumps(row.as_json(), ensure_ascii=False))
            found = True
    if who and not found:
        span = " in this time" if since or until else ""
        click.echo(f"nothing is recorded of {printable(who)}{span}", err=True)


def _utc(time: datetime | None) -> datetime | None:
    return time.replace(tzinfo=UTC) if time else None
