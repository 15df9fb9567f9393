"""Sieve's method: a day is lived once undisturbed, then once per outgoing call and per thing that can happen to it.

Whatever happened, Tecton ends as after the undisturbed day. `BRIDGE_SIEVE=full` lives through all of
it (thousands of days, about half an hour on one core); without it every call and every kind of
accident is met, but not each with each.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.bootstrap import make_sealer
from app.store.database import Database
from tests.conftest import Clock
from tests.reconcile.day import POLICY, WiredRig, live_through, outcome
from tests.reconcile.wire import Call, Strike
from tests.rig import ADMIN_KEY

KINDS = ("reset", "lost_reply", "throttled", "error", "stale", "crash_before", "crash_after", "outage", "sick")
# The last two last longer than the transport's own tries: the object fails, and is tried again later.
LASTING = {"outage": "reset", "sick": "error"}
SHARDS = 4
SAMPLE = 23  # of so many (call, kind) pairs one is lived through, unless all are

NewRig = Callable[[], WiredRig]


@pytest.fixture
def new_rig(sqlite_template: Path, tmp_path: Path) -> Iterator[NewRig]:
    """Return what makes a fresh bridge with a fresh Tecton."""
    made: list[WiredRig] = []

    def make() -> WiredRig:
        while made:
            _end(made.pop())
        shutil.copy(sqlite_template, tmp_path / "bridge.db")
        made.append(WiredRig(Database(f"sqlite:///{tmp_path / 'bridge.db'}"), Clock(), tmp_path, policy=POLICY))
        return made[-1]

    yield make
    while made:
        _end(made.pop())


def _end(rig: WiredRig) -> None:
    rig.close()
    rig.database.dispose()


def strikes(calls: list[Call]) -> Iterator[Strike]:
    """Yield every accident that every call can have."""
    for number, call in enumerate(calls, 1):
        for kind in KINDS:
            if kind != "stale" or call.is_read:
                yield Strike(LASTING.get(kind, kind), number, 5 if kind in LASTING else 1)


def chosen(every: list[Strike], shard: int) -> list[Strike]:
    """Return the accidents that this shard lives through: each call and each kind is met."""
    step = 1 if os.environ.get("BRIDGE_SIEVE") == "full" else SAMPLE
    return every[::step][shard::SHARDS]


def complaints(rig: WiredRig, clean: dict[str, Any]) -> list[str]:
    """Return what is not as after the undisturbed day, but for a lost key that is said to be lost."""
    after = outcome(rig)
    found = [f"{part}: {after[part]} instead of {clean[part]}" for part in clean if after[part] != clean[part]]
    lost = [item for item in rig.drift() if "key" in item["sentence"] and item["name"] == "scoring"]
    found += [item["sentence"] for item in rig.drift() if item not in lost]
    return found + _keys(rig, bool(lost))


def _keys(rig: WiredRig, is_said: bool) -> list[str]:
    """The key of the account that the bridge created is kept and works, or its loss is said."""
    account = rig.account("scoring")
    if account is None:
        return ["there is no scoring account"]
    with rig.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT tecton_id, sealed FROM sealed_keys").all()
    sealed = dict(map(tuple, rows)).get(account["id"])
    if sealed is None:
        return [] if is_said else ["the key of scoring is lost, and nobody says so"]
    sealer = make_sealer(rig.settings.secret_key.get_secret_value())
    assert sealer
    headers = {"Authorization": f"Tecton-key {ADMIN_KEY}"}
    body = {"api_key": sealer.decrypt(sealed.encode()).decode()}
    owner = rig.tecton.post("/api/v1/metadata-service/introspect-api-key", json=body, headers=headers).get_json()
    return [] if owner.get("id") == account["id"] and not is_said else ["the key that is kept is not the account's"]


@pytest.mark.parametrize("shard", range(SHARDS))
def test_whatever_happens_to_a_call_the_day_ends_the_same(new_rig: NewRig, shard: int) -> None:
    rig = new_rig()
    live_through(rig)
    assert rig.wire
    clean, calls = outcome(rig), rig.wire.calls
    assert complaints(rig, clean) == []
    runs, failures = 0, {}
    for strike in chosen(list(strikes(calls)), shard):
        rig = new_rig()
        assert rig.wire
        rig.wire.strike = strike
        live_through(rig)
        runs += 1
        if found := complaints(rig, clean):
            failures[f"{strike} ({' '.join(calls[strike.nth - 1])})"] = found
    print(f"sieve: {runs} runs over {len(calls)} calls, shard {shard + 1} of {SHARDS}")  # noqa: T201 - what was asked for
    assert failures == {}
