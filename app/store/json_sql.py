"""How each database reads JSON, and the tests that a filter makes of one value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scim2_models import InvalidFilterException
from scim2_models.path import CompareOperator

from app.core.attributes import Attribute
from app.core.comparison import ORDERING, SUBSTRING, Operand

FALSE = "1=0"
TRUE = "1=1"


class Postgresql:
    """How PostgreSQL reads JSONB."""

    boolean = ("false", "true")
    byte_order = ' COLLATE "C"'

    def text(self, build: Build, base: str, keys: Sequence[str]) -> str:
        *heads, last = (self._key(build, key) for key in keys)
        return f"({''.join([base, *(f' -> {head}' for head in heads)])} ->> {last})"

    def node(self, build: Build, base: str, keys: Sequence[str]) -> str:
        return f"({base}{''.join(f' -> {self._key(build, key)}' for key in keys)})"

    def kind(self, build: Build, base: str, keys: Sequence[str]) -> str:
        return f"jsonb_typeof{self.node(build, base, keys)}"

    def kinds(self, operand: Operand) -> tuple[str, ...]:
        if isinstance(operand, bool):
            return ("boolean",)
        return ("string",) if isinstance(operand, str) else ("number",)

    def elements(self, build: Build, base: str, keys: Sequence[str], alias: str) -> str:
        array = self.node(build, base, keys)
        return f"jsonb_array_elements({array}) WITH ORDINALITY AS {alias}(value, position)"

    def position(self, alias: str) -> str:
        return f"{alias}.position"

    def truth(self, text: str) -> str:
        return f"(CASE WHEN {text} = 'true' THEN 1 ELSE 0 END)"

    def element_text(self, alias: str) -> str:
        return f"({alias}.value #>> '{{}}')"

    def number(self, expression: str) -> str:
        return f"CAST({expression} AS DOUBLE PRECISION)"

    def contains(self, x: str, p: str) -> str:
        return f"strpos({x}, {p}) > 0"

    def starts(self, x: str, p: str) -> str:
        return f"starts_with({x}, {p})"

    def ends(self, x: str, p: str) -> str:
        return f"right({x}, length({p})) = {p}"

    def _key(self, build: Build, key: str) -> str:
        return f"CAST({build.bind(key)} AS TEXT)" if ":" in key else f"'{key}'"


class Sqlite:
    """How SQLite reads JSON."""

    boolean = (0, 1)
    byte_order = ""

    def text(self, build: Build, base: str, keys: Sequence[str]) -> str:
        return f"json_extract({base}, {self._path(build, keys)})"

    node = text

    def kind(self, build: Build, base: str, keys: Sequence[str]) -> str:
        return f"json_type({base}, {self._path(build, keys)})"

    def kinds(self, operand: Operand) -> tuple[str, ...]:
        if isinstance(operand, bool):
            return ("true", "false")
        return ("text",) if isinstance(operand, str) else ("integer", "real")

    def elements(self, build: Build, base: str, keys: Sequence[str], alias: str) -> str:
        return f"json_each({base}, {self._path(build, keys)}) AS {alias}"

    def position(self, alias: str) -> str:
        return f"{alias}.key"

    def truth(self, text: str) -> str:
        return f"coalesce({text}, 0)"

    def element_text(self, alias: str) -> str:
        return f"{alias}.value"

    def number(self, expression: str) -> str:
        return expression

    def contains(self, x: str, p: str) -> str:
        return f"instr({x}, {p}) > 0"

    def starts(self, x: str, p: str) -> str:
        return f"substr({x}, 1, length({p})) = {p}"

    def ends(self, x: str, p: str) -> str:
        return f"({p} = '' OR substr({x}, -length({p})) = {p})"

    def _path(self, build: Build, keys: Sequence[str]) -> str:
        path = "$" + "".join(f'."{key}"' for key in keys)
        return build.bind(path) if ":" in path else f"'{path}'"


def dialect(is_sqlite: bool) -> Postgresql | Sqlite:
    """Return how the database in use reads JSON."""
    return Sqlite() if is_sqlite else Postgresql()


class Build:
    """The parameters and aliases of one condition, and the tests of one value."""

    def __init__(self, json: Postgresql | Sqlite, prefix: str = "f") -> None:
        self.json = json
        self.prefix = prefix
        self.params: dict[str, Any] = {}
        self.aliases = 0

    def bind(self, value: Any) -> str:
        if isinstance(value, str) and not _is_storable(value):
            raise InvalidFilterException(detail="the filter compares with characters that no value can hold")
        name = f"{self.prefix}{len(self.params)}"
        self.params[name] = value
        return f":{name}"

    def alias(self) -> str:
        self.aliases += 1
        return f"{self.prefix}e{self.aliases}"

    def test(self, x: str, attribute: Attribute, op: CompareOperator, operand: Operand) -> str:
        """Return the test of an expression, which is NULL when there is no value."""
        if operand is None:
            return _NULL_TESTS.get(op, FALSE).format(x=x)
        if attribute.type == "dateTime" and op in SUBSTRING:
            return FALSE
        if op == CompareOperator.ne:
            return f"({x} IS NULL OR {x} <> {self._operand(operand)})"
        return f"({x} IS NOT NULL AND {self._comparison(x, op, operand)})"

    def _comparison(self, x: str, op: CompareOperator, operand: Operand) -> str:
        p = self._operand(operand)
        if op in SUBSTRING:
            return {"co": self.json.contains, "sw": self.json.starts, "ew": self.json.ends}[op.value](x, p)
        order = self.json.byte_order if op in ORDERING and isinstance(operand, str) else ""
        return f"{x}{order} {_SIGNS[op]} {p}"

    def _operand(self, operand: Operand) -> str:
        if isinstance(operand, bool):
            return self.bind(self.json.boolean[operand])
        if isinstance(operand, str) and isinstance(self.json, Postgresql):
            return f"CAST({self.bind(operand)} AS TEXT)"
        return self.bind(operand)


_NULL_TESTS = {CompareOperator.eq: "{x} IS NULL", CompareOperator.ne: "{x} IS NOT NULL"}
_SIGNS = {
    CompareOperator.eq: "=",
    CompareOperator.gt: ">",
    CompareOperator.ge: ">=",
    CompareOperator.lt: "<",
    CompareOperator.le: "<=",
}


def _is_storable(text: str) -> bool:
    return "\x00" not in text and not any("\ud800" <= c <= "\udfff" for c in text)
