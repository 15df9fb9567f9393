"""A sandbox in memory with a clock that stands still, and short words for talking to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from app.sandbox import create_app

ADMIN_KEY = "the-admin-key"
SCIM = "/api/scim/v2"
AUTHZ = "/api/v1/authorization-service"
SECRETS = "/api/v1/secrets-service/scopes"
METADATA = "/api/v1/metadata-service"
SECRET_ROUTES = "/api/v1/service-accounts-service"
GROUP_EXTENSION = "urn:ietf:params:scim:schemas:extension:tecton:1.0:Group"
READ, WRITE, MANAGE = "secret_scope_reader", "secret_scope_writer", "secret_scope_manager"

Json = Any


@dataclass
class Clock:
    """A clock that moves only when it is told to."""

    now: datetime = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


@dataclass
class Sandbox:
    """A sandbox and one who calls it with the admin's key unless told otherwise."""

    knobs: Mapping[str, str] = field(default_factory=dict)
    state_file: Path | None = None
    seed: Path | None = None

    def __post_init__(self) -> None:
        self.clock = Clock()
        self.slept: list[float] = []
        self.app: Flask = create_app(
            admin_key=ADMIN_KEY,
            knobs=self.knobs,
            state_file=self.state_file,
            seed=self.seed,
            clock=self.clock,
            sleep=self.slept.append,
        )
        self.http = self.app.test_client()

    def call(self, method: str, path: str, body: Json = None, key: str | None = ADMIN_KEY, **more: Any) -> TestResponse:
        """Call Tecton; `key` None sends no credential."""
        headers = {"Authorization": f"Tecton-key {key}"} if key else {}
        headers.update(more.pop("headers", {}))
        return self.http.open(path, method=method, json=body, headers=headers, **more)

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.call("GET", path, **more)

    def post(self, path: str, body: Json = None, **more: Any) -> TestResponse:
        return self.call("POST", path, body, **more)

    def put(self, path: str, body: Json = None, **more: Any) -> TestResponse:
        return self.call("PUT", path, body, **more)

    def delete(self, path: str, **more: Any) -> TestResponse:
        return self.call("DELETE", path, **more)

    def control(self, method: str, path: str, body: Json = None) -> Json:
        """Call the control API and insist that it went well."""
        response = self.http.open(f"/_sandbox/{path}", method=method, json=body)
        assert response.status_code in (200, 201), response.get_data(as_text=True)
        return response.get_json()

    def turn(self, **knobs: str) -> None:
        """Set knobs while the sandbox runs."""
        self.control("PUT", "knobs", knobs)

    def fault(self, kind: str, match: Json = None, **settings: Any) -> Json:
        """Add a fault."""
        return self.control("POST", "faults", {"match": match or {}, "effect": {"kind": kind, **settings}})

    def state(self) -> Json:
        return self.control("GET", "state")

    def log(self) -> Json:
        return self.control("GET", "log")

    def user(self, user_name: str = "ana@example.com", *roles: Json, **more: Any) -> Json:
        """Create a user through SCIM and return the answer."""
        body = {"userName": user_name, "active": True, "roles": list(roles), **more}
        return self.made(self.post(f"{SCIM}/Users", body))

    def group(self, display_name: str = "ML Ops", members: list[str] | None = None, *roles: Json, **more: Any) -> Json:
        """Create a group through SCIM and return the answer."""
        listed = [{"value": member} for member in members or []]
        body = {"displayName": display_name, "members": listed, "roles": list(roles), **more}
        return self.made(self.post(f"{SCIM}/Groups", body))

    def account(self, account_name: str = "ci", *roles: Json, **more: Any) -> Json:
        """Create a service account through SCIM and return the answer, its key included."""
        body = {"name": account_name, "active": True, "description": "", "roles": list(roles), **more}
        return self.made(self.post(f"{SCIM}/ServiceAccounts", body))

    def oauth_account(self, name: str = "etl") -> Json:
        """Create an OAuth service account and return the answer, its client secret included."""
        kind = "SERVICE_ACCOUNT_CREDENTIALS_TYPE_OAUTH_CLIENT_CREDENTIALS"
        response = self.post(f"{METADATA}/create-service-account", {"name": name, "credentials_type": kind})
        assert response.status_code == 200
        return response.get_json()

    def token(self, client_id: str, client_secret: str) -> str:
        """Return an access token of an OAuth account."""
        form = {"grant_type": "client_credentials", "scope": "everything"}
        form.update(client_id=client_id, client_secret=client_secret)
        response = self.http.post("/oauth2/default/v1/token", data=form)
        assert response.status_code == 200, response.get_data(as_text=True)
        return str(response.get_json()["access_token"])

    def roles(self, kind: str, resource_id: str) -> Json:
        """Return the roles of a resource as SCIM shows them."""
        return self.get(f"{SCIM}/{kind}/{resource_id}").get_json()["roles"]

    @staticmethod
    def made(response: TestResponse) -> Json:
        assert response.status_code == 201, response.get_data(as_text=True)
        return response.get_json()


def role(type_: str, value: str | None) -> Json:
    """Return a SCIM role."""
    return {"type": type_, "value": value}


def assignment(principal_type: str, principal_id: str, scope: str, role_id: str) -> Json:
    """Return an entry of assign-roles for a secret scope."""
    return {
        "principal_type": f"PRINCIPAL_TYPE_{principal_type}",
        "principal_id": principal_id,
        "resource_type": "RESOURCE_TYPE_SECRET_SCOPE",
        "resource_id": scope,
        "role": role_id,
    }


def names(response: TestResponse, key: str = "userName") -> list[str]:
    """Return the names in a SCIM list."""
    return [row[key] for row in response.get_json()["Resources"]]
