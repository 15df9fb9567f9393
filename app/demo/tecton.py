"""The sandbox as a person at its control API sees it: its whole state, and edits made by hand."""

from __future__ import annotations

from typing import Any

import requests

from app.demo.errors import DemoError
from app.demo.facts import Snapshot, read_snapshot

TIMEOUT_SECONDS = 10


class Tecton:
    """The control API of a running sandbox."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False

    def snapshot(self) -> Snapshot:
        """Return all that Tecton holds now."""
        return read_snapshot(self._call("GET", "state"))

    def assign(self, user: str, type_: str, value: str) -> None:
        """Give a user a role by hand, in Tecton's own vocabulary."""
        body = {"principal_type": "user", "principal": user, "type": type_, "value": value}
        self._call("POST", "assign", body)

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        url = f"{self.url}/_sandbox/{path}"
        try:
            response = self.session.request(method, url, json=body, timeout=TIMEOUT_SECONDS)
        except requests.RequestException as error:
            raise DemoError(f"the sandbox did not answer {method} {url}: {error}") from error
        if not response.ok:
            raise DemoError(f"the sandbox answered {method} {url} with {response.status_code}: {response.text[:500]}")
        return response.json()
