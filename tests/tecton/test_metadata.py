"""The internal routes, which may be closed or gone."""

from __future__ import annotations

import pytest

from app.reconcile.ports import CredentialsRefused, TectonError, TemporaryError
from app.tecton import TectonClient
from app.tecton.metadata import TectonUser
from tests.tecton.conftest import Sandbox, Script


def test_the_key_knows_its_owner(tecton: TectonClient, sandbox: Sandbox) -> None:
    owner = tecton.metadata.introspect_key()
    assert owner
    assert owner[1:] == ("scim-bridge", True, True)
    assert tecton.own_account_id() == owner.id


@pytest.mark.parametrize(("status", "said"), [(404, "Not Found"), (403, "not permitted"), (400, "no"), (501, "no")])
def test_a_tecton_that_does_not_tell_is_no_error(scripted: Script, status: int, said: str) -> None:
    assert scripted((status, {}, {"message": said})).own_account_id() is None


def test_an_answer_without_an_id_tells_nothing(scripted: Script) -> None:
    assert scripted((200, {}, {"name": "x"})).own_account_id() is None


@pytest.mark.parametrize(
    ("status", "said", "error"),
    [
        (401, "", CredentialsRefused),
        (403, "UNAUTHENTICATED: x", CredentialsRefused),
        (500, "", TemporaryError),
    ],
)
def test_a_bad_key_or_trouble_is_one(scripted: Script, status: int, said: str, error: type[TectonError]) -> None:
    with pytest.raises(error):
        scripted((status, {}, {"message": said})).own_account_id()


def test_trouble_is_not_remembered(scripted: Script) -> None:
    tecton = scripted((500, {}, {}), (200, {}, {"id": "abc"}))
    with pytest.raises(TemporaryError):
        tecton.own_account_id()
    assert tecton.own_account_id() == "abc"


def test_a_user_is_found_by_address(tecton: TectonClient, sandbox: Sandbox) -> None:
    id_ = sandbox.user("ana@acme.com")
    assert tecton.metadata.find_user("ana@acme.com") == TectonUser(id_, "ana@acme.com")
    assert tecton.metadata.find_user("nobody@acme.com") is None


def test_workspaces_are_listed(tecton: TectonClient) -> None:
    assert tecton.metadata.list_workspaces() == {"prod", "my_workspace", "my-workspace"}


def test_admins_are_listed(tecton: TectonClient, sandbox: Sandbox) -> None:
    sandbox.user("ana@acme.com")
    info = tecton.metadata.admin_info()
    assert info.caller_is_admin
    assert [admin.email for admin in info.admins] == ["admin@example.com"]
    assert tecton.calls.writes == 0


def test_an_answer_that_does_not_speak_of_admins_is_no_answer(scripted: Script) -> None:
    with pytest.raises(TemporaryError, match="admins"):
        scripted((200, {}, {})).metadata.admin_info()
