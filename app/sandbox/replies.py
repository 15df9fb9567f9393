"""Answers and refusals, and the shape each service gives to a refusal."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from app.sandbox.knobs import Knobs
from app.sandbox.world.world import KeepChanges

Json = dict[str, Any]
Service = Literal["scim", "gateway", "serving", "ingest", "oauth"]

_GRPC_CODES = {
    400: 3, 401: 16, 403: 7, 404: 5, 405: 12, 408: 1, 409: 6, 429: 8, 501: 12, 503: 14, 504: 4,
}  # fmt: skip
_INGEST_TYPES = {
    400: "INVALID_REQUEST", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE", 504: "TIMEOUT",
}  # fmt: skip
_OAUTH_ERRORS = {400: "invalid_request", 401: "invalid_client", 429: "temporarily_unavailable"}

SCIM_ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
TEXT = "text/plain; charset=utf-8"


@dataclass
class Reply:
    """An answer: a status, and a JSON body, a text body, or none."""

    status: int = 200
    body: Json | str | None = field(default_factory=dict)
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


class ApiError(Exception):
    """A refusal. The gateway's numeric code follows from the status unless it is given.

    `name` is the refusal's name where the service has one: scimType, OAuth error.
    """

    def __init__(self, status: int, message: str, *, code: int | None = None, name: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code if code is not None else grpc_code(status)
        self.name = name
        self.headers: dict[str, str] = {}


class KeptError(ApiError, KeepChanges):
    """A refusal after which what was already applied stays applied (rows 18 and 33)."""


def grpc_code(status: int) -> int:
    """Return the gRPC code behind an HTTP status, by the gateway's standard table."""
    return _GRPC_CODES.get(status, 13)


def scim_reply(knobs: Knobs, body: Json | None, status: int = 200) -> Reply:
    """Return a SCIM answer (row 44: its content type is not known)."""
    return Reply(status, body, knobs["scim_content_type"])


def error_reply(service: Service, error: ApiError, knobs: Knobs) -> Reply:
    """Return the refusal in the service's own shape."""
    reply = _SHAPES[service](error, knobs)
    reply.headers.update(error.headers)
    return reply


def _scim(error: ApiError, knobs: Knobs) -> Reply:
    if knobs["scim_error_body"] == "text":
        return Reply(error.status, error.message, TEXT)
    if knobs["scim_error_body"] == "gateway":
        return _gateway(error, knobs)
    named = {"scimType": error.name} if error.name else {}
    body = {"schemas": [SCIM_ERROR], "status": str(error.status), **named, "detail": error.message}
    return scim_reply(knobs, body, error.status)


def _gateway(error: ApiError, knobs: Knobs) -> Reply:
    body = {"error": error.message, "message": error.message, "code": error.code}
    return Reply(error.status, body)


def _ingest(error: ApiError, knobs: Knobs) -> Reply:
    kind = error.name or _INGEST_TYPES.get(error.status, "INTERNAL")
    return Reply(error.status, {"requestError": {"errorMessage": error.message, "errorType": kind}})


def _oauth(error: ApiError, knobs: Knobs) -> Reply:
    name = error.name or _OAUTH_ERRORS.get(error.status, "server_error")
    return Reply(error.status, {"error": name, "error_description": error.message})


_SHAPES: Mapping[Service, Callable[[ApiError, Knobs], Reply]] = {
    "scim": _scim,
    "gateway": _gateway,
    "serving": _gateway,
    "ingest": _ingest,
    "oauth": _oauth,
}
