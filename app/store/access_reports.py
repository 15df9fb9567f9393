"""What people read of one principal's access: what, through what, who wants it so, and why not. Only reads.

From what was pushed, the policy in force, and Tecton as last read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import Connection

from app.core.desired import Desired, desired_access
from app.core.directory import Directory, PushedGroup, PushedPerson
from app.core.explain import Access, explain
from app.core.identity import FOREIGN, Kind, Principal
from app.core.policy import Policy
from app.core.policy_names import named_targets
from app.core.why_not import Circumstances, Resource, overshadowed, why_not
from app.reconcile.world import World
from app.store.evidence import read_verified_at
from app.store.facts import OWN_ACCOUNT, read_fact
from app.store.leavers import find_leaver
from app.store.obstacles import obstacles
from app.store.sql import Session
from app.store.targets import read_targets
from app.store.vicinity import principals_called, read_vicinity


@dataclass(frozen=True, slots=True)
class AccessRow:
    """One grant that reaches a principal, with names instead of ids."""

    role: str
    on: str
    level: str
    resource: str | None
    via_group: str | None
    is_desired: bool
    is_observed: bool
    wanted_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AccessReport:
    """One principal: whether it is desired and in Tecton, its access, and why it lacks what it lacks."""

    principal: Principal
    name: str
    tecton_id: str | None
    is_desired: bool
    is_observed: bool
    access: tuple[AccessRow, ...]
    why_not: tuple[str, ...]
    verified_at: datetime | None = None  # for when all of it speaks that is said of Tecton; None: it was never read

    @property
    def standing(self) -> str:
        """Whether it is desired, and in Tecton, for a person."""
        return {
            (True, True): "is desired, and is in Tecton",
            (True, False): "is desired, and is not in Tecton",
            (False, True): "is in Tecton, and is not desired",
            (False, False): "was pushed, and is neither desired nor in Tecton",
        }[self.is_desired, self.is_observed]

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        access = [{name: getattr(row, name) for name in AccessRow.__slots__} for row in self.access]
        return {
            "kind": self.principal.kind.value,
            "name": self.name,
            "id": None if self.principal.is_foreign else self.principal.id,
            "tecton_id": self.tecton_id,
            "is_desired": self.is_desired,
            "is_observed": self.is_observed,
            "access": [{**row, "wanted_by": list(row["wanted_by"])} for row in access],
            "why_not": list(self.why_not),
            "verified_at": self.verified_at.isoformat() if self.verified_at else None,
        }


class AccessReports:
    """Directory, policy and Tecton as of one moment, to ask about principals.

    `world` may be the part of it that `read_vicinity` reads around them. Take the connection from `snapshot`.
    """

    def __init__(self, connection: Connection, world: World, policy: Policy, now: datetime) -> None:
        self.connection, self.world, self.policy = connection, world, policy
        directory = Directory(world.people, world.groups)
        self.desired: Desired = desired_access(directory, policy, now, world.profile_of)
        self.observed = world.observed()
        self.circumstances = Circumstances(directory, policy, self.desired)

    def is_called(self, principal: Principal, who: str) -> bool:
        """Tell whether this is somebody's name, in any case: as pushed, as declared, or as Tecton has it."""
        pushed = self._pushed(principal)
        names = [pushed.pushed_name] if pushed else []
        names += [self.world.name_of(principal)] if principal in self._everybody else []
        return who.casefold() in map(str.casefold, names)

    def knows(self, principal: Principal) -> bool:
        """Tell whether anything is said of a principal."""
        return principal in self._everybody or self._pushed(principal) is not None

    def groups_of(self, principal: Principal) -> set[Principal]:
        """Return the groups that a principal is in, or was pushed into, on any side."""
        states = (self.desired.state, self.observed, self.world.last)
        found = {group for state in states for group, members in state.members.items() if principal in members}
        return found | {group.principal for group in self.world.groups.values() if principal.id in group.members}

    @cached_property
    def _verified_at(self) -> datetime | None:
        return read_verified_at(self.connection)

    @cached_property
    def _own_account(self) -> str | None:
        """The Tecton id of the account of the bridge's own key, where Tecton tells."""
        known = read_fact(self.connection, OWN_ACCOUNT)
        return known["id"] if known else None

    @cached_property
    def _everybody(self) -> set[Principal]:
        return self.desired.state.principals() | self.observed.principals()

    def _pushed(self, principal: Principal) -> PushedPerson | PushedGroup | None:
        pushed = self.world.people.get(principal.id) or self.world.groups.get(principal.id)
        return pushed if pushed and pushed.principal == principal else None

    def report(self, principal: Principal, resource: str | None = None) -> AccessReport:
        """Return a principal's access, on one workspace or scope or on everything."""
        found = explain(principal, self.desired, self.observed)
        asked = self._resource(resource, found)
        shown = [access for access in found if asked is None or asked.is_reached_by(access.grant)]
        tecton_id = self.world.links.tecton_id_of(principal)
        return AccessReport(
            principal,
            self.world.name_of(principal),
            tecton_id,
            principal in self.desired.state.principals(),
            principal.kind is Kind.WORKSPACE or (principal.kind, tecton_id or "") in self.world.records,
            tuple(self._row(access) for access in shown),
            tuple(self._reasons(principal, asked, shown)),
            self._verified_at,
        )

    def _around(self, principal: Principal) -> Circumstances:
        """Return what decides over a principal's access; of one that nobody pushes or declares, what became of it."""
        if principal == Principal(Kind.SERVICE_ACCOUNT, f"{FOREIGN}{self._own_account}"):
            own = "is the bridge's own service account, which the bridge never writes"
            return replace(self.circumstances, fates={principal.id: own})
        if principal.is_foreign or self._pushed(principal) or principal in self.desired.state.profiles:
            return self.circumstances
        leaver = find_leaver(self.connection, principal)
        return replace(self.circumstances, fates={principal.id: leaver.fate}) if leaver else self.circumstances

    def _resource(self, name: str | None, found: list[Access]) -> Resource | None:
        """Return what has a name: in Tecton as last read, in the policy, or in what reaches the principal."""
        if not name:
            return None
        targets = {*read_targets(Session.of(self.connection)), *named_targets(self.policy)}
        targets |= {access.grant.target for access in found}
        return Resource(name, frozenset(of for of in targets if of.name.casefold() == name.casefold()))

    def _reasons(self, principal: Principal, resource: Resource | None, shown: list[Access]) -> list[str]:
        """Return why there is no access or, where there is, why part of it is not as wanted."""
        reasons = [] if any(a.is_desired for a in shown) else why_not(principal, resource, self._around(principal))
        if not shown or any(a.is_desired is not a.is_observed for a in shown):
            reasons += obstacles(self.connection, principal)
        return [*reasons, *overshadowed(principal, resource, self.circumstances)]

    def _row(self, access: Access) -> AccessRow:
        target = access.grant.target
        return AccessRow(
            access.grant.role,
            str(target),
            target.level.value,
            target.name or None,
            self.world.name_of(access.via) if access.via else None,
            access.is_desired,
            access.is_observed,
            access.wanted_by,
        )


def explain_by_name(
    connection: Connection, policy: Policy, who: str, now: datetime, resource: str | None = None
) -> list[AccessReport]:
    """Return the access of everybody of a name, on a resource or on everything; nothing when nobody is called so."""
    candidates = principals_called(connection, policy, who)
    reports = AccessReports(connection, read_vicinity(connection, policy, candidates), policy, now)
    return [reports.report(of, resource) for of in sorted(candidates) if reports.is_called(of, who)]
