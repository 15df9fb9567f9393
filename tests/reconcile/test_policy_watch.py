"""A policy that stops loading, and names in it that match nothing: said once in the log, and wherever people look."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from app.bootstrap import create_app
from app.store.database import Database
from app.store.facts import POLICY, read_fact
from tests.conftest import Clock, Invoke
from tests.rig import POLICY as GOOD
from tests.rig import Rig
from tests.web.conftest import make_admin_caller

TYPO = """
  - {name: typo, to: {group: tecton-frued}, roles: [{secret_scope: my-secrets, role: reader}]}
protected: {users: [breakglas@acme.com]}
"""


@pytest.fixture
def rig(database: Database, clock: Clock, tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(database, clock, tmp_path)
    rig.create_group("tecton-fraud", rig.create_user("ada@acme.com"))
    rig.create_group("tecton-admins")
    rig.run()
    yield rig
    rig.close()


def watch(rig: Rig, **by: float) -> list[str]:
    """Let time pass and the leader look; return what was logged as a warning."""
    rig.clock.move(**by)
    rig.engine.worker.renew()
    with capture_logs() as logs:
        rig.engine.policy_watch.tick()
    return [str(entry.get("error") or entry.get("name")) for entry in logs if entry["log_level"] == "warning"]


def known(rig: Rig) -> dict[str, Any]:
    with rig.database.read() as connection:
        value: dict[str, Any] = read_fact(connection, POLICY)
    return value


def with_typo(rig: Rig) -> None:
    rig.policy_file.write_text(GOOD.replace("guards:", TYPO.strip("\n") + "\nguards:"))


def test_a_policy_that_stops_loading_is_logged_once_and_shown(rig: Rig) -> None:
    assert watch(rig, seconds=1) == [] and known(rig)["error"] == ""
    rig.policy_file.write_text("version: 1\nmistake: 1\n")
    (said,) = watch(rig, seconds=1)
    assert ":2:1: mistake is not a known key" in said
    assert watch(rig, seconds=1) == watch(rig, minutes=5) == []
    api = make_admin_caller(rig.app, rig.database, rig.clock)
    notices = {notice["title"]: notice["text"] for notice in api.read("/api/v1/status")["notices"]}
    assert "mistake is not a known key" in notices["The policy file does not load"]
    assert "tecton_bridge_policy_loads 0.0" in api.get("/metrics").text


def test_a_mended_policy_is_in_force_again(rig: Rig) -> None:
    rig.policy_file.write_text("version: 1\nmistake: 1\n")
    watch(rig, seconds=1)
    rig.policy_file.write_text(GOOD + "# mended\n")
    assert watch(rig, seconds=1) == [] and known(rig)["error"] == ""
    assert "tecton_bridge_policy_loads 1.0" in make_admin_caller(rig.app, rig.database, rig.clock).get("/metrics").text


def test_a_policy_file_that_is_gone_is_an_error_too(rig: Rig) -> None:
    rig.policy_file.unlink()
    (said,) = watch(rig, seconds=1)
    assert "cannot be read" in said


def test_names_that_match_nothing_are_shown_until_they_match(rig: Rig) -> None:
    with_typo(rig)
    assert (
        watch(rig, seconds=1)
        == known(rig)["unmatched"]
        == [
            "grants[3].to.group tecton-frued: no group of this name was pushed",
            "grants[3].roles[0].secret_scope my-secrets: Tecton has no secret scope of this name",
            "protected.users[0] breakglas@acme.com: no user of this name is pushed or in Tecton",
        ]
    )
    api = make_admin_caller(rig.app, rig.database, rig.clock)
    assert "tecton_bridge_policy_unmatched_names 3.0" in api.get("/metrics").text
    (notice,) = [n for n in api.read("/api/v1/status")["notices"] if n["title"].startswith("Names in the policy")]
    assert "tecton-frued" in notice["text"]
    rig.create_group("tecton-frued")
    watch(rig, seconds=31)
    assert len(known(rig)["unmatched"]) == 2


def test_nothing_is_said_of_names_before_anything_was_pushed_or_read(
    database: Database, clock: Clock, tmp_path: Path
) -> None:
    rig = Rig(database, clock, tmp_path)
    try:
        assert watch(rig, seconds=1) == []
    finally:
        rig.close()


def test_policy_check_and_doctor_warn_of_names_with_their_line(
    rig: Rig, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_typo(rig)
    url = rig.database.url.render_as_string(hide_password=False)
    for name, value in {"BRIDGE_DATABASE_URL": url, "BRIDGE_POLICY": str(rig.policy_file), "TECTON_URL": ""}.items():
        monkeypatch.setenv(name, value)
    (line,) = (n for n, text in enumerate(rig.policy_file.read_text().splitlines(), 1) if "frued" in text)
    said = invoke("policy", "check", str(rig.policy_file))
    assert (said.exit_code, "is fine" in said.stdout) == (0, True)
    assert f"policy.yaml:{line}:23: grants[3].to.group tecton-frued: no group of this name was pushed" in said.stderr
    document = json.loads(invoke("policy", "check", str(rig.policy_file), "--json").stdout)
    assert next(w["field"] for w in document["warnings"]) == "grants[3].to.group" and document["ok"] is True
    checks = json.loads(invoke("doctor", "--json").stdout)["checks"]
    assert [c["ok"] for c in checks if c["warning"] and c["name"] == "policy"] == [True, True, True]


def test_a_policy_is_checked_without_an_installation(
    tmp_path: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(GOOD)
    monkeypatch.setenv("BRIDGE_DATABASE_URL", f"sqlite:///{tmp_path}/none/bridge.db")
    assert invoke("policy", "check", str(file)).exit_code == 0
    assert not (tmp_path / "none").exists()


def test_reports_go_on_with_the_last_good_policy_while_the_file_does_not_load(
    rig: Rig, invoke_stored: Invoke, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BRIDGE_POLICY", str(rig.policy_file))
    watch(rig, seconds=1)
    good = tmp_path / "good.yaml"
    good.write_text(GOOD)
    rig.policy_file.write_text("version: 1\nmistake: 1\n")
    api = make_admin_caller(create_app(rig.settings, rig.database, rig.clock), rig.database, rig.clock)
    assert api.read("/api/v1/principals/ada@acme.com/access")["items"][0]["access"][1]["on"] == "workspace prod"
    for command in (("why", "ada@acme.com", "prod"), ("credentials", "list"), ("policy", "simulate", str(good))):
        result = invoke_stored(*command)
        assert (result.exit_code, ":2:1: mistake is not a known key" in result.stderr) == (0, True), command
        assert "the last good one, which stays in force" in result.stderr
    with rig.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM facts WHERE name = 'policy_text'")
    result = invoke_stored("policy", "simulate", str(good))
    assert result.exit_code == 1
    assert "the policy in force (BRIDGE_POLICY) does not load, and no good one is known" in result.stderr
