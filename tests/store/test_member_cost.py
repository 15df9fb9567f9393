"""Changing one member costs the same in every group, whatever PostgreSQL believes of the table."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from app.core.attributes import GROUP, USER
from app.scim.documents import finish
from app.store import directory, members
from app.store.database import Database
from app.store.sql import Session, connect

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
    assert members.remove(session, group_id, [gone]) == 1
    assert members.add(session, group_id, [new]) == 1
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
