"""The laws of the core, for any state."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.core.access import AccessState, Profile, UserProfile, access_state
from app.core.aim import Surroundings, aim_at
from app.core.changes import GrantChange, ProfileChange, apply_changes, from_json, to_json
from app.core.circumstances import NewClient, Pusher, Silence, Source
from app.core.correlation import correlate
from app.core.diff import diff
from app.core.drift import DriftClass, classify
from app.core.guards import REMOVAL_KINDS, Circumstances, count_removals, effective_admins, judge
from app.core.identity import (
    ADMIN,
    ROLES,
    Grant,
    Kind,
    Level,
    Principal,
    Target,
    format_grant,
    parse_grant,
    without_contained,
)
from app.core.plan import make_plan
from app.core.policy import Policy, Protected, Unmanaged
from app.core.policy_guards import Guards, Limit, Removals, Scattered, Undone
from app.core.policy_guards import Source as SourceLimits
from app.core.records import GroupRecord, Link, Links, Record, ServiceAccountRecord, TectonObjects, UserRecord
from tests.core.states import EVERYBODY, grants, states

ANA = Principal(Kind.USER, "ana")
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PROD_VIEWER = Grant(Target(Level.WORKSPACE, "prod"), "viewer")


@given(states(), states())
def test_applying_the_difference_gives_what_was_wanted(wanted: AccessState, observed: AccessState) -> None:
    assert apply_changes(observed, diff(wanted, observed)) == wanted


@given(states())
def test_equal_states_have_no_difference(state: AccessState) -> None:
    assert diff(state, state) == ()


@given(states(), states())
def test_reversing_every_change_restores_what_was_observed(wanted: AccessState, observed: AccessState) -> None:
    changes = diff(wanted, observed)
    back = [change.reverse() for change in reversed(changes)]
    assert apply_changes(apply_changes(observed, changes), back) == observed


@given(states(), states(), st.randoms())
def test_a_plan_does_not_depend_on_the_order_of_its_input(
    wanted: AccessState, observed: AccessState, order: random.Random
) -> None:
    changes = list(diff(wanted, observed))
    plan = make_plan(changes)
    order.shuffle(changes)
    assert make_plan(changes) == plan


@given(states(), states(), states())
def test_a_fingerprint_differs_exactly_when_the_changes_do(
    one: AccessState, other: AccessState, base: AccessState
) -> None:
    first, second = make_plan(diff(one, base)), make_plan(diff(other, base))
    assert (first.fingerprint == second.fingerprint) is (set(first.changes) == set(second.changes))


@given(states(), states())
def test_a_change_survives_being_stored(wanted: AccessState, observed: AccessState) -> None:
    changes = diff(wanted, observed)
    assert tuple(from_json(to_json(change)) for change in changes) == changes


@given(grants)
def test_a_grant_is_the_same_after_tectons_vocabulary(grant: Grant) -> None:
    assert parse_grant(*format_grant(grant)) == grant


@given(st.frozensets(grants))
def test_dropping_contained_roles_drops_nothing_that_no_other_role_gives(held: frozenset[Grant]) -> None:
    kept = without_contained(held)
    assert kept <= held
    assert {grant.target for grant in kept} == {grant.target for grant in held}
    assert without_contained(kept) == kept


REMOVE_ALL = Unmanaged(users="remove", groups="remove", service_accounts="remove", members="remove", roles="remove")


def policy(**parts: object) -> Policy:
    return Policy(version=1, **parts)  # type: ignore[arg-type]


@given(states(), states(), states())
def test_nothing_protected_is_ever_planned(desired: AccessState, observed: AccessState, last: AccessState) -> None:
    of = policy(unmanaged=REMOVE_ALL, protected=Protected(users=("ANA@acme.com",)))
    changes = diff(aim_at(desired, observed, Surroundings(of, last)).state, observed)
    assert not [change for change in changes if change.principal == ANA]
    assert not [change for change in changes if getattr(change, "member", None) == ANA]


@given(states(), states(), states())
def test_the_bridges_own_account_is_never_planned(
    desired: AccessState, observed: AccessState, last: AccessState
) -> None:
    own = Principal(Kind.SERVICE_ACCOUNT, "ana")
    around = Surroundings(policy(unmanaged=REMOVE_ALL), last, own_accounts=frozenset({own}))
    changes = diff(aim_at(desired, observed, around).state, observed)
    assert not [change for change in changes if own in (change.principal, getattr(change, "member", None))]
    groups = {group for group, members in observed.members.items() if own in members}
    assert not [c for c in changes if isinstance(c, ProfileChange) and c.deletes and c.principal in groups]


@given(states(), states(), states())
def test_what_only_tecton_knows_is_not_touched_unless_policy_says_so(
    desired: AccessState, observed: AccessState, last: AccessState
) -> None:
    changes = diff(aim_at(desired, observed, Surroundings(policy(), last)).state, observed)
    foreign = {p for p in observed.principals() if p.is_foreign} - desired.principals()
    assert not [change for change in changes if change.principal in foreign]


@given(states(), states(), states(), st.sets(st.sampled_from(EVERYBODY)))
def test_what_is_aimed_at_for_some_is_what_is_aimed_at_for_all(
    desired: AccessState, observed: AccessState, last: AccessState, some: set[Principal]
) -> None:
    """A drain looks at some, a sweep at all: knowing the members of their groups, both must do the same."""
    around = Surroundings(policy(protected=Protected(users=("ana@acme.com",))), last)
    members = {m for state in (desired, observed) for group in some for m in state.members_of(group)}
    part = [state.restricted_to(some | members) for state in (desired, observed)]
    whole = aim_at(desired, observed, around)
    aim = aim_at(part[0], part[1], around, some)
    assert aim.state == whole.state.restricted_to(some)
    assert aim.kept == tuple(kept for kept in whole.kept if kept.principal in some)


def one_per_target(held: frozenset[Grant]) -> frozenset[Grant]:
    """Tecton's SCIM keeps one role per target: the one that comes first in its order of roles."""
    targets = {grant.target for grant in held}
    return frozenset(
        next(Grant(target, role) for role in ROLES[target.level] if Grant(target, role) in held) for target in targets
    )


