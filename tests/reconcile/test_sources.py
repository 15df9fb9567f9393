"""Guards on where removals come from: a source that broke is held, an ordinary day is not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.store.tokens import create_token
from tests.reconcile.conftest import MakeRig
from tests.rig import POLICY, Rig

# Limits on numbers that hold nothing here, so that it is seen what the guards on sources hold.
ROOMY = POLICY.replace(
    "min_admins: 0",
    "min_admins: 0, removals: {users: {count: 90, percent: 100}, members: {count: 90, percent: 100},"
    " roles: {count: 90, percent: 100}}",
)


@pytest.fixture
def roomy(make_rig: MakeRig) -> Rig:
    """A bridge with room for many removals, that has looked at its Tecton once."""
    rig = make_rig(policy=ROOMY)
    rig.run()
    return rig


def with_source(limits: str) -> str:
    """Return the roomy policy with limits for the source of removals."""
    return ROOMY.replace("min_admins: 0", f"min_admins: 0, source: {{{limits}}}")


def hire(rig: Rig, number: int, *, of: str = "user") -> list[str]:
    """Push so many users; return their ids."""
    return [rig.create_user(f"{of}{n}@acme.com") for n in range(number)]


def replace_members(rig: Rig, group: str, *members: str) -> None:
    """Push a group's members as Okta does: all of them, in place of those that were."""
    values = [{"value": member} for member in members]
    rig.patch(f"/Groups/{group}", {"op": "replace", "path": "members", "value": values})


def take_out(rig: Rig, group: str, *members: str) -> None:
    """Push that some leave a group."""
    rig.patch(f"/Groups/{group}", *({"op": "remove", "path": f'members[value eq "{m}"]'} for m in members))


def use_new_client(rig: Rig, name: str) -> None:
    """Push with another token from now on."""
    with rig.database.write() as connection:
        rig.token = create_token(connection, name, "scim", rig.clock())


def objections(report: dict[str, Any]) -> dict[str, str]:
    return {objection["guard"]: objection["sentence"] for objection in report["objections"]}


def held(rig: Rig) -> dict[str, str]:
    """Return which guards hold something now, with their sentences."""
    return objections(rig.run("plan"))


# ---------------------------------------------------------------- a group emptied at once


def test_a_group_emptied_by_one_push_is_held_whole(make_rig: MakeRig) -> None:
    """A service account that the policy put there does not make it any less empty."""
    rig = make_rig(policy=POLICY + "service_accounts: [{name: scoring, groups: [tecton-fraud]}]\n")
    rig.run()
    group = rig.create_group("tecton-fraud", *hire(rig, 8))
    rig.settle()
    replace_members(rig, group)
    rig.settle()
    assert len(rig.members("fraud")) == 9
    assert held(rig) == {
        "emptied": "group fraud was pushed without any person, and would lose 8 of 9 at once: "
        "more than the 5 that always go on"
    }


def test_a_group_of_as_many_as_the_floor_is_emptied(rig: Rig) -> None:
    group = rig.create_group("tecton-fraud", *hire(rig, 5))
    rig.settle()
    replace_members(rig, group)
    rig.settle()
    assert rig.members("fraud") == set()


def test_a_group_that_is_left_one_by_one_runs_empty(make_rig: MakeRig) -> None:
    rig = make_rig(policy=ROOMY.replace("min_admins: 0", "min_admins: 0, floor: 1"))
    rig.run()
    people = hire(rig, 3)
    group = rig.create_group("tecton-fraud", *people)
    rig.settle()
    for person in people:
        take_out(rig, group, person)
        rig.settle()
    assert rig.members("fraud") == set()


def test_a_deleted_group_of_three_is_deleted(rig: Rig) -> None:
    group = rig.create_group("tecton-fraud", *hire(rig, 3))
    rig.settle()
    rig.push("DELETE", f"/Groups/{group}")
    rig.settle()
    assert rig.group("fraud") is None


