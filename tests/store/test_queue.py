"""The dirty queue: who waits, since when, and for what time."""

from __future__ import annotations

from datetime import timedelta

from app.store.database import Database
from app.store.queue import mark_dirty, next_due, postpone, settle, take_due
from tests.conftest import Clock

WINDOW = timedelta(seconds=2)
NOW = timedelta(0)


def mark(database: Database, clock: Clock, *ids: str, window: timedelta = WINDOW) -> None:
    with database.write() as connection:
        mark_dirty(connection, [("user", id_) for id_ in ids], now=clock(), window=window)


def due(database: Database, clock: Clock) -> list[str]:
    with database.read() as connection:
        return [item.id for item in take_due(connection, clock(), 100)]


def test_a_principal_is_due_once_the_window_is_over_however_often_it_is_pushed(
    database: Database, clock: Clock
) -> None:
    mark(database, clock, "a")
    clock.move(seconds=1)
    mark(database, clock, "a", "a")
    assert due(database, clock) == []
    clock.move(seconds=1)
    assert due(database, clock) == ["a"]


def test_a_removal_of_access_is_due_at_once(database: Database, clock: Clock) -> None:
    mark(database, clock, "a")
    mark(database, clock, "a", window=NOW)
    assert due(database, clock) == ["a"]


def test_what_is_pushed_again_while_it_is_worked_on_stays(database: Database, clock: Clock) -> None:
    mark(database, clock, "a", "b", window=NOW)
    with database.read() as connection:
        taken = take_due(connection, clock(), 100)
    mark(database, clock, "a", window=NOW)
    with database.write() as connection:
        settle(connection, taken)
    assert due(database, clock) == ["a"]


def test_what_failed_waits_for_its_next_try_and_a_push_ends_the_wait(database: Database, clock: Clock) -> None:
    mark(database, clock, "a", window=NOW)
    with database.write() as connection:
        (item,) = take_due(connection, clock(), 100)
        later = clock() + timedelta(hours=1)
        postpone(connection, item, "refused", now=clock(), next_at=later, attempts=1)
        assert next_due(connection) == later
    assert due(database, clock) == []
    mark(database, clock, "a", window=NOW)
    assert due(database, clock) == ["a"]


def test_a_failure_does_not_put_off_what_was_pushed_again(database: Database, clock: Clock) -> None:
    mark(database, clock, "a", window=NOW)
    with database.read() as connection:
        (item,) = take_due(connection, clock(), 100)
    mark(database, clock, "a", window=NOW)
    with database.write() as connection:
        postpone(connection, item, "refused", now=clock(), next_at=clock() + timedelta(hours=1), attempts=1)
    assert due(database, clock) == ["a"]
