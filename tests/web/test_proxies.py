"""Behind proxies: addresses, cookies and the throttle go by what a trusted proxy says, and by nobody else's word."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.store import admins
from app.store.database import Database
from tests.conftest import Clock
from tests.rig import USER, Rig
from tests.web.conftest import PASSWORD, sign_in

FORWARDED = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "bridge.acme.com", "X-Forwarded-For": "198.51.100.7"}

MakeRig = Callable[[int], Rig]


@pytest.fixture
def make_rig(database: Database, clock: Clock, tmp_path: Path) -> Iterator[MakeRig]:
    made: list[Rig] = []

    def make(proxies: int) -> Rig:
        made.append(Rig(database, clock, tmp_path, trusted_proxies=proxies))
        with database.write() as connection:
            admins.set_password(connection, "admin", PASSWORD, clock())
        return made[-1]

    yield make
    for rig in made:
        rig.close()


def location(rig: Rig) -> str:
    headers = {"Authorization": f"Bearer {rig.token}", **FORWARDED}
    body: dict[str, Any] = {"schemas": [USER], "userName": "ada@acme.com"}
    answer = rig.client.post("/scim/v2/Users", json=body, headers=headers)
    assert answer.json["meta"]["location"] == answer.headers["Location"]
    return str(answer.headers["Location"])


def test_behind_a_trusted_proxy_addresses_are_those_that_the_client_used(make_rig: MakeRig) -> None:
    assert location(make_rig(1)).startswith("https://bridge.acme.com/scim/v2/Users/")


def test_without_a_proxy_nobody_is_believed(make_rig: MakeRig) -> None:
    assert location(make_rig(0)).startswith("http://localhost/scim/v2/Users/")


def tries(client: FlaskClient, address: str, spoofed: str = "") -> int:
    """Sign in wrongly from an address, as the proxy tells it; return the status of the answer."""
    through = f"{spoofed}, {address}" if spoofed else address
    return sign_in(client, password="wrong", headers={"X-Forwarded-For": through}).status_code


def test_wrong_sign_ins_count_by_the_address_of_the_client_and_not_of_the_proxy(make_rig: MakeRig) -> None:
    client = make_rig(1).app.test_client()
    assert [tries(client, "198.51.100.7") for _ in range(6)][-1] == 429
    assert tries(client, "198.51.100.8") == 401


def test_an_address_that_the_client_made_up_does_not_reset_the_count(make_rig: MakeRig) -> None:
    client = make_rig(1).app.test_client()
    assert [tries(client, "198.51.100.7", f"10.0.0.{n}") for n in range(6)][-1] == 429


def test_the_session_cookie_is_secure_behind_tls(make_rig: MakeRig) -> None:
    cookie = make_rig(1).app.test_client().get("/sign-in", headers=FORWARDED).headers["Set-Cookie"]
    assert all(part in cookie for part in ("Secure", "HttpOnly", "SameSite=Lax"))


def test_nobody_may_say_below_which_path_the_bridge_is(make_rig: MakeRig) -> None:
    headers = {**FORWARDED, "X-Forwarded-Prefix": "//evil.example"}
    assert make_rig(1).app.test_client().get("/", headers=headers).headers["Location"] == "/sign-in"
