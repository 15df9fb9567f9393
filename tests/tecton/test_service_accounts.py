"""The Service Accounts API: OAuth accounts, and the rotation of their secrets."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from app.core.identity import Kind
from app.reconcile.ports import Conflict, NotFound, Refused, TemporaryError, UnknownOutcome, Unsupported
from app.tecton import Paths, TectonClient, open_tecton
from app.tecton.service_accounts import Account
from tests.tecton.conftest import Sandbox, Script, Time, config_for


@pytest.fixture
def oauth_id(tecton: TectonClient) -> str:
    return tecton.service_accounts.create("etl", "nightly", oauth=True).account.id


def test_an_api_key_account_comes_with_a_key_that_works(tecton: TectonClient, sandbox: Sandbox, time: Time) -> None:
    made = tecton.service_accounts.create("ci", "CI/CD")
    assert made.client_secret is None
    assert (made.account.name, made.account.oauth, made.account.active) == ("ci", False, True)
    theirs = open_tecton(config_for(sandbox.app, time, api_key=made.api_key)).for_run()
    assert theirs.own_account_id() == made.account.id


def test_an_oauth_account_comes_with_a_client_secret(tecton: TectonClient) -> None:
    made = tecton.service_accounts.create("etl", oauth=True)
    assert (made.api_key, made.account.oauth) == (None, True)
    assert made.client_secret
    assert made.client_secret not in repr(made)


@pytest.mark.parametrize("status", ["400", "409"])
def test_a_taken_name_is_a_conflict(tecton: TectonClient, sandbox: Sandbox, status: str) -> None:
    sandbox.set(v1_duplicate_account_name=status)
    sandbox.account("ci")
    with pytest.raises(Conflict, match="could not create service account ci"):
        tecton.service_accounts.create("ci")


@pytest.mark.parametrize("body", [{}, {"id": "1"}, {"api_key": "k"}])
def test_an_answer_without_id_or_secret_leaves_it_open(scripted: Script, body: dict[str, str]) -> None:
    with pytest.raises(UnknownOutcome) as caught:
        scripted((200, {}, body)).service_accounts.create("ci")
    assert caught.value.__context__ is None


def test_a_create_whose_reply_was_lost_is_not_repeated(tecton: TectonClient, sandbox: Sandbox) -> None:
    sandbox.fault("lost_reply", path="create-service-account")
    with pytest.raises(UnknownOutcome):
        tecton.service_accounts.create("ci")
    assert tecton.calls.writes == 1
    assert [account.name for account in tecton.service_accounts.find("ci")].count("ci") == 1


def test_accounts_are_found_by_a_part_of_them(tecton: TectonClient, oauth_id: str) -> None:
    found = tecton.service_accounts.find("NIGHT")
    owner = tecton.own_account_id()
    assert found == [Account(oauth_id, "etl", "nightly", True, True, found[0].created_at, created_by=str(owner))]
    assert tecton.service_accounts.find("nobody") == []
    assert {account.id for account in tecton.service_accounts.find(ids=[oauth_id])} == {oauth_id}


def test_no_ids_find_nobody_without_asking(tecton: TectonClient) -> None:
    assert tecton.service_accounts.find(ids=[]) == []
    assert tecton.calls == (0, 0)


def test_an_update_changes_only_what_is_given(tecton: TectonClient, sandbox: Sandbox, oauth_id: str) -> None:
    assert tecton.service_accounts.update(oauth_id, name="etl2").description == "nightly"
    assert tecton.service_accounts.update(oauth_id, active=False).active is False
    assert tecton.service_accounts.update(oauth_id, description="").name == "etl2"
    state = sandbox.state("service_accounts", oauth_id)
    assert (state["name"], state["description"], state["active"]) == ("etl2", "", False)


def test_an_account_is_deleted_once_it_is_inactive(tecton: TectonClient, sandbox: Sandbox, oauth_id: str) -> None:
    with pytest.raises(Refused, match="deactivated"):
        tecton.service_accounts.delete(oauth_id)
    tecton.service_accounts.update(oauth_id, active=False)
    sandbox.fault("lost_reply", path="delete-service-account")
    tecton.service_accounts.delete(oauth_id)
    with pytest.raises(NotFound):
        tecton.service_accounts.delete(oauth_id)


def test_every_path_can_be_changed(sandbox: Sandbox, time: Time) -> None:
    sandbox.set(service_accounts_v1_paths=json.dumps({"create": "/api/v9/new"}))
    elsewhere = config_for(sandbox.app, time)
    with pytest.raises(Unsupported, match="Service Accounts API"):
        open_tecton(elsewhere).for_run().service_accounts.create("ci")
    there = replace(elsewhere, paths=Paths(create_account="/api/v9/new"))
    assert open_tecton(there).for_run().service_accounts.create("ci").api_key


def test_an_account_without_an_id_is_no_account(scripted: Script) -> None:
    with pytest.raises(TemporaryError, match="without an id"):
        scripted((200, {}, {"service_accounts": [{"name": "x"}]})).service_accounts.find()
    with pytest.raises(TemporaryError, match="without an id"):
        scripted((200, {}, {"client_secrets": [{"status": "ACTIVE"}]})).client_secrets.list_secrets("1")


@pytest.mark.parametrize("key", ["clientSecrets", "client_secrets"])
def test_a_secret_is_rotated(tecton: TectonClient, sandbox: Sandbox, oauth_id: str, key: str) -> None:
    sandbox.set(client_secrets_key=key)
    secrets = tecton.client_secrets
    [old] = secrets.list_secrets(oauth_id)
    made = secrets.create(oauth_id)
    assert made.value.endswith(secrets.list_secrets(oauth_id)[1].masked[-4:])
    assert made.value not in repr(made)
    assert secrets.deactivate(oauth_id, old.id).active is False
    assert secrets.activate(oauth_id, old.id).active is True
    secrets.deactivate(oauth_id, old.id)
    secrets.delete(oauth_id, old.id)
    assert [secret.id for secret in secrets.list_secrets(oauth_id)] == [made.secret.id]


def test_the_rules_of_secrets_are_refusals(tecton: TectonClient, oauth_id: str) -> None:
    [only] = tecton.client_secrets.list_secrets(oauth_id)
    with pytest.raises(Refused, match="at least one"):
        tecton.client_secrets.deactivate(oauth_id, only.id)
    with pytest.raises(Refused, match="deactivated"):
        tecton.client_secrets.delete(oauth_id, only.id)
    tecton.client_secrets.create(oauth_id)
    with pytest.raises(Refused, match="at most"):
        tecton.client_secrets.create(oauth_id)
    with pytest.raises(NotFound, match="could not activate client secret nothing"):
        tecton.client_secrets.activate(oauth_id, "nothing")


@pytest.mark.parametrize("body", [{}, {"secret": {}}, {"secret": {"secret_id": "1"}}, {"secret": "x"}])
def test_a_new_secret_without_its_value_leaves_it_open(scripted: Script, body: object) -> None:
    with pytest.raises(UnknownOutcome):
        scripted((200, {}, body)).client_secrets.create("1")


def test_reads_and_writes_are_told_apart(tecton: TectonClient, sandbox: Sandbox, oauth_id: str) -> None:
    tecton.service_accounts.find()
    tecton.client_secrets.list_secrets(oauth_id)
    tecton.service_accounts.update(oauth_id, active=True)
    summary = sandbox.control("GET", "/log/summary")
    assert tecton.calls == (summary["reads"], summary["writes"]) == (2, 2)


def test_accounts_of_both_apis_are_the_same(tecton: TectonClient, oauth_id: str) -> None:
    record = tecton.get_record(Kind.SERVICE_ACCOUNT, oauth_id)
    assert record
    assert record.name == "etl"
