"""Anything in any order: pushes in the dialects of Okta and Entra, edits by hand, faults, time, crashes, approvals.

After every step the promises hold (design: what the bridge never does); and whatever happened, once
nothing goes wrong any more and what is held is approved, Tecton holds what was pushed.
`BRIDGE_MACHINE=deep` searches for long and at random (see README, "For developers").

Promised besides, and tested elsewhere: no secret in a log, an answer, a page or in clear in the database
(tests/credentials/test_secrecy.py, tests/tecton/test_secrecy.py); the exact reads of a sweep
(test_calls.py); one-time keys through every accident (test_sieve.py); `kill -9` of real processes on both
databases (tests/process/test_survival.py); a workspace's managed role, and declared service accounts
(test_sieve.py).
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule, run_state_machine_as_test

from app.store import leases
from tests.conftest import Clock, open_hastily
from tests.reconcile.machine_by_hand import ADMIN, BREAKGLASS, CREATOR, FOREIGN_GROUP, ByHand
from tests.reconcile.machine_pushes import NAMES, Pushing
from tests.reconcile.pushed import POLICY, Team, groups_in, human_admins, users_in
from tests.reconcile.wire import Strike
from tests.reconcile.wired import WiredRig

KINDS = ["reset", "lost_reply", "throttled", "error", "stale", "crash_before", "crash_after"]
MIN_ADMINS, MOST_LEAVERS = 2, 3


class Bridge(Pushing, ByHand):
    """The bridge, its Tecton, its IdP, and people who do things by hand."""

    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp(prefix="machine-"))
        shutil.copy(self.template, self.directory / "bridge.db")
        url = f"sqlite:///{self.directory / 'bridge.db'}"
        self.rig = WiredRig(open_hastily(url), Clock(), self.directory, policy=POLICY)
        self.deletions: list[Any] = []  # when users were deleted without an approval
        self.admins: set[str] = set()

    @initialize()
    def begin(self) -> None:
        """A day after the first one: people are in their teams, and some are admins through one."""
        rig = self.rig
        self.furnish()
        self.kept = self.untouchable()
        rig.sweep()
        rig.create_user(CREATOR)  # what came with the scope and the workspace stays, whoever else is pushed
        self.breakglass_id = rig.create_user(BREAKGLASS)
        for number in range(len(NAMES)):
            self.hire(0, number % 3 == 0, set())
        ids = list(self.pushed.people)
        for name, members in (("tecton-fraud", ids[:4]), ("tecton-admins", ids[3:5]), ("tecton-risk", ids[1:])):
            id_ = rig.create_group(name, *members)
            self.pushed.teams[id_] = Team(id_, name, set(members))
        rig.settle()
        assert self.untouchable() == self.kept
        self.admins = human_admins(rig.state())
        assert len(self.admins) == 3

    # ---------------------------------------------------------------- what goes wrong

    @rule(kind=st.sampled_from(KINDS), after=st.integers(1, 6), times=st.sampled_from([1, 1, 2, 5]))
    def strike(self, kind: str, after: int, times: int) -> None:
        """Let one of the next calls suffer."""
        assert self.rig.wire
        self.rig.wire.strikes = (Strike(kind, len(self.rig.wire.calls) + after, times),)

    @rule(kind=st.sampled_from(["empty_list", "truncate_list"]), of=st.sampled_from(["Users", "Groups"]))
    def shorten_a_list(self, kind: str, of: str) -> None:
        """Tecton leaves out some, or all, the next time that it lists them."""
        self.rig.fault({"kind": kind}, path_regex=f"/{of}$", method="GET", times=1)

    @rule(seconds=st.sampled_from([1, 5, 30, 120, 900, 4000]))
    def wait(self, seconds: int) -> None:
        self.rig.clock.move(seconds=seconds)

    @rule()
    def another_process_takes_over(self) -> None:
        """The first one, which does not know, writes no more."""
        first, self.rig.engine = self.rig.engine, self.rig.start_engine()
        self.rig.clock.move(seconds=leases.LEASE_TIME.total_seconds() + 1)
        self._work(self.rig.engine.worker.renew)
        before = len(self.rig.writes())
        self._work(first.worker.tick)
        assert len(self.rig.writes()) == before
        first.close()

    @rule()
    def a_second_worker_looks_in(self) -> None:
        """While one leads, another one does nothing at all."""
        assert self.rig.wire
        if not self.rig.engine.worker.leads:
            return
        other, before = self.rig.start_engine(), len(self.rig.wire.calls)
        other.worker.tick()
        assert len(self.rig.wire.calls) == before
        other.close()

    # ---------------------------------------------------------------- the bridge works

    def _work(self, work: Any) -> Any:
        """Let the bridge do something; note whom it deletes without an approval."""
        before = self._deleted()
        result = self.rig.go_on(work)
        self.deletions += [self.rig.clock.now] * len(self._deleted() - before)
        return result

    def _deleted(self) -> set[str]:
        """Return who was deleted; a call whose reply was lost is made again, for the same one."""
        return {write for write in self.rig.writes() if write.startswith("DELETE /api/scim/v2/Users")}

    @rule(times=st.integers(1, 3))
    def tick(self, times: int) -> None:
        for _ in range(times):
            self._work(lambda: self.rig.tick(seconds=3))

    @rule()
    def tick_at_once(self) -> None:
        """What takes access away is due at once, what gives it is not."""
        self._work(lambda: self.rig.tick(seconds=0))

    @rule()
    def sweep(self) -> None:
        self._work(self.rig.try_run)

    @rule()
    def settle_and_sweep(self) -> None:
        for _ in range(4):
            self._work(lambda: self.rig.tick(seconds=5))
        self._work(self.rig.try_run)

    @rule()
    def observe(self) -> None:
        """A bridge in observe mode looks at it all, and never writes."""
        before = len(self.rig.writes())
        self._restart_as("observe")
        self.rig.go_on(self.rig.try_run)
        self.rig.go_on(lambda: self.rig.tick(seconds=0))
        assert len(self.rig.writes()) == before
        self._restart_as("enforce")

    def _restart_as(self, mode: Any) -> None:
        self.rig.engine.worker.release()
        self.rig.engine.close()
        self.rig.settings.mode = mode
        self.rig.engine = self.rig.start_engine()

    def _held(self) -> str | None:
        with self.rig.database.read() as connection:
            query = "SELECT fingerprint FROM plans WHERE status = 'held' ORDER BY made_at DESC, fingerprint LIMIT 1"
            found: str | None = connection.exec_driver_sql(query).scalar_one_or_none()
        return found

    @rule()
    def approve(self) -> None:
        if held := self._held():
            self.rig.go_on(lambda: self.rig.try_run("apply", held))

    # ---------------------------------------------------------------- what always holds

    @invariant()
    def the_promises_hold(self) -> None:
        if not self.admins:
            return  # the machine has not begun
        kept, admins = self.untouchable(), human_admins(self.rig.state())
        if not self.is_by_hand:
            assert kept == self.kept
            assert len(admins) >= MIN_ADMINS or admins >= self.admins, (sorted(self.admins), sorted(admins))
        self.kept, self.admins, self.is_by_hand = kept, admins, False

    @invariant()
    def nobody_leaves_beyond_the_limit(self) -> None:
        """What a crash kept from being counted aside."""
        hour_ago = self.rig.clock.now.timestamp() - 3600
        recent = [when for when in self.deletions if when.timestamp() > hour_ago]
        assert len(recent) <= MOST_LEAVERS + self.rig.crashes

    # ---------------------------------------------------------------- how it ends

    def teardown(self) -> None:
        try:
            if self.admins:
                self._end_well()
        finally:
            self.rig.close()
            self.rig.database.dispose()
            shutil.rmtree(self.directory)

    def _end_well(self) -> None:
        rig = self.rig
        assert rig.wire
        rig.wire.strikes = ()
        rig.heal()
        self.let_go()
        for name in ("admin@example.com", BREAKGLASS):
            self._grant("user", name, ADMIN)
        self._become_quiet()
        self._insist_on_what_was_pushed()
        rig.forget_calls()
        rig.sweep()
        assert rig.writes() == []

    def _become_quiet(self) -> None:
        for _ in range(12):
            self.rig.settle()
            report = self.rig.sweep()
            while report["held"]:
                report = self.rig.try_run("apply", report["fingerprint"]).summary
            if not report["planned"] and not self.rig.waiting():
                return
            self.rig.clock.move(hours=1)

    def _insist_on_what_was_pushed(self) -> None:
        state, wanted = self.rig.state(), self.pushed.users()
        found, groups = users_in(state, set(NAMES)), groups_in(state)
        assert {name: roles for name, roles in found.items() if name in wanted} == wanted, self.rig.drift()
        assert set(found) - set(wanted) <= self.made_by_hand
        del groups[FOREIGN_GROUP]
        assert groups == self.pushed.groups(), self.rig.drift()
        # What differs of these is kept, and said.
        assert [item for item in self.rig.drift() if not _is_kept(item)] == []


def _is_kept(item: dict[str, Any]) -> bool:
    return item["name"] in {BREAKGLASS, CREATOR} or BREAKGLASS in item["sentence"]


@pytest.fixture
def silent_log() -> Iterator[None]:
    """Thousands of calls are made: to write down every one takes longer than to make it."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.configure(**before)


IS_DEEP = os.environ.get("BRIDGE_MACHINE") == "deep"


@pytest.mark.timeout(0 if IS_DEEP else 300)
@pytest.mark.usefixtures("silent_log")
def test_whatever_is_pushed_done_by_hand_or_goes_wrong_the_promises_hold(sqlite_template: Path) -> None:
    machine = type("Machine", (Bridge,), {"template": sqlite_template})
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine,
        settings=settings(
            max_examples=400 if IS_DEEP else 15,
            stateful_step_count=50 if IS_DEEP else 30,
            derandomize=not IS_DEEP,
            # A shorter history of what went wrong takes minutes to find: the deep search has them.
            phases=(Phase.generate, Phase.shrink) if IS_DEEP else (Phase.generate,),
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
