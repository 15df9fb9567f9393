"""Selectors: SCIM filters that choose resources in memory, with the same meaning as in SQL.

A filter is compiled to closures once; what they read is the stored document of a resource.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lark.exceptions import UnexpectedInput
from scim2_models import InvalidFilterException, ScimFilter
from scim2_models.path import (
    AttrPath,
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

from app.core.attributes import RESOURCE_SCHEMAS, Attribute, Resolved, ResourceSchema
from app.core.predicates import Predicate, is_present, value_test

Document = Mapping[str, Any]
Getter = Callable[[Any], Any]


class SelectorError(ValueError):
    """A selector that means nothing: what is wrong, and at which column (from 1)."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(f"{message} (column {column})")
        self.message = message
        self.column = column


@dataclass(frozen=True, slots=True)
class Selector:
    """A parsed SCIM filter on one resource type."""

    text: str
    resource: str
    attributes: frozenset[str] = field(compare=False)  # what it reads, in lower case; `groups` are not stored
    _predicate: Predicate = field(repr=False, compare=False)

    @classmethod
    def parse(cls, text: str, resource: str = "User") -> Selector:
        """Return the selector that a SCIM filter writes (RFC 7644 section 3.4.2.2).

        `resource` is `User`, `Group` or `ServiceAccount`. Raise `SelectorError` for a filter that
        is malformed, or that names an attribute the resource type or its stored document does not have.
        """
        try:
            node = parse_filter(text)
            predicate = compile_filter(node, RESOURCE_SCHEMAS[resource])
            return cls(text, resource, frozenset(_stored(name) for name in _names_in(node)), predicate)
        except InvalidFilterException as error:
            column = _column(error, text)
            raise SelectorError(error.detail.removesuffix(f" at column {column}"), column) from error

    def matches(self, document: Document) -> bool:
        """Tell whether a resource document is selected."""
        return self._predicate(document)


def parse_filter(text: str) -> FilterNode:
    """Return the syntax tree of a filter. Raise InvalidFilterException for a malformed one."""
    if match := _ONE_EQUALITY.fullmatch(text):
        return Comparison(AttrPath(match[1]), CompareOperator.eq, match[2])
    return ScimFilter(text).ast


# What clients look everything up by, thousands of times with another value each: the grammar needs a
# hundred times longer to say the same of it. Escapes, other operators and URNs are the grammar's.
_ONE_EQUALITY = re.compile(r'([A-Za-z]+) eq "([^"\\\x00-\x1f]*)"')


def compile_filter(node: FilterNode, schema: ResourceSchema) -> Predicate:
    """Return the test that a filter makes of a document of a resource type.

    Raise InvalidFilterException for an attribute that the type lacks, or that cannot be compared so.
    """
    return _Compiler(schema).visit(node)


def compile_value_filter(node: FilterNode, attribute: Attribute) -> Predicate:
    """Return the test that the filter of a value path makes of one entry of a multi-valued attribute."""
    return _EntryCompiler(attribute).visit(node)


def _names_in(node: FilterNode) -> Iterator[str]:
    """Yield the attributes that a filter names."""
    if isinstance(node, LogicalExpr):
        for term in node.terms:
            yield from _names_in(term)
    elif isinstance(node, Not):
        yield from _names_in(node.expr)
    elif isinstance(node, Comparison | Present | ValuePath):
        yield node.attr_path.attr.lower()


def _stored(name: str) -> str:
    """Return an attribute's name. Raise InvalidFilterException for one that no stored document holds."""
    if name in {"meta", "members"}:
        raise InvalidFilterException(detail=f"'{name}' cannot be used in a selector", path=name)
    return name


def _column(error: InvalidFilterException, text: str) -> int:
    cause = error.__cause__
    if isinstance(cause, UnexpectedInput) and cause.column > 0:
        return cause.column
    named = (error.context or {}).get("path")
    found = text.lower().find(str(named).lower()) if named else -1
    return found + 1 if found >= 0 else 1


class _Logic(FilterVisitor[Predicate]):
    def visit_not(self, node: Not) -> Predicate:
        inner = self.visit(node.expr)
        return lambda document: not inner(document)

    def visit_logical_expr(self, node: LogicalExpr) -> Predicate:
        terms = [self.visit(term) for term in node.terms]
        if node.op == LogicalOperator.and_:
            return lambda document: all(term(document) for term in terms)
        return lambda document: any(term(document) for term in terms)


