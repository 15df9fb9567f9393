"""`python -m app sandbox`: a Tecton to try things on."""

import ipaddress
import secrets
import sqlite3
from collections.abc import Mapping
from pathlib import Path

import click

from app.cli.ports import PORT
from app.sandbox import create_app
from app.sandbox.control.origin import LOOPBACK
from app.sandbox.knobs import KnobError
from app.sandbox.seed import SeedError
from app.sandbox.server import serve


@click.command("sandbox")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8099, show_default=True, type=PORT, help="Port to listen on; 0 picks a free one.")
@click.option("--admin-key", help="API key of the admin service account; made up and printed if not given.")
@click.option("--set", "settings", multiple=True, metavar="KNOB=VALUE", help="Set a knob; may be repeated.")
@click.option("--seed", type=click.Path(path_type=Path), help="JSON file with what a fresh sandbox holds.")
@click.option("--state", type=click.Path(path_type=Path), help="File to keep everything in across restarts.")
@click.option(
    "--open-control",
    is_flag=True,
    help="Answer the control API and pages under any host name; they need no key.",
)
def command(
    *,
    host: str,
    port: int,
    admin_key: str | None,
    settings: tuple[str, ...],
    seed: Path | None,
    state: Path | None,
    open_control: bool,
) -> None:
    """Serve a simulated Tecton: API under /api, pages under /, control API under /_sandbox.

    Prints `ready http://HOST:PORT` once it answers.
    """
    key = admin_key or ("" if _holds_a_key(state) else secrets.token_urlsafe(32))
    try:
        app = create_app(
            admin_key=key,
            knobs=_knobs(settings),
            state_file=state,
            seed=seed,
            control_hosts=None if open_control else _control_hosts(host),
        )
    except (KnobError, SeedError) as error:
        raise click.UsageError(str(error)) from error
    except sqlite3.DatabaseError as error:
        raise click.ClickException(f"state file {state}: {error}") from error
    if key and not admin_key:
        click.echo(f"admin key {key}")
    try:
        serve(app, host, port, lambda address: click.echo(f"ready {address}"))
    except OSError as error:
        raise click.ClickException(f"cannot listen on {host}:{port}: {error.strerror}") from error


def _holds_a_key(state: Path | None) -> bool:
    """Say whether a state file of an earlier run is there; it knows the hash of that run's key."""
    return state is not None and state.exists() and state.stat().st_size > 0


def _knobs(settings: tuple[str, ...]) -> Mapping[str, str]:
    """Return KNOB=VALUE options as a mapping; raises UsageError."""
    pairs = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise click.UsageError(f"--set takes KNOB=VALUE, not {setting!r}")
        pairs[name] = value
    return pairs


def _control_hosts(host: str) -> frozenset[str]:
    """Return the names the control API answers to: none when the sandbox can be reached from outside."""
    try:
        is_loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    return LOOPBACK | {host} if is_loopback else frozenset()
