"""What an admin orders from a page is asked of the leader, in the admin's name."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from app.core.guards import Objection
from app.store.database import Database
from app.store.tables import runs
from tests.web.conftest import MakeApp, csrf_token, sign_in
from tests.web.rows import Rows, revoke


def requested(database: Database) -> list[tuple[Any, ...]]:
    with database.read() as connection:
        columns = (runs.c.purpose, runs.c.requested_by, runs.c.approve)
        waiting = connection.execute(runs.select().with_only_columns(*columns).where(runs.c.status == "requested"))
        return [tuple(row) for row in waiting]


TOO_MANY = Objection("removals", "1 role would be removed", 1)


def plan(rows: Rows, status: str = "held") -> str:
    return rows.plan(rows.sweep(), [revoke("ada")], objections=[TOO_MANY], status=status)


def test_approving_a_held_plan_asks_for_exactly_that_plan(admin: FlaskClient, rows: Rows, database: Database) -> None:
    fingerprint = plan(rows)
    answer = admin.post(
        f"/plans/{fingerprint}/approval", data={"csrf_token": csrf_token(admin, f"/plans/{fingerprint}")}
    )
    assert answer.status_code == 303
    assert requested(database) == [("apply", "admin admin", fingerprint)]
    assert admin.get(answer.headers["Location"]).status_code == 200


@pytest.mark.parametrize("status", ["applied", "superseded", "planned"])
def test_a_plan_that_is_not_held_is_not_approved(
    admin: FlaskClient, rows: Rows, database: Database, status: str
) -> None:
    fingerprint = plan(rows, status)
    answer = admin.post(f"/plans/{fingerprint}/approval", data={"csrf_token": csrf_token(admin, "/")})
    assert answer.status_code == 409
    assert requested(database) == []


@pytest.mark.parametrize("name", ["none", "%00"])
def test_a_plan_that_is_not_there_is_not_approved(admin: FlaskClient, rows: Rows, name: str) -> None:
    assert admin.post(f"/plans/{name}/approval", data={"csrf_token": csrf_token(admin, "/")}).status_code == 404


def test_a_sweep_is_asked_for(admin: FlaskClient, database: Database) -> None:
    assert admin.post("/sweeps", data={"csrf_token": csrf_token(admin, "/")}).status_code == 303
    assert requested(database) == [("sweep", "admin admin", None)]


@pytest.mark.parametrize("path", ["/sweeps", "/plans/{}/approval"])
def test_nothing_is_ordered_without_the_form_or_without_signing_in(
    admin: FlaskClient, rows: Rows, database: Database, make_app: MakeApp, path: str
) -> None:
    fingerprint = plan(rows)
    path = path.format(fingerprint)
    assert admin.post(path).status_code == 400
    stranger = make_app().test_client()
    token = csrf_token(stranger)
    assert stranger.post(path, data={"csrf_token": token}).status_code in (302, 401)
    assert requested(database) == []


def test_where_the_bridge_only_observes_nothing_is_offered_for_approval(
    make_app: MakeApp, admin: FlaskClient, rows: Rows
) -> None:
    fingerprint = plan(rows)
    observer = make_app(mode="observe").test_client()
    sign_in(observer)
    assert "Approve" in admin.get(f"/plans/{fingerprint}").text
    assert "Approve," not in observer.get(f"/plans/{fingerprint}").text
