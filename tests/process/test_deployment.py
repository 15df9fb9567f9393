"""The deployment of more than one process: gunicorn serves, two workers reconcile, one of them leads."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime

import pytest
import requests

from app.store.database import Database
from app.store.leases import is_held, read_lease
from tests.process.processes import KEY, ROOT, Process, call, running, scim, tecton_users, wait_for
from tests.process.test_survival import person, token

pytestmark = pytest.mark.process


@contextmanager
def gunicorn(environment: dict[str, str]) -> Iterator[str]:
    """Serve `wsgi:app` with two gunicorn workers; yield the URL."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    command = ["gunicorn", "--workers", "2", "--threads", "4", "--bind", f"127.0.0.1:{port}", "wsgi:app"]
    served = subprocess.Popen([sys.executable, "-m", *command], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for("gunicorn answers", lambda: _answers(url))
        yield url
    finally:
        served.terminate()
        served.wait(30)


def _answers(url: str) -> bool:
    with suppress(requests.RequestException):
        return requests.get(f"{url}/readyz", timeout=5).status_code == 200
    return False


def leader(database: Database, workers: list[Process]) -> Process | None:
    """Return the worker that holds the lease, None while none of them does."""
    with database.read() as connection:
        lease = read_lease(connection)
    if lease is None or not is_held(lease, datetime.now(UTC)):
        return None
    return next((worker for worker in workers if str(worker.popen.pid) == lease.holder.split("/")[2]), None)


def test_when_the_leading_worker_is_killed_the_other_one_goes_on(
    environment: dict[str, str], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running("sandbox", "--admin-key", KEY, "--port", "0") as tecton:
        for name, value in {**environment, "TECTON_URL": tecton.url}.items():
            monkeypatch.setenv(name, value)
        with gunicorn(dict(os.environ)) as url, running("worker") as first, running("worker") as second:
            workers = [first, second]
            secret = token({})
            wait_for("one leads", lambda: leader(database, workers))
            assert scim(url, secret, "POST", "/Users", person("first@acme.com")).status_code == 201
            wait_for("the first user is in Tecton", lambda: "first@acme.com" in tecton_users(tecton.url))
            killed = leader(database, workers)
            assert killed
            killed.kill()
            assert scim(url, secret, "POST", "/Users", person("second@acme.com")).status_code == 201
            wait_for("the second user is in Tecton", lambda: "second@acme.com" in tecton_users(tecton.url))
            assert leader(database, workers) not in (killed, None)
            assert call("sweep", "--json").returncode == 0
