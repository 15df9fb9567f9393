"""Access probes: what policy says of an account's access is tried with its own key."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.core.policy_probes import Probe
from app.core.probes import Answer, Expected, ProbeResult, is_due, judge
from app.store import admins
from app.store.database import Database
from app.store.probes import list_probe_results, probe_result_as_json
from tests.conftest import Clock
from tests.credentials.conftest import MakeKeyRig
from tests.credentials.rig import SCOPE, KeyRig
from tests.rig import POLICY
from tests.web.conftest import PASSWORD, make_admin_caller, sign_in
from tests.web.test_pages import words

FEATURES = "read_features: {workspace: prod, feature_service: fraud_detection_feature_service}"
RECORD = "{timestamp: '2026-01-01T00:00:00Z', user_id: U77, value: 1}"
INGEST = f"ingest: {{workspace: my_workspace, stream_source: stream_source_1, record: {RECORD}}}"


def policy(*probes: str, role: str = "consumer", more: str = "keep_for_probes: true", declared: bool = True) -> str:
    grant = f"  - {{name: s, to: {{service_account: scoring}}, roles: [{{workspace: prod, role: {role}}}]}}\nguards:"
    account = f"service_accounts: [{{name: scoring, deliver_to: {{secret_scope: {SCOPE}, key: s}}, {more}}}]"
    written = "\n".join(f"  - {{name: 'p{n}', service_account: scoring, {probe}}}" for n, probe in enumerate(probes))
    parts = [POLICY.replace("guards:", grant), account if declared else "", f"probes:\n{written}" if probes else ""]
    return "\n".join(parts)


READS, CANNOT_READ = f"can: {{{FEATURES}}}", f"cannot: {{{FEATURES}}}"


def probed(rig: KeyRig, **by: float) -> list[ProbeResult]:
    """Let time pass, and run the probes that are due; return what all found last."""
    rig.clock.move(**by)
    rig.engine.worker.renew()
    rig.engine.keeper.tick()
    rig.engine.prober.tick()
    with rig.database.read() as connection:
        return list_probe_results(connection)


def ready(make_rig: MakeKeyRig, *probes: str, **settings: Any) -> KeyRig:
    rig = make_rig(policy=policy(*probes, **settings))
    rig.run()
    rig.keep(seconds=61)
    rig.forget_calls()
    return rig


def asked(rig: KeyRig) -> int:
    return sum("feature-services" in call["path"] or call["path"] == "/ingest" for call in rig.calls())


def by_hand(rig: KeyRig, edit: str, value: str = "consumer") -> None:
    rig.by_hand(edit, principal_type="service_account", principal="scoring", type="workspace_prod", value=value)


# ---------------------------------------------------------------- what is found


def test_what_an_account_can_do_as_it_must_is_found_so(make_rig: MakeKeyRig) -> None:
    rig = ready(make_rig, READS)
    (result,) = probed(rig)
    assert (result.is_as_expected, result.answer, result.expected) == (True, Answer.ALLOWED, Expected.CAN)
    assert "scoring can read features of fraud_detection_feature_service in workspace prod, as it" in result.sentence


def test_one_row_is_read_where_the_policy_names_join_keys(make_rig: MakeKeyRig) -> None:
    keys = "join_keys: {user_id: U77, merchant: M1}, request_context: {amount: 12.5}"
    rig = ready(make_rig, READS.replace("service}", f"service, {keys}}}"))
    (result,) = probed(rig)
    assert result.is_as_expected is True
    assert any(call["path"].endswith("/get-features") for call in rig.calls())


def test_what_it_can_do_and_must_not_is_a_mismatch(make_rig: MakeKeyRig) -> None:
    rig = ready(make_rig, CANNOT_READ)
    (result,) = probed(rig)
    assert (result.is_as_expected, result.expected) == (False, Expected.CANNOT)
    assert result.sentence.endswith("in workspace prod, and can")


def test_what_it_must_not_and_cannot_do_is_as_expected(make_rig: MakeKeyRig) -> None:
    rig = ready(make_rig, CANNOT_READ, role="viewer")
    (result,) = probed(rig)
    assert (result.is_as_expected, result.answer) == (True, Answer.DENIED)


def test_ingest_is_tried_without_writing_anything(make_rig: MakeKeyRig) -> None:
    rig = ready(make_rig, f"cannot: {{{INGEST}}}", f"can: {{{INGEST}}}")
    results = {result.probe.name: result for result in probed(rig)}
    assert (results["p0"].is_as_expected, results["p1"].is_as_expected) == (True, False)
    account = {"principal_type": "service_account", "principal": "scoring"}
    rig.by_hand("assign", **account, type="workspace_my_workspace", value="viewer")
    results = {result.probe.name: result for result in probed(rig, minutes=5)}
    assert (results["p0"].is_as_expected, results["p1"].is_as_expected) == (False, True)
    assert all(source["ingested"] == 0 for source in rig.state()["stream_sources"])


def test_a_record_that_does_not_fit_proves_nothing(make_rig: MakeKeyRig) -> None:
    rig = ready(make_rig, f"can: {{{INGEST.replace('value: 1', 'value: x')}}}")
    account = {"principal_type": "service_account", "principal": "scoring"}
    rig.by_hand("assign", **account, type="workspace_my_workspace", value="viewer")
    (result,) = probed(rig)
    assert (result.is_as_expected, result.answer) == (None, Answer.UNCLEAR)
    assert "field 'value' must be of type int64" in result.sentence


def test_an_unknown_feature_service_proves_nothing(make_rig: MakeKeyRig) -> None:
    rig = ready(make_rig, READS.replace("fraud_detection_feature_service", "nothing"))
    (result,) = probed(rig)
    assert (result.is_as_expected, result.answer) == (None, Answer.UNCLEAR)


def test_a_tecton_that_does_not_answer_proves_nothing(make_rig: MakeKeyRig) -> None:
    rig = ready(make_rig, READS)
    rig.fault({"kind": "status", "status": 503}, path_regex="/feature-services/", times=0)
    (result,) = probed(rig)
    assert result.is_as_expected is None


def test_without_a_kept_copy_of_the_key_it_is_said_why_a_probe_cannot_run(make_rig: MakeKeyRig) -> None:
    rig = ready(make_rig, READS, more="keep_for_probes: false")
    (result,) = probed(rig)
    assert (result.is_as_expected, result.answer) == (None, Answer.NOT_TRIED)
    assert "keep_for_probes: true" in result.sentence
    assert asked(rig) == 0


def test_an_account_that_is_not_in_tecton_is_said_to_be_missing(make_rig: MakeKeyRig) -> None:
    rig = make_rig(policy=policy(READS), mode="observe")
    rig.run()
    (result,) = probed(rig, seconds=61)
    assert "it is not in Tecton" in result.sentence


@pytest.mark.parametrize("kind", [READS, CANNOT_READ])
def test_an_oauth_account_is_probed_with_a_token_of_its_own(make_rig: MakeKeyRig, kind: str) -> None:
    rig = ready(make_rig, kind, more="keep_for_probes: true, credentials: oauth")
    (result,) = probed(rig)
    assert result.is_as_expected is (kind == READS)


# ---------------------------------------------------------------- when they run


def test_a_probe_runs_once_per_period(make_rig: MakeKeyRig) -> None:
    rig = ready(make_rig, READS + ", every: 10m")
    for _ in range(60):
        probed(rig, minutes=1)
    assert asked(rig) in {6, 7}


def test_a_probe_waits_until_a_new_key_is_known_everywhere(make_rig: MakeKeyRig) -> None:
    rig = make_rig(policy=policy(READS))
    rig.run()
    assert probed(rig, seconds=59) == []
    assert probed(rig, seconds=1)[0].is_as_expected is True


def test_probes_run_again_after_a_change_has_spread(make_rig: MakeKeyRig) -> None:
    rig = ready(make_rig, CANNOT_READ + ", every: 1h")
    assert probed(rig)[0].is_as_expected is False
    rig.declare(policy(CANNOT_READ + ", every: 1h", role="viewer"))
    rig.run()
    assert probed(rig, seconds=59)[0].is_as_expected is False
    assert probed(rig, seconds=1)[0].is_as_expected is True


def test_a_grant_taken_by_hand_is_noticed_within_the_period_and_healed(make_rig: MakeKeyRig) -> None:
    rig = ready(make_rig, READS)
    assert probed(rig)[0].is_as_expected is True
    by_hand(rig, "unassign")
    (result,) = probed(rig, minutes=5)
    assert result.is_as_expected is False
    assert result.since == rig.clock()
    assert [(item["class"], item["sentence"]) for item in rig.drift()] == [("probe_failed", result.sentence)]
    assert [run.requested_by for run in rig.runs()] == ["probe p0"]
    rig.engine.worker.tick()  # the sweep that it asked for
    assert [item["class"] for item in rig.drift()] == ["probe_failed"], "only the probe itself can take it back"
    (result,) = probed(rig, minutes=1)
    assert result.is_as_expected is True
    assert rig.drift() == []


def test_a_mismatch_that_stays_keeps_its_since_and_asks_for_one_sweep(make_rig: MakeKeyRig) -> None:
    rig = ready(make_rig, CANNOT_READ)
    first = probed(rig)[0].since
    rig.engine.worker.tick()
    assert probed(rig, minutes=30)[0].since == first
    assert rig.runs() == []


def test_without_probes_tecton_is_not_asked(make_rig: MakeKeyRig) -> None:
    rig = ready(make_rig)
    assert probed(rig, hours=1) == []
    assert list(rig.calls()) == []


def test_a_changed_probe_is_asked_at_once_and_a_dropped_one_is_forgotten(make_rig: MakeKeyRig) -> None:
    rig = ready(make_rig, READS)
    assert probed(rig)[0].is_as_expected is True
    rig.declare(policy(CANNOT_READ))
    assert probed(rig, seconds=1)[0].is_as_expected is False
    assert [item["class"] for item in rig.drift()] == ["probe_failed"]
    rig.declare(policy())
    assert probed(rig, seconds=1) == []
    assert rig.drift() == []


# ---------------------------------------------------------------- off-boarding


def test_after_off_boarding_the_revoked_key_is_the_proof(make_rig: MakeKeyRig) -> None:
    rig = ready(make_rig, READS)
    assert probed(rig)[0].is_as_expected is True
    rig.declare(policy(declared=False))
    rig.run()
    (result,) = probed(rig, minutes=5)
    assert (result.is_as_expected, result.expected, result.answer) == (True, Expected.REVOKED, Answer.KEY_REFUSED)
    assert result.sentence == "the key that scoring had is refused: it opens nothing any more"


def test_a_key_that_still_opens_something_disproves_the_off_boarding(make_rig: MakeKeyRig) -> None:
    rig = ready(make_rig, READS)
    probed(rig)
    rig.tecton.put("/_sandbox/knobs", json={"revocation_delay_seconds": "3600"})
    rig.declare(policy(declared=False))
    rig.run()
    (result,) = probed(rig, minutes=5)
    assert (result.is_as_expected, result.expected) == (False, Expected.REVOKED)
    assert "Tecton still takes its key" in result.sentence
    assert [item["class"] for item in rig.drift()] == ["probe_failed"]
    assert probed(rig, hours=1)[0].is_as_expected is True
    assert rig.drift() == []


def test_off_boarding_is_not_judged_before_it_has_spread(make_rig: MakeKeyRig) -> None:
    rig = ready(make_rig, READS + ", every: 1s")
    before = probed(rig)
    rig.declare(policy(declared=False))
    rig.run()
    assert probed(rig, seconds=59) == before
    assert probed(rig, seconds=1)[0].expected is Expected.REVOKED


def test_when_the_account_is_deleted_the_proof_stays_and_the_copy_of_its_key_goes(make_rig: MakeKeyRig) -> None:
    rig = ready(make_rig, READS)
    probed(rig)
    grace = policy(declared=False).replace("min_admins: 0", "min_admins: 0, grace: {service_accounts: 1d}")
    rig.declare(grace)
    rig.run()
    probed(rig, minutes=5)
    rig.clock.move(days=1)
    rig.run()
    assert rig.account("scoring") is None
    probed(rig, minutes=5)
    assert rig.credential("scoring").is_sealed is False
    rig.forget_calls()
    (result,) = probed(rig, days=3)
    assert result.is_proof
    assert asked(rig) == 0


# ---------------------------------------------------------------- the plain part


PROBE = Probe.model_validate(
    {"name": "p", "service_account": "s", "can": {"read_features": {"workspace": "w", "feature_service": "f"}}}
)


@pytest.mark.parametrize(
    ("expected", "answer", "found"),
    [
        (Expected.CAN, Answer.ALLOWED, True),
        (Expected.CAN, Answer.DENIED, False),
        (Expected.CAN, Answer.KEY_REFUSED, False),
        (Expected.CANNOT, Answer.ALLOWED, False),
        (Expected.CANNOT, Answer.DENIED, True),
        (Expected.CANNOT, Answer.KEY_REFUSED, None),
        (Expected.REVOKED, Answer.ALLOWED, False),
        (Expected.REVOKED, Answer.DENIED, False),
        (Expected.REVOKED, Answer.KEY_REFUSED, True),
        *((expected, Answer.UNCLEAR, None) for expected in Expected),
        *((expected, Answer.NOT_TRIED, None) for expected in Expected),
    ],
)
def test_an_answer_means_what_it_means(expected: Expected, answer: Answer, found: bool | None) -> None:
    verdict = judge(PROBE, expected, answer, "words")
    assert verdict.is_as_expected is found
    assert verdict.sentence.startswith(("s ", "the key that s had"))


def test_where_something_changes_all_the_time_a_probe_does_not_run_all_the_time(clock: Clock) -> None:
    now, minute = clock(), timedelta(minutes=1)
    assert is_due(PROBE, now - timedelta(seconds=61), now - minute, now, minute)
    assert not is_due(PROBE, now - timedelta(seconds=1), now - minute, now, minute)
    assert not is_due(PROBE, now - timedelta(seconds=61), now, now, minute)


def test_a_result_is_json(make_rig: MakeKeyRig) -> None:
    rig = ready(make_rig, READS)
    (shown,) = [probe_result_as_json(result) for result in probed(rig)]
    assert shown["is_as_expected"] is True
    assert (shown["expected"], shown["answer"]) == ("can", "allowed")
    assert shown["tries_to"] == "read features of fraud_detection_feature_service in workspace prod"


def test_an_empty_database_has_no_results(database: Database) -> None:
    with database.read() as connection:
        assert list_probe_results(connection) == []


# ---------------------------------------------------------------- where people see it


def test_a_mismatch_is_on_the_page_of_probes_in_the_api_and_a_notice(make_rig: MakeKeyRig) -> None:
    rig = ready(make_rig, CANNOT_READ, READS)
    probed(rig)
    api = make_admin_caller(rig.app, rig.database, rig.clock)
    first, second = api.read("/api/v1/probes")["items"]
    assert (first["probe"], first["is_as_expected"], second["is_as_expected"]) == ("p0", False, True)
    assert first["next_at"] == (rig.clock() + timedelta(minutes=5)).isoformat().replace("+00:00", "Z")
    notices = {notice["title"]: notice for notice in api.read("/api/v1/status")["notices"]}
    assert notices["1 access probe is not as expected"]["path"] == "/probes"
    assert "tecton_bridge_unexpected_probes 1.0" in api.get("/metrics").text


def test_the_page_of_probes_says_expected_found_and_next(make_rig: MakeKeyRig) -> None:
    rig = ready(make_rig, CANNOT_READ)
    probed(rig)
    with rig.database.write() as connection:
        admins.set_password(connection, "admin", PASSWORD, rig.clock())
    client = rig.app.test_client()
    assert client.get("/probes").location.startswith("/sign-in")
    sign_in(client)
    page = words(client.get("/probes").text)
    assert "must not be able to read features" in page and "in 5 minutes" in page and "and can" in page
