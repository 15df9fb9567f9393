"""How values are compared, in memory and in SQL alike: one form for a value, one reading of an operand.

Strings are compared in Normalization Form C, and in lower case unless the attribute is caseExact
(RFC 7643 section 2.2). The form is computed here, in Python, and stored beside every resource: the
databases only ever compare it byte by byte, so that both select what memory selects.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from unicodedata import normalize

from scim2_models import InvalidFilterException
from scim2_models.path import CompareOperator

from app.core.attributes import Attribute, ResourceSchema

ORDERING = frozenset({CompareOperator.gt, CompareOperator.ge, CompareOperator.lt, CompareOperator.le})
SUBSTRING = frozenset({CompareOperator.co, CompareOperator.sw, CompareOperator.ew})

Operand = str | bool | int | float | datetime | None


def fold(text: str) -> str:
    """Return the form in which a string is compared without its case."""
    if text.isascii():
        return text.lower()
    # Lower-casing does not preserve the normalization form.
    return normalize("NFC", normalize("NFC", text).lower())


def exact(text: str) -> str:
    """Return the form in which a caseExact string is compared."""
    return text if text.isascii() else normalize("NFC", text)


def comparable(attribute: Attribute, value: Any) -> Any:
    """Return the form in which a stored value of an attribute is compared."""
    if isinstance(value, str):
        return exact(value) if attribute.case_exact else fold(value)
    return value


def parse_time(text: str) -> datetime:
    """Return the instant of an ISO 8601 text; UTC when it has no offset. Raise ValueError when it is none."""
    time = datetime.fromisoformat(text)
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)


def read_operand(attribute: Attribute, op: CompareOperator, value: Any) -> Operand:
    """Return the form of a filter's operand that compares with stored values of an attribute.

    Raise InvalidFilterException for an operator or a value that the attribute cannot be compared
    with (RFC 7644 section 3.4.2.2).
    """
    if attribute.is_complex:
        raise InvalidFilterException(detail=f"'{attribute.name}' is complex: compare one of its sub-attributes")
    if attribute.mutability == "writeOnly" and op in ORDERING | SUBSTRING:
        raise InvalidFilterException(detail=f"'{attribute.name}' can only be compared for equality")
    if attribute.type == "boolean":
        return _boolean(attribute, op, value)
    if value is None or attribute.type == "any":
        return comparable(attribute, value)  # type: ignore[no-any-return]
    if not isinstance(value, str):
        raise InvalidFilterException(detail=f"'{attribute.name}' is a {attribute.type}, compared with {value!r}")
    if attribute.type == "dateTime" and op not in SUBSTRING:
        return _time(attribute, value)
    return comparable(attribute, value)  # type: ignore[no-any-return]


def is_comparison(op: CompareOperator, operand: Operand) -> bool:
    """Tell whether an operator means anything between two values of the operand's kind.

    For values that no schema describes: booleans have no order, and only strings have parts.
    """
    if isinstance(operand, bool):
        return op not in ORDERING | SUBSTRING
    return isinstance(operand, str) or op not in SUBSTRING


def _boolean(attribute: Attribute, op: CompareOperator, value: Any) -> bool | None:
    if op in ORDERING | SUBSTRING:
        raise InvalidFilterException(detail=f"'{attribute.name}' is boolean: '{op.value}' cannot be applied to it")
    # Entra compares booleans with strings: roles[primary eq "True"].
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    if value is None or isinstance(value, bool):
        return value
    raise InvalidFilterException(detail=f"'{attribute.name}' is boolean, compared with {value!r}")


def _time(attribute: Attribute, value: str) -> datetime:
    try:
        return parse_time(value)
    except ValueError:
        raise InvalidFilterException(detail=f"'{attribute.name}' is a dateTime; {value!r} is none") from None


def comparison_document(document: Mapping[str, Any], schema: ResourceSchema) -> dict[str, Any]:
    """Return a resource document with lower-case names and every value in the form it is compared in."""
    folded: dict[str, Any] = {}
    for name, value in document.items():
        key = name.lower()
        if attribute := schema.attributes.get(key):
            folded[key] = _folded(attribute, value)
        elif extension := schema.extensions.get(key):
            folded[key] = {sub.lower(): _folded(extension.attributes[sub.lower()], v) for sub, v in value.items()}
        else:
            folded[key] = _folded_unknown(value)
    return folded


def _folded(attribute: Attribute, value: Any) -> Any:
    if isinstance(value, str):
        return exact(value) if attribute.case_exact else fold(value)
    if isinstance(value, list):
        return [_folded(attribute, item) for item in value]
    if isinstance(value, dict):
        subs = attribute.sub
        return {name.lower(): _folded(subs[name.lower()], item) for name, item in value.items()}
    return value


def _folded_unknown(value: Any) -> Any:
    """Fold an extension that no schema describes: its scalars, and those one level below."""
    if isinstance(value, str):
        return fold(value)
    if isinstance(value, dict):
        return {name.lower(): _folded_unknown(item) for name, item in value.items() if not isinstance(item, list)}
    return value
