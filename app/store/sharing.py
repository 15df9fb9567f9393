"""Equal values as one object: somebody who is in a hundred groups is kept once, as is what a thousand people hold."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, TypeVar

V = TypeVar("V", bound=Hashable)


class Shared:
    """What was read so far, for as long as the reading lasts.

    A million memberships are a million references to a hundred thousand members, not a million copies.
    """

    def __init__(self) -> None:
        self._known: dict[Any, Any] = {}

    def __call__(self, value: V) -> V:
        """Return the first value that equals this one."""
        first: V = self._known.setdefault(value, value)
        return first
