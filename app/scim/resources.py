"""Requests on one resource: create, read, replace, patch, delete."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from app.core.attributes import ResourceSchema
from app.scim import writes
from app.scim.http import Call, Reply
from app.scim.projection import Projection, read_projection
from app.scim.rendering import location_of, render, stream_group
from app.scim.writes import Push, Write
from app.store import directory
from app.store.directory import Stored


def create(call: Call, schema: ResourceSchema) -> Reply:
    """Create a resource and send it back, with its location."""
    stored = _done(call, writes.create(push_of(call), writes.read_creation(schema, call.json())))
    reply = _reply(call, stored, _projection(call, schema), 201)
    reply.headers["Location"] = location_of(stored, call.base)
    return reply


def read(call: Call, schema: ResourceSchema, id_: str) -> Reply:
    """Send a resource, or 304 when the client has its version (RFC 7644 section 3.4.1)."""
    projection = _projection(call, schema)
    wants_groups = projection is None or projection.keeps("groups")
    stored = writes.require_found(directory.load(call.session, schema, id_, groups=wants_groups), schema, id_)
    if not call.conditions.check(stored.etag, "GET"):
        return Reply(304, headers={"ETag": stored.etag})
    return _reply(call, stored, projection, 200)


def replace(call: Call, schema: ResourceSchema, id_: str) -> Reply:
    """Replace a resource and send it back."""
    stored = _done(call, writes.replace(push_of(call), schema, id_, call.json(), call.conditions))
    return _reply(call, stored, _projection(call, schema), 200)


def patch(call: Call, schema: ResourceSchema, id_: str) -> Reply:
    """Patch a resource. A user is sent back whole, as Entra likes it; a group only when attributes are asked for."""
    stored = _done(call, writes.patch(push_of(call), schema, id_, call.json(), call.conditions))
    projection = _projection(call, schema)
    if schema.name == "Group" and projection is None:
        return Reply(204, headers={"ETag": stored.etag})
    return _reply(call, stored, projection, 200)


def delete(call: Call, schema: ResourceSchema, id_: str) -> Reply:
    """Delete a resource."""
    call.session.transact(writes.delete(push_of(call), schema, id_, call.conditions))
    return Reply(204)


def push_of(call: Call) -> Push:
    """Return who pushes with a request, and when."""
    return Push(call.token.name, call.now, call.window)


def _done(call: Call, write: Write) -> Stored:
    return cast(Stored, call.session.transact(write))


def _projection(call: Call, schema: ResourceSchema) -> Projection | None:
    return read_projection([schema], call.args.get("attributes"), call.args.get("excludedAttributes"))


def _reply(call: Call, stored: Stored, projection: Projection | None, status: int) -> Reply:
    headers = {"ETag": stored.etag, "Content-Location": location_of(stored, call.base)}
    if stored.type == "Group" and (projection is None or projection.keeps("members")):
        return Reply(status, _encoded(stream_group(call.session, stored, call.base, projection)), headers)
    return Reply(status, render(stored, call.base, projection).encode(), headers)


def _encoded(pieces: Iterator[str]) -> Iterator[bytes]:
    return (piece.encode() for piece in pieces)
