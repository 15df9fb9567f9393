"""Access probes: what is expected of one, what an answer says, and when it is asked again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from app.core.policy_probes import Probe


class Expected(StrEnum):
    """What is expected: of an account that was off-boarded, that its key opens nothing, whatever the policy says."""

    CAN = "can"
    CANNOT = "cannot"
    REVOKED = "revoked"


class Answer(StrEnum):
    """What Tecton answered."""

    ALLOWED = "allowed"
    DENIED = "denied"  # the key is good, and its account may not
    KEY_REFUSED = "key_refused"
    UNCLEAR = "unclear"  # no answer, or one about something else
    NOT_TRIED = "not_tried"  # there is no key to try it with


class Verdict(NamedTuple):
    """Whether it is as expected (None: it could not be found out), and a sentence that says so."""

    is_as_expected: bool | None
    sentence: str


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What a probe found last; `since` is since when it is found so."""

    probe: Probe
    expected: Expected
    answer: Answer
    is_as_expected: bool | None
    sentence: str
    since: datetime
    checked_at: datetime

    def is_like(self, other: ProbeResult | None) -> bool:
        """Tell whether another result says the same, so that the time since when goes on."""
        return other is not None and (self.expected, self.answer, self.is_as_expected) == (
            other.expected,
            other.answer,
            other.is_as_expected,
        )

    @property
    def next_at(self) -> datetime:
        """When it is tried again at the latest; a change of access makes it sooner."""
        return self.checked_at + self.probe.every

    @property
    def is_proof(self) -> bool:
        """Tell whether it proves an off-boarding."""
        return self.expected is Expected.REVOKED and self.is_as_expected is True


def expected_of(probe: Probe, *, is_off_boarded: bool) -> Expected:
    """Return what is expected of a probe."""
    if is_off_boarded:
        return Expected.REVOKED
    return Expected.CAN if probe.can else Expected.CANNOT


_MUST = {
    Expected.CAN: "must be able to",
    Expected.CANNOT: "must not be able to",
    Expected.REVOKED: "must not, with the key it had, be able to",
}


def judge(probe: Probe, expected: Expected, answer: Answer, words: str) -> Verdict:
    """Return what an answer says about what is expected; `words` are Tecton's, or why it was not asked.

    A key that is refused proves an off-boarding. It does not prove that an account may not do
    something: any other key of it might. That the key is still taken disproves an off-boarding, even
    where the account may not do what was tried.
    """
    who, must = probe.service_account, f"{_MUST[expected]} {probe.ability}"
    if answer in {Answer.UNCLEAR, Answer.NOT_TRIED}:
        return Verdict(None, f"{who} {must}; whether that is so could not be found out: {words}")
    if expected is Expected.REVOKED:
        if answer is Answer.KEY_REFUSED:
            return Verdict(True, f"the key that {who} had is refused: it opens nothing any more")
        return Verdict(False, f"{who} is off-boarded, and Tecton still takes its key: {words or 'it was let in'}")
    if expected is Expected.CANNOT and answer is Answer.KEY_REFUSED:
        return Verdict(None, f"{who} {must}; its key is not accepted at all, which proves nothing: {words}")
    is_able = answer is Answer.ALLOWED
    if is_able is (expected is Expected.CAN):
        return Verdict(True, f"{who} {'can' if is_able else 'cannot'} {probe.ability}, as it must")
    return Verdict(False, f"{who} {must}, and {'can' if is_able else 'cannot'}{': ' + words if words else ''}")


def is_due(
    probe: Probe, checked_at: datetime | None, last_change: datetime | None, now: datetime, propagation: timedelta
) -> bool:
    """Tell whether a probe is to be asked now: when its time has come, or a change of access has spread since."""
    if checked_at is None or now >= checked_at + probe.every:
        return True
    if last_change is None:
        return False
    # Where something changes every second, it is asked once per `propagation`, not all the time.
    return checked_at < last_change + propagation <= now and now >= checked_at + propagation
