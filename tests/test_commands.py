"""What commands say where something is not as it must be: one clear message, and nothing made that nobody asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from app.bootstrap import warn_of_unknown_names
from tests.conftest import Invoke


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory in which nobody started the bridge yet, with a policy beside it."""
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\n")
    monkeypatch.setenv("BRIDGE_POLICY", str(policy))
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    return empty


@pytest.mark.parametrize(
    "line",
    [
        "runs",
        "drift --recorded",
        "why ana@acme.com",
        "scopes",
        "probes",
        "audit verify",
        "audit export",
        "token list",
        "token revoke okta",
        "admin list",
        "admin remove ana",
        "credentials list",
        "credentials history",
        "policy simulate ../policy.yaml",
    ],
)
def test_who_only_reads_makes_no_database(invoke: Invoke, place: Path, line: str) -> None:
    result = invoke(*line.split())
    assert result.exit_code == 1
    assert f"there is no database at {place}/var/bridge.db" in result.stderr
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("line", ["token create okta --scope scim", "admin create ana", "db upgrade"])
def test_who_has_something_to_store_makes_one(invoke: Invoke, place: Path, line: str) -> None:
    assert invoke(*line.split()).exit_code == 0
    assert (place / "var" / "bridge.db").exists()


def test_an_empty_audit_log_is_said_to_be_empty(invoke_stored: Invoke) -> None:
    result = invoke_stored("audit", "verify")
    assert (result.exit_code, "is empty: nothing" in result.stdout) == (0, True)


@pytest.mark.parametrize("line", ["serve --port 80480", "sandbox --port 65536", "demo --port -1"])
def test_a_port_that_is_none_is_a_usage_error(invoke: Invoke, line: str) -> None:
    result = invoke(*line.split())
    assert (result.exit_code, "'--port'" in result.stderr) == (2, True)


@pytest.mark.parametrize("command", ["check", "simulate"])
def test_a_policy_given_by_its_path_is_not_looked_for_in_a_setting(
    invoke_stored: Invoke, place: Path, command: str
) -> None:
    result = invoke_stored("policy", command, str(place / "nope.yaml"))
    assert result.exit_code == 1
    assert "give FILE as the path of a policy file" in result.stderr
    assert "BRIDGE_POLICY" not in result.stderr


@pytest.mark.parametrize(
    ("path", "said"),
    [("file/var/bridge.db", "cannot be made"), ("file", "no SQLite database"), (".", "cannot be opened")],
)
def test_doctor_says_what_is_wrong_with_the_database(
    invoke: Invoke, place: Path, monkeypatch: pytest.MonkeyPatch, path: str, said: str
) -> None:
    (place / "file").write_text("what I did today\n" * 100)
    monkeypatch.setenv("BRIDGE_DATABASE_URL", f"sqlite:///{place}/{path}")
    for arguments in (["doctor"], ["token", "create", "okta", "--scope", "scim"]):
        result = invoke(*arguments)
        assert result.exit_code == 1, result.exception
        assert said in result.stdout + result.stderr


@pytest.mark.parametrize("command", ["doctor", "runs"])
def test_an_env_file_that_cannot_be_read_is_said(invoke: Invoke, place: Path, command: str) -> None:
    (place / ".env").symlink_to("/proc/self/mem")  # which nobody may read at its beginning, not even root
    result = invoke(command)
    assert (result.exit_code, ".env: cannot be read" in result.stderr) == (2, True)


def test_doctor_tells_of_names_that_are_no_settings(
    invoke: Invoke, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / ".env").write_text("BRIDGE_MOED=enforce\n")
    monkeypatch.setenv("TECTON_APIKEY", "hunter2")
    monkeypatch.setenv("BRIDGE_SERVICE_PORT_HTTP", "8080")
    said = invoke("doctor").stdout
    assert "??  settings: BRIDGE_MOED is no setting, and has no effect: do you mean BRIDGE_MODE?" in said
    assert "do you mean TECTON_API_KEY?" in said
    assert "hunter2" not in said
    assert "SERVICE_PORT" not in said


def test_a_start_warns_of_them(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_MOED", "enforce")
    with capture_logs() as logs:
        warn_of_unknown_names()
    assert [(of["log_level"], "BRIDGE_MODE" in of["what"]) for of in logs] == [("warning", True)]


@pytest.mark.parametrize(
    ("key", "mark"), [("", "BAD"), ("short", "BAD"), (f"short,{'k' * 32}", "BAD"), (f"{'k' * 32},short", "ok ")]
)
def test_doctor_wants_the_key_as_long_as_it_says(
    invoke: Invoke, place: Path, monkeypatch: pytest.MonkeyPatch, key: str, mark: str
) -> None:
    monkeypatch.setenv("BRIDGE_SECRET_KEY", key)
    assert f"{mark} secret key: " in invoke("doctor").stdout
