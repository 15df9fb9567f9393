"""Reading JSON bodies: every wrong type is a 400 that names the field, never an exception of ours."""

import json
import re
from collections.abc import Collection
from typing import Any, NoReturn

from app.sandbox.call import Call
from app.sandbox.replies import ApiError, Json


def json_body(call: Call) -> Json:
    """Return the JSON object of a call; an empty body is an empty object. Raises ApiError 400."""
    return parse_object(call.request.body)


def parse_object(raw: bytes) -> Json:
    """Return the JSON object in `raw`, an empty one when there is nothing. Raises ApiError 400."""
    if not raw.strip():
        return {}
    try:
        body = json.loads(raw, parse_constant=_no_number)
        if b"\\u" in raw:
            json.dumps(body, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except (ValueError, RecursionError) as error:
        raise ApiError(400, "the request body is not valid JSON", name="invalidSyntax") from error
    if not isinstance(body, dict):
        raise ApiError(400, "the request body must be a JSON object", name="invalidSyntax")
    return body


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def text(body: Json, name: str, default: str = "") -> str:
    """Return a text field; null and absent give the default. Raises ApiError 400."""
    value: str = _typed(body, name, str, "a string", default)
    return value


def flag(body: Json, name: str) -> bool | None:
    """Return a boolean field, None when it is null or absent. Raises ApiError 400."""
    value: bool | None = _typed(body, name, bool, "a boolean", None)
    return value


def items(body: Json, name: str) -> list[Any]:
    """Return a list field; null and absent give an empty one. Raises ApiError 400."""
    value: list[Any] = _typed(body, name, list, "a list", [])
    return value


def texts(body: Json, name: str) -> list[str]:
    """Return a list of strings. Raises ApiError 400."""
    values = items(body, name)
    if not all(isinstance(value, str) for value in values):
        raise ApiError(400, f"{name} must be a list of strings", name="invalidValue")
    return values


def section(body: Json, name: str) -> Json:
    """Return an object field; null and absent give an empty one. Raises ApiError 400."""
    value: Json = _typed(body, name, dict, "an object", {})
    return value


def rest_body(call: Call, known: Collection[str]) -> Json:
    """Return the body of a REST call with its keys in snake_case; both spellings are accepted.

    Row 45: whether fields nobody knows are ignored or refused. Raises ApiError 400.
    """
    body = {snake(name): value for name, value in json_body(call).items()}
    return only_known(call, body, known)


def only_known(call: Call, body: Json, known: Collection[str]) -> Json:
    """Return the body; raise ApiError 400 for an unknown field when row 45 says so."""
    unknown = sorted(set(body) - set(known))
    if unknown and call.tx.knobs["unknown_json_fields"] == "reject":
        raise ApiError(400, f"unknown field {unknown[0]!r}")
    return body


def snake(name: str) -> str:
    """Return principalType as principal_type."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda m: "_" + m[1], name).lower()


def _typed(body: Json, name: str, kind: type, called: str, default: Any) -> Any:
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, kind):
        raise ApiError(400, f"{name} must be {called}", name="invalidValue")
    return value
