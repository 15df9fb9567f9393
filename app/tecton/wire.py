"""A call as it goes out, the answer as it comes in, and reading JSON that is spelt two ways."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any
from urllib.parse import quote

from app.reconcile.ports import Refused

Json = dict[str, Any]


class About(Enum):
    """What a call is about, which decides what a 403 or 404 to it means."""

    ROUTE = auto()  # a collection or an operation: 404 says that Tecton does not offer it
    OBJECT = auto()  # one object: 404 says that it is gone
    RESTRICTED = auto()  # of the gateway, and open to some keys only: 403 says nothing of the key as such


@dataclass(frozen=True, slots=True)
class Request:
    """One call. `asks` is what it asks, as words that fit after "could not"; its repr shows no body.

    A `create` is never made again once Tecton may have seen it; a `removal` that is made again and
    finds nothing is done. `offered_when` is what to say when the path is not there, `accepted_when`
    when the credential is refused. `hidden` shows in no message. `base` replaces the cluster's root.
    """

    method: str
    path: str
    asks: str
    body: Any = field(default=None, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    query: Mapping[str, str | int] = field(default_factory=dict)
    write: bool = False
    create: bool = False
    removal: bool = False
    about: About = About.ROUTE
    offered_when: str = ""
    accepted_when: str = ""
    hidden: tuple[str, ...] = field(default=(), repr=False)
    base: str = ""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer. Its repr shows no body: there may be a key in it."""

    status: int
    content_type: str = ""
    body: bytes = field(default=b"", repr=False)
    retry_after: float | None = None

    @property
    def is_ok(self) -> bool:
        """Tell whether the call was done."""
        return 200 <= self.status < 300

    @property
    def is_page(self) -> bool:
        """Tell whether this is a page for a browser: something in front of Tecton answered."""
        return "html" in self.content_type.lower() or self.body.lstrip()[:1] == b"<"

    @property
    def is_json(self) -> bool:
        """Tell whether this says of itself that it is JSON."""
        return "json" in self.content_type.lower()

    def document(self) -> Any:
        """Return the JSON in the body, {} for no body. Raise ValueError when it is not JSON."""
        return json.loads(self.body) if self.body.strip() else {}


@dataclass(frozen=True, slots=True)
class Failure:
    """No answer. `sent`: Tecton may have seen the call; `passing`: another try may fare better."""

    reason: str
    sent: bool
    passing: bool = True


def operation(path: str, asks: str, body: Json, **more: Any) -> Request:
    """Return a call to an operation of the gateway's services: its ids are in the body.

    A POST (inferred: they are all in a body), unless the path is `METHOD /path`.
    """
    method, _, path = path.rpartition(" ")
    return Request(method or "POST", path, asks, body, about=About.RESTRICTED, **more)


def segment(value: str) -> str:
    """Return a name or id as a part of a path.

    Raise Refused for what no path can hold: the gateway cannot route a `/` (inferred), and nothing,
    `.` and `..` would turn the address into another one.
    """
    if value in ("", ".", "..") or "/" in value:
        raise Refused(f"{value!r} cannot be a part of an address at Tecton")
    return quote(value, safe="")


def read(document: Any, name: str, default: Any = None) -> Any:
    """Return a field, by its snake_case name or the same in camelCase; the default for none and null.

    Tecton's REST services answer in snake_case (inferred), with samples in either.
    """
    if not isinstance(document, Mapping):
        return default
    for spelling in (name, _camel(name)):
        if document.get(spelling) is not None:
            return document[spelling]
    return default


def read_text(document: Any, name: str) -> str:
    """Return a field as text, "" when there is none."""
    value = read(document, name)
    return value if isinstance(value, str) else ""


def read_list(document: Any, name: str) -> list[Any]:
    """Return a list field; empty lists are left out of Tecton's answers."""
    value = read(document, name)
    return value if isinstance(value, list) else []


def _camel(name: str) -> str:
    return re.sub(r"_([a-z0-9])", lambda match: match[1].upper(), name)
