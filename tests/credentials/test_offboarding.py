"""Off-boarding: a service account is deactivated at once, and deleted only where the policy says after how long."""

from __future__ import annotations

import pytest

from tests.credentials.conftest import MakeKeyRig
from tests.credentials.rig import KeyRig
from tests.rig import POLICY

PUSHED = POLICY.replace("provision: {", "provision: {service_accounts: 'userType eq \"Service\"', ")
GRACE = "guards: {min_admins: 0, grace: {service_accounts: 30d}}"
DECLARED = "\nservice_accounts: [{name: scoring}]\n"


def with_grace(policy: str) -> str:
    return policy.replace("guards: {min_admins: 0}", GRACE)


def is_active(rig: KeyRig, name: str = "scoring") -> bool | None:
    """Tell whether an account is active; None when Tecton does not hold it."""
    account = rig.account(name)
    return account["active"] if account else None


def test_an_account_that_leaves_the_policy_is_deactivated_and_without_a_grace_never_deleted(
    make_rig: MakeKeyRig,
) -> None:
    rig = make_rig(policy=POLICY + DECLARED)
    rig.run()
    rig.declare(POLICY)
    rig.run()
    assert is_active(rig) is False
    rig.clock.move(days=4000)
    assert rig.run()["planned"] == 0
    assert is_active(rig) is False


def test_after_its_grace_it_is_deleted(make_rig: MakeKeyRig) -> None:
    rig = make_rig(policy=with_grace(POLICY) + DECLARED)
    rig.run()
    rig.declare(with_grace(POLICY))
    rig.run()
    rig.clock.move(days=29)
    assert rig.run()["planned"] == 0
    assert is_active(rig) is False
    rig.clock.move(days=1)
    report = rig.run()
    assert report["changes"] == ["delete service account scoring"]
    assert is_active(rig) is None
    assert rig.run()["planned"] == 0


def test_one_that_comes_back_within_its_grace_keeps_its_key(make_rig: MakeKeyRig) -> None:
    rig = make_rig(policy=with_grace(POLICY) + DECLARED)
    rig.run()
    key = rig.sealed("scoring")
    rig.declare(with_grace(POLICY))
    rig.run()
    rig.clock.move(days=29)
    rig.declare(with_grace(POLICY) + DECLARED)
    rig.run()
    assert is_active(rig) is True
    assert rig.owner_of(key or "") == "scoring"
    rig.declare(with_grace(POLICY))
    rig.run()
    rig.clock.move(days=29)
    rig.run()
    assert is_active(rig) is False, "its grace begins anew"


def test_a_dry_run_shows_the_deletion_and_observe_mode_does_not_make_it(make_rig: MakeKeyRig) -> None:
    rig = make_rig(policy=with_grace(POLICY) + DECLARED)
    rig.run()
    rig.declare(with_grace(POLICY))
    rig.run()
    rig.clock.move(days=31)
    assert rig.run("plan")["changes"] == ["delete service account scoring"]
    rig.settings = rig.settings.model_copy(update={"mode": "observe"})
    rig.restart()
    assert rig.run()["planned"] == 1
    assert is_active(rig) is False


def test_a_pushed_account_that_is_deactivated_goes_the_same_way(make_rig: MakeKeyRig) -> None:
    rig = make_rig(policy=with_grace(PUSHED))
    rig.run()
    bot = rig.create_user("bot", userType="Service")
    rig.create_group("tecton-fraud", bot)
    rig.settle()
    rig.set_active(bot, False)
    rig.settle()
    assert (is_active(rig, "bot"), rig.members("fraud")) == (False, {"bot"})
    rig.clock.move(days=31)
    rig.run()
    assert is_active(rig, "bot") is None
    assert rig.run()["planned"] == 0, "it is not made again"
    rig.set_active(bot, True)
    rig.settle()
    assert (is_active(rig, "bot"), rig.members("fraud")) == (True, {"bot"})


@pytest.mark.parametrize("who", ["protected", "foreign"])
def test_nobody_elses_account_is_deleted(make_rig: MakeKeyRig, who: str) -> None:
    rig = make_rig(policy=with_grace(POLICY) + DECLARED)
    rig.run()
    if who == "foreign":
        rig.by_hand("service-accounts", name="old", active=False)
    protected = "\nprotected: {service_accounts: [scoring]}\n"
    rig.declare(with_grace(POLICY) + (protected if who == "protected" else ""))
    rig.run()
    rig.clock.move(days=400)
    rig.run()
    assert is_active(rig, "scoring" if who == "protected" else "old") is (who == "protected")
