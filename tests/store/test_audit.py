"""The audit log: what it holds, that it is only added to, and that every change of it shows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from app.store import admins, audit, journal, tokens
from app.store.credentials import add_event
from app.store.database import Database
from app.store.facts import AUDIT_HEAD
from app.store.tables import audit as table
from app.store.tables import facts
from tests.conftest import Clock, Invoke, drop_guard
from tests.rig import GROUP, PATCH, Rig
from tests.web.conftest import PASSWORD, sign_in

ADA = "ada@acme.com"
ROLE = {"op": "add", "path": "roles", "value": [{"type": "account_type", "value": "admin"}]}
FORGED = {
    "at": datetime(2026, 3, 2, tzinfo=UTC),
    **dict.fromkeys(("who", "event", "kind", "subject", "name", "detail"), "forged"),
}


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
        guards = _drop_guards(connection)
        for statement in statements:
            connection.execute(statement)
        for guard in guards:
            connection.exec_driver_sql(guard)


def _drop_guards(connection: Connection) -> list[str]:
    """Drop the triggers on the log for this transaction: return what makes SQLite's again, PostgreSQL needs nothing."""
    if connection.dialect.name == "postgresql":
        drop_guard(connection)
        return []
    triggers = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'"
    found = connection.exec_driver_sql(triggers).all()
    for name, _ in found:
        connection.exec_driver_sql(f"DROP TRIGGER {name}")
    return [sql for _, sql in found]


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
        ("Group", '["add ada@new.com to group tecton-fraud"]'),
        ("Group", "members changed"),
        ("User", "deactivated"),
        ("User", "activated"),
        ("Group", "members changed"),
        ("Group", '["remove ada@new.com from group tecton-fraud"]'),
        ("User", "deleted"),
    ]


def moves(rig: Rig, who: str | None = None) -> list[str]:
    """Who was pushed into groups and out of them, by the log; only of pushes that say so by name."""
    return [detail for _, event, kind, _, detail in rows(rig, who) if event == "pushed" and detail.startswith("[")]


def test_every_way_into_a_group_and_out_of_it_is_named(rig: Rig) -> None:
    ada, bob = rig.create_user(ADA), rig.create_user("Éva@acme.com")
    team = rig.create_group("tecton-fraud", ada, bob)
    rig.push("PUT", f"/Groups/{team}", {"schemas": [GROUP], "displayName": "tecton-new", "members": [{"value": bob}]})
    rig.patch(f"/Groups/{team}", {"op": "add", "path": "members", "value": [{"value": ada}, {"value": bob}]})
    rig.patch(f"/Groups/{team}", {"op": "remove", "path": f'members[value eq "{ada}"]'})
    rig.push("DELETE", f"/Groups/{team}")
    added, left, again, gone, deleted = map(json.loads, moves(rig))
    assert sorted(added) == [f"add {name} to group tecton-fraud" for name in (ADA, "Éva@acme.com")]
    assert (left, again) == ([f"remove {ADA} from group tecton-fraud"], [f"add {ADA} to group tecton-new"])
    assert (gone, deleted) == ([f"remove {ADA} from group tecton-new"], ["remove Éva@acme.com from group tecton-new"])
    assert [json.loads(detail) for detail in moves(rig, "Éva@acme.com")] == [added, deleted]


def test_of_very_many_members_some_are_named_and_the_others_counted(rig: Rig) -> None:
    people = [rig.create_user(f"p{number}@acme.com") for number in range(53)]
    rig.create_group("tecton-fraud", *people)
    (said,) = moves(rig)
    assert (said.count("add p"), said.rpartition("]")[2]) == (50, ", and 3 more added")


def test_what_is_told_of_somebody_is_also_what_happened_under_an_earlier_name_and_nothing_of_others(
    rig: Rig, command: Invoke
) -> None:
    rig.run()
    ada = rig.create_user(ADA)
    team = rig.create_group("tecton-fraud", ada, rig.create_user("admin"))
    rig.settle()
    rig.patch(f"/Users/{ada}", {"op": "replace", "path": "userName", "value": "ada@new.com"})
    rig.patch(f"/Groups/{team}", {"op": "remove", "path": f'members[value eq "{ada}"]'})
    rig.push("PATCH", f"/Users/{ada}", {"schemas": [PATCH], "Operations": [ROLE]})
    rig.settle()
    told = [detail for *_, detail in rows(rig, "ADA@new.com")]
    assert any(f'"add {ADA} to group fraud"' in detail for detail in told)
    assert any('"remove ada@new.com from group tecton-fraud"' in detail for detail in told)
    assert any("grant admin on the account to user" in detail for *_, detail in rows(rig))
    assert not any("grant" in detail for *_, detail in rows(rig, "admin"))
    result = command("export", "--who", "nosuch")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "nothing is recorded of nosuch\n")


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


