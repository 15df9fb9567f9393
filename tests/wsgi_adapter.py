"""A `requests` adapter that dispatches into a WSGI application: the whole wire, and no socket."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse
from urllib3.exceptions import ProtocolError
from werkzeug.test import EnvironBuilder, run_wsgi_app

from app.sandbox.faults import ConnectionDropped


class WsgiAdapter(HTTPAdapter):
    """Answers every request from `app`; what it drops on purpose is a connection that broke."""

    def __init__(self, app: Any) -> None:
        super().__init__()
        self.app = app

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        url = urlsplit(request.url or "")
        builder = EnvironBuilder(
            path=url.path,
            base_url=f"{url.scheme}://{url.netloc}/",
            query_string=url.query,
            method=request.method or "GET",
            headers=list(request.headers.items()),
            data=request.body or b"",
        )
        try:
            chunks, status, headers = run_wsgi_app(self.app, builder.get_environ(), buffered=True)
        except ConnectionDropped as dropped:
            raise requests.ConnectionError(ProtocolError("aborted", dropped), request=request) from None
        body = b"".join(chunks)
        answer = HTTPResponse(BytesIO(body), dict(headers), int(status.split()[0]), preload_content=False)
        return self.build_response(request, answer)


def wsgi_session(app: Any) -> requests.Session:
    """Return a session whose every call goes into `app`."""
    session = requests.Session()
    session.mount("http://", WsgiAdapter(app))
    session.mount("https://", WsgiAdapter(app))
    return session
