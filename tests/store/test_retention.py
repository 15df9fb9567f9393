"""What is old is deleted once a day, and nothing that is still needed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, func, insert, select

from app.core.guards import Objection
from app.core.identity import Kind
from app.jobs import retention
from app.settings import SettingsError, read_settings
from app.store import facts, oauth, sessions, tries
from app.store.admins import Admin
from app.store.credentials import add_event
from app.store.database import Database
from app.store.tables import (
    admin_sessions,
    dirty,
    key_events,
    oauth_tokens,
    outcomes,
    plans,
    runs,
    sign_in_failures,
    sign_in_places,
)
from tests.conftest import Clock
from tests.rig import POLICY, Rig
from tests.web.rows import Rows, revoke

TOO_MANY = Objection("removals", "1 role would be removed", 1)


@pytest.fixture
def rig(database: Database, clock: Clock, tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(database, clock, tmp_path)
    yield rig
    rig.close()


@pytest.fixture
def rows(database: Database, clock: Clock) -> Rows:
    return Rows(database, clock)


def tidy(rig: Rig, **by: float) -> None:
    """Let time pass, and the leader delete what is old."""
    rig.clock.move(**by)
    rig.engine.worker.renew()
    rig.engine.retention.tick()


def count(rig: Rig, table: Table) -> int:
    with rig.database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def kept(rig: Rig) -> set[Any]:
    with rig.database.read() as connection:
        return set(connection.execute(select(runs.c.id)).scalars())


def test_a_run_goes_with_its_plans_and_outcomes_when_it_is_old_enough(rig: Rig, rows: Rows) -> None:
    run_id = rows.run("drain")
    rows.outcome(run_id, "ada", "create user ada")
    rows.plan(run_id, [revoke("ada")], status="applied")
    tidy(rig, days=400)
    assert (count(rig, runs), count(rig, plans), count(rig, outcomes)) == (1, 1, 1)
    tidy(rig, days=1)
    assert (count(rig, runs), count(rig, plans), count(rig, outcomes)) == (0, 0, 0)


def test_what_is_still_needed_is_kept_however_old(rig: Rig, rows: Rows) -> None:
    verified = rows.sweep()
    held, failing, waiting, gone = rows.run("plan"), rows.run("drain"), rows.run(status="requested"), rows.run()
    rows.plan(held, [revoke("ada")], objections=[TOO_MANY])
    rows.outcome(failing, "bob", "create user bob", status="failed", error="no")
    rows.dirty("bob", attempts=1, error="no")
    account = rows.run("drain")
    rows.outcome(account, "robot", "create robot", kind=Kind.SERVICE_ACCOUNT, status="failed", error="no")
    rows.dirty("robot", attempts=1, error="no")  # pushed as a user
    tidy(rig, days=800)
    assert kept(rig) == {verified, held, failing, account, waiting}
    assert gone not in kept(rig) and count(rig, dirty) == 2


def test_removals_that_the_guards_still_count_are_kept(rig: Rig, rows: Rows) -> None:
    rig.policy_file.write_text(POLICY.replace("guards: {", "guards: {window: 1000d, "))
    run_id = rows.run("drain")
    tidy(rig, days=900)
    assert kept(rig) == {run_id}
    tidy(rig, days=101)
    assert kept(rig) == set()


def test_it_is_done_in_batches_and_then_once_a_day(rig: Rig, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    monkeypatch.setattr(retention, "delete_old_runs", _two_at_a_time)
    for _ in range(3):
        rows.run()
    tidy(rig, days=401)
    assert count(rig, runs) == 1
    tidy(rig, seconds=1)
    assert count(rig, runs) == 0
    rows.run(at=rig.clock() - timedelta(days=500))
    tidy(rig, hours=23)
    assert count(rig, runs) == 1
    tidy(rig, hours=2)
    assert count(rig, runs) == 0


def _two_at_a_time(connection: Any, before: Any) -> int:
    from app.store.retention import delete_old_runs

    return delete_old_runs(connection, before, limit=2)


def test_ended_tokens_and_sessions_and_forgotten_wrong_sign_ins_go_and_the_record_of_keys_stays(rig: Rig) -> None:
    now = rig.clock()
    with rig.database.write() as connection:
        secret = oauth.add_secret(connection, "entra", now)
        secret_id = connection.execute(select(oauth.oauth_secrets.c.id)).scalar_one()
        token = {"token_hash": "x", "secret_id": secret_id, "issued_at": now, "expires_at": now + timedelta(hours=1)}
        connection.execute(insert(oauth_tokens).values(**token))
        tries.count_try(connection, "ana", "10.0.0.1", now)
        sessions.begin_session(connection, "secret", Admin("ana", "x"), now)
        add_event(connection, "id", "scoring", "claimed", "ana", "", now)
    assert secret.secret
    tidy(rig, minutes=5)
    assert [count(rig, table) for table in (oauth_tokens, sign_in_failures, admin_sessions)] == [1, 3, 1]
    tidy(rig, days=1)
    assert [count(rig, table) for table in (oauth_tokens, sign_in_failures, admin_sessions)] == [0, 0, 0]
    assert count(rig, key_events) == 1


def test_from_where_somebody_signed_in_is_forgotten_after_three_months(rig: Rig) -> None:
    with rig.database.write() as connection:
        tries.forget_tries(connection, "ana", "10.0.0.1", rig.clock())
    tidy(rig, days=89)
    assert count(rig, sign_in_places) == 1
    tidy(rig, days=1)
    assert count(rig, sign_in_places) == 0


def test_a_bridge_whose_history_is_gone_goes_on_as_before(rig: Rig) -> None:
    rig.run()
    rig.create_group("tecton-fraud", rig.create_user("ada@acme.com"))
    rig.settle()
    tidy(rig, days=401)
    assert count(rig, outcomes) == 0
    report = rig.run()
    assert (report["planned"], report["writes"]) == (0, 0)
    with rig.database.read() as connection:
        assert facts.read_fact(connection, facts.LAST_SWEEP)["run_id"] in kept(rig)


@pytest.mark.parametrize("text", ["sekret3", "999999999999d"])
def test_what_is_no_duration_is_refused_and_not_repeated(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("BRIDGE_SWEEP_INTERVAL", text)
    with pytest.raises(SettingsError, match="BRIDGE_SWEEP_INTERVAL: is not a duration") as refused:
        read_settings()
    assert text not in str(refused.value)


def test_a_retention_of_less_than_a_day_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_RETENTION", "1h")
    with pytest.raises(SettingsError, match="BRIDGE_RETENTION: must be at least 1d"):
        read_settings()
