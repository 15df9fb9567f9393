"""A cluster whose users have one id in SCIM and another in role assignments (row 28)."""

from __future__ import annotations

import pytest

from app.core.identity import Kind
from app.core.records import ScopeGrant
from app.reconcile.ports import Entry, Refused
from app.tecton import TectonClient, TectonService
from app.tecton.user_ids import UserIds
from tests.tecton.conftest import Sandbox, Script


@pytest.fixture
def ana(sandbox: Sandbox, service: TectonService) -> str:
    """Return the SCIM id of a user whose principal id is another."""
    sandbox.set(scim_user_id="separate")
    principal_id = sandbox.user("ana@acme.com")
    [entry] = service.for_run().find_entries(Kind.USER, "ana@acme.com")
    assert entry.id != principal_id
    return entry.id


def test_grants_are_shown_and_changed_by_the_scim_id(tecton: TectonClient, sandbox: Sandbox, ana: str) -> None:
    tecton.list_entries(Kind.USER)
    grant = ScopeGrant(Kind.USER, ana, "snowflake", "writer")
    tecton.assign([grant])
    assert grant in tecton.list_scope_grants("snowflake")
    assert tecton.authorization.list_grants_of(Kind.USER, ana) == {grant}
    tecton.unassign([grant])
    assert grant not in tecton.list_scope_grants("snowflake")


def test_a_paired_user_is_not_looked_up_again(service: TectonService, ana: str) -> None:
    service.for_run().list_entries(Kind.USER)
    for role in ("reader", "writer"):
        service.for_run().assign([ScopeGrant(Kind.USER, ana, "snowflake", role)])
    third = service.for_run()
    third.assign([ScopeGrant(Kind.USER, ana, "snowflake", "manager")])
    assert third.calls == (0, 1)


def test_a_user_that_scim_never_showed_is_a_refusal(scripted: Script) -> None:
    tecton = scripted((400, {}, {"message": "there is no user"}))
    with pytest.raises(Refused, match="there is no user"):
        tecton.assign([ScopeGrant(Kind.USER, "u", "s", "reader")])
    assert tecton.calls == (0, 1)


def test_a_refusal_about_a_known_user_costs_one_look_up(tecton: TectonClient, sandbox: Sandbox) -> None:
    id_ = sandbox.user("ana@acme.com")
    tecton.list_entries(Kind.USER)
    for reads in (2, 2):
        with pytest.raises(Refused):
            tecton.assign([ScopeGrant(Kind.USER, id_, "nowhere", "reader")])
        assert tecton.calls.reads == reads


def test_ids_that_are_the_same_stay_the_same() -> None:
    ids = UserIds()
    ids.learn([Entry("u1", "Ana@acme.com")])
    assert ids.scim_id("u1", "ana@acme.com") == "u1"
    assert ids.scim_id("p9", "ana@acme.com") == "u1"
    assert ids.principal_id("u1") == "p9"
    assert ids.scim_id("p7", "bob@acme.com") == "p7"
    assert ids.principal_id("u5") == "u5"


def test_without_the_internal_route_the_first_refusal_stands(scripted: Script) -> None:
    shown = (200, {}, {"id": "u", "userName": "ana@acme.com"})
    refusal, closed = (400, {}, {"message": "there is no user"}), (403, {}, {"message": "closed"})
    tecton = scripted(shown, refusal, closed)
    tecton.get_record(Kind.USER, "u")
    with pytest.raises(Refused, match="there is no user"):
        tecton.assign([ScopeGrant(Kind.USER, "u", "s", "reader")])
