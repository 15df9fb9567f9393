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


def repeated(names: Iterable[str]) -> str:
    """Return the names that come more than once, as a list in words; nothing when none does."""
    every = list(names)
    return ", ".join(sorted({name for name in every if every.count(name) > 1}))
