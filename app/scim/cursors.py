"""Cursors of RFC 9865: where the next page begins, as a word that only means something here.

A cursor is not sealed: it says nothing but where a listing stands, which its holder has read, and
whatever it is changed to, it only chooses another page of the same search.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from scim2_models import InvalidCountException, InvalidCursorException

from app.core.attributes import ResourceSchema
from app.store.sorting import Position

_PARTS_OF_QUERY = ("filter", "sortBy", "sortOrder")


def write_cursor(position: Position | None, query: str, count: int) -> str | None:
    """Return the cursor of a position in a query, None for no position."""
    if position is None:
        return None
    content = orjson.dumps([query, count, position.key, position.id, position.backwards])
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def read_cursor(cursor: str, query: str, count: int) -> Position | None:
    """Return the position that a cursor holds, None for the empty cursor, which asks for the first page.

    Raise InvalidCursorException for what is no cursor of this query, InvalidCountException when the
    count changed since (RFC 9865 section 2.1).
    """
    if not cursor:
        return None
    try:
        content = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        written_for, counted, key, id_, backwards = content
    except (ValueError, TypeError):
        raise InvalidCursorException from None
    if written_for != query or not _is_position(key, id_, backwards):
        raise InvalidCursorException
    if counted != count:
        raise InvalidCountException
    return Position(key, id_, backwards)


def _is_position(key: Any, id_: Any, backwards: Any) -> bool:
    texts = [text for text in (key, id_) if isinstance(text, str)]
    storable = all("\x00" not in text for text in texts)
    return storable and isinstance(id_, str) and isinstance(backwards, bool) and isinstance(key, str | int | None)


def digest_of(schemas: Sequence[ResourceSchema], query: Mapping[str, Any]) -> str:
    """Return what tells one search from another, whatever page of it is asked for."""
    parts = [[schema.name for schema in schemas], [query.get(name) for name in _PARTS_OF_QUERY]]
    return hashlib.sha256(orjson.dumps(parts)).hexdigest()[:16]
