"""The group of commands, and how their failures end: one clear message, no traceback."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import click

from app import __version__
from app.cli.plain import printable
from app.core.policy_text import PolicyError
from app.reconcile.ports import LostLease, TectonError
from app.settings import SettingsError
from app.store.database import StoreError

# Command → module below app.cli that holds it as `command`.
COMMANDS = {
    "serve": "serve",
    "worker": "worker",
    "sandbox": "sandbox",
    "demo": "demo",
    "db": "db",
    "admin": "admin",
    "token": "token",
    "plan": "plan",
    "apply": "apply",
    "sweep": "sweep",
    "drift": "drift",
    "runs": "runs",
    "why": "why",
    "credentials": "credentials",
    "probes": "probes",
    "scopes": "scopes",
    "audit": "audit",
    "policy": "policy",
    "doctor": "doctor",
}


class Commands(click.Group):
    """Loads a command's module when it is called: `--help` does not import a web server.

    `when_loaded` is called once a command's module is there.
    """

    when_loaded: Callable[[], object] = staticmethod(lambda: None)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return one command, None when there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"app.cli.{COMMANDS[cmd_name]}")
        self.when_loaded()
        command: click.Command = module.command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; what it refuses or fails at is one message and exit code 1, wrong settings exit code 2."""
        try:
            return super().invoke(ctx)
        except SettingsError as error:
            fail(str(error), code=2)
        except (StoreError, PolicyError, TectonError, LostLease) as error:
            fail(str(error))


def fail(message: str, code: int = 1) -> NoReturn:
    """Say what is wrong on stderr and end the process."""
    for line in message.split("\n"):
        click.echo(f"error: {printable(line)}", err=True)
    sys.exit(code)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name=None, version=__version__, prog_name="tecton-scim-bridge")
def main() -> None:
    """Tecton SCIM Bridge: what Okta or Entra ID push becomes access in Tecton, and stays so."""
