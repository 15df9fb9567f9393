"""The state file: everything is there again, in the process and after kill -9."""

import http.client
import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.sandbox.client import ADMIN_KEY, SCIM, SECRETS, Sandbox, role

COMMAND = [sys.executable, "-c", "from app.cli.sandbox import command; command()"]


def test_everything_is_there_again(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    first = Sandbox(state_file=path)
    account = first.account("ci", role("account_type", "admin"))
    user = first.user("ana@example.com", role("secret_scope_snowflake", "secret_scope_reader"))
    first.group("ML", [user["id"], account["id"]])
    first.put(f"{SECRETS}/snowflake/keys/user", {"value": "svc"})
    first.turn(scim_patch_status="405")
    first.fault("status", {"path_regex": "/Groups", "nth": 2})
    oauth = first.oauth_account()
    token = first.token(oauth["id"], oauth["client_secret"])
    first.get(f"{SCIM}/Groups")
    before, faults, log = first.control("POST", "snapshot"), first.control("GET", "faults"), first.log()
    first.app.extensions["sandbox_world"].close()

    again = Sandbox(state_file=path)
    assert again.control("POST", "snapshot") == before
    assert again.control("GET", "faults") == faults
    assert again.log() == log
    assert again.get(f"{SCIM}/Users", key=account["apiKey"]).status_code == 200
    bearer = {"Authorization": f"Bearer {token}"}
    assert again.http.get(SECRETS, headers=bearer).status_code == 200
    assert again.call("PATCH", f"{SCIM}/Users/x").status_code == 405
    assert again.get(f"{SCIM}/Groups").status_code == 503
    again.app.extensions["sandbox_world"].close()


def test_a_refused_call_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    first = Sandbox(state_file=path)
    before = first.control("POST", "snapshot")
    body = {"displayName": "ML", "roles": [role("workspace_nowhere", "viewer")]}
    assert first.post(f"{SCIM}/Groups", body).status_code == 400
    first.app.extensions["sandbox_world"].close()
    again = Sandbox(state_file=path)
    assert again.control("POST", "snapshot") == before
    again.app.extensions["sandbox_world"].close()


@dataclass
class Served:
    """A sandbox in a process of its own."""

    process: subprocess.Popen[str]
    lines: list[str]

    @property
    def url(self) -> str:
        return self.lines[-1].removeprefix("ready ")

    def call(self, method: str, path: str, body: Any = None, key: str = ADMIN_KEY) -> tuple[int, Any]:
        """Call it over a real socket; raises RemoteDisconnected when no answer comes."""
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
        try:
            headers = {"Authorization": f"Tecton-key {key}"}
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
            content = answer.read()
            return answer.status, json.loads(content) if content else None
        finally:
            connection.close()

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        code = self.process.wait(20)
        if self.process.stdout:
            self.process.stdout.close()
        return code


@pytest.fixture
def started() -> Iterator[Any]:
    """Return a way to start sandboxes; those still running are ended by their own id."""
    running: list[Served] = []

    def start(*options: str) -> Served:
        process = subprocess.Popen([*COMMAND, "--port", "0", *options], stdout=subprocess.PIPE, text=True)
        served = Served(process, [])
        running.append(served)
        assert process.stdout
        for line in process.stdout:
            served.lines.append(line.strip())
            if line.startswith("ready "):
                break
        return served

    yield start
    for served in running:
        if served.process.poll() is None:
            served.stop(signal.SIGKILL)


@pytest.mark.process
def test_nothing_answered_is_lost_by_kill_9(tmp_path: Path, started: Any) -> None:
    options = ("--admin-key", ADMIN_KEY, "--state", str(tmp_path / "sandbox.db"))
    first = started(*options)
    answered: list[str] = []

    def create() -> None:
        for number in range(100_000):
            try:
                status, made = first.call("POST", f"{SCIM}/Users", {"userName": f"u{number}@example.com"})
            except OSError:
                return
            if status == 201:
                answered.append(made["id"])

    writer = threading.Thread(target=create)
    writer.start()
    while len(answered) < 50:
        time.sleep(0.01)
    assert first.stop(signal.SIGKILL) == -signal.SIGKILL
    writer.join()
    again = started(*options)
    _, listed = again.call("GET", f"{SCIM}/Users")
    there = {user["id"] for user in listed["Resources"]}
    assert set(answered) <= there
    assert len(there) <= len(answered) + 2  # the admin, and one that was done but not answered
    assert again.stop() == 0


@pytest.mark.process
@pytest.mark.parametrize(("kind", "done"), [("lost_reply", True), ("reset", False)])
def test_a_dropped_connection_is_closed_without_an_answer(started: Any, kind: str, done: bool) -> None:
    served = started("--admin-key", ADMIN_KEY)
    fault = {"match": {"method": "POST", "path_regex": "/Users"}, "effect": {"kind": kind}}
    served.call("POST", "/_sandbox/faults", fault)
    with pytest.raises(http.client.RemoteDisconnected):
        served.call("POST", f"{SCIM}/Users", {"userName": "ana@example.com"})
    _, listed = served.call("GET", f"{SCIM}/Users")
    assert ("ana@example.com" in {u["userName"] for u in listed["Resources"]}) is done
    assert served.stop(signal.SIGINT) == 0


@pytest.mark.process
def test_a_key_is_made_up_printed_and_survives_a_restart(tmp_path: Path, started: Any) -> None:
    state = ("--state", str(tmp_path / "sandbox.db"))
    first = started(*state)
    found = re.fullmatch(r"admin key (\S+)", first.lines[0])
    assert found is not None
    assert first.call("GET", f"{SCIM}/Users", key=found[1])[0] == 200
    assert first.stop() == 0
    again = started(*state)
    assert len(again.lines) == 1
    assert again.call("GET", f"{SCIM}/Users", key=found[1])[0] == 200
    assert again.stop() == 0
    third = started(*state, "--admin-key", ADMIN_KEY)
    assert third.call("GET", f"{SCIM}/Users")[0] == 200
    assert third.call("GET", f"{SCIM}/Users", key=found[1])[0] == 401
    assert third.stop() == 0


@pytest.mark.process
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--set", "no_such_knob=1"], "no_such_knob"),
        (["--set", "scim_patch_status=418"], "scim_patch_status must be one of 501, 404, 405"),
        (["--set", "scim_patch_status"], "KNOB=VALUE"),
        (["--seed", "/nowhere/seed.json"], "/nowhere/seed.json"),
    ],
)
def test_wrong_options_end_with_2_and_one_clear_message(options: list[str], message: str) -> None:
    ended = subprocess.run([*COMMAND, *options], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""


@pytest.mark.process
def test_a_state_file_that_is_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("these are notes " * 100)
    ended = subprocess.run([*COMMAND, "--state", str(path)], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert str(path) in ended.stderr and "Traceback" not in ended.stderr


@pytest.mark.process
def test_the_control_api_is_closed_when_listening_to_everybody(started: Any) -> None:
    served = started("--admin-key", ADMIN_KEY, "--host", "0.0.0.0")
    port = urlsplit(served.url).port
    served.lines[-1] = f"ready http://127.0.0.1:{port}"
    assert served.call("GET", f"{SCIM}/Users")[0] == 200
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", "/_sandbox/state")
    assert connection.getresponse().status == 403
    connection.close()
    assert served.stop() == 0
