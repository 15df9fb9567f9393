"""The admin room on a real database, and two who look into it: an admin who signed in, and one with a token."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.store import admins
from app.store.database import Database
from app.store.tokens import create_token
from app.web import register
from tests.conftest import Clock
from tests.web.rows import Rows

PASSWORD = "correct horse battery staple"

MakeApp = Callable[..., Flask]


@pytest.fixture
def rows(database: Database, clock: Clock) -> Rows:
    return Rows(database, clock)


@pytest.fixture
def make_app(database: Database, clock: Clock) -> MakeApp:
    """Makes an application, as one process of several would."""

    def make(**settings: Any) -> Flask:
        flask_app = Flask("app", static_folder=None)
        of = settings.pop("database", database)
        about = {"mode": "enforce", "tecton_url": "https://acme.tecton.ai", "secret_key": None, **settings}
        register(flask_app, of, clock=clock, **about)
        return flask_app

    return make


@pytest.fixture
def web_app(make_app: MakeApp) -> Flask:
    return make_app()


@pytest.fixture
def visitor(web_app: Flask) -> FlaskClient:
    """Somebody who has not signed in."""
    return web_app.test_client()


@pytest.fixture
def admin(database: Database, clock: Clock, visitor: FlaskClient) -> FlaskClient:
    """An admin who has signed in."""
    with database.write() as connection:
        admins.set_password(connection, "admin", PASSWORD, clock())
    assert sign_in(visitor).status_code == 302
    return visitor


class Caller:
    """Calls the JSON API with a token."""

    def __init__(self, client: FlaskClient, secret: str) -> None:
        self.client, self.headers = client, {"Authorization": f"Bearer {secret}"}

    def get(self, path: str) -> TestResponse:
        """The answer to a GET."""
        return self.client.get(path, headers=self.headers)

    def post(self, path: str) -> TestResponse:
        """The answer to a POST."""
        return self.client.post(path, headers=self.headers)

    def read(self, path: str) -> Any:
        """The JSON of a GET that must go well."""
        response = self.get(path)
        assert response.status_code == 200, response.text
        return response.json


def make_admin_caller(app: Flask, database: Database, clock: Clock) -> Caller:
    """Make a token of scope admin, and return a caller that has it."""
    with database.write() as connection:
        secret = create_token(connection, "of admin", "admin", clock())
    return Caller(app.test_client(), secret)


@pytest.fixture
def make_caller(database: Database, clock: Clock, web_app: Flask) -> Callable[[str], Caller]:
    """Makes a caller whose token has a scope."""

    def make(scope: str) -> Caller:
        with database.write() as connection:
            secret = create_token(connection, f"of {scope}", scope, clock())
        return Caller(web_app.test_client(), secret)

    return make


@pytest.fixture
def api(make_caller: Callable[[str], Caller]) -> Caller:
    """A caller with a token of scope admin."""
    return make_caller("admin")


def sign_in(client: FlaskClient, name: str = "admin", password: str = PASSWORD, **more: Any) -> TestResponse:
    """Fill in the sign-in form and send it."""
    form = {"csrf_token": csrf_token(client), "name": name, "password": password}
    return client.post("/sign-in", data={**form, **more.pop("data", {})}, **more)


def csrf_token(client: FlaskClient, path: str = "/sign-in") -> str:
    """The CSRF token of a form on a page."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(path).text)
    assert found
    return found[1]


@pytest.fixture
def empty_database(request: pytest.FixtureRequest, database: Database, tmp_path: Path) -> Iterator[Database]:
    """A database of the same sort without any table."""
    if database.is_sqlite:
        url = f"sqlite:///{tmp_path}/empty.db"
    else:
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("DROP DATABASE IF EXISTS empty"))
            connection.execute(text("CREATE DATABASE empty"))
        url = database.url.set(database="empty").render_as_string(hide_password=False)
    empty = Database(url)
    yield empty
    empty.dispose()


@pytest.fixture
def broken_database(database: Database, tmp_path: Path) -> Iterator[Database]:
    """A database of the same sort that cannot be reached."""
    if database.is_sqlite:
        (tmp_path / "secret-place").mkdir()
        (tmp_path / "secret-place" / "x.db").mkdir()
        url = f"sqlite:///{tmp_path}/secret-place/x.db"
    else:
        url = database.url.set(database="secret-place").render_as_string(hide_password=False)
    broken = Database(url)
    yield broken
    broken.dispose()
