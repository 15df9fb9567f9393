"""The demo from beginning to end."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from app.demo import drift
from app.demo.changes import changes, differences, renames
from app.demo.day import CLIENTS, Step, expectations, load_day
from app.demo.errors import DemoError
from app.demo.facts import Facts, Snapshot, Subject
from app.demo.interrupts import Interrupts
from app.demo.processes import ROOT, Child, Family
from app.demo.replay import Replay
from app.demo.show import Show
from app.demo.stage import SCIM_PATH, Stage, sign_in
from app.demo.tecton import Tecton

DAY = ROOT / "tests" / "data" / "day"
EFFECT_SECONDS = 30
# Not so often that asking slows what is measured.
POLL_SECONDS = 0.05
WATCH_SECONDS = 0.5


def run_demo(port: int, show: Show, announce: Callable[[str], None]) -> None:
    """Play the demo, then stay up until a signal ends it; `announce` gets the bridge's URL once all is shown.

    Raise `Stopped` when a signal ends it, DemoError when anything is not as it must be. Either way no
    process and no file is left.
    """
    interrupts = Interrupts()
    with interrupts.handled():
        day = load_day(DAY)
        with tempfile.TemporaryDirectory(prefix="tecton-demo-") as name, Family(Path(name), interrupts) as family:
            try:
                _play(day, Stage(family, Path(name)), port, show, announce)
            except DemoError:
                # That a server died says more than what could not be done without it.
                family.check()
                raise


def _play(day: list[Step], stage: Stage, port: int, show: Show, announce: Callable[[str], None]) -> None:
    with show.waiting("starting the sandbox, a simulated Tecton"):
        tecton = stage.start_sandbox()
    show.line(f"sandbox (a simulated Tecton)  {tecton.url}")
    seed = tecton.snapshot()
    expected = list(expectations(day, seed.facts))
    with show.waiting("starting the bridge"):
        bridge = stage.start_bridge(tecton.url, port)
        ready_at = time.monotonic()
    show.line(f"bridge                        {bridge.url}")
    performance = Performance(stage, tecton, show, seed)
    performance.begin(day[0], expected[0], ready_at)
    tokens = {client: stage.create_token(client) for client in CLIENTS}
    replay = Replay(bridge.url + SCIM_PATH, tokens)
    for step, facts in zip(day[1:], expected[1:], strict=True):
        performance.play(step, facts, replay)
    performance.finish(day, expected[-1])
    drift.show_healing(stage, tecton, show, expected[-1])
    _say_where(stage, tecton, bridge, show, tokens)
    announce(bridge.url)
    _watch(stage)


class Performance:
    """The day as it is replayed: what Tecton held last, and how long each effect took."""

    def __init__(self, stage: Stage, tecton: Tecton, show: Show, seed: Snapshot) -> None:
        self.stage, self.tecton, self.show = stage, tecton, show
        self.held = seed
        self.times: list[float] = []

    def begin(self, step: Step, expected: Facts, ready_at: float) -> None:
        """Wait for what the policy alone makes of Tecton."""
        self._wait_and_show(step, expected, ready_at)

    def play(self, step: Step, expected: Facts, replay: Replay) -> None:
        """Push a step, wait for its effect, show it. Raise DemoError when it does not come."""
        with self.show.waiting(f"{step.at}  {step.title}: pushing"):
            answered_at = replay.push(step)
        self._wait_and_show(step, expected, answered_at)

    def _wait_and_show(self, step: Step, expected: Facts, since: float) -> None:
        with self.show.waiting(f"{step.at}  {step.title}: waiting for the effect in Tecton"):
            now = wait_for(expected, self.tecton, self.stage, f"{step.at} {step.title}")
        seconds = time.monotonic() - since
        _check_renames(step, self.held, now)
        told = changes(self.held, now)
        if told:
            self.times.append(seconds)
        self.show.step(step, told, seconds)
        self.held = now

    def finish(self, day: list[Step], expected: Facts) -> None:
        """Check the whole of Tecton at the end of the day, once nothing waits any more."""
        self.show.summary(self.times, sum(len(step.requests) for step in day))
        sentence = drift.require_in_sync(self.stage)
        wait_for(expected, self.tecton, self.stage, "the end of the day", seconds=0)
        self.show.line(f"       all {len(expected)} facts of Tecton are what seed, pushes and policy say", "green")
        self.show.line(f"       python -m app drift: {sentence}", "green")


def wait_for(expected: Facts, tecton: Tecton, stage: Stage, when: str, seconds: float = EFFECT_SECONDS) -> Snapshot:
    """Return Tecton once it holds exactly what is expected. Raise DemoError with the differences when it does not."""
    end = time.monotonic() + seconds
    while True:
        found = tecton.snapshot()
        if found.facts == expected:
            return found
        stage.family.check()
        if time.monotonic() > end:
            told = "\n".join(f"  {line}" for line in differences(expected, found.facts))
            raise DemoError(f"{when}: Tecton does not hold what it should, {seconds:g} s later\n{told}")
        time.sleep(POLL_SECONDS)


def _check_renames(step: Step, before: Snapshot, after: Snapshot) -> None:
    """A rename is never a delete and a create: the new name must be the same object."""
    expected = {Subject("group", old): Subject("group", new) for old, new in step.expect.renamed.items()}
    if renames(before, after) != expected:
        raise DemoError(f"{step.at} {step.title}: {step.expect.renamed} should be the same group as before, renamed")


def _say_where(stage: Stage, tecton: Tecton, bridge: Child, show: Show, tokens: dict[str, str]) -> None:
    environment = stage.write_environment(bridge.url, tokens["okta-wizard"])
    show.heading("Have a look; Ctrl-C ends everything")
    show.line(f"       pages of the bridge   {bridge.url}/")
    show.line(f"       sign in               {sign_in(bridge)}")
    show.line(f"       SCIM base URL         {bridge.url}{SCIM_PATH}")
    show.line(f"       pages of the sandbox  {tecton.url}/")
    show.line(f"       commands              . {environment}; {_python()} -m app drift")
    show.line(f"       logs                  {stage.folder}/*.log")
    show.line()


def _python() -> str:
    """Return how this Python is called from the checkout."""
    executable = Path(sys.executable)
    return str(executable.relative_to(ROOT) if executable.is_relative_to(ROOT) else executable)


def _watch(stage: Stage) -> None:
    """Stay up until a signal; raise ChildDied when one of the servers ends by itself."""
    while True:
        stage.family.check()
        time.sleep(WATCH_SECONDS)
