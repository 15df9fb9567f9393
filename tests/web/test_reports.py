"""What the queries promise beyond what the pages and the API show of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from app.core.drift import DriftClass
from app.store import admins, tries
from app.store.database import Database
from app.store.evidence import load_evidence, snapshot
from app.web.drift_report import read_drift_report
from app.web.registration import DEFAULT_SWEEP_INTERVAL
from tests.conftest import Clock
from tests.web.rows import Rows, difference


def test_a_snapshot_does_not_mix_the_drift_before_a_sweep_with_its_fresh_evidence(
    database: Database, rows: Rows
) -> None:
    with snapshot(database) as connection:
        before = load_evidence(connection)
        rows.drift(difference(DriftClass.EXTRA))
        rows.sweep()
        assert load_evidence(connection) == before
    with snapshot(database) as connection:
        assert load_evidence(connection) != before


def test_without_a_limit_the_report_holds_every_difference(database: Database, rows: Rows, clock: Clock) -> None:
    rows.drift(*(difference(DriftClass.EXTRA, f"user{number}") for number in range(1200)))
    report = read_drift_report(database, clock(), mode="observe", sweep_interval=DEFAULT_SWEEP_INTERVAL)
    assert (len(report.items), report.total, report.next_offset) == (1200, 1200, None)


def test_tries_made_at_the_same_moment_are_each_counted(database: Database, clock: Clock) -> None:
    def attempt(_: int) -> datetime | None:
        with database.write() as connection:
            return tries.count_try(connection, "admin", "10.0.0.1", clock())

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(attempt, range(24)))
    assert answers.count(None) == tries.TRIES


def test_tries_of_several_names_from_several_addresses_do_not_wait_for_each_other(
    database: Database, clock: Clock
) -> None:
    def attempt(number: int) -> datetime | None:
        name, address = f"name {number % 3}", f"10.0.0.{number % 4}"
        with database.write() as connection:
            again_at = tries.count_try(connection, name, address, clock())
            tries.forget_tries(connection, name, address, clock())
            return again_at

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(attempt, range(48))) == [None] * 48


def test_of_two_processes_that_start_together_one_makes_the_first_admin(database: Database, clock: Clock) -> None:
    def start(_: int) -> str | None:
        with database.write() as connection:
            return admins.ensure_first_admin(connection, clock())

    with ThreadPoolExecutor(4) as pool:
        passwords = [password for password in pool.map(start, range(4)) if password]
    assert len(passwords) == 1
    with database.read() as connection:
        assert admins.verify(connection, admins.FIRST_ADMIN, passwords[0])
