"""Signing in and out, through the forms."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.store import admins
from app.store.database import Database
from app.store.tables import admin_sessions, metadata
from tests.conftest import Clock
from tests.web.conftest import PASSWORD, MakeApp, csrf_token, sign_in

PAGES = ["/", "/drift", "/runs", "/runs/x", "/plans/x"]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_sends_a_visitor_to_sign_in(visitor: FlaskClient, path: str) -> None:
    response = visitor.get(path)
    assert response.status_code == 302
    assert response.location.startswith("/sign-in")


def test_after_sign_in_the_wanted_page_is_shown(admin: FlaskClient, web_app: Flask) -> None:
    client = web_app.test_client()
    assert client.get("/drift?class=extra").location == "/sign-in?next=/drift?class%3Dextra"
    assert sign_in(client, data={"next": "/drift?class=extra"}).location == "/drift?class=extra"


@pytest.mark.parametrize("elsewhere", ["https://evil.test/", "//evil.test", "/\\evil.test", "/\t/evil.test", "evil"])
def test_after_sign_in_nobody_is_sent_to_another_site(admin: FlaskClient, web_app: Flask, elsewhere: str) -> None:
    assert sign_in(web_app.test_client(), data={"next": elsewhere}).location == "/"


@pytest.mark.parametrize(
    ("name", "password"),
    [("admin", "wrong"), ("nobody", PASSWORD), ("", ""), ("a\0b", PASSWORD), ("admin", "too long" * 200)],
)
def test_wrong_credentials_are_refused_all_in_the_same_words(
    admin: FlaskClient, web_app: Flask, name: str, password: str
) -> None:
    response = sign_in(web_app.test_client(), name, password)
    assert response.status_code == 401
    assert "do not belong together" in response.text
    assert not password or password not in response.text


def test_without_the_csrf_token_even_the_right_password_is_refused(admin: FlaskClient, web_app: Flask) -> None:
    client = web_app.test_client()
    response = client.post("/sign-in", data={"name": "admin", "password": PASSWORD})
    assert response.status_code == 400
    assert client.get("/").status_code == 302


def test_the_csrf_token_of_one_visitor_is_no_good_for_another(admin: FlaskClient, web_app: Flask) -> None:
    stolen, other = csrf_token(web_app.test_client()), web_app.test_client()
    csrf_token(other)
    response = other.post("/sign-in", data={"csrf_token": stolen, "name": "admin", "password": PASSWORD})
    assert response.status_code == 400


def test_signing_out_ends_the_session(admin: FlaskClient) -> None:
    assert admin.post("/sign-out", data={"csrf_token": csrf_token(admin, "/")}).location == "/sign-in"
    assert admin.get("/").status_code == 302


def test_signing_out_needs_the_csrf_token(admin: FlaskClient) -> None:
    assert admin.post("/sign-out").status_code == 400
    assert admin.get("/").status_code == 200


def test_a_session_ends_after_eight_hours_however_busy(admin: FlaskClient, clock: Clock) -> None:
    clock.move(hours=7, minutes=59)
    assert admin.get("/").status_code == 200
    clock.move(minutes=1)
    assert admin.get("/").status_code == 302


def test_a_new_password_ends_the_sessions_of_the_old_one(admin: FlaskClient, database: Database, clock: Clock) -> None:
    with database.write() as connection:
        admins.set_password(connection, "admin", "another", clock())
    assert admin.get("/").status_code == 302


def test_the_sixth_try_is_refused_in_every_process_even_with_the_right_password(
    admin: FlaskClient, make_app: MakeApp, clock: Clock
) -> None:
    for _ in range(5):
        assert sign_in(make_app().test_client(), password="wrong").status_code == 401
    response = sign_in(make_app().test_client())
    assert (response.status_code, response.headers["Retry-After"]) == (429, "900")
    assert "15 minutes" in response.text
    clock.move(minutes=15)
    assert sign_in(make_app().test_client()).status_code == 302


def test_a_sign_in_that_succeeds_forgets_the_failures_before(admin: FlaskClient, web_app: Flask) -> None:
    for password in ("wrong", "wrong", "wrong", "wrong", PASSWORD, "wrong", "wrong", "wrong", "wrong", PASSWORD):
        status = sign_in(web_app.test_client(), password=password).status_code
        assert status == (302 if password == PASSWORD else 401)


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(visitor: FlaskClient) -> None:
    cookie = visitor.get("/sign-in").headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie
    assert "Secure" not in cookie


@pytest.mark.parametrize(
    "https", [{"base_url": "https://bridge.test"}, {"headers": {"X-Forwarded-Proto": "https"}}], ids=["own", "proxy"]
)
def test_the_session_cookie_stays_on_https_when_the_browser_uses_it(web_app: Flask, https: dict[str, str]) -> None:
    assert "Secure" in web_app.test_client().get("/sign-in", **https).headers["Set-Cookie"]


@pytest.mark.parametrize(
    ("referrer", "status"),
    [
        ("https://localhost/sign-in", 302),
        ("https://evil.test/", 400),
        ("http://localhost/", 400),
        (None, 400),
    ],
)
def test_over_https_a_form_is_taken_with_a_referrer_of_the_same_site_alone(
    admin: FlaskClient, web_app: Flask, referrer: str | None, status: int
) -> None:
    client, headers = web_app.test_client(), {"Referer": referrer} if referrer else {}
    page = client.get("/sign-in", base_url="https://localhost").text
    token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
    form = {"csrf_token": token, "name": "admin", "password": PASSWORD}
    assert client.post("/sign-in", data=form, base_url="https://localhost", headers=headers).status_code == status


def session_cookie(client: FlaskClient) -> str:
    cookie = client.get_cookie("bridge_admin")
    assert cookie
    return cookie.value


def with_copied_cookie(client: FlaskClient, flask_app: Flask) -> FlaskClient:
    """Somebody at another process, who has a copy of a cookie."""
    other = flask_app.test_client()
    other.set_cookie("bridge_admin", session_cookie(client))
    return other


@pytest.mark.parametrize("secret_key", [None, "a key from the environment"], ids=["kept", "given"])
def test_a_session_is_good_in_every_process_and_survives_a_restart(
    database: Database, make_app: MakeApp, clock: Clock, secret_key: str | None
) -> None:
    with database.write() as connection:
        admins.set_password(connection, "admin", PASSWORD, clock())
    before = make_app(secret_key=secret_key).test_client()
    sign_in(before)
    assert with_copied_cookie(before, make_app(secret_key=secret_key)).get("/").status_code == 200


def test_a_session_signed_with_another_secret_is_no_session(admin: FlaskClient, make_app: MakeApp) -> None:
    assert with_copied_cookie(admin, make_app(secret_key="another")).get("/").status_code == 302


def test_the_given_secret_key_itself_does_not_sign_sessions(make_app: MakeApp) -> None:
    flask_app = make_app(secret_key="a key from the environment")
    flask_app.test_client().get("/sign-in")
    assert "a key" not in str(flask_app.secret_key)


def test_signing_out_ends_every_copy_of_the_cookie(admin: FlaskClient, make_app: MakeApp) -> None:
    copy = with_copied_cookie(admin, make_app())
    admin.post("/sign-out", data={"csrf_token": csrf_token(admin, "/")})
    assert copy.get("/").status_code == 302
    assert copy.get("/api/v1/drift").status_code == 401


def test_signing_in_anew_ends_the_session_before(admin: FlaskClient, web_app: Flask) -> None:
    copy = with_copied_cookie(admin, web_app)
    form = {"csrf_token": csrf_token(admin, "/"), "name": "admin", "password": PASSWORD}
    assert admin.post("/sign-in", data=form).status_code == 302
    assert (admin.get("/").status_code, copy.get("/").status_code) == (200, 302)


def test_signing_out_leaves_sessions_elsewhere_alone(admin: FlaskClient, web_app: Flask) -> None:
    elsewhere = web_app.test_client()
    sign_in(elsewhere)
    admin.post("/sign-out", data={"csrf_token": csrf_token(admin, "/")})
    assert elsewhere.get("/").status_code == 200


def test_removing_an_admin_ends_their_sessions(admin: FlaskClient, database: Database, clock: Clock) -> None:
    with database.write() as connection:
        admins.create_admin(connection, "ada", clock(), who="command")
        admins.remove_admin(connection, "admin", clock(), who="command")
    assert admin.get("/").status_code == 302


def test_a_cookie_from_before_the_sign_in_opens_nothing(admin: FlaskClient, web_app: Flask) -> None:
    victim, planter = web_app.test_client(), web_app.test_client()
    planter.get("/sign-in")
    victim.set_cookie("bridge_admin", session_cookie(planter))
    assert sign_in(victim).status_code == 302
    assert (victim.get("/").status_code, planter.get("/").status_code) == (200, 302)


def test_nothing_in_the_database_opens_a_session_not_even_what_signs_cookies(
    admin: FlaskClient, database: Database, web_app: Flask
) -> None:
    with database.read() as connection:
        kept = connection.execute(select(admin_sessions)).one()
        rows = str([connection.execute(select(table)).all() for table in metadata.sorted_tables])
    assert str(web_app.secret_key) in rows
    assert secret_of(admin) not in rows
    for forged in (kept.secret_hash, kept.name, kept.stamp, f"{kept.stamp}:{kept.name}"):
        thief = web_app.test_client()
        with thief.session_transaction() as session:
            session.update({"_user_id": forged, "signed_in_at": kept.expires_at.timestamp()})
        assert thief.get("/").status_code == 302


def secret_of(client: FlaskClient) -> str:
    with client.session_transaction() as session:
        return str(session["_user_id"])


def test_no_page_shows_what_is_in_the_cookie(admin: FlaskClient) -> None:
    page = admin.get("/").text
    assert session_cookie(admin) not in page
    assert secret_of(admin) not in page


@pytest.mark.parametrize("cookie", ["", "\xff\xfe", "é", "x" * 3000, "eyJfdXNlcl9pZCI6ImFkbWluIn0.aa.bb"])
def test_a_cookie_that_is_none_is_no_session(admin: FlaskClient, web_app: Flask, cookie: str) -> None:
    client = web_app.test_client(use_cookies=False)
    header = {"Cookie": f"bridge_admin={cookie}".encode().decode("latin-1")}
    assert client.get("/", headers=header).status_code == 302
    assert client.get("/sign-in", headers=header).status_code == 200


def test_who_is_signed_in_sees_the_start_page_and_not_the_form(admin: FlaskClient) -> None:
    assert admin.get("/sign-in").location == "/"


def test_the_wait_is_told_in_whole_minutes_rounded_up(admin: FlaskClient, web_app: Flask, clock: Clock) -> None:
    for _ in range(6):
        sign_in(web_app.test_client(), password="wrong")
    clock.now += timedelta(minutes=14, seconds=30)
    assert "Try again in a minute" in sign_in(web_app.test_client()).text
