"""Reading a Bulk request: its operations, and the order in which they run (RFC 7644 section 3.7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scim2_models import (
    ConflictException,
    InvalidSyntaxException,
    InvalidValueException,
    PayloadTooLargeException,
)
from scim2_server.bulk import BulkPlan, BulkStep, replace_bulk_ids

MAX_OPERATIONS = 5000
MAX_PAYLOAD_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the request, under the names that the library's plan reads."""

    method: str
    path: str
    bulk_id: str | None
    version: str | None
    data: Any


class Plan(BulkPlan):
    """The library's order of operations: a creation comes before whatever refers to it."""

    def __init__(self, operations: list[Operation], fail_on_errors: int | None, *, refers: bool) -> None:
        self.refers = refers
        super().__init__(operations, fail_on_errors)  # type: ignore[arg-type]

    def dependencies(self, index: int) -> list[int]:
        """Return the positions of the creations that an operation refers to."""
        return super().dependencies(index) if self.refers else []

    @staticmethod
    def references(operation: Any) -> list[str]:
        """Return the bulkIds that an operation refers to."""
        found: list[str] = []

        def collect(name: str) -> str:
            found.append(name)
            return name

        replace_bulk_ids([operation.data, *operation.path.split("/")], collect)
        return found

    def resolved(self, step: BulkStep) -> Operation:
        """Return the operation of a step with ids in place of references. Raise a SCIMException when one has none."""
        operation: Any = self.operation(step)
        is_post = operation.method == "POST"
        if is_post and not self.is_creation(step.index, operation.bulk_id):
            raise InvalidValueException(detail="a POST needs a 'bulkId' of its own")
        if not self.refers:
            return operation  # type: ignore[no-any-return]
        path = "/".join(replace_bulk_ids(operation.path.split("/"), self._id_of))
        data = replace_bulk_ids(operation.data, self._id_of)
        return Operation(operation.method, path, operation.bulk_id, operation.version, data)

    def _id_of(self, bulk_id: str) -> str:
        if bulk_id not in self.created:
            raise ConflictException(detail=f"the bulkId {bulk_id} names no resource that could be created before")
        return str(self.created[bulk_id].id)


def read_operations(body: dict[str, Any]) -> list[Operation]:
    """Return the operations of a body, unread. Raise a SCIMException when they are none, or too many."""
    given = _get(body, "operations")
    if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
        raise InvalidSyntaxException(detail="'Operations' must be a list of objects")
    if len(given) > MAX_OPERATIONS:
        raise PayloadTooLargeException(detail=f"a Bulk request may hold {MAX_OPERATIONS} operations")
    return [_operation(item) for item in given]


def _operation(item: dict[str, Any]) -> Operation:
    texts = {name: _get(item, name) for name in ("method", "path", "bulkid", "version")}
    for name, text in texts.items():
        if not isinstance(text, str | None):
            raise InvalidSyntaxException(detail=f"'{name}' of an operation must be a string")
    return Operation(
        (texts["method"] or "").upper(), texts["path"] or "", texts["bulkid"], texts["version"], _get(item, "data")
    )


def read_fail_on_errors(body: dict[str, Any]) -> int | None:
    """Return after how many errors to stop, None for never. Raise InvalidValueException for no number."""
    value = _get(body, "failonerrors")
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise InvalidValueException(detail="'failOnErrors' must be a whole number from 1")
    return value


def _get(body: dict[str, Any], name: str) -> Any:
    return next((value for key, value in body.items() if key.lower() == name), None)
