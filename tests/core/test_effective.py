"""Effective access: what a plan means for people, after the union over their groups."""

from __future__ import annotations

from hypothesis import given

from app.core.access import AccessState, GroupProfile, Profile, UserProfile, access_state
from app.core.changes import Change, GrantChange, MemberChange, ProfileChange
from app.core.diff import diff
from app.core.effective import effects, effects_of, head_of
from app.core.identity import ADMIN, Grant, Kind, Level, Principal, Target
from app.core.plan import make_plan
from tests.core.states import states

MANAGER = Grant(Target(Level.SECRET_SCOPE, "fraud"), "manager")
READER = Grant(Target(Level.SECRET_SCOPE, "fraud"), "reader")
PEOPLE = [Principal(Kind.USER, name) for name in ("ana", "bo", "cy")]
ONE, OTHER = Principal(Kind.GROUP, "one"), Principal(Kind.GROUP, "other")


def world(**grants: list[Grant]) -> AccessState:
    """Return three people in two groups."""
    profiles: dict[Principal, Profile] = {person: UserProfile(f"{person.id}@a.b") for person in PEOPLE}
    profiles |= {group: GroupProfile(group.id, "", ()) for group in (ONE, OTHER)}
    held = {Principal(Kind.GROUP, name): of for name, of in grants.items()}
    return access_state(profiles, {ONE: PEOPLE, OTHER: PEOPLE}, held)


def head(observed: AccessState, *changes: Change) -> list[str]:
    return head_of(changes, observed, lambda principal: principal.id)


def test_the_head_says_who_loses_what_and_how_many_changes_alter_nothing() -> None:
    observed = world(one=[MANAGER])
    changes = [MemberChange(OTHER, person, added=False) for person in PEOPLE]
    assert head(observed, *changes, GrantChange(ONE, MANAGER, added=False)) == [
        "3 (ana, bo, cy) lose manager on secret scope fraud",
        "3 changes have no effect on what anybody can do",
    ]


def test_what_somebody_keeps_by_another_group_is_no_loss() -> None:
    observed = world(one=[MANAGER], other=[MANAGER])
    assert head(observed, GrantChange(ONE, MANAGER, added=False)) == ["nobody can do more or less afterwards"]


def test_a_smaller_role_beside_a_greater_one_is_no_gain() -> None:
    assert head(world(one=[MANAGER]), GrantChange(OTHER, READER, added=True)) == [
        "nobody can do more or less afterwards"
    ]


def test_whoever_was_in_a_deleted_group_loses_what_it_gave() -> None:
    """The plan holds the deletion alone: what the group held goes with it."""
    observed = world(one=[ADMIN])
    without = AccessState({p: of for p, of in observed.profiles.items() if p != ONE}, {OTHER: frozenset(PEOPLE)})
    plan = make_plan(diff(without, observed))
    assert len(plan.changes) == 1
    assert head(observed, *plan.changes) == ["3 (ana, bo, cy) lose admin on the account"]


def test_a_rename_means_nothing_for_anybody() -> None:
    before, after = GroupProfile("one", "", ()), GroupProfile("uno", "", ())
    assert head(world(one=[ADMIN]), ProfileChange(ONE, before, after)) == ["nobody can do more or less afterwards"]


def test_no_changes_have_no_head() -> None:
    assert head(world(one=[ADMIN])) == []


@given(states(), states())
def test_what_a_plan_means_is_the_difference_that_it_makes(wanted: AccessState, observed: AccessState) -> None:
    assert effects_of(make_plan(diff(wanted, observed)).changes, observed) == effects(observed, wanted)


@given(states(), states())
def test_a_change_that_is_said_to_have_no_effect_can_be_left_out(wanted: AccessState, observed: AccessState) -> None:
    plan = make_plan(diff(wanted, observed))
    for change in plan.changes:
        if head(observed, change) == ["nobody can do more or less afterwards"]:
            assert effects_of([change], observed) == []
