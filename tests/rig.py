"""The whole bridge in one process, for tests: pushes go through SCIM's wire, calls to Tecton into the sandbox."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import requests

from app.bootstrap import Engine, build_engine, create_app
from app.sandbox import create_app as create_sandbox
from app.settings import Settings
from app.store import journal
from app.store.database import Database
from app.store.tokens import create_token
from app.tecton import TectonConfig, open_tecton
from tests.conftest import Clock
from tests.knob_cases import parse_case, settings_for
from tests.wsgi_adapter import wsgi_session

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
TECTON_URL = "http://tecton.test"
ADMIN_KEY = "key-of-the-bridge"
SPACING = 0.001  # seconds: at the rate of the tests, calls are spaced by less

POLICY = """
version: 1
provision: {groups: 'displayName sw "tecton-"'}
names: {group: {strip_prefix: "tecton-"}}
grants:
  - name: fraud team uses prod
    to: {group: tecton-fraud}
    roles: [{workspace: prod, role: consumer}, {secret_scope: snowflake, role: reader}]
  - {name: admins, to: {group: tecton-admins}, roles: [{account: admin}]}
  - {name: auditors, to: {where: 'title eq "Auditor"'}, roles: [{all_workspaces: viewer}]}
guards: {min_admins: 0}
"""


class Rig:
    """A bridge and its Tecton; `settle` lets time pass until the queue is empty."""

    def __init__(
        self, database: Database, clock: Clock, directory: Path, *, policy: str = POLICY, **settings: Any
    ) -> None:
        self.database, self.clock = database, clock
        self._sleeping = threading.Lock()
        self.policy_file = directory / "policy.yaml"
        self.policy_file.write_text(policy)
        self.knobs = {**parse_case(os.environ.get("BRIDGE_KNOBS", "")), **(settings.pop("knobs", None) or {})}
        self.config: dict[str, Any] = settings.pop("config", {})  # of the way to Tecton
        self.sandbox = create_sandbox(
            admin_key=ADMIN_KEY, knobs=self.knobs, seed=settings.pop("seed", None), clock=clock, sleep=lambda _: None
        )
        self.tecton = self.sandbox.test_client()
        self._let_a_moment_pass()
        values = {"mode": "enforce", "secret_key": "a secret for tests", "tecton_concurrency": 4}
        values |= settings_for(self.knobs) | settings
        self.settings = Settings(
            _env_file=None,
            database_url=str(database.url),
            tecton_url=TECTON_URL,
            tecton_api_key=ADMIN_KEY,
            policy=self.policy_file,
            **values,
        )
        self.app = create_app(self.settings, database, clock)
        self.client = self.app.test_client()
        with database.write() as connection:
            self.token = create_token(connection, "okta", "scim", clock(), None)
        self.engine = self.start_engine()

    def start_engine(self) -> Engine:
        """Return a new reconciling half, as another process would have it."""
        values: dict[str, Any] = {
            "rate": 1e6,
            "concurrency": self.settings.tecton_concurrency,
            "clock": lambda: self.clock().timestamp(),
            "wall_clock": lambda: self.clock().timestamp(),
            "sleep": self.sleep if self.knobs else lambda _: None,
            "session_factory": self.new_session,
        }
        config = replace(TectonConfig.from_settings(self.settings), **{**values, **self.config})
        return build_engine(self.settings, self.database, self.clock, open_tecton(config))

    def sleep(self, seconds: float) -> None:
        """Let the time pass that a call waits, once for all threads that wait; the schedule renews the lease in it."""
        if seconds < SPACING:
            return
        until = self.clock() + timedelta(seconds=seconds)
        with self._sleeping:
            self.clock.now = max(self.clock.now, until)
            if self.engine.worker.leads:
                self.engine.worker.renew()

    def _let_a_moment_pass(self) -> None:
        """Let reads see what was written before, in a Tecton whose reads lag (row 46 of the unknowns)."""
        if "read_delay_ms" in self.knobs:
            self.clock.move(seconds=1)

    def new_session(self) -> requests.Session:
        """Return a session whose calls go into the sandbox."""
        return wsgi_session(self.sandbox)

    def close(self) -> None:
        self.engine.close()

    # ---------------------------------------------------------------- pushing

    def push(self, method: str, path: str, body: Any = None, *, status: int | None = None) -> Any:
        """Send a SCIM request as the IdP does; return the JSON answer."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/scim+json"}
        answer = self.client.open(f"/scim/v2{path}", method=method, json=body, headers=headers)
        expected = (status,) if status else (200, 201, 204)
        assert answer.status_code in expected, answer.get_data(as_text=True)
        return answer.get_json(silent=True, force=True) if answer.data else None

    def create_user(self, user_name: str, **attributes: Any) -> str:
        """Push a new user; return the bridge's id."""
        name = {"givenName": user_name.partition("@")[0].title(), "familyName": "Test"}
        body = {"schemas": [USER], "userName": user_name, "active": True, "name": name, **attributes}
        created: str = self.push("POST", "/Users", body)["id"]
        return created

    def create_group(self, name: str, *members: str, **attributes: Any) -> str:
        """Push a new group; return the bridge's id."""
        body = {"schemas": [GROUP], "displayName": name, "members": [{"value": m} for m in members], **attributes}
        created: str = self.push("POST", "/Groups", body)["id"]
        return created

    def patch(self, path: str, *operations: dict[str, Any]) -> Any:
        """Push a PATCH."""
        return self.push("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)})

    def set_active(self, user_id: str, active: bool) -> None:
        """Push a deactivation, or the return."""
        self.patch(f"/Users/{user_id}", {"op": "replace", "path": "active", "value": active})

    # ---------------------------------------------------------------- working

    def settle(self, rounds: int = 20) -> None:
        """Let the worker do what is due, and time pass, until nothing waits."""
        for _ in range(rounds):
            self.clock.move(seconds=3)
            self.engine.worker.tick()
            if not self.waiting():
                return

    def tick(self, **by: float) -> None:
        """Let time pass, and the worker do what is due."""
        self.clock.move(**by)
        self.engine.worker.tick()

    def waiting(self) -> int:
        """Return how many principals wait in the queue."""
        with self.database.read() as connection:
            return int(connection.exec_driver_sql("SELECT count(*) FROM dirty").scalar_one())

    def run(self, purpose: str = "sweep", approve: str | None = None) -> dict[str, Any]:
        """Have a run done; return its report. A failed one is an assertion error with its reason."""
        run = self.try_run(purpose, approve)
        assert run.status == "done", run.error
        summary: dict[str, Any] = run.summary
        return summary

    def try_run(self, purpose: str = "sweep", approve: str | None = None) -> Any:
        """Have a run done; return it as stored."""
        self._let_a_moment_pass()
        with self.database.write() as connection:
            run_id = journal.request_run(connection, purpose, "test", self.clock(), approve=approve)
        self.engine.worker.tick()
        with self.database.read() as connection:
            return journal.read_run(connection, run_id)

    def drift(self) -> list[dict[str, Any]]:
        """Return the recorded differences, less what nobody asked for in the sandbox's own world."""
        with self.database.read() as connection:
            rows = connection.exec_driver_sql("SELECT item FROM drift").scalars().all()
        import json

        items = [row if isinstance(row, dict) else json.loads(row) for row in rows]
        return sorted((item for item in items if item["class"] != "unmanaged"), key=lambda item: item["sentence"])

    # ---------------------------------------------------------------- Tecton

    def state(self) -> dict[str, Any]:
        """Return what Tecton holds."""
        state: dict[str, Any] = self.tecton.get("/_sandbox/state").get_json()
        return state

    def user(self, user_name: str) -> dict[str, Any] | None:
        """Return a Tecton user, None when there is none."""
        return _named(self.state()["users"], "userName", user_name)

    def group(self, name: str) -> dict[str, Any] | None:
        """Return a Tecton group, None when there is none."""
        return _named(self.state()["groups"], "displayName", name)

    def account(self, name: str) -> dict[str, Any] | None:
        """Return a Tecton service account, None when there is none."""
        return _named(self.state()["service_accounts"], "name", name)

    def members(self, name: str) -> set[str]:
        """Return the names of a Tecton group's members."""
        group = self.group(name)
        return {member["name"] for member in group["members"]} if group else set()

    def by_hand(self, path: str, **body: Any) -> Any:
        """Edit Tecton by hand."""
        answer = self.tecton.post(f"/_sandbox/{path}", json=body)
        assert answer.status_code in (200, 201), answer.get_data(as_text=True)
        return answer.get_json(silent=True)

    def fault(self, effect: dict[str, Any], **match: Any) -> None:
        """Let something go wrong in Tecton."""
        answer = self.tecton.post("/_sandbox/faults", json={"match": match, "effect": effect})
        assert answer.status_code == 201, answer.get_data(as_text=True)

    def heal(self) -> None:
        """Let nothing go wrong in Tecton any more."""
        self.tecton.delete("/_sandbox/faults")

    def calls(self) -> Iterator[dict[str, Any]]:
        """Yield the calls that Tecton got since the last `forget_calls`."""
        yield from self.tecton.get("/_sandbox/log").get_json()

    def writes(self) -> list[str]:
        """Return the writes that Tecton got since the last `forget_calls`, as `METHOD path`."""
        return [f"{call['method']} {call['path']}" for call in self.calls() if call["kind"] == "write"]

    def forget_calls(self) -> None:
        """Empty Tecton's log."""
        self.tecton.delete("/_sandbox/log")


def roles(principal: dict[str, Any] | None) -> set[tuple[str, str]]:
    """Return the direct roles of a Tecton principal as (type, value)."""
    return {(role["type"], role["value"]) for role in principal["roles"]} if principal else set()


def _named(items: list[dict[str, Any]], key: str, name: str) -> dict[str, Any] | None:
    return next((item for item in items if item[key] == name), None)
