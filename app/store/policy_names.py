"""Which names of a policy match nothing that was pushed, or that Tecton has. Only reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import Connection, func, select

from app.core.identity import Kind
from app.core.policy import Policy
from app.core.policy_names import Mention, Named, mentions
from app.store.facts import LAST_SWEEP, read_fact
from app.store.tables import known_targets, observed, resources

_PEOPLE = ("User", "ServiceAccount")
# What only Tecton can tell: nothing is said of it before all of Tecton was read once.
_OF_TECTON = frozenset(
    {Named.WORKSPACE, Named.SCOPE, Named.PROTECTED_USER, Named.PROTECTED_GROUP, Named.PROTECTED_ACCOUNT}
)


def unmatched_names(connection: Connection, policy: Policy) -> list[Mention]:
    """Return the mentions of a policy that match nothing, in the order of the policy.

    Nothing is said of pushed names before anything was pushed, nor of Tecton's before it was read whole.
    """
    was_read = read_fact(connection, LAST_SWEEP) is not None
    was_pushed = connection.execute(select(resources.c.id).limit(1)).first() is not None
    asked = [m for m in mentions(policy) if (was_read if m.among in _OF_TECTON else was_pushed)]
    known = {among: _KNOWN[among](connection, _names(asked, among), policy) for among in {m.among for m in asked}}
    return [mention for mention in asked if mention.name.casefold() not in known[mention.among]]


def _names(asked: Iterable[Mention], among: Named) -> list[str]:
    return sorted({mention.name for mention in asked if mention.among is among})


Look = Callable[[Connection, list[str], Policy], set[str]]


def _pushed(*types: str) -> Look:
    def look(connection: Connection, names: list[str], policy: Policy) -> set[str]:
        keys = [name.casefold() for name in names]
        found = select(resources.c.name_key).where(resources.c.type.in_(types), resources.c.name_key.in_(keys))
        return set(connection.execute(found).scalars())

    return look


def _seen(kind: Kind) -> Look:
    def look(connection: Connection, names: list[str], policy: Policy) -> set[str]:
        record: Any = observed.c.record
        name = func.lower(func.coalesce(record["user_name"].as_string(), record["name"].as_string()))
        wanted = {name.lower() for name in names}
        found = select(name).where(observed.c.kind == kind.value, name.in_(wanted))
        return {text.casefold() for text in connection.execute(found).scalars()}

    return look


def _declared(connection: Connection, names: list[str], policy: Policy) -> set[str]:
    return {name.casefold() for name in names if policy.declared(name)}


def _workspaces(connection: Connection, names: list[str], policy: Policy) -> set[str]:
    targets = [f"workspace/{name}" for name in names]
    found = connection.execute(select(known_targets.c.target).where(known_targets.c.target.in_(targets))).scalars()
    return {target.removeprefix("workspace/").casefold() for target in found}


def _scopes(connection: Connection, names: list[str], policy: Policy) -> set[str]:
    found = select(observed.c.tecton_id).where(observed.c.kind == "secret_scope", observed.c.tecton_id.in_(names))
    return {name.casefold() for name in connection.execute(found).scalars()}


def _any(*looks: Look) -> Look:
    return lambda connection, names, policy: set().union(*(look(connection, names, policy) for look in looks))


_KNOWN: dict[Named, Look] = {
    Named.GROUP: _pushed("Group"),
    Named.USER: _pushed("User"),
    Named.SERVICE_ACCOUNT: _any(_declared, _pushed(*_PEOPLE)),
    Named.WORKSPACE: _workspaces,
    Named.SCOPE: _scopes,
    Named.PROTECTED_USER: _any(_pushed("User"), _seen(Kind.USER)),
    Named.PROTECTED_GROUP: _any(_pushed("Group"), _seen(Kind.GROUP)),
    Named.PROTECTED_ACCOUNT: _any(_declared, _pushed(*_PEOPLE), _seen(Kind.SERVICE_ACCOUNT)),
}
