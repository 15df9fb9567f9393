"""Who is let in: named tokens, OAuth clients, and what becomes of those who guess."""

from __future__ import annotations

import base64
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from werkzeug.test import TestResponse

from app.scim.throttle import FREE_FAILURES
from app.store import audit, oauth, tokens
from app.store.tokens import TokenError
from tests.conftest import Invoke
from tests.scim.conftest import Client


def status(client: Client, secret: str | None, path: str = "/Users") -> int:
    headers = {"Authorization": f"Bearer {secret}"} if secret is not None else {}
    return client.app.test_client().get(f"/scim/v2{path}", headers=headers).status_code


def make(client: Client, name: str, scope: str = "scim", expires: timedelta | None = None) -> str:
    with client.database.write() as connection:
        expires_at = client.clock.now + expires if expires else None
        return tokens.create_token(connection, name, scope, client.clock.now, expires_at)


def test_without_a_good_token_everything_but_the_configuration_is_closed(client: Client) -> None:
    for path in ("/Users", "/Users/1", "/Groups", "/Schemas", "/ResourceTypes", "/Me", "/", "/nothing"):
        for secret in (None, "", "wrong", client.secret[:-1], client.secret + "x"):
            response = client.app.test_client().get(
                f"/scim/v2{path}", headers={} if secret is None else {"Authorization": f"Bearer {secret}"}
            )
            assert response.status_code in {401, 429}
            assert response.get_json(force=True)["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
            if response.status_code == 401:
                assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert status(client, None, "/ServiceProviderConfig") == 200


def test_a_write_without_a_good_token_stores_nothing(client: Client) -> None:
    headers = {"Authorization": "Bearer wrong"}
    assert client.send("POST", "/Users", {"userName": "a"}, headers=headers).status_code == 401
    assert client.send("POST", "/Users", b"{", headers=headers).status_code == 401
    assert client.get("/Users")["totalResults"] == 0


def test_an_admin_token_is_not_for_scim(client: Client) -> None:
    assert status(client, make(client, "ops", "admin")) == 403


def test_a_token_ends_when_it_expires_and_when_it_is_revoked(client: Client) -> None:
    short, long = make(client, "short", expires=timedelta(days=1)), make(client, "long")
    client.clock.move(hours=23, minutes=59)
    assert status(client, short) == 200
    client.clock.move(minutes=1)
    assert (status(client, short), status(client, long)) == (401, 200)
    with client.database.write() as connection:
        tokens.revoke(connection, "long", client.clock.now)
    assert status(client, long) == 401


def test_tokens_overlap_while_one_is_rotated(client: Client) -> None:
    old, new = make(client, "entra-2026"), make(client, "entra-2027")
    assert (status(client, old), status(client, new)) == (200, 200)
    with client.database.write() as connection:
        tokens.revoke(connection, "entra-2026", client.clock.now)
    assert (status(client, old), status(client, new)) == (401, 200)


def test_the_last_use_is_noted_once_a_minute(client: Client) -> None:
    def last_used() -> Any:
        with client.database.read() as connection:
            return {token.name: token.last_used_at for token in tokens.list_tokens(connection)}["okta"]

    assert last_used() is None
    first = client.clock.now
    client.get("/Users")
    assert last_used() == first
    client.clock.move(seconds=59)
    client.get("/Users")
    assert last_used() == first
    client.clock.move(seconds=1)
    client.user()
    assert last_used() == client.clock.now


def test_a_change_is_noted_under_the_name_of_its_token(client: Client) -> None:
    user = client.user()
    client.secret = make(client, "entra")
    client.patch(f"/Users/{user['id']}", {"op": "add", "path": "title", "value": "x"})
    with client.database.read() as connection:
        assert connection.exec_driver_sql("SELECT pushed_by FROM resources").scalar() == "entra"


def test_a_secret_is_stored_only_as_its_digest(client: Client) -> None:
    with client.database.read() as connection:
        rows = str(connection.exec_driver_sql("SELECT * FROM tokens").all())
    assert client.secret.startswith("tsb_")
    assert client.secret not in rows
    assert client.secret[4:] not in rows


def test_names_are_given_once_until_they_are_revoked(client: Client) -> None:
    with client.database.write() as connection:
        now = client.clock.now
        for name in ("okta", "", " ", "x" * 200):
            with pytest.raises(TokenError):
                tokens.create_token(connection, name, "scim", now)
        with pytest.raises(TokenError):
            tokens.create_token(connection, "new", "root", now)
        with pytest.raises(TokenError):
            tokens.revoke(connection, "nobody", now)
        tokens.revoke(connection, "okta", now)
        again = tokens.create_token(connection, "okta", "scim", now)
        assert tokens.authenticate(connection, again, now) is not None
        assert tokens.authenticate(connection, client.secret, now) is None


@pytest.mark.parametrize("name", ["a\nb", "a\x1b[2Jb", "a\x00b", "bridge", " Command ", "admin ana", "Command by ana"])
@pytest.mark.parametrize("kind", [(), ("--oauth",)])
def test_a_name_that_forges_lines_or_a_record_is_refused(invoke_stored: Invoke, name: str, kind: tuple[str]) -> None:
    refused = invoke_stored("token", "create", name, "--scope", "scim", *kind)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "needs a name" in refused.stderr or "choose another name" in refused.stderr


# ---------------------------------------------------------------- throttling


def test_many_failures_are_slowed_and_a_good_token_never_is(client: Client) -> None:
    assert {status(client, "wrong") for _ in range(FREE_FAILURES)} == {401}
    response = client.send("GET", "/Users", headers={"Authorization": "Bearer wrong"})
    assert response.status_code == 429
    assert 1 <= int(response.headers["Retry-After"]) <= 60
    assert response.get_json(force=True)["status"] == "429"
    assert status(client, client.secret) == 200
    client.clock.move(seconds=61)
    assert status(client, "wrong") == 401


def test_failures_are_counted_per_address(client: Client) -> None:
    def fail(address: str) -> int:
        environ = {"REMOTE_ADDR": address}
        return client.app.test_client().get("/scim/v2/Users", environ_base=environ).status_code

    assert [fail("192.0.2.1") for _ in range(FREE_FAILURES + 1)][-1] == 429
    assert fail("192.0.2.2") == 401


# ---------------------------------------------------------------- OAuth 2.0 client credentials


class Entra:
    """An IdP that fetches its own tokens."""

    def __init__(self, client: Client, name: str = "entra", expires: timedelta | None = None) -> None:
        self.client = client
        with client.database.write() as connection:
            expires_at = client.clock.now + expires if expires else None
            self.id, self.secret = oauth.add_secret(connection, name, client.clock.now, expires_at)

    def ask(self, **fields: str) -> TestResponse:
        form = {"grant_type": "client_credentials", "client_id": self.id, "client_secret": self.secret, **fields}
        return self.client.app.test_client().post("/scim/v2/oauth/token", data=form)

    def token(self) -> str:
        response = self.ask()
        assert response.status_code == 200, response.text
        return str(response.get_json()["access_token"])


def test_a_client_exchanges_its_secret_for_a_token_of_an_hour(client: Client) -> None:
    response = Entra(client).ask(scope="https://acme.com/.default")
    body = response.get_json()
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 3600)
    assert response.headers["Cache-Control"] == "no-store"
    assert "refresh_token" not in body
    client.clock.move(minutes=59)
    assert status(client, body["access_token"]) == 200
    client.clock.move(minutes=1)
    assert status(client, body["access_token"]) == 401


