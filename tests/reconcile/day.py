"""A working day, small but complete, that ends the same whatever happened to the wire on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import requests

from app.store import leases
from app.store.database import Database
from tests.conftest import Clock
from tests.reconcile.wire import Crash, Wire
from tests.rig import Rig

POLICY = """
version: 1
provision: {groups: 'displayName sw "tecton-"'}
names: {group: {strip_prefix: "tecton-"}}
grants:
  - name: fraud team uses prod
    to: {group: tecton-fraud}
    roles: [{workspace: prod, role: consumer}, {secret_scope: snowflake, role: reader}]
  - {name: admins, to: {group: tecton-admins}, roles: [{account: admin}]}
  - name: auditors
    to: {where: 'title eq "Auditor"'}
    roles: [{all_workspaces: viewer}, {secret_scope: my-secret-scope, role: reader}]
  - name: prod reads the warehouse
    to: {workspace: prod}
    roles: [{secret_scope: snowflake, role: reader}]
  - {name: scoring, to: {service_account: scoring}, roles: [{workspace: prod, role: editor}]}
service_accounts: [{name: scoring, description: online scoring, groups: [tecton-fraud]}]
guards: {min_admins: 1, floor: 1000}
"""


class WiredRig(Rig):
    """A rig whose calls to Tecton go over a `Wire`, and that goes on in another process after a crash."""

    def __init__(self, database: Database, clock: Clock, directory: Path, **settings: Any) -> None:
        self.wire: Wire | None = None
        self.crashes = 0
        self._processes = count(1)
        super().__init__(database, clock, directory, tecton_concurrency=1, **settings)

    def new_session(self) -> requests.Session:
        """Return a session over the wire, the same for every process."""
        self.wire = self.wire or Wire(self.sandbox)
        session = requests.Session()
        session.mount("http://", self.wire)
        return session

    def start_engine(self) -> Any:
        engine = super().start_engine()
        engine.worker.holder = f"another machine/1/{next(self._processes)}/1"
        return engine

    def go_on(self, work: Callable[[], Any]) -> Any:
        """Do some work; when the process dies in it, start another one and return None."""
        try:
            return work()
        except Crash:
            self.crashes += 1
            self.engine.close()
            assert self.wire
            self.wire.revive()
            self.clock.move(seconds=leases.LEASE_TIME.total_seconds() + 1)
            self.engine = self.start_engine()
            return None

    def sweep(self) -> dict[str, Any]:
        """Have a sweep done, however often it fails; return its report."""
        for _ in range(8):
            run = self.go_on(self.try_run)
            if run is not None and run.status == "done":
                report: dict[str, Any] = run.summary
                return report
            self.clock.move(minutes=1)
        raise AssertionError(f"no sweep gets through: {run}")

    def settle(self, rounds: int = 12) -> None:
        """Let time pass until nothing waits, or what waits waits for a sweep."""
        for _ in range(rounds):
            self.clock.move(seconds=3)
            self.go_on(self.engine.worker.tick)
            if not self.waiting():
                return
            self.clock.now = max(self.clock.now, self._next_due())

    def _next_due(self) -> Any:
        with self.database.read() as connection:
            from app.store.queue import next_due

            return next_due(connection) or self.clock.now

    def quiet(self) -> dict[str, Any]:
        """Sweep and settle until a sweep finds nothing to do; return its report."""
        for _ in range(8):
            self.settle()
            report = self.sweep()
            if report["planned"] == 0 and not self.waiting():
                return report
            self.clock.move(hours=1)
        raise AssertionError(f"it does not become quiet: {self.drift()}")

    def calm(self) -> None:
        """Sweep and settle until a sweep changes nothing any more, whatever cannot be done."""
        for _ in range(6):
            self.settle(rounds=3)
            report = self.sweep()
            if not report["applied"] and not self._is_due():
                return
            self.clock.move(minutes=2)
        raise AssertionError(f"it goes on changing: {self.drift()}")

    def _is_due(self) -> bool:
        with self.database.read() as connection:
            return bool(connection.exec_driver_sql("SELECT count(*) FROM dirty WHERE attempts = 0").scalar_one())


def steps(rig: WiredRig) -> Iterator[None]:
    """Do the day's pushes and edits by hand, one group of them per step."""
    rig.sweep()
    people = {name: rig.create_user(f"{name}@acme.com") for name in ("ben", "cy", "dee")}
    people["ana"] = rig.create_user("ana@acme.com", title="Auditor")
    rig.create_group("tecton-fraud", people["ana"], people["ben"])
    risk = rig.create_group("tecton-risk", roles=[{"type": "workspace_my_workspace", "value": "Editor"}])
    rig.create_group("tecton-admins", people["cy"], people["dee"])
    yield
    rig.sweep()  # the service account and the workspace's grant, which nobody pushes
    yield
    fraud = rig.push("GET", '/Groups?filter=displayName eq "tecton-fraud"')["Resources"][0]["id"]
    rig.patch(f"/Groups/{fraud}", {"op": "remove", "path": f'members[value eq "{people["ben"]}"]'})
    rig.patch(f"/Groups/{risk}", {"op": "add", "path": "members", "value": [{"value": people["ben"]}]})
    yield
    rig.patch(f"/Groups/{risk}", {"op": "replace", "path": "displayName", "value": "tecton-risk-eu"})
    rig.patch(f"/Users/{people['dee']}", {"op": "replace", "path": "title", "value": "Auditor"})
    yield
    _by_hand(rig)
    rig.sweep()
    yield
    rig.set_active(people["ana"], False)
    yield
    rig.set_active(people["ana"], True)
    rig.patch(f"/Users/{people['dee']}", {"op": "remove", "path": "title"})
    yield
    rig.push("DELETE", f"/Users/{people['dee']}")
    yield


def _by_hand(rig: Rig) -> None:
    """Change what the bridge made, in every way."""
    rig.by_hand("assign", principal_type="user", principal="ben@acme.com", type="workspace_prod", value="owner")
    rig.by_hand("assign", principal_type="group", principal="admins", type="secret_scope_snowflake",
                value="secret_scope_writer")  # fmt: skip
    rig.by_hand("unassign", principal_type="group", principal="fraud", type="workspace_prod", value="consumer")
    rig.by_hand("groups/risk-eu/members", add=["admin@example.com"], remove=["ben@acme.com"])
    deleted = rig.tecton.delete("/_sandbox/users/dee@acme.com")
    assert deleted.status_code == 200, deleted.get_data(as_text=True)


def live_through(rig: WiredRig) -> None:
    """Do the whole day, and let it become quiet."""
    for _ in steps(rig):
        rig.quiet()


def outcome(rig: Rig) -> dict[str, Any]:
    """Return what Tecton holds, by names."""
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
