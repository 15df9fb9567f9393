"""The two rhythms: the sweep over everything, and the drain of the dirty queue."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from concurrent.futures import Executor
from datetime import datetime, timedelta

from app.core.directory import Directory, PushedPerson
from app.core.guards import Objection, allowance
from app.core.identity import Kind, Principal
from app.core.plan import digest
from app.core.policy import Policy
from app.core.records import TectonObjects
from app.reconcile.apply import Tally
from app.reconcile.assess import Question
from app.reconcile.observe import Crew, Pause, changes_in, read_everything
from app.reconcile.ports import Dirty, Store, TectonError, TemporaryError
from app.reconcile.report import Mode, Report, Run
from app.reconcile.round import Round, Setting
from app.reconcile.world import World

# How long a principal that failed waits: doubled from the first, never more than the second.
TEMPORARY_BACKOFF = (timedelta(seconds=2), timedelta(minutes=5))
PERMANENT_BACKOFF = (timedelta(minutes=1), timedelta(hours=1))
PEOPLE = (Kind.USER, Kind.SERVICE_ACCOUNT)


class Reconciler:
    """Keeps Tecton equal to the desired state, while its process leads.

    `policy` returns the policy in force; `executor` runs the calls to Tecton, `threads` at a time;
    `own_account` returns the Tecton id of the service account whose key the bridge uses, which it
    never touches, None when this Tecton does not tell.
    """

    def __init__(
        self,
        store: Store,
        policy: Callable[[], Policy],
        clock: Callable[[], datetime],
        executor: Executor,
        *,
        own_account: Callable[[], str | None],
        mode: Mode,
        threads: int,
    ) -> None:
        self.store, self.policy, self.clock = store, policy, clock
        self.executor, self.mode, self.threads = executor, mode, threads
        self.own_account = own_account
        self._world: World | None = None

    def forget(self) -> None:
        """Forget what is known: after another process led, it may be old."""
        self._world = None

    @property
    def has_evidence(self) -> bool:
        """Tell whether everything in Tecton was read at least once: before that, nothing is written."""
        if self._world is None:
            self._world = self._load(self.policy())
        return self._world.complete

    # ---------------------------------------------------------------- the sweep

    def sweep(self, run: Run, pause: Pause = lambda: None) -> Report:
        """Read everything in Tecton, compare, and, where the run may write, apply.

        `pause` is called between calls, so that a drain can come in between. Raise TectonError when
        Tecton cannot be read whole; nothing is changed then.
        """
        started, begin = self.clock(), time.monotonic()
        policy = self.policy()
        self._world = world = self._load(policy)
        crew = Crew(self.executor, self.threads, pause)
        moment = world.clock
        fresh = self._read(run, crew)
        lost = _lost(world, fresh)
        report = None if run.approve == _lost_fingerprint(lost) else self._distrust(run, world, policy, lost)
        if report is None:
            step = changes_in(world, fresh, moment)
            self.store.save(run.run_id, step)
            world.take(step)
            world.complete = True
            round_ = Round(self._setting(world, policy, crew), run, Question(_everything(world)))
            report = round_.go()
            self._settle(world, (), round_.tally)
            self.store.note_evidence(run.run_id, self.mode, started)
        return _finished(report, run, begin)

    def _load(self, policy: Policy) -> World:
        return World(self.store.load_directory(policy), self.store.load_knowledge())

    def _read(self, run: Run, crew: Crew) -> TectonObjects:
        try:
            fresh = read_everything(run.tecton, crew)
        except TectonError as error:
            self.store.note_tecton(ok=False, error=str(error))
            raise
        self.store.note_tecton(ok=True)
        return fresh

    def _distrust(self, run: Run, world: World, policy: Policy, lost: dict[Kind, list[str]]) -> Report | None:
        """Return a held report when so much is missing in Tecton's lists that they are not believed.

        An empty or shortened list looks just like a mass deletion. Taken for true, the bridge would
        forget who is who, and create everybody anew.
        """
        guards = policy.guards
        for kind, ids in lost.items():
            total = sum(1 for of, _ in world.records if of is kind)
            if len(ids) <= allowance(guards.removals.users, guards.floor, total):
                continue
            sentence = (
                f"{len(ids)} of {total} {kind.words}s that were in Tecton are not in its list any more; "
                "nothing is changed until the list is whole again, or a person approves that they are gone"
            )
            report = Report(run.run_id, run.purpose, self.mode, held=len(ids), fingerprint=_lost_fingerprint(lost))
            report.objections = [{"guard": "listing", "sentence": sentence, "held": len(ids)}]
            objection = Objection("listing", sentence, len(ids))
            self.store.keep_objection(run.run_id, report.fingerprint, objection)
            return report
        return None

    def _setting(self, world: World, policy: Policy, crew: Crew) -> Setting:
        return Setting(self.store, world, policy, self.clock, self.mode, self.own_account(), crew)

    # ---------------------------------------------------------------- the drain

    def drain(self, run: Run, due: Collection[Dirty]) -> Report:
        """Reconcile the principals that were pushed, from what is known of Tecton and fresh reads of what changes."""
        begin = time.monotonic()
        policy = self.policy()
        self._world = world = self._world or self._load(policy)
        question = self._question(world, policy, due)
        world.drained |= dict.fromkeys(question.principals or (), world.clock)
        round_ = Round(self._setting(world, policy, Crew(self.executor, self.threads)), run, question)
        report = round_.go()
        self._settle(world, due, round_.tally)
        return _finished(report, run, begin)

    def _question(self, world: World, policy: Policy, due: Collection[Dirty]) -> Question:
        """Return the principals that the pushes concern, with the groups of people who come or go."""
        ids = {item.id for item in due}
        before = {id_: world.people.get(id_) for id_ in ids}
        world.update_directory(ids, self.store.load_part(policy, ids))
        moved = {id_ for id_ in ids if _comes_or_goes(before[id_], world.people.get(id_), world)}
        groups = {id_ for id_ in ids if id_ in world.groups} | (self.store.groups_of(moved) & world.groups.keys())
        principals = {Principal(Kind.GROUP, id_) for id_ in groups}
        for id_ in ids - groups:
            # Nobody, when it was deleted: who it was is found by its link. It may also have become another kind.
            principals |= {Principal(kind, id_) for kind in (*PEOPLE, Kind.GROUP)}
        return Question(world.directory(ids, groups), frozenset(principals))

    def _settle(self, world: World, due: Collection[Dirty], tally: Tally) -> None:
        """Take out of the queue what is done; what failed waits for its next try, what was not tried for nothing."""
        now = self.clock()
        rows = {item.id: item for item in due}
        untried = tally.unfinished - tally.errors.keys()
        left = {principal.id for principal in (*tally.errors, *untried)}
        self.store.settle([item for item in due if item.id not in left])
        for principal in sorted(untried):
            item = rows.get(principal.id) or _new_row(principal, now)
            self.store.postpone(item, "", now=now, next_at=now, attempts=item.attempts)
        for principal, error in tally.errors.items():
            item = rows.get(principal.id) or _new_row(principal, now)
            tries = item.attempts + 1
            self.store.postpone(item, str(error), now=now, next_at=now + _backoff(error, tries), attempts=tries)
        for item in due:
            for kind in (*PEOPLE, Kind.GROUP):
                world.failing.pop(Principal(kind, item.id), None)
        world.failing.update({principal: str(error) for principal, error in tally.errors.items()})


def _new_row(principal: Principal, now: datetime) -> Dirty:
    return Dirty(principal.kind.value, principal.id, generation=1, dirty_since=now, attempts=0)


def _everything(world: World) -> Directory:
    return Directory(world.people, world.groups)


def _comes_or_goes(before: PushedPerson | None, now: PushedPerson | None, world: World) -> bool:
    """Tell whether somebody is, or is to be, in Tecton anew or no more: then the groups are looked at, too."""
    if now is None or not now.provisioned:
        return before is not None and before.provisioned
    absent = world.links.tecton_id_of(now.principal) is None
    return absent or before is None or (before.provisioned, before.principal) != (now.provisioned, now.principal)


def _backoff(error: TectonError, tries: int) -> timedelta:
    first, longest = TEMPORARY_BACKOFF if isinstance(error, TemporaryError) else PERMANENT_BACKOFF
    return min(first * int(2 ** min(tries - 1, 20)), longest)


def _lost(world: World, fresh: TectonObjects) -> dict[Kind, list[str]]:
    """Return what was known and is not in the fresh lists, by kind."""
    lost: dict[Kind, list[str]] = {}
    for kind, id_ in sorted(world.records.keys() - fresh.records.keys()):
        lost.setdefault(kind, []).append(id_)
    return lost


def _lost_fingerprint(lost: dict[Kind, list[str]]) -> str:
    return digest(f"{kind.value}/{id_}" for kind, ids in lost.items() for id_ in ids)


def _finished(report: Report, run: Run, begin: float) -> Report:
    report.reads, report.writes = run.tecton.calls
    report.duration_s = round(time.monotonic() - begin, 3)
    return report
