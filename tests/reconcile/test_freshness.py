"""A scheduled sweep spends its calls by risk and age, and what it does not read stays as it was known."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.settings import Settings
from tests.reconcile.conftest import MakeRig
from tests.rig import Rig

PEOPLE = [f"user{n}@acme.com" for n in range(12)]


class Crowd:
    """A Tecton of a dozen people that a bridge has read once, and whose scheduled sweeps have few calls."""

    def __init__(self, make_rig: MakeRig, calls: int, **settings: Any) -> None:
        self.rig: Rig = make_rig(sweep_budget=calls, **settings)
        self.rig.run()
        for name in PEOPLE:
            self.rig.create_user(name)
        self.rig.settle()
        self.rig.run()
        self.rig.forget_calls()

    def sweep(self, minutes: float = 15) -> dict[str, Any]:
        """Let the schedule ask for a sweep after so many minutes; return its report."""
        self.rig.clock.move(minutes=minutes)
        self.rig.forget_calls()
        self.rig.engine.schedule.ask_for_sweep()
        self.rig.engine.worker.tick()
        with self.rig.database.read() as connection:
            query = "SELECT summary, error FROM runs WHERE requested_by = 'schedule' ORDER BY requested_at DESC LIMIT 1"
            summary, error = connection.exec_driver_sql(query).one()
        assert error is None, error
        report: dict[str, Any] = summary if isinstance(summary, dict) else json.loads(summary)
        return report

    def read(self) -> set[str]:
        """Return the ids of the objects that were read one by one since the last sweep began."""
        paths = [call["path"] for call in self.rig.calls() if call["method"] == "GET"]
        return {path.rpartition("/")[2] for path in paths if "/scim/v2/" in path and path.count("/") > 4}

    def lists(self) -> int:
        """Return how many reads are made before any object: three lists, the scopes, and each scope."""
        return 3 + 1 + len(self.rig.state()["scopes"])

    def objects(self) -> dict[str, dict[str, Any]]:
        """Return everything that is read one by one, by id."""
        state = self.rig.state()
        return {of["id"]: of for kind in ("users", "groups", "service_accounts") for of in state[kind]}


@pytest.fixture
def crowd(make_rig: MakeRig) -> Crowd:
    return Crowd(make_rig, calls=16)


def test_a_scheduled_sweep_that_has_the_calls_reads_everything_and_no_more(make_rig: MakeRig) -> None:
    crowd = Crowd(make_rig, calls=1000)
    report = crowd.sweep()
    assert (report["reads"], report["writes"]) == (crowd.lists() + len(crowd.objects()), 0)
    assert report["freshness"]["everything"]


def test_a_sweep_that_has_not_keeps_to_its_budget_and_reads_the_privileged_first(crowd: Crowd) -> None:
    report = crowd.sweep()
    assert (report["reads"], report["writes"], report["drift"]["missing"]) == (16, 0, 0)
    assert len(list(crowd.rig.calls())) == 16
    admins = {of["id"] for of in crowd.objects().values() if ("account_type", "admin") in pairs(of)}
    assert admins <= crowd.read()
    fresh = report["freshness"]
    assert not fresh["everything"]
    assert fresh["privileged"]["verified"] == fresh["privileged"]["total"] > 0
    assert fresh["privileged"]["oldest_age_s"] == 0
    assert fresh["others"]["oldest_age_s"] > 14 * 60


def pairs(of: dict[str, Any]) -> set[tuple[str, str]]:
    return {(role["type"], role["value"]) for role in of["roles"]}


def test_sweep_after_sweep_everybody_is_read_within_the_hour(crowd: Crowd) -> None:
    read: set[str] = set()
    for _ in range(4):
        report = crowd.sweep()
        read |= crowd.read()
        assert report["freshness"]["late"] == {"privileged": 0, "others": 0}
    assert read == crowd.objects().keys()
    assert report["freshness"]["others"]["oldest_age_s"] <= 60 * 60


def test_calls_that_do_not_suffice_are_said(make_rig: MakeRig) -> None:
    crowd = Crowd(make_rig, calls=9)
    for _ in range(4):
        report = crowd.sweep()
    assert report["freshness"]["late"]["others"] > 0
    assert any("9 calls do not suffice" in note and "BRIDGE_SWEEP_BUDGET" in note for note in report["notes"])


def test_a_person_who_asks_for_a_sweep_gets_everything_read(crowd: Crowd) -> None:
    report = crowd.rig.run()
    assert report["reads"] == crowd.lists() + len(crowd.objects())


def test_the_first_sweep_reads_everything_whatever_its_budget(make_rig: MakeRig) -> None:
    rig = make_rig(sweep_budget=1)
    rig.engine.schedule.ask_for_sweep()
    rig.engine.worker.tick()
    with rig.database.read() as connection:
        read = connection.exec_driver_sql("SELECT count(*) FROM observed WHERE kind <> 'secret_scope'").scalar_one()
    assert read == len([of for kind in ("users", "groups", "service_accounts") for of in rig.state()[kind]])


def test_who_is_new_renamed_or_gone_in_tecton_is_seen_however_few_the_calls(make_rig: MakeRig) -> None:
    crowd = Crowd(make_rig, calls=1)
    rig = crowd.rig
    rig.by_hand("users", userName="stranger@acme.com", givenName="S", familyName="T")
    rig.tecton.delete(f"/_sandbox/users/{PEOPLE[3]}")
    crowd.sweep()
    assert rig.user(PEOPLE[3])  # it was pushed, and is made anew
    with rig.database.read() as connection:
        sentences = connection.exec_driver_sql("SELECT item FROM drift").scalars().all()
    assert any("stranger@acme.com" in str(item) for item in sentences)


def test_what_was_changed_in_an_object_that_is_not_read_is_put_right_once_it_is(crowd: Crowd) -> None:
    rig = crowd.rig
    crowd.sweep()
    just_read = next(of["userName"] for id_, of in crowd.objects().items() if id_ in crowd.read() and not of["roles"])
    rig.by_hand("assign", principal_type="user", principal=just_read, type="workspace_prod", value="editor")
    assert crowd.sweep()["writes"] == 0
    assert sum(crowd.sweep()["writes"] for _ in range(3)) == 1
    assert pairs(rig.user(just_read) or {"roles": ["gone"]}) == set()


def test_a_shortened_list_is_not_believed_by_a_sweep_with_few_calls_either(crowd: Crowd) -> None:
    crowd.rig.fault({"kind": "truncate_list", "keep": 1}, path_regex="/Users$", times=0)
    report = crowd.sweep()
    assert [of["guard"] for of in report["objections"]] == ["listing"]
    assert crowd.rig.writes() == []


def test_a_push_is_applied_to_somebody_whom_the_sweep_did_not_read(crowd: Crowd) -> None:
    crowd.sweep()
    with crowd.rig.database.read() as connection:
        query = "SELECT id FROM resources WHERE name = 'user11@acme.com'"
        user_id = connection.exec_driver_sql(query).scalar_one()
    crowd.rig.set_active(user_id, False)
    crowd.rig.settle()
    assert crowd.rig.user("user11@acme.com") is None
    assert crowd.sweep()["writes"] == 0


def test_without_a_budget_a_sweep_has_four_fifths_of_the_calls_that_the_rate_allows() -> None:
    about = {"_env_file": None, "tecton_rate": 10, "sweep_interval": "15m"}
    assert Settings(**about).sweep_calls == Settings(**about, sweep_budget="").sweep_calls == 7200
    assert Settings(**about, sweep_budget="500").sweep_calls == 500


def test_after_a_long_silence_everything_is_read_whatever_the_budget(crowd: Crowd) -> None:
    """A part would be taken for the whole of what came into Tecton meanwhile."""
    crowd.sweep()
    crowd.rig.clock.move(hours=2)
    assert crowd.sweep()["freshness"]["everything"]
    assert not crowd.sweep()["freshness"]["everything"]
