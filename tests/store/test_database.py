"""The database: its schema, its transactions, and what it says when it cannot be used."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import event, text

from app.store import migrate
from app.store.database import Database, StoreError
from app.store.facts import note_fact, read_fact
from app.store.sql import Session, connect, open_driver_connection
from app.store.tables import metadata
from tests.conftest import Clock


def test_the_migrations_make_exactly_the_tables(database: Database) -> None:
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_migrating_twice_changes_nothing(database: Database) -> None:
    assert migrate.upgrade(database) == migrate.upgrade(database)
    migrate.require_newest(database)


def test_an_empty_database_is_said_to_be_empty(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/new/bridge.db")
    assert database.is_empty()
    with pytest.raises(StoreError, match="db upgrade"):
        migrate.require_newest(database)
    database.dispose()


def test_a_failed_transaction_stores_nothing(database: Database, clock: Clock) -> None:
    def fail() -> None:
        with database.write() as connection:
            note_fact(connection, "x", 1, clock())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with database.read() as connection:
        assert read_fact(connection, "x") is None


def test_a_sqlite_file_locked_for_good_is_said_to_be_locked(
    tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.store.database.BUSY_TIMEOUT_MS", 1)
    path = tmp_path / "bridge.db"
    path.write_bytes(sqlite_template.read_bytes())
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    database = Database(f"sqlite:///{path}")
    with pytest.raises(StoreError, match="another writer, of this bridge or outside it"), database.write():
        pass
    holder.close()
    database.dispose()


@pytest.fixture
def small_database(tmp_path: Path, sqlite_template: Path) -> Iterator[Database]:
    """A database on a disk that has no room for more than it holds."""
    path = tmp_path / "bridge.db"
    path.write_bytes(sqlite_template.read_bytes())
    database = Database(f"sqlite:///{path}")
    event.listen(database.engine, "connect", lambda connection, _: connection.execute("PRAGMA max_page_count = 1"))
    yield database
    database.dispose()


def test_a_full_disk_is_said_to_be_full_and_not_what_came_of_it(small_database: Database) -> None:
    def fill(session: Session) -> None:
        for name in range(3):
            session.run("INSERT INTO facts (name, value, at) VALUES (:name, :value, '2026')",
                        {"name": str(name), "value": f'"{"x" * 20_000}"'})  # fmt: skip

    with connect(small_database) as session, pytest.raises(StoreError, match="its disk is full"):
        session.transact(lambda session: session.nested(fill))


def test_a_file_that_is_no_database_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("what I did today\n" * 100)
    database = Database(f"sqlite:///{tmp_path}/notes.txt")
    for use in (database.is_empty, lambda: open_driver_connection(database)):
        with pytest.raises(StoreError, match="no SQLite database"):
            use()


def test_a_directory_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    database = Database(f"sqlite:///{tmp_path}/file/var/bridge.db")
    for use in (database.is_empty, lambda: open_driver_connection(database)):
        with pytest.raises(StoreError, match=r"file/var/bridge\.db cannot be made .*BRIDGE_DATABASE_URL"):
            use()


@pytest.mark.parametrize("url", ["mysql://x", "nonsense", "oracle://x/y"])
def test_a_url_that_is_none_of_both_is_refused(url: str) -> None:
    with pytest.raises(StoreError, match="sqlite"):
        Database(url)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://bridge:hunter2@127.0.0.1:1/x",
        "postgresql://127.0.0.1:1/x?user=bridge&password=hunter2",
        "postgresql://bridge:at@colon:hunter2@127.0.0.1:1/x",
    ],
)
def test_no_message_names_the_password(url: str) -> None:
    def use() -> None:
        with Database(url).read():
            pass

    with pytest.raises(StoreError) as caught:
        use()
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_processes_that_start_together_migrate_an_empty_database_once(database: Database) -> None:
    with database.write() as connection:
        connection.execute(text("CREATE SCHEMA empty"))
    url = database.url.update_query_dict({"options": "-csearch_path=empty"}).render_as_string(hide_password=False)
    each = [Database(url) for _ in range(4)]
    with ThreadPoolExecutor(len(each)) as pool:
        revisions = set(pool.map(migrate.upgrade, each))
    for one in each:
        one.dispose()
    with database.write() as connection:
        connection.execute(text("DROP SCHEMA empty CASCADE"))
    assert len(revisions) == 1
