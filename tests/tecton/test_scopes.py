"""The list of scopes, and why a refusal must not look like an empty one."""

from __future__ import annotations

import pytest

from app.reconcile.ports import CredentialsRefused, PermanentError, Refused, TectonError, TemporaryError
from app.tecton import TectonClient, open_tecton
from tests.tecton.conftest import KEY, Sandbox, Script, Time, config_for


def test_scopes_are_listed_by_name(tecton: TectonClient, sandbox: Sandbox) -> None:
    sandbox.control("POST", "/scopes", {"name": "fraud"})
    assert tecton.list_scopes() == {"my-secret-scope", "snowflake", "fraud"}


def test_an_empty_answer_is_no_scopes(scripted: Script) -> None:
    assert scripted((200, {}, {})).list_scopes() == frozenset()


@pytest.mark.parametrize("status", ["400", "403", "501"])
def test_secrets_switched_off_are_no_scopes(tecton: TectonClient, sandbox: Sandbox, status: str) -> None:
    sandbox.set(secrets_enabled="off", secrets_disabled_status=status)
    assert tecton.list_scopes() == frozenset()


@pytest.mark.parametrize(
    ("status", "said", "error"),
    [
        (400, "bad request", Refused),
        (403, "not authorized", CredentialsRefused),
        (404, "Not Found", PermanentError),
        (500, "", TemporaryError),
        (503, "secrets are not available", TemporaryError),
    ],
)
def test_any_other_refusal_is_not_an_empty_list(
    scripted: Script, status: int, said: str, error: type[TectonError]
) -> None:
    with pytest.raises(error):
        scripted((status, {}, {"message": said})).list_scopes()


def test_a_key_is_put_listed_and_deleted(sandbox: Sandbox, tecton: TectonClient) -> None:
    tecton.scopes.put_key("snowflake", "the key", "v1")
    tecton.scopes.put_key("snowflake", "the key", "v2")
    assert tecton.scopes.list_keys("snowflake") == {"the key"}
    tecton.scopes.delete_key("snowflake", "the key")
    assert tecton.scopes.list_keys("snowflake") == frozenset()
    assert sandbox.control("GET", "/log/summary")["writes"] == tecton.calls.writes == 3


def test_being_admin_is_not_enough_to_put_a_key(tecton: TectonClient, sandbox: Sandbox) -> None:
    sandbox.control("POST", "/scopes", {"name": "fraud"})
    with pytest.raises(Refused, match="could not put key k in secret scope fraud"):
        tecton.scopes.put_key("fraud", "k", "v")


def test_a_name_that_no_path_can_hold_is_refused_unsent(tecton: TectonClient) -> None:
    with pytest.raises(Refused, match="address"):
        tecton.scopes.put_key("..", "k", "v")
    assert tecton.calls == (0, 0)


def test_a_value_that_tecton_repeats_is_not_repeated_by_us(scripted: Script) -> None:
    tecton = scripted((400, {}, {"message": "the value s3cr3t is too short"}))
    with pytest.raises(Refused, match="the value … is too short"):
        tecton.scopes.put_key("s", "k", "s3cr3t")


def test_the_other_scheme_works_on_scim(sandbox: Sandbox, time: Time) -> None:
    from app.core.identity import Kind

    sandbox.set(scim_auth_schemes="bearer")
    tecton = open_tecton(config_for(sandbox.app, time, api_key=KEY, scim_auth_scheme="Bearer")).for_run()
    assert tecton.list_entries(Kind.USER)
