"""Searching the directory: one condition, one order, one page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scim2_models.path import FilterNode

from app.core.attributes import RESOURCE_SCHEMAS, ResourceSchema
from app.store.directory import Stored, selection, stored_of
from app.store.filters import Condition, condition_of
from app.store.sql import Session


@dataclass(frozen=True, slots=True)
class Search:
    """What to look for, and which page of it: `start` counts from 0."""

    schemas: Sequence[ResourceSchema]
    filter: FilterNode | None = None
    start: int = 0
    count: int = 100
    with_groups: bool = True


@dataclass(frozen=True, slots=True)
class Page:
    """A page of resources, and how many there are in all."""

    total: int
    resources: list[Stored]


def find_page(session: Session, search: Search) -> Page:
    """Return the page that a search asks for, in the order of creation.

    Raise InvalidFilterException when the filter names what no resource type has.
    """
    condition = _condition(session, search)
    rows = _rows(session, search, condition) if search.count else []
    if rows and len(rows) < search.count:
        return Page(search.start + len(rows), rows)
    if search.count and not rows and search.start == 0:
        return Page(0, [])
    return Page(_total(session, condition), rows)


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


def _rows(session: Session, search: Search, condition: Condition) -> list[Stored]:
    columns = selection(session, search.with_groups and any("groups" in s.attributes for s in search.schemas))
    page = "ORDER BY r.created_at, r.id LIMIT :page_size OFFSET :page_start"
    sql = f"{columns} FROM resources AS r WHERE {condition.sql} {page}"
    params = {**condition.params, "page_size": search.count, "page_start": search.start}
    return [stored_of(row) for row in session.rows(sql, params)]


def _total(session: Session, condition: Condition) -> int:
    row = session.row(f"SELECT count(*) FROM resources AS r WHERE {condition.sql}", condition.params)  # noqa: S608
    return int(row[0]) if row else 0
