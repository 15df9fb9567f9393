"""`python -m app worker`: the reconciling half alone."""

from __future__ import annotations

import threading

import click

from app.bootstrap import build_engine, open_database, warn_of_unknown_names
from app.cli.serving import ending_on_signals
from app.logs import configure_logs
from app.settings import read_settings


@click.command("worker")
def command() -> None:
    """Reconcile, where a WSGI server (gunicorn wsgi:app) serves SCIM and the pages.

    Any number may run: one leads at a time.
    """
    settings = read_settings()
    configure_logs(settings.log_level)
    warn_of_unknown_names()
    database = open_database(settings)
    engine = build_engine(settings, database)
    engine.schedule.start()
    click.echo("ready")
    try:
        with ending_on_signals():
            threading.Event().wait()
    finally:
        engine.schedule.stop()
        engine.close()
        database.dispose()
