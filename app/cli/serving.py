"""Serving until a signal: the embedded server of `serve`, and the waiting of `worker`."""

from __future__ import annotations

import signal
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from urllib.error import URLError

import click
from flask import Flask
from waitress import create_server

THREADS = 16


class Stop(SystemExit):
    """A signal asks the process to end, which is no failure."""

    def __init__(self) -> None:
        super().__init__(0)


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """Turn SIGTERM and SIGINT into an orderly end of the block."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise Stop

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def serve_until_stopped(
    flask_app: Flask, host: str, port: int, when_ready: Callable[[str], None], *, has_proxies: bool = False
) -> None:
    """Serve until a signal; `when_ready` gets the URL once the server answers.

    With proxies in front what they say is left for the application to judge; else it is struck out.

    Raise click.ClickException when the address cannot be listened on.
    """
    try:
        server = create_server(
            flask_app,
            host=host,
            port=port,
            threads=THREADS,
            ident=None,
            clear_untrusted_proxy_headers=not has_proxies,
        )
    except OSError as error:
        raise click.ClickException(f"cannot listen on {host}:{port}: {error.strerror}") from error
    shown = f"[{host}]" if ":" in host else host
    url = f"http://{shown}:{server.effective_port}"
    threading.Thread(target=_announce, args=(url, when_ready), daemon=True).start()
    try:
        with ending_on_signals():
            server.run()
    finally:
        server.close()


def _announce(url: str, when_ready: Callable[[str], None]) -> None:
    """Say ready only once a request is answered, not when the socket is open."""
    for _ in range(200):
        try:
            with urllib.request.urlopen(f"{url}/healthz", timeout=5):  # noqa: S310 - our own address
                when_ready(url)
                return
        except (URLError, OSError):
            threading.Event().wait(0.05)
    when_ready(url)