def test_a_policy_can_allow_that_groups_are_emptied(make_rig: MakeRig) -> None:
    rig = make_rig(policy=with_source("emptied: allow"))
    rig.run()
    group = rig.create_group("tecton-fraud", *hire(rig, 8))
    rig.settle()
    replace_members(rig, group)
    rig.settle()
    assert rig.members("fraud") == set()


# ---------------------------------------------------------------- many groups at once

SCATTERED = with_source("scattered: {within: 10m, groups: 3, people: 4}")


def teams(rig: Rig, number: int) -> tuple[list[str], list[str]]:
    """Push ten people and so many groups that all are in; return the ids of both."""
    people = hire(rig, 10)
    groups = [rig.create_group(f"tecton-team{n}", *people) for n in range(number)]
    rig.settle()
    return people, groups


def test_losses_in_many_groups_are_held_once_they_are_too_many(make_rig: MakeRig) -> None:
    rig = make_rig(policy=SCATTERED)
    rig.run()
    people, groups = teams(rig, 6)
    for number, group in enumerate(groups):
        take_out(rig, group, people[number])
        rig.settle()
    lost = sum(10 - len(rig.members(f"team{n}")) for n in range(6))
    assert lost == 4
    assert held(rig) == {
        "scattered": "6 people who stay would have lost memberships in 6 groups within 10 minutes, 2 of them now: "
        "more than 4 people and 3 groups"
    }


def test_people_who_leave_altogether_go_from_all_their_groups(make_rig: MakeRig) -> None:
    """Okta deactivates a leaver, and takes the leaver out of every group that it pushes."""
    rig = make_rig(policy=SCATTERED)
    rig.run()
    people, groups = teams(rig, 6)
    for person in people[:5]:
        rig.set_active(person, False)
        for group in groups:
            take_out(rig, group, person)
    rig.settle()
    assert {len(rig.members(f"team{n}")) for n in range(6)} == {5}
    assert held(rig) == {}


def test_a_few_who_move_leave_as_many_groups_as_they_were_in(make_rig: MakeRig) -> None:
    rig = make_rig(policy=SCATTERED)
    rig.run()
    people, groups = teams(rig, 6)
    for group in groups:
        take_out(rig, group, *people[:4])
    rig.settle()
    assert {len(rig.members(f"team{n}")) for n in range(6)} == {6}


# ---------------------------------------------------------------- a client nobody knows


def test_what_a_new_client_takes_from_others_is_held_beyond_the_floor(roomy: Rig) -> None:
    rig = roomy
    people = hire(rig, 12)
    group = rig.create_group("tecton-fraud", *people)
    rig.settle()
    rig.clock.move(days=3)
    use_new_client(rig, "okta-2")
    replace_members(rig, group, *people[8:])
    rig.create_user("new@acme.com")
    rig.settle()
    assert len(rig.members("fraud")) == 7
    assert rig.user("new@acme.com")
    sentence = held(rig)["new_client"]
    assert sentence.startswith("okta-2 pushed for the first time ")
    assert sentence.endswith("would take away 3 after 5 before of what okta pushed: more than the 5 that always go on")


def test_a_client_is_not_new_for_ever(roomy: Rig) -> None:
    rig = roomy
    people = hire(rig, 12)
    group = rig.create_group("tecton-fraud", *people)
    rig.settle()
    use_new_client(rig, "okta-2")
    rig.create_user("new@acme.com")
    rig.settle()
    rig.clock.move(days=2)
    replace_members(rig, group, *people[8:])
    rig.settle()
    assert len(rig.members("fraud")) == 4


def test_a_new_client_takes_away_what_it_pushed_itself(roomy: Rig) -> None:
    rig = roomy
    people = hire(rig, 12)
    group = rig.create_group("tecton-fraud", *people)
    rig.settle()
    replace_members(rig, group, *people[8:])
    rig.settle()
    assert len(rig.members("fraud")) == 4


