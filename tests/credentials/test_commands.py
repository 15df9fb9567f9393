"""The commands: credentials, probes, scopes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from app.core.credentials import KeyState, Step
from tests.credentials.cli import Said, call
from tests.credentials.conftest import MakeKeyRig
from tests.credentials.rig import SCOPE, KeyRig
from tests.rig import POLICY

Command = Callable[..., Said]
ACCOUNTS = f"""
service_accounts:
  - {{name: scoring}}
  - {{name: etl, credentials: oauth, deliver_to: {{secret_scope: {SCOPE}, key: etl}}}}
"""


@pytest.fixture
def rig(make_rig: MakeKeyRig) -> KeyRig:
    """A bridge with one key to be claimed, and one delivered."""
    rig = make_rig(policy=POLICY + ACCOUNTS)
    rig.run()
    rig.keep(seconds=1)
    return rig


@pytest.fixture
def command(rig: KeyRig, monkeypatch: pytest.MonkeyPatch) -> Command:
    return lambda *arguments, **settings: call(rig, monkeypatch, *arguments, **settings)


def document(said: Said) -> Any:
    assert said.code == 0, said.err
    return json.loads(said.out)


# ---------------------------------------------------------------- credentials


def test_the_list_says_where_every_key_is(command: Command) -> None:
    found = {row["name"]: row for row in document(command("credentials", "list", "--json"))}
    assert found["scoring"]["key"]["state"] == "waiting"
    assert found["etl"]["key"] | {"state": "", "handed_at": ""} == found["etl"]["key"] | {"state": "", "handed_at": ""}
    assert (found["etl"]["key"]["state"], found["etl"]["key"]["is_sealed_here"]) == ("delivered", False)
    assert found["etl"]["key"]["destination"] == f"secret scope {SCOPE}, key etl"
    assert found["scoring"]["standing"] == "active"
    said = command("credentials", "list").out
    assert "to be claimed" in said and f"delivered to secret scope {SCOPE}, key etl" in said


def test_a_failing_delivery_is_in_the_list(rig: KeyRig, command: Command) -> None:
    rig.declare(
        POLICY + ACCOUNTS.replace("name: scoring", f"name: scoring, deliver_to: {{secret_scope: {SCOPE}, key: s}}")
    )
    rig.fault({"kind": "status", "status": 403}, path_regex="/keys/", method="PUT", times=0)
    rig.keep(seconds=1)
    found = {row["name"]: row["key"] for row in document(command("credentials", "list", "--json"))}
    assert found["scoring"]["attempts"] == 1
    assert "could not put key s" in found["scoring"]["last_error"]
    assert "fails: could not put key s" in command("credentials", "list").out


def test_a_claimed_key_is_the_last_line_once(rig: KeyRig, command: Command) -> None:
    said = command("credentials", "claim", "scoring", "--by", "ana")
    assert said.code == 0
    assert rig.owner_of(said.last_line) == "scoring"
    assert (rig.credential("scoring").state, rig.credential("scoring").claimed_by) == (KeyState.CLAIMED, "ana")
    again = command("credentials", "claim", "scoring")
    assert (again.code, again.out) == (1, "")
    assert "ana claimed it" in again.err


def test_a_claimed_key_is_one_json_document(rig: KeyRig, command: Command) -> None:
    shown = document(command("credentials", "claim", "scoring", "--json"))
    assert rig.owner_of(shown["key"]) == "scoring"


def test_a_key_can_be_claimed_before_a_worker_looked_at_it(
    make_rig: MakeKeyRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = make_rig(policy=POLICY + ACCOUNTS)
    rig.run()
    assert rig.owner_of(call(rig, monkeypatch, "credentials", "claim", "scoring").last_line) == "scoring"
    assert "it goes to" in call(rig, monkeypatch, "credentials", "claim", "etl").err


def test_what_cannot_be_claimed_says_why(command: Command) -> None:
    assert "it was delivered to secret scope" in command("credentials", "claim", "etl").err
    assert "ever kept here" in command("credentials", "claim", "nobody").err
    assert "BRIDGE_SECRET_KEY is not set" in command("credentials", "claim", "scoring", secret_key="").err
    assert "sealed with a key" in command("credentials", "claim", "scoring", secret_key="another").err


def test_rotating_an_api_key_is_refused_with_what_to_do(command: Command) -> None:
    said = command("credentials", "rotate", "scoring")
    assert said.code == 1
    assert "Tecton cannot replace" in said.err
    assert "looks after no service account called nobody" in command("credentials", "rotate", "nobody").err


def test_rotating_leads_for_once_where_nobody_leads(rig: KeyRig, command: Command) -> None:
    rig.engine.worker.release()
    report = document(command("credentials", "rotate", "etl", "--json", "--by", "ana"))
    assert report["rotation"]["requested_by"] == "ana"
    assert rig.rotation("etl").step in {Step.DELIVER, Step.SETTLE}
    account = rig.account("etl")
    assert account and len(account["secrets"]) == 2
    assert rig.takes(account["id"], rig.scope_value("etl"))


def test_a_rotation_that_cannot_begin_says_why(rig: KeyRig, command: Command) -> None:
    rig.engine.worker.release()
    account = rig.account("etl")
    assert account
    rig.engine.tecton.for_run().client_secrets.create(account["id"])
    said = command("credentials", "rotate", "etl")
    assert said.code == 1
    assert "has two client secrets already" in said.out


def test_nothing_is_rotated_in_observe_mode(command: Command) -> None:
    assert "BRIDGE_MODE is observe" in command("credentials", "rotate", "etl", mode="observe").err


def test_keys_are_resealed(rig: KeyRig, command: Command) -> None:
    said = command("credentials", "reseal", "--json", secret_key="a new one, a secret for tests")
    assert document(said) == {"resealed": 1}
    said = command("credentials", "claim", "scoring", secret_key="a new one")
    assert rig.owner_of(said.last_line) == "scoring"
    assert "is not set" in command("credentials", "reseal", secret_key="").err


def test_keys_are_forgotten(command: Command) -> None:
    assert document(command("credentials", "forget", "scoring", "--json"))["state"] == "waiting"
    assert command("credentials", "claim", "scoring").code == 1


def test_the_history_says_what_happened_and_who_did_it(command: Command) -> None:
    command("credentials", "claim", "scoring", "--by", "ana")
    newest, *_ = document(command("credentials", "history", "scoring", "--json"))
    assert (newest["event"], newest["who"]) == ("claimed", "ana")
    assert "scoring  claimed  (by ana)" in command("credentials", "history").out


# ---------------------------------------------------------------- probes

PROBE = "{read_features: {workspace: prod, feature_service: fraud_detection_feature_service}}"


@pytest.mark.parametrize(("word", "code"), [("cannot", 0), ("can", 1)])
def test_a_mismatch_is_the_exit_code(rig: KeyRig, command: Command, word: str, code: int) -> None:
    probes = f"probes: [{{name: reading, service_account: scoring, {word}: {PROBE}}}]"
    rig.declare(POLICY + ACCOUNTS.replace("name: scoring", "name: scoring, keep_for_probes: true") + probes)
    rig.keep(seconds=61)
    rig.engine.prober.tick()
    said = command("probes", "--json")
    assert said.code == code
    assert json.loads(said.out)[0]["is_as_expected"] is (code == 0)
    assert ("yes" if code == 0 else "NO") in command("probes").out


def test_probes_run_now_when_asked(rig: KeyRig, command: Command) -> None:
    rig.declare(POLICY + ACCOUNTS + f"probes: [{{name: reading, service_account: scoring, can: {PROBE}}}]")
    rig.clock.move(seconds=61)
    shown = document(command("probes", "--run", "--json"))
    assert shown[0]["answer"] == "not_tried"
    assert "keep_for_probes" in shown[0]["sentence"]


def test_without_probes_there_is_nothing_to_show(command: Command) -> None:
    assert document(command("probes", "--json")) == []


# ---------------------------------------------------------------- scopes


def test_the_principals_of_a_scope_are_shown_with_the_source_of_each_role(rig: KeyRig, command: Command) -> None:
    rig.create_group("tecton-fraud", rig.create_user("ana@acme.com"))
    rig.settle()
    found = document(command("scopes", "snowflake", "--json"))
    assert found["scope"] == "snowflake"
    shown = {(row["kind"], row["name"], row["role"], row["via_group"]) for row in found["principals"]}
    assert shown == {
        ("group", "fraud", "reader", None),
        ("user", "ana@acme.com", "reader", "fraud"),
        ("service_account", "scim-bridge", "manager", None),
    }
    said = command("scopes", "snowflake").out
    assert "user ana@acme.com" in said and "group fraud" in said and "direct" in said


def test_the_scopes_of_a_principal_are_shown(rig: KeyRig, command: Command) -> None:
    rig.create_group("tecton-fraud", rig.create_user("ana@acme.com"))
    rig.by_hand("assign", principal_type="workspace", principal="prod", type="secret_scope_snowflake",
                value="secret_scope_reader")  # fmt: skip
    rig.settle()
    rig.run()
    (row,) = document(command("scopes", "--principal", "Ana@Acme.com", "--json"))["scopes"]
    assert (row["scope"], row["role"], row["via_group"]) == ("snowflake", "reader", "fraud")
    (row,) = document(command("scopes", "--principal", "prod", "--json"))["scopes"]
    assert (row["kind"], row["role"]) == ("workspace", "reader")
    assert document(command("scopes", "--principal", "etl", "--json"))["scopes"] == []
    assert "no role on any" in command("scopes", "--principal", "etl").out


def test_every_scope_is_listed(command: Command) -> None:
    names = [row["scope"] for row in document(command("scopes", "--json"))]
    assert names == [SCOPE, "snowflake"]
    assert "snowflake" in command("scopes").out


def test_what_tecton_does_not_have_is_said(command: Command) -> None:
    assert "no secret scope nowhere" in command("scopes", "nowhere").err
    assert "no principal nobody" in command("scopes", "--principal", "nobody").err
    assert command("scopes", "snowflake", "--principal", "x").code == 2
