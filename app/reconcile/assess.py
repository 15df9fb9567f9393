"""Assessing: what is desired of whom, what Tecton holds, and what therefore has to change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from app.core.access import AccessState, Profile, UserProfile, access_state
from app.core.aim import Aim, Surroundings, aim_at
from app.core.changes import Change
from app.core.correlation import Correlation, correlate
from app.core.desired import Desired, ProfileOf, desired_access, nobody
from app.core.diff import diff
from app.core.directory import Directory
from app.core.drift import DriftItem, Trouble, drift_blocked, drift_kept, drift_of
from app.core.identity import Kind, Principal
from app.core.policy import Policy
from app.reconcile.ports import Step
from app.reconcile.world import World


@dataclass(frozen=True, slots=True)
class Question:
    """Whom an assessment is about: everybody (`principals` is None), or some, with the directory that decides."""

    directory: Directory
    principals: frozenset[Principal] | None = None

    @property
    def is_everything(self) -> bool:
        """Tell whether it is about everybody."""
        return self.principals is None


@dataclass(frozen=True, slots=True)
class Assessment:
    """Desired, observed, the aim, and the changes from observed to aim."""

    question: Question
    desired: Desired
    observed: AccessState
    aim: Aim
    changes: tuple[Change, ...]
    correlation: Correlation

    def drift(self, world: World, trouble: Trouble) -> list[DriftItem]:
        """Return every difference, with its class and a sentence."""
        return [
            *drift_of(self.changes, world.last, world.name_of, self.desired.reasons, trouble),
            *drift_kept(self.aim.kept, world.name_of),
            *drift_blocked(self.desired.problems, self.correlation.disputed),
        ]


def link_up(world: World, desired: AccessState, wanted: AccessState, *, complete: bool) -> tuple[Step, Correlation]:
    """Return the step that links desired principals to what Tecton holds of their name, and how it went.

    `wanted` is the desired state of others, too: whoever is in it keeps what it is linked to.
    """
    found = correlate(desired, world.objects(), world.links, lambda of: _is_left(of, wanted, world), complete=complete)
    step = Step(links=list(found.adopted), unlinked=[link.principal for link in found.orphaned])
    for old, new in found.handed_over.items():
        step.unlinked.append(old)
        # What the bridge gave stays known as its own, whoever has it now.
        step.last_applied |= {old: None, new: _renamed(world.last.restricted_to([old]), old, new)}
    return step, found


def _is_left(principal: Principal, wanted: AccessState, world: World) -> bool:
    """Tell whether nobody wants a linked principal any more, and its object may be another's of the same name.

    A user's never: who was deleted loses all access, before somebody of the same name gets any.
    """
    is_person = principal.kind is Kind.USER
    return not (is_person or principal in wanted.profiles or world.is_pushed(principal))


def _renamed(last: AccessState, old: Principal, new: Principal) -> AccessState:
    profile = last.profiles.get(old)
    return access_state({new: profile} if profile else {}, {new: last.members_of(old)}, {new: last.grants_of(old)})


def desire(question: Question, policy: Policy, now: datetime, held: ProfileOf = nobody) -> tuple[Desired, AccessState]:
    """Return what is desired of those the question is about, and of them together with the members of their groups."""
    desired = desired_access(question.directory, policy, now, held)
    if question.principals is None:
        return desired, desired.state
    mine = Desired(
        desired.state.restricted_to(question.principals),
        desired.reasons,
        tuple(problem for problem in desired.problems if problem.principal in question.principals),
    )
    return mine, desired.state


def assess(
    world: World,
    question: Question,
    desired: Desired,
    with_members: AccessState,
    policy: Policy,
    correlation: Correlation,
    own_account: Principal | None,
    expired: frozenset[Principal] = frozenset(),
) -> Assessment:
    """Return the changes that make Tecton what it should be, for those the question is about.

    `with_members` is the desired state of them and of the members of their groups; `expired` are service
    accounts that were deactivated for longer than their grace.
    """
    observed = world.observed(question.principals)
    disputed = {dispute.principal for dispute in correlation.disputed}
    state = with_members.overlaid_with(AccessState(), disputed) if disputed else with_members
    around = Surroundings(
        policy=policy,
        last_applied=world.last,
        own_accounts=frozenset({own_account}) if own_account else world.admin_accounts(),
        own_is_known=own_account is not None,
        automatic=world.automatic_grants(),
        scopes=frozenset(world.scopes),
        expired=expired,
    )
    seen = observed
    if question.principals is not None and observed.members:
        seen = world.observed(question.principals.union(*observed.members.values()))
    aim = aim_at(state, seen, around, question.principals)
    return Assessment(question, desired, observed, aim, diff(aim.state, observed), correlation)


def stand_for(principal: Principal, last: AccessState, assessment: Assessment, held: AccessState) -> AccessState | None:
    """Return what is last applied of a principal from here on, None for nothing.

    To what was, comes what is now both desired and true; away goes what is neither. So what somebody
    takes away by hand stays known as given, and what is no longer desired stays known as the
    bridge's own until it is gone.
    """
    desired = assessment.desired.state
    members = _stood_for(last.members_of(principal), desired.members_of(principal), held.members_of(principal))
    grants = _stood_for(last.grants_of(principal), desired.grants_of(principal), held.grants_of(principal))
    profile = _profile_stood_for(principal, last, assessment, held)
    if profile is None and not members and not grants:
        return None
    return access_state({principal: profile} if profile else {}, {principal: members}, {principal: grants})


Item = TypeVar("Item")


def _stood_for(last: frozenset[Item], desired: frozenset[Item], held: frozenset[Item]) -> frozenset[Item]:
    return (last & (desired | held)) | (desired & held)


def _profile_stood_for(
    principal: Principal, last: AccessState, assessment: Assessment, held: AccessState
) -> Profile | None:
    """Keep a person's names as pushed, not as single sign-on wrote them: a later push is told from them."""
    desired, aim = assessment.desired.state.profiles.get(principal), assessment.aim.state.profiles.get(principal)
    seen = held.profiles.get(principal)
    if desired is not None and seen is not None and aim == seen:
        return desired if isinstance(desired, UserProfile) else seen
    return last.profiles.get(principal) if desired or seen else None
