"""Slowing down those who guess: many wrong secrets from one address are answered with 429.

A good secret is never counted nor looked up here: whoever has one is let in, whatever others do from
the same address.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from datetime import datetime, timedelta
from threading import Lock

from scim2_models import SCIMException

FREE_FAILURES = 20
WINDOW = timedelta(minutes=1)
_ADDRESSES = 10_000  # as many are remembered; the oldest are forgotten first


class TooManyFailures(SCIMException):
    """Too many wrong secrets from one address; `retry_after` seconds until the next try counts."""

    status = 429

    def __init__(self, retry_after: int) -> None:
        super().__init__(detail="too many requests with a wrong token; check the token, then try again")
        self.retry_after = retry_after


class Throttle:
    """Counts failures by address, in this process."""

    def __init__(self) -> None:
        self._failures: OrderedDict[str, deque[datetime]] = OrderedDict()
        self._lock = Lock()

    def count(self, address: str, now: datetime) -> None:
        """Count a failure. Raise `TooManyFailures` when there were too many in the last minute."""
        with self._lock:
            times = self._failures.setdefault(address, deque(maxlen=FREE_FAILURES + 1))
            self._failures.move_to_end(address)
            if len(self._failures) > _ADDRESSES:
                self._failures.popitem(last=False)
            while times and now - times[0] >= WINDOW:
                times.popleft()
            times.append(now)
            if len(times) > FREE_FAILURES:
                raise TooManyFailures(max(1, int((times[0] + WINDOW - now).total_seconds())))
