"""People who were deleted and come back get back what they had, until the provider says what is theirs."""

from __future__ import annotations

from typing import Any

from tests.reconcile.conftest import MakeRig
from tests.rig import POLICY, Rig, roles

EDITOR = ("workspace_prod", "editor")


def leave(rig: Rig, **attributes: Any) -> tuple[str, str]:
    """Push Ana with a role of her own, in a group; delete her; return the ids of both."""
    role = [{"type": EDITOR[0], "value": EDITOR[1]}]
    ana = rig.create_user("ana@acme.com", roles=role, **attributes)
    ben = rig.create_user("ben@acme.com")
    group = rig.create_group("tecton-fraud", ana, ben)
    rig.settle()
    rig.push("DELETE", f"/Users/{ana}")
    rig.settle()
    assert rig.user("ana@acme.com") is None
    return ana, group


def test_a_deleted_person_who_returns_gets_groups_and_roles_back(rig: Rig) -> None:
    leave(rig, externalId="00u1")
    rig.create_user("ana@acme.com", externalId="00u1")
    rig.settle()
    assert rig.members("fraud") == {"ana@acme.com", "ben@acme.com"}
    assert roles(rig.user("ana@acme.com")) == {EDITOR}
    assert rig.run()["planned"] == 0


def test_a_person_is_known_again_by_name_when_the_provider_gives_no_id(rig: Rig) -> None:
    leave(rig)
    rig.create_user("Ana@acme.com")
    rig.settle()
    assert rig.members("fraud") == {"Ana@acme.com", "ben@acme.com"}


def test_a_person_is_known_again_by_id_under_another_name(rig: Rig) -> None:
    leave(rig, externalId="00u1")
    rig.create_user("ana.li@acme.com", externalId="00u1")
    rig.settle()
    assert rig.members("fraud") == {"ana.li@acme.com", "ben@acme.com"}


def test_a_namesake_inherits_nothing(rig: Rig) -> None:
    leave(rig, externalId="00u1")
    rig.create_user("ana@acme.com", externalId="00u2")
    rig.settle()
    rig.run()
    assert rig.members("fraud") == {"ben@acme.com"}
    assert roles(rig.user("ana@acme.com")) == set()


def test_what_the_provider_does_not_confirm_lapses(rig: Rig) -> None:
    leave(rig)
    rig.create_user("ana@acme.com")
    rig.settle()
    rig.clock.move(hours=25)
    rig.run()
    assert rig.members("fraud") == {"ben@acme.com"}
    assert roles(rig.user("ana@acme.com")) == set()


def test_what_the_provider_confirms_stays(rig: Rig) -> None:
    _, group = leave(rig)
    ana = rig.create_user("ana@acme.com")
    rig.settle()
    rig.patch(f"/Groups/{group}", {"op": "add", "path": "members", "value": [{"value": ana}]})
    rig.settle()
    rig.clock.move(hours=25)
    rig.run()
    assert rig.members("fraud") == {"ana@acme.com", "ben@acme.com"}


def test_a_policy_can_leave_for_good_what_was_given_back(make_rig: MakeRig) -> None:
    rig = make_rig(policy=POLICY + "\nreturns: {confirm: never}\n")
    rig.run()
    leave(rig)
    rig.create_user("ana@acme.com")
    rig.settle()
    rig.clock.move(days=60)
    rig.run()
    assert rig.members("fraud") == {"ana@acme.com", "ben@acme.com"}


def test_scim_shows_only_what_was_pushed(rig: Rig) -> None:
    """A provider that saw the membership there would not push it."""
    _, group = leave(rig)
    ana = rig.create_user("ana@acme.com")
    rig.settle()
    members = rig.push("GET", f"/Groups/{group}")["members"]
    assert ana not in [member["value"] for member in members]
    assert "roles" not in rig.push("GET", f"/Users/{ana}")


def test_a_push_of_all_members_ends_what_was_given_back(rig: Rig) -> None:
    _, group = leave(rig)
    rig.create_user("ana@acme.com")
    rig.settle()
    ben = rig.push("GET", '/Users?filter=userName eq "ben@acme.com"')["Resources"][0]["id"]
    rig.patch(f"/Groups/{group}", {"op": "replace", "path": "members", "value": [{"value": ben}]})
    rig.settle()
    assert rig.members("fraud") == {"ben@acme.com"}


def test_a_push_that_takes_the_person_out_ends_what_was_given_back(rig: Rig) -> None:
    _, group = leave(rig)
    ana = rig.create_user("ana@acme.com")
    rig.settle()
    rig.patch(f"/Groups/{group}", {"op": "remove", "path": f'members[value eq "{ana}"]'})
    rig.settle()
    assert rig.members("fraud") == {"ben@acme.com"}


