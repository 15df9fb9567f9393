"""A stopped Tecton, and a killed bridge: no accepted push is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.process.processes import KEY, call, running, scim, tecton_users, wait_for
from tests.rig import USER

pytestmark = pytest.mark.process


def person(name: str) -> dict[str, object]:
    return {"schemas": [USER], "userName": name, "active": True, "name": {"givenName": "A", "familyName": "B"}}


def token(environment: dict[str, str]) -> str:
    made = call("token", "create", "okta", "--scope", "scim", **environment)
    assert made.returncode == 0, made.stderr
    return made.stdout.strip().splitlines()[-1]


def test_a_push_while_tecton_is_stopped_is_answered_and_reaches_it_afterwards(
    environment: dict[str, str], tmp_path: Path
) -> None:
    sandbox = ("sandbox", "--admin-key", KEY, "--state", str(tmp_path / "tecton.db"))
    with running(*sandbox, "--port", "0") as tecton:
        port = tecton.url.rpartition(":")[2]
        with running("serve", "--port", "0", TECTON_URL=tecton.url, **environment) as bridge:
            secret = token(environment)
            assert scim(bridge.url, secret, "POST", "/Users", person("first@acme.com")).status_code == 201
            wait_for("the first user is in Tecton", lambda: "first@acme.com" in tecton_users(tecton.url))
            tecton.kill()
            assert scim(bridge.url, secret, "POST", "/Users", person("second@acme.com")).status_code == 201
            with running(*sandbox, "--port", port) as again:
                wait_for("the second user is in Tecton", lambda: "second@acme.com" in tecton_users(again.url), 90)


def test_a_bridge_killed_right_after_its_answer_loses_nothing(environment: dict[str, str]) -> None:
    with running("sandbox", "--admin-key", KEY, "--port", "0") as tecton:
        with running("serve", "--port", "0", TECTON_URL=tecton.url, **environment) as bridge:
            secret = token(environment)
            assert scim(bridge.url, secret, "POST", "/Users", person("ana@acme.com")).status_code == 201
            bridge.kill()
        with running("serve", "--port", "0", TECTON_URL=tecton.url, **environment) as again:
            found = scim(again.url, secret, "GET", '/Users?filter=userName eq "ana@acme.com"').json()
            assert found["totalResults"] == 1
            wait_for("the user is in Tecton", lambda: "ana@acme.com" in tecton_users(tecton.url))
            assert again.stop() == 0
