"""Objects through SCIM: looking up, creating, deleting."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.access import GroupProfile, ServiceAccountProfile, UserProfile
from app.core.identity import ADMIN, Grant, Kind, Level, Target
from app.core.records import GroupRecord, MemberId, ServiceAccountRecord, UserRecord
from app.reconcile.ports import Conflict, Refused
from app.tecton import Paths, TectonClient, open_tecton
from tests.tecton.conftest import Sandbox, Script, Time, config_for

VIEWER = Grant(Target(Level.WORKSPACE, "prod"), "viewer")
ANA = UserProfile("ana@acme.com", "Ana", "Li")


def test_a_user_is_created_with_its_roles(tecton: TectonClient, sandbox: Sandbox) -> None:
    record = tecton.create(Kind.USER, ANA, (), [VIEWER, ADMIN]).record
    assert record == UserRecord(record.id, "ana@acme.com", "Ana", "Li", frozenset({VIEWER, ADMIN}))
    assert tecton.get_record(Kind.USER, record.id) == record
    assert sandbox.state("users", record.id)["emails"] == [{"type": "work", "value": "ana@acme.com"}]


def test_a_group_is_created_with_its_members(tecton: TectonClient, sandbox: Sandbox) -> None:
    members = {
        MemberId(Kind.USER, sandbox.user("ana@acme.com")),
        MemberId(Kind.SERVICE_ACCOUNT, sandbox.account("ci")),
    }
    made = tecton.create(Kind.GROUP, GroupProfile("ml", "machine learners", ("ML",)), members, [VIEWER])
    assert made.record == GroupRecord(
        made.record.id, "ml", "machine learners", ("ML",), frozenset(members), frozenset({VIEWER})
    )
    assert tecton.get_record(Kind.GROUP, made.record.id) == made.record


def test_a_service_account_is_created_with_a_key_that_works(tecton: TectonClient, sandbox: Sandbox, time: Time) -> None:
    made = tecton.create(Kind.SERVICE_ACCOUNT, ServiceAccountProfile("ci", "CI/CD"), (), [ADMIN])
    assert made.record == ServiceAccountRecord(made.record.id, "ci", "CI/CD", True, frozenset({ADMIN}))
    assert made.api_key
    theirs = open_tecton(config_for(sandbox.app, time, api_key=made.api_key)).for_run()
    assert theirs.own_account_id() == made.record.id


def test_an_account_can_be_created_inactive(tecton: TectonClient) -> None:
    made = tecton.create(Kind.SERVICE_ACCOUNT, ServiceAccountProfile("ci", active=False), (), ())
    assert made.record == ServiceAccountRecord(made.record.id, "ci", "", active=False)


def test_roles_are_not_mentioned_where_there_are_none(tecton: TectonClient, sandbox: Sandbox) -> None:
    # A cluster whose SCIM does not manage roles may refuse the very word.
    sandbox.set(roles_management_users="off", roles_management_off_effect="reject")
    assert tecton.create(Kind.USER, ANA, (), ()).record.name == ANA.user_name


@pytest.mark.parametrize("kind", [Kind.USER, Kind.GROUP, Kind.SERVICE_ACCOUNT])
def test_a_name_that_is_taken_is_a_conflict(tecton: TectonClient, kind: Kind) -> None:
    profile = {
        Kind.USER: ANA,
        Kind.GROUP: GroupProfile("ml"),
        Kind.SERVICE_ACCOUNT: ServiceAccountProfile("ci"),
    }[kind]
    tecton.create(kind, profile, (), ())
    with pytest.raises(Conflict, match="already taken"):
        tecton.create(kind, profile, (), ())


def test_an_object_is_found_by_its_name(tecton: TectonClient, sandbox: Sandbox) -> None:
    ids = {
        Kind.USER: sandbox.user("ana@acme.com"),
        Kind.GROUP: sandbox.group('the "best" \\ group'),
        Kind.SERVICE_ACCOUNT: sandbox.account("ci"),
    }
    names = {Kind.USER: "ana@acme.com", Kind.GROUP: 'the "best" \\ group', Kind.SERVICE_ACCOUNT: "ci"}
    for kind, name in names.items():
        assert [(entry.id, entry.name) for entry in tecton.find_entries(kind, name)] == [(ids[kind], name)]
    assert tecton.find_entries(Kind.USER, "nobody@acme.com") == []


def test_the_exact_spelling_comes_first(scripted: Script) -> None:
    rows = [{"id": "1", "userName": "Ana@acme.com"}, {"id": "2", "userName": "ana@acme.com"}]
    tecton = scripted((200, {}, {"totalResults": 2, "Resources": rows}))
    assert [entry.id for entry in tecton.find_entries(Kind.USER, "ana@acme.com")] == ["2", "1"]


def test_a_server_that_ignores_the_filter_does_not_fool(scripted: Script) -> None:
    rows = [{"id": "1", "userName": "bob@acme.com"}, {"id": "2", "userName": "ana@acme.com"}]
    tecton = scripted((200, {}, {"totalResults": 2, "Resources": rows}))
    assert [entry.id for entry in tecton.find_entries(Kind.USER, "ana@acme.com")] == ["2"]


@pytest.mark.parametrize("kind", [Kind.USER, Kind.GROUP, Kind.SERVICE_ACCOUNT])
def test_what_is_deleted_is_gone_and_may_be_deleted_again(tecton: TectonClient, sandbox: Sandbox, kind: Kind) -> None:
    make: Any = {Kind.USER: sandbox.user, Kind.GROUP: sandbox.group, Kind.SERVICE_ACCOUNT: sandbox.account}[kind]
    id_ = make("ana@acme.com")
    tecton.delete(kind, id_)
    assert tecton.get_record(kind, id_) is None
    tecton.delete(kind, id_)


def test_an_account_that_must_be_inactive_first_is_deactivated(tecton: TectonClient, sandbox: Sandbox) -> None:
    sandbox.set(scim_delete_active_account="reject")
    id_ = sandbox.account("ci")
    tecton.delete(Kind.SERVICE_ACCOUNT, id_)
    assert tecton.get_record(Kind.SERVICE_ACCOUNT, id_) is None


def test_another_refusal_to_delete_stays_one(scripted: Script) -> None:
    with pytest.raises(Refused, match="in use"):
        scripted((400, {}, {"detail": "in use"})).delete(Kind.SERVICE_ACCOUNT, "abc")


def test_the_collection_of_service_accounts_can_be_elsewhere(sandbox: Sandbox, time: Time) -> None:
    sandbox.set(scim_service_accounts_path="/Robots")
    config = config_for(sandbox.app, time, paths=Paths(service_accounts="/Robots"))
    assert open_tecton(config).for_run().list_entries(Kind.SERVICE_ACCOUNT)


def test_every_case_of_role_is_understood(scripted: Script) -> None:
    roles = [
        {"type": "account_type", "value": "Admin"},
        {"type": "workspace_my_ws", "value": "Owner"},
        {"type": "secret_scope_s", "value": "secret_scope_reader"},
        {"type": "all_workspaces", "value": None},
        {"type": "something_new", "value": "x"},
        "odd",
    ]
    record = scripted((200, {}, {"id": "1", "userName": "a@b.c", "roles": roles})).get_record(Kind.USER, "1")
    assert record
    assert record.roles == {
        ADMIN,
        Grant(Target(Level.WORKSPACE, "my_ws"), "owner"),
        Grant(Target(Level.SECRET_SCOPE, "s"), "reader"),
    }


def test_missing_and_null_attributes_are_read_as_empty(scripted: Script) -> None:
    user = scripted((200, {}, {"id": "1", "userName": "a@b.c", "name": None, "roles": None}))
    assert user.get_record(Kind.USER, "1") == UserRecord("1", "a@b.c")
    group = scripted((200, {}, {"id": "1", "displayName": "g"}))
    assert group.get_record(Kind.GROUP, "1") == GroupRecord("1", "g")
    account = scripted((200, {}, {"id": "1", "name": "n", "description": None}))
    assert account.get_record(Kind.SERVICE_ACCOUNT, "1") == ServiceAccountRecord("1", "n")


def test_members_without_a_type_are_looked_up_once(tecton: TectonClient, sandbox: Sandbox) -> None:
    sandbox.set(member_type_strings="empty")
    ana, ci = sandbox.user("ana@acme.com"), sandbox.account("ci")
    group = sandbox.group("ml", members=[ana, ci])
    record = tecton.get_record(Kind.GROUP, group)
    assert isinstance(record, GroupRecord)
    assert record.members == {MemberId(Kind.USER, ana), MemberId(Kind.SERVICE_ACCOUNT, ci)}
    asked = tecton.calls.reads
    tecton.get_record(Kind.GROUP, group)
    assert tecton.calls.reads == asked + 1


def test_members_known_from_a_list_are_not_looked_up(tecton: TectonClient, sandbox: Sandbox) -> None:
    sandbox.set(member_type_strings="empty")
    group = sandbox.group("ml", members=[sandbox.user("ana@acme.com"), sandbox.account("ci")])
    tecton.list_entries(Kind.USER)
    tecton.list_entries(Kind.SERVICE_ACCOUNT)
    asked = tecton.calls.reads
    tecton.get_record(Kind.GROUP, group)
    assert tecton.calls.reads == asked + 1


def test_a_key_survives_an_answer_that_cannot_be_read_back(scripted: Script) -> None:
    made = (201, {}, {"id": "1", "apiKey": "the-key"})
    tecton = scripted(made, (500, {}, {}))
    created = tecton.create(Kind.SERVICE_ACCOUNT, ServiceAccountProfile("ci"), (), [ADMIN])
    assert created.api_key == "the-key"
    # Nothing is claimed of roles that Tecton did not show.
    assert created.record == ServiceAccountRecord("1", "ci")


def test_an_answer_of_an_id_alone_is_filled_up_with_what_was_sent(scripted: Script) -> None:
    created = scripted((201, {}, {"id": "1"})).create(Kind.USER, ANA, (), ())
    assert created.record == UserRecord("1", "ana@acme.com", "Ana", "Li")


def test_a_poor_answer_is_read_back(scripted: Script) -> None:
    whole = {"id": "1", "userName": "ana@acme.com", "roles": [{"type": "account_type", "value": "admin"}]}
    tecton = scripted((201, {}, {"id": "1"}), (200, {}, whole))
    assert tecton.create(Kind.USER, ANA, (), [ADMIN]).record.roles == {ADMIN}
    assert tecton.calls == (1, 1)


def test_the_key_is_read_in_either_spelling(scripted: Script) -> None:
    tecton = scripted((201, {}, {"id": "1", "name": "ci", "api_key": "the-key"}))
    assert tecton.create(Kind.SERVICE_ACCOUNT, ServiceAccountProfile("ci"), (), ()).api_key == "the-key"


def test_members_that_are_nobody_are_left_out(scripted: Script) -> None:
    odd = [{"type": "Robot", "value": "gone"}, {"value": ""}, {"value": 3}, "odd", {"type": "Group", "value": "g"}]
    group = {"id": "1", "displayName": "ml", "members": odd}
    nobody = (404, {}, {"detail": "not found"})
    assert scripted((200, {}, group), nobody).get_record(Kind.GROUP, "1") == GroupRecord("1", "ml")


def test_an_account_that_went_while_it_was_deactivated_is_gone(scripted: Script) -> None:
    refusal = (400, {}, {"detail": "must be deactivated before it is deleted"})
    scripted(refusal, (404, {}, {"detail": "not found"})).delete(Kind.SERVICE_ACCOUNT, "1")
