"""Which function answers which method on which path (RFC 7644 section 3.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from scim2_models import NotFoundException, NotImplementedException
from scim2_server.errors import MethodNotAllowedException

from app.core.attributes import RESOURCE_SCHEMAS
from app.scim import bulk, catalogue, discovery, listing, resources
from app.scim.http import Call, Reply

Handler = Callable[..., Reply]

OPEN_PATH = "serviceproviderconfig"  # RFC 7643 section 5: to be read without authentication


def _not_implemented(call: Call) -> Reply:
    # RFC 7644 section 3.11: a client is no person here, so there is no "me".
    raise NotImplementedException(detail="/Me is not supported: clients are not users")


_EVERY_METHOD = ("GET", "POST", "PUT", "PATCH", "DELETE")
_EVERYTHING = tuple(RESOURCE_SCHEMAS.values())
_COLLECTIONS: dict[str, Mapping[str, Handler]] = {
    "": {"GET": partial(listing.search, schemas=_EVERYTHING)},
    ".search": {"POST": partial(listing.search_with_body, schemas=_EVERYTHING)},
    "bulk": {"POST": bulk.bulk},
    OPEN_PATH: {"GET": discovery.service_provider_config},
    "resourcetypes": {"GET": discovery.resource_types},
    "schemas": {"GET": discovery.schemas},
    "me": dict.fromkeys(_EVERY_METHOD, _not_implemented),
}
_ITEMS: dict[str, Mapping[str, Handler]] = {
    "resourcetypes": {"GET": discovery.resource_type},
    "schemas": {"GET": discovery.schema},
}
_SEARCHES: dict[str, Mapping[str, Handler]] = {}
for _schema in _EVERYTHING:
    _SEARCHES[_schema.endpoint.lower()] = {"POST": partial(listing.search_with_body, schemas=(_schema,))}
    _COLLECTIONS[_schema.endpoint.lower()] = {
        "GET": partial(listing.search, schemas=(_schema,)),
        "POST": partial(resources.create, schema=_schema),
    }
    _ITEMS[_schema.endpoint.lower()] = {
        "GET": partial(resources.read, schema=_schema),
        "PUT": partial(resources.replace, schema=_schema),
        "PATCH": partial(resources.patch, schema=_schema),
        "DELETE": partial(resources.delete, schema=_schema),
    }
for _schema in catalogue.SCHEMAS:
    _COLLECTIONS[_schema.endpoint.lower()] = {"GET": partial(catalogue.search, schema=_schema)}
    _ITEMS[_schema.endpoint.lower()] = {"GET": partial(catalogue.read, schema=_schema)}


def find_handler(method: str, segments: Sequence[str]) -> Callable[[Call], Reply]:
    """Return what answers a method on a path below the root.

    Raise NotFoundException when nothing is there, MethodNotAllowedException when it takes other methods.
    """
    if any("\x00" in segment for segment in segments):
        raise NotFoundException(detail="nothing has such a name")
    name = segments[0].lower() if segments else ""
    is_item = len(segments) == 2 and segments[1] != ".search"
    methods = None
    if len(segments) <= 2:
        methods = (_ITEMS if is_item else _SEARCHES if len(segments) == 2 else _COLLECTIONS).get(name)
    if methods is None:
        raise NotFoundException(detail=f"there is nothing at /{'/'.join(segments)}")
    handler = methods.get("GET" if method == "HEAD" else method)
    if handler is None:
        raise MethodNotAllowedException(allowed=methods)
    return partial(handler, id_=segments[1]) if is_item else handler
