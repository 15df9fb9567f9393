"""SCIM filters as SQL conditions, on both databases, with the meaning they have in memory.

What is compared is the column `compared`: the resource with every value in its comparison form
(`app.core.comparison`), so the databases compare bytes and no collation has a say. Every condition
is two-valued (never NULL), so that `not` means what it says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from scim2_models import InvalidFilterException
from scim2_models.path import (
    CompareOperator,
    Comparison,
    FilterNode,
    FilterVisitor,
    LogicalExpr,
    LogicalOperator,
    Not,
    Present,
    ValuePath,
)

from app.core.attributes import GROUP, Attribute, Resolved, ResourceSchema
from app.core.comparison import Operand, is_comparison, read_operand
from app.core.selectors import find, find_sub, selectable, with_value
from app.store.json_sql import FALSE, TRUE, Build, dialect


class Condition(NamedTuple):
    """A condition on `resources AS r`, with the parameters it names."""

    sql: str
    params: dict[str, Any]


def condition_of(node: FilterNode, schemas: Sequence[ResourceSchema], *, is_sqlite: bool) -> Condition:
    """Return the condition that a filter is on resources of these types.

    An attribute that only some of the types have selects none of the others (RFC 7644 section
    3.4.2.1). Raise InvalidFilterException when no type has it, or when it cannot be compared so.
    """
    build = Build(dialect(is_sqlite))
    if len(schemas) == 1:
        return Condition(Resources(build, schemas[0]).visit(node), build.params)
    parts = (f"(r.type = '{schema.name}' AND {Resources(build, schema, schemas).visit(node)})" for schema in schemas)
    return Condition(f"({' OR '.join(parts)})", build.params)


class Values(NamedTuple):
    """The values of a multi-valued attribute as rows: where they come from, and how each is read."""

    rows: str
    read: Callable[[Attribute], str]
    order: str  # as the document lists them
    primary: str = "0"  # whether a value is the primary one

    def exist(self, condition: str = TRUE) -> str:
        """Return the condition that a value meets another one."""
        return f"EXISTS (SELECT 1 FROM {self.rows} AND {condition})"  # noqa: S608 - every value is a parameter


class _Logic(FilterVisitor[str]):
    def visit_not(self, node: Not) -> str:
        return f"(NOT {self.visit(node.expr)})"

    def visit_logical_expr(self, node: LogicalExpr) -> str:
        word = " AND " if node.op == LogicalOperator.and_ else " OR "
        return f"({word.join(self.visit(term) for term in node.terms)})"


class Resources(_Logic):
    """The condition on resources of one type, and how their values are read."""

    def __init__(self, build: Build, schema: ResourceSchema, beside: Sequence[ResourceSchema] = ()) -> None:
        self.build = build
        self.schema = schema
        self.beside = beside  # the types searched together with this one

    def visit(self, node: FilterNode) -> str:
        """Return the condition of a node: never true where only other types have the attribute."""
        path = getattr(node, "attr_path", None)
        if path is not None and self.schema.resolve(path) is None and any(s.resolve(path) for s in self.beside):
            return FALSE
        return super().visit(node)

    def visit_comparison(self, node: Comparison) -> str:
        resolved = with_value(find(self.schema, node.attr_path))
        operand = read_operand(resolved.target, node.op, node.value)
        if resolved.attribute.multi_valued:
            return self._quantified(resolved, node.op, operand)
        if resolved.target.type == "any":
            return self._undescribed(resolved, node.op, operand)
        return self.build.test(self.scalar(resolved), resolved.target, node.op, operand)

    def visit_present(self, node: Present) -> str:
        resolved = find(self.schema, node.attr_path)
        if not resolved.attribute.multi_valued:
            return f"({self.scalar(resolved)} IS NOT NULL)"
        values = self.values(resolved)
        return values.exist(f"{values.read(resolved.sub)} IS NOT NULL" if resolved.sub else TRUE)

    def visit_value_path(self, node: ValuePath) -> str:
        resolved = find(self.schema, node.attr_path)
        attribute = selectable(resolved.attribute)
        values = self.values(resolved)
        return values.exist(_Entries(self.build, attribute, values.read).visit(node.val_filter))

    def _quantified(self, resolved: Resolved, op: CompareOperator, operand: Operand) -> str:
        """Return a comparison with the values of an attribute: with any of them, for `ne` with all."""
        values = self.values(resolved)
        x = values.read(resolved.target)
        if operand is None and op == CompareOperator.eq:
            return f"({values.exist(f'{x} IS NULL')} OR NOT {values.exist()})"
        if op == CompareOperator.ne:
            some = values.exist() if operand is None else TRUE
            equal = self.build.test(x, resolved.target, CompareOperator.eq, operand)
            return f"({some} AND NOT {values.exist(equal)})"
        return values.exist(self.build.test(x, resolved.target, op, operand))

    def _undescribed(self, resolved: Resolved, op: CompareOperator, operand: Operand) -> str:
        """Compare a value that no schema describes: with an operand of its own kind only."""
        keys = _keys(resolved)
        json = self.build.json
        if operand is None:
            return self.build.test(json.node(self.build, "r.compared", keys), resolved.target, op, None)
        missing = TRUE if op == CompareOperator.ne else FALSE
        if not is_comparison(op, operand):
            return missing
        x = json.text(self.build, "r.compared", keys)
        if isinstance(operand, int | float) and not isinstance(operand, bool):
            x = json.number(x)
        kinds = ", ".join(f"'{kind}'" for kind in json.kinds(operand))
        kind = json.kind(self.build, "r.compared", keys)
        test = self.build.test(x, resolved.target, op, operand)
        return f"(CASE WHEN {kind} IN ({kinds}) THEN {test} ELSE {missing} END)"

    def scalar(self, resolved: Resolved) -> str:
        """Return the one value that a path names, NULL when there is none."""
        if resolved.attribute.mutability == "writeOnly":
            return "NULL"  # a password: it is never stored, so it equals nothing
        if column := self._column(resolved):
            return column
        keys = _keys(resolved)
        json = self.build.json
        read = json.node if resolved.target.is_complex or resolved.target.type == "any" else json.text
        return read(self.build, "r.compared", keys)

    def _column(self, resolved: Resolved) -> str | None:
        name = resolved.attribute.name
        if resolved.extension is not None:
            return None
        if name == "meta":
            return _meta_column(resolved)
        if name == self.schema.name_attribute:
            return "r.name_key"
        return {"id": "r.id", "externalId": "r.external_id"}.get(name)

    def values(self, resolved: Resolved) -> Values:
        """Return the values of a multi-valued attribute."""
        attribute, alias = resolved.attribute, self.build.alias()
        if resolved.extension is None and attribute.name in _MEMBERSHIPS:
            return _MEMBERSHIPS[attribute.name](alias)
        json = self.build.json
        keys = _keys(Resolved(resolved.extension, attribute))
        rows = f"{json.elements(self.build, 'r.compared', keys, alias)} WHERE {TRUE}"
        if not attribute.is_complex:
            return Values(rows, lambda _: json.element_text(alias), json.position(alias))
        primary = json.truth(json.text(self.build, f"{alias}.value", ["primary"]))
        return Values(rows, self._reader(alias), json.position(alias), primary)

    def _reader(self, alias: str) -> Callable[[Attribute], str]:
        return lambda sub: self.build.json.text(self.build, f"{alias}.value", [sub.name.lower()])


class _Entries(_Logic):
    """The condition on one value of a multi-valued attribute: its names are sub-attributes."""

    def __init__(self, build: Build, attribute: Attribute, read: Callable[[Attribute], str]) -> None:
        self.build = build
        self.attribute = attribute
        self.read = read

    def visit_comparison(self, node: Comparison) -> str:
        sub = find_sub(self.attribute, node.attr_path)
        return self.build.test(self.read(sub), sub, node.op, read_operand(sub, node.op, node.value))

    def visit_present(self, node: Present) -> str:
        return f"({self.read(find_sub(self.attribute, node.attr_path))} IS NOT NULL)"

    def visit_value_path(self, node: ValuePath) -> str:
        raise InvalidFilterException(detail="a value path cannot hold another one")


def _keys(resolved: Resolved) -> list[str]:
    parts = (resolved.extension, resolved.attribute.name, resolved.sub.name if resolved.sub else None)
    return [part.lower() for part in parts if part is not None]


def _meta_column(resolved: Resolved) -> str:
    columns = {
        "resourceType": "r.type",
        "created": "r.created_at",
        "lastModified": "r.modified_at",
        "version": "('W/\"' || r.version || '\"')",
    }
    if resolved.sub is None:
        return "r.id"  # `meta pr`: every resource has one
    if resolved.sub.name not in columns:
        raise InvalidFilterException(detail=f"'meta.{resolved.sub.name}' depends on the URL and cannot be filtered")
    return columns[resolved.sub.name]


def member_condition(node: FilterNode, *, is_sqlite: bool) -> Condition:
    """Return the condition that the filter of `members[…]` is on `group_members AS lm`.

    Raise InvalidFilterException when the filter names what a member does not have.
    """
    build = Build(dialect(is_sqlite))
    members = GROUP.attributes["members"]
    return Condition(_Entries(build, members, _members("m").read).visit(node), build.params)


def _members(alias: str) -> Values:
    """Return the members of a group: they are rows, not JSON."""
    columns = {"value": f"l{alias}.member_id", "type": f"lower(l{alias}.member_type)"}
    rows = f"group_members AS l{alias} WHERE l{alias}.group_id = r.id"
    return Values(rows, _column_reader("members", columns), f"l{alias}.member_id")


def _groups(alias: str) -> Values:
    """Return the groups that a resource is a member of."""
    joined = f"group_members AS l{alias} JOIN resources AS {alias} ON {alias}.id = l{alias}.group_id"
    columns = {"value": f"l{alias}.group_id", "display": f"{alias}.name_key", "type": "'direct'"}
    reader = _column_reader("groups", columns)
    return Values(f"{joined} WHERE l{alias}.member_id = r.id", reader, f"{alias}.name_key")


_MEMBERSHIPS = {"members": _members, "groups": _groups}


def _column_reader(name: str, columns: dict[str, str]) -> Callable[[Attribute], str]:
    def read(sub: Attribute) -> str:
        if sub.name not in columns:
            raise InvalidFilterException(detail=f"'{name}.{sub.name}' depends on the URL and cannot be filtered")
        return columns[sub.name]

    return read
