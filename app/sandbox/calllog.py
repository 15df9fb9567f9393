"""The log of calls to Tecton's own routes: who asked for what, and what was answered.

Bodies and headers are never in it, so no key and no secret value can be.
"""

import threading
from collections import deque
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from app.sandbox.world.statefile import StateFile

_KEPT = 100_000


@dataclass
class CallLog:
    """The newest calls, oldest first; with a state file they are kept there too."""

    file: StateFile | None = None
    _calls: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=_KEPT))
    _n: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        if self.file:
            self._calls.extend(self.file.calls(_KEPT))
            self._n = self._calls[-1]["n"] if self._calls else 0

    def append(self, call: dict[str, Any]) -> None:
        """Number and add a call."""
        with self._lock:
            self._n += 1
            numbered = {"n": self._n, **call}
            self._calls.append(numbered)
            if self.file:
                self.file.append_call(self._n, numbered)

    def since(self, n: int) -> list[dict[str, Any]]:
        """Return the calls numbered above n."""
        with self._lock:
            known = min(max(self._n - n, 0), len(self._calls))
            return list(islice(self._calls, len(self._calls) - known, None))

    def clear(self) -> None:
        """Forget every call; the numbers go on."""
        with self._lock:
            self._calls.clear()
            if self.file:
                self.file.clear_calls()

    def summary(self) -> dict[str, Any]:
        """Count the calls by kind and by status."""
        with self._lock:
            calls = list(self._calls)
        statuses: dict[str, int] = {}
        for call in calls:
            statuses[str(call["status"])] = statuses.get(str(call["status"]), 0) + 1
        reads = sum(call["kind"] == "read" for call in calls)
        return {"reads": reads, "writes": len(calls) - reads, "total": len(calls), "statuses": statuses}
