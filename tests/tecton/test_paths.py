"""What turns out to be elsewhere at Tecton is told to the bridge by its settings."""

from __future__ import annotations

import pytest

from app.settings import Settings, SettingsError
from app.tecton import TectonConfig, open_tecton
from app.tecton.config import Paths
from tests.tecton.conftest import Sandbox, Time, config_for


def paths_of(text: str) -> Paths:
    return TectonConfig.from_settings(Settings(_env_file=None, tecton_paths=text)).paths


def test_paths_are_taken_from_the_settings_and_the_others_stay() -> None:
    paths = paths_of("create_account=/api/v1/own/new, token = /oauth2/own ")
    assert (paths.create_account, paths.token) == ("/api/v1/own/new", "/oauth2/own")
    assert paths.delete_account == Paths().delete_account
    assert paths_of("") == Paths()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("nowhere=/x", "there is no path nowhere; there are scim, users"),
        ("token", "neither name=/path nor name=METHOD /path"),
        ("token=oauth2", "neither name=/path nor name=METHOD /path"),
        ("update_account=FETCH /x", "neither name=/path nor name=METHOD /path"),
        ("users=PUT /Users", "users has several calls below it, so that it takes no method"),
    ],
)
def test_paths_that_cannot_be_read_are_refused_with_what_is_wrong(text: str, complaint: str) -> None:
    with pytest.raises(SettingsError, match=f"BRIDGE_TECTON_PATHS: .*{complaint}"):
        paths_of(text)


def test_an_operation_can_have_another_method(sandbox: Sandbox, time: Time) -> None:
    sandbox.set(service_accounts_v1_verbs="rest")
    metadata = "/api/v1/metadata-service"
    paths = paths_of(
        f"update_account=PUT {metadata}/update-service-account, delete_account=DELETE {metadata}/delete-service-account"
    )
    accounts = open_tecton(config_for(sandbox.app, time, paths=paths)).for_run().service_accounts
    made = accounts.create("ci").account
    assert accounts.update(made.id, active=False).active is False
    accounts.delete(made.id)
    assert accounts.find(ids=[made.id]) == []
