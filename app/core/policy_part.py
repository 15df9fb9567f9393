"""What every part of a policy is made of."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from app.durations import parse_duration


def _duration(value: object) -> object:
    return parse_duration(value) if isinstance(value, str) else value


def _duration_or_never(value: object) -> object:
    return None if value == "never" else _duration(value)


Duration = Annotated[timedelta, BeforeValidator(_duration)]
DurationOrNever = Annotated[timedelta | None, BeforeValidator(_duration_or_never)]
Name = Annotated[str, Field(min_length=1)]


class Part(BaseModel):
    """A part of the policy: what it does not know is an error, never silently passed over."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, populate_by_name=True)


class Misplaced(ValueError):
    """A fault of a whole part that is best said of one place in it: `at` is the way there."""

    def __init__(self, message: str, at: tuple[int | str, ...]) -> None:
        self.at = at
        super().__init__(message)


def require_unique(names: Iterable[str], part: str, what: str) -> None:
    """Raise `Misplaced`, at the second of them, when two of a policy's part have one name."""
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name in seen:
            raise Misplaced(f"is the name of another {what}, too: {name}", (part, index, "name"))
        seen.add(name)
