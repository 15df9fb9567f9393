"""A one-time key goes where the policy says, or waits to be claimed; it is handed over once, and never lost."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.fernet import MultiFernet

from app.bootstrap import make_sealer
from app.core.credentials import KeyState
from app.credentials.ports import CredentialError
from app.store import credentials
from app.store.database import Database
from tests.conftest import Clock
from tests.credentials.conftest import MakeKeyRig
from tests.credentials.fuse import FusedRig, fused_commits
from tests.credentials.rig import SCOPE, VAULT_URL, KeyRig
from tests.credentials.vault_double import Secret
from tests.rig import POLICY

TO_SCOPE = f"deliver_to: {{secret_scope: {SCOPE}, key: scoring-key}}"
TO_VAULT = f"deliver_to: {{vault: {{url: '{VAULT_URL}', path: tecton/scoring, field: api_key}}}}"


def policy(more: str = "") -> str:
    return POLICY + f"\nservice_accounts: [{{name: scoring{', ' + more if more else ''}}}]\n"


def claim(rig: KeyRig, name: str = "scoring", who: str = "ana") -> str:
    with rig.database.write() as connection:
        return credentials.claim(connection, sealer(rig), name, who, rig.clock())


def sealer(rig: KeyRig) -> MultiFernet | None:
    return make_sealer(rig.settings.secret_key.get_secret_value())


def created(rig: KeyRig) -> KeyRig:
    """Let the account come to be, and look after its key once."""
    rig.run()
    assert rig.account("scoring")
    rig.keep(seconds=1)
    return rig


def test_a_key_is_delivered_into_a_scope_and_then_kept_nowhere_here(make_rig: MakeKeyRig) -> None:
    rig = created(make_rig(policy=policy(TO_SCOPE)))
    key = rig.scope_value("scoring-key")
    assert key in rig.keys
    assert rig.owner_of(key or "") == "scoring"
    credential = rig.credential("scoring")
    assert (credential.state, credential.is_sealed) == (KeyState.DELIVERED, False)
    assert credential.destination == f"secret scope {SCOPE}, key scoring-key"
    assert credential.handed_at == rig.clock()
    assert rig.events("scoring") == ["sealed", "delivered"]


def test_a_delivered_key_is_not_delivered_again(make_rig: MakeKeyRig) -> None:
    rig = created(make_rig(policy=policy(TO_SCOPE)))
    rig.forget_calls()
    rig.keep(hours=5)
    assert rig.writes() == []


def test_a_key_is_delivered_into_a_field_of_vault_beside_what_is_there(make_rig: MakeKeyRig) -> None:
    rig = make_rig(policy=policy(TO_VAULT))
    rig.run()
    rig.vault.secrets["", "secret", "tecton/scoring"] = Secret([{"owner": "fraud team"}])
    rig.keep(seconds=1)
    held = rig.vault.read("tecton/scoring")
    assert held and held["owner"] == "fraud team"
    assert rig.owner_of(held["api_key"]) == "scoring"
    assert rig.credential("scoring").is_sealed is False


def test_where_the_policy_says_nothing_the_key_waits_to_be_claimed_once(make_rig: MakeKeyRig) -> None:
    rig = created(make_rig(policy=policy()))
    assert rig.credential("scoring").state is KeyState.WAITING
    assert rig.owner_of(claim(rig)) == "scoring"
    credential = rig.credential("scoring")
    assert (credential.state, credential.claimed_by, credential.is_sealed) == (KeyState.CLAIMED, "ana", False)
    with pytest.raises(CredentialError, match="ana claimed it at 2026-03-02"):
        claim(rig, who="ben")
    assert rig.events("scoring") == ["sealed", "claimed"]


def test_a_claim_that_fails_before_it_is_shown_leaves_the_key_to_be_claimed(make_rig: MakeKeyRig) -> None:
    rig = created(make_rig(policy=policy()))

    def fail() -> None:
        with rig.database.write() as connection:
            credentials.claim(connection, sealer(rig), "scoring", "ana", rig.clock())
            raise OSError("the terminal is gone")

    with pytest.raises(OSError, match="terminal"):
        fail()
    assert rig.owner_of(claim(rig)) == "scoring"


def test_a_key_that_is_to_be_delivered_cannot_be_claimed(make_rig: MakeKeyRig) -> None:
    rig = make_rig(policy=policy(TO_SCOPE))
    rig.run()
    rig.fault({"kind": "status", "status": 403}, path_regex="/keys/", method="PUT", times=0)
    rig.keep(seconds=1)
    with pytest.raises(CredentialError, match="goes to secret scope my-secret-scope, key scoring-key, which fails"):
        claim(rig)


def test_nobody_elses_key_is_claimed_by_a_wrong_name(make_rig: MakeKeyRig) -> None:
    rig = created(make_rig(policy=policy()))
    with pytest.raises(CredentialError, match="service account scorin was ever kept"):
        claim(rig, "scorin")


def test_a_failed_delivery_is_shown_waits_longer_each_time_and_loses_nothing(make_rig: MakeKeyRig) -> None:
    rig = make_rig(policy=policy(TO_SCOPE))
    rig.run()
    rig.fault({"kind": "status", "status": 403}, path_regex="/keys/", method="PUT", times=0)
    rig.forget_calls()
    waits = []
    for _ in range(12):
        rig.keep()
        credential = rig.credential("scoring")
        assert credential.next_at
        waits.append(credential.next_at - rig.clock())
        rig.clock.now = credential.next_at
    assert waits[:4] == [timedelta(seconds=seconds) for seconds in (5, 10, 20, 40)]
    assert waits[-1] == timedelta(minutes=15)
    assert len(rig.writes()) == 12
    assert (credential.state, credential.attempts, credential.is_sealed) == (KeyState.DUE, 12, True)
    assert "could not put key scoring-key in secret scope my-secret-scope" in (credential.last_error or "")
    assert rig.events("scoring") == ["sealed", "delivery failed"]
    rig.heal()
    rig.keep(minutes=15)
    assert rig.owner_of(rig.scope_value("scoring-key") or "") == "scoring"
    assert rig.credential("scoring").last_error is None


def test_a_key_is_delivered_in_enforce_mode_only(make_rig: MakeKeyRig) -> None:
    rig = make_rig(policy=policy(TO_SCOPE))
    rig.run()
    rig.settings = rig.settings.model_copy(update={"mode": "observe"})
    rig.restart()
    rig.forget_calls()
    rig.keep(seconds=1)
    assert (rig.writes(), rig.credential("scoring").state) == ([], KeyState.DUE)


def test_a_change_of_the_policy_sends_a_waiting_key_elsewhere(make_rig: MakeKeyRig) -> None:
    rig = created(make_rig(policy=policy()))
    rig.declare(policy(TO_VAULT))
    rig.keep(seconds=1)
    held = rig.vault.read("tecton/scoring")
    assert held and rig.owner_of(held["api_key"]) == "scoring"


def test_a_crash_at_any_moment_of_a_delivery_loses_nothing(
    database: Database, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = FusedRig(database, clock, tmp_path, policy=policy(TO_SCOPE))
    rig.run()
    with fused_commits(rig, monkeypatch):
        rig.fuse.rearm(None)
        rig.keep(seconds=1)
        moments = len(rig.fuse.passed)
        for moment in range(1, moments + 1):
            name = f"scoring{moment}"
            rig.declare(policy(TO_SCOPE).replace("name: scoring", f"name: {name}"))
            rig.run()
            rig.fuse.rearm(moment)
            assert rig.keep_on(seconds=1)
            rig.keep(seconds=1)
            assert rig.owner_of(rig.scope_value("scoring-key") or "") == name
            assert (rig.credential(name).state, rig.credential(name).is_sealed) == (KeyState.DELIVERED, False)
    assert moments >= 8
    rig.close()


def test_who_does_not_lead_delivers_nothing(make_rig: MakeKeyRig) -> None:
    rig = make_rig(policy=policy(TO_SCOPE))
    rig.run()
    other = rig.start_engine()
    rig.forget_calls()
    other.keeper.tick()
    other.close()
    assert (rig.writes(), rig.credential("scoring").state) == ([], KeyState.NEW)


def test_a_key_sealed_with_a_key_that_is_not_named_any_more_says_so(make_rig: MakeKeyRig) -> None:
    rig = make_rig(policy=policy(TO_SCOPE))
    rig.run()
    rig.settings = rig.settings.model_copy(update={"secret_key": type(rig.settings.secret_key)("another")})
    rig.restart()
    rig.keep(seconds=1)
    assert "sealed with a key that BRIDGE_SECRET_KEY does not name" in (rig.credential("scoring").last_error or "")
    assert rig.credential("scoring").is_sealed


def test_resealing_lets_the_old_key_go(make_rig: MakeKeyRig) -> None:
    rig = created(make_rig(policy=policy()))
    both = make_sealer("a new secret, a secret for tests")
    with rig.database.write() as connection:
        assert credentials.reseal(connection, both, "ana", rig.clock()) == 1
    with rig.database.write() as connection:
        with pytest.raises(CredentialError, match="the key of scoring was sealed with a key"):
            credentials.reseal(connection, make_sealer("a secret for tests"), "ana", rig.clock())
        key = credentials.claim(connection, make_sealer("a new secret"), "scoring", "ana", rig.clock())
    assert rig.owner_of(key) == "scoring"


def test_a_copy_kept_for_probes_stays_sealed_until_the_policy_lets_it_go(make_rig: MakeKeyRig) -> None:
    rig = created(make_rig(policy=policy(f"{TO_SCOPE}, keep_for_probes: true")))
    assert rig.credential("scoring").state is KeyState.DELIVERED
    assert rig.sealed("scoring") == rig.scope_value("scoring-key")
    rig.declare(policy(TO_SCOPE))
    rig.keep(seconds=1)
    assert rig.credential("scoring").is_sealed is False
    assert rig.events("scoring")[-1] == "wiped"


def test_forgetting_a_key_drops_all_that_is_kept_of_it(make_rig: MakeKeyRig) -> None:
    rig = created(make_rig(policy=policy()))
    with rig.database.write() as connection:
        credentials.forget(connection, "scoring", "ana", rig.clock())
    with pytest.raises(CredentialError):
        rig.credential("scoring")
    assert rig.events("scoring")[-1] == "forgotten"
