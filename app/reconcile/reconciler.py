"""The two rhythms: the sweep over everything, and the drain of the dirty queue."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from concurrent.futures import Executor
from dataclasses import asdict, replace
from datetime import datetime, timedelta

from app.core.access import AccessState
from app.core.directory import Directory, PushedPerson
from app.core.freshness import freshness, privileged_objects, tolerated
from app.core.guards import Objection, allowance
from app.core.identity import Kind, Principal
from app.core.plan import digest
from app.core.policy import Policy
from app.core.records import Record, TectonObjects
from app.reconcile.assess import Question
from app.reconcile.elsewhere import another_tecton, fingerprint_of_another, is_another
from app.reconcile.look import Look, Looked, freshness_report, lists_not_whole, too_few_calls
from app.reconcile.names import Names
from app.reconcile.observe import Crew, Pause, changes_in
from app.reconcile.ports import Dirty, Escrow, NotEffective, Store, TectonError, TemporaryError
from app.reconcile.report import Mode, Report, Run
from app.reconcile.round import Round, Setting
from app.reconcile.waiting import who_need_not_wait
from app.reconcile.work import Tally
from app.reconcile.world import ObjectKey, World

# How long a principal that failed waits: doubled from the first, never more than the second.
TEMPORARY_BACKOFF = (timedelta(seconds=2), timedelta(minutes=5))
PERMANENT_BACKOFF = (timedelta(minutes=1), timedelta(hours=1))
PEOPLE = (Kind.USER, Kind.SERVICE_ACCOUNT)


class Reconciler:
    """Keeps Tecton equal to the desired state, while its process leads.

    `policy` returns the policy in force; `executor` runs the calls to Tecton, `threads` at a time;
    `own_account` returns the Tecton id of the service account whose key the bridge uses, which it
    never touches, None when this Tecton does not tell; `interval` is how often a sweep is scheduled.
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
        interval: timedelta,
    ) -> None:
        self.store, self.policy, self.clock = store, policy, clock
        self.executor, self.mode, self.threads = executor, mode, threads
        self.own_account, self.interval = own_account, interval
        self._world: World | None = None
        self._in_force: Policy | None = None  # the policy that the world was read by
        self._is_sweeping = False
        self._remembered: AccessState | None = None  # Tecton as it was known before a silence, until the next look

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
        """Read everything in Tecton, or what the run's budget allows, compare, and, where the run may write, apply.

        `pause` is called between calls, so that a drain can come in between. Raise TectonError when
        Tecton cannot be read whole; nothing is changed then.
        """
        self._is_sweeping = True
        try:
            return self._sweep(run, pause)
        finally:
            self._is_sweeping = False

    def _sweep(self, run: Run, pause: Pause) -> Report:
        started, begin = self.clock(), time.monotonic()
        policy = self.policy()
        returned = self.store.take_in(policy)
        self._world = world = self._load(policy)
        crew = Crew(self.executor, self.threads, pause)
        moment = world.clock
        looked = self._read(run, crew, world, policy)
        fresh = looked.objects
        answered: str | None = None  # an approval that was about the look itself, and is no plan's any more
        if is_another(world, fresh) and run.approve == fingerprint_of_another(world):
            answered = run.approve
            self.store.forget_tecton()
            self._world = world = self._load(policy)
            moment = world.clock
        lost = _lost(world, fresh)
        is_believed = run.approve == _lost_fingerprint(lost)
        answered = run.approve if is_believed else answered
        report = self._refuse_another(run, world, fresh)
        if report is None and not is_believed:
            report = self._distrust(run, world, policy, lost)
        if report is None:
            left_out = {} if is_believed else self._left_out(run, crew, lost)
            step = changes_in(world, _with(fresh, left_out), moment)
            read = _keys_read(world, looked, left_out, moment)
            self.store.save(run.run_id, step)
            world.take(step)
            self.store.note_verified(read, looked.modified, started)
            world.complete = True
            of_round = replace(run, approve=None) if answered else run
            round_ = Round(self._setting(world, policy, crew), of_round, Question(_everything(world)))
            report = round_.go()
            if answered:
                self.store.close_plan(answered, "applied", run.approved_by)
            report.notes += [f"Tecton's lists left out {record.name}, which is there" for record in left_out.values()]
            self._settle(world, (), round_)
            self._note_freshness(run, report, looked, world, policy)
            self.store.note_evidence(run.run_id, self.mode, started, late=looked.late)
            self._remembered = None
            report.notes += [of.sentence for of in returned]
        return _finished(report, run, begin)

    def _load(self, policy: Policy) -> World:
        self._in_force = policy
        world = World(self.store.load_directory(policy), self.store.load_knowledge())
        silence = self.store.read_silence()
        if self._remembered is None and silence and silence.is_long(policy.guards.source.silence):
            self._remembered = world.observed()
        world.remembered = self._remembered or world.remembered
        return world

    def _read(self, run: Run, crew: Crew, world: World, policy: Policy) -> Looked:
        look = Look(run.tecton, crew, world, policy.protected, self.clock())
        try:
            # Before everything was read once, or again after a silence, a part would be taken for the whole.
            is_enough = world.complete and self._remembered is None
            looked = look.within(run.budget) if run.budget and is_enough else look.at_all()
        except TectonError as error:
            self.store.note_tecton(ok=False, error=str(error))
            raise
        self.store.note_tecton(ok=True)
        return looked

    def _note_freshness(self, run: Run, report: Report, looked: Looked, world: World, policy: Policy) -> None:
        """Record which objects are privileged by now, and report how old the knowledge of all is."""
        self.store.note_privileged(privileged_objects(world.objects(), policy.protected))
        now = self.clock()
        found = freshness(self.store.load_verified(), now, tolerated(self.interval))
        report.freshness = freshness_report(found, looked, run.budget, now)
        if looked.distrusted:
            self.store.distrust_lists(looked.distrusted)
            report.notes.append(lists_not_whole(looked))
        if looked.late:
            report.notes.append(too_few_calls(looked, run.budget))

    def _left_out(self, run: Run, crew: Crew, lost: dict[Kind, list[str]]) -> dict[ObjectKey, Record]:
        """Return the objects that are there although they are not in Tecton's lists any more: asked for one by one.

        Taken for gone, somebody would lose memberships, and be created anew.
        """
        keys = [(kind, id_) for kind, ids in lost.items() for id_ in ids]
        calls = crew.each(lambda key: run.tecton.get_record(*key), keys)
        return {key: record for key, call in calls if (record := call.result())}

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
            return self._hold_all(run, _lost_fingerprint(lost), Objection("listing", sentence, len(ids)))
        return None

    def _refuse_another(self, run: Run, world: World, fresh: TectonObjects) -> Report | None:
        """Return a held report when this is another Tecton than the one that everything is known of."""
        if not is_another(world, fresh):
            return None
        objection = Objection("another_tecton", another_tecton(world), len(world.records))
        return self._hold_all(run, fingerprint_of_another(world), objection)

    def _hold_all(self, run: Run, fingerprint: str, objection: Objection) -> Report:
        """Return the report of a run that changes nothing at all, and keep why, to be approved like a plan."""
        report = Report(run.run_id, run.purpose, self.mode, held=objection.held, fingerprint=fingerprint)
        report.objections = [asdict(objection)]
        self.store.keep_objection(run.run_id, fingerprint, objection)
        return report

    def _setting(self, world: World, policy: Policy, crew: Crew) -> Setting:
        return Setting(self.store, world, policy, self.clock, self.mode, self.own_account(), crew)

    # ---------------------------------------------------------------- the drain

    def drain(self, run: Run, due: Collection[Dirty], pause: Pause = lambda: None) -> Report:
        """Reconcile the principals that were pushed, from what is known of Tecton and fresh reads of what changes.

        `pause` is called between calls: it may raise to stop.
        """
        begin = time.monotonic()
        policy = self._in_force if self._is_sweeping and self._in_force else self.policy()
        if self._world is None or policy is not self._in_force:
            self._world = self._load(policy)  # who is provisioned, and by which rules, is read by one policy
        world = self._world
        returned = self.store.take_in(policy, {item.id for item in due})
        question = self._question(world, policy, due)
        world.drained |= dict.fromkeys(question.principals or (), world.clock)
        ids = {item.id for item in due}
        for principal in [of for of in world.failing if of.id in ids]:
            del world.failing[principal]  # its time has come, or it was pushed again
        round_ = Round(self._setting(world, policy, Crew(self.executor, self.threads, pause)), run, question)
        report = round_.go()
        report.notes += [of.sentence for of in returned]
        self._settle(world, due, round_)
        return _finished(report, run, begin)

    def _question(self, world: World, policy: Policy, due: Collection[Dirty]) -> Question:
        """Return the principals that the pushes concern, with the groups of people who come or go."""
        before = self._take_over(world, policy, {item.id for item in due})
        ids = before.keys()
        moved = {id_ for id_ in ids if _comes_or_goes(before[id_], world.people.get(id_), world)}
        groups = {id_ for id_ in ids if id_ in world.groups} | (self.store.groups_of(moved) & world.groups.keys())
        principals = {Principal(Kind.GROUP, id_) for id_ in groups}
        for id_ in ids - groups:
            # Nobody, when it was deleted: who it was is found by its link. It may also have become another kind.
            principals |= {Principal(kind, id_) for kind in (*PEOPLE, Kind.GROUP)}
        principals |= {Principal(Kind.WORKSPACE, item.id) for item in due if item.kind == Kind.WORKSPACE}
        return Question(world.directory(ids, groups), frozenset(principals))

    def _take_over(self, world: World, policy: Policy, ids: Collection[str]) -> dict[str, PushedPerson | None]:
        """Take over what was pushed of these, and of those whose names they are to get; return who they were before.

        Who gives up a name goes with who gets it: two that swap their names can do so only together.
        """
        before: dict[str, PushedPerson | None] = {}
        names = Names(world)
        while ids:
            before |= {id_: world.people.get(id_) for id_ in ids}
            world.update_directory(ids, self.store.load_part(policy, ids))
            ids = names.rivals(ids) - before.keys()
        return before

    def _settle(self, world: World, due: Collection[Dirty], round_: Round) -> None:
        """Take out of the queue what is done; what failed waits for its next try, what was not tried for nothing."""
        now, tally = self.clock(), round_.tally
        rows = {item.id: item for item in due}
        free = who_need_not_wait(world) if tally.applied else ()
        untried = tally.unfinished.union(tally.overtaken, free) - tally.errors.keys()
        left = {principal.id for principal in (*tally.errors, *untried)}
        mended = [of for of in world.failing if of not in round_.differing | tally.errors.keys()]
        over = [world.failing.pop(of).row for of in mended] if round_.question.is_everything else []
        self.store.settle([item for item in (*due, *over) if item.id not in left])
        for principal in sorted(untried):
            item = rows.get(principal.id) or _new_row(principal, now)
            self.store.postpone(item, "", now=now, next_at=now, attempts=item.attempts)
        for principal in tally.errors:
            world.failing[principal] = self._postpone(rows.get(principal.id), principal, world, tally)

    def _postpone(self, item: Dirty | None, principal: Principal, world: World, tally: Tally) -> Escrow:
        now, error = self.clock(), tally.errors[principal]
        known = world.failing.get(principal)
        item = item or (known.row if known else _new_row(principal, now))
        item = item._replace(attempts=item.attempts + 1)
        next_at = now + _backoff(error, item.attempts)
        self.store.postpone(item, str(error), now=now, next_at=next_at, attempts=item.attempts)
        tried = tally.tried[principal]
        return Escrow(item, str(error), next_at, tried, is_ineffective=isinstance(error, NotEffective))


