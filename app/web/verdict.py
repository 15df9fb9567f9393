"""The verdict: what may be claimed from the evidence, and not a word more. Pure.

Evidence is as old as the oldest part of it: a sweep with few calls reads some objects only, and what it does
not read stays as old as it is. So "in sync" is claimed only when the last sweep and everything since left no
difference, nothing waits, and nothing was last read too long ago: the lists two sweep intervals, privileged
objects about as long, the others an hour.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from app.core.drift import DriftClass
from app.core.freshness import Freshness, freshness, tolerated
from app.durations import format_duration
from app.store.evidence import Evidence
from app.store.reports import CLASS_ORDER

# What policy says to report and leave: Tecton may hold it and still be as it should be.
REPORTED = (DriftClass.UNMANAGED, DriftClass.INHERITED)
DIFFERENCES = tuple(drift_class for drift_class in CLASS_ORDER if drift_class not in REPORTED)

# Differences that wait for somebody or something; any other is wrong now.
_PATIENT = frozenset({DriftClass.PENDING, DriftClass.BLOCKED})
_INTERVALS = 2


class State(StrEnum):
    """What can be said about Tecton."""

    IN_SYNC = "in_sync"
    DRIFT = "drift"  # there are differences
    WAITING = "waiting"  # no difference is known, but pushes wait
    UNREACHABLE = "unreachable"  # it was in sync, and Tecton has not answered since
    STALE = "stale"  # it was in sync, too long ago
    UNVERIFIED = "unverified"  # nothing can be said


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to "is it in sync": a headline, a sentence, and since when nothing is older than that."""

    state: State
    headline: str
    sentence: str
    verified_at: datetime | None
    tone: str  # good, warn, bad
    stale: bool = False
    freshness: Freshness | None = None

    @property
    def in_sync(self) -> bool:
        """Tell whether "in sync" may be claimed, as of `verified_at`."""
        return self.state is State.IN_SYNC


def judge(evidence: Evidence, now: datetime, sweep_interval: timedelta) -> Verdict:
    """Return what may be claimed at `now`, when everything is looked at every `sweep_interval`."""
    if evidence.sweep is None:
        return Verdict(State.UNVERIFIED, "Not verified yet", _unverified(evidence), None, "warn")
    fresh = freshness(evidence.verified, now, tolerated(sweep_interval))
    stale = _staleness(evidence.sweep.started_at, fresh, now, sweep_interval * _INTERVALS)
    state, headline, sentence, tone = _claim(evidence, stale)
    return Verdict(state, headline, sentence, evidence.verified_at, tone, bool(stale), fresh)


def _staleness(swept_at: datetime, fresh: Freshness, now: datetime, limit: timedelta) -> str:
    """Return why the evidence is too old, "" when it is not."""
    if now - swept_at > limit:
        return f"that is longer ago than two sweep intervals ({format_duration(limit.total_seconds())})"
    return "" if fresh.is_whole else f"by now, {' and '.join(fresh.sentences(now))}"


def _claim(evidence: Evidence, stale: str) -> tuple[State, str, str, str]:
    if present := _present(evidence):
        tone = "warn" if _PATIENT.issuperset(present) else "bad"
        return State.DRIFT, "Not in sync", f"{_numbers(evidence, present)}.", tone
    if evidence.waiting.count:
        return State.WAITING, "Not in sync yet", _waiting(evidence), "warn"
    if evidence.policy and evidence.policy.get("error"):
        sentence = "The policy file does not load: what it wants by now is not known."
        return State.UNVERIFIED, "Not verified", sentence, "bad"
    if evidence.tecton.ok is False:
        sentence = "It was in sync when last verified, and Tecton cannot be reached since."
        return State.UNREACHABLE, "Not verified any more", sentence, "bad"
    if stale:
        sentence = f"It was in sync when last verified; {stale}."
        return State.STALE, "Not verified any more", sentence, "warn"
    return State.IN_SYNC, "In sync", _in_sync(evidence), "good"


def _present(evidence: Evidence, classes: tuple[DriftClass, ...] = DIFFERENCES) -> list[DriftClass]:
    return [drift_class for drift_class in classes if evidence.counts[drift_class]]


def _numbers(evidence: Evidence, classes: list[DriftClass]) -> str:
    """Return such as `3 extra, 1 missing and 2 not effective`."""
    parts = [f"{evidence.counts[of]:,} {of.value.replace('_', ' ')}" for of in classes]
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _waiting(evidence: Evidence) -> str:
    count = evidence.waiting.count
    who = "1 pushed principal waits" if count == 1 else f"{count:,} pushed principals wait"
    return f"{who} to be reconciled. Nothing else is known to differ."


def _unverified(evidence: Evidence) -> str:
    last = evidence.last_try
    if last and last.status == "failed":
        return "No sweep has seen everything in Tecton yet: the last one failed."
    if last and last.status == "running":
        return "The first sweep is looking at everything in Tecton now."
    return "No sweep has looked at everything in Tecton yet, so nothing can be claimed."


def _in_sync(evidence: Evidence) -> str:
    sentence = "Tecton holds what the pushes and the policy say."
    reported = _present(evidence, REPORTED)
    return f"{sentence} Reported and left as it is: {_numbers(evidence, reported)}." if reported else sentence
