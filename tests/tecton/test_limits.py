"""The limits that all runs share, and the counting that they do not."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from app.core.identity import Kind
from app.reconcile.ports import Calls, Throttled
from app.tecton import TectonService, open_tecton
from app.tecton.limits import CallCounter, Limits
from tests.tecton.conftest import Sandbox, ScriptedTecton, Time, config_for


def test_calls_are_evenly_spaced(time: Time) -> None:
    limits = Limits(rate=4, concurrency=1, clock=time, sleep=time.sleep)
    began, starts = time(), []
    for _ in range(5):
        with limits.turn():
            starts.append(time() - began)
    assert starts == [0, 0.25, 0.5, 0.75, 1.0]


def test_time_that_passed_unused_is_not_saved_up(time: Time) -> None:
    limits = Limits(rate=2, concurrency=1, clock=time, sleep=time.sleep)
    time.now += 100
    for _ in range(3):
        with limits.turn():
            pass
    assert time.naps == [0.5, 0.5]


def test_a_hold_lets_nobody_begin(time: Time) -> None:
    limits = Limits(rate=1000, concurrency=1, clock=time, sleep=time.sleep)
    limits.hold(30)
    with limits.turn():
        assert time.naps == [30]


def starts(limits: Limits, time: Time, number: int) -> list[float]:
    """Return when so many calls begin, from now on."""
    began, found = time(), []
    for _ in range(number):
        with limits.turn():
            found.append(time() - began)
    return found


def test_an_answer_that_asks_for_fewer_calls_halves_the_rate_of_everybody(time: Time) -> None:
    limits = Limits(rate=8, concurrency=1, clock=time, sleep=time.sleep)
    limits.heed(throttled=True)
    assert starts(limits, time, 3) == [0, 0.25, 0.5]
    time.now += 1
    limits.heed(throttled=True)
    assert starts(limits, time, 3) == [0, 0.5, 1.0]


def test_calls_that_were_under_way_together_halve_it_once(time: Time) -> None:
    limits = Limits(rate=8, concurrency=8, clock=time, sleep=time.sleep)
    for _ in range(8):
        limits.heed(throttled=True)
    assert starts(limits, time, 2) == [0, 0.25]


def test_calls_that_go_well_give_the_rate_back_little_by_little_and_no_more_than_it_was(time: Time) -> None:
    limits = Limits(rate=8, concurrency=1, clock=time, sleep=time.sleep)
    limits.heed(throttled=True)
    limits.heed(throttled=False)
    first = starts(limits, time, 2)[1]
    assert 1 / 8 < first < 1 / 4
    for _ in range(100):
        limits.heed(throttled=False)
    time.now += 1
    assert starts(limits, time, 2)[1] == 1 / 8


def test_however_often_it_is_asked_the_rate_does_not_fall_to_nothing(time: Time) -> None:
    limits = Limits(rate=8, concurrency=1, clock=time, sleep=time.sleep)
    for _ in range(50):
        time.now += 2
        limits.heed(throttled=True)
    assert starts(limits, time, 2) == [0, 2]


def test_a_tecton_that_throttles_everything_gets_fewer_calls_a_second_than_before_and_never_more(
    sandbox: Sandbox, time: Time
) -> None:
    """Twenty callers, each of whose calls may be tried four times: together they stay below the rate."""
    sandbox.fault("status", times=0, status=429)
    with open_tecton(config_for(sandbox.app, time, rate=10, concurrency=1)) as service:
        began = time()
        for _ in range(20):
            with pytest.raises(Throttled):
                service.for_run().list_scopes()
        seconds = time() - began
    assert len(sandbox.log()) == 20 * 4
    assert len(sandbox.log()) / seconds < 10 / 4


def test_no_more_calls_at_once_than_allowed(time: Time) -> None:
    limits = Limits(rate=1e9, concurrency=2, clock=lambda: 0.0, sleep=lambda _: None)
    inside, most, lock = 0, 0, threading.Lock()
    both_in = threading.Barrier(2, timeout=10)

    def work(_: int) -> None:
        nonlocal inside, most
        with limits.turn():
            with lock:
                inside += 1
                most = max(most, inside)
            both_in.wait()
            with lock:
                inside -= 1

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    assert most == 2


def test_the_counter_counts_from_many_threads() -> None:
    counter = CallCounter()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: counter.add(write=n % 3 == 0), range(999)))
    assert counter.calls == Calls(reads=666, writes=333)


def test_every_run_counts_its_own_calls(service: TectonService) -> None:
    first, second = service.for_run(), service.for_run()
    first.list_entries(Kind.USER)
    first.list_scopes()
    second.list_scope_grants("snowflake")
    assert first.calls == Calls(2, 0)
    assert second.calls == Calls(1, 0)


def test_the_rate_is_shared_by_all_runs(time: Time) -> None:
    answers: Any = [(200, {}, {"totalResults": 0})]
    with open_tecton(config_for(ScriptedTecton(answers), time, rate=2)) as service:
        for _ in range(3):
            service.for_run().list_entries(Kind.USER)
    assert time.naps == [0.5, 0.5]


def test_calls_are_counted_as_the_sandbox_counts_them(sandbox: Sandbox, service: TectonService) -> None:
    from app.core.access import GroupProfile
    from app.core.records import ScopeGrant

    tecton = service.for_run()
    tecton.own_account_id()
    group = tecton.create(Kind.GROUP, GroupProfile("ml"), (), ()).record
    tecton.assign([ScopeGrant(Kind.GROUP, group.id, "snowflake", "reader")])
    tecton.list_scope_grants("snowflake")
    tecton.list_scopes()
    tecton.metadata.list_workspaces()
    tecton.delete(Kind.GROUP, group.id)
    summary = sandbox.control("GET", "/log/summary")
    assert tecton.calls == (summary["reads"], summary["writes"]) == (4, 3)


def test_the_owner_of_the_key_is_asked_once_per_process(service: TectonService) -> None:
    assert service.for_run().own_account_id()
    later = service.for_run()
    assert later.own_account_id()
    assert later.calls == Calls(0, 0)
