"""What all runs share: how many calls at once, how many per second, and how many there were."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue

from app.reconcile.ports import Calls

# Where slowing down begins when no rate was set to speak of, and where it ends (calls per second).
FAST, SLOW = 64.0, 0.5
# So many calls that go well give back what a halved rate took.
RECOVERY = 32


class Limits:
    """Lets calls through: at most `concurrency` at once, evenly spaced at `rate` per second.

    Even spacing, rather than bursts of a second's worth, so that no second holds more than the rate.
    A Tecton that asks for fewer calls gets fewer from everybody: the rate is halved at each such
    answer, and grows again by a little with each call that goes well.
    """

    def __init__(
        self, rate: float, concurrency: int, clock: Callable[[], float], sleep: Callable[[float], None]
    ) -> None:
        self._rate = self._most = rate
        self._slowed_at: float | None = None
        # A queue of slots rather than a semaphore: in C it hands one on with far fewer switches between threads.
        self._slots: SimpleQueue[None] = SimpleQueue()
        for _ in range(concurrency):
            self._slots.put(None)
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._next = clock()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a turn, and hold it for the length of a call."""
        self._slots.get()
        try:
            wait = self._reserve()
            if wait > 0:
                self._sleep(wait)
            yield
        finally:
            self._slots.put(None)
            # Whoever got the slot has a call to make, this thread only an answer to read: it lets the other go first.
            time.sleep(0)

    def hold(self, seconds: float) -> None:
        """Let nobody begin for so long: Tecton asked one call to wait, and means all of them."""
        with self._lock:
            self._next = max(self._next, self._clock() + seconds)

    def heed(self, *, throttled: bool) -> None:
        """Slow down after an answer that asks for it, at most once a second; else speed up a little."""
        with self._lock:
            now = self._clock()
            if throttled:
                # Calls that were under way together are told the same thing only once.
                if self._slowed_at is None or now - self._slowed_at >= 1:
                    self._rate, self._slowed_at = max(min(self._rate, FAST) / 2, min(SLOW, self._most)), now
            elif self._rate < self._most:
                full = min(self._most, FAST)
                self._rate += full / RECOVERY
                self._rate = self._most if self._rate >= full else self._rate

    def _reserve(self) -> float:
        with self._lock:
            now = self._clock()
            start = max(self._next, now)
            self._next = start + 1 / self._rate
            return start - now


class CallCounter:
    """Counts the calls of one run, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls = Calls()

    def add(self, *, write: bool) -> None:
        """Count one call."""
        with self._lock:
            reads, writes = self._calls
            self._calls = Calls(reads, writes + 1) if write else Calls(reads + 1, writes)

    @property
    def calls(self) -> Calls:
        """The calls so far."""
        with self._lock:
            return self._calls
