"""What a sweep with few calls reads first, and who is privileged."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.freshness import Limits, Verified, choose, freshness, privileged_objects, targets
from app.core.identity import ADMIN, Grant, Kind, Level, Target
from app.core.policy import Protected
from app.core.records import GroupRecord, MemberId, ScopeGrant, ServiceAccountRecord, TectonObjects, UserRecord

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
INTERVAL = timedelta(minutes=15)


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def user(name: str, *roles: Grant) -> UserRecord:
    return UserRecord(name, f"{name}@acme.com", roles=frozenset(roles))


def test_who_holds_a_role_that_gives_access_to_others_is_privileged_and_who_only_uses_is_not() -> None:
    owner = Grant(Target(Level.WORKSPACE, "prod"), "owner")
    viewer = Grant(Target(Level.ALL_WORKSPACES), "viewer")
    admins = GroupRecord("admins", "admins", members=frozenset({MemberId(Kind.USER, "ben")}), roles=frozenset({ADMIN}))
    robot = ServiceAccountRecord("robot", "robot", roles=frozenset({ADMIN}))
    people = [user("ana", owner), user("ben"), user("cy", viewer), user("dee"), user("eve")]
    records = {(Kind.USER, of.id): of for of in people}
    held = frozenset({ScopeGrant(Kind.USER, "dee", "snowflake", "manager")})
    objects = TectonObjects(
        {**records, (Kind.GROUP, "admins"): admins, (Kind.SERVICE_ACCOUNT, "robot"): robot}, {"snowflake": held}
    )
    found = {id_ for _, id_ in privileged_objects(objects, Protected(users=("EVE@acme.com",)))}
    assert found == {"ana", "ben", "dee", "eve", "admins", "robot"}


def test_the_privileged_come_first_and_then_who_waits_longest() -> None:
    seen = {"old": ago(50), "older": ago(55), "young": ago(20), "admin": ago(15)}
    chosen = choose(seen, {"admin"}, now=NOW, interval=INTERVAL, calls=3)
    assert chosen.read == ("admin", "older", "old")


def test_what_changed_by_the_look_of_a_list_is_read_before_who_is_merely_old() -> None:
    seen = {"old": ago(30), "suspect": ago(15)}
    assert choose(seen, (), suspect={"suspect"}, now=NOW, interval=INTERVAL, calls=1).read == ("suspect",)


def test_calls_that_do_not_suffice_are_said_in_numbers() -> None:
    seen = {"admin": ago(15), "old": ago(55), "older": ago(59), "young": ago(10)}
    chosen = choose(seen, {"admin"}, now=NOW, interval=INTERVAL, calls=0)
    assert (chosen.read, chosen.late_privileged, chosen.late_others) == ((), 1, 2)


@settings(max_examples=30, deadline=None)
@given(privileged=st.integers(0, 10), others=st.integers(0, 60), more=st.integers(0, 20))
def test_calls_for_the_privileged_and_a_third_of_the_others_keep_everybody_within_the_limit(
    privileged: int, others: int, more: int
) -> None:
    """Sweep after sweep, half a day long: the limits of fifteen and of sixty minutes are kept."""
    calls = privileged + -(-others // 3) + more
    admins = {f"admin{n}" for n in range(privileged)}
    seen = dict.fromkeys((*admins, *(f"user{n}" for n in range(others))), NOW)
    for turn in range(1, 48):
        now = NOW + turn * (INTERVAL + timedelta(seconds=2))  # never on the dot
        chosen = choose(seen, admins, now=now, interval=INTERVAL, calls=calls)
        assert (chosen.late_privileged, chosen.late_others) == (0, 0)
        limits = {name: timedelta(minutes=15 if name in admins else 60) for name in seen}
        assert all(now - seen[name] <= limits[name] + timedelta(minutes=1) for name in seen)
        seen |= dict.fromkeys(chosen.read, now)


@settings(max_examples=10, deadline=None)
@given(calls=st.integers(1, 10))
def test_with_too_few_calls_nobody_is_forgotten(calls: int) -> None:
    admins = {f"admin{n}" for n in range(10)}
    seen = dict.fromkeys((*admins, *(f"user{n}" for n in range(40))), NOW)
    for turn in range(1, 400 // calls):
        now = NOW + turn * INTERVAL
        seen |= dict.fromkeys(choose(seen, admins, now=now, interval=INTERVAL, calls=calls).read, now)
    assert all(seen[name] > NOW for name in seen)


def test_nothing_is_aimed_at_that_the_interval_does_not_allow() -> None:
    assert targets(timedelta(hours=2)) == Limits(timedelta(hours=2), timedelta(hours=2))


def test_coverage_is_counted_by_class_against_its_own_limit() -> None:
    rows = [Verified(True, ago(10), 2), Verified(True, ago(40), 1), Verified(False, ago(40), 7)]
    found = freshness(rows, NOW, Limits(timedelta(minutes=30), timedelta(minutes=60)))
    assert (found.privileged.verified, found.privileged.total) == (2, 3)
    assert (found.others.verified, found.others.total, found.is_whole) == (7, 7, False)
    assert found.oldest_at == ago(40)
    assert found.sentences(NOW)[0].startswith("2 of 3 privileged objects were verified within 30 m, the oldest 40 m")