@given(states(), states(), states())
def test_with_everything_managed_tecton_becomes_what_is_desired(
    desired: AccessState, observed: AccessState, last: AccessState
) -> None:
    """Service accounts aside, which are deactivated, and names, which single sign-on writes."""
    of = policy(unmanaged=REMOVE_ALL)
    state = aim_at(desired, observed, Surroundings(of, last)).state
    for principal, profile in desired.profiles.items():
        assert state.profiles[principal].name == profile.name
        assert state.grants_of(principal) == one_per_target(desired.grants_of(principal))
        assert state.members_of(principal) == desired.members_of(principal)
    gone = {p for p in observed.profiles.keys() - desired.profiles.keys() if p.kind is not Kind.SERVICE_ACCOUNT}
    assert not gone & state.profiles.keys()


limits = st.builds(Limit, count=st.integers(0, 6), percent=st.sampled_from([0, 10, 50, 100]))


@given(states(), states(), st.integers(0, 4), limits, st.integers(0, 3))
def test_no_more_is_removed_in_a_window_than_the_guards_allow(
    wanted: AccessState, observed: AccessState, floor: int, limit: Limit, before: int
) -> None:
    """Neither by count nor by percentage, with what went before; and nothing that gives access is held."""
    guards = Guards(
        floor=floor, removals=Removals(users=limit, service_accounts=limit, members=limit, roles=limit), min_admins=0
    )
    plan = make_plan(diff(wanted, observed))
    removed = dict.fromkeys(REMOVAL_KINDS, before)
    verdict = judge(plan, Circumstances(observed, guards, removed))
    everything = {
        "users": sum(principal.kind is Kind.USER for principal in observed.profiles),
        "service_accounts": sum(getattr(profile, "active", False) for profile in observed.profiles.values()),
        "members": sum(map(len, observed.members.values())),
        "roles": sum(map(len, observed.grants.values())),
    }
    for kind, number in count_removals(verdict.flowing, observed).items():
        share = (number + before) * 100 <= limit.percent * (everything[kind] + before)
        assert number == 0 or number + before <= floor or (number + before <= limit.count and share)
    assert all(change in verdict.flowing for change in plan.changes if not change.removes_access)


@given(states(), states(), st.integers(0, 3), st.booleans())
def test_there_are_never_fewer_admins_than_the_minimum(
    wanted: AccessState, observed: AccessState, minimum: int, is_approved: bool
) -> None:
    """Not even when a person approves it."""
    guards = Guards(floor=1000, min_admins=minimum)
    plan = make_plan(diff(wanted, observed))
    approved = frozenset(plan.changes) if is_approved else frozenset()
    verdict = judge(plan, Circumstances(observed, guards, approved=approved))
    removals = [change for change in verdict.flowing if change.removes_access]
    before, after = effective_admins(observed), effective_admins(apply_changes(observed, removals))
    gone = observed.profiles.keys() - apply_changes(observed, removals).profiles.keys()
    assert len(after - gone) >= minimum or after - gone >= before


