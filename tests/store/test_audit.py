"""The audit log: what it holds, that it is only added to, and that every change of it shows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DBAPIError

from app.store import admins, audit, journal, tokens
from app.store.credentials import add_event
from app.store.database import Database
from app.store.tables import audit as table
from tests.conftest import Clock, Invoke
from tests.rig import Rig
from tests.web.conftest import PASSWORD, sign_in

ADA = "ada@acme.com"


@pytest.fixture
def rig(database: Database, clock: Clock, tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(database, clock, tmp_path)
    rig.engine.worker.renew()
    yield rig
    rig.close()


@pytest.fixture
def command(invoke_stored: Invoke) -> Invoke:
    return lambda *arguments: invoke_stored("audit", *arguments)


def rows(rig: Rig, who: str | None = None) -> list[tuple[str, ...]]:
    """What the log says, as (who, event, kind, name, detail)."""
    with rig.database.read() as connection:
        found = list(audit.list_rows(connection, who=who))
    return [(row.who, row.event, row.kind, row.name, row.detail) for row in found]


def seal(rig: Rig) -> None:
    rig.engine.worker.renew()
    rig.engine.audit_seal.tick()


def verified(rig: Rig) -> audit.Verified:
    with rig.database.read() as connection:
        return audit.verify(connection)


def break_in(rig: Rig, *statements: Any) -> None:
    """Change the log as somebody would who can drop its guards."""
    with rig.database.write() as connection:
        for name in ("audit_unchanged", "audit_undeleted"):
            connection.execute(text(f"DROP TRIGGER {name}" + ("" if rig.database.is_sqlite else " ON audit")))
    try:
        with rig.database.write() as connection:
            for statement in statements:
                connection.execute(statement)
    finally:
        with rig.database.write() as connection:
            for name, when in (("audit_unchanged", "UPDATE"), ("audit_undeleted", "DELETE")):
                if not rig.database.is_sqlite:
                    guard = f"CREATE TRIGGER {name} BEFORE {when} ON audit FOR EACH ROW"
                    connection.execute(text(f"{guard} {_WHEN.get(name, '')} EXECUTE FUNCTION {name}()"))


_WHEN = {"audit_unchanged": "WHEN (OLD.hash IS NOT NULL)"}


# ---------------------------------------------------------------- what it holds


def test_a_leaver_is_proven_from_the_push_to_tecton(rig: Rig) -> None:
    rig.run()
    ada = rig.create_user(ADA)
    rig.create_group("tecton-fraud", ada)
    rig.settle()
    rig.set_active(ada, False)
    rig.settle()
    found = rows(rig, who="ADA@acme.com")
    events = [(event, detail) for _, event, _, _, detail in found]
    assert events[0] == ("pushed", "created") and ("pushed", "deactivated") in events
    assert ("okta", "pushed", "User", ADA, "deactivated") in found
    assert json.loads(events[-1][1]) == [f"delete user {ADA}"] and events[-1][0] == "applied"
    assert any("add ada@acme.com to group fraud" in detail for _, detail in events)
    assert all(ADA in (name, *detail.split()) or name == "fraud" for *_, name, detail in found)


def test_a_push_says_what_became_of_the_resource_and_by_which_token(rig: Rig) -> None:
    ada = rig.create_user(ADA)
    rig.patch(f"/Users/{ada}", {"op": "replace", "path": "userName", "value": "ada@new.com"})
    rig.patch(f"/Users/{ada}", {"op": "replace", "path": "title", "value": "Boss"})
    team = rig.create_group("tecton-fraud")
    rig.patch(f"/Groups/{team}", {"op": "add", "path": "members", "value": [{"value": ada}]})
    rig.set_active(ada, False)
    rig.set_active(ada, True)
    rig.push("DELETE", f"/Users/{ada}")
    details = [(kind, detail) for who, event, kind, _, detail in rows(rig) if (who, event) == ("okta", "pushed")]
    assert details == [
        ("User", "created"),
        ("User", f"renamed from {ADA}"),
        ("User", "changed"),
        ("Group", "created"),
        ("Group", "members changed"),
        ("User", "deactivated"),
        ("User", "activated"),
        ("Group", "members changed"),
        ("User", "deleted"),
    ]


def test_a_refused_push_leaves_no_row(rig: Rig) -> None:
    rig.create_user(ADA)
    before = rows(rig)
    rig.push("POST", "/Users", {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": ADA}, status=409)
    assert rows(rig) == before


def test_keys_tokens_approvals_admins_and_sign_ins_are_in_it(rig: Rig) -> None:
    now, client = rig.clock(), rig.app.test_client()
    with rig.database.write() as connection:
        add_event(connection, "id", "scoring", "claimed", "admin ana", "", now)
        tokens.create_token(connection, "entra", "scim", now)
        tokens.revoke(connection, "entra", now)
        journal.request_run(connection, "apply", "admin ana", now, approve="f1")
        journal.request_run(connection, "sweep", "schedule", now)
        admins.set_password(connection, "ana", PASSWORD, now)
    sign_in(client, "ana", "wrong")
    sign_in(client, "ana")
    assert rows(rig)[1:] == [  # the first is the token of the rig
        ("admin ana", "claimed", "key", "scoring", ""),
        ("command", "token created", "token", "entra", "scim"),
        ("command", "token revoked", "token", "entra", "scim"),
        ("admin ana", "approved", "plan", "f1", ""),
        ("command", "password set", "admin", "ana", ""),
        ("admin ana", "signed in", "admin", "ana", "from 127.0.0.1"),
    ]
    assert [row[1] for row in rows(rig, who="ana")] == ["claimed", "approved", *(row[1] for row in rows(rig)[5:])]


def test_a_change_of_the_policy_in_force_is_in_it(rig: Rig) -> None:
    rig.engine.policy_watch.tick()
    rig.policy_file.write_text(rig.policy_file.read_text() + "# another\n")
    rig.clock.move(seconds=1)
    rig.engine.policy_watch.tick()
    assert [row[1] for row in rows(rig) if row[2] == "policy"] == ["in force", "in force"]


# ---------------------------------------------------------------- that it holds


def test_sealed_rows_verify_and_new_ones_are_told_apart(rig: Rig, command: Invoke) -> None:
    rig.create_user(ADA)
    assert (verified(rig).sealed, verified(rig).unsealed, verified(rig).fault) == (0, 2, "")
    seal(rig)
    head = verified(rig).head
    rig.create_user("bob@acme.com")
    seal(rig)
    assert (verified(rig).sealed, verified(rig).unsealed) == (3, 0) and verified(rig).head != head
    result = command("verify", "--json")
    assert (result.exit_code, json.loads(result.stdout)["sealed"]) == (0, 3)
    assert command("verify").stdout.startswith("ok: 3 rows are sealed")


@pytest.mark.parametrize(
    "statement",
    [
        update(table).values(who="somebody else"),
        update(table).values(hash="0" * 64),
        delete(table),
    ],
)
def test_nobody_changes_or_deletes_a_row(rig: Rig, statement: Any) -> None:
    rig.create_user(ADA)
    seal(rig)
    with pytest.raises(DBAPIError, match="only added to"), rig.database.write() as connection:
        connection.execute(statement)
    assert verified(rig).fault == ""


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        (update(table).where(table.c.position == 2).values(detail="nothing"), "row 2 was changed: pushed User"),
        (delete(table).where(table.c.position == 2), "row 2 is missing"),
        (delete(table).where(table.c.position == 3), "the rows after 2 are missing"),
    ],
)
def test_who_breaks_in_all_the_same_is_found_out(rig: Rig, command: Invoke, statement: Any, fault: str) -> None:
    for name in (ADA, "bob@acme.com"):
        rig.create_user(name)
    seal(rig)
    break_in(rig, statement)
    assert fault in verified(rig).fault
    result = command("verify")
    assert (result.exit_code, fault in result.stderr) == (1, True)


def test_the_export_is_json_lines_of_a_span_of_time(rig: Rig, command: Invoke, clock: Clock) -> None:
    rig.create_user(ADA)
    clock.move(days=1)
    rig.create_user("bob@acme.com")
    seal(rig)
    lines = [json.loads(line) for line in command("export", "--since", "2026-03-03").stdout.splitlines()]
    assert [(line["name"], line["position"], len(line["hash"])) for line in lines] == [("bob@acme.com", 3, 64)]
    assert len(command("export", "--until", "2026-03-03").stdout.splitlines()) == 2
    assert [json.loads(line)["name"] for line in command("export", "--who", ADA).stdout.splitlines()] == [ADA]
    with rig.database.read() as connection:
        assert lines[0]["hash"] == connection.execute(select(table.c.hash).where(table.c.position == 3)).scalar_one()
