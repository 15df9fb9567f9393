"""Lists and searches (RFC 7644 section 3.4.2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from scim2_models import InvalidValueException

from app.core.attributes import ResourceSchema
from app.core.selectors import parse_filter
from app.scim.http import Call, Reply
from app.scim.projection import Projection, read_projection
from app.scim.rendering import render, stream_group, stream_list
from app.store.directory import Stored
from app.store.search import Search, find_page

DEFAULT_COUNT = 100
MAX_COUNT = 1000


def search(call: Call, schemas: Sequence[ResourceSchema]) -> Reply:
    """Return the page of resources that the query asks for."""
    return _page(call, schemas, call.args)


def _page(call: Call, schemas: Sequence[ResourceSchema], query: Mapping[str, Any]) -> Reply:
    projection = read_projection(schemas, query.get("attributes"), query.get("excludedAttributes"))
    start_index = max(1, _integer(query, "startIndex", 1))
    page = find_page(
        call.session,
        Search(
            schemas=schemas,
            filter=parse_filter(query["filter"]) if query.get("filter") else None,
            start=start_index - 1,
            count=min(max(0, _integer(query, "count", DEFAULT_COUNT)), MAX_COUNT),
            with_groups=projection is None or projection.keeps("groups"),
        ),
    )
    texts = _rendered(call, page.resources, projection)
    pieces = stream_list(page.total, start_index, len(page.resources), texts)
    if any(_has_members(stored, projection) for stored in page.resources):
        return Reply(200, (piece.encode() for piece in pieces))
    return Reply(200, "".join(pieces).encode())


def _integer(query: Mapping[str, Any], name: str, default: int) -> int:
    value = query.get(name)
    if value is None or value == "":
        return default
    try:
        # Beyond any table: PostgreSQL refuses larger numbers.
        return max(-1, min(int(value), 2**31 - 1))
    except (TypeError, ValueError):
        raise InvalidValueException(detail=f"'{name}' must be a number") from None


def _rendered(call: Call, resources: Sequence[Stored], projection: Projection | None) -> Iterator[str]:
    for stored in resources:
        if _has_members(stored, projection):
            yield "".join(stream_group(call.session, stored, call.base, projection))
        else:
            yield render(stored, call.base, projection)


def _has_members(stored: Stored, projection: Projection | None) -> bool:
    return stored.type == "Group" and (projection is None or projection.keeps("members"))
