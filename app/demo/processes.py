"""The demo's child processes: none outlives it, and one that dies is noticed, with what it said last."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import IO

from app.demo.errors import DemoError
from app.demo.interrupts import Interrupts

ROOT = Path(__file__).parents[2]
READY_SECONDS = 60
COMMAND_SECONDS = 120
STOP_SECONDS = 10
SHOWN_LINES = 20
_POLL_SECONDS = 0.05


class ChildDied(DemoError):
    """A process that should be running is not."""


class Child:
    """A running `python -m app …`. Its stdout is kept here, its stderr in a file: both are read, so it never blocks."""

    def __init__(self, name: str, popen: subprocess.Popen[str], log: Path) -> None:
        self.name, self.popen, self.log = name, popen, log
        self.lines: list[str] = []
        self.url = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with self.popen.stdout or nullcontext(()) as stream:
            for line in stream:
                self.lines.append(line.rstrip("\n"))
                if line.startswith("ready "):
                    self.url = line.split()[1]

    def wait_until_ready(self, seconds: float = READY_SECONDS) -> str:
        """Return the URL of its ready line. Raise ChildDied when it ends before, DemoError when it takes too long."""
        end = time.monotonic() + seconds
        while not self.url:
            self.check()
            if time.monotonic() > end:
                raise DemoError(f"the {self.name} was not ready in {seconds:g} s; it said:\n{self.last_words()}")
            time.sleep(_POLL_SECONDS)
        return self.url

    def check(self) -> None:
        """Raise ChildDied when the process has ended."""
        code = self.popen.poll()
        if code is not None:
            self.join_reader()
            raise ChildDied(f"the {self.name} ended by itself with exit code {code}; it said:\n{self.last_words()}")

    def join_reader(self) -> None:
        """Wait until all that it printed before its end is read."""
        self._reader.join(timeout=5)

    def last_words(self) -> str:
        """Return the last lines of its stderr."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(f"  {line}" for line in lines[-SHOWN_LINES:]) or "  nothing"

    def stop(self) -> None:
        """End it: politely, and after a while for certain, with all that it started."""
        if self.popen.poll() is None:
            self._signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self.popen.wait(STOP_SECONDS)
        if self.popen.poll() is None:
            self._signal(signal.SIGKILL)
            self.popen.wait()

    def _signal(self, number: signal.Signals) -> None:
        # It leads a session of its own, so that its group is itself and its children.
        with suppress(ProcessLookupError):
            os.killpg(self.popen.pid, number)


class Family:
    """All child processes, ended together at the end of the block, whatever ended it."""

    def __init__(self, folder: Path, interrupts: Interrupts) -> None:
        self.folder, self.interrupts = folder, interrupts
        self.children: list[Child] = []

    def __enter__(self) -> Family:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.interrupts.ignore()
        finally:
            # The last one first: the bridge would miss its Tecton.
            for child in reversed(self.children):
                child.stop()

    def start(self, name: str, *arguments: str, environment: Mapping[str, str]) -> Child:
        """Start a command of the app, and return it before it is ready."""
        log = self.folder / f"{name}.log"
        with log.open("ab") as stderr, self.interrupts.held():
            child = Child(name, _popen(arguments, environment, self.folder, stderr), log)
            self.children.append(child)
        return child

    def run(self, *arguments: str, environment: Mapping[str, str]) -> str:
        """Run a command of the app to its end and return its stdout. Raise DemoError when it fails."""
        self.check()
        name = " ".join(("python -m app", *arguments))
        child = self.start("command", *arguments, environment=environment)
        try:
            code = child.popen.wait(COMMAND_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise DemoError(f"{name} took longer than {COMMAND_SECONDS} s; it said:\n{child.last_words()}") from error
        finally:
            child.stop()
            self.children.remove(child)
        child.join_reader()
        if code != 0:
            raise DemoError(f"{name} ended with exit code {code}; it said:\n{child.last_words()}")
        return "\n".join(child.lines)

    def said(self) -> list[str]:
        """Return the last words of each running one, under its name."""
        return [f"the {child.name} said last:\n{child.last_words()}" for child in self.children]

    def check(self, seconds: float = 0) -> None:
        """Raise ChildDied when one of them has ended, or does within some seconds."""
        end = time.monotonic() + seconds
        while True:
            for child in self.children:
                child.check()
            if time.monotonic() >= end:
                return
            time.sleep(_POLL_SECONDS)


def _popen(
    arguments: tuple[str, ...], environment: Mapping[str, str], folder: Path, stderr: IO[bytes]
) -> subprocess.Popen[str]:
    """Start a command in the demo's own folder: a `.env` of the checkout must not have a say in it."""
    path = os.pathsep.join(filter(None, (str(ROOT), environment.get("PYTHONPATH"))))
    # A session of its own: Ctrl-C reaches the demo alone, which then ends its children in order.
    return subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-m", "app", *arguments],
        cwd=folder,
        env={**environment, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        start_new_session=True,
    )
