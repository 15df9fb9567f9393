"""Bringing a database to the newest schema, with Alembic."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from app.store.database import Database, StoreError

MIGRATIONS = Path(__file__).parents[2] / "migrations"
_LOCK = 0x5C1B  # any number that no other user of the database takes


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def upgrade(database: Database) -> str:
    """Bring the database to the newest schema, in one transaction, and return its revision.

    Raise `StoreError` when the database cannot be used.
    """
    config = _config()
    with database.write() as connection:
        if not database.is_sqlite:  # whose write transactions come one after the other
            # Several processes start at once, and find the same empty database.
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        return _revision_of(connection) or ""


def require_newest(database: Database) -> None:
    """Raise `StoreError`, saying what to do, unless the database has the newest schema."""
    with database.read() as connection:
        found = _revision_of(connection)
    newest = ScriptDirectory.from_config(_config()).get_current_head()
    if found != newest:
        state = f"is at revision {found}, not {newest}" if found else "has no tables yet"
        raise StoreError(f"the database {database.name} {state}: run `python -m app db upgrade`")


def _revision_of(connection: object) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()  # type: ignore[arg-type]
