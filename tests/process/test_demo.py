"""The demo: as a person starts it, ends it and breaks it; and its own parts."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from app.demo.changes import changes, differences
from app.demo.day import CLIENTS, Step, expectations, load_day
from app.demo.errors import DayError, DemoError
from app.demo.expectation import Expectation
from app.demo.facts import Aspect, Fact, Facts, Snapshot, Subject, read_snapshot, role_words
from app.demo.interrupts import SIGNALS, Interrupts, Stopped
from app.demo.notation import fill, lacks, merge, pick
from app.demo.performance import wait_for
from app.demo.processes import ROOT, ChildDied, Family
from app.demo.stage import POLICY, WORLD, Stage
from app.demo.story import DAY
from app.demo.tecton import Tecton
from app.sandbox import create_app

ANA = Subject("user", "ana@acme.example")
TEAM = Subject("group", "team")


class Demo:
    """A running `python -m app demo`, with what it printed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # Its own TMPDIR: what it leaves there is seen.
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "app", "demo", "--port", "0"],
            cwd=ROOT,
            env={**os.environ, "TMPDIR": str(folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        self.grew = threading.Condition()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.popen.stdout
        with self.popen.stdout as stream:
            for line in stream:
                with self.grew:
                    self.lines.append(line.rstrip("\n"))
                    self.grew.notify_all()

    def wait_for_line(self, start: str, seconds: float = 90) -> str:
        """Return the first line that starts so."""
        with self.grew:
            found = self.grew.wait_for(lambda: next((x for x in self.lines if x.startswith(start)), None), seconds)
        assert found, self.text
        return found

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def family(self) -> list[psutil.Process]:
        """Return it and all its processes."""
        demo = psutil.Process(self.popen.pid)
        return [demo, *demo.children(recursive=True)]

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        self.popen.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Wait until it has ended and all that it printed is read; return its exit code."""
        code = self.popen.wait(timeout=60)
        self.reader.join(timeout=10)
        return code


@contextmanager
def demo_running(folder: Path) -> Iterator[Demo]:
    demo = Demo(folder)
    try:
        yield demo
    finally:
        if demo.popen.poll() is None:
            for process in reversed(demo.family()):
                process.kill()
            demo.popen.wait()


def assert_nothing_is_left(demo: Demo, family: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(family, timeout=5)
    assert not alive
    assert list(demo.folder.glob("tecton-demo-*")) == []


# ---------------------------------------------------------------- as a person uses it


@pytest.mark.process
def test_the_day_replays_drift_is_healed_and_ctrl_c_leaves_nothing_behind(tmp_path: Path) -> None:
    with demo_running(tmp_path) as demo:
        url = demo.wait_for_line("ready ").split()[1]
        assert demo.lines[-1] == f"ready {url}"
        assert requests.get(f"{url}/", timeout=10).status_code == 200
        assert requests.get(f"{url}/scim/v2/Users", timeout=10).status_code == 401
        family = demo.family()
        assert len(family) == 3
        assert demo.stop() == 0, demo.text
        assert_nothing_is_left(demo, family)
    for step in load_day(DAY):
        assert f"{step.at}  {step.title}" in demo.text
    assert "facts of Tecton are what seed, pushes and policy say" in demo.text
    assert "extra: user dana.whitfield@acme.example should not hold owner on workspace prod" in demo.text
    assert re.search(r"once more: 0 planned, 0 applied, 0 failed, 0 held; \d+ reads, 0 writes", demo.text)
    assert re.search(r"sign in +name admin, password \S+", demo.text)
    assert "tsb_" not in demo.text  # a token


@pytest.mark.process
@pytest.mark.parametrize("at", ["sandbox ", "bridge "])
def test_a_demo_stopped_in_the_middle_leaves_nothing_behind(tmp_path: Path, at: str) -> None:
    with demo_running(tmp_path) as demo:
        demo.wait_for_line(at)
        family = demo.family()
        assert demo.stop(signal.SIGTERM) == 0, demo.text
        assert_nothing_is_left(demo, family)


@pytest.mark.process
def test_a_server_that_dies_ends_the_demo_with_its_last_words(tmp_path: Path) -> None:
    with demo_running(tmp_path) as demo:
        demo.wait_for_line("bridge ")
        family = demo.family()
        sandbox = next(process for process in family if "sandbox" in process.cmdline())
        sandbox.kill()
        assert demo.wait() == 1
        assert_nothing_is_left(demo, family)
    assert "error: the sandbox ended by itself with exit code -9" in demo.text
    assert "Traceback" not in demo.text


@pytest.mark.process
def test_a_process_that_does_not_start_is_said_with_its_own_words(tmp_path: Path) -> None:
    with Family(tmp_path, Interrupts()) as family:
        seed = ("--seed", str(tmp_path / "none.json"))
        child = family.start("sandbox", "sandbox", "--port", "0", *seed, environment=os.environ)
        with pytest.raises(ChildDied, match=r"exit code 2(.|\n)*none\.json"):
            child.wait_until_ready()


@pytest.mark.process
def test_what_tecton_does_not_hold_is_said_and_a_failing_block_ends_the_processes(tmp_path: Path) -> None:
    processes = []
    with pytest.raises(DemoError) as failure, Family(tmp_path, Interrupts()) as family:
        stage = Stage(family, tmp_path)
        tecton = stage.start_sandbox()
        processes = [child.popen for child in family.children]
        held = tecton.snapshot().facts
        wait_for(held | {Fact(ANA, Aspect.EXISTS)}, tecton, family, "12:00 Ana is hired", seconds=0.2)
    assert "12:00 Ana is hired: Tecton does not hold what it should" in str(failure.value)
    assert "missing:   user ana@acme.example is there" in str(failure.value)
    assert [popen.poll() for popen in processes] == [0]


@pytest.mark.process
def test_a_failing_command_is_said_with_its_own_words(tmp_path: Path) -> None:
    with (
        Family(tmp_path, Interrupts()) as family,
        pytest.raises(DemoError, match=r"python -m app policy check none.yaml ended with exit code 1(.|\n)*none.yaml"),
    ):
        family.run("policy", "check", "none.yaml", environment=os.environ)


# ---------------------------------------------------------------- signals


@pytest.fixture
def handlers() -> Iterator[None]:
    """Put back the signal handlers of the tests."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("handlers")
def test_the_first_signal_ends_and_those_after_it_do_not_cut_the_end_short() -> None:
    interrupts = Interrupts()
    ended = False
    with pytest.raises(Stopped), interrupts.handled():
        try:
            os.kill(os.getpid(), signal.SIGINT)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
            ended = True
    os.kill(os.getpid(), signal.SIGTERM)
    assert ended


@pytest.mark.usefixtures("handlers")
def test_a_signal_waits_while_a_process_is_started() -> None:
    interrupts = Interrupts()
    started = False
    with pytest.raises(Stopped), interrupts.handled(), interrupts.held():
        os.kill(os.getpid(), signal.SIGINT)
        started = True
    assert started


# ---------------------------------------------------------------- the files of the day


def seed_facts() -> Facts:
    client = create_app(admin_key="k", seed=WORLD).test_client()
    return read_snapshot(client.get("/_sandbox/state").get_json()).facts


def sent(client: str) -> list[dict[str, Any]]:
    return [r.model_dump() for step in load_day(DAY) if step.client == client for r in step.requests]


def operations(client: str) -> list[dict[str, Any]]:
    patches = [request["body"] for request in sent(client) if request["method"] == "PATCH"]
    return [operation for body in patches for operation in body["Operations"]]


def test_the_files_agree_with_themselves_and_every_client_takes_part() -> None:
    day = load_day(DAY)
    assert len(list(expectations(day, seed_facts()))) == len(day)
    assert {step.client for step in day} == {None, *CLIENTS}
    assert day[0].requests == ()
    assert [step.at for step in day] == sorted(step.at for step in day)


def test_an_okta_wizard_app_never_patches_and_puts_what_it_read() -> None:
    requests_ = sent("okta-wizard")
    assert {request["method"] for request in requests_} == {"GET", "POST", "PUT"}
    assert all(request["body_of"] for request in requests_ if request["method"] == "PUT")


def test_an_okta_catalogue_app_never_puts_and_names_the_group_in_each_change_of_it() -> None:
    requests_ = sent("okta-catalogue")
    assert "PUT" not in {request["method"] for request in requests_}
    for request in requests_:
        if request["method"] == "PATCH" and request["path"].startswith("/Groups/"):
            first = request["body"]["Operations"][0]
            assert {"id", "displayName"} <= first["value"].keys()
    assert {"op": "replace", "value": {"active": False}} in operations("okta-catalogue")


def test_entra_writes_operations_in_capitals_and_with_the_flag_it_does_not() -> None:
    assert {operation["op"] for operation in operations("entra")} == {"Add", "Replace", "Remove"}
    assert {"op": "Replace", "path": "active", "value": "False"} in operations("entra")
    assert {operation["op"] for operation in operations("entra-scim2")} == {"add", "replace", "remove"}
    assert {"op": "replace", "path": "active", "value": False} in operations("entra-scim2")


def test_every_form_of_grant_is_in_the_policy_and_reaches_somebody() -> None:
    text = POLICY.read_text()
    for form in (
        "group:",
        "user:",
        "service_account:",
        "workspace:",
        "where:",
        "secret_scope:",
        "all_workspaces:",
        "account:",
    ):
        assert f"{{{form}" in text, form
    day = load_day(DAY)
    held = {fact for facts in expectations(day, seed_facts()) for fact in facts}
    for role in ("operator on all workspaces", "admin on the account", "writer on secret scope search"):
        assert any(fact.value == role and fact.subject.kind == "group" for fact in held)
    assert Fact(Subject("workspace", "prod"), Aspect.ROLE, "reader on secret scope snowflake") in held


def test_a_file_with_an_unknown_word_is_said_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "00.json").write_text(json.dumps({"at": "8", "client": None, "title": "", "expect": {"user": {}}}))
    with pytest.raises(DayError) as failure:
        load_day(tmp_path)
    assert "00.json: at: " in str(failure.value)
    assert "00.json: expect/user: Extra inputs" in str(failure.value)


def test_a_day_without_files_is_said(tmp_path: Path) -> None:
    with pytest.raises(DayError, match="holds no steps"):
        load_day(tmp_path)


# ---------------------------------------------------------------- the notation


def test_placeholders_are_filled_wherever_a_text_is() -> None:
    value = {"path": "/Users/${ana}", "members": [{"$ref": None, "value": "${ana}"}], "active": True}
    assert fill(value, {"ana": "1"}) == {
        "path": "/Users/1",
        "members": [{"$ref": None, "value": "1"}],
        "active": True,
    }
    with pytest.raises(DayError, match=r"\$\{ben\} was not captured"):
        fill("${ben}", {"ana": "1"})


def test_a_merge_changes_what_it_names_and_keeps_the_rest() -> None:
    read = {"id": "1", "name": {"givenName": "A", "familyName": "B"}, "roles": [1, 2], "title": "x"}
    merged = merge(read, {"name": {"familyName": "C"}, "roles": [3], "title": None})
    assert merged == {"id": "1", "name": {"givenName": "A", "familyName": "C"}, "roles": [3]}
    assert read["title"] == "x"


def test_paths_lead_into_answers() -> None:
    assert pick({"Resources": [{"id": "1"}]}, "Resources.0.id") == "1"
    for path in ("Resources.1.id", "id", "Resources.x"):
        with pytest.raises(DayError, match="there is no"):
            pick({"Resources": [{"id": "1"}]}, path)


def test_an_answer_may_say_more_than_is_expected_but_not_less() -> None:
    answer = {"totalResults": 1, "Resources": [{"id": "1", "active": False}]}
    assert lacks(answer, {"Resources": [{"active": False}]}) is None
    assert lacks(answer, {"Resources": [{"active": True}]}) == "Resources.0.active is False, not True"
    assert lacks(answer, {"Resources": []}) is not None


# ---------------------------------------------------------------- facts, changes, expectations


def snapshot(*facts: Fact, **ids: str) -> Snapshot:
    return Snapshot(frozenset(facts), {Subject("group", name): id_ for name, id_ in ids.items()})


def test_a_state_of_the_sandbox_becomes_facts() -> None:
    facts = seed_facts()
    ci, staging = Subject("service account", "ci-deploy"), Subject("workspace", "staging")
    assert Fact(ci, Aspect.MEMBER, "contractors") in facts
    assert Fact(ci, Aspect.ROLE, "editor on workspace staging") in facts
    assert Fact(staging, Aspect.ROLE, "reader on secret scope search") in facts
    assert Fact(Subject("secret scope", "snowflake"), Aspect.KEY, "password") in facts


@pytest.mark.parametrize(
    ("type_", "value", "words"),
    [
        ("account_type", "admin", "admin on the account"),
        ("all_workspaces", "viewer", "viewer on all workspaces"),
        ("workspace_my_prod", "owner", "owner on workspace my_prod"),
        ("secret_scope_workspace_x", "secret_scope_reader", "reader on secret scope workspace_x"),
    ],
)
def test_roles_are_said_in_words(type_: str, value: str, words: str) -> None:
    assert role_words(type_, value) == words


def test_changes_are_one_sentence_a_subject() -> None:
    was = snapshot(Fact(ANA, Aspect.EXISTS), Fact(ANA, Aspect.ROLE, "a"), Fact(ANA, Aspect.ROLE, "b"))
    now = snapshot(
        Fact(ANA, Aspect.EXISTS), Fact(ANA, Aspect.ROLE, "a"), Fact(ANA, Aspect.ROLE, "c"), Fact(ANA, Aspect.ROLE, "d")
    )
    assert changes(was, now) == ["user ana@acme.example is now holding c and d; no longer holding b"]
    assert changes(snapshot(), was) == ["user ana@acme.example is new: holding a and b"]
    assert changes(was, snapshot()) == ["user ana@acme.example is gone; it was holding a and b"]
    assert changes(was, was) == []


def test_a_rename_is_no_new_group_and_its_members_did_not_move() -> None:
    member = Fact(ANA, Aspect.MEMBER, "team")
    was = snapshot(Fact(TEAM, Aspect.EXISTS), member, team="1")
    crew = Fact(Subject("group", "crew"), Aspect.EXISTS)
    now = snapshot(crew, member._replace(value="crew"), crew="1")
    assert changes(was, now) == ["group team is now called crew"]
    made_anew = snapshot(crew, member._replace(value="crew"), crew="2")
    assert "group team is gone" in changes(was, made_anew)


def test_differences_name_both_sides() -> None:
    expected, found = Fact(ANA, Aspect.NAMED, "Ana"), Fact(ANA, Aspect.ROLE, "viewer on workspace prod")
    assert differences(frozenset([expected]), frozenset([found])) == [
        "missing:   user ana@acme.example is named Ana",
        "too much:  user ana@acme.example is holding viewer on workspace prod",
    ]


def after(expect: dict[str, Any], before: Facts = frozenset()) -> Facts:
    return Expectation.model_validate(expect).after(before)


def test_an_expectation_replaces_what_it_names_and_keeps_the_rest() -> None:
    first = after({
        "users": {"ana@acme.example": {"name": "Ana", "groups": ["team"]}, "ben@acme.example": {"name": "Ben"}},
        "groups": {"team": {"members": ["ana@acme.example"], "roles": ["viewer on workspace prod"]}},
        "workspaces": {"prod": ["reader on secret scope x"]},
    })  # fmt: skip
    then = after({"users": {"ana@acme.example": None}, "groups": {"team": {}}, "workspaces": {"prod": []}}, first)
    ben = Subject("user", "ben@acme.example")
    assert then == {
        Fact(ben, Aspect.EXISTS),
        Fact(ben, Aspect.NAMED, "Ben"),
        Fact(ben, Aspect.ADDRESS, "ben@acme.example"),
        Fact(TEAM, Aspect.EXISTS),
    }


def test_an_expected_rename_moves_the_members_along() -> None:
    before = frozenset({Fact(TEAM, Aspect.EXISTS), Fact(ANA, Aspect.EXISTS), Fact(ANA, Aspect.MEMBER, "team")})
    assert Fact(ANA, Aspect.MEMBER, "crew") in after({"renamed": {"team": "crew"}}, before)


@pytest.mark.parametrize(
    "expect",
    [
        {"users": {"ana@acme.example": {"name": "Ana", "groups": ["team"]}}},
        {"users": {"ana@acme.example": {"name": "Ana", "groups": ["team"]}}, "groups": {"team": {}}},
        {"users": {"ana@acme.example": {"name": "Ana"}}, "groups": {"team": {"members": ["ana@acme.example"]}}},
        {"groups": {"team": {"members": ["ana@acme.example"]}}},
    ],
)
def test_an_expectation_that_contradicts_itself_is_refused(expect: dict[str, Any]) -> None:
    with pytest.raises(DayError, match=r"ana@acme\.example is in group team"):
        after(expect)


def test_a_contradiction_in_a_file_is_said_with_the_step() -> None:
    expect = Expectation.model_validate({"groups": {"team": {"members": ["ana@acme.example"]}}})
    step = Step(at="09:00", client="okta-wizard", title="Ana joins", expect=expect)
    with pytest.raises(DayError, match="09:00 Ana joins: "):
        list(expectations([step], frozenset()))


def test_a_sandbox_that_does_not_answer_is_said() -> None:
    with pytest.raises(DemoError, match=r"the sandbox did not answer GET http://127\.0\.0\.1:9/_sandbox/state"):
        Tecton("http://127.0.0.1:9").snapshot()
