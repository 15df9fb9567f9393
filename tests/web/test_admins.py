"""Admin accounts, in the database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError

import pytest
from sqlalchemy import select

from app.store import admins, audit
from app.store.database import Database, StoreError
from app.store.tables import admins as admins_table
from tests.conftest import Clock


def test_the_first_start_makes_one_admin_and_later_ones_none(database: Database, clock: Clock) -> None:
    with database.write() as connection:
        password = admins.ensure_first_admin(connection, clock())
        assert password
        assert admins.ensure_first_admin(connection, clock()) is None
        assert admins.verify(connection, "admin", password)


def test_an_installation_with_an_admin_of_another_name_gets_no_second_one(database: Database, clock: Clock) -> None:
    with database.write() as connection:
        admins.set_password(connection, "ada", "secret", clock())
        assert admins.ensure_first_admin(connection, clock()) is None


def test_the_first_admin_is_in_the_audit_log_once(database: Database, clock: Clock) -> None:
    for _ in range(2):
        with database.write() as connection:
            admins.ensure_first_admin(connection, clock())
    with database.read() as connection:
        noted = [(row.who, row.event, row.name, row.detail) for row in audit.list_rows(connection)]
    assert noted == [("serve", "password set", "admin", "the first admin")]


def test_the_password_is_nowhere_in_the_database(database: Database, clock: Clock) -> None:
    with database.write() as connection:
        password = admins.ensure_first_admin(connection, clock())
        stored = repr(connection.execute(select(admins_table)).all())
    assert password and password not in stored


def test_made_passwords_differ_and_have_no_character_that_is_mistaken_for_another() -> None:
    made = {admins.make_password() for _ in range(50)}
    assert len(made) == 50
    assert not set("".join(made)) & set("0O1lI")


@pytest.mark.parametrize(("name", "password"), [("admin", "wrong"), ("nobody", "right"), ("", ""), ("Admin", "right")])
def test_only_the_right_name_with_the_right_password_is_verified(
    database: Database, clock: Clock, name: str, password: str
) -> None:
    with database.write() as connection:
        admins.set_password(connection, "admin", "right", clock())
        assert admins.verify(connection, name, password) is None


def test_an_unknown_name_costs_a_hash_like_a_known_one(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = []
    monkeypatch.setattr(admins, "_matches", lambda stored, password: bool(compared.append(stored)))
    with database.read() as connection:
        admins.verify(connection, "nobody", "x")
    assert compared[0].startswith("$argon2id$")


def test_many_passwords_at_once_do_not_take_all_the_memory(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    three = Barrier(3)

    class Hasher:
        hash = admins._HASHER.hash

        def verify(self, stored: str, password: str) -> bool:
            with suppress(BrokenBarrierError):
                three.wait(0.1)
            return not three.broken

    def verify(_: int) -> object:
        with database.read() as connection:
            return admins.verify(connection, "admin", "right")

    monkeypatch.setattr(admins, "_HASHER", Hasher())
    with database.write() as connection:
        admins.set_password(connection, "admin", "right", clock())
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(verify, range(3))) == [None] * 3


def test_a_new_password_changes_the_stamp_that_sessions_are_bound_to(database: Database, clock: Clock) -> None:
    with database.write() as connection:
        admins.set_password(connection, "admin", "old", clock())
        before = admins.find(connection, "admin")
        admins.set_password(connection, "admin", "new", clock())
        assert before and admins.find(connection, "admin") not in (None, before)


def test_the_session_secret_that_was_kept_first_stays(database: Database, clock: Clock) -> None:
    with database.write() as connection:
        assert admins.keep_session_secret(connection, "first", clock()) == "first"
        assert admins.keep_session_secret(connection, "second", clock()) == "first"


def test_a_database_without_tables_is_said_to_need_an_upgrade(empty_database: Database, clock: Clock) -> None:
    with pytest.raises(StoreError, match="db upgrade"), empty_database.write() as connection:
        admins.keep_session_secret(connection, "x", clock())
