"""`startIndex` and `count` (RFC 7644 section 3.4.2.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scim2_models import InvalidValueException

DEFAULT_COUNT = 100
MAX_COUNT = 1000
_MAX_INTEGER = 2**31 - 1  # PostgreSQL refuses larger offsets, and no table is that long


def read_start(query: Mapping[str, Any]) -> int:
    """Return `startIndex`: less than 1 is 1. Raise InvalidValueException for what is no whole number."""
    return max(1, _integer(query, "startIndex", 1))


def read_count(query: Mapping[str, Any]) -> int:
    """Return `count`: a negative one is 0, and no page is larger than the bridge announces.

    Raise InvalidValueException for what is no whole number.
    """
    return min(max(0, _integer(query, "count", DEFAULT_COUNT)), MAX_COUNT)


def _integer(query: Mapping[str, Any], name: str, default: int) -> int:
    value = query.get(name)
    if value is None or value == "":
        return default
    try:
        if isinstance(value, bool | float) or len(str(value)) > 20:
            raise ValueError
        return max(-1, min(int(value), _MAX_INTEGER))
    except (TypeError, ValueError):
        raise InvalidValueException(detail=f"'{name}' must be a whole number") from None
