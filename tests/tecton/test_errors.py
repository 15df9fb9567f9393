"""What an answer means: each status, in every shape of body that Tecton may give it."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.access import GroupProfile, UserProfile
from app.core.identity import Kind
from app.core.records import Record, ScopeGrant, UserRecord
from app.reconcile.ports import (
    Conflict,
    CredentialsRefused,
    NotFound,
    Refused,
    TectonError,
    TemporaryError,
    UnknownOutcome,
    Unsupported,
)
from app.tecton import TectonClient
from app.tecton.errors import what_was_said
from app.tecton.wire import Response, segment
from tests.tecton.conftest import Sandbox, Script

PAGE = b"<!doctype html><html><body>Please sign in</body></html>"
HTML = {"Content-Type": "text/html; charset=utf-8"}
TEXT = {"Content-Type": "text/plain"}
ANA = UserProfile("ana@acme.com")
GRANT = ScopeGrant(Kind.USER, "00u1", "snowflake", "reader")


@pytest.mark.parametrize(
    "body",
    [
        b'{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"400","detail":"no such role"}',
        b'{"error":"no such role","message":"no such role","code":3}',
        b'{"error":"no such role"}',
        b'{"requestError":{"errorMessage":"no such role","errorType":"INVALID_REQUEST"}}',
        b"no such role\n",
        b'"no such role"',
    ],
)
def test_tectons_words_are_found_in_every_shape(body: bytes) -> None:
    assert what_was_said(Response(400, "application/json", body)) == "no such role"


def test_long_and_many_lined_words_become_one_short_line() -> None:
    said = what_was_said(Response(500, "text/plain", b"a\n b\r\n" + b"x" * 1000))
    assert said.startswith("a b xxx")
    assert len(said) == 300


@pytest.mark.parametrize(
    ("status", "said", "error"),
    [
        (401, "invalid 'Tecton-key' authorization header", CredentialsRefused),
        (403, "UNAUTHENTICATED: InvalidToken", CredentialsRefused),
        (403, "serviceAccount x not authorized to perform action manage_scim", CredentialsRefused),
        (403, "", CredentialsRefused),
        (404, "serviceAccount x not authorized to perform action manage_scim", CredentialsRefused),
        (403, "SCIM is not enabled for this account", Unsupported),
        (404, "SCIM is not enabled for this account", Unsupported),
        (404, "Not Found", Unsupported),
        (405, "method not allowed", Unsupported),
        (501, "unimplemented", Unsupported),
        (400, "count must be an integer", Refused),
        (422, "unprocessable", Refused),
        (500, "oops", TemporaryError),
        (408, "cancelled", TemporaryError),
        (503, "unavailable", TemporaryError),
    ],
)
def test_what_the_answer_to_a_list_means(scripted: Script, status: int, said: str, error: type[TectonError]) -> None:
    tecton = scripted((status, {}, {"detail": said}))
    with pytest.raises(error) as caught:
        tecton.list_entries(Kind.USER)
    assert f"could not list users: Tecton answered {status}" in str(caught.value)
    assert said in str(caught.value)


def test_scim_that_is_off_is_explained(scripted: Script) -> None:
    with pytest.raises(Unsupported, match=r"Tecton support.*/api/scim/v2/Users") as caught:
        scripted((404, TEXT, b"404 page not found")).list_entries(Kind.USER)
    assert "SERVICE_ACCOUNTS_PATH" not in str(caught.value)
    with pytest.raises(Unsupported, match="BRIDGE_TECTON_SERVICE_ACCOUNTS_PATH"):
        scripted((404, TEXT, b"404 page not found")).list_entries(Kind.SERVICE_ACCOUNT)


def test_a_refused_key_says_what_to_check(scripted: Script) -> None:
    with pytest.raises(CredentialsRefused, match="check TECTON_API_KEY: it must be the key of a service account"):
        scripted((401, {}, {})).list_entries(Kind.GROUP)


@pytest.mark.parametrize(
    ("status", "said", "error"),
    [
        (404, "User 00u1 not found", NotFound),
        (410, "gone", NotFound),
        (404, "serviceAccount x not authorized to perform action manage_scim", CredentialsRefused),
        (404, "SCIM is not enabled", Unsupported),
        (403, "the last admin cannot be removed", Refused),
        (403, "a member is managed by an IdP mapping", Refused),
        (403, "UNAUTHENTICATED: InvalidToken", CredentialsRefused),
        (400, "userName cannot be changed", Refused),
        (400, "uniqueness: displayName is already taken", Conflict),
        (409, "displayName is taken", Conflict),
    ],
)
def test_what_the_answer_to_a_replacement_means(
    scripted: Script, status: int, said: str, error: type[TectonError]
) -> None:
    found = {"id": "00u1", "userName": "ana@acme.com", "roles": []}
    tecton = scripted((200, {}, found), (status, {}, {"detail": said}))
    with pytest.raises(error, match="could not replace user 00u1"):
        tecton.edit(Kind.USER, "00u1", _renamed)


def _renamed(record: Record) -> Record:
    return UserRecord(record.id, "anna@acme.com")


def test_an_object_that_is_gone_is_none_but_a_refusal_is_not(scripted: Script) -> None:
    assert scripted((404, {}, {"detail": "User 00u1 not found"})).get_record(Kind.USER, "00u1") is None
    for status in (401, 403, 500):
        with pytest.raises(TectonError):
            scripted((status, {}, {})).get_record(Kind.USER, "00u1")


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (409, {"detail": "taken"}, Conflict),
        (400, {"scimType": "uniqueness", "detail": "userName"}, Conflict),
        (400, {"message": "name must be unique"}, Conflict),
        (400, {"detail": "no such role"}, Refused),
        (500, {}, UnknownOutcome),
        (408, {}, UnknownOutcome),
        (201, {}, UnknownOutcome),
        (201, {"id": ""}, UnknownOutcome),
        (501, {}, Unsupported),
    ],
)
def test_what_the_answer_to_a_create_means(scripted: Script, status: int, body: Any, error: type[TectonError]) -> None:
    with pytest.raises(error, match=r"could not create user ana@acme\.com"):
        scripted((status, {}, body)).create(Kind.USER, ANA, (), ())


def test_a_page_instead_of_json_is_named(scripted: Script) -> None:
    for status in (200, 400, 401, 403, 404, 502):
        with pytest.raises(TemporaryError, match="text/html") as caught:
            scripted((status, HTML, PAGE)).get_record(Kind.USER, "00u1")
        assert "Please sign in" not in str(caught.value)


def test_a_page_in_answer_to_a_create_leaves_it_open(scripted: Script) -> None:
    with pytest.raises(UnknownOutcome, match="text/html"):
        scripted((200, HTML, PAGE)).create(Kind.USER, ANA, (), ())


def test_text_where_json_should_be_is_named(scripted: Script) -> None:
    with pytest.raises(TemporaryError, match="text/plain, not JSON"):
        scripted((200, TEXT, b"all is well")).list_scopes()


def test_a_redirect_is_not_followed(scripted: Script) -> None:
    tecton = scripted((302, {"Location": "https://elsewhere.test/login"}, {}), (200, {}, {"scopes": []}))
    with pytest.raises(TemporaryError, match=r"302.*TECTON_URL"):
        tecton.list_scopes()


@pytest.mark.parametrize(
    ("status", "error"), [(403, Refused), (404, NotFound), (400, Refused), (401, CredentialsRefused)]
)
def test_a_refusal_about_one_scope_says_nothing_of_the_key(
    scripted: Script, status: int, error: type[TectonError]
) -> None:
    said = {"message": "not authorized to perform any action on 'snowflake'"}
    with pytest.raises(error):
        scripted((status, {}, said)).list_scope_grants("snowflake")
    with pytest.raises(error):
        scripted((status, {}, said)).assign([GRANT])


def test_a_bad_key_is_one_on_the_authorization_service_too(scripted: Script) -> None:
    with pytest.raises(CredentialsRefused):
        scripted((403, {}, {"message": "UNAUTHENTICATED: InvalidToken"})).list_scope_grants("snowflake")


@pytest.mark.parametrize("id_", ["", ".", "..", "a/b"])
def test_an_id_cannot_turn_the_address_into_another(tecton: TectonClient, sandbox: Sandbox, id_: str) -> None:
    with pytest.raises(Refused):
        tecton.delete(Kind.USER, id_)
    assert sandbox.log() == []


def test_a_segment_is_quoted() -> None:
    assert segment("my scope?#%") == "my%20scope%3F%23%25"


@pytest.mark.parametrize("shape", ["rfc7644", "gateway", "text"])
def test_the_sandbox_in_every_error_shape(sandbox: Sandbox, tecton: TectonClient, shape: str) -> None:
    sandbox.set(scim_error_body=shape)
    tecton.create(Kind.GROUP, GroupProfile("ml"), (), ())
    with pytest.raises(Conflict, match="already taken"):
        tecton.create(Kind.GROUP, GroupProfile("ml"), (), ())
    assert tecton.get_record(Kind.GROUP, "nobody") is None


@pytest.mark.parametrize("status", ["403", "404", "501"])
def test_scim_off_in_the_sandbox(sandbox: Sandbox, tecton: TectonClient, status: str) -> None:
    sandbox.set(scim_enabled="off", scim_disabled_status=status)
    with pytest.raises(Unsupported, match="Tecton support"):
        tecton.list_entries(Kind.USER)
    with pytest.raises(Unsupported):
        tecton.get_record(Kind.USER, "00u1")


@pytest.mark.parametrize("status", ["401", "403", "404"])
def test_the_key_of_one_who_is_not_admin(sandbox: Sandbox, tecton: TectonClient, status: str) -> None:
    sandbox.set(scim_non_admin_status=status)
    role = {
        "principal_type": "service_account",
        "principal": "scim-bridge",
        "type": "account_type",
        "value": "admin",
    }
    sandbox.control("POST", "/unassign", role)
    with pytest.raises(CredentialsRefused, match="TECTON_API_KEY"):
        tecton.list_entries(Kind.USER)
    with pytest.raises(CredentialsRefused):
        tecton.get_record(Kind.USER, "00u1")


@pytest.mark.parametrize("guard", ["400", "403"])
def test_a_guard_in_tecton_is_a_refusal_not_a_bad_key(sandbox: Sandbox, tecton: TectonClient, guard: str) -> None:
    sandbox.set(last_admin_guard=guard)
    with pytest.raises(Refused, match="last admin"):
        tecton.delete(Kind.USER, "00u18938zqdN98Gzq358")
