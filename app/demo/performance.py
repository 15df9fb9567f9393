"""The day as it is performed: every step pushed, its effect waited for, checked and shown."""

from __future__ import annotations

import time
from collections.abc import Sequence

from app.demo import drift
from app.demo.changes import changes, differences, renames
from app.demo.day import Step
from app.demo.errors import DemoError
from app.demo.facts import Facts, Snapshot, Subject
from app.demo.processes import Family
from app.demo.replay import Replay
from app.demo.show import Show
from app.demo.stage import Stage
from app.demo.tecton import Tecton

EFFECT_SECONDS = 30
# Not so often that asking slows what is measured.
POLL_SECONDS = 0.05


class Performance:
    """The day as it is replayed: what Tecton held last, and how long each effect took."""

    def __init__(self, stage: Stage, tecton: Tecton, show: Show, seed: Snapshot) -> None:
        self.stage, self.tecton, self.show = stage, tecton, show
        self.held = seed
        self.times: list[float] = []

    def begin(self, step: Step, expected: Facts, ready_at: float) -> None:
        """Wait for what the policy alone makes of Tecton, since the bridge was ready at `ready_at`."""
        self._wait_and_show(step, expected, ready_at)

    def play(self, step: Step, expected: Facts, replay: Replay) -> None:
        """Push a step, wait for its effect, show it. Raise DemoError when it does not come."""
        with self.show.waiting(f"{step.at}  {step.title}: pushing"):
            answered_at = replay.push(step)
        self._wait_and_show(step, expected, answered_at)

    def _wait_and_show(self, step: Step, expected: Facts, since: float) -> None:
        with self.show.waiting(f"{step.at}  {step.title}: waiting for the effect in Tecton"):
            now = wait_for(expected, self.tecton, self.stage.family, f"{step.at} {step.title}")
        seconds = time.monotonic() - since
        _check_renames(step, self.held, now)
        told = changes(self.held, now)
        if told:
            self.times.append(seconds)
        self.show.step(step, told, seconds)
        self.held = now

    def finish(self, day: Sequence[Step], expected: Facts) -> None:
        """Check the whole of Tecton at the end of the day, once nothing waits any more."""
        self.show.summary(self.times, sum(len(step.requests) for step in day))
        sentence = drift.require_in_sync(self.stage)
        wait_for(expected, self.tecton, self.stage.family, "the end of the day", seconds=0)
        self.show.line(f"       all {len(expected)} facts of Tecton are what seed, pushes and policy say", "green")
        self.show.line(f"       python -m app drift: {sentence}", "green")


def wait_for(expected: Facts, tecton: Tecton, family: Family, when: str, seconds: float = EFFECT_SECONDS) -> Snapshot:
    """Return Tecton once it holds exactly what is expected. Raise DemoError with the differences when it does not."""
    end = time.monotonic() + seconds
    while True:
        found = tecton.snapshot()
        if found.facts == expected:
            return found
        family.check()
        if time.monotonic() > end:
            told = "\n".join(f"  {line}" for line in differences(expected, found.facts))
            raise DemoError(f"{when}: Tecton does not hold what it should, {seconds:g} s later\n{told}")
        time.sleep(POLL_SECONDS)


def _check_renames(step: Step, before: Snapshot, after: Snapshot) -> None:
    """A rename is never a delete and a create: the new name must be the same object."""
    expected = {Subject("group", old): Subject("group", new) for old, new in step.expect.renamed.items()}
    if renames(before, after) != expected:
        raise DemoError(f"{step.at} {step.title}: {step.expect.renamed} should be the same group as before, renamed")
