"""What can be assigned in Tecton, as resources that Okta discovers (its entitlement discovery).

Okta reads `/ResourceTypes`, then lists the endpoint of each type with one of its schemas, and hands
back the `id` of what an administrator assigned as the value of a user's role or entitlement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scim2_models import NotFoundException

from app.core.attributes import ENTITLEMENT, ROLE, ResourceSchema
from app.core.identity import ROLES, Grant, Level, Target, format_grant
from app.core.selectors import compile_filter, parse_filter
from app.scim.http import Call, Reply, json_reply
from app.scim.paging import read_count, read_start
from app.scim.projection import read_projection
from app.scim.rendering import LIST_RESPONSE
from app.store.sql import Session
from app.store.targets import read_targets

SCHEMAS: Sequence[ResourceSchema] = (ROLE, ENTITLEMENT)


def is_offered(session: Session) -> bool:
    """Tell whether there is anything to assign: before Tecton was seen, the types are not announced.

    Okta's own check refuses an endpoint that lists nothing.
    """
    return bool(read_targets(session))


def search(call: Call, schema: ResourceSchema) -> Reply:
    """Return a page of what can be assigned."""
    found = _entries(call, schema)
    if text := call.args.get("filter"):
        matches = compile_filter(parse_filter(text), schema)
        found = [entry for entry in found if matches(entry)]
    start, count = read_start(call.args), read_count(call.args)
    page = found[start - 1 :][:count]
    head = {"schemas": [LIST_RESPONSE], "totalResults": len(found), "startIndex": start, "itemsPerPage": len(page)}
    return json_reply(200, {**head, "Resources": [_projected(call, schema, entry) for entry in page]})


def read(call: Call, schema: ResourceSchema, id_: str) -> Reply:
    """Return one of what can be assigned. Raise NotFoundException when it is none."""
    for entry in _entries(call, schema):
        if entry["id"] == id_:
            return json_reply(200, _projected(call, schema, entry), {"Content-Location": entry["meta"]["location"]})
    raise NotFoundException(detail=f"there is no {schema.name} with the id {id_!r}")


def _projected(call: Call, schema: ResourceSchema, entry: Mapping[str, Any]) -> Mapping[str, Any]:
    projection = read_projection([schema], call.args.get("attributes"), call.args.get("excludedAttributes"))
    return projection.apply(entry) if projection else entry


def _entries(call: Call, schema: ResourceSchema) -> list[dict[str, Any]]:
    is_scope = schema is ENTITLEMENT
    targets = [target for target in read_targets(call.session) if (target.level is Level.SECRET_SCOPE) == is_scope]
    return [_entry(call.base, schema, target, role) for target in targets for role in ROLES[target.level]]


def _entry(base: str, schema: ResourceSchema, target: Target, role: str) -> dict[str, Any]:
    grant = Grant(target, role)
    type_, _ = format_grant(grant)
    id_ = f"{type_}:{role}"
    return {
        "schemas": [schema.urn],
        "id": id_,
        "displayName": str(grant),
        "type": type_,
        "meta": {"resourceType": schema.name, "location": f"{base}/{schema.endpoint}/{id_}"},
    }
