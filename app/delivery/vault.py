"""HashiCorp Vault, key/value engine version 2: one field of one secret, the others left alone.

A PATCH (JSON merge patch, Vault 1.9 and newer) changes the field; where there is no secret yet, or its
newest version was deleted, a POST with check-and-set makes one. Vault's token needs the capabilities
`patch`, `create` and, for a deleted one, `update` on the path, and none to read. (API documentation of
Vault: secret/kv/kv-v2.)
"""

from __future__ import annotations

import http.cookiejar
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import requests
from requests.auth import AuthBase

from app.core.policy_accounts import VaultPlace
from app.credentials.ports import DeliveryError

_CONNECT_SECONDS, _READ_SECONDS = 10.0, 30.0
_LONGEST = 300


class _Token(AuthBase):
    """Vault's token, set as the request is sent; given explicitly, so that `requests` reads no ~/.netrc."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Set the header."""
        request.headers["X-Vault-Token"] = self._token
        return request


class Vault:
    """Writes keys into Vault, with the token of BRIDGE_VAULT_TOKEN; its repr does not show it."""

    def __init__(self, token: str, session_factory: Callable[[], requests.Session] = requests.Session) -> None:
        self._token = token
        self._session = session_factory()
        self._session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def put(self, place: VaultPlace, value: str) -> None:
        """Write a key into its field. Raise DeliveryError, with Vault's words and what to do, never the key."""
        if not self._token:
            raise DeliveryError(f"{place}: BRIDGE_VAULT_TOKEN is not set")
        data = {"data": {place.field: value}}
        status, answer = self._send("PATCH", place, data)
        if status == 404:
            # No secret there, or one whose newest version is deleted: then Vault tells its number.
            version = _version(answer)
            status, answer = self._send("POST", place, {**data, "options": {"cas": version}})
        if status >= 300:
            raise DeliveryError(_sentence(place, status, answer, hidden=(value, self._token)))

    def _send(self, method: str, place: VaultPlace, body: Any) -> tuple[int, Any]:
        merge = {"Content-Type": "application/merge-patch+json"} if method == "PATCH" else {}
        namespace = {"X-Vault-Namespace": place.namespace} if place.namespace else {}
        headers = {"X-Vault-Request": "true", "Content-Type": "application/json", **merge, **namespace}
        path = f"{quote(place.mount.strip('/'))}/data/{quote(place.path.strip('/'))}"
        try:
            answer = self._session.request(
                method,
                f"{place.url}/v1/{path}",
                data=json.dumps(body),
                headers=headers,
                auth=_Token(self._token),
                timeout=(_CONNECT_SECONDS, _READ_SECONDS),
                allow_redirects=False,  # neither key nor token may follow to another host
            )
        except requests.RequestException as error:
            reason = "does not answer in time" if isinstance(error, requests.Timeout) else "cannot be reached"
        else:
            return answer.status_code, _document(answer)
        # Outside: the exception holds the request, with the token and the key.
        raise DeliveryError(f"{place}: Vault {reason}: check the url of deliver_to, and the network")


def _document(answer: requests.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None


def _version(answer: Any) -> int:
    data = answer.get("data") if isinstance(answer, dict) else None
    version = data.get("version") if isinstance(data, dict) else None
    return version if isinstance(version, int) else 0


def _sentence(place: VaultPlace, status: int, answer: Any, hidden: tuple[str, ...]) -> str:
    errors = answer.get("errors") if isinstance(answer, dict) else None
    said = "; ".join(str(error) for error in errors) if isinstance(errors, list) else ""
    for secret in hidden:
        said = said.replace(secret, "…")
    words = f" ({' '.join(said.split())[:_LONGEST]})" if said else ""
    return f"{place}: Vault answered {status}{words}{_advice(status)}"


def _advice(status: int) -> str:
    if status == 403:
        return ": BRIDGE_VAULT_TOKEN must be valid, with the capabilities patch and create on this path"
    if status == 404:
        return ": is the key/value engine, version 2, mounted there?"
    if status in {405, 415}:
        return ": Vault 1.9 or newer is needed, and the key/value engine of version 2"
    if 300 <= status < 400:
        return ": it redirects; name the active node, or what stands in front of it"
    return ": Vault is sealed, or not ready" if status == 503 else ""
