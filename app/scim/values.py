"""Reading the values that clients send into the one form that is stored.

Lenient in form, strict in meaning: strings for booleans, one value for a list, a bare string for an
object are all sent by real clients and are read; a value that is none of these is refused. `None` and
what is empty are the same as absent (RFC 7643 section 2.5). Nothing is normalized: what is stored is
what was sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import orjson
from scim2_models import InvalidValueException

from app.core.attributes import Attribute

Coerce = Callable[[Any], Any]

_EMPTY: tuple[Any, ...] = (None, "", [], {})
MAX_DEPTH = 8  # of data that no schema describes


def refuse(attribute: Attribute, expected: str) -> InvalidValueException:
    """Return the refusal of a value that an attribute cannot hold."""
    return InvalidValueException(detail=f"'{attribute.name}' must be {expected}")


def coercer(attribute: Attribute) -> Coerce:
    """Return how a value of an attribute is read: to the stored form, None when there is no value.

    What it returns raises InvalidValueException for a value that the attribute cannot hold.
    """
    # Attributes that no schema describes are made as they are met: they must not fill the cache.
    return clean if attribute.type == "any" else _described(attribute)


@cache
def _described(attribute: Attribute) -> Coerce:
    single = single_coercer(attribute)
    return _many(attribute, single) if attribute.multi_valued else _one(attribute, single)


@cache
def single_coercer(attribute: Attribute) -> Coerce:
    """Return how one value is read, of an attribute that may have many."""
    if attribute.is_complex:
        return _complex(attribute)
    return _boolean(attribute) if attribute.type == "boolean" else _string(attribute)


def _string(attribute: Attribute) -> Coerce:
    def read(value: Any) -> str | None:
        if type(value) is str:
            return value or None
        if value in _EMPTY:
            return None
        raise refuse(attribute, "a string")

    return read


def _boolean(attribute: Attribute) -> Coerce:
    """Read a boolean, as `true` or as one of the strings that Entra and OneLogin send for it."""

    def read(value: Any) -> bool | None:
        if value is True or value is False:
            return value
        if value in _EMPTY:
            return None
        if isinstance(value, str) and value.lower() in {"true", "false"}:
            return value.lower() == "true"
        raise refuse(attribute, "true or false")

    return read


def _complex(attribute: Attribute) -> Coerce:
    subs = {name: (sub.name, coercer(sub)) for name, sub in attribute.sub.items() if not sub.is_read_only}
    subs |= {alias: subs[name] for alias, name in _ALIASES.get(attribute.name, {}).items()}

    def read(value: Any) -> dict[str, Any] | None:
        if value in _EMPTY:
            return None
        if isinstance(value, str):
            value = _from_string(attribute, value)
        if not isinstance(value, dict):
            raise refuse(attribute, "an object")
        found = {}
        for key, raw in value.items():
            entry = subs.get(key) or subs.get(key.lower())
            if entry and (read_value := entry[1](raw)) is not None:
                found[entry[0]] = read_value
        return found or None

    return read


# Sub-attributes under other names: Entra's app roles say displayName, OneLogin's templates managerId.
_ALIASES: Mapping[str, Mapping[str, str]] = {
    "roles": {"displayname": "display"},
    "entitlements": {"displayname": "display"},
    "manager": {"managerid": "value"},
}


def _from_string(attribute: Attribute, text: str) -> dict[str, Any]:
    """Return the object that a bare string stands for: its `value`.

    Entra's app roles come as JSON inside the string: {"id":…,"value":…,"displayName":…}.
    """
    if "value" not in attribute.sub:
        raise refuse(attribute, "an object")
    return unwrap_json(text) or {"value": text}


def unwrap_json(text: str) -> dict[str, Any] | None:
    """Return the object with a `value` that a string holds as JSON, None when it holds none."""
    if not text.startswith("{"):
        return None
    try:
        inner = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None  # a value that merely begins with a brace
    return inner if isinstance(inner, dict) and isinstance(inner.get("value"), str) else None


def _one(attribute: Attribute, single: Coerce) -> Coerce:
    if not attribute.is_complex:
        return single

    def read(value: Any) -> Any:
        # Entra documents a manager as a list of one.
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        return single(value)

    return read


def _many(attribute: Attribute, single: Coerce) -> Coerce:
    is_role = attribute.name in {"roles", "entitlements"}
    has_primary = "primary" in attribute.sub

    def read(value: Any) -> list[Any] | None:
        if value in _EMPTY:
            return None
        found: dict[bytes | str, Any] = {}
        for item in value if isinstance(value, list) else [value]:
            entry = single(_unwrap_role(item) if is_role else item)
            if entry is not None:
                found.setdefault(entry if type(entry) is str else identity(entry), entry)
        entries = list(found.values())
        return (one_primary(entries) if has_primary else entries) or None

    return read


def _unwrap_role(item: Any) -> Any:
    """Return a role whose `value` is JSON inside a string as the role which that JSON says."""
    if isinstance(item, dict) and isinstance(text := item.get("value"), str) and (inner := unwrap_json(text)):
        return {**item, **inner}
    return item


def identity(entry: Any) -> bytes:
    """Return what two entries share exactly when they are the same, whatever the order of their keys."""
    return orjson.dumps(entry, option=orjson.OPT_SORT_KEYS)


def one_primary(entries: list[Any]) -> list[Any]:
    """Return the entries with the first primary one as the only one (RFC 7643 section 2.4)."""
    primary = [entry for entry in entries if entry.get("primary") is True]
    return [{**entry, "primary": False} if any(entry is p for p in primary[1:]) else entry for entry in entries]


def clean(value: Any, depth: int = 0) -> Any:
    """Return data that no schema describes without what is empty, None when nothing is left."""
    if depth > MAX_DEPTH:
        raise InvalidValueException(detail=f"the data is nested more than {MAX_DEPTH} levels deep")
    if isinstance(value, dict):
        value = {key: item for key, raw in value.items() if (item := clean(raw, depth + 1)) is not None}
    elif isinstance(value, list):
        value = [item for raw in value if (item := clean(raw, depth + 1)) is not None]
    return None if value in _EMPTY else value
