"""Tests of one value: what an operator of a filter and its operand make of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from scim2_models.path import CompareOperator, Comparison

from app.core.attributes import Attribute
from app.core.comparison import SUBSTRING, Operand, exact, fold, is_comparison, parse_time, read_operand

Predicate = Callable[[Any], bool]


def is_present(value: Any) -> bool:
    """Tell whether a value is one: null, the empty string and empty collections are none."""
    return value is not None and value not in ("", [], {})


def value_test(attribute: Attribute, node: Comparison) -> Predicate:
    """Return the test of one stored value, None for a missing one.

    Raise InvalidFilterException when the attribute cannot be compared so.
    """
    operand = read_operand(attribute, node.op, node.value)
    if operand is None:
        return _null_test(node.op)
    if attribute.type == "dateTime":
        return _time_test(node.op, operand)
    if attribute.type == "any":
        return _any_test(node.op, operand)
    if isinstance(operand, str):
        form = exact if attribute.case_exact else fold
        return _string_test(node.op, operand, form)
    return _plain_test(node.op, operand)


def _null_test(op: CompareOperator) -> Predicate:
    if op == CompareOperator.eq:
        return lambda value: value is None
    if op == CompareOperator.ne:
        return lambda value: value is not None
    return lambda value: False


def _string_test(op: CompareOperator, operand: str, form: Callable[[str], str]) -> Predicate:
    compare = _STRING_OPERATORS[op]
    if op == CompareOperator.ne:
        return lambda value: value is None or form(value) != operand
    return lambda value: value is not None and compare(form(value), operand)


_STRING_OPERATORS: Mapping[CompareOperator, Callable[[Any, Any], bool]] = {
    CompareOperator.eq: lambda left, right: left == right,
    CompareOperator.ne: lambda left, right: left != right,
    CompareOperator.co: lambda left, right: right in left,
    CompareOperator.sw: lambda left, right: left.startswith(right),
    CompareOperator.ew: lambda left, right: left.endswith(right),
    CompareOperator.gt: lambda left, right: left > right,
    CompareOperator.ge: lambda left, right: left >= right,
    CompareOperator.lt: lambda left, right: left < right,
    CompareOperator.le: lambda left, right: left <= right,
}


def _plain_test(op: CompareOperator, operand: Operand) -> Predicate:
    if op == CompareOperator.ne:
        return lambda value: value is None or value != operand
    return lambda value: value is not None and value == operand


def _time_test(op: CompareOperator, operand: Operand) -> Predicate:
    if op in SUBSTRING:
        return lambda value: False
    compare = _STRING_OPERATORS[op]
    missing = op == CompareOperator.ne

    def test(value: Any) -> bool:
        if value is None:
            return missing
        return compare(value if isinstance(value, datetime) else parse_time(value), operand)

    return test


def _any_test(op: CompareOperator, operand: Operand) -> Predicate:
    """Test a value that no schema describes: it is compared with an operand of its own kind only."""
    compare = _STRING_OPERATORS[op]
    kind = _kind(operand)
    meaningful = is_comparison(op, operand)
    missing = op == CompareOperator.ne

    def test(value: Any) -> bool:
        if not meaningful or _kind(value) != kind:
            return missing
        return compare(fold(value) if isinstance(value, str) else value, operand)

    return test


def _kind(value: Any) -> type | None:
    if isinstance(value, bool):
        return bool
    if isinstance(value, int | float):
        return float
    return str if isinstance(value, str) else None
