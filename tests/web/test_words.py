"""How times, numbers and runs are said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.web.words import ago, count, emphasise, utc

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "just now"),
        (-3, "in a moment"),
        (59, "59 seconds ago"),
        (60, "1 minute ago"),
        (3599, "59 minutes ago"),
        (3600, "1 hour ago"),
        (86400 * 29, "29 days ago"),
        (86400 * 40, "on 2026-01-21"),
        (-90, "in 1 minute"),
    ],
)
def test_a_time_is_said_in_its_greatest_whole_unit(seconds: int, said: str) -> None:
    assert ago(NOW - timedelta(seconds=seconds), NOW) == said


def test_numbers_take_the_right_form_of_their_noun() -> None:
    assert [count(1, "try", "tries"), count(2000, "try", "tries"), count(0, "run")] == [
        "1 try",
        "2,000 tries",
        "0 runs",
    ]


def test_a_full_time_names_its_zone() -> None:
    assert utc(NOW) == "2026-03-02 09:00:00 UTC"


def test_the_name_stands_out_where_it_is_first_said_and_stays_escaped() -> None:
    assert emphasise("user a&b owes a&b", "a&b") == "user <strong>a&amp;b</strong> owes a&amp;b"
    assert emphasise("user <x>", "nobody") == "user &lt;x&gt;"
    assert emphasise("user x", "") == "user x"
