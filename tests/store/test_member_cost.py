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
SIZE = 3000


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


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_one_member_is_changed_without_reading_the_others(database: Database) -> None:
    people = [(USER, finish(USER, {"userName": f"u{number}"})) for number in range(SIZE)]
    with connect(database) as session:
        ids = [stored.id for stored in directory.insert_many(session, people, NOW, "test") if stored]
        group_of(session, "small", ids[:10])
        session.run("ANALYZE")  # and now it takes every group for a small one
        large = group_of(session, "large", ids[1:])

        def change(session: Session) -> None:
            assert members.remove(session, large, ids[-1:]) == 1
            assert members.add(session, large, ids[:1]) == 1
            assert members.first(session, large, "", size=1) is not None
            assert rows_read(session) < 10

        session.transact(change)
