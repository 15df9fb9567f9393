"""Errors and headers."""

from __future__ import annotations

from io import BytesIO

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.store.database import Database, StoreError
from tests.web.conftest import Caller, MakeApp


@pytest.fixture
def faulty(web_app: Flask) -> FlaskClient:
    """A client of an application with views that fail."""

    def fail() -> str:
        raise RuntimeError("password=hunter2")

    for path in ("/faulty", "/api/v1/faulty", "/scim/v2/faulty"):
        web_app.add_url_rule(path, path, fail)
    return web_app.test_client()


@pytest.mark.parametrize("path", ["/faulty", "/api/v1/faulty", "/scim/v2/faulty"])
def test_an_unexpected_error_shows_neither_traceback_nor_what_it_said(faulty: FlaskClient, path: str) -> None:
    response = faulty.get(path)
    assert response.status_code == 500
    assert "Traceback" not in response.text and "hunter2" not in response.text


def test_errors_of_the_api_are_json_and_errors_of_pages_are_pages(faulty: FlaskClient) -> None:
    assert faulty.get("/api/v1/faulty").json["error"]["code"] == "error"
    assert "<h1>Something went wrong here</h1>" in faulty.get("/faulty").text


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/nothing", 404), ("POST", "/", 405), ("GET", "/drift?limit=x", 400)]
)
def test_a_wrong_request_gets_a_page_that_leads_on(admin: FlaskClient, method: str, path: str, status: int) -> None:
    response = admin.open(path, method=method)
    assert response.status_code == status
    assert 'href="/"' in response.text


@pytest.mark.parametrize("path", ["/runs/none", "/plans/none", "/runs/%00", "/plans/%00"])
def test_a_run_or_plan_that_is_not_there_is_404(admin: FlaskClient, path: str) -> None:
    assert admin.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/", "/sign-in", "/api/v1/drift", "/metrics"])
def test_a_database_that_cannot_be_reached_is_503_and_told_without_its_address(
    make_app: MakeApp, broken_database: Database, path: str
) -> None:
    response = make_app(database=broken_database).test_client().get(path, headers=_token(path))
    assert response.status_code == 503
    assert str(broken_database.url.database) not in response.text


def _token(path: str) -> dict[str, str]:
    return {"Authorization": "Bearer x"} if path in {"/api/v1/drift", "/metrics"} else {}


def test_a_database_that_goes_away_under_a_session_is_503(admin: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Database) -> object:
        raise StoreError("gone")

    monkeypatch.setattr(Database, "read", refuse)
    assert admin.get("/").status_code == 503


def test_the_errors_of_scim_are_left_to_scim(web_app: Flask) -> None:
    response = web_app.test_client().get("/scim/v2/Users")
    assert response.status_code == 404
    assert "Content-Security-Policy" not in response.headers


def test_a_scim_client_gets_no_cookie_and_needs_no_csrf_token(web_app: Flask) -> None:
    web_app.add_url_rule("/scim/v2/Users", "users", lambda: "made", methods=["POST"])
    response = web_app.test_client().post("/scim/v2/Users")
    assert (response.status_code, response.text) == (200, "made")
    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize("path", ["/", "/sign-in", "/nothing", "/api/v1/drift", "/healthz"])
def test_every_answer_carries_the_security_headers(visitor: FlaskClient, path: str) -> None:
    headers = visitor.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe-inline" not in policy and "script-src" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/sign-in", "/sweeps", "/api/v1/credentials/x/claim"])
def test_a_large_body_is_refused_before_anybody_signed_in(visitor: FlaskClient, path: str) -> None:
    stream = BytesIO(b"name=" + b"x" * 70_000)
    form = "application/x-www-form-urlencoded"
    response = visitor.post(path, input_stream=stream, content_length=70_005, content_type=form)
    assert (response.status_code, stream.tell()) == (413, 0)
    assert ("too_large" if path.startswith("/api/") else "Too much was sent") in response.text


def test_a_large_body_that_does_not_say_its_length_is_not_read_whole(visitor: FlaskClient) -> None:
    stream = BytesIO(b"name=" + b"x" * 10_000_000)
    environ = {"wsgi.input": stream, "wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    form = "application/x-www-form-urlencoded"
    response = visitor.post("/sign-in", environ_overrides=environ, content_type=form)
    assert response.status_code == 400 and stream.tell() < 100_000


def test_what_is_read_is_never_kept_by_a_browser(admin: FlaskClient, api: Caller) -> None:
    assert admin.get("/").headers["Cache-Control"] == "no-store"
    assert api.get("/api/v1/drift").headers["Cache-Control"] == "no-store"
