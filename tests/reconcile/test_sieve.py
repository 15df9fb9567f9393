"""Sieve's method: the demo's day is lived once undisturbed, then once per outgoing call and accident that it can have.

Whatever happened, Tecton ends as after the undisturbed day. `BRIDGE_SIEVE=full` lives through all of
it (see README, "For developers"); without it several things happen on one day, so that every call and
every kind of accident is met, but not each with each.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from app.bootstrap import make_sealer
from tests.conftest import open_hastily
from tests.reconcile.day import DemoRig, deleted, live_through, outcome
from tests.reconcile.wire import Call, Strike
from tests.rig import ADMIN_KEY

KINDS = ("reset", "lost_reply", "throttled", "error", "stale", "crash_before", "crash_after", "outage", "sick")
# The last two last longer than the transport's own tries: the object fails, and is tried again later.
LASTING = {"outage": "reset", "sick": "error"}
IS_FULL = os.environ.get("BRIDGE_SIEVE") == "full"
SHARDS = 4
DAYS = 32
ACCOUNTS = ("fraud-scoring", "svc-dashboards")

NewRig = Callable[[], DemoRig]
Day = tuple[Strike, ...]


@pytest.fixture(autouse=True)
def silent_log() -> Iterator[None]:
    """Hundreds of days are lived through: to write down every call of them takes longer than to make it."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    yield
    structlog.configure(**before)


@pytest.fixture
def new_rig(sqlite_template: Path, tmp_path: Path) -> Iterator[NewRig]:
    """Return what makes a fresh bridge with a fresh Tecton."""
    made: list[tuple[DemoRig, Path]] = []

    def make() -> DemoRig:
        while made:
            _end(*made.pop())
        directory = Path(tempfile.mkdtemp(dir=tmp_path))
        shutil.copy(sqlite_template, directory / "bridge.db")
        made.append((DemoRig(open_hastily(f"sqlite:///{directory / 'bridge.db'}"), directory), directory))
        return made[-1][0]

    yield make
    while made:
        _end(*made.pop())


def _end(rig: DemoRig, directory: Path) -> None:
    rig.close()
    rig.database.dispose()
    shutil.rmtree(directory)


def every_day(calls: list[Call]) -> list[Day]:
    """Return a day for every accident that every call can have."""
    return [(strike,) for number, call in enumerate(calls, 1) for strike in strikes(number, call)]


def sampled_days(calls: list[Call]) -> list[Day]:
    """Return days on which each call has one accident: the calls of one day are far apart, the kinds take turns."""
    days: list[Day] = []
    for first in range(DAYS):
        numbers = range(first + 1, len(calls) + 1, DAYS)
        days.append(tuple(_taking_turns(number, calls[number - 1], first) for number in numbers))
    return days


def _taking_turns(number: int, call: Call, day: int) -> Strike:
    possible = list(strikes(number, call))
    return possible[(number // DAYS + day) % len(possible)]


def strikes(number: int, call: Call) -> Iterator[Strike]:
    """Yield every accident that one call can have."""
    for kind in KINDS:
        if kind != "stale" or call.is_read:
            yield Strike(LASTING.get(kind, kind), number, 5 if kind in LASTING else 1)


def complaints(rig: DemoRig, wrong: list[str], clean: dict[str, Any], gone: dict[str, int]) -> list[str]:
    """Return what is not as after the undisturbed day, but for a lost key that is said to be lost."""
    after, drift = outcome(rig), rig.drift()
    wrong += [f"{part}: {after[part]} instead of {clean[part]}" for part in clean if after[part] != clean[part]]
    wrong += [f"{n} of {kind} were deleted" for kind, n in deleted(rig).items() if n > gone.get(kind, 0)]
    lost = {item["name"] for item in drift if item["sentence"].startswith("the key of")}
    wrong += [item["sentence"] for item in drift if not item["sentence"].startswith("the key of")]
    return wrong + [complaint for name in ACCOUNTS for complaint in _keys(rig, name, name in lost)]


def _keys(rig: DemoRig, name: str, is_said: bool) -> list[str]:
    """The key of an account that the bridge created is kept and works, or its loss is said."""
    account = rig.account(name)
    if account is None:
        return [f"there is no account {name}"]
    with rig.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT tecton_id, sealed FROM sealed_keys").all()
    sealed = dict(map(tuple, rows)).get(account["id"])
    if sealed is None:
        return [] if is_said else [f"the key of {name} is lost, and nobody says so"]
    sealer = make_sealer(rig.settings.secret_key.get_secret_value())
    assert sealer
    headers = {"Authorization": f"Tecton-key {ADMIN_KEY}"}
    body = {"api_key": sealer.decrypt(sealed.encode()).decode()}
    owner = rig.tecton.post("/api/v1/metadata-service/introspect-api-key", json=body, headers=headers).get_json()
    return [] if owner.get("id") == account["id"] and not is_said else [f"the key that is kept is not {name}'s"]


def live_through_accidents(rig: DemoRig, day: Day, clean: dict[str, Any], gone: dict[str, int]) -> list[str]:
    """Live through the day with these accidents; return what is wrong at its end."""
    assert rig.wire
    rig.wire.strikes = day
    try:
        return complaints(rig, live_through(rig), clean, gone)
    except Exception as error:
        return [f"{type(error).__name__}: {error}"]


@pytest.mark.parametrize("shard", range(SHARDS))
@pytest.mark.timeout(0 if IS_FULL else 300)
def test_whatever_happens_to_a_call_the_day_ends_the_same(new_rig: NewRig, shard: int) -> None:
    rig = new_rig()
    wrong = live_through(rig, strictly=True)
    assert rig.wire
    clean, gone, calls = outcome(rig), deleted(rig), rig.wire.calls
    assert complaints(rig, wrong, clean, gone) == []
    days = (every_day(calls) if IS_FULL else sampled_days(calls))[shard::SHARDS]
    failures = {}
    for number, day in enumerate(days, 1):
        rig = new_rig()
        if found := live_through_accidents(rig, day, clean, gone):
            said = ", ".join(f"{strike} ({' '.join(calls[strike.nth - 1])})" for strike in day)
            failures[said] = found
            tell(f"{said}: {found}")
        if number == len(days) or number % 50 == 0:
            tell(f"{number} of {len(days)} days over {len(calls)} calls, {len(failures)} failed; shard {shard}")
    assert failures == {}


def tell(what: str) -> None:
    """Say something at once: all of it takes long."""
    print(f"sieve: {what}", flush=True)  # noqa: T201 - the number of runs was asked for


def test_the_sample_meets_every_call_and_every_kind() -> None:
    calls = [Call("GET", "/Users"), Call("PUT", "/Users/ID"), Call("POST", "/Users")] * 60
    sample = [strike for day in sampled_days(calls) for strike in day]
    assert sorted(strike.nth for strike in sample) == list(range(1, len(calls) + 1))
    for method in ("GET", "PUT", "POST"):
        kinds = {(strike.kind, strike.times) for strike in sample if calls[strike.nth - 1].method == method}
        assert len(kinds) == len(KINDS) - (method != "GET")
