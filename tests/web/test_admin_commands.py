"""`python -m app admin`: nobody is locked out, and no password is shown twice."""

from __future__ import annotations

import getpass
import json

import pytest
from click.testing import Result
from flask.testing import FlaskClient

from app.store import audit
from app.store.database import Database
from tests.conftest import Invoke
from tests.web.conftest import sign_in


@pytest.fixture
def command(invoke_stored: Invoke) -> Invoke:
    return lambda *arguments: invoke_stored("admin", *arguments)


def last_line(result: Result) -> str:
    assert result.exit_code == 0, result.stderr
    return result.stdout.rstrip("\n").rpartition("\n")[2]


def test_a_created_admin_signs_in_with_the_printed_password(command: Invoke, visitor: FlaskClient) -> None:
    password = last_line(command("create", "ana"))
    assert sign_in(visitor, "ana", password).status_code == 302
    assert json.loads(command("list", "--json").stdout)[0]["name"] == "ana"
    assert password not in command("list").stdout


def test_a_new_password_ends_the_old_one_and_forgives_wrong_tries(command: Invoke, visitor: FlaskClient) -> None:
    old = last_line(command("create", "ana"))
    for _ in range(6):
        sign_in(visitor, "ana", "wrong")
    new = last_line(command("reset-password", "ana"))
    assert sign_in(visitor, "ana", old).status_code == 401
    assert sign_in(visitor, "ana", new).status_code == 302


def test_a_removed_admin_is_out_and_the_last_one_stays(command: Invoke, visitor: FlaskClient) -> None:
    password = last_line(command("create", "ana"))
    assert sign_in(visitor, "ana", password).status_code == 302
    assert "the last admin" in command("remove", "ana").stderr
    command("create", "bob")
    assert command("remove", "ana").exit_code == 0
    assert visitor.get("/").status_code == 302
    assert [of["name"] for of in json.loads(command("list", "--json").stdout)] == ["bob"]


def test_the_audit_log_says_who_gave_the_command(
    command: Invoke, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: "root")
    for arguments in (("create", "ana"), ("create", "bob"), ("reset-password", "ana"), ("remove", "bob")):
        assert command(*arguments).exit_code == 0
    with database.read() as connection:
        noted = [(row.who, row.event, row.name) for row in audit.list_rows(connection, who="root")]
    events = [("password set", "ana"), ("password set", "bob"), ("password set", "ana"), ("removed", "bob")]
    assert noted == [("command by root", *event) for event in events]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("create", "ana"), "there is an admin ana already"),
        (("create", " "), "needs a name"),
        (("create", "a\nb"), "needs a name"),
        (("reset-password", "bob"), "there is no admin bob"),
        (("remove", "bob"), "there is no admin bob"),
    ],
)
def test_what_cannot_be_done_says_why(command: Invoke, arguments: tuple[str, ...], said: str) -> None:
    command("create", "ana")
    result = command(*arguments)
    assert (result.exit_code, said in result.stderr) == (1, True)
