"""What may be claimed: from evidence alone, no database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.core.drift import DriftClass
from app.core.freshness import Verified
from app.store.evidence import Contact, Evidence, LastTry, Sweep, Waiting
from app.web.verdict import DIFFERENCES, REPORTED, State, Verdict, judge

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
INTERVAL = timedelta(minutes=15)
NOTHING = dict.fromkeys(DriftClass, 0)
SWEPT = NOW - timedelta(minutes=4)
CLEAN = Evidence(NOTHING, sweep=Sweep("r", "enforce", SWEPT, SWEPT + timedelta(seconds=9)))


def at_now(evidence: Evidence) -> Verdict:
    return judge(evidence, NOW, INTERVAL)


def with_drift(**numbers: int) -> Evidence:
    return replace(CLEAN, counts=NOTHING | {DriftClass(name): number for name, number in numbers.items()})


def test_a_complete_recent_sweep_without_differences_is_in_sync_as_of_its_start_not_its_end() -> None:
    assert at_now(CLEAN).in_sync
    assert at_now(CLEAN).verified_at == SWEPT


def test_without_a_complete_sweep_nothing_is_claimed_even_when_no_difference_is_recorded() -> None:
    verdict = at_now(Evidence(NOTHING))
    assert (verdict.state, verdict.verified_at) == (State.UNVERIFIED, None)


@pytest.mark.parametrize("status", ["failed", "running"])
def test_before_the_first_evidence_the_sentence_says_how_the_sweep_stands(status: str) -> None:
    verdict = at_now(Evidence(NOTHING, last_try=LastTry("r", status, NOW, None)))
    assert {"failed": "the last one failed", "running": "now"}[status] in verdict.sentence


@pytest.mark.parametrize("drift_class", DIFFERENCES)
def test_one_difference_of_any_class_that_is_not_just_reported_forbids_in_sync(drift_class: DriftClass) -> None:
    assert at_now(with_drift(**{drift_class: 1})).state is State.DRIFT


@pytest.mark.parametrize("drift_class", REPORTED)
def test_what_policy_says_to_report_and_leave_does_not_break_in_sync_but_is_said(drift_class: DriftClass) -> None:
    verdict = at_now(with_drift(**{drift_class: 7}))
    assert verdict.in_sync
    assert f"7 {drift_class.value}" in verdict.sentence


def test_the_sentence_counts_differences_with_extra_and_missing_first() -> None:
    verdict = at_now(with_drift(pending=1200, missing=1, extra=3))
    assert verdict.sentence == "3 extra, 1 missing and 1,200 pending."


def test_what_only_waits_its_turn_is_no_alarm_and_what_tecton_lost_is() -> None:
    assert at_now(with_drift(pending=2, blocked=1)).tone == "warn"
    assert at_now(with_drift(pending=2, missing=1)).tone == "bad"


def test_a_waiting_push_forbids_in_sync() -> None:
    verdict = at_now(replace(CLEAN, waiting=Waiting(1, NOW)))
    assert verdict.state is State.WAITING
    assert verdict.sentence.startswith("1 pushed principal waits")


def test_an_unreachable_tecton_forbids_in_sync() -> None:
    assert at_now(replace(CLEAN, tecton=Contact(False, "no route", NOW))).state is State.UNREACHABLE


def test_a_policy_that_cannot_be_read_forbids_in_sync() -> None:
    assert at_now(replace(CLEAN, policy={"path": "p", "error": "line 3: no such role"})).state is State.UNVERIFIED


def test_evidence_of_exactly_two_intervals_still_counts_and_a_second_more_does_not() -> None:
    assert judge(CLEAN, SWEPT + 2 * INTERVAL, INTERVAL).in_sync
    old = judge(CLEAN, SWEPT + 2 * INTERVAL + timedelta(seconds=1), INTERVAL)
    assert (old.state, old.stale, old.verified_at) == (State.STALE, True, SWEPT)


@pytest.mark.parametrize(("privileged", "limit"), [(True, 30), (False, 60)])
def test_one_object_that_was_read_too_long_ago_forbids_in_sync(privileged: bool, limit: int) -> None:
    """With sweeps every quarter of an hour: half an hour for the privileged, an hour for everybody else."""
    at = NOW - timedelta(minutes=limit)
    verified = (Verified(privileged, at, 1), Verified(privileged, SWEPT, 99), Verified(not privileged, SWEPT, 7))
    young = replace(CLEAN, verified=verified)
    assert at_now(young).in_sync
    old = replace(CLEAN, verified=(replace(verified[0], at=at - timedelta(seconds=1)), *verified[1:]))
    assert (at_now(old).state, at_now(old).stale) == (State.STALE, True)
    assert "99 of 100" in at_now(old).sentence


def test_evidence_is_as_old_as_its_oldest_part() -> None:
    """A sweep four minutes ago read some; somebody else was last read before."""
    oldest = NOW - timedelta(minutes=41)
    evidence = replace(CLEAN, verified=(Verified(False, oldest, 1), Verified(False, SWEPT, 99)))
    assert (at_now(evidence).verified_at, at_now(evidence).in_sync) == (oldest, True)


def test_differences_are_reported_also_from_stale_evidence_which_is_said() -> None:
    verdict = judge(with_drift(extra=1), NOW + timedelta(days=1), INTERVAL)
    assert (verdict.state, verdict.stale) == (State.DRIFT, True)
