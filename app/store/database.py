"""Connections and transactions on SQLite and PostgreSQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from app.store.sqlite_file import SqliteFile

BUSY_TIMEOUT_MS = 5000
# PostgreSQL counts these to the mistakes of a program; here they are an older schema, and a server that only reads.
_UNDEFINED_TABLE, _READ_ONLY = "42P01", "25006"


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
        self.file = _file_of(self.url)
        self.engine = _create_engine(self.url, pool_size, self.file)

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
        self.require_in_place()
        try:
            with self.engine.connect() as connection:
                yield connection
        except DBAPIError as error:
            if error.orig is None or not is_unusable(error.orig):
                raise
            raise self.unusable(error.orig) from error

    def require_in_place(self) -> None:
        """Raise `StoreError` when the SQLite file that is open was removed or replaced: nothing in it would stay."""
        if self.file is not None and not self.file.is_in_place:
            raise StoreError(
                f"the file of the database {self.name} was removed or replaced while it was open: nothing is stored "
                "any more; put it back, or stop the bridge, restore it from a backup, and start again"
            )

    def require_there(self) -> None:
        """Raise `StoreError` when there is no SQLite file yet: whoever only reads does not make one."""
        if self.file is not None and not self.file.exists:
            raise StoreError(
                f"there is no database at {self.file.path.absolute()}: run the command where the bridge runs, "
                "or set BRIDGE_DATABASE_URL"
            )

    def unusable(self, error: BaseException) -> StoreError:
        """Return what a driver's error comes to, with what to do about it."""
        return StoreError(explain(error, f"the database {self.name}"))

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
        if self.file is not None:
            self.file.note_closed()


def is_unusable(error: BaseException) -> bool:
    """Tell whether a driver's error is of the database, and not a program's mistake or a value that is refused."""
    if isinstance(error, (sqlite3.OperationalError, psycopg.OperationalError)):
        return True
    # A file that is no database, or a damaged one, is of no kind at all.
    return type(error) is sqlite3.DatabaseError or getattr(error, "sqlstate", None) in {_UNDEFINED_TABLE, _READ_ONLY}


def explain(error: BaseException, name: str) -> str:
    """Return what a driver's error means for a database that is called `name`, and what to do."""
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    told = f"{getattr(error, 'sqlstate', None)} {reason}"
    for fragments, meaning in _MEANINGS:
        if any(fragment in told for fragment in fragments):
            return f"{name} {meaning} ({reason})"
    return f"{name} cannot be used: {reason}"


_MEANINGS = (  # by what SQLite says, or PostgreSQL's code
    (
        ("is locked",),
        f"is locked: another writer, of this bridge or outside it (a backup, a second tool), has held it for more than "
        f"{BUSY_TIMEOUT_MS // 1000} s; try again, and if it stays so, end what holds it",
    ),
    (("unable to open",), "cannot be opened: check that its directory exists and is writable"),
    (("no such table", _UNDEFINED_TABLE), "has no tables yet: run `python -m app db upgrade`"),
    (("not a database",), "is something else: BRIDGE_DATABASE_URL names a file that is no SQLite database"),
    (("image is malformed",), "is damaged: restore it from a backup"),
    (("is full", "53100"), "cannot be written: its disk is full"),
    (("disk I/O error",), "cannot be read or written: its disk is full, or fails"),
    (("readonly", _READ_ONLY), "takes no writes: a standby server, or a file or directory that may only be read"),
)


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


def _file_of(url: URL) -> SqliteFile | None:
    is_file = url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:"
    return SqliteFile(str(url.database)) if is_file else None


def _create_engine(url: URL, pool_size: int, file: SqliteFile | None) -> Engine:
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_size=pool_size, max_overflow=pool_size, pool_pre_ping=True)
    engine = create_engine(url, pool_size=pool_size, max_overflow=pool_size)
    if file is not None:
        event.listen(engine, "do_connect", lambda *_: _make_directory(file))
        event.listen(engine, "connect", lambda *_: file.note_opened())
    event.listen(engine, "connect", _configure_sqlite)
    return engine


def _make_directory(file: SqliteFile) -> None:
    try:
        file.make_directory()
    except OSError as error:
        raise StoreError(
            f"the directory of the database {file.path} cannot be made ({error.strerror}): set BRIDGE_DATABASE_URL "
            "to a place where the bridge may write"
        ) from error


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
