"""The demo from beginning to end."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from app.demo import drift
from app.demo.day import CLIENTS, Step, expectations, load_day
from app.demo.errors import DemoError
from app.demo.interrupts import Interrupts
from app.demo.performance import Performance
from app.demo.processes import ROOT, Child, Family
from app.demo.replay import Replay
from app.demo.show import Show
from app.demo.stage import SCIM_PATH, Stage, sign_in
from app.demo.tecton import Tecton

DAY = ROOT / "tests" / "data" / "day"
WATCH_SECONDS = 0.5
DYING_SECONDS = 1


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
            except DemoError as error:
                # That a server died says more than what could not be done without it; its connections
                # are gone a moment before it is.
                family.check(DYING_SECONDS)
                raise DemoError("\n".join([str(error), *family.said()])) from error


def _play(day: list[Step], stage: Stage, port: int, show: Show, announce: Callable[[str], None]) -> None:
    tecton = _open_tecton(stage, show)
    seed = tecton.snapshot()
    expected = list(expectations(day, seed.facts))
    bridge = _open_bridge(stage, tecton, port, show)
    performance = Performance(stage, tecton, show, seed)
    performance.begin(day[0], expected[0], time.monotonic())
    with show.waiting("making a token for each client"):
        tokens = {client: stage.create_token(client) for client in CLIENTS}
    replay = Replay(bridge.url + SCIM_PATH, tokens)
    for step, facts in zip(day[1:], expected[1:], strict=True):
        performance.play(step, facts, replay)
    performance.finish(day, expected[-1])
    drift.show_healing(stage, tecton, show, expected[-1])
    _say_where(stage, tecton, bridge, show, tokens)
    announce(bridge.url)
    _watch(stage)


def _open_tecton(stage: Stage, show: Show) -> Tecton:
    with show.waiting("starting the sandbox, a simulated Tecton"):
        tecton = stage.start_sandbox()
    show.line(f"sandbox (a simulated Tecton)  {tecton.url}")
    return tecton


def _open_bridge(stage: Stage, tecton: Tecton, port: int, show: Show) -> Child:
    with show.waiting("starting the bridge"):
        bridge = stage.start_bridge(tecton.url, port)
    show.line(f"bridge                        {bridge.url}")
    return bridge


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
