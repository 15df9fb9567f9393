"""What the guards need to know about a plan: the world around it, and where its removals come from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from app.core.changes import Change, MemberChange, is_true
from app.core.circumstances import Circumstances, Objection, Source
from app.core.guards import takers_of_admin
from app.core.identity import Kind, Principal
from app.core.plan import Plan
from app.core.policy import Policy
from app.core.removals import Item, holder_of
from app.reconcile.assess import Assessment
from app.reconcile.ports import Store
from app.reconcile.world import World

# Tecton promises no reads that are newer than the bridge's own writes, and says of several things that they take up to
# a minute. What the bridge took away so lately is away, whatever a read says; what it wrote is no older than the read.
LAG = timedelta(minutes=2)


def circumstances_of(
    plan: Plan,
    assessment: Assessment,
    world: World,
    store: Store,
    policy: Policy,
    now: datetime,
    held: Mapping[Item, Objection],
) -> Circumstances:
    """Return what the guards compare a plan with; `held` is what they held before."""
    removals = [change for change in plan.changes if change.removes_access]
    planned = set(plan.changes) if world.under_way else frozenset()
    at_stake = policy.guards.min_admins and takers_of_admin(plan.changes, world.observed())
    source = store.read_source({change.principal for change in removals}, policy.guards)
    return Circumstances(
        observed=world.observed(),
        limits=policy.guards,
        removed=store.removals_since(now - policy.guards.window),
        under_way={change: of for change, of in world.under_way.items() if change not in planned},
        taken=store.taken_since(now - LAG) if at_stake else frozenset(),
        held_before=held,
        desired=assessment.desired.state,
        last_applied=world.last,
        source=replace(source, leaving=_leaving(removals, source, world), remembered=world.remembered),
        is_whole=assessment.question.is_everything,
    )


def made_lately(changes: Iterable[Change], world: World, store: Store, now: datetime) -> dict[Principal, list[Change]]:
    """Return what was made so lately of those whom changes concern that a read may not show it yet.

    What is known to be otherwise since then was seen by a later look.
    """
    principals = {change.principal for change in changes if change.principal in world.links}
    made = store.tried_since(now - LAG, principals)
    known = world.observed(made.keys())
    return {principal: [change for change in of if is_true(change, known)] for principal, of in made.items()}


def _leaving(removals: Iterable[Change], source: Source, world: World) -> frozenset[Principal]:
    """Return which of those who lose memberships are not wanted in Tecton any more."""
    losers = {change.member for change in removals if isinstance(change, MemberChange)}
    losers |= {holder_of(item) for item in source.lost}
    return frozenset(loser for loser in losers if loser.kind is Kind.USER and not _stays(loser, world))


def _stays(user: Principal, world: World) -> bool:
    pushed = world.people.get(user.id)
    return user.is_foreign or (pushed is not None and pushed.provisioned)
