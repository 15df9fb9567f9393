"""`policy simulate`: what another policy would change, rehearsed on the real directory and Tecton as last read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.cli.simulation import compare
from app.core.policy_text import parse_policy
from app.store.database import Database
from app.store.tables import metadata
from tests.conftest import Clock
from tests.rig import POLICY, TECTON_URL, Rig

WIDER = POLICY.replace("role: consumer", "role: owner")


@pytest.fixture
def rig(database: Database, clock: Clock, tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(database, clock, tmp_path)
    rig.create_group("tecton-fraud", *(rig.create_user(f"{name}@acme.com") for name in ("ana", "bo", "cy")))
    yield rig
    rig.close()


def stored(rig: Rig) -> list[Any]:
    """Return every row of every table."""
    with rig.database.read() as connection:
        return [connection.execute(table.select()).all() for table in metadata.sorted_tables]


def simulate(rig: Rig, policy: str) -> dict[str, Any]:
    """Return what the policy would change; nothing may be written, and Tecton not be asked, on the way."""
    before, calls = stored(rig), list(rig.calls())
    found = compare(rig.database, TECTON_URL, parse_policy(POLICY, "now"), parse_policy(policy, "then"), rig.clock)
    assert stored(rig) == before
    assert list(rig.calls()) == calls
    return found


def test_the_policy_in_force_changes_nothing(rig: Rig) -> None:
    rig.run()
    found = simulate(rig, POLICY)
    assert found["verified_at"]
    assert not any(found[name] for name in found if name != "verified_at")


def test_before_tecton_was_read_only_what_is_desired_is_compared(rig: Rig) -> None:
    found = simulate(rig, WIDER)
    assert found["verified_at"] is None
    assert found["effects"] == ["3 (ana@acme.com, bo@acme.com, cy@acme.com) gain owner on workspace prod"]
    assert (found["held"], found["stays"]) == ([], [])


def test_who_gains_what_in_tecton_is_said_person_by_person(rig: Rig) -> None:
    rig.run()
    found = simulate(rig, WIDER)
    assert {person["name"]: person["gains"] for person in found["people"]} == {
        f"{name}@acme.com": ["owner on workspace prod"] for name in ("ana", "bo", "cy")
    }
    assert "grant owner on workspace prod to group fraud" in found["changes"]


def test_what_would_go_and_is_left_alone_is_said_to_stay_and_nobody_loses_it(rig: Rig) -> None:
    """A group that the new policy does not select is deleted; unless it is protected."""
    rig.run()
    narrow = POLICY.replace("tecton-\"'}", "other-\"'}")
    assert narrow != POLICY
    found = simulate(rig, narrow)
    assert "delete group fraud" in found["changes"]
    lost = ["reader on secret scope snowflake", "consumer on workspace prod"]
    assert [person["loses"] for person in found["people"]] == [lost] * 3
    protecting = narrow + "\nprotected: {groups: [fraud]}\n"
    found = simulate(rig, protecting)
    assert (found["people"], found["changes"]) == ([], [])


def test_unmanaged_access_that_the_new_policy_removes_is_lost(rig: Rig) -> None:
    rig.run()
    rig.by_hand("users", userName="eve@acme.com")
    rig.by_hand("assign", principal_type="user", principal="eve@acme.com", type="account_type", value="admin")
    rig.run()
    found = simulate(rig, POLICY + "\nunmanaged: {users: remove}\n")
    assert {person["name"]: person["loses"] for person in found["people"]}["eve@acme.com"] == ["admin on the account"]
    assert any("eve@acme.com is in Tecton" in sentence for sentence in found["stays_no_longer"])


def test_what_a_guard_would_hold_is_said_with_its_numbers(rig: Rig) -> None:
    for number in range(10):
        rig.create_user(f"extra{number}@acme.com", title="Contractor")
    rig.settle()
    rig.run()
    nobody = POLICY.replace("provision: {", "provision: {users: 'not (title eq \"Contractor\")', ")
    found = simulate(rig, nobody)
    assert len([change for change in found["changes"] if change.startswith("delete user extra")]) == 10
    assert [objection["guard"] for objection in found["held"]] == ["removals"]
    assert "10 users would be removed" in found["held"][0]["sentence"]
    assert found["held_changes"] and set(found["held_changes"]) <= set(found["changes"])


def test_somebody_whom_the_new_policy_takes_over_does_not_lose_and_gain(rig: Rig) -> None:
    rig.by_hand("users", userName="vi@acme.com")
    rig.create_user("vi@acme.com", title="Visitor")
    rig.by_hand("assign", principal_type="user", principal="vi@acme.com", type="account_type", value="admin")
    now = POLICY.replace("provision: {", "provision: {users: 'not (title eq \"Visitor\")', ")
    rig.policy_file.write_text(now)
    rig.run()
    rig.clock.move(seconds=1)
    found = compare(
        rig.database,
        TECTON_URL,
        parse_policy(now, "now"),
        parse_policy(POLICY + "\nunmanaged: {roles: report}\n", "then"),
        rig.clock,
    )
    assert [person for person in found["people"] if person["name"] == "vi@acme.com"] == []


def test_what_is_due_under_either_policy_is_counted_and_not_blamed_on_the_new_one(rig: Rig) -> None:
    rig.run()
    rig.by_hand("assign", principal_type="user", principal="ana@acme.com", type="workspace_prod", value="editor")
    rig.run("drift")
    found = simulate(rig, WIDER)
    assert found["either_way"] == 1
    assert all("editor" not in change for change in found["changes"])
