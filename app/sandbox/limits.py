"""Rate limit (row 43): so many calls in any second, then 429."""

import threading
from collections import deque
from datetime import datetime, timedelta
from email.utils import format_datetime

from app.sandbox.knobs import Knobs
from app.sandbox.replies import ApiError

_WINDOW = timedelta(seconds=1)


class RateLimit:
    """Remembers the calls of the last second."""

    def __init__(self) -> None:
        self._recent: deque[datetime] = deque()
        self._lock = threading.Lock()

    def check(self, knobs: Knobs, now: datetime) -> None:
        """Count a call; raise ApiError 429 when there were too many in the last second."""
        allowed = int(knobs.number("rate_limit_per_second"))
        if not allowed:
            return
        with self._lock:
            while self._recent and self._recent[0] <= now - _WINDOW:
                self._recent.popleft()
            if len(self._recent) >= allowed:
                raise _too_many(knobs["rate_limit_retry_after"], now)
            self._recent.append(now)


def _too_many(form: str, now: datetime) -> ApiError:
    error = ApiError(429, "exceeded the request limit, please retry later")
    if form == "seconds":
        error.headers["Retry-After"] = "1"
    if form == "date":
        error.headers["Retry-After"] = format_datetime(now + _WINDOW, usegmt=True)
    return error
