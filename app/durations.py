"""Durations as people write them in the environment and in the policy: `90d`, `15m`, `2s`."""

from __future__ import annotations

import re
from datetime import timedelta

_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_FORM = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")


def parse_duration(text: str) -> timedelta:
    """Return the duration that a text such as `15m`, `1h30m` or `0s` writes.

    Raise ValueError naming the text when it is none; a bare number is none (seconds? minutes?).
    """
    parts = _FORM.findall(text.strip())
    if not parts or "".join(number + unit for number, unit in parts) != text.strip():
        raise ValueError(f"{text!r} is not a duration: write a number and a unit, such as 30s, 15m, 1h or 90d")
    return sum((timedelta(**{_UNITS[unit]: float(number)}) for number, unit in parts), timedelta())


def format_duration(seconds: float) -> str:
    """Return `seconds` in words short enough for a table: `850 ms`, `12.3 s`, `4 m`, `3 h`, `2 d`."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    raise AssertionError("unreachable: every duration of a minute or more has a unit above")
