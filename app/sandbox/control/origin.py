"""Who may reach the control API and the pages: people on this machine, never another site's page.

They need no key, so two browser tricks are refused: a form or script of another site (it says so in
Sec-Fetch-Site or Origin), and a foreign name that resolves to this machine (it shows in Host).
"""

from collections.abc import Callable, Collection
from urllib.parse import urlsplit

from flask import Response, request

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})

_SAFE = ("GET", "HEAD", "OPTIONS")
_OWN_SITES = ("same-origin", "none")


def control_guard(hosts: Collection[str] | None) -> Callable[[], Response | None]:
    """Return a check to run before control calls; `hosts` None allows any name."""

    def check() -> Response | None:
        if hosts is not None and _host_name() not in hosts:
            return _refused("the control API answers on this machine only")
        if request.method not in _SAFE and _is_foreign():
            return _refused("this call comes from a page of another site")
        return None

    return check


def _host_name() -> str:
    return request.host if request.host.endswith("]") else request.host.rsplit(":", 1)[0]


def _is_foreign() -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in _OWN_SITES
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc != request.host


def _refused(message: str) -> Response:
    return Response(message + "\n", 403, content_type="text/plain; charset=utf-8")
