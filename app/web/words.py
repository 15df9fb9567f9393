"""How times, numbers and kinds are said on the pages: Jinja filters."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Flask
from flask_login import current_user
from markupsafe import Markup, escape

from app import __version__
from app.durations import format_duration
from app.web.room import room
from app.web.run_words import results, seconds

_STEPS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
_MONTH = 30 * 86400


def install(flask_app: Flask) -> None:
    """Give the templates their filters and what every page shows."""
    for word in (ago, utc, count, words, duration, emphasise, capitalize_first, results, seconds):
        flask_app.add_template_filter(word)
    flask_app.context_processor(_shown_everywhere)


def _shown_everywhere() -> dict[str, Any]:
    return {"room": room(), "now": room().clock(), "version": __version__, "admin": current_user}


def ago(time: datetime, now: datetime) -> str:
    """Return a time as seen from now: `4 minutes ago`, `in 30 seconds`, `just now`, or a date."""
    seconds = (now - time).total_seconds()
    if abs(seconds) > _MONTH:
        return f"on {time:%Y-%m-%d}"
    if abs(seconds) < 5:
        return "just now" if seconds >= 0 else "in a moment"
    size, unit = next(step for step in _STEPS if abs(seconds) >= step[0])
    span = count(int(abs(seconds) // size), unit)
    return f"{span} ago" if seconds > 0 else f"in {span}"


def utc(time: datetime) -> str:
    """Return a time in full: `2026-03-01 12:00:05 UTC`."""
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"


def count(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun: `1 run`, `2,000 runs`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def words(name: str) -> str:
    """Return a name of the code as people read it: `not_effective` is `not effective`."""
    return name.replace("_", " ")


def duration(seconds: float) -> str:
    """Return a span of seconds as a table shows it."""
    return format_duration(seconds)


def capitalize_first(sentence: str) -> str:
    """Return a sentence that begins with a capital, the rest as it is."""
    return sentence[:1].upper() + sentence[1:]


def emphasise(sentence: str, name: str) -> Markup:
    """Return a sentence whose first mention of a name stands out."""
    before, found, after = sentence.partition(name) if name else (sentence, "", "")
    return escape(before) + Markup("<strong>{}</strong>").format(found) + escape(after) if found else escape(sentence)
