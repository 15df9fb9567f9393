"""SCIM filters: equality only, on the few attributes Tecton names."""

import json
import re
from typing import NamedTuple

from app.sandbox.replies import ApiError

_EQUALITY = re.compile(r'\s*([A-Za-z][\w.:-]*)\s+eq\s+("(?:[^"\\]|\\.)*"|true|false)\s*', re.IGNORECASE)


class Equality(NamedTuple):
    """`attribute eq value`, the attribute in lower case."""

    attribute: str
    value: str | bool


def parse_filter(text: str) -> Equality | None:
    """Return the filter, None for an empty one; raise ApiError 400 for anything but one equality."""
    if not text.strip():
        return None
    match = _EQUALITY.fullmatch(text)
    if match is None:
        raise unsupported(text)
    literal = match[2] if match[2].startswith('"') else match[2].lower()
    try:
        return Equality(match[1].lower(), json.loads(literal))
    except ValueError as error:
        raise unsupported(text) from error


def unsupported(text: str) -> ApiError:
    """Return the refusal of a filter."""
    return ApiError(400, f"only equality filtering is supported, not {text!r}", name="invalidFilter")
