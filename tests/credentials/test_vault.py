"""Delivery into Vault: against a faithful double over HTTP (no real Vault can be installed here)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from app.core.policy_accounts import VaultPlace
from app.credentials.ports import DeliveryError
from app.delivery import Vault
from tests.credentials.vault_double import TOKEN, Secret, VaultDouble
from tests.wsgi_adapter import wsgi_session

KEY = "the-key-that-nobody-may-see"
PLACE = VaultPlace(url="https://vault.test/", path="tecton/etl", field="client_secret")


@pytest.fixture
def double() -> VaultDouble:
    return VaultDouble()


@pytest.fixture
def vault(double: VaultDouble) -> Iterator[Vault]:
    vault = Vault(TOKEN, lambda: wsgi_session(double))
    yield vault
    vault.close()


def refusal(vault: Vault, place: VaultPlace = PLACE) -> str:
    """Return what is said when a key cannot be put; never the key or the token."""
    with pytest.raises(DeliveryError) as caught:
        vault.put(place, KEY)
    assert caught.value.__context__ is None
    assert KEY not in str(caught.value)
    assert TOKEN not in str(caught.value)
    return str(caught.value)


def test_a_new_secret_is_made(vault: Vault, double: VaultDouble) -> None:
    vault.put(PLACE, KEY)
    assert double.read("tecton/etl") == {"client_secret": KEY}
    assert double.said == ["PATCH /v1/secret/data/tecton/etl", "POST /v1/secret/data/tecton/etl"]


def test_the_other_fields_of_a_secret_are_left_alone(vault: Vault, double: VaultDouble) -> None:
    double.secrets["", "secret", "tecton/etl"] = Secret([{"client_id": "0oa1", "client_secret": "old"}])
    vault.put(PLACE, KEY)
    assert double.read("tecton/etl") == {"client_id": "0oa1", "client_secret": KEY}
    assert double.said == ["PATCH /v1/secret/data/tecton/etl"]


def test_putting_the_same_twice_is_the_same_as_once(vault: Vault, double: VaultDouble) -> None:
    for _ in range(2):
        vault.put(PLACE, KEY)
    assert double.read("tecton/etl") == {"client_secret": KEY}


def test_a_deleted_secret_is_made_anew(vault: Vault, double: VaultDouble) -> None:
    vault.put(PLACE, "old")
    double.delete("tecton/etl")
    vault.put(PLACE, KEY)
    assert double.read("tecton/etl") == {"client_secret": KEY}


def test_neither_reading_nor_updating_is_needed(vault: Vault, double: VaultDouble) -> None:
    double.capabilities = frozenset({"patch", "create"})
    for value in ("old", KEY):
        vault.put(PLACE, value)
    assert double.read("tecton/etl") == {"client_secret": KEY}


def test_another_mount_and_a_namespace_are_addressed(vault: Vault, double: VaultDouble) -> None:
    double.mounts.add("kv/ml")
    place = VaultPlace(url="https://vault.test", mount="kv/ml", path="a b/c", namespace="team")
    vault.put(place, KEY)
    assert double.read("a b/c", "kv/ml", "team") == {"key": KEY}


def test_what_is_refused_says_what_to_do(vault: Vault, double: VaultDouble) -> None:
    double.capabilities = frozenset({"read"})
    assert "answered 403 (1 error occurred: * permission denied): BRIDGE_VAULT_TOKEN must be valid" in refusal(vault)
    double.capabilities = frozenset({"patch"})
    assert "capabilities patch and create" in refusal(vault)


def test_a_missing_engine_is_said(vault: Vault) -> None:
    place = VaultPlace(url="https://vault.test", mount="nowhere", path="x")
    assert "no handler for route" in refusal(vault, place)
    assert "mounted there?" in refusal(vault, place)


def test_a_sealed_vault_is_said(vault: Vault, double: VaultDouble) -> None:
    double.is_sealed = True
    assert "503 (Vault is sealed)" in refusal(vault)


def test_a_vault_that_cannot_patch_is_said(vault: Vault, double: VaultDouble) -> None:
    double.can_patch = False
    assert "Vault 1.9 or newer" in refusal(vault)


def test_a_secret_that_wants_check_and_set_is_said(vault: Vault, double: VaultDouble) -> None:
    vault.put(PLACE, "old")
    double.needs_cas = True
    assert "check-and-set parameter required" in refusal(vault)


def test_neither_key_nor_token_follow_a_redirection(vault: Vault, double: VaultDouble) -> None:
    double.redirects_to = "https://elsewhere.test/"
    assert "name the active node" in refusal(vault)
    assert len(double.said) == 1


def test_a_wrong_or_missing_token_is_said(double: VaultDouble) -> None:
    for token, said in (("wrong", "must be valid"), ("", "BRIDGE_VAULT_TOKEN is not set")):
        vault = Vault(token, lambda: wsgi_session(double))
        assert said in refusal(vault)
        vault.close()


@pytest.mark.parametrize(
    ("error", "said"), [(requests.ConnectionError, "cannot be reached"), (requests.Timeout, "does not answer in time")]
)
def test_a_vault_that_does_not_answer_carries_nothing_along(
    error: type[requests.RequestException], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = requests.Session()

    def fail(*_: object, **__: object) -> requests.Response:
        raise error(request=requests.Request("PATCH", "https://vault.test", data=KEY))

    monkeypatch.setattr(session, "request", fail)
    vault = Vault(TOKEN, lambda: session)
    assert said in refusal(vault)
    vault.close()
