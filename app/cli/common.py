"""What several commands share: options, output, and asking the leader for a run."""

from __future__ import annotations

import getpass
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console
from rich.text import Text
from sqlalchemy import Connection

from app.bootstrap import build_engine, open_database, open_kept_database, read_policy_in_force, utc_now
from app.cli.main import fail
from app.cli.plain import printable
from app.core.policy import Policy
from app.core.policy_text import PolicyError
from app.logs import configure_logs
from app.settings import Settings, read_settings
from app.store import journal, leases
from app.store.database import Database

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
POLL_SECONDS = 0.1
NOBODY = "command"  # who gave a command, where that is not known


class PlainConsole(Console):
    """A console that prints texts and cells of tables as they are: no markup, no emoji, no control characters."""

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """Return what every text and every cell becomes before it is laid out."""
        return super().render_str(printable(text), **options)

    def print_headed(self, head: str, text: str) -> None:
        """Print one line that begins in bold."""
        self.print(head, style="bold", end=" ", soft_wrap=True)
        self.print(text, soft_wrap=True)


def console() -> PlainConsole:
    """Return stdout for tables; without a terminal it is wide enough not to break a row."""
    out = PlainConsole()
    return out if out.is_terminal else PlainConsole(width=200)


def print_json(document: Any) -> None:
    """Print one JSON document."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))


def prepare(open_: Callable[[Settings], Database] = open_database) -> tuple[Settings, Database]:
    """Return the settings and the database of a command; what is wrong it says itself, not the log.

    An empty database is migrated, and one that is not there made, by whoever has something to put into it.
    """
    settings = read_settings()
    configure_logs("debug" if settings.log_level == "debug" else "error")
    return settings, open_(settings)


def prepare_kept() -> tuple[Settings, Database]:
    """Return the settings and the database of a command that has nothing to put into an empty one, and makes none."""
    return prepare(open_kept_database)


def policy_in_force(settings: Settings, database: Database) -> Policy:
    """Return the policy that reports are of: the last good one, with a word on stderr, while its file does not load.

    End the process with exit code 1 when none is known.
    """
    try:
        policy, error = read_policy_in_force(settings.policy, database)
    except PolicyError as fault:
        fail(f"the policy in force (BRIDGE_POLICY) does not load, and no good one is known\n{fault}")
    if error:
        note = "the policy file does not load; this is by the last good one, which stays in force"
        click.echo(printable(f"note: {note}: {error}"), err=True)
    return policy


@contextmanager
def writing(refusal: type[Exception], open_: Callable[[Settings], Database] = open_database) -> Iterator[Connection]:
    """Yield a write transaction; a `refusal`, which undoes it, becomes the command's error."""
    _, database = prepare(open_)
    try:
        with database.write() as connection:
            yield connection
    except refusal as error:
        raise click.ClickException(str(error)) from error
    finally:
        database.dispose()


@contextmanager
def reading() -> Iterator[Connection]:
    """Yield a connection that reads a database that is there."""
    _, database = prepare_kept()
    try:
        with database.read() as connection:
            yield connection
    finally:
        database.dispose()


def user_name() -> str:
    """Return the name of who gives a command, for the record; `command` where the system has no name for them."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container whose user has no name: OSError from Python 3.13 on
        return NOBODY


def requester() -> str:
    """Return who asks for something by a command, beside the `admin NAME` of pages and the `token NAME` of programs."""
    name = user_name()
    return NOBODY if name == NOBODY else f"command by {name}"


def ask_for_run(settings: Settings, database: Database, purpose: str, approve: str | None = None) -> dict[str, Any]:
    """Ask the leader for a run through the database, wait for it, and return its report.

    When no process leads, this one does, for just this run. End the process with exit code 1 when the
    run failed.
    """
    with database.write() as connection:
        run_id = journal.request_run(connection, purpose, requester(), utc_now(), approve=approve)
    run = _wait_for(database, run_id, lambda: _lead_for_once(settings, database, run_id))
    if run.status == "failed":
        fail(run.error)
    summary: dict[str, Any] = run.summary
    return summary


def _wait_for(database: Database, run_id: str, nobody_leads: Callable[[], None]) -> Any:
    while True:
        with database.read() as connection:
            run = journal.read_run(connection, run_id)
            led = leases.is_held(leases.read_lease(connection), utc_now())
        if run.status in {"done", "failed"}:
            return run
        if not led:
            nobody_leads()
        time.sleep(POLL_SECONDS)


def _lead_for_once(settings: Settings, database: Database, run_id: str) -> None:
    engine = build_engine(settings, database)
    try:
        engine.worker.run_once(run_id)
    finally:
        engine.close()


def show_report(report: dict[str, Any]) -> None:
    """Print a run's report for a person."""
    out = console()
    for sentence in report["effects"]:
        out.print(sentence, style="bold", soft_wrap=True)
    for sentence in report["changes"]:
        out.print(f"  {sentence}", soft_wrap=True)
    for objection in report["objections"]:
        out.print_headed("held:", objection["sentence"])
    for sentence in report["held_effects"]:
        out.print(f"  approved, it means: {sentence}", soft_wrap=True)
    for note in report["notes"]:
        out.print_headed("note:", note)
    counts = ", ".join(f"{report[name]} {name}" for name in ("planned", "applied", "failed", "held"))
    calls = f"{_number(report['reads'], 'read')} and {_number(report['writes'], 'write')} in {report['duration_s']:g} s"
    out.print(f"{counts}; {calls} ({report['mode']})")
    if report["held"] and any(objection["guard"] != "min_admins" for objection in report["objections"]):
        out.print(f"to let what is held go on: python -m app apply --approve {report['fingerprint']}", soft_wrap=True)
    elif report["fingerprint"]:
        out.print(f"fingerprint {report['fingerprint']}")


def _number(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
