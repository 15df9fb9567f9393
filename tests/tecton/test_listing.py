"""A list is whole or it is an error: page caps, moving pages, truncation."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.identity import Kind
from app.reconcile.ports import Entry, TemporaryError
from app.tecton import TectonClient, open_tecton
from app.tecton.listing import list_whole
from tests.tecton.conftest import Sandbox, Script, Time, config_for

NAMES = [f"user{n:02}@acme.com" for n in range(25)]


def people(sandbox: Sandbox) -> set[str]:
    for name in NAMES:
        sandbox.user(name)
    return {*NAMES, "admin@example.com"}


def names(entries: list[Entry]) -> set[str]:
    return {entry.name for entry in entries}


def test_a_server_without_a_cap_is_asked_once(sandbox: Sandbox, tecton: TectonClient) -> None:
    everybody = people(sandbox)
    assert names(tecton.list_entries(Kind.USER)) == everybody
    assert tecton.calls.reads == 1


def test_a_cap_on_pages_is_survived(sandbox: Sandbox, tecton: TectonClient) -> None:
    everybody = people(sandbox)
    sandbox.set(list_count_cap="10")
    found = tecton.list_entries(Kind.USER)
    assert names(found) == everybody
    assert len(found) == len(everybody)
    assert tecton.calls.reads == 3


def test_our_own_page_size_is_kept_to(sandbox: Sandbox, time: Time) -> None:
    everybody = people(sandbox)
    tecton = open_tecton(config_for(sandbox.app, time, page_size=7)).for_run()
    assert names(tecton.list_entries(Kind.USER)) == everybody
    assert tecton.calls.reads == 4


def test_an_empty_list_is_empty(tecton: TectonClient) -> None:
    assert tecton.list_entries(Kind.GROUP) == []


def test_a_page_that_was_cut_short_is_read_on(sandbox: Sandbox, tecton: TectonClient) -> None:
    everybody = people(sandbox)
    sandbox.fault("page_cap", path="Users", times=1, size=4)
    assert names(tecton.list_entries(Kind.USER)) == everybody


def test_pages_that_shift_are_read_again_in_order(sandbox: Sandbox, tecton: TectonClient) -> None:
    everybody = people(sandbox)
    sandbox.set(list_count_cap="10")
    sandbox.fault("shifting_pages", path="Users", times=0)
    found = tecton.list_entries(Kind.USER)
    assert names(found) == everybody
    assert len(found) == len(everybody)


def test_an_unstable_order_is_survived(sandbox: Sandbox, tecton: TectonClient) -> None:
    everybody = people(sandbox)
    sandbox.set(list_count_cap="10", unsorted_order="unstable")
    random.seed(4)
    assert names(tecton.list_entries(Kind.USER)) == everybody


def page(total: Any, *ids: str) -> Any:
    rows = [{"id": id_, "displayName": f"group {id_}"} for id_ in ids]
    return 200, {}, {"totalResults": total, "startIndex": 1, "itemsPerPage": len(rows), "Resources": rows}


def test_a_list_that_lacks_entries_is_no_list(scripted: Script) -> None:
    tecton = scripted(page(5, "a", "b"), page(5))
    with pytest.raises(TemporaryError, match="listing incomplete: Tecton listed 0 of 5 groups"):
        tecton.list_entries(Kind.GROUP)


def test_a_server_that_ignores_start_index_is_found_out(scripted: Script) -> None:
    with pytest.raises(TemporaryError, match="listed 2 of 5 groups"):
        scripted(page(5, "a", "b")).list_entries(Kind.GROUP)


def test_a_list_that_keeps_changing_is_no_list(scripted: Script) -> None:
    answers = [page(total, "a") for total in (2, 3, 4, 5, 6, 7, 8)]
    with pytest.raises(TemporaryError, match="kept changing"):
        scripted(*answers).list_entries(Kind.GROUP)


def test_a_list_that_changed_once_is_read_again(scripted: Script) -> None:
    tecton = scripted(page(2, "a"), page(3, "b"), page(3, "a", "b", "c"))
    assert [entry.id for entry in tecton.list_entries(Kind.GROUP)] == ["a", "b", "c"]


@pytest.mark.parametrize("body", [{}, [], {"Resources": []}, {"totalResults": "2"}, {"totalResults": True}, None])
def test_a_list_without_a_total_is_no_list(scripted: Script, body: Any) -> None:
    with pytest.raises(TemporaryError, match="listing incomplete"):
        scripted((200, {}, body)).list_entries(Kind.GROUP)


def test_an_entry_without_an_id_is_no_entry(scripted: Script) -> None:
    with pytest.raises(TemporaryError, match="without an id"):
        scripted(page(1, "")).list_entries(Kind.GROUP)


@given(
    st.integers(0, 30),
    st.integers(1, 12),
    st.integers(1, 12),
    st.randoms(use_true_random=False),
    st.booleans(),
)
def test_every_size_of_page_gives_the_same_list(
    total: int, cap: int, size: int, chance: random.Random, shuffled: bool
) -> None:
    ids = [f"{n:02}" for n in range(total)]

    def fetch(query: Any) -> Any:
        rows = chance.sample(ids, total) if shuffled and "sortBy" not in query else ids
        start = int(query["startIndex"]) - 1
        chosen = rows[start : start + min(cap, int(query["count"]))]
        return {"totalResults": total, "Resources": [{"id": id_, "name": id_} for id_ in chosen]}

    found = list_whole(fetch, "things", "name", size)
    assert sorted(entry.id for entry in found) == ids
