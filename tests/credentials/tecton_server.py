"""The sandbox on a real port, for the product's own processes; every key that it hands out is noted."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from werkzeug.serving import make_server

from app.sandbox import create_app
from tests.credentials.rig import HANDED_OUT
from tests.rig import ADMIN_KEY


class NotingTecton:
    """A WSGI application: the sandbox, and the keys in what it answered."""

    def __init__(self) -> None:
        self.app: Flask = create_app(admin_key=ADMIN_KEY)
        self.keys: set[str] = set()
        self.url = ""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        body = b"".join(self.app(environ, start_response))
        self.keys.update(HANDED_OUT.findall(body.decode("utf-8", "replace")))
        return [body]

    def state(self) -> dict[str, Any]:
        """Return what Tecton holds."""
        state: dict[str, Any] = self.app.test_client().get("/_sandbox/state").get_json()
        return state

    def keys_in(self, scope: str) -> set[str]:
        """Return the names of the keys in a secret scope."""
        return next(set(held["keys"]) for held in self.state()["scopes"] if held["name"] == scope)


@contextmanager
def serving_tecton() -> Iterator[NotingTecton]:
    """Serve a sandbox until the block ends."""
    tecton = NotingTecton()
    server = make_server("127.0.0.1", 0, tecton, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    tecton.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield tecton
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
