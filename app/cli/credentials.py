"""`python -m app credentials`: the one-time keys of service accounts."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click
from rich.table import Table
from sqlalchemy import Connection

from app.bootstrap import build_engine, make_sealer, utc_now
from app.cli.common import POLL_SECONDS, console, json_option, policy_in_force, prepare_kept, print_json, user_name
from app.cli.plain import printable
from app.core.credentials import Rotation, Step
from app.credentials.ports import CredentialError
from app.settings import Settings
from app.store import credentials, leases
from app.store.database import Database
from app.store.key_reports import KeyReport, find_key_report, list_key_reports, words_of
from app.store.rotations import read_rotation, request_rotation

PATIENCE_SECONDS = 60.0  # how long a command waits for a leader that is busy, or only observes

by_option = click.option("--by", "who", metavar="WHO", help="Who does it, for the record; you, if not given.")


@click.group("credentials")
def command() -> None:
    """List, claim, rotate and reseal the keys of service accounts."""


@command.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the newest key of every service account: where it is, or why it is not there yet."""
    settings, database = prepare_kept()
    waits = policy_in_force(settings, database).credentials
    with database.read() as connection:
        found = list_key_reports(connection)
    print_json([report.as_json(waits) for report in found]) if as_json else console().print(_table(found))


@command.command("claim")
@click.argument("name")
@by_option
@json_option
def claim(name: str, who: str | None, as_json: bool) -> None:
    """Print the key of the service account NAME, once, on the last line; then it is kept nowhere here."""
    settings, database = prepare_kept()
    policy, sealer = policy_in_force(settings, database), make_sealer(settings.secret_key.get_secret_value())
    with _transaction(database) as connection:
        key = credentials.claim(connection, sealer, name, who or user_name(), utc_now(), policy=policy)
        # Shown before the transaction ends: a key that nobody saw is not claimed.
        if as_json:
            print_json({"name": name, "key": key})
        else:
            click.echo(f"the key of service account {name}, shown only now:")
            click.echo(key)
        sys.stdout.flush()


@command.command("rotate")
@click.argument("name")
@by_option
@json_option
def rotate(name: str, who: str | None, as_json: bool) -> None:
    """Give the OAuth account NAME a new client secret; the old one ends once the new one is in use.

    Waits until the new secret is made, a minute at most. Exit code 1 when it is not made yet.
    """
    settings, database = prepare_kept()
    with _transaction(database) as connection:
        asked = request_rotation(connection, name, who or user_name(), utc_now(), mode=settings.mode)
    rotation = _until_made(database, asked, lambda: _lead_once(settings, database))
    with database.read() as connection:
        report = find_key_report(connection, asked.tecton_id)
    if as_json:
        print_json(report.as_json(policy_in_force(settings, database).credentials))
    else:
        console().print(f"{rotation.name}: {words_of(rotation)}; its new secret: {report.words}", soft_wrap=True)
    sys.exit(1 if rotation.step is Step.CREATE else 0)


@command.command("reseal")
@by_option
@json_option
def reseal(who: str | None, as_json: bool) -> None:
    """Encrypt every kept key anew with the first key of BRIDGE_SECRET_KEY, so that the others can go."""
    settings, database = prepare_kept()
    sealer = make_sealer(settings.secret_key.get_secret_value())
    with _transaction(database) as connection:
        number = credentials.reseal(connection, sealer, who or user_name(), utc_now())
    if as_json:
        print_json({"resealed": number})
    else:
        click.echo(f"{number} keys are sealed with the first key of BRIDGE_SECRET_KEY")


@command.command("forget")
@click.argument("name")
@by_option
@json_option
def forget(name: str, who: str | None, as_json: bool) -> None:
    """Drop all that is kept of the key of NAME, a copy for probes included. Nothing in Tecton changes."""
    _, database = prepare_kept()
    with _transaction(database) as connection:
        dropped = credentials.forget(connection, name, who or user_name(), utc_now())
    if as_json:
        print_json({"name": dropped.name, "tecton_id": dropped.tecton_id, "state": dropped.state.value})
    else:
        click.echo(f"nothing is kept of the key of {dropped.name} any more")


@command.command("history")
@click.argument("name", required=False)
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10000), help="How many, at the most.")
@json_option
def history(name: str | None, limit: int, as_json: bool) -> None:
    """Say what happened to the keys of NAME, or of all, and who did it; the newest first."""
    _, database = prepare_kept()
    with database.read() as connection:
        found = credentials.list_events(connection, name, limit=limit)
    if as_json:
        print_json([{**event._asdict(), "at": event.at.isoformat()} for event in found])
        return
    for event in found:
        detail = f": {event.detail}" if event.detail else ""
        click.echo(printable(f"{event.at:%Y-%m-%d %H:%M:%S}  {event.name}  {event.event}{detail}  (by {event.who})"))


# ---------------------------------------------------------------- inside


@contextmanager
def _transaction(database: Database) -> Iterator[Connection]:
    """Yield a write transaction; what a key refuses becomes the command's error."""
    try:
        with database.write() as connection:
            yield connection
    except CredentialError as error:
        raise click.ClickException(str(error)) from error


def _until_made(database: Database, asked: Rotation, nobody_leads: Callable[[], None]) -> Rotation:
    """Wait until a rotation has made its secret, or says why it cannot; return it, in time as it is."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        with database.read() as connection:
            rotation = read_rotation(connection, asked.tecton_id)
            led = leases.is_held(leases.read_lease(connection), utc_now())
        if rotation is None:
            raise AssertionError("a rotation that was asked for is stored")
        if rotation.step is not Step.CREATE or rotation.last_error or time.monotonic() > deadline:
            return rotation
        if not led:
            nobody_leads()
        time.sleep(POLL_SECONDS)


def _lead_once(settings: Settings, database: Database) -> None:
    """Lead for just one round, which also delivers what can be delivered at once."""
    engine = build_engine(settings, database)
    try:
        if engine.worker.renew():
            for _ in range(2):
                engine.keeper.tick()
            engine.worker.release()
    finally:
        engine.close()


def _table(found: list[KeyReport]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("account", "in Tecton", "key", "where it is", "since (UTC)", "rotation"):
        table.add_column(column, overflow="fold")
    for report in found:
        table.add_row(report.name, report.standing, *_key_cells(report), _rotation_cell(report.rotation))
    return table


def _key_cells(report: KeyReport) -> tuple[Any, ...]:
    key = report.credential
    if key is None:
        return "", report.words, ""
    kept = " (a sealed copy stays for probes)" if key.is_kept else ""
    since = (key.handed_at or key.created_at).strftime("%Y-%m-%d %H:%M")
    return key.kind.value.replace("_", " "), report.words + kept, since


def _rotation_cell(rotation: Rotation | None) -> str:
    return words_of(rotation) if rotation and rotation.is_open else ""
