"""What is desired follows from the directory and the policy alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.core.access import GroupProfile, ServiceAccountProfile, UserProfile
from app.core.desired import Desired, desired_access
from app.core.directory import Directory, pushed_grants, read_group, read_user
from app.core.effective import effects, summarize
from app.core.explain import explain
from app.core.identity import ADMIN, Grant, Kind, Level, Principal, Target
from app.core.policy import Policy
from app.core.policy_text import parse_policy

NOW = datetime(2026, 3, 2, tzinfo=UTC)
PROD_VIEWER = Grant(Target(Level.WORKSPACE, "prod"), "viewer")
PROD_EDITOR = Grant(Target(Level.WORKSPACE, "prod"), "editor")


def policy(text: str = "") -> Policy:
    return parse_policy("version: 1\n" + text, "p.yaml")


Groups = dict[str, tuple[str, list[str]]]


def desire(of: Policy, users: dict[str, dict[str, Any]], groups: Groups | None = None) -> Desired:
    people = {}
    for id_, document in users.items():
        left = None if document.get("active", True) else NOW - timedelta(hours=1)
        people[id_] = read_user(id_, {"userName": f"{id_}@acme.com", "active": True, **document}, left, of)
    named = (groups or {}).items()
    pushed = {id_: read_group(id_, {"displayName": name}, members, of) for id_, (name, members) in named}
    return desired_access(Directory(people, pushed), of, NOW)


def user(id_: str) -> Principal:
    return Principal(Kind.USER, id_)


def group(id_: str) -> Principal:
    return Principal(Kind.GROUP, id_)


def test_an_inactive_user_is_not_desired_and_is_in_no_group() -> None:
    found = desire(policy(), {"a": {}, "b": {"active": False}}, {"g": ("g", ["a", "b"])})
    assert set(found.state.profiles) == {user("a"), group("g")}
    assert found.state.members_of(group("g")) == {user("a")}


def test_in_its_grace_a_leaver_stays_without_any_access() -> None:
    of = policy("guards: {grace: {users: 2h}}\ngrants: [{name: x, to: {user: b@acme.com}, roles: [{account: admin}]}]")
    found = desire(of, {"b": {"active": False}}, {"g": ("g", ["b"])})
    assert user("b") in found.state.profiles
    assert found.state.members == {}
    assert found.state.grants == {}


def test_after_its_grace_a_leaver_is_gone() -> None:
    assert user("b") not in desire(policy("guards: {grace: {users: 30m}}"), {"b": {"active": False}}).state.profiles


def test_names_are_mapped() -> None:
    of = policy('names: {user: email, group: {strip_prefix: "tecton-"}}')
    found = desire(of, {"a": {"userName": "a", "emails": [{"value": "x@y.z"}, {"value": "a@b.c", "primary": True}]}},
                   {"g": ("tecton-ml", [])})  # fmt: skip
    assert found.state.profiles == {user("a"): UserProfile("a@b.c"), group("g"): GroupProfile("ml")}


def test_two_groups_that_would_have_one_name_are_said_and_only_one_is_sent() -> None:
    of = policy('names: {group: {strip_prefix: "tecton-"}}')
    found = desire(of, {}, {"g2": ("ml", []), "g1": ("tecton-ml", [])})
    assert set(found.state.profiles) == {group("g1")}
    assert [(problem.principal, problem.name) for problem in found.problems] == [(group("g2"), "ml")]


@pytest.mark.parametrize("name", ["ana", "ana@", "@acme.com", "a na@acme.com", ""])
def test_a_user_name_that_is_no_email_address_is_said(name: str) -> None:
    found = desire(policy(), {"a": {"userName": name}})
    assert found.state.profiles == {}
    assert "e-mail address" in found.problems[0].message


def test_every_recipient_of_a_rule_gets_its_roles() -> None:
    of = policy("""
