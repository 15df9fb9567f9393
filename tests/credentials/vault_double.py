"""A double of HashiCorp Vault's key/value engine, version 2, over HTTP.

No Vault can be installed where these tests run. What this answers, and when, is as Vault's own
documentation and the engine's published handlers say: statuses, error bodies, the version in the 404 of a
deleted secret, check-and-set, capabilities that tell create, update and patch apart, namespaces.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from werkzeug.wrappers import Request, Response

TOKEN = "hvs.token-of-the-bridge"
EVERYTHING = frozenset({"create", "update", "patch", "read"})


@dataclass
class Secret:
    """The versions of one secret, the newest last; a deleted one has no data."""

    versions: list[dict[str, Any] | None] = field(default_factory=list)

    @property
    def newest(self) -> dict[str, Any] | None:
        return self.versions[-1] if self.versions else None


class VaultDouble:
    """A WSGI application. `secrets` are by namespace, mount and path."""

    def __init__(self) -> None:
        self.secrets: dict[tuple[str, str, str], Secret] = {}
        self.mounts = {"secret"}
        self.capabilities = EVERYTHING
        self.is_sealed = False
        self.needs_cas = False
        self.can_patch = True
        self.redirects_to = ""
        self.said: list[str] = []  # the requests, without their bodies

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        self.said.append(f"{request.method} {request.path}")
        return self.answer(request)(environ, start_response)

    def read(self, path: str, mount: str = "secret", namespace: str = "") -> dict[str, Any] | None:
        """Return the newest data of a secret."""
        held = self.secrets.get((namespace, mount, path))
        return held.newest if held else None

    def delete(self, path: str) -> None:
        """Delete the newest version, as `vault kv delete` does."""
        self.secrets["", "secret", path].versions[-1] = None

    def answer(self, request: Request) -> Response:
        if self.redirects_to:
            return Response(status=307, headers={"Location": self.redirects_to})
        if self.is_sealed:
            return _errors(503, "Vault is sealed")
        if request.headers.get("X-Vault-Token") != TOKEN:
            return _errors(403, "permission denied", "2 errors occurred:\n\t* permission denied\n\t* invalid token")
        mount, _, path = request.path.removeprefix("/v1/").partition("/data/")
        if mount not in self.mounts:
            return _errors(404, f'no handler for route "{mount}/data/{path}". route entry not found.')
        key = (request.headers.get("X-Vault-Namespace", ""), mount, path)
        return self._patch(request, key) if request.method == "PATCH" else self._write(request, key)

    def _patch(self, request: Request, key: tuple[str, str, str]) -> Response:
        if not self.can_patch:
            return _errors(405)
        if request.content_type != "application/merge-patch+json":
            return _errors(415, "PATCH requires Content-Type of application/merge-patch+json")
        if "patch" not in self.capabilities:
            return _errors(403, "1 error occurred:\n\t* permission denied\n\n")
        return self._merge(self.secrets[key], request) if key in self.secrets else _errors(404)

    def _merge(self, held: Secret, request: Request) -> Response:
        body = request.get_json(force=True)
        if complaint := self._cas(held, body):
            return _errors(400, complaint)
        if held.newest is None:
            return _answer(404, _metadata(held))
        held.versions.append(_merged(held.newest, body["data"]))
        return _answer(200, _metadata(held))

    def _write(self, request: Request, key: tuple[str, str, str]) -> Response:
        held = self.secrets.get(key)
        if ("update" if held else "create") not in self.capabilities:
            return _errors(403, "1 error occurred:\n\t* permission denied\n\n")
        body = request.get_json(force=True)
        held = held or Secret()
        if complaint := self._cas(held, body):
            return _errors(400, complaint)
        held.versions.append(dict(body["data"]))
        self.secrets[key] = held
        return _answer(200, _metadata(held))

    def _cas(self, held: Secret, body: dict[str, Any]) -> str:
        options = body.get("options") or {}
        if "cas" not in options:
            return "check-and-set parameter required for this call" if self.needs_cas else ""
        if options["cas"] != len(held.versions):
            return "check-and-set parameter did not match the current version"
        return ""


def _merged(old: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """Return a JSON merge patch applied (RFC 7396), one level deep: what a secret's fields are."""
    return {name: value for name, value in {**old, **patch}.items() if value is not None}


def _metadata(held: Secret) -> dict[str, Any]:
    return {"version": len(held.versions), "created_time": "2026-03-02T09:00:00Z", "destroyed": False}


def _answer(status: int, data: dict[str, Any]) -> Response:
    return _json(status, {"request_id": "1", "lease_id": "", "data": data})


def _errors(status: int, *errors: str) -> Response:
    return _json(status, {"errors": list(errors)})


def _json(status: int, body: dict[str, Any]) -> Response:
    import json

    return Response(json.dumps(body), status, content_type="application/json")
