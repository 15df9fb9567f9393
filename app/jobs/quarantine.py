"""The quarantine of a sick Tecton: it is asked slowly, one thing at a time, until it answers; that is said once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

log = structlog.get_logger("jobs")

# How long the queue rests after Tecton could not be worked with: doubled each time, up to the second.
REST = (timedelta(seconds=1), timedelta(seconds=60))
_DOUBLINGS = 10


class Quarantine:
    """Whether Tecton is sick, and when it may be asked again.

    What tells is what was tried: a failure opens it, and only an answer of Tecton closes it.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self._since: datetime | None = None
        self._rest_until: datetime | None = None
        self._tries = 0

    @property
    def is_on(self) -> bool:
        """Tell whether Tecton is sick: then one principal is the probe for all."""
        return self._since is not None

    @property
    def rests(self) -> bool:
        """Tell whether Tecton is not to be asked yet."""
        return self._rest_until is not None and self.clock() < self._rest_until

    def note_failure(self, error: str) -> None:
        """Open it, or rest longer than last time."""
        now, (first, longest) = self.clock(), REST
        self._rest_until = now + min(first * int(2**self._tries), longest)
        self._tries = min(self._tries + 1, _DOUBLINGS)
        if self._since is None:
            self._since = now
            log.warning("tecton is sick: until it answers, it is asked slowly, and pushes are kept", error=error)

    def note_answer(self) -> None:
        """Close it, if it is open."""
        if self._since is not None:
            seconds = round((self.clock() - self._since).total_seconds())
            log.warning("tecton answers again: what was kept is applied", after_seconds=seconds)
        self._since, self._rest_until, self._tries = None, None, 0
