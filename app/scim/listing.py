"""Lists and searches (RFC 7644 section 3.4.2), by index or by cursor (RFC 9865)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
from scim2_models import InvalidFilterException, InvalidPathException, InvalidValueException, Path
from scim2_models.path import AttrPath

from app.core.attributes import ResourceSchema
from app.core.selectors import parse_filter
from app.scim.cursors import digest_of, read_cursor, write_cursor
from app.scim.http import Call, Reply
from app.scim.paging import read_count, read_start
from app.scim.projection import Projection, read_projection
from app.scim.rendering import LIST_RESPONSE, render, stream_group
from app.scim.writes import require_object
from app.store.directory import Stored
from app.store.search import Page, Search, find_page

MAX_FILTER_LENGTH = 8192

Query = Mapping[str, Any]


def search(call: Call, schemas: Sequence[ResourceSchema]) -> Reply:
    """Return the page of resources that the parameters of a GET ask for."""
    return _answer(call, schemas, call.args)


def search_with_body(call: Call, schemas: Sequence[ResourceSchema]) -> Reply:
    """Return the page of resources that the body of a POST asks for (RFC 7644 section 3.4.3)."""
    body = require_object(call.json())
    names = {name.lower(): name for name in _PARAMETERS}
    return _answer(call, schemas, {names.get(key.lower(), key): value for key, value in body.items()})


_PARAMETERS = (
    *("attributes", "excludedAttributes", "filter", "sortBy", "sortOrder"),
    *("startIndex", "count", "cursor"),
)


def _answer(call: Call, schemas: Sequence[ResourceSchema], query: Query) -> Reply:
    projection = read_projection(schemas, _names(query, "attributes"), _names(query, "excludedAttributes"))
    wanted = _search(schemas, query, projection)
    page = find_page(call.session, wanted)
    head = _head(wanted, page, digest_of(schemas, query) if wanted.by_position else "")
    pieces = _pieces(head, _rendered(call, page.resources, projection))
    if any(_has_members(stored, projection) for stored in page.resources):
        return Reply(200, (piece.encode() for piece in pieces))
    return Reply(200, "".join(pieces).encode())


def _search(schemas: Sequence[ResourceSchema], query: Query, projection: Projection | None) -> Search:
    count = read_count(query)
    cursor = _text(query, "cursor")
    if cursor is not None and "startIndex" in query:
        raise InvalidValueException(detail="a search has a cursor or a startIndex, not both")
    text = _text(query, "filter")
    return Search(
        schemas=schemas,
        filter=_filter(text) if text else None,
        sort_by=_sort_by(_text(query, "sortBy")),
        descending=_is_descending(query),
        start=read_start(query) - 1,
        count=count,
        by_position=cursor is not None,
        position=read_cursor(cursor, digest_of(schemas, query), count) if cursor else None,
        with_groups=projection is None or projection.keeps("groups"),
    )


def _filter(text: str) -> Any:
    if len(text) > MAX_FILTER_LENGTH:
        raise InvalidFilterException(detail=f"a filter may be {MAX_FILTER_LENGTH} characters long")
    return parse_filter(text)


def _sort_by(text: str | None) -> AttrPath | None:
    if not text:
        return None
    path = Path[Any](text).ast
    if not isinstance(path, AttrPath):
        raise InvalidPathException(detail=f"'{text}' is not the name of an attribute")
    return path


def _is_descending(query: Query) -> bool:
    order = _text(query, "sortOrder")
    if order and order.lower() not in {"ascending", "descending"}:
        raise InvalidValueException(detail="'sortOrder' is 'ascending' or 'descending'")
    return bool(order) and str(order).lower() == "descending"


def _text(query: Query, name: str) -> str | None:
    value = query.get(name)
    if value is not None and not isinstance(value, str):
        raise InvalidValueException(detail=f"'{name}' must be a string")
    return value


def _names(query: Query, name: str) -> str | None:
    """Return names joined by commas; the body of a search lists them."""
    value = query.get(name)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ",".join(value)
    return _text(query, name)


def _head(wanted: Search, page: Page, digest: str) -> dict[str, Any]:
    head = {"schemas": [LIST_RESPONSE], "totalResults": page.total, "itemsPerPage": len(page.resources)}
    if not wanted.by_position:
        return {**head, "startIndex": wanted.start + 1}
    cursors = {
        "nextCursor": write_cursor(page.next, digest, wanted.count),
        "previousCursor": write_cursor(page.previous, digest, wanted.count),
    }
    return {**head, **{name: cursor for name, cursor in cursors.items() if cursor}}


def _pieces(head: dict[str, Any], resources: Iterator[str]) -> Iterator[str]:
    yield f'{orjson.dumps(head).decode()[:-1]},"Resources":['
    comma = ""
    for resource in resources:
        yield comma + resource
        comma = ","
    yield "]}"


def _rendered(call: Call, resources: Sequence[Stored], projection: Projection | None) -> Iterator[str]:
    for stored in resources:
        if _has_members(stored, projection):
            yield "".join(stream_group(call.session, stored, call.base, projection))
        else:
            yield render(stored, call.base, projection)


def _has_members(stored: Stored, projection: Projection | None) -> bool:
    return stored.type == "Group" and (projection is None or projection.keeps("members"))
