"""One SCIM request and its reply, free of the web framework."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

import orjson
from scim2_models import InvalidSyntaxException, InvalidValueException
from scim2_server.conditions import Conditions
from scim2_server.service import ScimService

from app.store.sql import Session
from app.store.tokens import TokenRecord

MEDIA_TYPE = "application/scim+json"

Body = bytes | Iterator[bytes]


@dataclass(slots=True)
class Reply:
    """What is sent back. A body that is an iterator is streamed while the connection is open."""

    status: int
    body: Body = b""
    headers: dict[str, str] = field(default_factory=dict)


class Headers(Protocol):
    """Header fields by name, whatever its case."""

    def get(self, key: str, /) -> str | None:
        """Return a header's value, None when it is not there."""


@dataclass(slots=True)
class Call:
    """One request of a client that has been let in.

    `base` is the URL of the SCIM root as the client sees it; `window` is how long changes that remove
    nothing may wait to be reconciled together.
    """

    method: str
    args: Mapping[str, str]
    headers: Headers
    raw: bytes
    base: str
    now: datetime
    window: timedelta
    session: Session
    token: TokenRecord

    @property
    def conditions(self) -> Conditions:
        """The conditional headers (RFC 7644 section 3.14)."""
        return Conditions(self.headers.get("If-Match"), self.headers.get("If-None-Match"))

    def json(self) -> Any:
        """Return the body.

        Raise a SCIMException when it is not JSON, or not said to be.
        """
        content_type = self.headers.get("Content-Type")
        ScimService.ensure_json(content_type)
        return read_json(self.raw, content_type or "")


def read_json(raw: bytes, content_type: str) -> Any:
    """Return what a JSON text says. Raise InvalidSyntaxException when it is none."""
    try:
        value = orjson.loads(_in_utf8(raw, content_type))
    except (ValueError, LookupError) as error:  # no JSON, not in the charset that is named, no such charset
        raise InvalidSyntaxException(detail=f"the body is not valid JSON: {error}") from None
    # No SQL database keeps the character NUL. It can only come escaped; a longer look tells it from `\\u0000`.
    if b"\\u0000" in raw and _holds_nul(value):
        raise InvalidValueException(detail="a value holds the character NUL, which cannot be stored")
    return value


def _in_utf8(raw: bytes, content_type: str) -> bytes:
    charset = content_type.lower().partition("charset=")[2].strip(' "').partition(";")[0].strip(' "')
    if charset in {"", "utf-8", "utf8"}:
        return raw.removeprefix(b"\xef\xbb\xbf")
    return raw.decode(charset).encode()


def _holds_nul(value: Any) -> bool:
    waiting = [value]  # and no recursion: the client chooses how deep it goes
    while waiting:
        item = waiting.pop()
        if isinstance(item, str) and "\x00" in item:
            return True
        if isinstance(item, dict):
            waiting += item.keys()
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
    return False


def json_reply(status: int, value: Any, headers: Mapping[str, str] | None = None) -> Reply:
    """Return a reply whose body is a value as JSON."""
    return Reply(status, orjson.dumps(value), dict(headers or {}))
