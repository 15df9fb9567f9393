"""Sending the requests of a step as its client sends them."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import requests

from app.demo.day import Request, Step
from app.demo.errors import DayError, DemoError
from app.demo.notation import fill, lacks, merge, pick

TIMEOUT_SECONDS = 30


class Replay:
    """The clients' side: what they send, and what they remember of the answers."""

    def __init__(self, base_url: str, tokens: Mapping[str, str]) -> None:
        self.base_url, self.tokens = base_url, tokens
        self.captured: dict[str, str] = {}
        self.kept: dict[str, Any] = {}
        self.session = requests.Session()
        # A proxy that the environment names is for other machines than this one.
        self.session.trust_env = False
        self.session.headers.clear()

    def push(self, step: Step) -> float:
        """Send every request of a step; return when the last answer was there, by the monotonic clock.

        Raise DemoError when an answer is not what the client takes for success.
        """
        for request in step.requests:
            try:
                self._send(step, request)
            except requests.RequestException as error:
                raise DemoError(f"{_said(step, request)} was not answered: {error}") from error
            except DayError as error:
                raise DayError(f"{_said(step, request)}: {error}") from error
        return time.monotonic()

    def _send(self, step: Step, request: Request) -> None:
        body = self._body(request)
        response = self.session.request(
            request.method,
            self.base_url + fill(request.path, self.captured),
            data=None if body is None else json.dumps(body).encode(),
            headers=self._headers(step, body),
            timeout=TIMEOUT_SECONDS,
        )
        if response.status_code not in request.statuses:
            wanted = " or ".join(map(str, request.statuses))
            answered = f"{response.status_code}, not {wanted}: {response.text[:500]}"
            raise DemoError(f"{_said(step, request)} was answered with {answered}")
        self._remember(request, response)

    def _body(self, request: Request) -> Any:
        if request.body_of is None:
            return fill(request.body, self.captured)
        if request.body_of not in self.kept:
            raise DayError(f"no answer was kept as {request.body_of!r}")
        return merge(self.kept[request.body_of], fill(request.merge, self.captured))

    def _headers(self, step: Step, body: Any) -> dict[str, str]:
        sent = {"Authorization": f"Bearer {self.tokens[step.client or '']}", **step.headers}
        return sent if body is not None else {k: v for k, v in sent.items() if k != "Content-Type"}

    def _remember(self, request: Request, response: requests.Response) -> None:
        if not (request.answer or request.capture or request.keep):
            return
        try:
            answer = response.json()
        except ValueError as error:
            raise DayError(f"the answer is no JSON: {response.text[:200]!r}") from error
        if lack := lacks(answer, fill(request.answer, self.captured)):
            raise DayError(lack)
        self.captured |= {name: pick(answer, path) for name, path in request.capture.items()}
        if request.keep:
            self.kept[request.keep] = answer


def _said(step: Step, request: Request) -> str:
    return f"{step.at} {step.client_name}: {request.method} {request.path}"
