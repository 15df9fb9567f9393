"""Rehearsing: what the next sweep would do under some policy, thought through on what is known of Tecton.

It is the round of a sweep itself, guards and all; but Tecton is not asked, and nothing is stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from app.core.access import AccessState
from app.core.changes import outcome_of
from app.core.drift import DriftItem
from app.core.effective import Effect, effects
from app.core.guards import Verdict
from app.core.identity import Kind, Principal
from app.core.plan import Plan
from app.core.records import Links
from app.reconcile.assess import Assessment, Question
from app.reconcile.ports import Step, Tecton
from app.reconcile.report import Run
from app.reconcile.round import Round, Setting


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a policy would make of Tecton: the plan, what the guards say of it, and every difference that is seen."""

    observed: AccessState
    plan: Plan = field(default_factory=Plan)
    verdict: Verdict = field(default_factory=Verdict)
    drift: tuple[DriftItem, ...] = ()
    links: Links = field(default_factory=Links)

    @property
    def outcome(self) -> AccessState:
        """What Tecton would hold in the end, held changes included."""
        return outcome_of(self.observed, self.plan.changes)


def rehearse(setting: Setting, question: Question) -> Outlook:
    """Return what a run would do; the world of `setting` is used up by it."""
    no_tecton = cast("Tecton", None)  # a run that only plans never calls it
    rehearsal = _Rehearsal(setting, Run("rehearsal", "plan", no_tecton), question)
    rehearsal.go()
    return rehearsal.outlook


class _Rehearsal(Round):
    """A round that keeps nothing."""

    def __init__(self, setting: Setting, run: Run, question: Question) -> None:
        super().__init__(setting, run, question)
        self.outlook = Outlook(AccessState())

    def keep(self, step: Step) -> None:
        self.world.take(step)

    def _state(self, plan: Plan, verdict: Verdict, assessment: Assessment) -> None:
        drift = tuple(self._drift(assessment))
        self.outlook = Outlook(assessment.observed, plan, verdict, drift, self.world.links)


def effects_between(now: Outlook, then: Outlook) -> list[Effect]:
    """Return who could do more or less in Tecton in the end under one policy than under the other."""
    # Whom one policy does not know, and the other one takes over, is one and the same.
    same = {of: link.principal for link in then.links if (of := _known_as(link.tecton_id, link.principal.kind, now))}
    return effects(_renamed(now.outcome, same), then.outcome)


def _known_as(tecton_id: str, kind: Kind, outlook: Outlook) -> Principal | None:
    principal = outlook.links.principal_of(kind, tecton_id)
    return principal if principal.is_foreign else None


def _renamed(state: AccessState, names: Mapping[Principal, Principal]) -> AccessState:
    if not names:
        return state
    return AccessState(
        {names.get(p, p): profile for p, profile in state.profiles.items()},
        {names.get(p, p): frozenset(names.get(m, m) for m in of) for p, of in state.members.items()},
        {names.get(p, p): grants for p, grants in state.grants.items()},
    )
