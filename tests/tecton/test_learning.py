"""What is learned of a Tecton by reading alone: only what can be compared is taken for true."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.core.abilities import Abilities, Ability, Answer
from app.core.identity import Kind
from app.core.records import UserRecord
from app.tecton import TectonService
from tests.tecton.conftest import URL, Sandbox

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ROLE = {"type": "workspace_prod", "value": "viewer"}


def populate(sandbox: Sandbox) -> None:
    sandbox.user("ana@acme.com", roles=[ROLE])
    sandbox.user("ben@acme.com")
    sandbox.account("ci", roles=[ROLE])
    sandbox.group("ml", members=["ana@acme.com", "ben@acme.com", "ci"], roles=[ROLE])
    sandbox.forget_log()


def learn(service: TectonService) -> Abilities:
    return service.learn(URL, NOW)


def answers(found: Abilities) -> dict[str, str]:
    return {of.ability.value: of.answer.value for of in found.findings}


def test_lists_that_leave_roles_out_are_not_taken_for_whole(sandbox: Sandbox, service: TectonService) -> None:
    populate(sandbox)
    found = learn(service)
    assert found.whole_lists == frozenset()
    assert found.plan() == (
        "In a sweep, each of the users, groups and service accounts is read by itself, besides the lists."
    )


def test_lists_that_show_what_the_objects_own_pages_show_are_whole(sandbox: Sandbox, service: TectonService) -> None:
    populate(sandbox)
    sandbox.set(list_attributes="honoured")
    assert learn(service).whole_lists == {Kind.USER, Kind.GROUP, Kind.SERVICE_ACCOUNT}


def test_a_list_that_cuts_members_short_is_not_whole_and_says_of_whom(sandbox: Sandbox, service: TectonService) -> None:
    populate(sandbox)
    sandbox.set(list_attributes="members_cut")
    found = learn(service)
    assert found.whole_lists == {Kind.USER, Kind.SERVICE_ACCOUNT}
    finding = found.finding(Ability.WHOLE_GROUPS)
    assert finding and finding.sentence == "no: the list shows group ml otherwise than its own page"


def test_where_nobody_holds_anything_nothing_is_learned(sandbox: Sandbox, service: TectonService) -> None:
    sandbox.set(list_attributes="honoured")
    sandbox.group("empty")
    assert answers(learn(service))["whole_groups"] == "unknown"


@pytest.mark.parametrize(("cap", "expected"), [("1", "a page holds 1 entries at most"), ("0", "not known")])
def test_the_most_that_a_page_holds_is_learned_from_one_that_was_cut(
    sandbox: Sandbox, service: TectonService, cap: str, expected: str
) -> None:
    populate(sandbox)
    sandbox.set(list_count_cap=cap)
    finding = learn(service).finding(Ability.PAGES)
    assert finding and finding.sentence.startswith(expected)


def test_that_lists_say_when_an_entry_was_modified_is_never_a_reason_not_to_read(
    sandbox: Sandbox, service: TectonService
) -> None:
    populate(sandbox)
    sandbox.set(last_modified="everything")
    found = learn(service)
    assert (answers(found)["last_modified"], found.whole_lists) == ("yes", frozenset())
    sandbox.set(last_modified="absent")
    assert answers(learn(service))["last_modified"] == "no"


def test_whether_the_holders_of_a_scope_are_told_is_learned(sandbox: Sandbox, service: TectonService) -> None:
    assert answers(learn(service))["scope_principals"] == "yes"
    sandbox.fault("status", path="list-assigned-principals", times=0, status=404)
    assert answers(learn(service))["scope_principals"] == "no"


def test_how_a_change_is_answered_is_learned_from_a_real_one_in_passing(
    sandbox: Sandbox, service: TectonService
) -> None:
    ana = sandbox.user("ana@acme.com")
    assert "put_echo" not in answers(learn(service))

    def rename(record: object) -> UserRecord:
        assert isinstance(record, UserRecord)
        return replace(record, given_name="Anna")

    service.for_run().edit(Kind.USER, ana, rename)
    finding = learn(service).finding(Ability.PUT_ECHO)
    assert finding and finding.answer is Answer.YES


def test_learning_writes_nothing(sandbox: Sandbox, service: TectonService) -> None:
    populate(sandbox)
    sandbox.set(list_attributes="honoured")
    learn(service)
    assert sandbox.control("GET", "/log/summary")["writes"] == 0
