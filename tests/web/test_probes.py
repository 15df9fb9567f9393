"""/healthz, /readyz and /metrics."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event, select

from app.core.drift import DriftClass
from app.store.database import Database
from app.store.facts import WRITE_CHECK
from app.store.tables import facts
from tests.conftest import Clock
from tests.web.conftest import Caller, MakeApp
from tests.web.rows import Rows, difference


def test_a_process_is_alive_even_when_its_database_is_not(make_app: MakeApp, broken_database: Database) -> None:
    client = make_app(database=broken_database).test_client()
    assert client.get("/healthz").json == {"status": "ok"}


def test_a_migrated_database_is_ready(visitor: FlaskClient) -> None:
    assert visitor.get("/readyz").json == {"status": "ready"}


def test_a_database_that_cannot_be_reached_is_not_ready_and_no_address_is_told(
    make_app: MakeApp, broken_database: Database
) -> None:
    response = make_app(database=broken_database).test_client().get("/readyz")
    assert response.status_code == 503
    assert response.json == {"status": "not_ready", "reason": "the database cannot be reached"}


def test_a_database_without_tables_says_what_to_do(make_app: MakeApp, empty_database: Database) -> None:
    response = make_app(database=empty_database).test_client().get("/readyz")
    assert response.status_code == 503
    assert "python -m app db upgrade" in response.json["reason"]


@pytest.mark.parametrize(("scope", "status"), [("admin", 200), ("scim", 403)])
def test_metrics_are_for_admin_tokens(make_caller: Callable[[str], Caller], scope: str, status: int) -> None:
    assert make_caller(scope).get("/metrics").status_code == status


def test_metrics_are_closed_to_who_comes_from_the_same_machine(visitor: FlaskClient) -> None:
    response = visitor.get("/metrics", environ_overrides={"REMOTE_ADDR": "127.0.0.1"})
    assert response.status_code == 401


def values(api: Caller) -> dict[str, float]:
    lines = api.get("/metrics").text.splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}


def test_metrics_tell_drift_queue_sweep_and_runs(api: Caller, rows: Rows, clock: Clock) -> None:
    rows.sweep(ago=timedelta(minutes=10))
    rows.drift(difference(DriftClass.EXTRA, "a"), difference(DriftClass.EXTRA, "b"))
    rows.dirty("u1")
    rows.run("drain", status="failed", error="x")
    clock.move(seconds=30)
    told = values(api)
    assert told['tecton_bridge_drift_items{class="extra"}'] == 2
    assert told['tecton_bridge_drift_items{class="missing"}'] == 0
    assert told["tecton_bridge_dirty_principals"] == 1
    assert told["tecton_bridge_dirty_oldest_age_seconds"] == 30
    assert told["tecton_bridge_last_sweep_age_seconds"] == 630
    assert told['tecton_bridge_runs{purpose="drain",status="failed"}'] == 1
    assert told["tecton_bridge_in_sync"] == 0


def test_the_age_of_a_sweep_that_never_was_is_left_out_and_not_zero(api: Caller) -> None:
    assert "tecton_bridge_last_sweep_age_seconds" not in values(api)


def test_answer_times_are_counted_per_route_and_not_per_path(api: Caller) -> None:
    api.get("/api/v1/runs/a")
    api.get("/api/v1/runs/b")
    api.get("/nowhere")
    told = values(api)
    name = "tecton_bridge_http_request_duration_seconds_count"
    assert told[f'{name}{{method="GET",route="/api/v1/runs/<run_id>",status="404"}}'] == 2
    assert told[f'{name}{{method="GET",route="none",status="404"}}'] == 1


def test_an_invented_method_makes_no_series_of_its_own(api: Caller) -> None:
    api.client.open("/api/v1/runs", method="BREW")
    assert not [name for name in values(api) if "BREW" in name]


@pytest.fixture
def read_only_database(database: Database) -> Iterator[Database]:
    """The database, opened so that it takes no writes."""
    if database.is_sqlite:
        closed = Database(database.url.render_as_string(hide_password=False))
        event.listen(closed.engine, "connect", lambda connection, _: connection.execute("PRAGMA query_only = ON"))
    else:
        options = {"options": "-cdefault_transaction_read_only=on"}
        closed = Database(database.url.update_query_dict(options).render_as_string(hide_password=False))
    yield closed
    closed.dispose()


def test_a_database_that_can_only_be_read_is_not_ready(make_app: MakeApp, read_only_database: Database) -> None:
    response = make_app(database=read_only_database).test_client().get("/readyz")
    assert response.status_code == 503
    assert response.json["reason"] == "the database stores nothing: see the log"


def test_who_asks_often_makes_no_write_each_time(visitor: FlaskClient, database: Database, clock: Clock) -> None:
    def last_written() -> object:
        assert visitor.get("/readyz").status_code == 200
        with database.read() as connection:
            return connection.execute(select(facts.c.at).where(facts.c.name == WRITE_CHECK)).scalar_one()

    first, again = last_written(), (clock.move(seconds=1), last_written())[1]
    assert again == first
    clock.move(seconds=10)
    assert last_written() == clock.now


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("replaced", [False, True])
def test_a_database_file_that_is_gone_is_not_ready(
    visitor: FlaskClient, database: Database, tmp_path: Path, *, replaced: bool
) -> None:
    assert visitor.get("/readyz").status_code == 200
    path = Path(database.url.database or "")
    kept = path.rename(tmp_path / "kept.db")
    if replaced:
        shutil.copy(kept, path)
    response = visitor.get("/readyz")
    assert (response.status_code, path.exists()) == (503, replaced)
    assert response.json["reason"] == "the file of the database was removed or replaced: see the log"
    kept.rename(path)
    assert visitor.get("/readyz").status_code == 200
