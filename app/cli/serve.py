"""`python -m app serve`: everything in one process."""

from __future__ import annotations

import click

from app.bootstrap import Engine, build_engine, create_app, open_database, utc_now, warn_of_unknown_names
from app.cli.ports import PORT
from app.cli.serving import serve_until_stopped
from app.logs import configure_logs
from app.settings import read_settings
from app.store import admins


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8080, show_default=True, type=PORT, help="Port to listen on; 0 picks a free one.")
def command(host: str, port: int) -> None:
    """Serve SCIM, the admin pages and the API, and reconcile, in one process.

    Migrates an empty database. Prints `ready http://HOST:PORT` once it answers.
    """
    settings = read_settings()
    configure_logs(settings.log_level)
    warn_of_unknown_names()
    database = open_database(settings)
    engine = build_engine(settings, database)
    flask_app = create_app(settings, database)
    with database.write() as connection:
        password = admins.ensure_first_admin(connection, utc_now())
    if password:
        click.echo(f"first admin: name admin, password {password} (shown once)")
    try:
        has_proxies = settings.trusted_proxies > 0
        serve_until_stopped(flask_app, host, port, lambda url: _start(engine, url), has_proxies=has_proxies)
    finally:
        engine.schedule.stop()
        engine.close()
        database.dispose()


def _start(engine: Engine, url: str) -> None:
    engine.schedule.start()
    click.echo(f"ready {url}")
