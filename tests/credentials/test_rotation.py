"""Rotation: whatever happens, whoever uses the account has a secret that works, and there are never more than two."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.bootstrap import make_sealer
from app.core.credentials import KeyState, Rotation, Step
from app.store import credentials
from app.store.database import Database
from app.store.rotations import new_rotation, save_rotation
from tests.conftest import Clock
from tests.credentials.fuse import FusedRig, fused_commits
from tests.credentials.rig import SCOPE, KeyRig
from tests.rig import POLICY

TO_SCOPE = f"deliver_to: {{secret_scope: {SCOPE}, key: etl}}"


def policy(more: str = f", rotate_every: 30d, {TO_SCOPE}") -> str:
    account = f"service_accounts: [{{name: etl, credentials: oauth{more}}}]"
    return f"{POLICY}\n{account}\ncredentials: {{delete_after: 2h}}\n"


@pytest.fixture
def rig(database: Database, clock: Clock, tmp_path: Path) -> Iterator[FusedRig]:
    """A bridge that keeps the secret of one OAuth account, delivered."""
    rig = FusedRig(database, clock, tmp_path, policy=policy())
    rig.run()
    rig.keep(seconds=1)
    yield rig
    rig.close()


def account_id(rig: KeyRig) -> str:
    account = rig.account("etl")
    assert account
    return str(account["id"])


def secrets(rig: KeyRig) -> dict[str, bool]:
    """Return the secrets of the account in Tecton, and whether each is active."""
    account = rig.account("etl")
    assert account
    return {secret["id"]: secret["active"] for secret in account["secrets"]}


def works(rig: KeyRig) -> bool:
    """Tell whether what its user finds in the scope is taken by Tecton."""
    return rig.takes(account_id(rig), rig.scope_value("etl"))


def rotation(rig: KeyRig) -> Rotation:
    return rig.rotation("etl")


def finish(rig: FusedRig) -> int:
    """Let time pass until the rotation is done; return how often the process died on the way."""
    died = 0
    for _ in range(60):
        died += rig.keep_on(minutes=10)
        if rotation(rig).step is Step.DONE:
            return died
    raise AssertionError(rotation(rig))


def ask_for_rotation(rig: KeyRig, who: str = "ana") -> None:
    with rig.database.write() as connection:
        save_rotation(connection, new_rotation(account_id(rig), "etl", who, rig.clock()))


# ---------------------------------------------------------------- the way


def test_a_rotation_goes_step_by_step(rig: FusedRig) -> None:
    (old,) = secrets(rig)
    first = rig.scope_value("etl")
    rig.keep(days=30)
    assert rotation(rig).step is Step.DELIVER
    assert sorted(secrets(rig).values()) == [True, True]
    rig.keep(seconds=1)
    assert rig.scope_value("etl") != first and works(rig)
    rig.keep(seconds=1)
    assert rotation(rig).step is Step.SETTLE
    rig.keep(minutes=60)
    assert secrets(rig)[old] is True, "a token of the old secret may be in use for an hour and a minute"
    rig.keep(minutes=1)
    assert (rotation(rig).step, secrets(rig)[old]) == (Step.RETIRE, False)
    rig.keep(hours=1, minutes=59)
    assert old in secrets(rig), "it can be activated again for as long as the policy says"
    rig.keep(minutes=1)
    assert rotation(rig).step is Step.DONE
    assert list(secrets(rig).values()) == [True] and old not in secrets(rig)
    assert works(rig)
    assert rig.events("etl") == [
        "sealed",
        "delivered",
        "rotation started",
        "sealed",
        "client secret created",
        "delivered",
        "secret handed over",
        "old secret deactivated",
        "old secret deleted",
    ]


def test_nothing_rotates_before_its_time_nor_twice(rig: FusedRig) -> None:
    rig.forget_calls()
    rig.keep(days=29)
    assert list(rig.calls()) == []
    rig.keep(days=1)
    finish(rig)
    rig.forget_calls()
    rig.keep(days=29)
    assert list(rig.calls()) == []


def test_twenty_rotations_and_more_with_a_crash_at_each_moment(rig: FusedRig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never without a secret that works, never more than two; at every moment of every rotation."""
    looks = []

    def watch(moment: str) -> None:
        held = secrets(rig)
        looks.append(moment)
        assert 1 <= len(held) <= 2, moment
        assert any(held.values()), moment
        assert works(rig), moment

    rig.fuse.watch = watch
    with fused_commits(rig, monkeypatch):
        rig.fuse.rearm(None)
        rig.keep(days=30)
        finish(rig)
        moments = len(rig.fuse.passed)
        died = 0
        for moment in range(1, moments + 1):
            before = rig.scope_value("etl")
            rig.fuse.rearm(moment)
            died += rig.keep_on(days=31)
            died += finish(rig)
            assert rig.scope_value("etl") != before
            assert list(secrets(rig).values()) == [True]
    assert died == moments >= 20
    sys.stdout.write(f"{moments + 1} rotations, {died} crashes, {len(looks)} looks\n")


# ---------------------------------------------------------------- what stops it


def test_a_failed_delivery_stops_before_anything_is_deactivated(rig: FusedRig) -> None:
    (old,) = secrets(rig)
    rig.fault({"kind": "status", "status": 403}, path_regex="/keys/", method="PUT", times=0)
    for _ in range(30):
        rig.keep(days=2)
    assert (rotation(rig).step, rig.credential("etl").state) == (Step.DELIVER, KeyState.DUE)
    assert "could not put key etl" in (rig.credential("etl").last_error or "")
    assert secrets(rig)[old] is True and works(rig)
    rig.heal()
    rig.keep(hours=1)
    finish(rig)
    assert works(rig)


