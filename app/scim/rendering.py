"""From stored rows to the JSON that is sent: text is joined, not parsed, wherever the whole is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import orjson

from app.scim.projection import Projection
from app.store import members
from app.store.directory import Stored
from app.store.sql import Session

LIST_RESPONSE = "urn:ietf:params:scim:api:messages:2.0:ListResponse"


def location_of(stored: Stored, base: str) -> str:
    """Return the URL of a resource."""
    return f"{base}/{stored.schema.endpoint}/{stored.id}"


def render(stored: Stored, base: str, projection: Projection | None) -> str:
    """Return a resource as JSON, without the members that a group may have."""
    if projection is not None:
        projection = projection.without("members") if stored.type == "Group" else projection
    if projection is None:
        return f'{stored.text[:-1]}{_groups_text(stored, base)},"meta":{_meta_text(stored, base)}}}'
    return orjson.dumps(projection.apply(_whole(stored, base))).decode()


def _whole(stored: Stored, base: str) -> dict[str, Any]:
    document = stored.document
    if stored.groups:
        document["groups"] = orjson.loads(_groups_text(stored, base).removeprefix(',"groups":'))
    document["meta"] = orjson.loads(_meta_text(stored, base))
    return document


def _groups_text(stored: Stored, base: str) -> str:
    """Return the groups that a resource is in: they follow from the groups' members."""
    if not stored.groups:
        return ""
    items = [
        {"value": id_, "$ref": f"{base}/Groups/{id_}", "display": name, "type": "direct"} for id_, name in stored.groups
    ]
    return f',"groups":{orjson.dumps(items).decode()}'


def _meta_text(stored: Stored, base: str) -> str:
    return (
        f'{{"resourceType":"{stored.type}","created":"{time_text(stored.created_at)}",'
        f'"lastModified":"{time_text(stored.modified_at)}",'
        f'"location":{json_string(location_of(stored, base))},"version":"W/\\"{stored.version}\\""}}'
    )


def time_text(time: datetime) -> str:
    """Return an instant as SCIM writes it (RFC 7643 section 2.3.5)."""
    return f"{time.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def json_string(text: str) -> str:
    """Return a text as a JSON string."""
    return orjson.dumps(text).decode()


def stream_group(session: Session, stored: Stored, base: str, projection: Projection | None) -> Iterator[str]:
    """Yield a group as JSON with its members, a few thousand at a time."""
    whole = render(stored, base, projection)
    if projection is not None and not projection.keeps("members"):
        yield whole
        return
    pieces = _members(session, stored, base, projection)
    first = next(pieces, None)
    if first is None:
        yield whole
        return
    yield f'{whole[:-1]},"members":[{first}'
    yield from pieces
    yield "]}"


def render_small_group(session: Session, stored: Stored, base: str, limit: int) -> str | None:
    """Return a group as JSON with its members, None when it has more than `limit`."""
    piece = members.first(session, stored.id, json_string(base)[1:-1], limit + 1)
    if piece is None:
        return render(stored, base, None)
    if piece.size > limit:
        return None
    return f'{render(stored, base, None)[:-1]},"members":[{piece.json}]}}'


def _members(session: Session, stored: Stored, base: str, projection: Projection | None) -> Iterator[str]:
    for piece in members.stream(session, stored.id, json_string(base)[1:-1]):
        yield piece if projection is None else _projected(piece, projection)


def _projected(piece: str, projection: Projection) -> str:
    comma = "," if piece.startswith(",") else ""
    entries = orjson.loads(f"[{piece.removeprefix(',')}]")
    kept = [projection.apply_within("members", entry) for entry in entries]
    return comma + orjson.dumps(kept).decode()[1:-1]
