"""Records to plain JSON values and back, by their type hints.

Used by the state file and by snapshots, so that a record's fields are named in one place only.
"""

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints


def encode(value: Any) -> Any:
    """Return `value` as something json.dumps can write."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: encode(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, frozenset):
        return [encode(item) for item in sorted(value)]
    if isinstance(value, tuple | list):
        return [encode(item) for item in value]
    return dict(value) if isinstance(value, Mapping) else value


def decode(hint: Any, value: Any) -> Any:
    """Return the value of type `hint` that `encode` turned into `value`.

    Raises KeyError or TypeError when a record lacks a field: the data is of another version.
    """
    if value is None:
        return None
    if hint is datetime:
        return datetime.fromisoformat(value)
    if is_dataclass(hint) and isinstance(hint, type):
        return hint(**{name: decode(inner, value[name]) for name, inner in _hints(hint).items()})
    return _decode_generic(hint, value)


def _decode_generic(hint: Any, value: Any) -> Any:
    origin, inner = get_origin(hint), get_args(hint)
    if isinstance(hint, type) and issubclass(hint, tuple) and hasattr(hint, "_fields"):
        return hint(*value)
    if origin in (types.UnionType, Union):
        return decode(next(a for a in inner if a is not type(None)), value)
    if origin in (tuple, frozenset):
        return origin(decode(inner[0], item) for item in value)
    return value if origin is Literal or not isinstance(value, dict) else dict(value)


@cache
def _hints(record: type) -> dict[str, Any]:
    return get_type_hints(record)
