"""Ctrl-C and SIGTERM: the orderly end of the demo, never in the middle of starting or ending a process."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(SystemExit):
    """A person asked the demo to end, which is no failure."""

    def __init__(self) -> None:
        super().__init__(0)


class Interrupts:
    """Turns the first signal into `Stopped`; those after it change nothing, so that cleaning up is not cut short."""

    def __init__(self) -> None:
        self._held = False
        self._asked = False
        self._raised = False

    @contextmanager
    def handled(self) -> Iterator[None]:
        """Handle signals until the block ends; after the one that ended it, until the process does."""
        before = {number: signal.signal(number, self._handle) for number in _handled_signals()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, signal.SIG_IGN if self._asked else handler)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold a signal back until the block ends: a process that is being started must not be forgotten."""
        before, self._held = self._held, True
        try:
            yield
        finally:
            self._held = before
        self._raise_if_asked()

    def ignore(self) -> None:
        """From here on a signal changes nothing: the end is under way."""
        self._raised = True

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        self._asked = True
        if not self._held:
            self._raise_if_asked()

    def _raise_if_asked(self) -> None:
        if self._asked and not self._held and not self._raised:
            self._raised = True
            raise Stopped


def _handled_signals() -> list[signal.Signals]:
    """Return the signals that end the demo: a closed terminal does, unless the person said `nohup`."""
    return [n for n in SIGNALS if n is not signal.SIGHUP or signal.getsignal(n) is not signal.SIG_IGN]
