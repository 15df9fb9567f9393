"""Searching the directory: one condition, one order, one page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scim2_models.path import AttrPath, FilterNode

from app.core.attributes import RESOURCE_SCHEMAS, ResourceSchema
from app.store.directory import Stored, selection, stored_of
from app.store.filters import Condition, condition_of
from app.store.sorting import Order, Position, encode_key, order_by
from app.store.sql import Session


@dataclass(frozen=True, slots=True)
class Search:
    """What to look for, in which order, and which page of it.

    A page is the one from `start` (counted from 0), or with `by_position` the one at `position`, which
    is stable while resources come and go.
    """

    schemas: Sequence[ResourceSchema]
    filter: FilterNode | None = None
    sort_by: AttrPath | None = None
    descending: bool = False
    start: int = 0
    count: int = 100
    by_position: bool = False
    position: Position | None = None
    with_groups: bool = True


@dataclass(frozen=True, slots=True)
class Page:
    """A page of resources, how many there are in all, and where the pages beside it are."""

    total: int
    resources: list[Stored]
    next: Position | None = None
    previous: Position | None = None


def find_page(session: Session, search: Search) -> Page:
    """Return the page that a search asks for.

    Raise InvalidFilterException or InvalidPathException when the filter or the order names what no
    resource type has.
    """
    condition = _condition(session, search)
    order = order_by(session, search.schemas, search.sort_by, descending=search.descending)
    if search.by_position:
        return _page_at(session, search, condition, order)
    rows = _rows(session, search, condition, order, offset=search.start) if search.count else []
    resources = [stored_of(row[:-1]) for row in rows]
    if search.count and (rows or search.start == 0) and len(rows) < search.count:
        return Page(search.start + len(rows), resources)
    return Page(_total(session, condition), resources)


def _page_at(session: Session, search: Search, condition: Condition, order: Order) -> Page:
    total = _total(session, condition)
    if not search.count:
        return Page(total, [])
    at = search.position
    backwards = at is not None and at.backwards
    beyond = _both(condition, order.beyond(at, session)) if at else condition
    rows = _rows(session, search, beyond, order, backwards=backwards, extra=1)
    more = len(rows) > search.count
    rows = rows[: search.count][::-1] if backwards else rows[: search.count]
    resources = [stored_of(row[:-1]) for row in rows]
    if not rows:
        return Page(total, [])
    first = Position(encode_key(rows[0][-1]), rows[0][0], backwards=True)
    last = Position(encode_key(rows[-1][-1]), rows[-1][0])
    has_next = _exists(session, _both(condition, order.beyond(last, session)), order) if backwards else more
    has_previous = (
        more
        if backwards
        else at is not None and _exists(session, _both(condition, order.beyond(first, session)), order)
    )
    return Page(total, resources, last if has_next else None, first if has_previous else None)


def _condition(session: Session, search: Search) -> Condition:
    typed = _typed(search.schemas)
    if search.filter is None:
        return Condition(typed, {})
    condition = condition_of(search.filter, search.schemas, is_sqlite=session.is_sqlite)
    return Condition(f"{typed} AND {condition.sql}", condition.params)


def _typed(schemas: Sequence[ResourceSchema]) -> str:
    if len(schemas) == 1:
        return f"r.type = '{schemas[0].name}'"
    names = "', '".join(schema.name for schema in schemas)
    return f"r.type IN ('{names}')" if len(schemas) < len(RESOURCE_SCHEMAS) else "1=1"


def _both(one: Condition, other: Condition) -> Condition:
    return Condition(f"{one.sql} AND {other.sql}", {**one.params, **other.params})


def _rows(
    session: Session,
    search: Search,
    condition: Condition,
    order: Order,
    *,
    offset: int = 0,
    backwards: bool = False,
    extra: int = 0,
) -> list[tuple[Any, ...]]:
    columns = selection(session, search.with_groups and any("groups" in s.attributes for s in search.schemas))
    key = order.expression if search.by_position else "NULL"
    clause = order.clause(backwards=backwards)
    # The page is chosen by id alone: what is skipped is never read, and costs an entry of the index. Its
    # size is part of the text, since the planner must know that it is small.
    page = f"SELECT r.id AS page_id FROM resources AS r WHERE {condition.sql} {clause}"  # noqa: S608
    page += f" LIMIT {search.count + extra:d} OFFSET :skipped"
    sql = f"{columns}, {key} FROM ({page}) AS page JOIN resources AS r ON r.id = page_id {clause}"
    return session.rows(sql, {**condition.params, **order.params, "skipped": offset})


def _total(session: Session, condition: Condition) -> int:
    row = session.row(f"SELECT count(*) FROM resources AS r WHERE {condition.sql}", condition.params)  # noqa: S608
    return int(row[0]) if row else 0


def _exists(session: Session, condition: Condition, order: Order) -> bool:
    sql = f"SELECT 1 FROM resources AS r WHERE {condition.sql} LIMIT 1"  # noqa: S608
    return session.row(sql, {**condition.params, **order.params}) is not None
