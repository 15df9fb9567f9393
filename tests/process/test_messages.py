"""What is not as it must be is said in one clear message, with what to do, and no traceback."""

from __future__ import annotations

import socket
import sqlite3
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.cli import main
from tests.process.processes import KEY, call, running

pytestmark = pytest.mark.process


@pytest.fixture
def sqlite_environment(tmp_path: Path, sqlite_template: Path) -> dict[str, str]:
    database = tmp_path / "bridge.db"
    database.write_bytes(sqlite_template.read_bytes())
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\n")
    return {
        "BRIDGE_DATABASE_URL": f"sqlite:///{database}",
        "BRIDGE_POLICY": str(policy),
        "TECTON_URL": "http://127.0.0.1:9",
        "TECTON_API_KEY": KEY,
    }


def message(process: subprocess.CompletedProcess[str], code: int) -> str:
    """Return what a failed command said; assert that it is a message and not a crash."""
    assert process.returncode == code, process.stdout + process.stderr
    assert "Traceback" not in process.stderr
    assert KEY not in process.stderr
    return process.stderr


def test_a_bad_policy_is_said_with_file_line_and_column(sqlite_environment: dict[str, str]) -> None:
    policy = Path(sqlite_environment["BRIDGE_POLICY"])
    policy.write_text("version: 1\nprovision:\n  users: 'active eq'\nmistake: 1\n")
    for command in (["policy", "check", str(policy)], ["sweep", "--json"], ["serve", "--port", "0"]):
        said = message(call(*command, **sqlite_environment), 1)
        assert f"{policy}:3:3: provision.users is not a SCIM filter" in said
        assert f"{policy}:4:1: mistake is not a known key" in said


def test_a_policy_that_is_not_there_is_said(sqlite_environment: dict[str, str]) -> None:
    said = message(call("sweep", **{**sqlite_environment, "BRIDGE_POLICY": "/nowhere/policy.yaml"}), 1)
    assert "/nowhere/policy.yaml" in said
    assert "BRIDGE_POLICY" in said


def test_a_fingerprint_that_no_plan_has_is_said(sqlite_environment: dict[str, str]) -> None:
    said = message(call("apply", "--approve", "0123456789abcdef", **sqlite_environment), 1)
    assert "no plan has the fingerprint 0123456789abcdef" in said


def test_an_unreachable_tecton_is_said_with_what_to_check(sqlite_environment: dict[str, str]) -> None:
    said = message(call("sweep", "--json", **sqlite_environment), 1)
    assert "TECTON_URL" in said
    assert len(said.strip().splitlines()) == 1


def test_a_wrong_key_is_said_with_what_to_check(sqlite_environment: dict[str, str]) -> None:
    with running("sandbox", "--admin-key", "another key", "--port", "0") as tecton:
        said = message(call("sweep", "--json", **{**sqlite_environment, "TECTON_URL": tecton.url}), 1)
    assert "TECTON_API_KEY" in said
    assert len(said.strip().splitlines()) == 1


def test_missing_settings_are_said_all_at_once(sqlite_environment: dict[str, str]) -> None:
    said = message(call("sweep", **{**sqlite_environment, "TECTON_URL": "", "TECTON_API_KEY": ""}), 2)
    assert "TECTON_URL" in said
    assert "TECTON_API_KEY" in said


def test_a_locked_database_is_said(sqlite_environment: dict[str, str]) -> None:
    path = sqlite_environment["BRIDGE_DATABASE_URL"].removeprefix("sqlite:///")
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        said = message(call("sweep", "--json", **sqlite_environment), 1)
    finally:
        holder.close()
    assert "locked" in said


def test_a_database_that_is_none_is_said(sqlite_environment: dict[str, str]) -> None:
    said = message(call("sweep", **{**sqlite_environment, "BRIDGE_DATABASE_URL": "mysql://x"}), 1)
    assert "sqlite and postgresql" in said


def test_an_unknown_mode_is_said(sqlite_environment: dict[str, str]) -> None:
    said = message(call("sweep", **{**sqlite_environment, "BRIDGE_MODE": "yolo"}), 2)
    assert "BRIDGE_MODE" in said


def test_a_port_in_use_is_said(sqlite_environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = message(call("serve", "--port", str(port), **sqlite_environment), 1)
    assert f"cannot listen on 127.0.0.1:{port}" in said


def test_an_unknown_command_is_a_usage_error() -> None:
    assert call("frobnicate").returncode == 2


@pytest.mark.parametrize(
    "command",
    [
        "serve",
        "worker",
        "sandbox",
        "demo",
        "db",
        "admin",
        "token",
        "plan",
        "apply",
        "sweep",
        "drift",
        "runs",
        "why",
        "scopes",
        "credentials",
        "probes",
        "audit",
        "policy",
        "doctor",
    ],
)
def test_every_command_has_help(command: str) -> None:
    assert CliRunner().invoke(main, [command, "--help"]).exit_code == 0
