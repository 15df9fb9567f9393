"""A sick Tecton is asked slowly, said to be sick once, and everything goes on by itself when it is well."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.rig import Rig

SICK, WELL = "tecton is sick", "tecton answers again"


@pytest.fixture
def said() -> Iterator[list[Any]]:
    with capture_logs() as logs:
        yield logs


def alerts(said: list[Any]) -> list[str]:
    """Return what was said of the health of Tecton, in order."""
    events = [str(of["event"]) for of in said]
    return [word for event in events for word in (SICK, WELL) if event.startswith(word)]


def fall_sick(rig: Rig) -> None:
    rig.fault({"kind": "status", "status": 503}, times=0)


def minutes(rig: Rig, number: int) -> int:
    """Let minutes pass, second by second; return how many calls Tecton got."""
    rig.forget_calls()
    for _ in range(number * 60):
        rig.tick(seconds=1)
    return len(list(rig.calls()))


def test_a_sick_tecton_is_said_so_once_and_asked_less_and_less(rig: Rig, said: list[Any]) -> None:
    fall_sick(rig)
    for n in range(30):
        rig.create_user(f"user{n}@acme.com")
    first = minutes(rig, 3)
    later = minutes(rig, 3)
    assert alerts(said) == [SICK]
    assert later <= 5 * 3 < first  # one new user a minute: a POST, and a lookup that is tried four times
    assert rig.waiting() == 30


def test_when_it_is_well_again_that_is_said_once_and_everything_is_applied(rig: Rig, said: list[Any]) -> None:
    fall_sick(rig)
    people = [rig.create_user(f"user{n}@acme.com") for n in range(5)]
    minutes(rig, 2)
    rig.heal()
    rig.create_group("tecton-fraud", *people)
    minutes(rig, 4)
    assert alerts(said) == [SICK, WELL]
    assert (len(rig.members("fraud")), rig.waiting()) == (5, 0)


def test_a_sweep_that_meets_it_quarantines_it_for_the_queue_as_well(rig: Rig, said: list[Any]) -> None:
    fall_sick(rig)
    assert rig.try_run().status == "failed"
    rig.create_user("ana@acme.com")
    rig.create_user("ben@acme.com")
    rig.forget_calls()
    rig.tick(seconds=4)
    assert rig.writes() == ["POST /api/scim/v2/Users"]  # one of the two is the probe
    assert alerts(said) == [SICK]
    rig.heal()
    rig.run()
    assert alerts(said) == [SICK, WELL]


def test_a_push_that_needs_no_call_says_nothing_of_its_health(rig: Rig, said: list[Any]) -> None:
    ana = rig.create_user("ana@acme.com")
    rig.settle()
    fall_sick(rig)
    rig.try_run()
    rig.patch(f"/Users/{ana}", {"op": "replace", "path": "nickName", "value": "A"})
    minutes(rig, 1)
    assert (rig.waiting(), alerts(said)) == (0, [SICK])
