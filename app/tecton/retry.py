"""When a call is made again, and after how long: a value."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a call is tried, and how long to wait between tries.

    Tecton documents 429, 503 and 504 for some services and Retry-After for none; 502 is what a
    proxy says. `jitter` returns a number from 0 to 1 and spreads out callers that failed together.
    """

    attempts: int = 4
    first_delay: float = 0.5
    longest_delay: float = 20.0
    longest_retry_after: float = 60.0
    statuses: frozenset[int] = frozenset({429, 502, 503, 504})
    jitter: Callable[[], float] = random.random

    def delay(self, attempt: int, retry_after: float | None = None) -> float:
        """Return the seconds to wait after the try numbered `attempt` (from 1) failed.

        What the server asked for counts, up to `longest_retry_after`; otherwise the wait doubles
        with every try, less up to half of it at random.
        """
        if retry_after is not None:
            return min(retry_after, self.longest_retry_after)
        full = min(self.first_delay * 2.0 ** (attempt - 1), self.longest_delay)
        return full * (1 - self.jitter() / 2)


def parse_retry_after(text: str | None, now: float) -> float | None:
    """Return the seconds that a Retry-After header asks for (RFC 9110, 10.2.3: seconds or a date).

    None when there is no header, or one that cannot be read; a date in the past is no wait.
    """
    text = (text or "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, OverflowError):
        return None
