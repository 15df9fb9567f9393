"""What can end the demo early."""

from __future__ import annotations


class DemoError(Exception):
    """The demo cannot go on; the message says what was expected and what was found."""


class DayError(DemoError):
    """A file of the day is wrong: it cannot be read, or contradicts itself."""
