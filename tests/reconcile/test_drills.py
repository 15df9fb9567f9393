"""Drills: each thing that would delete access in masses happens, and nobody loses any whom no person let go.

In each of them a hire of that hour gets access, the plan that is held says why with its numbers, a person
approves what it shows and nothing else, and an approval of what it showed before is refused.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, insert, text

from app.store.database import Database
from app.store.tables import metadata
from app.store.tokens import create_token
from tests.conftest import drop_guard
from tests.rig import GROUP, Rig, roles


@pytest.fixture
def staff(rig: Rig) -> list[str]:
    """Thirty people, all in one group, known to bridge and Tecton; it is the next day."""
    people = [rig.create_user(f"user{n}@acme.com") for n in range(30)]
    rig.create_group("tecton-fraud", *people)
    rig.settle()
    rig.clock.move(days=1, minutes=5)
    rig.run()
    return people


def group_id(rig: Rig, name: str = "tecton-fraud") -> str:
    found: str = rig.push("GET", f'/Groups?filter=displayName eq "{name}"')["Resources"][0]["id"]
    return found


def put_members(rig: Rig, group: str, name: str, *members: str) -> None:
    body = {"schemas": [GROUP], "displayName": name, "members": [{"value": member} for member in members]}
    rig.push("PUT", f"/Groups/{group}", body)


def employed(rig: Rig) -> int:
    """Return how many of the thirty Tecton has."""
    return sum(user["userName"].startswith("user") for user in rig.state()["users"])


def hire(rig: Rig, name: str = "new@acme.com") -> str:
    return rig.create_user(name, title="Auditor")


def has_access(rig: Rig, name: str = "new@acme.com") -> bool:
    return roles(rig.user(name)) == {("all_workspaces", "viewer")}


def told(rig: Rig, fingerprint: str) -> list[dict[str, Any]]:
    """Return the objections to a held plan, as the API shows them to an admin."""
    with rig.database.write() as connection:
        secret = create_token(connection, f"drill {fingerprint}", "admin", rig.clock())
    answer = rig.client.get(f"/api/v1/plans/{fingerprint}", headers={"Authorization": f"Bearer {secret}"})
    assert answer.status_code == 200 and answer.json["status"] == "held", answer.text
    objections: list[dict[str, Any]] = answer.json["objections"]
    return objections


def approve_as_shown(rig: Rig, guard: str, sentence: str, move_on: Callable[[], None]) -> dict[str, Any]:
    """See what is held and why; approve it after the world moved, which is refused; approve what is held then."""
    old = rig.run("plan")
    assert [(of["guard"], of["sentence"]) for of in old["objections"]] == [(guard, sentence)]
    assert [of["sentence"] for of in told(rig, old["fingerprint"])] == [sentence]
    move_on()
    before = rig.state()
    refused = rig.run("apply", old["fingerprint"])
    assert refused["held"] > 0 and refused["fingerprint"] != old["fingerprint"]
    assert names(rig.state()) >= names(before)
    return rig.run("apply", refused["fingerprint"])


def names(state: dict[str, Any]) -> set[tuple[str, str]]:
    """Return who is in Tecton, and who is in which group."""
    members = {(group["displayName"], of["name"]) for group in state["groups"] for of in group["members"]}
    return members | {("user", user["userName"]) for user in state["users"]}


def test_drill_a_put_without_members_empties_no_group(rig: Rig, staff: list[str]) -> None:
    other = rig.create_group("tecton-other", *staff[:8])
    rig.settle()
    put_members(rig, group_id(rig), "tecton-fraud")
    hire(rig)
    rig.set_active(staff[29], False)
    rig.settle()
    assert (len(rig.members("fraud")), employed(rig), has_access(rig)) == (29, 29, True)
    report = approve_as_shown(
        rig,
        "emptied",
        "group fraud was pushed without any person, and would lose 29 of 29 at once: more than the 5 that always go on",
        lambda: put_members(rig, other, "tecton-other"),
    )
    assert (report["applied"], report["held"]) == (37, 0)
    assert (rig.members("fraud"), rig.members("other"), employed(rig)) == (set(), set(), 29)


def test_drill_of_forty_percent_deactivated_in_a_minute_only_ordinary_leavers_go(rig: Rig, staff: list[str]) -> None:
    for person in staff[:12]:
        rig.set_active(person, False)
        rig.tick(seconds=3)
    hire(rig)
    rig.settle()
    total = len(rig.state()["users"])
    assert (employed(rig), has_access(rig)) == (25, True)  # as many as the policy lets go on any day
    rig.clock.move(minutes=50)
    report = approve_as_shown(
        rig,
        "removals",
        f"7 users would be removed after 5 in the last 60 minutes, out of {total + 5}: "
        "more than the 5 that always go on, and more than 20 or 10 %",
        lambda: rig.set_active(staff[12], False),
    )
    assert (report["applied"], report["held"], employed(rig)) == (8, 0, 17)
    rig.clock.move(minutes=15)
    rig.set_active(staff[13], False)
    rig.settle()
    assert employed(rig) == 16  # what was approved does not hold the next leaver


def test_drill_a_listing_cut_short_removes_nobody_and_hires_nobody_twice(rig: Rig, staff: list[str]) -> None:
    rig.fault({"kind": "truncate_list", "keep": 15}, path_regex="/Users$", times=0)
    rig.forget_calls()
    report = rig.run()
    total = len(rig.state()["users"])
    assert (report["applied"], rig.writes()) == (0, [])
    hire(rig)
    rig.set_active(staff[0], False)
    rig.settle()
    assert (employed(rig), has_access(rig)) == (29, True)
    assert [of["sentence"] for of in told(rig, report["fingerprint"])] == [
        f"{total - 15} of {total} users that were in Tecton are not in its list any more; nothing is changed "
        "until the list is whole again, or a person approves that they are gone"
    ]
    again = rig.run("apply", report["fingerprint"])
    assert again["fingerprint"] != report["fingerprint"]  # the leaver is among those who are missing no more
    assert (again["applied"], employed(rig), len(rig.members("fraud"))) == (0, 29, 29)
    rig.heal()
    assert rig.run()["planned"] == 0


def test_drill_a_restored_backup_takes_away_nothing_it_has_forgotten(
    rig: Rig, staff: list[str], tmp_path: Path
) -> None:
    restore = take_backup(rig.database, tmp_path)
    hires = [hire(rig, f"hire{n}@acme.com") for n in range(8)]
    fraud = group_id(rig)
    values = [{"value": person} for person in hires]
    rig.patch(f"/Groups/{fraud}", {"op": "add", "path": "members", "value": values})
    rig.settle()
    rig.clock.move(hours=2)
    restore()
    rig.engine.close()
    rig.engine = rig.start_engine()
    rig.run()
    hire(rig)
    rig.set_active(staff[0], False)
    rig.settle()
    assert len(rig.members("fraud")) == 37
    assert (employed(rig), has_access(rig), has_access(rig, "hire7@acme.com")) == (29, True, True)
    backed_up, restored = "2026-03-03 09:05 UTC", "2026-03-03 11:05 UTC"
    report = approve_as_shown(
        rig,
        "memory",
        f"the bridge's database knows nothing of the time from {backed_up} to {restored}: it was stopped, or restored "
        "from a backup; 8 removals of what came into Tecton meanwhile wait, since it may have been pushed",
        lambda: push_again(rig, fraud, "hire0@acme.com"),
    )
    assert (report["held"], len(rig.members("fraud"))) == (0, 30)


def push_again(rig: Rig, group: str, name: str) -> None:
    person = hire(rig, name)
    rig.patch(f"/Groups/{group}", {"op": "add", "path": "members", "value": [{"value": person}]})
    rig.settle()


def take_backup(database: Database, directory: Path) -> Callable[[], None]:
    """Back the database up, and return what puts the backup in its place: a copy of the file, or of every row."""
    if database.is_sqlite:
        copy = str(directory / "backup.db")
        _copy(str(database.url.database), copy)
        return lambda: _copy(copy, str(database.url.database))
    with database.read() as connection:
        rows = {of: [dict(row._mapping) for row in connection.execute(of.select())] for of in metadata.sorted_tables}
    return lambda: _put_back(database, rows)


def _copy(source: str, target: str) -> None:
    with closing(sqlite3.connect(source)) as read, closing(sqlite3.connect(target)) as written:
        read.backup(written)


def _put_back(database: Database, rows: dict[Table, list[dict[str, Any]]]) -> None:
    with database.write() as connection:
        drop_guard(connection)
        connection.execute(text(f"TRUNCATE {', '.join(table.name for table in rows)} CASCADE"))
        for table, of in rows.items():
            if of:
                connection.execute(insert(table), of)
