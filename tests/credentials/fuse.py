"""A process that dies at a chosen moment: before or after any call outside, before or after any commit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from sqlalchemy import Connection

from app.store import key_store
from app.store.database import Database
from tests.credentials.rig import KeyRig, Listening
from tests.wsgi_adapter import WsgiAdapter


class Crash(BaseException):
    """The process dies here. Not an Exception on purpose: no handler sees it."""


class Fuse:
    """Counts the moments that pass, and lets the process die at one. `watch` sees the world at each."""

    def __init__(self) -> None:
        self.passed: list[str] = []
        self.dies_at: int | None = None
        self.watch: Callable[[str], None] = lambda _: None

    def pass_by(self, moment: str) -> None:
        """Let one moment pass; raise Crash at the chosen one."""
        self.watch(moment)
        self.passed.append(moment)
        if self.dies_at == len(self.passed):
            raise Crash(moment)

    def rearm(self, dies_at: int | None) -> None:
        """Count from the beginning, and die at another moment, or at none."""
        self.passed, self.dies_at = [], dies_at


class FusedTecton(Listening):
    """Answers as Tecton, with a moment before and one after every call that writes."""

    def __init__(self, app: Any, keys: set[str], fuse: Fuse) -> None:
        super().__init__(app, keys)
        self.fuse = fuse

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        self.fuse.pass_by(f"before {request.method} {request.path_url}")
        answer = super().send(request)
        self.fuse.pass_by(f"after {request.method} {request.path_url}")
        return answer


class FusedRig(KeyRig):
    """A rig whose process can die at any moment of looking after keys."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        self.fuse = Fuse()
        super().__init__(*args, **settings)

    def tecton_adapter(self) -> WsgiAdapter:
        return FusedTecton(self.sandbox, self.keys, self.fuse)

    def keep_on(self, **by: float) -> bool:
        """Do what is due for keys; when the process dies in it, go on in another one. Tell whether it died."""
        try:
            self.keep(**by)
        except Crash:
            self.fuse.dies_at = None
            self.restart()
            return True
        return False


@contextmanager
def fused_commits(rig: FusedRig, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let moments pass before and after every commit of the keeper's store."""
    real = key_store.fenced_write

    @contextmanager
    def fused(database: Database, fence: int) -> Iterator[Connection]:
        rig.fuse.pass_by("before a commit")
        with real(database, fence) as connection:
            yield connection
            rig.fuse.pass_by("in a commit")
        rig.fuse.pass_by("after a commit")

    with monkeypatch.context() as patch:
        patch.setattr(key_store, "fenced_write", fused)
        yield
