"""What people read of secret scopes: their principals, and the scopes of a principal. Every function only reads.

As Tecton was last read: who holds a role directly is asked for each scope at every sweep, who has it
through a group follows from the group's members.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from app.core.access import AccessState
from app.core.identity import Kind, Principal
from app.core.records import Links, TectonObjects, observed_access
from app.core.scope_roles import ScopeRole, scope_roles
from app.store.vicinity import names_in_tecton, read_objects, read_scopes


@dataclass(frozen=True, slots=True)
class Holding:
    """One role on one scope that reaches a principal. `via_group` names the group it comes from; None: direct."""

    scope: str
    role: str
    kind: str
    name: str
    tecton_id: str
    via_group: str | None
    principal_id: str  # the bridge's own

    @property
    def source(self) -> str:
        """Where the role comes from, for a person."""
        return f"group {self.via_group}" if self.via_group else "direct"

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {field: getattr(self, field) for field in type(self).__slots__ if field != "principal_id"}


@dataclass(frozen=True, slots=True)
class ScopesReport:
    """Every scope that Tecton has, and every role on one."""

    scopes: tuple[str, ...]
    holdings: tuple[Holding, ...]

    def of_scope(self, scope: str) -> list[Holding]:
        """Return who holds what on a scope."""
        return [holding for holding in self.holdings if holding.scope == scope]

    def of_principal(self, name: str) -> list[Holding]:
        """Return what a principal, by its name in Tecton (in any case) or its Tecton id, holds on which scopes."""
        wanted = name.casefold()
        return [h for h in self.holdings if wanted in (h.name.casefold(), h.tecton_id.casefold())]

    def count_principals(self, scope: str) -> int:
        """Return how many hold a role on a scope."""
        return len({(row.kind, row.tecton_id) for row in self.of_scope(scope)})


def load_scopes(connection: Connection) -> ScopesReport:
    """Return all of it, by scope, then principal."""
    scopes = read_scopes(connection)
    records, links = read_objects(connection, {(grant.kind, grant.id) for of in scopes.values() for grant in of})
    state = observed_access(TectonObjects(records, scopes), links)
    holdings = [_holding(role, state, links) for role in scope_roles(state)]
    ordered = sorted(holdings, key=lambda h: (h.scope, h.kind, h.name.casefold(), h.via_group or ""))
    return ScopesReport(tuple(sorted(scopes)), tuple(ordered))


def is_known(connection: Connection, name: str) -> bool:
    """Tell whether Tecton has a principal of this name or id, as last read; every workspace name is taken for one."""
    wanted = name.casefold()
    return any(wanted in (name.casefold(), id_.casefold()) for (_, id_), name in names_in_tecton(connection))


def _holding(role: ScopeRole, state: AccessState, links: Links) -> Holding:
    principal = role.principal
    tecton_id = links.tecton_id_of(principal) or ""
    via = _name(role.via, state) if role.via else None
    name = _name(principal, state)
    return Holding(role.scope, role.role, principal.kind.value, name, tecton_id, via, principal.id)


def _name(principal: Principal, state: AccessState) -> str:
    return principal.id if principal.kind is Kind.WORKSPACE else state.name_of(principal) or principal.id
