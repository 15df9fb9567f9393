"""`python -m app demo`: the whole product in a few minutes, on this machine alone."""

from __future__ import annotations

import click

from app.cli.main import fail
from app.cli.ports import PORT
from app.demo.errors import DemoError
from app.demo.show import Show
from app.demo.story import run_demo


@click.command("demo")
@click.option("--port", default=8080, show_default=True, type=PORT, help="Port of the bridge; 0 picks a free one.")
def command(port: int) -> None:
    """Play a day: a simulated Tecton, the bridge, and pushes as Okta and Entra ID send them.

    Shows for each push what changed in Tecton and how soon; then a role is granted by hand, reported as
    drift, and taken away again. Prints `ready http://HOST:PORT` of the bridge and stays up until Ctrl-C.
    Exit code 1 when Tecton does not hold what it should, or a process ends by itself.
    """
    try:
        run_demo(port, Show(), lambda url: click.echo(f"ready {url}"))
    except DemoError as error:
        fail(str(error))
