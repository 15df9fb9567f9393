"""Statements that run in the driver itself, for the paths that answer a push.

SQLAlchemy opens the connections and keeps the pool. Building and compiling a statement with it costs
more than PostgreSQL needs to run one (measured: 0.4 ms against 0.1 ms), so what runs thousands of
times a second is written as SQL, once for both databases, with `:name` for parameters.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeVar

import orjson
import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.store.database import Database, StoreError, explain, is_unusable

Row = tuple[Any, ...]
Values = Mapping[str, Any]
T = TypeVar("T")

_PARAMETER = re.compile(r"(?<!:):([a-z_][a-z0-9_]*)")
_ATTEMPTS = 5
_IDLE_CONNECTIONS = 20
_IDLE_SECONDS = 1.0
# PostgreSQL's own advice for the first two is to run the transaction again; the third is a member that
# another transaction deleted while it was being added: the second time it is not there.
_RETRIED = frozenset({"40001", "40P01", "23503"})  # serialization_failure, deadlock_detected, foreign key


class Conflict(Exception):
    """A unique value is taken."""


class Session:
    """One connection whose statements go to the driver; each is a transaction of its own, but in `transact`."""

    def __init__(self, execute: Callable[..., Any], *, is_sqlite: bool) -> None:
        self._execute_driver = execute
        self.is_sqlite = is_sqlite

    @classmethod
    def of(cls, connection: Connection) -> Session:
        """Return a session inside the transaction of an SQLAlchemy connection."""
        return cls(connection.exec_driver_sql, is_sqlite=connection.dialect.name == "sqlite")

    def rows(self, sql: str, params: Values | None = None, *, plan_anew: bool = False) -> list[Row]:
        """Run a statement with `:name` parameters and return its rows; `plan_anew` as in `run`."""
        return self._execute(sql, params or {}, plan_anew=plan_anew).fetchall()  # type: ignore[no-any-return]

    def row(self, sql: str, params: Values | None = None, *, plan_anew: bool = False) -> Row | None:
        """Run a statement and return its first row, None when there is none; `plan_anew` as in `run`."""
        return self._execute(sql, params or {}, plan_anew=plan_anew).fetchone()  # type: ignore[no-any-return]

    def run(self, sql: str, params: Values | None = None, *, plan_anew: bool = False) -> int:
        """Run a statement and return how many rows it touched.

        `plan_anew` has PostgreSQL plan it for these parameters and this size of the tables: a plan that is
        kept for any number of ids takes a few to be given, and one from when a table was small sorts all of it.
        """
        return self._execute(sql, params or {}, plan_anew=plan_anew).rowcount  # type: ignore[no-any-return]

    def transact(self, work: Callable[[Session], T]) -> T:
        """Return what `work` returns, in one transaction: all of it is stored, or nothing.

        The work runs again when PostgreSQL gave it up for another transaction. Raise `Conflict` when a
        unique value is taken.
        """
        for _ in range(_ATTEMPTS - 1):
            try:
                return self._transact_once(work)
            except (StoreError, Conflict) as error:
                if getattr(error.__cause__, "sqlstate", None) not in _RETRIED:
                    raise
        return self._transact_once(work)

    def nested(self, work: Callable[[Session], T]) -> T:
        """Return what `work` returns, inside a transaction: when it raises, what it stored is gone and no more."""
        self._execute("SAVEPOINT nested", {})
        try:
            result = work(self)
        except BaseException as error:
            self._undo("ROLLBACK TO SAVEPOINT nested", error)
            raise
        self._execute("RELEASE SAVEPOINT nested", {})
        return result

    def _transact_once(self, work: Callable[[Session], T]) -> T:
        # SQLite takes the write lock at once: a read that turns into a write later can fail.
        self._execute("BEGIN IMMEDIATE" if self.is_sqlite else "BEGIN", {})
        try:
            result = work(self)
            self._execute("COMMIT", {})
        except BaseException as error:
            self._undo("ROLLBACK", error)
            raise
        return result

    def _undo(self, sql: str, error: BaseException) -> None:
        """Undo what was done before an error. A database that failed did so itself: its error is the one to tell."""
        try:
            self._execute(sql, {})
        except StoreError:
            if not isinstance(error, StoreError):
                raise

    def _execute(self, sql: str, params: Values, *, plan_anew: bool = False) -> Any:
        try:
            if self.is_sqlite:
                return self._execute_driver(sql, _for_sqlite(params))
            if plan_anew:
                return self._execute_driver(_for_postgresql(sql), params, prepare=False)
            return self._execute_driver(_for_postgresql(sql), params)
        except (sqlite3.IntegrityError, psycopg.IntegrityError) as error:
            raise Conflict(str(error).splitlines()[0]) from error
        except (sqlite3.Error, psycopg.Error) as error:
            if not is_unusable(error):
                raise
            raise StoreError(explain(error, "the database")) from error


class DriverPool:
    """Driver connections kept open between requests.

    SQLAlchemy opens them, so they are set up as all others are; its own pool asks the server whether
    a connection is alive before every use, and that question costs as much as the answer to a push.
    Here it is asked when a connection was idle. They are closed when the database is disposed of.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._idle: deque[tuple[Any, float]] = deque()
        event.listen(database.engine, "engine_disposed", lambda _engine: self.close())

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Yield a session on a connection of its own. Raise `StoreError` when there is none to be had."""
        self._database.require_in_place()
        connection = self._take()
        try:
            yield Session(connection.execute, is_sqlite=self._database.is_sqlite)
        except StoreError:
            # The server may be gone, and with it every connection to it.
            self.close()
            raise
        finally:
            self._give_back(connection)

    def close(self) -> None:
        """Close the connections that nobody uses."""
        while self._idle:
            self._idle.pop()[0].close()

    def _take(self) -> Any:
        while self._idle:
            try:
                connection, since = self._idle.pop()
            except IndexError:  # another thread was faster
                break
            if time.monotonic() - since < _IDLE_SECONDS or _is_alive(connection):
                return connection
        return open_driver_connection(self._database)

    def _give_back(self, connection: Any) -> None:
        if len(self._idle) < _IDLE_CONNECTIONS and _is_at_rest(connection):
            self._idle.append((connection, time.monotonic()))
        else:
            connection.close()


def open_driver_connection(database: Database) -> Any:
    """Return a driver connection of its own, without a transaction. Raise `StoreError` when there is none."""
    database.require_in_place()
    try:
        pooled = database.engine.raw_connection()
    except PoolTimeout as error:
        raise database.unusable(error) from error
    except (sqlite3.Error, psycopg.Error, DBAPIError) as error:
        # Below SQLAlchemy's own connections, the driver's errors come as they are.
        cause = getattr(error, "orig", None) or error
        if not is_unusable(cause):
            raise
        raise database.unusable(cause) from error
    connection: Any = pooled.dbapi_connection
    pooled.detach()
    if not database.is_sqlite:
        connection.autocommit = True
        # A plan is kept for as long as nobody analyses the table. One from when the table was small would
        # read all of it, for every push, while a provider fills the directory; an index serves both.
        connection.execute("SET enable_seqscan = off")
    return connection


def _is_alive(connection: Any) -> bool:
    try:
        connection.execute("SELECT 1")
    except (sqlite3.Error, psycopg.Error):
        connection.close()
        return False
    return True


def _is_at_rest(connection: Any) -> bool:
    if isinstance(connection, sqlite3.Connection):
        return not connection.in_transaction
    return not connection.closed and connection.info.transaction_status == TransactionStatus.IDLE


@contextmanager
def connect(database: Database) -> Iterator[Session]:
    """Yield a session on a connection opened for it. Raise `StoreError` when there is none to be had."""
    connection = open_driver_connection(database)
    try:
        yield Session(connection.execute, is_sqlite=database.is_sqlite)
    finally:
        connection.close()


@lru_cache(maxsize=2048)
def _for_postgresql(sql: str) -> str:
    return _PARAMETER.sub(r"%(\1)s", sql.replace("%", "%%"))


def _for_sqlite(params: Values) -> dict[str, Any]:
    return {name: _sqlite_time(value) if isinstance(value, datetime) else value for name, value in params.items()}


def _sqlite_time(time: datetime) -> str:
    """Return an instant as SQLAlchemy writes it into SQLite, in UTC."""
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def as_time(value: datetime | str) -> datetime:
    """Return the instant that a driver read."""
    time = datetime.fromisoformat(value) if isinstance(value, str) else value
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)


_FEW = 50


def are_few(values: Sequence[str]) -> bool:
    """Tell whether each of these is best looked up in an index, whatever the size of the table."""
    return len(values) <= _FEW


def among(session: Session, column: str, name: str, *, few: bool) -> str:
    """Return the condition that a column is one of the texts of the parameter `name`.

    Of a few, PostgreSQL looks up each in an index together with what else the index holds; offered as a
    table, they are joined, and where it takes the other side for small, it reads a whole group for one
    member. Of many, it is the join that is right.
    """
    if few and not session.is_sqlite:
        return f"{column} = ANY(CAST(:{name} AS TEXT[]))"
    return f"{column} IN (SELECT value FROM {unnested(session, name)})"  # noqa: S608 - names of ours only


def not_among(session: Session, column: str, name: str) -> str:
    """Return the condition that a column is none of the texts of the parameter `name`.

    Each database has one form whose cost grows with the number of texts, and not with its square: SQLite
    makes an index of what follows NOT IN, and reads NOT EXISTS once a row; PostgreSQL joins for NOT EXISTS,
    and gives up hashing what follows NOT IN once it is larger than its working memory.
    """
    table = unnested(session, name)
    if session.is_sqlite:
        return f"{column} NOT IN (SELECT value FROM {table})"  # noqa: S608 - names of ours only
    return f"NOT EXISTS (SELECT 1 FROM {table} WHERE value = {column})"  # noqa: S608


def unnested(session: Session, name: str) -> str:
    """Return the texts of the parameter `name` as a table of the one column `value`."""
    return f"json_each(:{name})" if session.is_sqlite else f"unnest(CAST(:{name} AS TEXT[])) AS a(value)"


def texts(session: Session, values: Sequence[str]) -> Any:
    """Return texts as the one parameter that `among` and `unnested` read."""
    return orjson.dumps(list(values)).decode() if session.is_sqlite else list(values)