@given(states(), states(), states())
def test_a_rename_is_never_a_delete_and_a_create(
    desired: AccessState, observed: AccessState, last: AccessState
) -> None:
    """Whoever is on both sides, under whatever name, is altered at the most."""
    both = desired.profiles.keys() & observed.profiles.keys()
    changes = diff(aim_at(desired, observed, Surroundings(policy(unmanaged=REMOVE_ALL), last)).state, observed)
    of_both = [change for change in changes if isinstance(change, ProfileChange) and change.principal in both]
    assert not [change for change in of_both if change.creates or change.deletes]


@given(states(), states(), st.sets(st.sampled_from(EVERYBODY)), st.sets(st.sampled_from(EVERYBODY)))
def test_a_link_once_made_is_followed_through_every_rename(
    desired: AccessState, observed: AccessState, linked: set[Principal], left: set[Principal]
) -> None:
    """Only an object that is gone, or a principal that nobody wants, ends it; and no object is ever two principals'.

    A desired state has each name once (`desired_access` says which of two has it).
    """
    first = {(principal.kind, desired.profiles[principal].name): principal for principal in desired.profiles}
    desired = desired.restricted_to(first.values())
    objects = TectonObjects({(p.kind, f"id of {p.id}"): record(p, profile) for p, profile in observed.profiles.items()})
    links = [Link(p, f"id of {p.id}") for p in sorted(linked) if p.kind is not Kind.WORKSPACE]
    found = correlate(desired, objects, Links(links), left.__contains__, complete=True)
    there = {link for link in links if link.principal in observed.profiles}
    assert set(found.orphaned) == set(links) - there
    assert not {link.principal for link in found.adopted} & {link.principal for link in there}
    assert found.handed_over.keys() <= left
    kept = [link for link in there if link.principal not in found.handed_over]
    ids = [(link.principal.kind, link.tecton_id) for link in (*kept, *found.adopted)]
    assert len(ids) == len(set(ids))


def record(principal: Principal, profile: Profile) -> Record:
    id_ = f"id of {principal.id}"
    if principal.kind is Kind.USER:
        return UserRecord(id_, profile.name)
    return GroupRecord(id_, profile.name) if principal.kind is Kind.GROUP else ServiceAccountRecord(id_, profile.name)


def one(profile: bool, *held: Grant) -> AccessState:
    return access_state({ANA: UserProfile("ana@acme.com")} if profile else {}, {}, {ANA: held})


def test_a_grant_that_was_applied_and_is_gone_is_missing() -> None:
    assert classify(GrantChange(ANA, PROD_VIEWER, added=True), one(True, PROD_VIEWER)) is DriftClass.MISSING


def test_a_grant_that_is_newly_desired_is_pending() -> None:
    assert classify(GrantChange(ANA, PROD_VIEWER, added=True), one(True)) is DriftClass.PENDING


def test_a_grant_that_nobody_applied_is_extra() -> None:
    assert classify(GrantChange(ANA, ADMIN, added=False), one(True)) is DriftClass.EXTRA


def test_a_grant_that_is_no_longer_desired_is_pending() -> None:
    assert classify(GrantChange(ANA, ADMIN, added=False), one(True, ADMIN)) is DriftClass.PENDING


def test_a_user_deleted_by_hand_is_missing() -> None:
    change = ProfileChange(ANA, None, UserProfile("ana@acme.com"))
    assert classify(change, one(True)) is DriftClass.MISSING


@given(states(), states(), states())
def test_whatever_its_source_nothing_but_a_removal_is_held_and_an_approval_lets_it_go(
    wanted: AccessState, observed: AccessState, last: AccessState
) -> None:
    limits = Guards(floor=0, min_admins=0, source=strict_source())
    plan = make_plan(diff(wanted, observed))
    everybody = frozenset(change.principal for change in plan.changes)
    source = Source(
        now=NOW,
        pushers=dict.fromkeys(everybody, Pusher("new", "old")),
        new_clients=(NewClient("new", NOW),),
        back=frozenset(EVERYBODY),
        silence=Silence(NOW - timedelta(hours=2), NOW),
    )
    around = Circumstances(observed, limits, desired=wanted, last_applied=last, source=source)
    verdict = judge(plan, around)
    assert all(change.removes_access for change in verdict.held)
    assert judge(plan, replace(around, approved=frozenset(verdict.held))).held == ()


def strict_source() -> SourceLimits:
    return SourceLimits(scattered=Scattered(groups=0, people=0), undone=Undone(people=0))
