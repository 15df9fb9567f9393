"""The order of a search: what it sorts by, and where a page of it begins (RFC 7644 section 3.4.2.3, RFC 9865)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from scim2_models import InvalidPathException
from scim2_models.path import AttrPath

from app.core.attributes import Resolved, ResourceSchema
from app.core.selectors import with_value
from app.store.filters import Condition, Resources
from app.store.json_sql import Build, dialect
from app.store.sql import Session, as_time

_BY_CREATION = "r.created_at"


class Position(NamedTuple):
    """Where a page begins: after a resource, or (`backwards`) before it. `key` is its sort value."""

    key: Any
    id: str
    backwards: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """An order of resources: by an expression, those without a value last, then by id."""

    expression: str = _BY_CREATION
    descending: bool = False
    params: dict[str, Any] = field(default_factory=dict)

    def clause(self, *, backwards: bool = False) -> str:
        """Return the ORDER BY, or its reverse."""
        down = self.descending != backwards
        sense, nulls = ("DESC", "FIRST") if down else ("ASC", "LAST")
        if self.expression == _BY_CREATION:
            return f"ORDER BY r.created_at {sense}, r.id {sense}"
        return f"ORDER BY {self.expression} {sense} NULLS {nulls}, r.id {sense}"

    def beyond(self, position: Position, session: Session) -> Condition:
        """Return the condition to come after a position in this order, or before it when that is asked."""
        down = self.descending != position.backwards
        sign = "<" if down else ">"
        x = self.expression
        params = {"at_id": position.id}
        same = f"r.id {sign} :at_id"
        if position.key is None:
            rest = f" OR {x} IS NOT NULL" if down else ""
            return Condition(f"(({x} IS NULL AND {same}){rest})", params)
        rest = "" if down else f" OR {x} IS NULL"
        cast = ":at_key" if session.is_sqlite or self.expression == _BY_CREATION else "CAST(:at_key AS TEXT)"
        sql = f"({x} {sign} {cast} OR ({x} = {cast} AND {same}){rest})"
        return Condition(sql, {**params, "at_key": self._key(position.key)})

    def _key(self, key: Any) -> Any:
        return as_time(key) if self.is_time and isinstance(key, str) else key

    @property
    def is_time(self) -> bool:
        """Tell whether it sorts by an instant."""
        return self.expression in {_BY_CREATION, "r.modified_at"}


def order_by(
    session: Session, schemas: Sequence[ResourceSchema], path: AttrPath | None, *, descending: bool = False
) -> Order:
    """Return the order by an attribute, by creation when there is none.

    Raise InvalidPathException when no type has the attribute, or it cannot be sorted by.
    """
    if path is None:
        return Order()
    build = Build(dialect(session.is_sqlite), "s")
    expressions, errors = {}, []
    for schema in schemas:
        try:
            expressions[schema.name] = _expression(build, schema, path)
        except InvalidPathException as error:
            errors.append(error)
    if not expressions:
        raise errors[0]
    return Order(_joined(expressions, len(schemas)), descending, build.params)


def _joined(expressions: dict[str, str], types: int) -> str:
    distinct = set(expressions.values())
    if len(distinct) == 1 and len(expressions) == types:
        return distinct.pop()
    cases = " ".join(f"WHEN '{name}' THEN {expression}" for name, expression in expressions.items())
    return f"(CASE r.type {cases} END)"


def _expression(build: Build, schema: ResourceSchema, path: AttrPath) -> str:
    resolved = schema.resolve(path)
    if resolved is None:
        raise InvalidPathException(detail=f"cannot sort by '{path}': {schema.name} has no such attribute")
    resolved = with_value(resolved)
    target = resolved.target
    if target.is_complex or target.type == "binary" or target.mutability == "writeOnly" or target.type == "any":
        raise InvalidPathException(detail=f"cannot sort by '{path}'")
    reader = Resources(build, schema)
    x = _of_one(reader, resolved) if resolved.attribute.multi_valued else reader.scalar(resolved)
    return f"{x}{build.json.byte_order}" if target.type not in {"dateTime", "boolean"} else x


def _of_one(reader: Resources, resolved: Resolved) -> str:
    """Return the value that a multi-valued attribute sorts by: the primary one's, else the first one's."""
    values = reader.values(resolved)
    x = values.read(resolved.target)
    order = values.order if resolved.attribute.sub.get("primary") is None else f"{values.primary} DESC, {values.order}"
    return f"(SELECT {x} FROM {values.rows} ORDER BY {order} LIMIT 1)"  # noqa: S608 - names of ours only


def encode_key(key: Any) -> Any:
    """Return a sort value in a form that JSON holds."""
    return key.isoformat() if isinstance(key, datetime) else key
