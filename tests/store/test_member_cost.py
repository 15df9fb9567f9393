"""What a change of members costs: one the same in every group, many as many times as much."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from app.core.attributes import GROUP, USER
from app.scim.documents import finish
from app.store import directory, members
from app.store.database import Database
from app.store.sql import Session, connect, open_driver_connection

NOW = datetime(2026, 3, 2, tzinfo=UTC)
SIZE, PAGE = 3000, 101


def rows_read(session: Session) -> int:
    """Return how many rows of the table of members this transaction read."""
    row = session.row(
        "SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables WHERE relname = 'group_members'"
    )
    assert row is not None
    return int(row[0])


def group_of(session: Session, name: str, ids: list[str]) -> str:
    group = directory.insert(session, GROUP, finish(GROUP, {"displayName": name}), NOW, "test")
    members.add(session, group.id, ids)
    return group.id


def change(session: Session, group_id: str, gone: str, new: str) -> None:
    """Change two members, and look at the first, as a PATCH does."""
    assert members.remove(session, group_id, [gone]) == [gone]
    assert members.add(session, group_id, [new]) == [new]
    assert members.first(session, group_id, "", size=PAGE) is not None


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("believes", ["every group to be small", "what was so when it made its plans"])
def test_one_member_is_changed_without_reading_the_others(database: Database, believes: str) -> None:
    people = [(USER, finish(USER, {"userName": f"u{number}"})) for number in range(SIZE)]
    with connect(database) as session:
        ids = [stored.id for stored in directory.insert_many(session, people, NOW, "test") if stored]
        small = group_of(session, "small", ids[:10])
        if believes == "every group to be small":
            session.run("ANALYZE")
        else:
            for _ in range(10):  # a few executions, and a statement's plan is kept
                session.transact(lambda session: change(session, small, ids[0], ids[0]))
        large = group_of(session, "large", ids[1:])

        def change_large(session: Session) -> None:
            change(session, large, ids[-1], ids[0])
            assert rows_read(session) < 3 * PAGE

        session.transact(change_large)


def steps_of(session: Session, connection: Any, work: Callable[[Session], list[str]]) -> int:
    """Return how many hundred steps SQLite's machine takes for what changes something."""
    steps: list[None] = []
    connection.set_progress_handler(lambda: steps.append(None), 100)
    assert session.transact(work)
    connection.set_progress_handler(None, 0)
    return len(steps)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("change_all", [members.add, members.keep_only, members.remove])
def test_four_times_the_members_cost_some_four_times_as_much(
    database: Database, change_all: Callable[[Session, str, list[str]], list[str]]
) -> None:
    people = [(USER, finish(USER, {"userName": f"u{number}"})) for number in range(800)]
    connection = open_driver_connection(database)
    session = Session(connection.execute, is_sqlite=True)
    ids = [one.id for one in session.transact(lambda s: directory.insert_many(s, people, NOW, "test")) if one]
    had = [] if change_all is members.add else ids
    groups = [(group_of(session, f"of {size}", had[:size]), ids[: size - 1]) for size in (200, 800)]
    small, large = (
        steps_of(session, connection, lambda s, of=of, named=named: change_all(s, of, named)) for of, named in groups
    )
    assert large < 6 * small
    connection.close()
