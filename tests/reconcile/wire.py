"""The wire between bridge and sandbox, with a finger on it: every call is counted, and some can be struck.

The bridge cannot tell: what strikes a call is what a network, a proxy or a dying process does to it.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any, NamedTuple

import requests
from urllib3 import HTTPResponse
from urllib3.exceptions import ProtocolError

from tests.wsgi_adapter import WsgiAdapter

READING_POSTS = ("list-assigned-principals", "introspect-api-key", "get-user")


class Crash(BaseException):
    """The process dies here: nothing after it runs, no handler, no clean-up. Not an Exception on purpose."""


class Call(NamedTuple):
    """One outgoing call, without the ids that differ from run to run."""

    method: str
    path: str

    @property
    def is_read(self) -> bool:
        """Tell whether the call changes nothing."""
        return self.method == "GET" or self.path.endswith(READING_POSTS)


@dataclass(frozen=True)
class Strike:
    """What happens to the calls numbered `nth` (from 1) to `nth + times - 1`: see `Wire`."""

    kind: str
    nth: int
    times: int = 1

    def hits(self, number: int) -> bool:
        """Tell whether it strikes the call of this number."""
        return self.nth <= number < self.nth + self.times

    def __str__(self) -> str:
        return f"{self.kind}@{self.nth}" + (f"x{self.times}" if self.times > 1 else "")


class Wire(WsgiAdapter):
    """Answers every request from the sandbox, and strikes some.

    reset         the connection breaks before anything is done
    lost_reply    the call is done, the connection breaks before the answer
    throttled     429, with a Retry-After; nothing is done
    error         500; nothing is done
    stale         a read is answered from before the last write
    crash_before  the process dies before the call
    crash_after   the process dies with the call done, and never sees the answer
    """

    def __init__(self, app: Any) -> None:
        super().__init__(app)
        self.calls: list[Call] = []
        self.strikes: tuple[Strike, ...] = ()
        self.struck: set[tuple[Call, str]] = set()
        self.dead = False
        self.after_call: Callable[[Call], None] = lambda _: None
        self._lock = threading.Lock()

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        call, kind = self._count(request)
        before = getattr(self, f"_{kind}", None) if kind else None
        answer: requests.Response = before(request) if before else super().send(request)
        self.after_call(call)
        return answer

    def revive(self) -> None:
        """Let another process use the wire."""
        self.dead = False

    def _count(self, request: requests.PreparedRequest) -> tuple[Call, str | None]:
        if self.dead:
            raise Crash  # a dead process makes no calls, whatever its threads still held
        call = Call(request.method or "", re.sub(r"/(00u|0oa)?[0-9A-Za-z]{17,32}$", "/ID", request.path_url))
        with self._lock:
            self.calls.append(call)
            number = len(self.calls)
        kind = next((of.kind for of in self.strikes if of.hits(number)), None)
        if kind == "stale" and not call.is_read:
            kind = None  # what is told from before the last write is only ever told to a reader
        if kind:
            self.struck.add((call, kind))
        return call, kind

    def _reset(self, request: requests.PreparedRequest) -> requests.Response:
        raise requests.ConnectionError(ProtocolError("aborted", "on purpose"), request=request)

    def _lost_reply(self, request: requests.PreparedRequest) -> requests.Response:
        super().send(request)
        return self._reset(request)

    def _throttled(self, request: requests.PreparedRequest) -> requests.Response:
        return self._refuse(request, 429, {"Retry-After": "2"})

    def _error(self, request: requests.PreparedRequest) -> requests.Response:
        return self._refuse(request, 500, {})

    def _stale(self, request: requests.PreparedRequest) -> requests.Response:
        match = {"path_regex": f"^{re.escape(request.path_url.partition('?')[0])}$", "method": request.method}
        client = self.app.test_client()
        fault = client.post("/_sandbox/faults", json={"match": match, "effect": {"kind": "stale"}}).get_json()
        try:
            return super().send(request)
        finally:
            client.delete(f"/_sandbox/faults/{fault['id']}")

    def _crash_before(self, request: requests.PreparedRequest) -> requests.Response:
        self.dead = True
        raise Crash

    def _crash_after(self, request: requests.PreparedRequest) -> requests.Response:
        super().send(request)
        self.dead = True
        raise Crash

    def _refuse(self, request: requests.PreparedRequest, status: int, headers: dict[str, str]) -> requests.Response:
        body = b'{"detail": "on purpose", "status": "%d"}' % status
        headers = {"Content-Type": "application/scim+json", **headers}
        return self.build_response(request, HTTPResponse(BytesIO(body), headers, status, preload_content=False))
