"""One round: assess, plan, let the guards judge, apply what may go on, record what is left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from app.core.access import AccessState
from app.core.changes import Change
from app.core.circumstances import Circumstances, Objection
from app.core.drift import HELD, DriftClass, DriftItem, Trouble, drift_lost_keys
from app.core.effective import head_of
from app.core.guards import Verdict, admins_at_stake, judge, takers_of_admin
from app.core.identity import Kind, Principal
from app.core.plan import Plan, make_plan
from app.core.policy import Policy
from app.core.records import TectonObjects, observed_access
from app.core.removals import Item, item_of, said_of
from app.core.source_guards import doubt_about
from app.reconcile.apply import HALTING, Applier
from app.reconcile.assess import Assessment, Question, assess, desire, link_up, stand_for
from app.reconcile.guarding import circumstances_of, made_lately
from app.reconcile.names import rivals_of, without_name
from app.reconcile.observe import Crew, note_targets
from app.reconcile.ports import NotEffective, Step, Store, TectonError
from app.reconcile.report import WRITING, Mode, Report, Run
from app.reconcile.waiting import look_who_waits, note_held, note_waiting, reasons, waiting_note
from app.reconcile.work import NOBODY, Approval, Halted, Tally, by_object
from app.reconcile.world import World

SLICE = 1000  # principals that are noted in one transaction


@dataclass(frozen=True, slots=True)
class Setting:
    """What every round of a run shares."""

    store: Store
    world: World
    policy: Policy
    clock: Callable[[], datetime]
    mode: Mode
    own_account_id: str | None
    crew: Crew


class Round:
    """One round of one run, about everybody or about some."""

    def __init__(self, setting: Setting, run: Run, question: Question) -> None:
        self.setting, self.run, self.question = setting, run, question
        self.store, self.world, self.policy = setting.store, setting.world, setting.policy
        self.desired, self.with_members = desire(question, setting.policy, setting.clock(), setting.world.profile_of)
        self.report = Report(run.run_id, run.purpose, setting.mode)
        self.tally = Tally()
        self.unsure: dict[Change, TectonError] = {}  # what takes admin while nobody can read who holds it
        self.approval = NOBODY
        self.rivals: dict[Principal, Principal] = {}  # who has the name that somebody is to get
        self.waiting: dict[Change, Principal] = {}  # what waits for such a name, and who has it
        self.held: dict[Change, str] = {}  # what a guard holds, and why
        self.differing: frozenset[Principal] = frozenset()  # who is not as desired at the end

    def go(self) -> Report:
        """Do it; return the report, whose calls and duration the caller fills in."""
        before = self._assess(link=True)
        if self.may_write and self._is_moved(before):
            before = self._assess(link=False)
        plan = make_plan(self._due(before.changes))
        verdict = self._judge(plan, before)
        self._look_who_waits(verdict, before)
        self.held = _held_in_words(verdict, before.changes)
        self.report.drift = _counts(self._drift(before))
        self._state(plan, verdict, before)
        ready = without_name(verdict.flowing, {change.principal for change in self.waiting})
        if self.may_write and ready:
            self._apply(replace(verdict, flowing=ready), before)
            before = self._assess(link=False)
            self.waiting = look_who_waits(before.changes, rivals_of(self.world, before.changes))
        note_waiting(self.world, self.waiting, self.question.principals)
        self.report.notes += waiting_note(self.world, self.waiting)
        self._fail_unsure()
        self._stand_for_the_rest(before)
        self.differing = frozenset(change.principal for change in before.changes)
        self.store.replace_drift(self._drift(before), self.question.principals)
        return self.report

    @property
    def may_write(self) -> bool:
        """Tell whether this run may write to Tecton: never in observe mode."""
        return self.setting.mode == "enforce" and self.run.purpose in WRITING

    def keep(self, step: Step) -> None:
        """Store what was found out, then take it over: never the other way round."""
        self.store.save(self.run.run_id, step)
        self.world.take(step)

    # ---------------------------------------------------------------- looking

    def _assess(self, *, link: bool) -> Assessment:
        step, correlation = link_up(
            self.world, self.desired.state, self.with_members, complete=self.question.is_everything
        )
        if link:
            self.keep(step)
            if self.question.is_everything:
                self.keep(note_targets(self.world, self.world.observed()))
        own, expired = self._own_account(), self._expired()
        return assess(
            self.world, self.question, self.desired, self.with_members, self.policy, correlation, own, expired
        )

    def _expired(self) -> frozenset[Principal]:
        """Return the service accounts that were deactivated for longer than their grace."""
        grace = self.policy.guards.grace.service_accounts
        if grace is None:
            return frozenset()
        ids = self.store.inactive_accounts(self.setting.clock() - grace)
        return frozenset(self.world.links.principal_of(Kind.SERVICE_ACCOUNT, id_) for id_ in ids)

    def _own_account(self) -> Principal | None:
        own = self.setting.own_account_id
        return self.world.links.principal_of(Kind.SERVICE_ACCOUNT, own) if own else None

    def _drift(self, assessment: Assessment) -> list[DriftItem]:
        waiting = {of: escrow for of, escrow in self.world.failing.items() if of not in self.tally.errors}
        ineffective = {c for escrow in waiting.values() if escrow.is_ineffective for c in escrow.tried}
        failing = {of: escrow.error for of, escrow in waiting.items() if not escrow.is_ineffective}
        failing |= {of: str(error) for of, error in self.tally.errors.items() if not isinstance(error, NotEffective)}
        trouble = Trouble(
            ineffective | self.tally.ineffective, failing, reasons(self.world, self.waiting), held=self.held
        )
        found = assessment.drift(self.world, trouble)
        return [*found, *drift_lost_keys(self._lost_keys(), self.world.name_of)]

    def _lost_keys(self) -> list[Principal]:
        """Return the service accounts that are there, and whose key never came."""
        asked = self.question.principals
        mine = self.world.awaited_keys if asked is None else self.world.awaited_keys & asked
        return sorted(principal for principal in mine if principal in self.world.links)

    def _is_moved(self, before: Assessment) -> bool:
        """Tell whether somebody's admin is not as it was known; what takes admin waits where nobody can read that."""
        try:
            return self._admins_moved(before.changes)
        except HALTING:
            raise
        except TectonError as error:
            self.unsure = dict.fromkeys(takers_of_admin(before.changes, self.world.observed()), error)
            return False

    def _fail_unsure(self) -> None:
        """Have what takes admin from somebody, and was left out, wait for its next try like what failed."""
        for change, error in self.unsure.items():
            self.tally.errors.setdefault(change.principal, error)
            self.tally.tried[change.principal] = self.tally.tried.get(change.principal, frozenset()) | {change}

    def _due(self, changes: tuple[Change, ...]) -> list[Change]:
        """Return the changes less those that failed and wait for their next try; a person's order waits for nothing."""
        changes = tuple(change for change in changes if change not in self.unsure)
        if self.run.purpose == "apply":
            return list(changes)
        now, failing = self.setting.clock(), self.world.failing
        held = {
            work.principal
            for work in by_object(change for change in changes if change.principal in failing)
            if failing[work.principal].holds(work.changes, now)
        }
        return [change for change in changes if change.principal not in held]

    # ---------------------------------------------------------------- planning

    def _admins_moved(self, changes: tuple[Change, ...]) -> bool:
        """Read anew who holds admin, where somebody is to lose it; tell whether it is not as it was known.

        Whether enough of them are left must not rest on what was read a while ago. Raise TectonError
        when it cannot be read: then nothing is taken away.
        """
        if not self.policy.guards.min_admins:
            return False
        step = Step()
        for principal in admins_at_stake(changes, self.world.observed()):
            key = principal.kind, self.world.links.tecton_id_of(principal) or ""
            record = self.run.tecton.get_record(*key)
            if record != self.world.records.get(key):
                step.records[key] = record
        if step.records:
            self.keep(step)
        return bool(step.records)

    def _judge(self, plan: Plan, assessment: Assessment) -> Verdict:
        held, now = self.store.read_held(), self.setting.clock()
        removes = any(change.removes_access for change in plan.changes)
        if not removes and not held and not self.question.is_everything:
            return Verdict(flowing=plan.changes)
        around = circumstances_of(plan, assessment, self.world, self.store, self.policy, now, held)
        if self.question.is_everything:
            self._keep_doubt(plan, around)
        verdict = self._approved(judge(plan, around), plan, around)
        self._keep_held(held, verdict.lasting(), assessment)
        return verdict

    def _approved(self, verdict: Verdict, plan: Plan, around: Circumstances) -> Verdict:
        """Return the verdict, or what becomes of it where it holds exactly what a person approved."""
        if not self.run.approve:
            return verdict
        if make_plan(verdict.held).fingerprint != self.run.approve:
            self.report.notes.append(
                f"{self.run.approve} is not what is held now: Tecton or the directory moved since. "
                "Nothing of it was applied"
            )
            return verdict
        self.approval = Approval(frozenset(verdict.held), self.run.approved_by or "somebody")
        return judge(plan, replace(around, approved=self.approval.changes))

    def _look_who_waits(self, verdict: Verdict, assessment: Assessment) -> None:
        """Find out who waits for a name that stays another one's, also when all goes on that may."""
        asked, fingerprint = self.question.principals, make_plan(verdict.held).fingerprint
        note_held(self.world, verdict.held, asked, fingerprint if asked is None else "")
        self.rivals = rivals_of(self.world, assessment.changes)
        self.waiting = look_who_waits(assessment.changes, self.rivals, verdict.flowing)

    def _keep_held(self, before: Mapping[Item, Objection], now: Mapping[Item, Objection], of: Assessment) -> None:
        """Keep what is held until somebody decides: it ends when it is approved, or not to be removed any more.

        What waits for its next try is in no plan, and stays held.
        """
        removals = {item_of(change): change for change in of.changes if change.removes_access}
        asked = self.question.principals
        mine = {item for item in before if asked is None or item[0] in asked}
        ended = {item for item in mine if item not in removals or removals[item] in self.approval.changes}
        new = {item: why for item, why in now.items() if item not in before}
        if new or ended:
            self.store.keep_held(new, ended)

    def _keep_doubt(self, plan: Plan, around: Circumstances) -> None:
        """Keep what a silence makes doubtful: the next look finds it known, and would take it away."""
        doubt = doubt_about(plan.changes, around)
        if doubt != around.source.doubt:
            self.store.keep_doubt(doubt)

    def _state(self, plan: Plan, verdict: Verdict, assessment: Assessment) -> None:
        """Put the plan into the report and, before the first write, into the store."""
        report, held = self.report, make_plan(verdict.held)
        report.planned, report.held = len(plan.changes), len(verdict.held)
        report.changes = [change.sentence(self.world.name_of) for change in plan.changes]
        report.effects = head_of(plan.changes, assessment.observed, self.world.name_of)
        report.held_effects = head_of(verdict.held, assessment.observed, self.world.name_of)
        report.objections = [asdict(objection) for objection in verdict.objections]
        report.fingerprint = held.fingerprint or plan.fingerprint
        if plan:
            status = "held" if held else "planned"
            self.store.keep_plan(self.run.run_id, held or plan, status, verdict.objections, self.world.name_of)
        if self.question.is_everything:
            self.store.supersede_plans(except_for=report.fingerprint)

    # ---------------------------------------------------------------- applying

    def _apply(self, verdict: Verdict, assessment: Assessment) -> None:
        applier = Applier(
            self.world,
            self.run.tecton,
            self.setting.crew,
            self._saver(assessment),
            self._freshness(),
            can_seal=self.store.can_seal,
            approval=self.approval,
            rivals=self.rivals,
            made=made_lately(verdict.flowing, self.world, self.store, self.setting.clock()),
        )
        self.tally = applier.tally
        try:
            self._announce(verdict.flowing)
            applier.apply(verdict.flowing)
        except Halted as halt:
            self.report.halted = True
            self.report.notes.append(str(halt))
            self.store.note_tecton(ok=False, error=str(halt))
        else:
            self.store.note_tecton(ok=True)
        finally:
            if self.question.is_everything:
                self.world.under_way.clear()
        self.report.applied, self.report.failed = self.tally.applied, self.tally.failed
        self.report.in_vain = self.tally.in_vain
        if self.report.halted:
            return
        approved = self.run.approve if not verdict.held else None
        for fingerprint in filter(None, (approved, None if verdict.held else self.report.fingerprint)):
            self.store.close_plan(fingerprint, "applied", self.run.approved_by)

    def _announce(self, flowing: tuple[Change, ...]) -> None:
        """Have the drains that come in between count what a sweep is about to take away."""
        if self.question.is_everything:
            removals = (change for change in flowing if change.removes_access)
            self.world.under_way = {change: change in self.approval.changes for change in removals}

    def _saver(self, assessment: Assessment) -> Callable[[Step], None]:
        def save(step: Step) -> None:
            for principal in (outcome.principal for outcome in step.outcomes):
                held = self._held_after(step, principal)
                step.last_applied[principal] = stand_for(principal, self.world.last, assessment, held)
            self.keep(step)

        return save

    def _held_after(self, step: Step, principal: Principal) -> AccessState:
        """Return what a principal holds once the step is taken over."""
        tecton_id = self.world.links.tecton_id_of(principal)
        key = (principal.kind, tecton_id or "")
        record = step.records[key] if key in step.records else self.world.records.get(key)
        known = self.world.scopes | step.scopes
        mine = {
            scope: frozenset(grant for grant in grants if (grant.kind, grant.id) == key)
            for scope, grants in known.items()
            if grants
        }
        objects = TectonObjects({key: record} if record else {}, mine)
        return observed_access(objects, self.world.links)

    def _freshness(self) -> Callable[[Principal], bool]:
        """Return what tells whether a planned change is still from the latest look at its object.

        While a sweep applies, drains come in between: what they looked at is theirs.
        """
        drained, moment = self.world.drained, self.world.clock

        def still_wanted(principal: Principal) -> bool:
            return self.run.purpose == "drain" or drained.get(principal, -1) < moment

        return still_wanted

    def _stand_for_the_rest(self, assessment: Assessment) -> None:
        """What is found as it is desired is stood for from now on, as if it had been applied."""
        last = self.world.last
        asked = last.principals() if self.question.principals is None else self.question.principals
        found = Step()
        for principal in assessment.desired.state.principals() | asked:
            known = last.restricted_to([principal])
            now = stand_for(principal, last, assessment, assessment.observed)
            if (now or _NOTHING) != known:
                found.last_applied[principal] = now
            if len(found.last_applied) == SLICE:
                # What is stood for already stays so: the first sweep over a large Tecton is no single transaction.
                self.keep(found)
                found = Step()
        if found.last_applied:
            self.keep(found)


_NOTHING = AccessState()


def _held_in_words(verdict: Verdict, changes: Iterable[Change]) -> dict[Change, str]:
    """Return what is held and why: with a held deletion all that goes with it, which is in no plan of its own."""
    items = {item_of(change): why for change, why in verdict.why.items()}
    found = {change: said_of(change, items) for change in changes if change.removes_access}
    return {change: f"{HELD}: {why.sentence}" for change, why in found.items() if why}


def _counts(items: list[DriftItem]) -> dict[str, int]:
    counts = Counter(item.drift_class for item in items)
    return {of.value: counts[of] for of in DriftClass}
