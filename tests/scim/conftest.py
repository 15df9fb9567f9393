"""A SCIM client on a real database, talking through the wire format."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.scim import create_blueprint
from app.store.database import Database
from app.store.tables import dirty
from app.store.tokens import create_token

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
TECTON_GROUP = "urn:ietf:params:scim:schemas:extension:tecton:1.0:Group"
ACCOUNT = "urn:ietf:params:scim:schemas:extension:tecton:1.0:ServiceAccount"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
WINDOW = timedelta(seconds=2)

Json = dict[str, Any]


class Client:
    """What an IdP's client does: sends JSON with a token, reads JSON."""

    def __init__(self, app: Flask, secret: str, database: Database, clock: Any) -> None:
        self.app = app
        self.http = app.test_client()
        self.secret = secret
        self.database = database
        self.clock = clock

    def another(self) -> Client:
        """Return a client of its own, to be used in another thread."""
        return Client(self.app, self.secret, self.database, self.clock)

    def send(
        self, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None, **query: Any
    ) -> TestResponse:
        """Send one request; a body of bytes or text goes as it is."""
        raw = body if isinstance(body, bytes | str | None) else json.dumps(body)
        sent = {"Authorization": f"Bearer {self.secret}", "Content-Type": "application/scim+json; charset=utf-8"}
        sent |= headers or {}
        return self.http.open(f"/scim/v2{path}", method=method, data=raw, headers=sent, query_string=query or None)

    def get(self, path: str, **query: Any) -> Json:
        """Return what is at a path; it must be there."""
        response = self.send("GET", path, **query)
        assert response.status_code == 200, response.text
        return json.loads(response.data)

    def find(self, path: str, filter: str, **query: Any) -> list[str]:
        """Return the ids that a filter selects."""
        page = self.get(path, filter=filter, **query)
        assert page["totalResults"] == len(page["Resources"])
        return [resource["id"] for resource in page["Resources"]]

    def create(self, path: str, body: Json) -> Json:
        """Create a resource and return it."""
        response = self.send("POST", path, body)
        assert response.status_code == 201, response.text
        return json.loads(response.data)

    def user(self, user_name: str = "ada@acme.com", **attributes: Any) -> Json:
        """Create a user."""
        return self.create("/Users", {"schemas": [USER], "userName": user_name, **attributes})

    def group(self, name: str = "engineers", members: list[str] | None = None, **attributes: Any) -> Json:
        """Create a group of these members."""
        listed = [{"value": id_} for id_ in members or []]
        return self.create("/Groups", {"schemas": [GROUP], "displayName": name, "members": listed, **attributes})

    def patch(self, path: str, *operations: Json, expect: int | None = None, **query: Any) -> Json | None:
        """Apply operations; by default they must succeed. Return the body when there is one."""
        body = {"schemas": [PATCH_OP], "Operations": list(operations)}
        response = self.send("PATCH", path, body, **query)
        wanted = (200, 204) if expect is None else (expect,)
        assert response.status_code in wanted, response.text
        return json.loads(response.data) if response.data else None

    def members(self, group: Json) -> set[str]:
        """Return the ids of a group's members."""
        return {member["value"] for member in self.get(f"/Groups/{group['id']}").get("members", [])}

    def error(self, method: str, path: str, body: Any = None, **query: Any) -> tuple[int, str | None]:
        """Return the status and scimType of a refusal, which must have the form of a SCIM error."""
        response = self.send(method, path, body, **query)
        answer = json.loads(response.data)
        assert answer["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
        assert answer["status"] == str(response.status_code)
        assert answer["detail"]
        assert response.content_type == "application/scim+json"
        return response.status_code, answer.get("scimType")

    def dirty(self) -> dict[tuple[str, str], timedelta]:
        """Return who is dirty, and in how long they are to be reconciled."""
        with self.database.read() as connection:
            rows = connection.execute(dirty.select()).all()
        return {(row.kind, row.id): row.next_at - self.clock.now for row in rows}

    def forget_dirty(self) -> None:
        """Empty the queue, as a drain would."""
        with self.database.write() as connection:
            connection.execute(dirty.delete())


@pytest.fixture
def app(database: Database, clock: Callable[[], datetime]) -> Flask:
    app = Flask("test")
    app.register_blueprint(create_blueprint(database, clock=clock, coalesce_window=WINDOW), url_prefix="/scim/v2")
    return app


@pytest.fixture
def client(app: Flask, database: Database, clock: Any) -> Client:
    with database.write() as connection:
        secret = create_token(connection, "okta", "scim", clock())
    return Client(app, secret, database, clock)
