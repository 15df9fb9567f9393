"""`python -m app db`: the database's schema."""

from __future__ import annotations

import click

from app.settings import read_settings
from app.store import migrate
from app.store.database import Database


@click.group("db")
def command() -> None:
    """Look after the database's schema."""


@command.command("upgrade")
def upgrade() -> None:
    """Bring the database to the newest schema."""
    database = Database(read_settings().database_url)
    revision = migrate.upgrade(database)
    click.echo(f"{database.name} is at revision {revision}")