def test_a_client_may_authenticate_with_basic_too(client: Client) -> None:
    entra = Entra(client)
    credentials = base64.b64encode(f"{entra.id}:{entra.secret}".encode()).decode()
    response = client.app.test_client().post(
        "/scim/v2/oauth/token",
        data={"grant_type": "client_credentials"},
        headers={"Authorization": f"Basic {credentials}"},
    )
    assert status(client, response.get_json()["access_token"]) == 200


@pytest.mark.parametrize("endpoint", ["token", "revoke"])
def test_a_large_form_is_refused_in_the_form_of_oauth(client: Client, endpoint: str) -> None:
    large = {"client_id": (BytesIO(b"x" * 70_000), "name")}
    response = client.app.test_client().post(f"/scim/v2/oauth/{endpoint}", data=large)
    assert (response.status_code, response.get_json()["error"]) == (413, "invalid_request")


def test_secrets_of_one_client_overlap_while_one_is_rotated(client: Client) -> None:
    old, new = Entra(client), Entra(client)
    assert old.id == new.id
    of_old, of_new = old.token(), new.token()
    assert (status(client, of_old), status(client, of_new)) == (200, 200)
    with client.database.write() as connection:
        (found,) = oauth.list_clients(connection)
        oauth.revoke_secret(connection, "entra", found.secrets[0].id, client.clock.now)
    states = {status(client, of_old), status(client, of_new)}
    assert states == {200, 401}
    assert {old.ask().status_code, new.ask().status_code} == {200, 401}


def test_revoking_a_client_ends_its_tokens_at_once(client: Client) -> None:
    entra = Entra(client)
    token = entra.token()
    with client.database.write() as connection:
        tokens.revoke(connection, "entra", client.clock.now)
    assert status(client, token) == 401
    assert entra.ask().get_json()["error"] == "invalid_client"


def test_a_bearer_token_of_the_name_of_a_revoked_client_is_revoked_by_that_name(
    client: Client, invoke_stored: Invoke
) -> None:
    Entra(client)
    assert invoke_stored("token", "revoke", "entra").exit_code == 0
    secret = invoke_stored("token", "create", "entra", "--scope", "scim").stdout.splitlines()[-1]
    assert status(client, secret) == 200
    assert invoke_stored("token", "revoke", "entra").exit_code == 0
    assert status(client, secret) == 401


