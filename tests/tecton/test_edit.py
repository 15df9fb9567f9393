"""An edit changes what it is meant to, and sends everything else back as it came."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.identity import ADMIN, ROLES, Grant, Kind, Level, Target, without_contained
from app.core.records import GroupRecord, MemberId, Record, ServiceAccountRecord, UserRecord
from app.reconcile.ports import Edit, NotFound, TemporaryError
from app.tecton import TectonClient, TectonService, open_tecton
from app.tecton.documents import GROUP_EXTENSION
from app.tecton.roles import merged_roles, read_roles
from tests.tecton.conftest import Sandbox, Script, Time, config_for

VIEWER = Grant(Target(Level.WORKSPACE, "prod"), "viewer")
EDITOR = Grant(Target(Level.WORKSPACE, "prod"), "editor")


class OneObject:
    """A WSGI application that holds one SCIM object: GET shows it, PUT replaces it, with a chosen answer."""

    def __init__(self, document: dict[str, Any], answer: Callable[[dict[str, Any]], tuple[int, Any]]) -> None:
        self.document = document
        self.answer = answer
        self.put: dict[str, Any] = {}
        self.gets = 0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        status, body = 200, self.document
        if environ["REQUEST_METHOD"] == "PUT":
            self.put = json.loads(environ["wsgi.input"].read())
            self.document = {**self.put, "id": "1"}
            status, body = self.answer(self.document)
        else:
            self.gets += 1
        start_response(f"{status} OK", [("Content-Type", "application/scim+json")])
        return [json.dumps(body).encode() if body is not None else b""]


USER = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
    "id": "1",
    "userName": "ana@acme.com",
    "name": {"givenName": "Ana", "familyName": "Li", "honorific": "Dr"},
    "active": True,
    "emails": [
        {"type": "work", "primary": True, "value": "ana@acme.com"},
        {"type": "home", "value": "a@home.test"},
    ],
    "meta": {"resourceType": "User"},
    "groups": [{"value": "g"}],
    "roles": [
        {"type": "workspace_prod", "value": "Viewer"},
        {"type": "mystery", "value": "power", "note": 1},
        {"type": "all_workspaces", "value": None},
    ],
    "new_in_2027": {"kept": [1, 2]},
}


def edited(
    time: Time, kind: Kind, document: dict[str, Any], edit: Edit, answer: Any = lambda echo: (200, echo)
) -> tuple[OneObject, Any, TectonClient]:
    held = OneObject(document, answer)
    tecton = open_tecton(config_for(held, time)).for_run()
    return held, tecton.edit(kind, "1", edit), tecton


def grant(*grants: Grant) -> Edit:
    return lambda record: replace(record, roles=record.roles | set(grants))


def test_what_is_not_understood_goes_back_as_it_came(time: Time) -> None:
    held, outcome, _ = edited(time, Kind.USER, USER, grant(ADMIN))
    assert held.put == {
        **{name: value for name, value in USER.items() if name not in ("meta", "groups")},
        "roles": [
            {"type": "workspace_prod", "value": "viewer"},
            {"type": "mystery", "value": "power", "note": 1},
            {"type": "all_workspaces", "value": None},
            {"type": "account_type", "value": "admin"},
        ],
    }
    assert (outcome.wrote, outcome.before.roles, outcome.after.roles) == (True, {VIEWER}, {VIEWER, ADMIN})


def test_a_revoked_role_goes_and_nothing_else(time: Time) -> None:
    held, _, _ = edited(time, Kind.USER, USER, lambda record: replace(record, roles=frozenset()))
    assert held.put["roles"] == USER["roles"][1:]


def test_a_role_takes_the_place_of_an_empty_entry(time: Time) -> None:
    all_viewer = Grant(Target(Level.ALL_WORKSPACES), "viewer")
    held, _, _ = edited(time, Kind.USER, USER, grant(all_viewer))
    assert [role for role in held.put["roles"] if role["type"] == "all_workspaces"] == [
        {"type": "all_workspaces", "value": "viewer"}
    ]


def test_a_user_always_goes_back_active(time: Time) -> None:
    silent = {name: value for name, value in USER.items() if name != "active"}
    held, _, _ = edited(time, Kind.USER, silent, grant(ADMIN))
    assert held.put["active"] is True


def test_a_new_name_changes_only_the_name(time: Time) -> None:
    held, outcome, _ = edited(time, Kind.USER, USER, lambda record: replace(record, family_name="Lim"))
    assert held.put["name"] == {"givenName": "Ana", "familyName": "Lim", "honorific": "Dr"}
    assert outcome.after == UserRecord("1", "ana@acme.com", "Ana", "Lim", frozenset({VIEWER}))


def test_the_address_follows_the_sign_in_name(time: Time) -> None:
    held, _, _ = edited(time, Kind.USER, USER, lambda record: replace(record, user_name="anna@acme.com"))
    assert held.put["userName"] == "anna@acme.com"
    assert [email["value"] for email in held.put["emails"]] == ["anna@acme.com", "a@home.test"]


GROUP = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
    "id": "1",
    "displayName": "ml",
    "members": [
        {"type": "User", "display": "ana", "value": "u1", "since": 2024},
        {"type": "Group", "value": "nested"},
        {"type": "ServiceAccount", "value": "s1"},
    ],
    "roles": [{"type": "workspace_prod", "value": "viewer"}],
    GROUP_EXTENSION: {"description": "d", "idpMappingNames": ["ML"], "extra": 1},
}
S1, U1, U2 = MemberId(Kind.SERVICE_ACCOUNT, "s1"), MemberId(Kind.USER, "u1"), MemberId(Kind.USER, "u2")


def test_members_come_and_go_and_the_others_stay(time: Time) -> None:
    held, outcome, _ = edited(time, Kind.GROUP, GROUP, lambda record: replace(record, members=frozenset({U1, U2})))
    assert held.put["members"] == [
        {"type": "User", "display": "ana", "value": "u1", "since": 2024},
        {"type": "Group", "value": "nested"},
        {"type": "User", "value": "u2"},
    ]
    assert held.put[GROUP_EXTENSION] == GROUP[GROUP_EXTENSION]
    assert held.put["roles"] == GROUP["roles"]
    assert (outcome.before.members, outcome.after.members) == ({S1, U1}, {U1, U2})


def test_a_description_leaves_the_rest_of_the_extension(time: Time) -> None:
    held, _, _ = edited(time, Kind.GROUP, GROUP, lambda record: replace(record, description="e"))
    assert held.put[GROUP_EXTENSION] == {"description": "e", "idpMappingNames": ["ML"], "extra": 1}
    assert held.put["schemas"] == [*GROUP["schemas"], GROUP_EXTENSION]


def test_a_mapping_can_be_emptied(time: Time) -> None:
    held, _, _ = edited(time, Kind.GROUP, GROUP, lambda record: replace(record, idp_mapping_names=()))
    assert held.put[GROUP_EXTENSION]["idpMappingNames"] == []


def test_a_group_without_an_extension_gets_none_by_a_rename(time: Time) -> None:
    plain = {name: value for name, value in GROUP.items() if name != GROUP_EXTENSION}
    held, _, _ = edited(time, Kind.GROUP, plain, lambda record: replace(record, name="ml2"))
    assert GROUP_EXTENSION not in held.put
    assert held.put["displayName"] == "ml2"


ACCOUNT = {
    "id": "1",
    "name": "ci",
    "description": "CI",
    "active": True,
    "roles": [],
    "groups": [{"value": "g"}],
}


def test_a_deactivated_account_keeps_the_rest(time: Time) -> None:
    held, outcome, _ = edited(time, Kind.SERVICE_ACCOUNT, ACCOUNT, lambda record: replace(record, active=False))
    assert held.put == {"id": "1", "name": "ci", "description": "CI", "active": False, "roles": []}
    assert outcome.after == ServiceAccountRecord("1", "ci", "CI", active=False)


@pytest.mark.parametrize("answer", [lambda echo: None, lambda echo: echo])
def test_an_edit_that_changes_nothing_writes_nothing(time: Time, answer: Any) -> None:
    _, outcome, tecton = edited(time, Kind.USER, USER, answer)
    assert (outcome.wrote, outcome.before) == (False, outcome.after)
    assert tecton.calls == (1, 0)


@pytest.mark.parametrize(
    ("answer", "gets"),
    [
        (lambda echo: (200, echo), 1),
        (lambda echo: (204, None), 2),
        (lambda echo: (200, {}), 2),
        (lambda echo: (200, {"id": "1", "userName": "ana@acme.com"}), 2),
        (lambda echo: (200, {**echo, "id": "another"}), 2),
    ],
)
def test_an_edit_is_read_back_unless_the_answer_is_whole(time: Time, answer: Any, gets: int) -> None:
    held, outcome, _ = edited(time, Kind.USER, USER, grant(ADMIN), answer)
    assert held.gets == gets
    assert outcome.after.roles == {VIEWER, ADMIN}


def test_an_edit_of_nobody_raises(tecton: TectonClient) -> None:
    with pytest.raises(NotFound, match="could not read user nobody"):
        tecton.edit(Kind.USER, "nobody", grant(ADMIN))


def test_an_error_of_the_edit_goes_through_and_nothing_is_written(time: Time) -> None:
    def fail(record: Record) -> Record:
        raise RuntimeError("moved")

    held = OneObject(USER, lambda echo: (200, echo))
    tecton = open_tecton(config_for(held, time)).for_run()
    with pytest.raises(RuntimeError, match="moved"):
        tecton.edit(Kind.USER, "1", fail)
    assert tecton.calls == (1, 0)


# ---------------------------------------------------------------- against the sandbox


def test_an_edit_in_the_sandbox_keeps_what_it_does_not_name(tecton: TectonClient, sandbox: Sandbox) -> None:
    ana = sandbox.user("ana@acme.com", roles=[{"type": "secret_scope_snowflake", "value": "secret_scope_reader"}])
    group = sandbox.group("ml", description="d", idpMappingNames=["ML"], members=[ana])
    tecton.edit(Kind.USER, ana, grant(EDITOR))
    tecton.edit(Kind.GROUP, group, grant(ADMIN))
    assert sandbox.state("users", ana)["roles"] == [
        {"type": "secret_scope_snowflake", "value": "secret_scope_reader"},
        {"type": "workspace_prod", "value": "editor"},
    ]
    after = sandbox.state("groups", group)
    assert (after["description"], after["idpMappingNames"], len(after["members"])) == ("d", ["ML"], 1)


def test_the_greater_of_two_roles_is_not_lost_to_the_lesser(tecton: TectonClient, sandbox: Sandbox) -> None:
    # The authorization service may hold two roles on one scope; SCIM keeps the last one it is sent.
    ana = sandbox.user("ana@acme.com")
    for value in ("secret_scope_manager", "secret_scope_reader"):
        role = {"principal_type": "user", "principal": ana, "type": "secret_scope_snowflake", "value": value}
        sandbox.control("POST", "/assign", role)
    tecton.edit(Kind.USER, ana, grant(VIEWER))
    assert {"type": "secret_scope_snowflake", "value": "secret_scope_manager"} in sandbox.state("users", ana)["roles"]


def test_roles_that_tecton_ignored_show_in_the_outcome(tecton: TectonClient, sandbox: Sandbox) -> None:
    ana = sandbox.user("ana@acme.com")
    sandbox.fault("roles_ignored", method="PUT")
    outcome = tecton.edit(Kind.USER, ana, grant(EDITOR))
    assert (outcome.wrote, outcome.after.roles) == (True, frozenset())


@pytest.mark.parametrize("kind", ["reset", "lost_reply"])
def test_a_put_whose_reply_was_lost_is_repeated(service: TectonService, sandbox: Sandbox, kind: str) -> None:
    ana = sandbox.user("ana@acme.com")
    sandbox.fault(kind, method="PUT")
    tecton = service.for_run()
    assert tecton.edit(Kind.USER, ana, grant(EDITOR)).after.roles == {EDITOR}
    assert tecton.calls == (1, 2)


def test_a_typeless_new_member_needs_no_look_up(tecton: TectonClient, sandbox: Sandbox) -> None:
    sandbox.set(member_type_strings="empty")
    group, ana = sandbox.group("ml"), sandbox.user("ana@acme.com")
    member = MemberId(Kind.USER, ana)
    outcome = tecton.edit(Kind.GROUP, group, lambda record: replace(record, members=frozenset({member})))
    assert isinstance(outcome.after, GroupRecord)
    assert outcome.after.members == {member}
    assert tecton.calls == (1, 1)


# ---------------------------------------------------------------- laws

TARGETS = st.sampled_from(
    [
        Target(Level.ACCOUNT),
        Target(Level.ALL_WORKSPACES),
        Target(Level.WORKSPACE, "a_b"),
        Target(Level.SECRET_SCOPE, "s"),
    ]
)
GRANTS = TARGETS.flatmap(lambda target: st.sampled_from(ROLES[target.level]).map(lambda role: Grant(target, role)))
STRANGE = st.sampled_from([{"type": "mystery", "value": "x"}, {"type": "account_type", "value": None}, {}, "odd", 3])


@given(st.frozensets(GRANTS), st.frozensets(GRANTS), st.lists(STRANGE))
def test_merging_roles_gives_what_was_wanted_and_keeps_what_is_strange(
    before: frozenset[Grant], after: frozenset[Grant], strange: list[Any]
) -> None:
    raw = [*strange, *merged_roles([], frozenset(), before)]
    merged = merged_roles(raw, read_roles({"roles": raw}), after)
    assert read_roles({"roles": merged}) == without_contained(after)
    filled = {role["type"] for role in merged if isinstance(role, dict) and role.get("value") == "admin"}
    assert [s for s in strange if not (isinstance(s, dict) and s.get("type") in filled)] == [
        role for role in merged if role in strange and not (isinstance(role, dict) and role.get("type") in filled)
    ]


def test_a_record_cannot_become_one_of_another_kind(time: Time) -> None:
    with pytest.raises(TypeError, match="UserRecord cannot become a GroupRecord"):
        edited(time, Kind.USER, USER, lambda record: GroupRecord("1", "ml"))


@pytest.mark.parametrize("answer", [{}, {"id": "2", "userName": "b@c.d"}, [], "odd"])
def test_an_answer_about_somebody_else_is_not_edited(scripted: Script, answer: Any) -> None:
    tecton = scripted((200, {}, answer))
    with pytest.raises(TemporaryError, match="could not read user 1"):
        tecton.edit(Kind.USER, "1", grant(ADMIN))
    assert tecton.calls == (1, 0)
