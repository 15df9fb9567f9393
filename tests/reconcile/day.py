"""The demo's day, in one process: the recorded requests of all clients, and what is done by hand; whatever
happens to the wire on the way, it ends the same.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests

from app.demo.changes import differences
from app.demo.day import CLIENTS, expectations, load_day
from app.demo.facts import Facts, read_snapshot
from app.demo.replay import Replay
from app.demo.stage import POLICY, SCIM_PATH, WORLD
from app.demo.story import DAY
from app.store.database import Database
from app.store.tokens import create_token
from tests.conftest import Clock
from tests.reconcile.wired import WiredRig
from tests.wsgi_adapter import WsgiAdapter

BRIDGE_URL = "http://bridge.test"
MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)


class MomentLater(WsgiAdapter):
    """Answers every request a moment after the last: ids tell the time, and so have one order in every run."""

    def __init__(self, app: Any, clock: Clock) -> None:
        super().__init__(app)
        self.clock = clock

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        self.clock.move(milliseconds=1)
        return super().send(request)


class DemoRig(WiredRig):
    """A bridge and a Tecton as the demo starts them, and its clients."""

    def __init__(self, database: Database, directory: Path) -> None:
        clock = Clock(MIDNIGHT + timedelta(hours=7))
        super().__init__(database, clock, directory, policy=POLICY.read_text(), seed=WORLD)
        self.day = load_day(DAY)
        self.replay = Replay(BRIDGE_URL + SCIM_PATH, {client: self._token(client) for client in CLIENTS})
        self.replay.session.mount("http://", MomentLater(self.app, clock))

    def _token(self, client: str) -> str:
        with self.database.write() as connection:
            return create_token(connection, client, "scim", self.clock(), None)


def live_through(rig: DemoRig, *, strictly: bool = False) -> list[str]:
    """Live through the whole day, let it become quiet, then have mended what is done by hand.

    Return what Tecton does not hold as it should then. Undisturbed (`strictly`) it holds after each
    step what the step says; otherwise what cannot be done at once is done later.
    """
    expected = list(expectations(rig.day, read_snapshot(rig.state()).facts))
    rig.sweep()
    for step, facts in zip(rig.day, expected, strict=True):
        _wait_until(rig, step.at)
        rig.replay.push(step)
        rig.settle()
        if strictly:
            assert _differences(rig, facts) == [], step.title
    rig.quiet()
    found = _differences(rig, expected[-1])
    edit_by_hand(rig)
    rig.quiet()
    return found + _differences(rig, expected[-1])


def _wait_until(rig: DemoRig, at: str) -> None:
    hour, minute = map(int, at.split(":"))
    rig.clock.now = max(rig.clock.now, MIDNIGHT + timedelta(hours=hour, minutes=minute))


def _differences(rig: DemoRig, expected: Facts) -> list[str]:
    return differences(expected, read_snapshot(rig.state()).facts)


def edit_by_hand(rig: DemoRig) -> None:
    """Change in Tecton what the bridge made, in every way."""
    for verb, kind, name, type_, value in (
        ("assign", "user", "dana.whitfield@acme.example", "workspace_prod", "owner"),
        ("assign", "group", "platform", "secret_scope_search", "secret_scope_writer"),
        ("unassign", "group", "ml-fraud", "workspace_prod", "consumer"),
        ("unassign", "workspace", "prod", "secret_scope_snowflake", "secret_scope_reader"),
    ):
        rig.by_hand(verb, principal_type=kind, principal=name, type=type_, value=value)
    rig.by_hand("groups/ml-fraud/members", add=["omar.contractor@acme.example"], remove=["ana.silva@acme.example"])
    for path in ("users/kira.petrova@acme.example", "groups/search"):
        deleted = rig.tecton.delete(f"/_sandbox/{path}")
        assert deleted.status_code == 200, deleted.get_data(as_text=True)


def outcome(rig: WiredRig) -> dict[str, Any]:
    """Return what Tecton holds, by names, twice what it holds twice."""
    state = rig.state()
    return {
        "users": sorted(
            (u["userName"], sorted(u["name"].items()), _roles(u), sorted(u["groups"])) for u in state["users"]
        ),
        "groups": sorted(
            (
                g["displayName"],
                g["description"],
                g["idpMappingNames"],
                _roles(g),
                sorted(m["name"] for m in g["members"]),
            )
            for g in state["groups"]
        ),
        "service accounts": sorted(
            (a["name"], a["active"], a["description"], _roles(a), sorted(a["groups"]))
            for a in state["service_accounts"]
        ),
        "scopes": sorted(
            (s["name"], sorted((g["principal_type"], str(g["name"]), g["role"]) for g in s["grants"]))
            for s in state["scopes"]
        ),
    }


def _roles(principal: dict[str, Any]) -> list[tuple[str, str]]:
    return sorted((role["type"], role["value"]) for role in principal["roles"])


def deleted(rig: WiredRig) -> dict[str, int]:
    """Return how many objects of each kind the bridge has deleted."""
    paths = {write for write in rig.writes() if write.startswith("DELETE /api/scim/v2/")}
    return dict(Counter(path.split("/")[4] for path in paths))
