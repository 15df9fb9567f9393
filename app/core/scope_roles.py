"""Who can do what on a secret scope, and where a principal can: each role with its source."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from app.core.access import AccessState
from app.core.identity import ROLES, Kind, Level, Principal


class ScopeRole(NamedTuple):
    """One role on one secret scope that reaches a principal: its own, or (`via`) that of a group it is in."""

    scope: str
    principal: Principal
    role: str
    via: Principal | None = None


def scope_roles(state: AccessState) -> list[ScopeRole]:
    """Return every role on every scope, of groups as such and of each of their members; the order is total."""
    found = {role for principal in state.grants for role in _reaching(principal, state)}
    return sorted(found, key=lambda r: (r.scope, r.principal, ROLES[Level.SECRET_SCOPE].index(r.role), r.via or ()))


def _reaching(holder: Principal, state: AccessState) -> Iterator[ScopeRole]:
    """Yield the scope roles of a holder, and of everybody who has them through it."""
    members = state.members_of(holder) if holder.kind is Kind.GROUP else frozenset()
    for grant in state.grants_of(holder):
        if grant.target.level is not Level.SECRET_SCOPE:
            continue
        yield ScopeRole(grant.target.name, holder, grant.role)
        for member in members:
            yield ScopeRole(grant.target.name, member, grant.role, holder)
