"""Trying again: a value that says when, and a transport that does so only where it is safe."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from app.core.access import UserProfile
from app.core.identity import Kind
from app.reconcile.ports import TemporaryError, Throttled, UnknownOutcome, Unreachable
from app.tecton import Retry, TectonClient, open_tecton
from app.tecton.retry import parse_retry_after
from tests.tecton.conftest import Sandbox, ScriptedTecton, Time, config_for

ANA = UserProfile("ana@acme.com", "Ana", "Li")
EMPTY_LIST = {"totalResults": 0, "Resources": []}


def test_the_wait_doubles_up_to_a_limit() -> None:
    retry = Retry(first_delay=1, longest_delay=5, jitter=lambda: 0.0)
    assert [retry.delay(n) for n in (1, 2, 3, 4)] == [1, 2, 4, 5]


def test_jitter_takes_at_most_half_of_the_wait() -> None:
    assert Retry(first_delay=4, jitter=lambda: 1.0).delay(1) == 2
    assert Retry(first_delay=4, jitter=lambda: 0.5).delay(1) == 3


def test_what_the_server_asks_for_counts_up_to_a_limit() -> None:
    retry = Retry(longest_retry_after=60)
    assert retry.delay(1, 7) == 7
    assert retry.delay(1, 3600) == 60


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("7", 7.0), (" 0 ", 0.0), (None, None), ("", None), ("soon", None), ("-5", None), ("1.5", None)],
)
def test_retry_after_in_seconds(text: str | None, seconds: float | None) -> None:
    assert parse_retry_after(text, now=0) == seconds


def test_retry_after_as_a_date() -> None:
    date = datetime(2026, 3, 2, 9, 0, 30, tzinfo=UTC)
    text = format_datetime(date, usegmt=True)
    assert parse_retry_after(text, date.timestamp() - 30) == 30
    assert parse_retry_after(text, date.timestamp() + 30) == 0


def test_a_read_is_tried_again_until_it_succeeds(sandbox: Sandbox, tecton: TectonClient, time: Time) -> None:
    sandbox.fault("status", path="Users", times=2, status=503)
    assert tecton.list_entries(Kind.USER)
    assert time.naps == [0.5, 1.0]
    assert tecton.calls.reads == 3


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_tries_come_to_an_end(sandbox: Sandbox, tecton: TectonClient, time: Time, status: int) -> None:
    sandbox.fault("status", path="Users", times=0, status=status)
    with pytest.raises(Throttled if status == 429 else TemporaryError):
        tecton.list_entries(Kind.USER)
    assert len(time.naps) == 3


def test_a_500_is_not_tried_again(sandbox: Sandbox, tecton: TectonClient, time: Time) -> None:
    sandbox.fault("status", path="Users", times=0, status=500)
    with pytest.raises(TemporaryError):
        tecton.list_entries(Kind.USER)
    assert time.naps == []


def test_retry_after_in_seconds_is_slept_out(sandbox: Sandbox, tecton: TectonClient, time: Time) -> None:
    sandbox.fault("status", path="Users", status=429, retry_after="12")
    tecton.list_entries(Kind.USER)
    assert time.naps == [12.0]


def test_retry_after_as_a_date_is_slept_out(sandbox: Sandbox, tecton: TectonClient, time: Time) -> None:
    until = datetime.fromtimestamp(time() + 9, UTC)
    sandbox.fault("status", path="Users", status=503, retry_after=format_datetime(until, usegmt=True))
    tecton.list_entries(Kind.USER)
    assert time.naps == [9.0]


def test_a_wait_that_tecton_asked_for_holds_every_run(time: Time) -> None:
    naps: list[float] = []

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 1:  # while the first run waits, another one calls
            service.for_run().list_entries(Kind.GROUP)

    answers = [(429, {"Retry-After": "30"}, {}), (200, {}, EMPTY_LIST)]
    service = open_tecton(config_for(ScriptedTecton(answers), time, sleep=sleep))
    service.for_run().list_entries(Kind.USER)
    assert naps[:2] == [30.0, 30.0]


def test_the_error_says_how_long_tecton_wants_it_to_wait(sandbox: Sandbox, tecton: TectonClient) -> None:
    sandbox.fault("status", path="Users", times=0, status=429, retry_after="3600")
    with pytest.raises(Throttled) as caught:
        tecton.list_entries(Kind.USER)
    assert caught.value.retry_after == 3600


@pytest.mark.parametrize("kind", ["reset", "lost_reply"])
def test_a_delete_whose_reply_was_lost_is_done(sandbox: Sandbox, tecton: TectonClient, kind: str) -> None:
    id_ = sandbox.user("ana@acme.com")
    sandbox.fault(kind, method="DELETE")
    tecton.delete(Kind.USER, id_)
    assert tecton.get_record(Kind.USER, id_) is None
    assert tecton.calls.writes == 2


def test_a_create_whose_reply_was_lost_is_not_repeated(sandbox: Sandbox, tecton: TectonClient) -> None:
    sandbox.fault("lost_reply", method="POST", path="Users")
    with pytest.raises(UnknownOutcome, match="may have been done"):
        tecton.create(Kind.USER, ANA, (), ())
    assert tecton.calls.writes == 1
    assert [entry.name for entry in tecton.find_entries(Kind.USER, ANA.user_name)] == [ANA.user_name]


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_create_that_ended_in_trouble_is_not_repeated(
    sandbox: Sandbox, tecton: TectonClient, time: Time, status: int
) -> None:
    sandbox.fault("status", method="POST", path="Users", times=0, status=status)
    with pytest.raises(UnknownOutcome):
        tecton.create(Kind.USER, ANA, (), ())
    assert (tecton.calls.writes, time.naps) == (1, [])


def test_a_create_that_was_turned_away_is_tried_again(sandbox: Sandbox, tecton: TectonClient, time: Time) -> None:
    sandbox.fault("status", method="POST", path="Users", status=429, retry_after="3")
    assert tecton.create(Kind.USER, ANA, (), ()).record.name == ANA.user_name
    assert time.naps == [3.0]


def test_a_create_that_never_left_is_tried_again(time: Time) -> None:
    from tests.tecton.test_failures import nowhere

    tecton = nowhere(time)
    with pytest.raises(Unreachable):
        tecton.create(Kind.USER, ANA, (), ())
    assert len(time.naps) == 3
