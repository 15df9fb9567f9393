"""Errors as SCIM writes them (RFC 7644 section 3.12). What failed inside is logged, never shown."""

from __future__ import annotations

import logging

from scim2_models import InvalidSyntaxException, SCIMException, UniquenessException
from scim2_server.errors import MethodNotAllowedException

from app.scim.http import Reply, json_reply
from app.scim.throttle import TooManyFailures
from app.store.database import StoreError
from app.store.directory import NameTaken
from app.store.sql import Conflict

_LOG = logging.getLogger(__name__)
_ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


def error_reply(error: Exception) -> Reply:
    """Return the reply to a request that failed."""
    error = _as_scim(error)
    if isinstance(error, SCIMException):
        return _reply(error.status, error.detail, error.scim_type, _headers(error))
    if isinstance(error, StoreError):
        _LOG.error("a push could not be stored: %s", error)
        return _reply(503, "the directory cannot be reached; try again", "", {"Retry-After": "5"})
    _LOG.exception("a request failed", exc_info=error)
    return _reply(500, "the request failed inside the service provider", "", {})


def _as_scim(error: Exception) -> Exception:
    if isinstance(error, NameTaken):
        return UniquenessException(detail=f"another resource has the name {str(error)!r}")
    if isinstance(error, Conflict):
        return UniquenessException(detail="another resource has this name")
    if isinstance(error, RecursionError):  # only data of the client's is followed to any depth
        return InvalidSyntaxException(detail="the request is nested too deeply")
    return error


def _headers(error: SCIMException) -> dict[str, str]:
    if error.status == 401:
        return {"WWW-Authenticate": 'Bearer realm="SCIM"'}
    if isinstance(error, MethodNotAllowedException):
        return {"Allow": ", ".join(error.allowed)}
    if isinstance(error, TooManyFailures):
        return {"Retry-After": str(error.retry_after)}
    return {}


def _reply(status: int, detail: str, scim_type: str, headers: dict[str, str]) -> Reply:
    body = {"schemas": [_ERROR], "status": str(status), "detail": detail}
    if scim_type:
        body["scimType"] = scim_type
    return json_reply(status, body, headers)