def _new_row(principal: Principal, now: datetime) -> Dirty:
    # No push ever has generation 0: one that comes meanwhile keeps its own, earlier time.
    return Dirty(principal.kind.value, principal.id, generation=0, dirty_since=now, attempts=0)


def _everything(world: World) -> Directory:
    return Directory(world.people, world.groups)


def _comes_or_goes(before: PushedPerson | None, now: PushedPerson | None, world: World) -> bool:
    """Tell whether somebody is, or is to be, in Tecton anew or no more: then the groups are looked at, too."""
    if now is None or not now.provisioned:
        return True  # who left before this process knew them left, too
    absent = world.links.tecton_id_of(now.principal) is None
    return absent or before is None or (before.provisioned, before.principal) != (now.provisioned, now.principal)


def _backoff(error: TectonError, tries: int) -> timedelta:
    first, longest = TEMPORARY_BACKOFF if isinstance(error, TemporaryError) else PERMANENT_BACKOFF
    return min(first * int(2 ** min(tries - 1, 20)), longest)


def _with(objects: TectonObjects, more: dict[ObjectKey, Record]) -> TectonObjects:
    return TectonObjects({**objects.records, **more}, objects.scopes) if more else objects


def _keys_read(
    world: World, looked: Looked, left_out: Collection[ObjectKey], moment: int
) -> frozenset[ObjectKey] | None:
    """Return the objects whose knowledge is as old as the sweep, None for all; what a drain wrote since is younger."""
    if looked.read is None:
        return None
    return frozenset(key for key in {*looked.read, *left_out} if not world.was_touched_since(key, moment))


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
