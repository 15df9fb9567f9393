"""The leader's lease."""

from __future__ import annotations

from app.store.database import Database
from app.store.leases import LEASE_TIME, acquire, holder_name, is_held, read_lease, release
from tests.conftest import Clock

HERE, THERE = holder_name(), "another-machine/pid:[1]/7/100"


def take(database: Database, clock: Clock, holder: str) -> int | None:
    with database.write() as connection:
        return acquire(connection, holder, clock())


def test_one_leads_and_the_other_does_not(database: Database, clock: Clock) -> None:
    assert take(database, clock, THERE) == 1
    assert take(database, clock, HERE) is None
    assert take(database, clock, THERE) == 1


def test_a_lease_that_ran_out_is_taken_with_a_new_number(database: Database, clock: Clock) -> None:
    take(database, clock, THERE)
    clock.move(seconds=LEASE_TIME.total_seconds())
    assert take(database, clock, HERE) == 2
    assert take(database, clock, THERE) is None


def test_a_lease_that_is_given_back_is_taken_at_once(database: Database, clock: Clock) -> None:
    take(database, clock, THERE)
    with database.write() as connection:
        release(connection, THERE, clock())
    assert take(database, clock, HERE) == 2


def test_the_lease_of_a_process_that_died_here_is_taken_at_once(database: Database, clock: Clock) -> None:
    boot, namespace, pid, _ = HERE.split("/")
    take(database, clock, f"{boot}/{namespace}/{pid}/1")  # this process number, of another start
    assert take(database, clock, HERE) == 2


def test_a_living_process_is_not_taken_for_dead(database: Database, clock: Clock) -> None:
    take(database, clock, HERE)
    with database.read() as connection:
        assert is_held(read_lease(connection), clock())
