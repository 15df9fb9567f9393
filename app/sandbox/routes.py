"""Which operation answers which call. Some paths are knobs, so this is not a fixed table."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from app.sandbox.account_routes import account_operation
from app.sandbox.call import Operation
from app.sandbox.knobs import Knobs
from app.sandbox.operations import ACCOUNTS, COLLECTIONS, FIXED, PATTERNS
from app.sandbox.replies import ApiError, Service

_SCIM = "/api/scim/v2"


@dataclass(frozen=True)
class Match:
    """What a call hit. Without an operation: `error` in the service's shape, or bare text."""

    operation: Operation | None
    service: Service
    kind: Literal["read", "write"]
    params: Mapping[str, str] = field(default_factory=dict)
    error: ApiError | None = None
    status: int = 404


def resolve(method: str, path: str, knobs: Knobs) -> Match:
    """Return what answers the call."""
    if path.startswith(_SCIM + "/"):
        return _scim(method, path.removeprefix(_SCIM), knobs)
    operation = FIXED.get((method, path))
    if operation:
        return _hit(operation)
    name = account_operation(method, path, knobs)
    if name:
        return _hit(ACCOUNTS[name])
    for hit in _patterns(method, path):
        return hit
    return _miss(method, knobs)


def _scim(method: str, rest: str, knobs: Knobs) -> Match:
    collection, item = _split(rest, knobs)
    if method == "PATCH":
        status = int(knobs["scim_patch_status"])
        return _refused(method, ApiError(status, "PATCH is not implemented"))
    if not collection:
        return _refused(method, ApiError(404, f"there is no {rest}"))
    operation = COLLECTIONS[collection].get((method, bool(item)))
    if operation is None:
        return _refused(method, ApiError(int(knobs["wrong_route_answer"]), "no such operation"))
    return _hit(operation, {"id": item})


def _split(rest: str, knobs: Knobs) -> tuple[str, str]:
    """Return the collection's own name and the id; the service accounts' path is a knob (row 1)."""
    names = {"/Users": "users", "/Groups": "groups", knobs["scim_service_accounts_path"]: "accounts"}
    for prefix, collection in names.items():
        item = rest.removeprefix(prefix + "/")
        if rest == prefix:
            return collection, ""
        if item != rest and item and "/" not in item:
            return collection, item
    return "", ""


def _patterns(method: str, path: str) -> Iterator[Match]:
    for verb, pattern, operation in PATTERNS:
        found = re.fullmatch(pattern, path) if verb == method else None
        if found:
            yield _hit(operation, found.groupdict())


def _hit(operation: Operation, params: Mapping[str, str] | None = None) -> Match:
    return Match(operation, operation.service, operation.kind, params or {})


def _refused(method: str, error: ApiError) -> Match:
    return Match(None, "scim", _kind(method), error=error, status=error.status)


def _miss(method: str, knobs: Knobs) -> Match:
    return Match(None, "gateway", _kind(method), status=int(knobs["wrong_route_answer"]))


def _kind(method: str) -> Literal["read", "write"]:
    return "read" if method in ("GET", "HEAD", "OPTIONS") else "write"