class _Compiler(_Logic):
    def __init__(self, schema: ResourceSchema) -> None:
        self.schema = schema

    def visit_comparison(self, node: Comparison) -> Predicate:
        resolved = with_value(find(self.schema, node.attr_path))
        test = value_test(resolved.target, node)
        return _over_values(resolved, test, node.op)

    def visit_present(self, node: Present) -> Predicate:
        resolved = find(self.schema, node.attr_path)
        read = _getter(resolved)
        if resolved.attribute.multi_valued and resolved.sub:
            return lambda document: any(map(is_present, read(document) or ()))
        return lambda document: is_present(read(document))

    def visit_value_path(self, node: ValuePath) -> Predicate:
        resolved = find(self.schema, node.attr_path)
        inner = compile_value_filter(node.val_filter, selectable(resolved.attribute))
        read = _getter(resolved)
        return lambda document: any(map(inner, read(document) or ()))


class _EntryCompiler(_Logic):
    """Compile the filter between the brackets of a value path: its names are sub-attributes."""

    def __init__(self, attribute: Attribute) -> None:
        self.attribute = attribute

    def visit_comparison(self, node: Comparison) -> Predicate:
        sub = find_sub(self.attribute, node.attr_path)
        test = value_test(sub, node)
        read = self._reader(sub)
        return lambda entry: test(read(entry))

    def visit_present(self, node: Present) -> Predicate:
        read = self._reader(find_sub(self.attribute, node.attr_path))
        return lambda entry: is_present(read(entry))

    def visit_value_path(self, node: ValuePath) -> Predicate:
        raise InvalidFilterException(detail="a value path cannot hold another one")

    def _reader(self, sub: Attribute) -> Getter:
        if not self.attribute.is_complex:
            return lambda entry: entry
        name = sub.name
        return lambda entry: entry.get(name)


def find(schema: ResourceSchema, path: AttrPath) -> Resolved:
    """Return what a path of a filter names. Raise InvalidFilterException when the type lacks it."""
    resolved = schema.resolve(path)
    if resolved is None:
        raise InvalidFilterException(detail=f"{schema.name} has no attribute '{path}'", path=str(path))
    return resolved


def find_sub(attribute: Attribute, path: AttrPath) -> Attribute:
    """Return the sub-attribute that a name between brackets stands for.

    Entries that are plain values are addressed as `value` (RFC 7643 section 2.4). Raise
    InvalidFilterException when there is no such sub-attribute.
    """
    if not attribute.is_complex and path.attr.lower() == "value" and not path.sub_attr:
        return attribute
    sub = attribute.sub.get(path.attr.lower())
    if sub is None or path.uri or path.sub_attr:
        raise InvalidFilterException(detail=f"'{attribute.name}' has no sub-attribute '{path}'", path=str(path))
    return sub


def with_value(resolved: Resolved) -> Resolved:
    """Return the path of a comparison: a complex attribute stands for its value (RFC 7644 §3.4.2.2)."""
    value = resolved.attribute.sub.get("value")
    return resolved._replace(sub=value) if resolved.sub is None and value else resolved


def selectable(attribute: Attribute) -> Attribute:
    """Return an attribute that a value path selects from. Raise InvalidFilterException for a single value."""
    if not attribute.multi_valued:
        raise InvalidFilterException(detail=f"'{attribute.name}' is not multi-valued", path=attribute.name)
    return attribute


def _getter(resolved: Resolved) -> Getter:
    """Return how to read what a path names: a value, the list of a multi-valued attribute, or None."""
    read = _head_getter(resolved)
    if resolved.sub is None:
        return read
    name = resolved.sub.name
    if resolved.attribute.multi_valued:
        return lambda document: [entry.get(name) for entry in read(document) or ()] or None
    if resolved.attribute.type == "any":
        return lambda document: _described(_lookup(read(document), name))
    return lambda document: (read(document) or {}).get(name)


def _head_getter(resolved: Resolved) -> Getter:
    name, urn = resolved.attribute.name, resolved.extension
    if urn is None:
        return lambda document: document.get(name)
    if resolved.attribute.type == "any":
        return lambda document: _described(_lookup(_lookup(document, urn), name))
    return lambda document: (document.get(urn) or {}).get(name)


def _lookup(holder: Any, name: str) -> Any:
    """Return the value under a name, whatever its case: nobody declared how it is spelled."""
    if not isinstance(holder, Mapping):
        return None
    if name in holder:
        return holder[name]
    return next((value for key, value in holder.items() if key.lower() == name.lower()), None)


def _described(value: Any) -> Any:
    """Return a value that no schema describes, None for a list: nobody said how its items compare."""
    return None if isinstance(value, list) else value


def _over_values(resolved: Resolved, test: Predicate, op: CompareOperator) -> Predicate:
    """Apply a test to one value, or to the values of a multi-valued attribute: any of them, for `ne` all."""
    read = _getter(resolved)
    if not resolved.attribute.multi_valued:
        return lambda document: test(read(document))
    quantifier: Callable[[Iterable[bool]], bool] = all if op == CompareOperator.ne else any

    def matches(document: Any) -> bool:
        values = read(document)
        return quantifier(map(test, values)) if values else test(None)

    return matches
