"""A policy is read whole, or refused with every fault and where it was written."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from app.core.identity import ADMIN, Grant, Level, Target
from app.core.policy import Policy
from app.core.policy_text import PolicyError, parse_policy

EXAMPLE = Path(__file__).parents[2] / "config" / "policy.yaml"


def faults(text: str) -> list[str]:
    with pytest.raises(PolicyError) as caught:
        parse_policy(text, "p.yaml")
    return caught.value.lines()


def test_the_example_loads_and_means_what_it_says() -> None:
    policy = parse_policy(EXAMPLE.read_text(), "policy.yaml")
    assert policy.names.group_name("tecton-ml") == "ml"
    assert policy.guards.window == timedelta(hours=1)
    assert policy.guards.removals.users.count == 20
    grants = {rule.name: rule.grants for rule in policy.grants}
    assert grants["admins"] == {ADMIN}
    assert grants["auditors"] == {Grant(Target(Level.ALL_WORKSPACES), "viewer")}
    assert Grant(Target(Level.SECRET_SCOPE, "fraud"), "reader") in grants["fraud team uses prod"]
    assert policy.provision.users.matches({"active": True})
    assert not policy.provision.users.matches({"active": False})


def test_the_least_policy_is_a_version() -> None:
    policy = parse_policy("version: 1", "p.yaml")
    assert policy == Policy(version=1)
    assert policy.unmanaged.users == "report"
    assert policy.unmanaged.members == "remove"


def test_every_fault_is_said_at_once_with_line_and_column() -> None:
    text = """version: 1
provision:
  users: 'active eq'
grants:
  - name: a
    to: {group: g, user: u}
    roles: [{workspace: prod, role: boss}]
guards: {window: 1 hour}
"""
    said = faults(text)
    assert [line.split(": ")[0] for line in said] == ["p.yaml:3:3", "p.yaml:6:5", "p.yaml:7:13", "p.yaml:8:10"]
    assert "exactly one of group, user" in said[1]
    assert "owner, editor, operator, consumer, viewer" in said[2]


RULE = "{name: x, to: {user: u}, roles: [{account: admin}]}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not a policy"),
        ("- a", "is not a policy"),
        ("a: [", "is not YAML"),
        ("version: 1\nversion: 1", "is not YAML"),
        ("version: 2", "version"),
        ("version: 1\nprovison: {}", "provison is not a known key"),
        ("version: 1\ngrants: [{name: x, to: {workspace: prod}, roles: [{account: admin}]}]", "secret scopes only"),
        ("version: 1\ngrants: [{name: x, to: {user: u}, roles: []}]", "roles"),
        ("version: 1\ngrants: [{name: x, to: {user: u}, roles: [{account: admin, role: x}]}]", "takes no role"),
        ("version: 1\ngrants: [{name: x, to: {user: u}, roles: [{workspace: prod}]}]", "needs a role"),
        ("version: 1\nservice_accounts: [{name: a}, {name: A}]", "p.yaml:2:32: service_accounts[1].name is"),
        (f"version: 1\ngrants:\n- {RULE}\n- {RULE}", "p.yaml:4:4: grants[1].name is the name of another grant, too: x"),
        ("version: 1\ngrants: [{name: x, to: {user: u}, roles: []}]", "grants[0].roles must not be empty"),
        ("version: 1\nprotected: {users: ada@acme.com}", "protected.users must be a list"),
        ("version: 1\nguards: {source: {undone: 5}}", "guards.source.undone must hold keys with values"),
        ("version: 1\nguards: {window: 0s}", "guards.window must be at least 1m"),
        ("version: 1\nunmanaged: {users: delete}", "unmanaged.users"),
        ("version: 1\nguards: {min_admins: -1}", "min_admins"),
    ],
)
def test_what_cannot_be_meant_is_refused(text: str, said: str) -> None:
    assert said in "\n".join(faults(text))


def test_each_guard_on_a_source_can_be_switched_off_or_set() -> None:
    off = "emptied: allow, scattered: never, new_client: never, undone: never, silence: never"
    source = parse_policy(f"version: 1\nguards: {{source: {{{off}}}}}", "p.yaml").guards.source
    assert (source.emptied, source.scattered, source.new_client) == ("allow", None, None)
    assert (source.undone, source.silence) == (None, None)
    text = (
        "version: 1\nguards: {source: {scattered: {groups: 2}, silence: 1h}}\nreturns: {remember: 30d, confirm: never}"
    )
    policy = parse_policy(text, "p.yaml")
    assert policy.guards.source.scattered and policy.guards.source.scattered.groups == 2
    assert policy.guards.source.silence == timedelta(hours=1)
    assert (policy.returns.remember, policy.returns.confirm) == (timedelta(days=30), None)


def test_a_guard_on_a_source_that_does_not_exist_is_a_fault() -> None:
    assert "emptied" in faults("version: 1\nguards: {source: {emptied: never}}")[0]
    assert "groups" in faults("version: 1\nguards: {source: {scattered: {groups: many}}}")[0]
