"""The small notation of the files of the day: `${name}` placeholders, merges, paths into answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from app.demo.errors import DayError

_PLACEHOLDER = re.compile(r"\$\{([^}]*)\}")


def fill(value: Any, known: Mapping[str, str]) -> Any:
    """Return a JSON value with every `${name}` in its texts replaced. Raise DayError for an unknown name."""
    if isinstance(value, str):
        return _PLACEHOLDER.sub(lambda found: _known(found[1], known), value)
    if isinstance(value, dict):
        return {key: fill(item, known) for key, item in value.items()}
    return [fill(item, known) for item in value] if isinstance(value, list) else value


def _known(name: str, known: Mapping[str, str]) -> str:
    if name not in known:
        raise DayError(f"${{{name}}} was not captured from any answer before")
    return known[name]


def merge(document: Any, patch: Any) -> Any:
    """Return a document with a patch merged in: objects key by key, null removes, anything else replaces (RFC 7396)."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged


def pick(document: Any, path: str) -> str:
    """Return the text at a dotted path, such as `Resources.0.id`. Raise DayError when there is none."""
    found = document
    for step in path.split("."):
        try:
            found = found[int(step) if isinstance(found, list) else step]
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise DayError(f"there is no {path} in the answer") from error
    if not isinstance(found, str):
        raise DayError(f"{path} in the answer is {found!r}, not a text")
    return found


def lacks(found: Any, expected: Any, where: str = "") -> str | None:
    """Return where an answer lacks what is expected of it, None when all is there; more is allowed in objects."""
    if isinstance(expected, dict) and isinstance(found, dict):
        parts = (lacks(found.get(key), value, f"{where}.{key}") for key, value in expected.items())
        return next((part for part in parts if part), None)
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        pairs = enumerate(zip(found, expected, strict=True))
        parts = (lacks(item, value, f"{where}.{place}") for place, (item, value) in pairs)
        return next((part for part in parts if part), None)
    return None if found == expected else f"{where.lstrip('.') or 'the answer'} is {found!r}, not {expected!r}"