def test_since_when_the_bridge_writes_to_tecton_is_in_it(rig: Rig) -> None:
    rig.engine.policy_watch.tick()
    rig.engine.close()
    rig.settings.mode = "observe"
    rig.engine = rig.start_engine()
    rig.engine.worker.renew()
    rig.engine.policy_watch.tick()
    rig.engine.policy_watch.tick()
    assert [row[:4] for row in rows(rig) if row[2] == "mode"] == [
        ("bridge", "in force", "mode", "enforce"),
        ("bridge", "in force", "mode", "observe"),
    ]


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
        insert(table).values(**FORGED, position=9),
        insert(table).values(**FORGED, hash="0" * 64),
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


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT OR REPLACE INTO audit (id, at, who, event, kind, subject, name, detail)"
        " SELECT id, at, 'nobody', event, kind, subject, name, detail FROM audit WHERE id = 1",
        "UPDATE OR REPLACE audit SET position = 1, hash = 'forged' WHERE position IS NULL",
    ],
)
def test_sqlite_replaces_no_row_by_another(rig: Rig, statement: str) -> None:
    rig.create_user(ADA)
    seal(rig)
    rig.create_user("bob@acme.com")
    if rig.database.is_sqlite:
        with pytest.raises(DBAPIError, match="only added to"), rig.database.write() as connection:
            connection.exec_driver_sql(statement)
    assert (verified(rig).fault, len(rows(rig))) == ("", 3)


def test_postgresql_does_not_truncate_it(rig: Rig) -> None:
    rig.create_user(ADA)
    if not rig.database.is_sqlite:
        with pytest.raises(DBAPIError, match="only added to"), rig.database.write() as connection:
            connection.execute(text("TRUNCATE audit"))
    assert len(rows(rig)) == 2


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        (delete(table).where(table.c.position == 3), "row 3 is missing"),
        (delete(table), "row 1 is missing"),
        (update(facts).where(facts.c.name == AUDIT_HEAD).values(value={"position": 1, "hash": "0" * 64}), "row 4"),
        (delete(facts).where(facts.c.name == AUDIT_HEAD), "row 4 was changed"),
    ],
)
def test_sealing_more_rows_hides_no_break_in(rig: Rig, statement: Any, fault: str) -> None:
    for name in (ADA, "bob@acme.com"):
        rig.create_user(name)
    seal(rig)
    break_in(rig, statement)
    rig.create_user("cyd@acme.com")
    seal(rig)
    assert (fault in verified(rig).fault, verified(rig).unsealed) == (True, 0)


def test_a_chain_that_was_sealed_anew_does_not_fit_the_record(rig: Rig) -> None:
    rig.create_user(ADA)
    seal(rig)
    with rig.database.read() as connection:
        forged = list(audit.list_rows(connection))[1]._replace(detail="nothing")
        first = connection.execute(select(table.c.hash).where(table.c.position == 1)).scalar_one()
    values = {"detail": "nothing", "hash": forged.sealed_after(first, 2)}
    break_in(rig, update(table).where(table.c.position == 2).values(**values))
    assert "row 2 has not the hash that was recorded" in verified(rig).fault


def test_a_row_beyond_the_recorded_end_does_not_fit(rig: Rig) -> None:
    rig.create_user(ADA)
    seal(rig)
    with rig.database.read() as connection:
        first = connection.execute(select(table.c.hash).where(table.c.position == 1)).scalar_one()
    record = {"position": 1, "hash": first}
    break_in(rig, update(facts).where(facts.c.name == AUDIT_HEAD).values(value=record))
    assert "row 2 is after the recorded end, which is row 1" in verified(rig).fault


def test_a_hash_kept_elsewhere_shows_a_log_written_anew(rig: Rig, command: Invoke) -> None:
    rig.create_user(ADA)
    seal(rig)
    kept = verified(rig).head
    rig.create_user("bob@acme.com")
    seal(rig)
    result = command("verify", "--head", kept.upper())
    assert (result.exit_code, "row 2 has the kept hash" in result.stdout) == (0, True)
    assert json.loads(command("verify", "--head", kept, "--json").stdout)["kept_at"] == 2
    break_in(rig, delete(table), delete(facts).where(facts.c.name == AUDIT_HEAD))
    rig.create_user("cyd@acme.com")
    seal(rig)
    assert command("verify").exit_code == 0
    result = command("verify", "--head", kept)
    assert (result.exit_code, "no row has the kept hash" in result.stderr) == (1, True)
    assert json.loads(command("verify", "--head", kept, "--json").stdout)["ok"] is False


def test_a_head_that_is_no_hash_is_refused(command: Invoke) -> None:
    result = command("verify", "--head", "abc")
    assert (result.exit_code, "64 hexadecimal digits" in result.stderr) == (2, True)


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