def test_users_deleted_by_a_new_client_are_held_beyond_the_floor(roomy: Rig) -> None:
    rig = roomy
    people = hire(rig, 12)
    rig.settle()
    rig.clock.move(days=3)
    use_new_client(rig, "okta-2")
    for person in people[:7]:
        rig.push("DELETE", f"/Users/{person}")
    rig.settle()
    assert sum(user["userName"].startswith("user") for user in rig.state()["users"]) == 7
    assert "new_client" in held(rig)


# ---------------------------------------------------------------- a provider restored from a backup

UNDONE = with_source("undone: {within: 1d, people: 3}")


def leave_and_return(rig: Rig, people: list[str]) -> None:
    """Push that people leave, and some hours later, as if it had never been, that they are there."""
    for person in people:
        rig.set_active(person, False)
    rig.settle()
    rig.clock.move(hours=3)
    for person in people:
        rig.set_active(person, True)
    rig.settle()


def test_while_many_get_back_what_was_taken_removals_wait(make_rig: MakeRig) -> None:
    rig = make_rig(policy=UNDONE)
    rig.run()
    people = hire(rig, 12)
    group = rig.create_group("tecton-fraud", *people)
    rig.settle()
    leave_and_return(rig, people[:4])
    replace_members(rig, group, *people[8:])
    rig.settle()
    assert len(rig.members("fraud")) == 7
    assert held(rig) == {
        "undone": "4 people get back what was taken from them within 1 day, over 3: the identity provider may be "
        "restored from a backup, so that 3 of 3 removals wait"
    }


def test_a_few_who_return_hold_nothing(make_rig: MakeRig) -> None:
    rig = make_rig(policy=UNDONE)
    rig.run()
    people = hire(rig, 12)
    group = rig.create_group("tecton-fraud", *people)
    rig.settle()
    leave_and_return(rig, people[:3])
    replace_members(rig, group, *people[8:])
    rig.settle()
    assert len(rig.members("fraud")) == 4


# ---------------------------------------------------------------- a bridge that was not there


def give_by_hand(rig: Rig, number: int) -> None:
    names = [f"stranger{n}@acme.com" for n in range(number)]
    for name in names:
        rig.by_hand("users", userName=name, givenName="S", familyName="T")
    rig.by_hand("groups/fraud/members", add=names)


@pytest.mark.parametrize(("given", "away", "left"), [(8, 2.0, 8), (5, 2.0, 0), (8, 0.0, 0)])
def test_what_came_while_the_bridge_was_away_is_not_taken_if_it_is_much(
    roomy: Rig, given: int, away: float, left: int
) -> None:
    rig = roomy
    rig.create_group("tecton-fraud", *hire(rig, 12))
    rig.settle()
    rig.run()
    give_by_hand(rig, given)
    rig.clock.move(hours=away)
    rig.run()
    rig.run()
    assert len(rig.members("fraud")) == 12 + left


def test_what_is_doubted_stays_so_until_it_is_approved(roomy: Rig) -> None:
    rig = roomy
    rig.create_group("tecton-fraud", *hire(rig, 12))
    rig.settle()
    rig.run()
    give_by_hand(rig, 8)
    rig.clock.move(hours=2)
    first = rig.run()
    assert objections(first)["memory"].startswith("the bridge's database knows nothing of the time from 2026-03-02 09:")
    rig.clock.now += timedelta(seconds=10)
    assert rig.run()["fingerprint"] == first["fingerprint"]
    assert rig.run("apply", first["fingerprint"])["applied"] == 8
    assert (len(rig.members("fraud")), rig.run()["held"]) == (12, 0)


# ---------------------------------------------------------------- an ordinary day


def test_a_nightly_push_of_the_same_changes_nothing(rig: Rig) -> None:
    people = hire(rig, 20)
    group = rig.create_group("tecton-fraud", *people)
    rig.settle()
    rig.forget_calls()
    rig.clock.move(hours=12)
    replace_members(rig, group, *people)
    rig.settle()
    assert (rig.writes(), held(rig)) == ([], {})
