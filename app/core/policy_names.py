"""The names that a policy mentions, each with its place in the file: a typo in one grants nothing to nobody."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from app.core.identity import Level, Target
from app.core.policy import Policy, Rule

Path = tuple[int | str, ...]


class Named(Enum):
    """What a name should be found among."""

    GROUP = "no group of this name was pushed"
    USER = "no user of this name was pushed"
    SERVICE_ACCOUNT = "no service account of this name is declared or pushed"
    WORKSPACE = "no role on a workspace of this name was ever seen in Tecton"
    SCOPE = "Tecton has no secret scope of this name"
    PROTECTED_USER = "no user of this name is pushed or in Tecton"
    PROTECTED_GROUP = "no group of this name is pushed or in Tecton"
    PROTECTED_ACCOUNT = "no service account of this name is declared, pushed or in Tecton"


class Mention(NamedTuple):
    """One name, where it is written, and among what it should be found."""

    path: Path
    name: str
    among: Named


def mentions(policy: Policy) -> Iterator[Mention]:
    """Yield every name that a policy mentions."""
    for index, rule in enumerate(policy.grants):
        yield from _of_rule(("grants", index), rule)
    for index, account in enumerate(policy.service_accounts):
        place: Path = ("service_accounts", index)
        for number, group in enumerate(account.groups):
            yield Mention((*place, "groups", number), group, Named.GROUP)
        if account.deliver_to and account.deliver_to.secret_scope:
            yield Mention((*place, "deliver_to", "secret_scope"), account.deliver_to.secret_scope, Named.SCOPE)
    for index, probe in enumerate(policy.probes):
        yield Mention(("probes", index, "service_account"), probe.service_account, Named.SERVICE_ACCOUNT)
    yield from _protected(policy)


def named_targets(policy: Policy) -> Iterator[Target]:
    """Yield the workspaces and secret scopes that a policy mentions."""
    levels = {Named.WORKSPACE: Level.WORKSPACE, Named.SCOPE: Level.SECRET_SCOPE}
    for mention in mentions(policy):
        if mention.among in levels:
            yield Target(levels[mention.among], mention.name)


def _of_rule(place: Path, rule: Rule) -> Iterator[Mention]:
    to = rule.to
    for key, name, among in (
        ("group", to.group, Named.GROUP),
        ("user", to.user, Named.USER),
        ("service_account", to.service_account, Named.SERVICE_ACCOUNT),
        ("workspace", to.workspace, Named.WORKSPACE),
    ):
        if name:
            yield Mention((*place, "to", key), name, among)
    levels = {Level.WORKSPACE: Named.WORKSPACE, Level.SECRET_SCOPE: Named.SCOPE}
    for index, spec in enumerate(rule.roles):
        target = spec.grant.target
        if target.level in levels:
            yield Mention((*place, "roles", index, target.level.value), target.name, levels[target.level])


def _protected(policy: Policy) -> Iterator[Mention]:
    for key, names, among in (
        ("users", policy.protected.users, Named.PROTECTED_USER),
        ("groups", policy.protected.groups, Named.PROTECTED_GROUP),
        ("service_accounts", policy.protected.service_accounts, Named.PROTECTED_ACCOUNT),
    ):
        for index, name in enumerate(names):
            yield Mention(("protected", key, index), name, among)
