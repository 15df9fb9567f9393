"""The product's own processes, started as a user starts them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import requests

ROOT = Path(__file__).parents[2]
KEY = "key-of-the-bridge"
READY_SECONDS = 120  # a busy machine takes long; a healthy one never waits so long


class Process:
    """A running `python -m app …` with the lines it has printed."""

    def __init__(self, arguments: list[str], environment: Mapping[str, str]) -> None:
        self.lines: list[str] = []
        self._ready = threading.Event()
        self.url = ""
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "app", *arguments],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.errors: list[str] = []
        for stream, lines in ((self.popen.stdout, self.lines), (self.popen.stderr, self.errors)):
            assert stream
            threading.Thread(target=self._read, args=(stream, lines), daemon=True).start()

    def _read(self, stream: IO[str], lines: list[str]) -> None:
        with stream:
            for line in stream:
                lines.append(line.rstrip("\n"))
                if line.startswith("ready"):
                    self.url = line.removeprefix("ready").strip()
                    self._ready.set()

    def wait_until_ready(self) -> str:
        """Return the URL of the ready line."""
        assert self._ready.wait(READY_SECONDS), "\n".join([*self.lines, *self.errors])
        return self.url

    def kill(self) -> None:
        """End it as a power cut would."""
        self.popen.send_signal(signal.SIGKILL)
        self.popen.wait()

    def stop(self) -> int:
        """End it as a service manager does; return its exit code."""
        self.popen.send_signal(signal.SIGTERM)
        return self.popen.wait(timeout=120)


@contextmanager
def running(*arguments: str, **environment: str) -> Iterator[Process]:
    """Run a command until the block ends."""
    process = Process(list(arguments), environment)
    try:
        process.wait_until_ready()
        yield process
    finally:
        if process.popen.poll() is None:
            process.kill()


def call(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def wait_for(question: str, ask: object, seconds: float = 120) -> None:
    """Wait until `ask()` is true: of another process there is no clock to move."""
    deadline = threading.Event()
    for _ in range(int(seconds / 0.1)):
        if ask():  # type: ignore[operator]
            return
        deadline.wait(0.1)
    raise AssertionError(f"not in {seconds} s: {question}")


def tecton_users(url: str) -> set[str]:
    """Return the user names in a running sandbox."""
    state = requests.get(f"{url}/_sandbox/state", timeout=10).json()
    return {user["userName"] for user in state["users"]}


def scim(url: str, token: str, method: str, path: str, body: object = None) -> requests.Response:
    """Send a SCIM request."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/scim+json"}
    return requests.request(method, f"{url}/scim/v2{path}", json=body, headers=headers, timeout=30)
