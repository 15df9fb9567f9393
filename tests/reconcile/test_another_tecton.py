"""TECTON_URL names another Tecton than before: nothing is taken for lost, and nothing is written to a stranger."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.sandbox import create_app as create_sandbox
from tests.reconcile.conftest import MakeRig
from tests.rig import ADMIN_KEY, Rig


def move(rig: Rig, sandbox: Any = None) -> None:
    """Let the bridge start again with another TECTON_URL; with a sandbox, another Tecton is behind it."""
    rig.engine.worker.release()
    rig.engine.close()
    if sandbox is not None:
        rig.sandbox, rig.tecton = sandbox, sandbox.test_client()
    rig.settings.tecton_url = "http://other.test"
    rig.engine = rig.start_engine()


def stranger(rig: Rig) -> Any:
    """Another Tecton: an admin's key, a user of a name that is known, and objects of its own."""
    seed = rig.policy_file.with_name("seed.json")
    user = {"userName": "ana@acme.com", "givenName": "A", "familyName": "B"}
    seed.write_text(
        json.dumps(
            {
                "default_world": False,
                "users": [user],
                "workspaces": [{"name": "prod"}],
                "scopes": [{"name": "snowflake"}],
            }
        )
    )
    return create_sandbox(admin_key=ADMIN_KEY, knobs=rig.knobs, seed=seed, clock=rig.clock, sleep=lambda _: None)


@pytest.fixture
def moved(make_rig: MakeRig) -> Rig:
    """A bridge that knew one Tecton, and is pointed at another."""
    rig = make_rig()
    rig.run()
    rig.create_group("tecton-fraud", rig.create_user("ana@acme.com"), rig.create_user("ben@acme.com"))
    rig.settle()
    move(rig, stranger(rig))
    return rig


def held(rig: Rig) -> dict[str, Any]:
    report = rig.run()
    assert [of["guard"] for of in report["objections"]] == ["another_tecton"]
    return report


def test_nothing_is_written_to_another_tecton_and_it_is_said_what_to_do(moved: Rig) -> None:
    sentence = held(moved)["objections"][0]["sentence"]
    assert "http://tecton.test" in sentence
    assert "TECTON_URL" in sentence
    moved.create_user("cy@acme.com")
    moved.settle(rounds=3)
    assert moved.writes() == []
    assert moved.waiting() == 1  # the push is kept


def test_put_back_everything_goes_on_as_if_nothing_had_been(make_rig: MakeRig) -> None:
    rig = make_rig()
    first = rig.sandbox
    rig.run()
    rig.create_group("tecton-fraud", rig.create_user("ana@acme.com"))
    rig.settle()
    move(rig, stranger(rig))
    held(rig)
    move(rig, first)
    rig.settings.tecton_url = "http://tecton.test"
    rig.engine.close()
    rig.engine = rig.start_engine()
    rig.forget_calls()
    assert rig.run()["writes"] == 0


def test_approved_the_other_tecton_is_taken_over_from_its_first_sight(moved: Rig) -> None:
    fingerprint = held(moved)["fingerprint"]
    ana = moved.user("ana@acme.com")
    report = moved.run("apply", approve=fingerprint)
    assert report["failed"] == 0
    assert moved.members("fraud") == {"ana@acme.com", "ben@acme.com"}
    assert ana and (moved.user("ana@acme.com") or {})["id"] == ana["id"]  # adopted, not made twice
    assert moved.run()["writes"] == 0


def test_the_same_tecton_at_another_address_is_known_by_its_objects(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run()
    rig.create_user("ana@acme.com")
    rig.settle()
    move(rig)
    rig.forget_calls()
    report = rig.run()
    assert (report["objections"], report["writes"]) == ([], 0)
    rig.create_user("ben@acme.com")
    rig.settle()
    assert rig.user("ben@acme.com")


def test_until_the_other_address_was_looked_at_the_queue_waits(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run()
    move(rig)
    rig.forget_calls()
    rig.create_user("ana@acme.com")
    rig.settle(rounds=3)
    assert (rig.writes(), rig.waiting()) == ([], 1)


def test_whose_the_key_is_is_asked_of_each_tecton(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run()
    with rig.database.read() as connection:
        first = connection.exec_driver_sql("SELECT value FROM facts WHERE name = 'own_account'").scalar_one()
    move(rig, stranger(rig))
    rig.run("apply", approve=held(rig)["fingerprint"])
    with rig.database.read() as connection:
        second = connection.exec_driver_sql("SELECT value FROM facts WHERE name = 'own_account'").scalar_one()
    ids = [(of if isinstance(of, dict) else json.loads(of))["id"] for of in (first, second)]
    assert ids[1] in {of["id"] for of in rig.state()["service_accounts"]}
    assert ids[0] != ids[1]