def test_revoking_a_name_revokes_all_that_it_lets_in(client: Client, invoke_stored: Invoke) -> None:
    token = Entra(client).token()
    with client.database.write() as connection:  # two processes can give a name at the same moment
        connection.exec_driver_sql("UPDATE oauth_clients SET name = 'okta'")
    assert (status(client, token), status(client, client.secret)) == (200, 200)
    assert invoke_stored("token", "revoke", "okta").exit_code == 0
    assert (status(client, token), status(client, client.secret)) == (401, 401)


def test_a_token_and_a_client_do_not_share_a_name(client: Client, invoke_stored: Invoke) -> None:
    Entra(client)
    refused = invoke_stored("token", "create", "entra", "--scope", "scim")
    assert (refused.exit_code, "there is an OAuth client 'entra' already" in refused.stderr) == (1, True)
    assert invoke_stored("token", "create", "okta", "--scope", "scim", "--oauth").exit_code == 1


def test_a_name_that_nobody_has_is_not_revoked(client: Client, invoke_stored: Invoke) -> None:
    refused = invoke_stored("token", "revoke", "nobody")
    assert (refused.exit_code, "no token and no OAuth client 'nobody'" in refused.stderr) == (1, True)
    assert invoke_stored("token", "revoke", "okta", "--secret", "").exit_code == 1
    assert status(client, client.secret) == 200


def test_a_secret_ends_when_it_expires(client: Client) -> None:
    entra = Entra(client, expires=timedelta(days=365))
    client.clock.move(days=365)
    assert entra.ask().get_json()["error"] == "invalid_client"


def test_an_access_token_ends_with_the_secret_that_it_came_of(client: Client) -> None:
    token, lasting = Entra(client, expires=timedelta(minutes=10)).token(), Entra(client).token()
    client.clock.move(minutes=9, seconds=59)
    assert status(client, token) == 200
    client.clock.move(seconds=1)
    assert (status(client, token), status(client, lasting)) == (401, 200)


def test_a_client_gives_its_token_back(client: Client) -> None:
    entra, other = Entra(client), Entra(client, "other")
    token = entra.token()

    def give_back(by: Entra) -> int:
        form = {"token": token, "client_id": by.id, "client_secret": by.secret}
        return client.app.test_client().post("/scim/v2/oauth/revoke", data=form).status_code

    assert give_back(other) == 400
    assert status(client, token) == 200
    assert give_back(entra) == 200
    assert status(client, token) == 401


def test_a_token_that_its_client_gives_back_is_in_the_audit_log_once(client: Client) -> None:
    entra = Entra(client)
    form = {"token": entra.token(), "client_id": entra.id, "client_secret": entra.secret}
    answers = [client.app.test_client().post("/scim/v2/oauth/revoke", data=form).status_code for _ in range(2)]
    with client.database.read() as connection:
        rows = [row for row in audit.list_rows(connection, who="entra") if row.event == "token revoked"]
    assert (answers, [(row.who, row.kind, row.name) for row in rows]) == (
        [200, 200],
        [("entra", "oauth token", "entra")],
    )
    assert form["token"] not in str(rows)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_id": "nobody"}, "invalid_client"),
        ({"client_id": "a\x00b"}, "invalid_client"),
        ({"client_secret": ""}, "invalid_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": ""}, "unsupported_grant_type"),
    ],
)
def test_a_request_for_a_token_that_is_none_is_refused_in_oauths_form(
    client: Client, fields: dict[str, str], error: str
) -> None:
    response = Entra(client).ask(**fields)
    assert response.status_code in {400, 401}
    assert response.get_json()["error"] == error


def test_those_who_guess_client_secrets_are_slowed(client: Client) -> None:
    entra = Entra(client)
    statuses = [entra.ask(client_secret="wrong").status_code for _ in range(FREE_FAILURES + 1)]
    assert (set(statuses[:-1]), statuses[-1]) == ({401}, 429)
    assert entra.ask().status_code == 200


@pytest.mark.parametrize("path", ["token", "revoke"])
@pytest.mark.parametrize("credentials", ["//46eA==", "é", "AA"])
def test_basic_credentials_that_cannot_be_read_are_refused_and_slowed_as_wrong_ones(
    client: Client, path: str, credentials: str
) -> None:
    def send() -> TestResponse:
        form = {"grant_type": "client_credentials", "token": "x"}
        headers = {"Authorization": f"Basic {credentials}"}
        return client.app.test_client().post(f"/scim/v2/oauth/{path}", data=form, headers=headers)

    answers = [send() for _ in range(FREE_FAILURES + 1)]
    assert (answers[0].status_code, answers[0].get_json()["error"]) == (401, "invalid_client")
    assert answers[-1].status_code == 429


def test_oauth_secrets_and_tokens_are_stored_only_as_their_digests(client: Client) -> None:
    entra = Entra(client)
    token = entra.token()
    with client.database.read() as connection:
        rows = [connection.exec_driver_sql(f"SELECT * FROM {name}").all() for name in ("oauth_secrets", "oauth_tokens")]
    assert entra.secret not in str(rows)
    assert token not in str(rows)
