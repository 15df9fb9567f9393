"""Keys in the admin room: listed for everybody who may look, claimed once by an admin, rotated on request."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from cryptography.fernet import Fernet
from flask.testing import FlaskClient
from sqlalchemy import Connection

from app.core.credentials import KeyState, Step
from app.core.policy_text import parse_policy
from app.credentials.ports import CredentialError
from app.reconcile.ports import OneTimeKey
from app.store import admins, credentials
from app.store.tokens import create_token
from tests.credentials.conftest import MakeKeyRig
from tests.credentials.rig import SCOPE, KeyRig
from tests.credentials.test_commands import ACCOUNTS
from tests.rig import POLICY
from tests.web.conftest import PASSWORD, Caller, csrf_token, sign_in


@pytest.fixture
def rig(make_rig: MakeKeyRig) -> KeyRig:
    """A bridge with one key to be claimed, and one delivered."""
    rig = make_rig(policy=POLICY + ACCOUNTS)
    rig.run()
    rig.keep(seconds=1)
    return rig


@pytest.fixture
def admin(rig: KeyRig) -> FlaskClient:
    with rig.database.write() as connection:
        admins.set_password(connection, "ana", PASSWORD, rig.clock())
    client = rig.app.test_client()
    assert sign_in(client, "ana").status_code == 302
    return client


@pytest.fixture
def api(rig: KeyRig) -> Caller:
    with rig.database.write() as connection:
        secret = create_token(connection, "terraform", "admin", rig.clock())
    return Caller(rig.app.test_client(), secret)


def page_of(rig: KeyRig, name: str) -> str:
    return f"/keys/{rig.credential(name).tecton_id}"


def claim(rig: KeyRig, admin: FlaskClient, name: str = "scoring", **form: str) -> tuple[int, str, str]:
    """Send the form that claims; return status, page and the key shown, if any."""
    page = page_of(rig, name)
    form = {"csrf_token": csrf_token(admin, page), "confirmed": "yes", **form}
    answer = admin.post(f"{page}/claim", data=form)
    assert answer.headers["Cache-Control"] == "no-store"
    shown = re.search(r'id="key">([^<]+)<', answer.text)
    return answer.status_code, answer.text, shown[1] if shown else ""


# ---------------------------------------------------------------- pages


def test_an_admin_claims_a_key_once_and_it_is_recorded_and_wiped(rig: KeyRig, admin: FlaskClient) -> None:
    status, _, key = claim(rig, admin)
    assert (status, rig.owner_of(key)) == (200, "scoring")
    assert (rig.credential("scoring").state, rig.credential("scoring").claimed_by) == (KeyState.CLAIMED, "admin ana")
    assert rig.sealed("scoring") is None and rig.events("scoring")[-1] == "claimed"
    assert key not in rig.everything_stored()
    assert key not in admin.get(page_of(rig, "scoring")).text + admin.get("/keys").text


def test_a_second_claim_says_who_was_first(rig: KeyRig, admin: FlaskClient) -> None:
    claim(rig, admin)
    status, page, key = claim(rig, admin)
    assert (status, key) == (409, "")
    assert "admin ana claimed it" in page


class Interrupted(Fernet):
    """A sealer during whose work another process does something."""

    def __init__(self, key: bytes, meanwhile: Callable[[], None]) -> None:
        super().__init__(key)
        self.meanwhile = meanwhile

    def decrypt(self, token: bytes | str, ttl: int | None = None) -> bytes:
        value = super().decrypt(token, ttl)
        self.meanwhile()
        return value


def test_a_key_that_replaces_another_during_its_claim_is_not_wiped(rig: KeyRig) -> None:
    secret = Fernet.generate_key()
    account = rig.credential("scoring").tecton_id

    def seal(connection: Connection, value: str) -> None:
        rig.clock.move(seconds=1)
        key = OneTimeKey(account, "scoring", value)
        credentials.seal_key(connection, Fernet(secret), key, rig.clock())
        credentials.route_new(connection, "scoring", parse_policy(POLICY + ACCOUNTS, ""))

    with rig.database.write() as connection:
        seal(connection, "old")
        sealer = Interrupted(secret, lambda: seal(connection, "new"))
        with pytest.raises(CredentialError, match="a newer one took its place meanwhile"):
            credentials.claim(connection, sealer, "scoring", "ana", rig.clock())
    with rig.database.write() as connection:
        assert credentials.claim(connection, Fernet(secret), "scoring", "ana", rig.clock()) == "new"


def test_without_the_tick_nothing_is_claimed(rig: KeyRig, admin: FlaskClient) -> None:
    status, page, key = claim(rig, admin, confirmed="")
    assert (status, key) == (400, "")
    assert "Nothing was claimed" in page and rig.credential("scoring").state is KeyState.WAITING


def test_claiming_needs_the_csrf_token(rig: KeyRig, admin: FlaskClient) -> None:
    assert admin.post(f"{page_of(rig, 'scoring')}/claim", data={"confirmed": "yes"}).status_code == 400
    assert admin.post(f"{page_of(rig, 'etl')}/rotation").status_code == 400
    assert rig.credential("scoring").state is KeyState.WAITING


@pytest.mark.parametrize("path", ["/keys", "/keys/x"])
def test_pages_of_keys_are_behind_the_sign_in(rig: KeyRig, path: str) -> None:
    assert rig.app.test_client().get(path).location.startswith("/sign-in")


def test_the_page_says_where_every_key_is_and_what_fails(rig: KeyRig, admin: FlaskClient) -> None:
    rig.declare(
        POLICY + ACCOUNTS.replace("name: scoring", f"name: scoring, deliver_to: {{secret_scope: {SCOPE}, key: s}}")
    )
    rig.fault({"kind": "status", "status": 403}, path_regex="/keys/", method="PUT", times=0)
    rig.keep(seconds=1)
    page = admin.get("/keys").text
    assert "delivery fails" in page and "could not put key s" in page and "the next" in page
    assert f"secret scope {SCOPE}, key etl" in page
    assert "Claim and show" not in admin.get(page_of(rig, "scoring")).text


def test_an_admin_asks_for_a_rotation(rig: KeyRig, admin: FlaskClient) -> None:
    page = page_of(rig, "etl")
    assert admin.post(f"{page}/rotation", data={"csrf_token": csrf_token(admin, page)}).status_code == 303
    assert (rig.rotation("etl").step, rig.rotation("etl").requested_by) == (Step.CREATE, "admin ana")
    assert "A rotation is under way" in admin.get(page).text


def test_an_api_key_offers_no_rotation_and_says_why_not_when_asked(rig: KeyRig, admin: FlaskClient) -> None:
    page = page_of(rig, "scoring")
    assert "Rotate" not in admin.get(page).text
    answer = admin.post(f"{page}/rotation", data={"csrf_token": csrf_token(admin, page)})
    assert answer.status_code == 409 and "Tecton cannot replace" in answer.text


def test_an_account_that_nobody_knows_is_404(rig: KeyRig, admin: FlaskClient, api: Caller) -> None:
    form = {"csrf_token": csrf_token(admin, page_of(rig, "scoring")), "confirmed": "yes"}
    assert admin.get("/keys/none").status_code == 404
    assert admin.post("/keys/none/claim", data=form).status_code == 404
    assert api.get("/api/v1/credentials/none").status_code == 404


# ---------------------------------------------------------------- API


def test_the_api_lists_keys_and_never_their_values(rig: KeyRig, api: Caller) -> None:
    found = {item["name"]: item for item in api.read("/api/v1/credentials")["items"]}
    assert found["scoring"]["key"]["state"] == "waiting"
    assert (found["etl"]["key"]["state"], found["etl"]["standing"]) == ("delivered", "active")
    assert not any(key in str(found) for key in rig.keys)
    assert api.read("/api/v1/credentials/SCORING") == found["scoring"]


def test_a_token_claims_a_key_once(rig: KeyRig, api: Caller) -> None:
    answer = api.post("/api/v1/credentials/scoring/claim")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert rig.owner_of(answer.json["key"]) == "scoring"
    again = api.post("/api/v1/credentials/scoring/claim")
    assert (again.status_code, again.json["error"]["code"]) == (409, "conflict")
    assert "token terraform claimed it" in again.json["error"]["message"]
    events = api.read("/api/v1/credential-events?name=scoring")["items"]
    assert (events[0]["event"], events[0]["who"]) == ("claimed", "token terraform")


def test_a_session_alone_changes_nothing_through_the_api(rig: KeyRig, admin: FlaskClient) -> None:
    assert admin.get("/api/v1/credentials").status_code == 200
    assert admin.post("/api/v1/credentials/scoring/claim").status_code == 401
    assert rig.credential("scoring").state is KeyState.WAITING


def test_a_token_of_scope_scim_claims_nothing(rig: KeyRig) -> None:
    caller = Caller(rig.app.test_client(), rig.token)
    assert caller.post("/api/v1/credentials/scoring/claim").status_code == 403


def test_a_token_asks_for_a_rotation(rig: KeyRig, api: Caller) -> None:
    answer = api.post("/api/v1/credentials/etl/rotation")
    assert (answer.status_code, answer.json["rotation"]["requested_by"]) == (200, "token terraform")
    assert api.post("/api/v1/credentials/scoring/rotation").status_code == 409


# ---------------------------------------------------------------- what is wrong is on the first page


def notices(rig: KeyRig, api: Caller) -> dict[str, tuple[str, str]]:
    found = api.read("/api/v1/status")["notices"]
    return {notice["title"]: (notice["text"], notice["path"]) for notice in found}


def test_keys_that_wait_or_fail_are_notices_with_a_link(rig: KeyRig, api: Caller, admin: FlaskClient) -> None:
    assert notices(rig, api)["1 key waits to be claimed"] == ("scoring.", "/keys")
    rig.declare(
        POLICY + ACCOUNTS.replace("name: scoring", f"name: scoring, deliver_to: {{secret_scope: {SCOPE}, key: s}}")
    )
    rig.fault({"kind": "status", "status": 403}, path_regex="/keys/", method="PUT", times=0)
    rig.keep(seconds=1)
    assert "could not put key s" in notices(rig, api)["1 key cannot be delivered"][0]
    assert 'href="/keys">See the keys' in admin.get("/").text
    metrics = api.get("/metrics").text
    assert "tecton_bridge_failing_deliveries 1.0" in metrics and "tecton_bridge_unclaimed_keys 0.0" in metrics


def test_a_rotation_that_fails_is_a_notice(rig: KeyRig, api: Caller) -> None:
    api.post("/api/v1/credentials/etl/rotation")
    rig.fault({"kind": "status", "status": 403}, path_regex="secret", method="POST", times=0)
    rig.keep(seconds=1)
    assert rig.rotation("etl").last_error
    assert notices(rig, api)["1 rotation fails"][1] == "/keys"
