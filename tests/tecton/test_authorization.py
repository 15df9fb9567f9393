"""Roles on secret scopes: two vocabularies, direct ones only, one call for many."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.identity import Kind
from app.core.records import ScopeGrant
from app.reconcile.ports import Conflict, NotFound, Refused, TectonError
from app.tecton import TectonClient
from tests.tecton.conftest import Sandbox, Script


def granted(role: str, *sources: str) -> dict[str, Any]:
    return {"role": role, "role_assignment_sources": [{"assignment_type": source} for source in sources]}


DIRECT, BY_GROUP = "ROLE_ASSIGNMENT_TYPE_DIRECT", "ROLE_ASSIGNMENT_TYPE_FROM_PRINCIPAL_GROUP"


def listing(principal: dict[str, Any], *roles: dict[str, Any], **on: str) -> tuple[int, dict[str, str], Any]:
    where = {"resource_type": "RESOURCE_TYPE_SECRET_SCOPE", "resource_id": "s", **on}
    return (
        200,
        {},
        {"assignments": [{"principal": principal, "role_assignments": [{**where, "roles_granted": list(roles)}]}]},
    )


def test_roles_of_all_kinds_of_principal_are_assigned_and_revoked(tecton: TectonClient, sandbox: Sandbox) -> None:
    ana = sandbox.user("ana@acme.com")
    wanted = {
        ScopeGrant(Kind.USER, ana, "snowflake", "writer"),
        ScopeGrant(Kind.GROUP, sandbox.group("ml"), "snowflake", "reader"),
        ScopeGrant(Kind.SERVICE_ACCOUNT, sandbox.account("ci"), "snowflake", "manager"),
        ScopeGrant(Kind.WORKSPACE, "prod", "snowflake", "reader"),
    }
    before = tecton.list_scope_grants("snowflake")
    tecton.assign(wanted)
    assert tecton.list_scope_grants("snowflake") == before | wanted
    assert sandbox.state("users", ana)["roles"] == [{"type": "secret_scope_snowflake", "value": "secret_scope_writer"}]
    tecton.unassign(wanted)
    assert tecton.list_scope_grants("snowflake") == before
    assert tecton.calls == (3, 2)


def test_legacy_ids_are_spoken(tecton: TectonClient, sandbox: Sandbox) -> None:
    sandbox.set(role_id_forms="legacy_only")
    grant = ScopeGrant(Kind.WORKSPACE, "prod", "snowflake", "reader")
    tecton.assign([grant])
    assert grant in tecton.list_scope_grants("snowflake")


@pytest.mark.parametrize("spelling", ["read_scope_role", "secret_scope_reader", "reader"])
def test_every_spelling_of_a_role_is_read(scripted: Script, spelling: str) -> None:
    tecton = scripted(listing({"workspace": {"name": "prod"}}, granted(spelling, DIRECT)))
    assert tecton.list_scope_grants("s") == {ScopeGrant(Kind.WORKSPACE, "prod", "s", "reader")}


def test_camel_case_is_read_too(scripted: Script) -> None:
    role = {"role": "read_scope_role", "roleAssignmentSources": [{"assignmentType": DIRECT}]}
    on = {"resourceType": "RESOURCE_TYPE_SECRET_SCOPE", "resourceId": "s", "rolesGranted": [role]}
    body = {"assignments": [{"principal": {"serviceAccount": {"id": "x"}}, "roleAssignments": [on]}]}
    assert scripted((200, {}, body)).list_scope_grants("s") == {ScopeGrant(Kind.SERVICE_ACCOUNT, "x", "s", "reader")}


def test_only_direct_roles_count(tecton: TectonClient, sandbox: Sandbox) -> None:
    ana = sandbox.user("ana@acme.com")
    group = sandbox.group(
        "ml", members=[ana], roles=[{"type": "secret_scope_snowflake", "value": "secret_scope_reader"}]
    )
    mine = {grant for grant in tecton.list_scope_grants("snowflake") if grant.kind is not Kind.SERVICE_ACCOUNT}
    assert mine == {ScopeGrant(Kind.GROUP, group, "snowflake", "reader")}


def test_a_role_held_both_ways_counts(scripted: Script) -> None:
    tecton = scripted(listing({"user": {"okta_id": "u"}}, granted("read_scope_role", BY_GROUP, DIRECT)))
    assert tecton.list_scope_grants("s") == {ScopeGrant(Kind.USER, "u", "s", "reader")}


@pytest.mark.parametrize(
    "answer",
    [
        (200, {}, {}),
        listing({"user": {"okta_id": "u"}}),
        listing({"user": {"okta_id": "u"}}, granted("read_scope_role", BY_GROUP)),
        listing({"user": {"okta_id": "u"}}, granted("brand_new_role", DIRECT)),
        listing({"robot": {"id": "u"}}, granted("read_scope_role", DIRECT)),
        listing({"user": {}}, granted("read_scope_role", DIRECT)),
        listing({"user": {"okta_id": "u"}}, granted("read_scope_role", DIRECT), resource_id="another"),
        listing(
            {"user": {"okta_id": "u"}},
            granted("read_scope_role", DIRECT),
            resource_type="RESOURCE_TYPE_WORKSPACE",
        ),
    ],
)
def test_what_is_not_a_known_direct_role_on_the_scope_is_left_out(scripted: Script, answer: Any) -> None:
    assert scripted(answer).list_scope_grants("s") == frozenset()


def test_nothing_to_change_is_no_call(tecton: TectonClient) -> None:
    tecton.assign([])
    tecton.unassign(iter(()))
    assert tecton.calls == (0, 0)


@pytest.mark.parametrize("scope_answer", ["403", "404"])
def test_an_unknown_scope_says_nothing_of_the_key(tecton: TectonClient, sandbox: Sandbox, scope_answer: str) -> None:
    sandbox.set(unknown_scope_answer=scope_answer)
    error = Refused if scope_answer == "403" else NotFound
    with pytest.raises(error, match="nowhere"):
        tecton.list_scope_grants("nowhere")
    with pytest.raises(error, match="nowhere"):
        tecton.assign([ScopeGrant(Kind.WORKSPACE, "prod", "nowhere", "reader")])


@pytest.mark.parametrize("answer", ["idempotent", "conflict", "invalid"])
def test_what_is_as_wanted_already_is_no_error(tecton: TectonClient, sandbox: Sandbox, answer: str) -> None:
    held = ScopeGrant(Kind.WORKSPACE, "prod", "snowflake", "reader")
    other = ScopeGrant(Kind.USER, sandbox.user("ana@acme.com"), "snowflake", "reader")
    tecton.assign([held])
    sandbox.set(repeated_assignment=answer)
    tecton.assign([held, other])
    assert {held, other} <= tecton.list_scope_grants("snowflake")
    tecton.unassign([other])
    tecton.unassign([held, other])
    assert not {held, other} & tecton.list_scope_grants("snowflake")


def test_an_assignment_whose_reply_was_lost_is_repeated(tecton: TectonClient, sandbox: Sandbox) -> None:
    sandbox.set(repeated_assignment="conflict")
    sandbox.fault("lost_reply", path="assign-roles")
    grant = ScopeGrant(Kind.WORKSPACE, "prod", "snowflake", "reader")
    tecton.assign([grant])
    assert grant in tecton.list_scope_grants("snowflake")


@pytest.mark.parametrize(("status", "error"), [(400, Refused), (403, Refused), (404, NotFound)])
def test_another_refusal_is_not_swallowed(scripted: Script, status: int, error: type[TectonError]) -> None:
    tecton = scripted((status, {}, {"message": "there is no user 'u'"}))
    with pytest.raises(error, match="assign reader on secret scope s, user u"):
        tecton.assign([ScopeGrant(Kind.USER, "u", "s", "reader")])
    assert tecton.calls.writes == 1


def test_a_conflict_about_one_of_many_is_settled_one_by_one(scripted: Script) -> None:
    grants = [ScopeGrant(Kind.USER, id_, "s", "reader") for id_ in ("a", "b")]
    taken = (409, {}, {"message": "the role is already assigned"})
    tecton = scripted(taken, taken, (200, {}, {}))
    tecton.assign(grants)
    assert tecton.calls.writes == 3
    with pytest.raises(Conflict):
        scripted((409, {}, {})).unassign(grants)
