"""Connections and transactions on SQLite and PostgreSQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError, ProgrammingError

BUSY_TIMEOUT_MS = 5000
_UNDEFINED_TABLE = "42P01"


class StoreError(Exception):
    """The database cannot be used as it is. The message says what to do; it carries no secret."""


class Database:
    """One database: opens read and write transactions.

    Take `url`, an SQLAlchemy URL of SQLite or PostgreSQL (`postgresql://` is read as psycopg 3).
    Nothing is opened before the first transaction.

    Raise `StoreError` for a URL that is of neither kind.
    """

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.url = _parse(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = _create_engine(self.url, pool_size)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Yield a connection whose transaction only reads, and is rolled back at the end."""
        with self._connect() as connection:
            yield connection
            connection.rollback()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Yield a connection in one write transaction: committed at the end, rolled back on an exception.

        On SQLite the write lock is taken at once (BEGIN IMMEDIATE): a read that turns into a write
        later fails as "locked" without waiting when another writer came between.
        """
        with self._connect() as connection:
            if self.is_sqlite:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection
            connection.commit()

    @contextmanager
    def _connect(self) -> Iterator[Connection]:
        try:
            with self.engine.connect() as connection:
                yield connection
        except OperationalError as error:
            raise StoreError(self._explain(error)) from error
        except ProgrammingError as error:
            # PostgreSQL counts a missing table to the mistakes of a program; here it is an older schema.
            if getattr(error.orig, "sqlstate", None) != _UNDEFINED_TABLE:
                raise
            raise StoreError(self._explain(error)) from error

    def _explain(self, error: DBAPIError) -> str:
        reason = str(error.orig).strip().splitlines()[0] if error.orig else str(error)
        if "locked" in reason:
            return (
                f"the database {self.name} is locked by another process for more than "
                f"{BUSY_TIMEOUT_MS // 1000} s: stop that process (a backup, a second tool) and try again"
            )
        if "unable to open" in reason:
            return f"the database {self.name} cannot be opened: check that its directory exists and is writable"
        if "no such table" in reason or "does not exist" in reason:
            return f"the database {self.name} has no tables yet: run `python -m app db upgrade`"
        return f"the database {self.name} cannot be used: {reason}"

    @property
    def name(self) -> str:
        """The URL without its password, to show in a message."""
        return self.url.difference_update_query(["password"]).render_as_string(hide_password=True)

    def is_empty(self) -> bool:
        """Tell whether there is no table at all yet."""
        with self.read() as connection:
            return not inspect(connection).get_table_names()

    def dispose(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


def _parse(text: str) -> URL:
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):  # whose message may hold a part of the password
        raise StoreError("BRIDGE_DATABASE_URL is not a URL such as sqlite:///var/bridge.db or postgresql://…") from None
    backend = url.get_backend_name()
    if backend in {"postgresql", "postgres"}:
        return url.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise StoreError(f"BRIDGE_DATABASE_URL names {backend}: only sqlite and postgresql are supported")
    return url


def _create_engine(url: URL, pool_size: int) -> Engine:
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_size=pool_size, max_overflow=pool_size, pool_pre_ping=True)
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, pool_size=pool_size, max_overflow=pool_size)
    event.listen(engine, "connect", _configure_sqlite)
    return engine


def _configure_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    # Autocommit in the driver, so that BEGIN IMMEDIATE above is ours to say.
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout = {BUSY_TIMEOUT_MS}",
        "journal_mode = WAL",
        "synchronous = FULL",  # a commit answered to the IdP survives a power cut, not only a kill
        "foreign_keys = ON",
        "case_sensitive_like = ON",
    ):
        connection.execute(f"PRAGMA {pragma}")
