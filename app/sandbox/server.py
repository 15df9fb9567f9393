"""Serving the sandbox with waitress: one process, many threads, keep-alive."""

import logging
import signal
import time
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any

from flask import Flask
from waitress import create_server
from waitress.channel import ClientDisconnected, HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.task import WSGITask

from app.sandbox.application import ARRIVED
from app.sandbox.faults import ConnectionDropped

_THREADS = 64
_CONNECTIONS = 1000


def serve(app: Flask, host: str, port: int, announce: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT. `announce` is given the address once the socket listens.

    Raises OSError when the address cannot be had.
    """
    # waitress notes every dropped connection; here they are dropped on purpose.
    logging.getLogger("waitress").setLevel(logging.ERROR)
    server = create_server(
        dropping(app), host=host, port=port, threads=_THREADS, connection_limit=_CONNECTIONS, ident="tecton"
    )
    server.channel_class = _Channel
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    announce(f"http://{_shown(host)}:{server.effective_port}")
    try:
        server.run()
    finally:
        server.close()
        app.extensions["sandbox_world"].close()


class _Parser(HTTPRequestParser):  # type: ignore[misc]
    """Notes when the first byte of a request came: what a call takes is counted from there."""

    def __init__(self, adj: Any) -> None:
        super().__init__(adj)
        self.arrived = time.monotonic()


class _Task(WSGITask):  # type: ignore[misc]
    def get_environment(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environment()
        return environ | {ARRIVED: self.request.arrived}


class _Channel(HTTPChannel):  # type: ignore[misc]
    parser_class = _Parser
    task_class = _Task


def dropping(app: Flask) -> Callable[[dict[str, Any], Any], Iterable[bytes]]:
    """Return a WSGI application that turns ConnectionDropped into a socket closed without an answer.

    waitress closes the connection when it is told that the client went away.
    """

    def wsgi(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        try:
            return app(environ, start_response)
        except ConnectionDropped as dropped:
            raise ClientDisconnected from dropped

    return wsgi


def _stop(signum: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