def test_without_a_place_to_go_the_new_secret_is_claimed_first(rig: FusedRig) -> None:
    rig.declare(policy(", rotate_every: 30d"))
    (old,) = secrets(rig)
    rig.keep(days=30)
    rig.keep(days=3)
    assert (rotation(rig).step, secrets(rig)[old]) == (Step.DELIVER, True)
    with rig.database.write() as connection:
        sealer = make_sealer("a secret for tests")
        value = credentials.claim(connection, sealer, "etl", "ana", rig.clock())
    assert rig.takes(account_id(rig), value)
    finish(rig)
    assert old not in secrets(rig)


def test_a_lost_reply_to_the_creation_leaves_no_secret_behind(rig: FusedRig) -> None:
    rig.fault({"kind": "lost_reply"}, path_regex="create-service-account-secret", times=1)
    rig.keep(days=30)
    assert len(secrets(rig)) == 2
    assert "it may have been done all the same" in (rotation(rig).last_error or "")
    rig.keep(seconds=5)
    assert (rotation(rig).step, len(secrets(rig))) == (Step.DELIVER, 2)
    assert "lost secret deleted" in rig.events("etl")
    finish(rig)
    assert len(secrets(rig)) == 1 and works(rig)


def test_a_second_secret_of_somebody_else_stops_it_and_is_left_alone(rig: FusedRig) -> None:
    _create_by_hand(rig)
    rig.keep(days=30)
    assert "has two client secrets already" in (rotation(rig).last_error or "")
    assert sorted(secrets(rig).values()) == [True, True]


def test_a_secret_made_by_hand_while_a_rotation_was_interrupted_is_left_alone(rig: FusedRig) -> None:
    rig.fault({"kind": "status", "status": 500}, path_regex="create-service-account-secret", times=4)
    rig.keep(days=30)
    rig.heal()
    rig.clock.move(days=2)
    _create_by_hand(rig)
    rig.keep(hours=1)
    assert "somebody else made client secret" in (rotation(rig).last_error or "")
    assert sorted(secrets(rig).values()) == [True, True]


def test_an_old_secret_that_was_activated_again_is_not_deleted(rig: FusedRig) -> None:
    (old,) = secrets(rig)
    rig.keep(days=30)
    rig.keep(seconds=1)
    rig.keep(seconds=1)
    rig.keep(minutes=61)
    assert secrets(rig)[old] is False
    tecton = rig.engine.tecton.for_run()
    tecton.client_secrets.activate(account_id(rig), old)
    rig.keep(hours=2)
    assert "was activated again" in (rotation(rig).last_error or "")
    assert secrets(rig)[old] is True
    tecton.client_secrets.deactivate(account_id(rig), old)
    finish(rig)
    assert old not in secrets(rig)


def test_a_new_secret_that_vanished_keeps_the_old_one(rig: FusedRig) -> None:
    (old,) = secrets(rig)
    rig.keep(days=30)
    rig.keep(seconds=1)
    rig.keep(seconds=1)
    tecton = rig.engine.tecton.for_run()
    new = rotation(rig).new_id or ""
    tecton.client_secrets.deactivate(account_id(rig), new)
    rig.keep(hours=2)
    assert "the old one stays" in (rotation(rig).last_error or "")
    assert secrets(rig)[old] is True


def test_an_account_that_was_deactivated_rests(rig: FusedRig) -> None:
    rig.declare(POLICY)
    rig.run()
    rig.forget_calls()
    rig.keep(days=40)
    assert list(rig.calls()) == []


def test_an_account_that_is_gone_ends_its_rotation(rig: FusedRig) -> None:
    rig.keep(days=30)
    rig.declare(POLICY)
    rig.tecton.delete("/_sandbox/service-accounts/etl")
    rig.run()
    rig.keep(seconds=1)
    assert rotation(rig).step is Step.DONE


def test_without_a_secret_key_no_secret_is_made(rig: FusedRig) -> None:
    rig.settings = rig.settings.model_copy(update={"secret_key": type(rig.settings.secret_key)("")})
    rig.restart()
    rig.keep(days=30)
    assert "BRIDGE_SECRET_KEY" in (rotation(rig).last_error or "")
    assert len(secrets(rig)) == 1


def test_a_rotation_that_somebody_asks_for_is_done(rig: FusedRig) -> None:
    (old,) = secrets(rig)
    ask_for_rotation(rig)
    finish(rig)
    assert old not in secrets(rig) and works(rig)


def test_an_account_with_an_api_key_is_said_to_have_none_to_rotate(rig: FusedRig) -> None:
    rig.by_hand("service-accounts", name="scoring")
    scoring = rig.account("scoring")
    assert scoring
    rig.run()
    with rig.database.write() as connection:
        save_rotation(connection, new_rotation(scoring["id"], "scoring", "ana", rig.clock()))
    rig.keep(seconds=1)
    assert rig.rotation("scoring").step is Step.DONE, "it is not one of the bridge's"


def _create_by_hand(rig: KeyRig) -> None:
    rig.engine.tecton.for_run().client_secrets.create(account_id(rig))
