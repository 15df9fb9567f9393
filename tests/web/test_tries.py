"""How often a sign-in may be tried: by name, by place, and by both."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.store import admins, tries
from app.store.database import Database
from app.store.tables import sign_in_failures, sign_in_places
from tests.conftest import Clock

Try = Callable[..., object]


@pytest.fixture
def fail(database: Database, clock: Clock) -> Try:
    """Tries once, in vain; returns until when it is refused, None when its password is looked at."""

    def fail(name: str = "admin", address: str = "10.0.0.1", times: int = 1) -> object:
        with database.write() as connection:
            return [tries.count_try(connection, name, address, clock()) for _ in range(times)][-1]

    return fail


@pytest.fixture
def succeed(database: Database, clock: Clock) -> Try:
    """Tries once, with the right password; returns until when it is refused, None when it is not."""

    def succeed(name: str = "admin", address: str = "10.0.0.1") -> object:
        with database.write() as connection:
            again_at = tries.count_try(connection, name, address, clock())
            if again_at is None:
                tries.forget_tries(connection, name, address, clock())
            return again_at

    return succeed


def test_five_tries_go_on_and_the_sixth_waits_a_quarter_of_an_hour(fail: Try, clock: Clock) -> None:
    assert [fail() for _ in range(5)] == [None] * 5
    assert fail() == clock() + timedelta(minutes=15)


def test_trying_on_while_refused_does_not_prolong_the_wait(fail: Try, clock: Clock) -> None:
    fail(times=6)
    until = clock() + timedelta(minutes=15)
    clock.move(minutes=14)
    assert fail() == until
    clock.move(minutes=1)
    assert [fail() for _ in range(5)] == [None] * 5
    assert fail() == clock() + timedelta(minutes=15)


def test_another_address_and_another_name_are_not_refused(fail: Try) -> None:
    fail(times=6)
    assert fail(address="10.0.0.2") is None
    assert fail(name="ada") is None


def test_one_address_does_not_try_name_after_name(fail: Try, clock: Clock) -> None:
    assert [fail(name=f"name {n}") for n in range(50)] == [None] * 50
    assert fail(name="another") == clock() + timedelta(minutes=15)
    assert fail(name="another", address="10.0.0.2") is None
    clock.move(minutes=15)
    assert fail(name="another") is None


def test_an_address_that_is_refused_fills_no_table(fail: Try, database: Database) -> None:
    for n in range(60):
        fail(name=f"name {n}")
    with database.read() as connection:
        assert len(connection.execute(select(sign_in_failures)).all()) == 1 + 2 * 50


def test_many_addresses_together_do_not_guess_one_password(fail: Try, clock: Clock) -> None:
    assert [fail(address=f"10.0.1.{n}", times=5) for n in range(20)] == [None] * 20
    assert fail(address="10.0.2.1") == clock() + timedelta(minutes=15)
    assert fail(name="ada", address="10.0.2.1") is None


def test_many_addresses_together_do_not_keep_an_admin_out_of_where_they_sign_in(fail: Try, succeed: Try) -> None:
    assert succeed(address="192.0.2.7") is None
    for n in range(21):
        fail(address=f"10.0.1.{n}", times=5)
    assert succeed(address="198.51.100.1") is not None
    assert succeed(address="192.0.2.7") is None
    assert succeed(name="ada", address="192.0.2.7") is None


def test_an_address_that_is_refused_does_not_use_up_the_tries_of_a_name(fail: Try) -> None:
    for n in range(4):
        fail(address=f"10.0.1.{n}", times=40)
    assert fail(address="10.0.2.1") is None


def test_a_known_address_does_not_try_without_end(fail: Try, succeed: Try) -> None:
    succeed()
    assert fail(times=5) is None
    assert fail() is not None


def test_a_sign_in_makes_no_room_for_guessing_another_name(fail: Try, succeed: Try) -> None:
    for n in range(50):
        assert fail(name=f"name {n}") is None
        assert succeed(name="mallory") is None or n == 49
    assert fail(name="another") is not None


def test_who_signs_in_often_is_not_taken_for_somebody_who_guesses(succeed: Try) -> None:
    assert [succeed() for _ in range(120)] == [None] * 120


def test_a_new_password_forgives_what_was_tried_from_anywhere(fail: Try, database: Database, clock: Clock) -> None:
    with database.write() as connection:
        admins.create_admin(connection, "admin", clock(), who="command")
    for n in range(21):
        fail(address=f"10.0.1.{n}", times=5)
    with database.write() as connection:
        admins.reset_password(connection, "admin", clock(), who="command")
    assert fail(address="10.0.1.1") is None


def test_an_admin_who_is_removed_leaves_no_address_behind(succeed: Try, database: Database, clock: Clock) -> None:
    with database.write() as connection:
        for name in ("admin", "ada"):
            admins.create_admin(connection, name, clock(), who="command")
    succeed()
    with database.write() as connection:
        admins.remove_admin(connection, "admin", clock(), who="command")
        assert connection.execute(select(sign_in_places)).all() == []


def test_what_was_typed_for_a_name_is_not_kept(fail: Try, database: Database) -> None:
    fail(name="a password in the wrong field")
    with database.read() as connection:
        assert "wrong field" not in str(connection.execute(select(sign_in_failures)).all())


@pytest.mark.parametrize("own", ["2001:db8:1:2::7", "[2001:db8:1:2:ffff::]:443", "2001:DB8:1:2:0:0:0:1"])
def test_all_addresses_of_an_ipv6_network_are_one_place(own: str) -> None:
    assert tries.place_of(own) == "2001:db8:1:2::/64"
    assert tries.place_of(own) != tries.place_of("2001:db8:1:3::7")


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1:5093", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
        ("a\0b", "unknown"),
        ("*", "unknown"),
    ],
)
def test_an_address_is_counted_however_it_is_written(address: str, place: str) -> None:
    assert tries.place_of(address) == place