def test_roles_that_come_with_the_return_are_the_only_ones(rig: Rig) -> None:
    leave(rig)
    ana = rig.create_user("ana@acme.com", roles=[{"type": "workspace_prod", "value": "viewer"}])
    rig.settle()
    assert roles(rig.user("ana@acme.com")) == {("workspace_prod", "viewer")}
    rig.patch(f"/Users/{ana}", {"op": "remove", "path": "roles"})
    rig.settle()
    assert roles(rig.user("ana@acme.com")) == set()


def test_roles_pushed_after_the_return_end_those_given_back_for_good(rig: Rig) -> None:
    leave(rig)
    ana = rig.create_user("ana@acme.com")
    rig.settle()
    viewer = [{"type": "workspace_prod", "value": "viewer"}]
    rig.patch(f"/Users/{ana}", {"op": "add", "path": "roles", "value": viewer})
    rig.settle()
    rig.patch(f"/Users/{ana}", {"op": "remove", "path": "roles"})
    rig.settle()
    assert roles(rig.user("ana@acme.com")) == set()


def test_a_group_that_is_not_pushed_any_more_does_not_come_back(rig: Rig) -> None:
    _, group = leave(rig)
    rig.push("DELETE", f"/Groups/{group}")
    rig.create_user("ana@acme.com")
    rig.settle()
    assert rig.group("fraud") is None
    assert roles(rig.user("ana@acme.com")) == {EDITOR}


def test_who_leaves_again_before_anything_was_confirmed_is_remembered_whole(rig: Rig) -> None:
    leave(rig)
    ana = rig.create_user("ana@acme.com")
    rig.settle()
    rig.push("DELETE", f"/Users/{ana}")
    rig.settle()
    assert rig.members("fraud") == {"ben@acme.com"}
    rig.create_user("ana@acme.com")
    rig.settle()
    assert rig.members("fraud") == {"ana@acme.com", "ben@acme.com"}
    assert roles(rig.user("ana@acme.com")) == {EDITOR}


def test_after_the_period_nothing_is_remembered_or_kept(make_rig: MakeRig) -> None:
    rig = make_rig(policy=POLICY + "\nreturns: {remember: 30d}\n")
    rig.run()
    leave(rig, externalId="00u1")
    rig.clock.move(days=31)
    rig.run()
    with rig.database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM departures").scalar_one() == 0
    rig.create_user("ana@acme.com", externalId="00u1")
    rig.settle()
    assert rig.members("fraud") == {"ben@acme.com"}


def test_a_policy_can_remember_nobody(make_rig: MakeRig) -> None:
    rig = make_rig(policy=POLICY + "\nreturns: {remember: never}\n")
    rig.run()
    leave(rig)
    rig.create_user("ana@acme.com")
    rig.settle()
    rig.run()
    assert rig.members("fraud") == {"ben@acme.com"}


def test_a_return_is_said(rig: Rig) -> None:
    leave(rig)
    rig.create_user("ana@acme.com")
    report = rig.run()
    assert report["notes"] == [
        "ana@acme.com was deleted and is back: 1 groups and 1 roles are given back until 2026-03-03 09:00 UTC, "
        "unless it is pushed by then"
    ]
    assert rig.members("fraud") == {"ana@acme.com", "ben@acme.com"}


def test_what_one_person_had_is_not_given_back_to_two(rig: Rig) -> None:
    """The provider's id says whose it was; the name alone says less."""
    leave(rig, externalId="00u1")
    rig.create_user("ana@acme.com")
    rig.create_user("ana.li@acme.com", externalId="00u1")
    rig.settle()
    assert rig.members("fraud") == {"ana.li@acme.com", "ben@acme.com"}
    assert roles(rig.user("ana@acme.com")) == set()


def test_roles_pushed_and_taken_away_before_anybody_looked_end_those_given_back(rig: Rig) -> None:
    leave(rig)
    ana = rig.create_user("ana@acme.com")
    rig.settle()
    assert roles(rig.user("ana@acme.com")) == {EDITOR}
    viewer = [{"type": "workspace_prod", "value": "viewer"}]
    rig.patch(f"/Users/{ana}", {"op": "add", "path": "roles", "value": viewer})
    rig.patch(f"/Users/{ana}", {"op": "remove", "path": "roles"})
    rig.settle()
    assert roles(rig.user("ana@acme.com")) == set()
