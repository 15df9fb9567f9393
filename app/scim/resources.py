"""Requests on one resource: create, read, replace, patch, delete."""

from __future__ import annotations

from collections.abc import Iterator

from app.core.attributes import ResourceSchema
from app.scim import writes
from app.scim.http import Body, Call, Reply
from app.scim.projection import Projection, read_projection
from app.scim.rendering import location_of, render, render_small_group, stream_group
from app.scim.writes import Deletion, Push
from app.store import directory
from app.store.directory import Stored

SMALL_GROUP = 100  # members; a PATCH of a larger group is answered without a body


def create(call: Call, schema: ResourceSchema) -> Reply:
    """Create a resource and send it back, with its location."""
    projection = _projection(call, schema)
    stored = writes.create(push_of(call), schema, call.json()).alone(call.session)
    reply = _reply(call, stored, projection, 201)
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
    projection = _projection(call, schema)
    stored = writes.replace(push_of(call), schema, id_, call.json(), call.conditions).alone(call.session)
    return _reply(call, stored, projection, 200)


def patch(call: Call, schema: ResourceSchema, id_: str) -> Reply:
    """Patch a resource and send it back whole (RFC 7644 section 3.5.2).

    A large group is answered with 204: Microsoft discourages a body with all members, and the cost of
    a change must not depend on the size of the group.
    """
    projection = _projection(call, schema)
    stored = writes.patch(push_of(call), schema, id_, call.json(), call.conditions).alone(call.session)
    if schema.name != "Group" or projection is not None:
        return _reply(call, stored, projection, 200)
    text = render_small_group(call.session, stored, call.base, SMALL_GROUP)
    return Reply(204, headers={"ETag": stored.etag}) if text is None else _sent(call, stored, text.encode(), 200)


def delete(call: Call, schema: ResourceSchema, id_: str) -> Reply:
    """Delete a resource."""
    Deletion(push_of(call), schema, id_, call.conditions).alone(call.session)
    return Reply(204)


def push_of(call: Call) -> Push:
    """Return who pushes with a request, and when."""
    return Push(call.token.name, call.now, call.window)


def _projection(call: Call, schema: ResourceSchema) -> Projection | None:
    """Return what of a resource is to be sent. Ask before anything is stored: the parameters may be refused."""
    return read_projection([schema], call.args.get("attributes"), call.args.get("excludedAttributes"))


def _reply(call: Call, stored: Stored, projection: Projection | None, status: int) -> Reply:
    if stored.type == "Group" and (projection is None or projection.keeps("members")):
        return _sent(call, stored, _encoded(stream_group(call.session, stored, call.base, projection)), status)
    return _sent(call, stored, render(stored, call.base, projection).encode(), status)


def _sent(call: Call, stored: Stored, body: Body, status: int) -> Reply:
    return Reply(status, body, {"ETag": stored.etag, "Content-Location": location_of(stored, call.base)})


def _encoded(pieces: Iterator[str]) -> Iterator[bytes]:
    return (piece.encode() for piece in pieces)
