"""`explain`: everything that one principal may do, through what, and who wants it so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from app.core.access import AccessState
from app.core.desired import Desired
from app.core.identity import Grant, Principal


@dataclass(frozen=True, slots=True)
class Access:
    """One grant that reaches a principal: its own, or (`via`) that of a group it is in.

    `is_desired` and `is_observed` say on which side it is; `wanted_by` names the rules and pushes.
    """

    grant: Grant
    via: Principal | None
    is_desired: bool
    is_observed: bool
    wanted_by: tuple[str, ...] = ()


def explain(principal: Principal, desired: Desired, observed: AccessState) -> list[Access]:
    """Return every grant that reaches a principal, on either side, its own first."""
    sources: list[Principal | None] = [None, *_groups_of(principal, desired.state, observed)]
    return [access for via in sources for access in _through(principal, via, desired, observed)]


def _groups_of(principal: Principal, *states: AccessState) -> list[Principal]:
    return sorted({group for state in states for group, members in state.members.items() if principal in members})


def _through(principal: Principal, via: Principal | None, desired: Desired, observed: AccessState) -> Iterator[Access]:
    holder = via or principal
    wanted, held = desired.state.grants_of(holder), observed.grants_of(holder)
    in_desired = via is None or principal in desired.state.members_of(via)
    in_observed = via is None or principal in observed.members_of(via)
    for grant in sorted(wanted | held):
        is_desired, is_observed = in_desired and grant in wanted, in_observed and grant in held
        if is_desired or is_observed:
            yield Access(grant, via, is_desired, is_observed, desired.reasons.get((holder, grant), ()))