provision: {service_accounts: 'userType eq "Service"'}
service_accounts: [{name: declared, groups: [Team]}]
grants:
  - {name: g, to: {group: team}, roles: [{workspace: prod, role: viewer}]}
  - {name: u, to: {user: A@acme.com}, roles: [{account: admin}]}
  - {name: s, to: {service_account: declared}, roles: [{workspace: prod, role: editor}]}
  - {name: w, to: {workspace: prod}, roles: [{secret_scope: s, role: reader}]}
  - {name: q, to: {where: 'title eq "X"'}, roles: [{all_workspaces: viewer}]}
""")
    users = {"a": {"title": "x"}, "bot": {"userName": "bot", "userType": "Service"}}
    found = desire(of, users, {"t": ("Team", ["a", "bot"])})
    declared = Principal(Kind.SERVICE_ACCOUNT, "policy/declared")
    assert found.state.grants == {
        group("t"): {PROD_VIEWER},
        user("a"): {ADMIN, Grant(Target(Level.ALL_WORKSPACES), "viewer")},
        declared: {PROD_EDITOR},
        Principal(Kind.WORKSPACE, "prod"): {Grant(Target(Level.SECRET_SCOPE, "s"), "reader")},
    }
    bot = Principal(Kind.SERVICE_ACCOUNT, "bot")
    assert found.state.members_of(group("t")) == {user("a"), bot, declared}
    assert found.state.profiles[bot] == ServiceAccountProfile("bot", None)
    assert found.reasons[user("a"), ADMIN] == ("policy rule 'u'",)


def test_of_two_roles_on_one_target_the_containing_one_is_desired() -> None:
    of = policy("""
grants:
  - {name: v, to: {user: a@acme.com}, roles: [{workspace: prod, role: viewer}]}
  - {name: e, to: {user: a@acme.com}, roles: [{workspace: prod, role: editor}]}
""")
    assert desire(of, {"a": {}}).state.grants == {user("a"): {PROD_EDITOR}}


@pytest.mark.parametrize(
    ("pushed", "grants"),
    [
        ({"roles": [{"type": "workspace_prod", "value": "Viewer"}]}, {PROD_VIEWER}),
        ({"roles": [{"value": "workspace_prod:viewer", "display": "x"}]}, {PROD_VIEWER}),
        ({"entitlements": [{"value": "account_type:admin"}]}, {ADMIN}),
        ({"roles": [{"type": "WindowsAzureActiveDirectoryRole", "value": "Admin"}]}, set()),
        ({"roles": [{"value": "Auditor"}]}, set()),
        ({"roles": [{"type": "workspace_a_b", "value": "owner"}]}, {Grant(Target(Level.WORKSPACE, "a_b"), "owner")}),
        ({"roles": [{"type": "workspace_prod", "value": None}]}, set()),
    ],
)
def test_roles_pushed_in_tectons_vocabulary_are_grants(pushed: dict[str, Any], grants: set[Grant]) -> None:
    assert pushed_grants(pushed) == grants


def test_effects_say_what_is_left_after_the_union_over_groups() -> None:
    rules = "grants: [{name: v, to: {group: t}, roles: [{workspace: prod, role: viewer}]},\
 {name: e, to: {group: u}, roles: [{workspace: prod, role: editor}]}]"
    both, one = {"t": ("t", ["a", "b"]), "u": ("u", ["a"])}, {"t": ("t", ["b"]), "u": ("u", ["a"])}
    people: dict[str, dict[str, Any]] = {"a": {}, "b": {}}
    before, after = desire(policy(rules), people, both).state, desire(policy(rules), people, one).state
    assert effects(before, after) == []
    none = desire(policy(rules), people, {"t": ("t", ["b"]), "u": ("u", [])}).state
    assert summarize(effects(before, none), lambda p: p.id) == ["a loses editor on workspace prod"]


def test_why_names_the_group_and_the_rule() -> None:
    of = policy("grants: [{name: v, to: {group: t}, roles: [{workspace: prod, role: viewer}]}]")
    found = desire(of, {"a": {}}, {"t": ("t", ["a"])})
    (access,) = explain(user("a"), found, found.state)
    assert (access.grant, access.via, access.is_desired, access.is_observed) == (PROD_VIEWER, group("t"), True, True)
    assert access.wanted_by == ("policy rule 'v'",)
