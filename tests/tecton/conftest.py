"""Tecton as the tests of the client see it: the sandbox behind the wire, and a time that only they move."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from app.sandbox import create_app
from app.tecton import Retry, TectonClient, TectonConfig, TectonService, open_tecton
from tests.wsgi_adapter import wsgi_session

KEY = "key-that-nobody-may-see-0123456789"
URL = "https://acme.tecton.test"


class Time:
    """A clock that moves when somebody sleeps; it remembers the naps."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0
        self.naps: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds

    def moment(self) -> datetime:
        return datetime.fromtimestamp(self.now, UTC)


class Sandbox:
    """The sandbox Tecton with its control API."""

    def __init__(self, time: Time) -> None:
        self.app = create_app(admin_key=KEY, clock=time.moment, sleep=time.sleep)
        self._control = self.app.test_client()

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._control.open(f"/_sandbox{path}", method=method, json=body)
        assert answer.status_code < 300, answer.text
        return answer.get_json()

    def set(self, **knobs: str) -> None:
        self.control("PUT", "/knobs", knobs)

    def fault(self, kind: str, method: str = "", path: str = "", nth: int = 1, times: int = 1, **settings: Any) -> None:
        match = {"method": method, "path_regex": path, "nth": nth, "times": times}
        self.control("POST", "/faults", {"match": match, "effect": {"kind": kind, **settings}})

    def user(self, name: str, **fields: Any) -> str:
        return str(self.control("POST", "/users", {"userName": name, **fields})["id"])

    def group(self, name: str, **fields: Any) -> str:
        return str(self.control("POST", "/groups", {"displayName": name, **fields})["id"])

    def account(self, name: str, **fields: Any) -> str:
        return str(self.control("POST", "/service-accounts", {"name": name, **fields})["id"])

    def state(self, kind: str, id_: str) -> dict[str, Any]:
        found: dict[str, Any] = next(row for row in self.control("GET", "/state")[kind] if row["id"] == id_)
        return found

    def log(self) -> list[str]:
        answer = self.control("GET", "/log")
        lines = answer["calls"] if isinstance(answer, dict) else answer
        return [f"{line['method']} {line['path']} {line['status']}" for line in lines]

    def forget_log(self) -> None:
        self.control("DELETE", "/log")


@pytest.fixture
def time() -> Time:
    return Time()


def config_for(app: Any, time: Time, **changes: Any) -> TectonConfig:
    """Return a configuration that reaches a WSGI application and never really sleeps."""
    settled: dict[str, Any] = {
        "url": URL,
        "api_key": KEY,
        "rate": 1e9,
        "retry": Retry(jitter=lambda: 0.0),
        "clock": time,
        "wall_clock": time,
        "sleep": time.sleep,
        "session_factory": lambda: wsgi_session(app),
    }
    return TectonConfig(**{**settled, **changes})


@pytest.fixture
def sandbox(time: Time) -> Sandbox:
    return Sandbox(time)


@pytest.fixture
def service(sandbox: Sandbox, time: Time) -> Iterator[TectonService]:
    with open_tecton(config_for(sandbox.app, time)) as opened:
        yield opened


@pytest.fixture
def tecton(service: TectonService) -> TectonClient:
    return service.for_run()


Script = Callable[..., TectonClient]


@pytest.fixture
def scripted(time: Time) -> Iterator[Script]:
    """Return a client to an application that gives the scripted answers, the last one for ever.

    An answer is (status, headers, body); a body of bytes goes out as it is, anything else as JSON.
    """
    opened: list[TectonService] = []

    def client(*answers: Any, **changes: Any) -> TectonClient:
        service = open_tecton(config_for(ScriptedTecton(answers), time, **changes))
        opened.append(service)
        return service.for_run()

    yield client
    for service in opened:
        service.close()


class ScriptedTecton:
    """A WSGI application that gives prepared answers in turn."""

    def __init__(self, answers: Any) -> None:
        self.answers = list(answers)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        import json

        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        status, headers, body = answer
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **headers}
        start_response(f"{status} Whatever", list(headers.items()))
        return [raw]
