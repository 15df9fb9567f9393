"""Bulk requests (RFC 7644 section 3.7): many writes in one transaction, each with its own outcome."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from scim2_models import NotFoundException, PayloadTooLargeException, SCIMException
from scim2_server.bulk import BulkStep
from scim2_server.conditions import Conditions
from scim2_server.errors import MethodNotAllowedException

from app.core.attributes import RESOURCE_SCHEMAS, ResourceSchema
from app.scim import writes
from app.scim.bulk_request import MAX_PAYLOAD_BYTES, Operation, Plan, read_fail_on_errors, read_operations
from app.scim.errors import error_reply
from app.scim.http import Call, Reply, json_reply
from app.scim.rendering import location_of
from app.scim.resources import push_of
from app.scim.writes import Creation, Deletion, Push, Write, require_object
from app.store import directory
from app.store.directory import NameTaken, Stored
from app.store.marks import mark
from app.store.sql import Conflict, Session

_RESPONSE = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
_SUCCESS = {"POST": 201, "PUT": 200, "PATCH": 200, "DELETE": 204}

# What makes one operation fail and not the request.
_FAILURES = (SCIMException, NameTaken, Conflict)


def bulk(call: Call) -> Reply:
    """Run the operations of a Bulk request and send the outcome of each that ran."""
    if len(call.raw) > MAX_PAYLOAD_BYTES:
        raise PayloadTooLargeException(detail=f"a Bulk request may be {MAX_PAYLOAD_BYTES} bytes long")
    body = require_object(call.json())
    operations, fail_on_errors = read_operations(body), read_fail_on_errors(body)
    refers = b"bulkId:" in call.raw

    def work(session: Session) -> list[dict[str, Any]]:
        plan = Plan(operations, fail_on_errors, refers=refers)
        _Run(call, session, plan).run()
        return [_sent(outcome) for outcome in plan.outcomes()]

    return json_reply(200, {"schemas": [_RESPONSE], "Operations": call.session.transact(work)})


class _Run:
    """One run of a plan. Plain creations that follow each other are stored as one statement."""

    def __init__(self, call: Call, session: Session, plan: Plan) -> None:
        self.call, self.session, self.plan = call, session, plan
        self.push: Push = push_of(call)
        self.waiting: list[tuple[BulkStep, Creation]] = []

    def run(self) -> None:
        for step in self.plan:
            self._step(step)
        self._flush()

    def _step(self, step: BulkStep) -> None:
        try:
            write = self._prepare(step)
            if write is None:
                return
            self._flush()
            stored = self.session.nested(write.within)
        except _FAILURES as error:
            self._fail(step, error)
        else:
            self._succeed(step, stored)

    def _prepare(self, step: BulkStep) -> Write | None:
        """Return the write of a step, None when it waits for others of its kind."""
        if self.plan.refers:
            self._flush()
        operation = self.plan.resolved(step)
        schema, id_ = _target(operation)
        if id_ is not None:
            conditions = Conditions(if_match=operation.version)
            return _WRITES[operation.method](self.push, schema, id_, operation.data, conditions)
        creation = writes.create(self.push, schema, operation.data)
        if creation.member_ids or self.plan.fail_on_errors is not None:
            return creation
        self.waiting.append((step, creation))
        return None

    def _flush(self) -> None:
        waiting, self.waiting = self.waiting, []
        if not waiting:
            return
        documents = [(creation.schema, creation.document) for _, creation in waiting]
        stored = directory.insert_many(self.session, documents, self.push.now, self.push.by)
        marks = [(one.type, one.id) for one in stored if one]
        mark(self.session, marks, now=self.push.now, window=self.push.window)
        for (step, creation), one in zip(waiting, stored, strict=True):
            if one:
                self._succeed(step, one)
            else:
                self._fail(step, NameTaken(creation.document[creation.schema.name_attribute]))

    def _succeed(self, step: BulkStep, stored: Stored | None) -> None:
        operation: Any = self.plan.operation(step)
        outcome = self._outcome(operation, _SUCCESS[operation.method])
        if stored is not None:
            outcome |= {"location": location_of(stored, self.call.base), "version": stored.etag}
        self.plan.record(step, outcome, stored)  # type: ignore[arg-type]

    def _fail(self, step: BulkStep, error: Exception) -> None:
        operation: Any = self.plan.operation(step)
        reply = error_reply(error)
        response = orjson.loads(reply.body) if isinstance(reply.body, bytes) else None
        self.plan.record(step, {**self._outcome(operation, reply.status), "response": response}, None)

    def _outcome(self, operation: Any, status: int) -> dict[str, Any]:
        outcome = {"method": operation.method, "bulk_id": operation.bulk_id, "status": status}
        if operation.method != "POST":
            outcome["location"] = f"{self.call.base}/{operation.path.lstrip('/')}"
        return outcome


def _target(operation: Operation) -> tuple[ResourceSchema, str | None]:
    """Return the resource type, and for anything but a POST the id, that an operation acts on."""
    segments = [segment for segment in operation.path.split("/") if segment]
    schema = _ENDPOINTS.get(segments[0].lower()) if segments else None
    if schema is None or len(segments) > 2:
        raise NotFoundException(detail=f"there is nothing at {operation.path!r} that a Bulk request can write")
    methods = {"POST"} if len(segments) == 1 else set(_WRITES)
    if operation.method not in methods:
        raise MethodNotAllowedException(allowed=methods)
    return schema, segments[1] if len(segments) == 2 else None


_ENDPOINTS = {schema.endpoint.lower(): schema for schema in RESOURCE_SCHEMAS.values()}
_WRITES: dict[str, Callable[..., Write]] = {
    "PUT": writes.replace,
    "PATCH": writes.patch,
    "DELETE": lambda push, schema, id_, _, conditions: Deletion(push, schema, id_, conditions),
}


def _sent(outcome: dict[str, Any]) -> dict[str, Any]:
    """Return an outcome as RFC 7644 section 3.7.3 writes it."""
    names = {"bulk_id": "bulkId"}
    sent = {names.get(name, name): value for name, value in outcome.items() if value is not None}
    return {**sent, "status": str(outcome["status"])}
