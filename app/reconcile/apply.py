"""Applying a plan: object by object, what must go before what must come, each outcome recorded.

One bad object never stops the others. What stops everything is what would fail for every object: no
connection, a key that Tecton does not accept, a Tecton that asks for fewer calls or fails at all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace

from app.core.changes import Change, GrantChange, MemberChange, ProfileChange, is_true
from app.core.drift import why_ineffective
from app.core.guards import count_removals
from app.core.identity import Kind, Principal
from app.core.records import MemberId, Record, TectonObjects, observed_access
from app.reconcile.names import (
    awaited_renames,
    has_name,
    in_circles,
    in_order,
    wanted_name,
    without_name,
)
from app.reconcile.objects import Objects
from app.reconcile.observe import Crew
from app.reconcile.ports import (
    CredentialsRefused,
    Moved,
    NotEffective,
    NotFound,
    Outcome,
    PermanentError,
    Step,
    Tecton,
    TectonError,
    TemporaryError,
    Throttled,
    Unreachable,
)
from app.reconcile.scope_roles import ScopeRoles
from app.reconcile.work import NOBODY, Approval, Done, Halted, Tally, Work, by_object, is_scope_change, phases, without
from app.reconcile.world import World

Save = Callable[[Step], None]
StillWanted = Callable[[Principal], bool]

# What would happen to every other object, too.
HALTING = (Unreachable, CredentialsRefused, Throttled)
# So many objects in a row with a temporary error are not the objects' fault.
SICK_AFTER = 5


class Applier:
    """Applies changes to Tecton for one run."""

    def __init__(
        self,
        world: World,
        tecton: Tecton,
        crew: Crew,
        save: Save,
        still_wanted: StillWanted,
        *,
        can_seal: bool,
        approval: Approval = NOBODY,
        rivals: Mapping[Principal, Principal],
        made: Mapping[Principal, list[Change]],
    ) -> None:
        self.world, self.crew, self.approval = world, crew, approval
        self.save, self.still_wanted, self.can_seal = save, still_wanted, can_seal
        self.objects = Objects(world, tecton, made, can_seal=can_seal)
        self.scope_roles = ScopeRoles(world, tecton)
        self.tally = Tally()
        self._end: Exception | None = None  # why nothing more is begun
        self._sick = 0
        self._intended: set[Principal] = set()  # whose key is awaited from this run on
        self.rivals = rivals  # who has the name that somebody else is to get

    def apply(self, changes: Sequence[Change]) -> Tally:
        """Apply the changes: on the way down roles first and objects last, on the way up the reverse.

        Raise `Halted` when nothing else would work either; what was done until then is recorded.
        """
        works = by_object([change for change in changes if not is_scope_change(change)])
        scopes = [change for change in changes if isinstance(change, GrantChange) and is_scope_change(change)]
        self.tally.unfinished = {change.principal for change in changes}
        self._batch([change for change in scopes if not change.added])
        leaving, *later = phases(works)
        self._each(leaving)
        renames = awaited_renames(works, self.rivals)
        self._rename(renames)
        for phase in later:
            self._each(without(phase, renames))
        self._batch([change for change in scopes if change.added])
        self.tally.unfinished.clear()
        return self.tally

    # ---------------------------------------------------------------- objects

    def _each(self, works: list[Work]) -> None:
        for work, call in self.crew.each(self.objects.write, self._ready(works)):
            self._conclude(work, call)
        self._go_on()

    def _ready(self, works: list[Work]) -> Iterator[Work]:
        """Yield the works to begin: none more once everything is halted, or the lease is lost."""
        for work in works:
            if self._end is not None:
                return
            if not self.still_wanted(work.principal):
                # Another run changed the object since the plan was made: it is looked at again.
                self._report(Step(), work, "skipped", "it was pushed again meanwhile")
            elif (ready := self._without_absent(self._without_taken_name(work))).changes:
                self._intend(ready)
                if self._end is None:
                    yield ready

    def _go_on(self) -> None:
        """Raise what ended the applying; calls that were under way then are concluded by now."""
        if self._end is not None:
            raise self._end

    def _without_absent(self, work: Work) -> Work:
        """Leave out members that could not be created: they enter when their own retry creates them."""
        changes = (c for c in work.changes if not isinstance(c, MemberChange) or self.objects.member_id(c.member))
        return Work(work.principal, tuple(changes))

    def _without_taken_name(self, work: Work) -> Work:
        """Leave out a name that is not free yet, and all of who would come to be under it."""
        rival, change = self.rivals.get(work.principal), work.profile_change
        if rival is None or change is None or change.after is None:
            return work
        is_taken = has_name(self.world, rival, wanted_name(rival.kind, change.after.name))
        return Work(work.principal, without_name(work.changes, {work.principal})) if is_taken else work

    def _intend(self, work: Work) -> None:
        """Record, before it is created, that a service account's key is awaited: its loss must not pass unseen."""
        awaits_key = work.creates and work.principal.kind is Kind.SERVICE_ACCOUNT and self.can_seal
        if awaits_key and work.principal not in self.world.awaited_keys:
            self._intended.add(work.principal)
            self._save(Step(awaited_keys={work.principal: True}))

    def _conclude(self, work: Work, call: Future[Done]) -> None:
        if not self.still_wanted(work.principal):
            # A drain decided from what was known before this write: it has to look again.
            self.tally.overtaken.add(work.principal)
        try:
            done = call.result()
        except TectonError as error:
            self._fail(work, error)
            self._heed(error)
            return
        step = done.step
        if work.deletes and not done.refused:
            self._forget(work.principal, step)
        for link in step.links:
            self.world.links.add(link)  # the members and grants below are told by it
            if step.one_time_key or (link.adopted and work.principal in self._intended):
                step.awaited_keys[work.principal] = False  # it is kept, or never was ours
        self._report_done(work, done, self._undone(work, step))

    def _report_done(self, work: Work, done: Done, undone: set[Change]) -> None:
        """Report what was done, and what was refused or, although Tecton says otherwise, not done."""
        refusals = {str(error): error for change, error in done.refused.items() if change in undone}
        first = next(iter(refusals.values()), None)
        self._heed(first)
        if not undone:
            self._report(done.step, work, "applied")
        elif first is not None:
            self._note_failure(work, undone, first)
            self._report(done.step, work, "failed", "; ".join(refusals), undone)
        else:
            error = NotEffective(why_ineffective(undone))
            self._note_failure(work, undone, error)
            self.tally.ineffective |= undone
            self._report(done.step, work, "not_effective", str(error), undone)

    def _undone(self, work: Work, step: Step) -> set[Change]:
        """Return the changes that the object read back does not show."""
        records = {key: record for key, record in step.records.items() if record is not None}
        held = observed_access(TectonObjects(records), self.world.links)
        return {change for change in work.changes if not is_true(change, held)}

    def _forget(self, principal: Principal, step: Step) -> None:
        """Tecton drops a deleted object's memberships and grants with it: so does what is known of them."""
        tecton_id = self.world.links.tecton_id_of(principal)
        if tecton_id is None:
            return
        member = MemberId(principal.kind, tecton_id)
        for key, group in self.world.groups_with(member).items():
            step.records[key] = replace(group, members=group.members - {member})
        for scope, grants in self.world.scopes.items():
            left = frozenset(grant for grant in grants if (grant.kind, grant.id) != member)
            if left != grants:
                step.scopes[scope] = left

    # ---------------------------------------------------------------- names

    def _rename(self, renames: list[Work]) -> None:
        """Let names change hands, before anything else is written: who gives one up goes before who gets it."""
        aside = in_circles(renames, self.rivals)
        for work, call in self.crew.each(self.objects.step_aside, filter(self._is_due, aside)):
            self._conclude_aside(work, call)
        self._go_on()
        for step in in_order(renames, self.rivals, {work.principal for work in aside}):
            self._each(step)

    def _is_due(self, work: Work) -> bool:
        return self._end is None and self.still_wanted(work.principal)

    def _conclude_aside(self, work: Work, call: Future[tuple[ProfileChange, Record]]) -> None:
        """Record that somebody has a name of the bridge's own for a moment. After a crash it is like any other name."""
        try:
            change, record = call.result()
        except TectonError as error:
            self._fail(work, error)
            self._heed(error)
            return
        told = (work.principal, self.world.name_of(work.principal), (change,), (change.sentence(self.world.name_of),))
        self._save(Step(records={(work.principal.kind, record.id): record}, outcomes=[Outcome(*told, "applied")]))

    # ---------------------------------------------------------------- roles on secret scopes

    def _batch(self, changes: list[GrantChange]) -> None:
        """Write roles on secret scopes, all in one call, and read the scopes back."""
        # Who could not be created is told of there; the roles come with the retry.
        changes = [c for c in changes if self.still_wanted(c.principal) and self.scope_roles.grant_of(c)]
        if not changes:
            return
        try:
            done = self.scope_roles.write(changes)
        except TectonError as error:
            for work in by_object(changes):
                self._fail(work, error)
            self._heed(error)
        else:
            self._conclude_batch(changes, done)
        self._go_on()

    def _conclude_batch(self, changes: list[GrantChange], done: Done) -> None:
        held = {grant for grants in done.step.scopes.values() for grant in grants or ()}
        for number, work in enumerate(by_object(changes)):
            undone = {
                c
                for c in work.changes
                if c in done.refused
                or (isinstance(c, GrantChange) and (self.scope_roles.grant_of(c) in held) is not c.added)
            }
            # What was read back is stored once, with the first.
            self._report_done(work, Done(done.step if number == 0 else Step(), done.refused), undone)

    # ---------------------------------------------------------------- outcomes

    def _fail(self, work: Work, error: TectonError) -> None:
        self._note_failure(work, work.changes, error)
        step = Step()
        if isinstance(error, NotFound) and (tecton_id := self.world.links.tecton_id_of(work.principal)):
            step = Step(records={(work.principal.kind, tecton_id): None}, unlinked=[work.principal])
        if isinstance(error, PermanentError) and work.principal in self._intended:
            step.awaited_keys[work.principal] = False  # it surely was not created
        self._report(step, work, "failed", str(error), work.changes)

    def _note_failure(self, work: Work, changes: Iterable[Change], error: TectonError) -> None:
        before = self.tally.tried.get(work.principal, frozenset())
        self.tally.errors[work.principal] = error
        self.tally.tried[work.principal] = before | frozenset(changes)

    def _heed(self, error: TectonError | None) -> None:
        """End the applying when this error, or so many of its like in a row, would meet every other object, too."""
        is_sick = isinstance(error, TemporaryError) and not isinstance(error, Moved)
        self._sick = self._sick + 1 if is_sick else 0
        if error and (isinstance(error, HALTING) or self._sick >= SICK_AFTER):
            self._end = self._end or Halted(error)

    def _report(self, step: Step, work: Work, status: str, error: str = "", undone: Iterable[Change] = ()) -> None:
        left = set(undone)
        done = [] if status == "skipped" else [change for change in work.changes if change not in left]
        name = self.world.name_of(work.principal)
        sentences = tuple(change.sentence(self.world.name_of) for change in work.changes)
        removed, approved_by = self._removed(done)
        told = (work.principal, name, work.changes, sentences, status, error)
        step.outcomes.append(Outcome(*told, removed, approved_by))
        self.tally.applied += len(done)
        self.tally.failed += len(left)
        self._save(step)
        for change in work.changes:
            self.world.under_way.pop(change, None)

    def _save(self, step: Step) -> None:
        """Store a step. When that fails, calls under way are still concluded: there may be a key in an answer."""
        try:
            self.save(step)
        except Exception as error:
            self._end = self._end or error

    def _removed(self, changes: list[Change]) -> tuple[dict[str, int], str | None]:
        """Return how much was removed without an approval, and who approved the rest, None for no rest."""
        removals = [change for change in changes if change.removes_access]
        unapproved = [change for change in removals if change not in self.approval.changes]
        approved_by = self.approval.by if len(unapproved) < len(removals) else None
        if not unapproved:
            return {}, approved_by
        observed = self.world.observed([change.principal for change in unapproved])
        return count_removals(unapproved, observed), approved_by
