"""Applying a plan: object by object, what must go before what must come, each outcome recorded.

One bad object never stops the others. What stops everything is what would fail for every object: no
connection, or a key that Tecton does not accept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

from app.core.access import AccessState, GroupProfile, Profile, ServiceAccountProfile, UserProfile
from app.core.changes import Change, GrantChange, MemberChange, ProfileChange
from app.core.guards import count_removals
from app.core.identity import Grant, Kind, Level, Principal, without_contained
from app.core.records import (
    GroupRecord,
    Link,
    MemberId,
    Record,
    ScopeGrant,
    ServiceAccountRecord,
    TectonObjects,
    UserRecord,
    observed_access,
)
from app.reconcile.observe import Crew
from app.reconcile.ports import (
    Conflict,
    CredentialsRefused,
    NotFound,
    NotPossible,
    Outcome,
    Step,
    Tecton,
    TectonError,
    UnknownOutcome,
    Unreachable,
)
from app.reconcile.world import World

Save = Callable[[Step], None]
StillWanted = Callable[[Principal], bool]


@dataclass(slots=True)
class Tally:
    """What became of the changes, and which objects failed."""

    applied: int = 0
    failed: int = 0
    errors: dict[Principal, TectonError] = field(default_factory=dict)
    unfinished: set[Principal] = field(default_factory=set)  # not even tried, where everything was halted
    ineffective: set[Change] = field(default_factory=set)


class Halted(Exception):
    """Applying stopped, because nothing else would have worked either."""

    def __init__(self, cause: TectonError) -> None:
        self.cause = cause
        super().__init__(str(cause))


@dataclass(frozen=True, slots=True)
class Work:
    """All changes to one object."""

    principal: Principal
    changes: tuple[Change, ...]

    @property
    def profile_change(self) -> ProfileChange | None:
        """The change of the profile, if there is one."""
        return next((change for change in self.changes if isinstance(change, ProfileChange)), None)

    @property
    def creates(self) -> bool:
        """Tell whether the object comes to be."""
        change = self.profile_change
        return change is not None and change.creates

    @property
    def deletes(self) -> bool:
        """Tell whether the object ceases to be."""
        change = self.profile_change
        return change is not None and change.deletes

    @property
    def removes_access(self) -> bool:
        """Tell whether somebody can do less afterwards."""
        return any(change.removes_access for change in self.changes)

    def grants(self, *, added: bool) -> frozenset[Grant]:
        """Return the grants that come, or that go."""
        return frozenset(c.grant for c in self.changes if isinstance(c, GrantChange) and c.added is added)

    def members(self, *, added: bool) -> frozenset[Principal]:
        """Return the members that come, or that go."""
        return frozenset(c.member for c in self.changes if isinstance(c, MemberChange) and c.added is added)


def is_scope_change(change: Change) -> bool:
    """Tell whether a change is a role on a secret scope, which is written in a batch of its own."""
    return isinstance(change, GrantChange) and change.grant.target.level is Level.SECRET_SCOPE


class Applier:
    """Applies changes to Tecton for one run."""

    def __init__(
        self, world: World, tecton: Tecton, crew: Crew, save: Save, still_wanted: StillWanted, *, can_seal: bool
    ) -> None:
        self.world, self.tecton, self.crew = world, tecton, crew
        self.save, self.still_wanted, self.can_seal = save, still_wanted, can_seal
        self.tally = Tally()

    def apply(self, changes: Sequence[Change]) -> Tally:
        """Apply the changes: on the way down roles first and objects last, on the way up the reverse.

        Raise `Halted` when nothing else would work either; what was done until then is recorded.
        """
        works = _by_object([change for change in changes if not is_scope_change(change)])
        scopes = [change for change in changes if isinstance(change, GrantChange) and is_scope_change(change)]
        self.tally.unfinished = {change.principal for change in changes}
        self._batch([change for change in scopes if not change.added])
        arriving = {work.principal for work in works if work.creates}
        for phase in _phases(works, arriving):
            self._each(phase)
        self._batch([change for change in scopes if change.added])
        self.tally.unfinished.clear()
        return self.tally

    # ---------------------------------------------------------------- objects

    def _each(self, works: list[Work]) -> None:
        ready = (self._without_absent(work) for work in works if self._is_ready(work))
        for work, call in self.crew.each(self._call, (work for work in ready if work.changes)):
            self._conclude(work, call)

    def _without_absent(self, work: Work) -> Work:
        """Leave out members that could not be created: they enter when their own retry creates them."""
        changes = (c for c in work.changes if not isinstance(c, MemberChange) or self._member_id(c.member))
        return Work(work.principal, tuple(changes))

    def _is_ready(self, work: Work) -> bool:
        """Leave an object alone that another run changed since the plan was made: it is looked at again."""
        if self.still_wanted(work.principal):
            return True
        self._report(Step(), work, "skipped", "it was pushed again meanwhile")
        return False

    def _call(self, work: Work) -> Step:
        if work.creates:
            return self._create(work)
        tecton_id = self.world.links.tecton_id_of(work.principal)
        if tecton_id is None:
            raise NotFound(f"{work.principal.kind.words} {self.world.name_of(work.principal)} is not in Tecton yet")
        if work.deletes:
            self.tecton.delete(work.principal.kind, tecton_id)
            return Step(records={(work.principal.kind, tecton_id): None}, unlinked=[work.principal])
        return self._edit(work, tecton_id)

    def _create(self, work: Work) -> Step:
        kind, profile = work.principal.kind, work.profile_change.after if work.profile_change else None
        if profile is None:
            raise AssertionError("a creation has a profile")
        if kind is Kind.SERVICE_ACCOUNT and not self.can_seal:
            # Its API key is answered once: without a key to encrypt it with, it would be lost.
            raise NotPossible(
                f"service account {profile.name} is not created: set BRIDGE_SECRET_KEY to keep its API key"
            )
        members = [member for of in work.members(added=True) if (member := self._member_id(of))]
        try:
            created = self.tecton.create(kind, profile, sorted(members), sorted(work.grants(added=True)))
        except (Conflict, UnknownOutcome) as error:
            return self._adopt(work, profile, error)
        link = Link(work.principal, created.record.id)
        step = Step(records={(kind, created.record.id): created.record}, links=[link])
        if created.api_key:
            step.one_time_key = (created.record.id, profile.name, created.api_key)
        return step

    def _adopt(self, work: Work, profile: Profile, error: TectonError) -> Step:
        """The name is taken, or the reply was lost: find who has it, and make that one what it should be."""
        kind = work.principal.kind
        found = self.tecton.find_entries(kind, profile.name) or [
            entry for entry in self.tecton.list_entries(kind) if entry.name.casefold() == profile.name.casefold()
        ]
        free = [entry for entry in found if not self.world.links.is_linked(kind, entry.id)]
        if len(free) != 1:
            raise error
        step = self._edit(work, free[0].id)
        step.links.append(Link(work.principal, free[0].id, adopted=isinstance(error, Conflict)))
        return step

    def _edit(self, work: Work, tecton_id: str) -> Step:
        edited = self.tecton.edit(work.principal.kind, tecton_id, lambda record: self._edited(work, record))
        return Step(records={(work.principal.kind, tecton_id): edited.after})

    def _edited(self, work: Work, record: Record) -> Record | None:
        """Return the record with the changes made on it as it is now, None when they are all there already.

        Changes, not the planned whole, are put onto the fresh record: what somebody else changed since
        it was last read is kept.
        """
        after = record
        if change := work.profile_change:
            after = _with_profile(after, change.after)
        roles = (after.roles | work.grants(added=True)) - work.grants(added=False)
        after = replace(after, roles=without_contained(roles) if work.grants(added=True) else roles)
        if isinstance(after, GroupRecord):
            added = frozenset(member for of in work.members(added=True) if (member := self._member_id(of)))
            removed = frozenset(member for of in work.members(added=False) if (member := self._member_id(of)))
            after = replace(after, members=(after.members | added) - removed)
        return None if after == record else after

    def _member_id(self, principal: Principal) -> MemberId | None:
        """Return a member's Tecton id; None for one that is not in Tecton."""
        tecton_id = self.world.links.tecton_id_of(principal)
        return MemberId(principal.kind, tecton_id) if tecton_id else None

    def _conclude(self, work: Work, call: Future[Step]) -> None:
        try:
            step = call.result()
        except TectonError as error:
            self._fail(work, error)
            return
        if work.deletes:
            self._forget(work.principal, step)
        for link in step.links:
            self.world.links.add(link)  # the members and grants below are told by it
        undone = self._undone(work, step)
        if undone:
            self.tally.ineffective |= undone
            self._report(step, work, "not_effective", "Tecton answered that it was done, and it is not", undone)
        else:
            self._report(step, work, "applied")

    def _undone(self, work: Work, step: Step) -> set[Change]:
        """Return the changes that the object read back does not show."""
        records = {key: record for key, record in step.records.items() if record is not None}
        held = observed_access(TectonObjects(records), self.world.links)
        return {change for change in work.changes if not _is_true(change, held, self._member_id)}

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

    # ---------------------------------------------------------------- roles on secret scopes

    def _batch(self, changes: list[GrantChange]) -> None:
        """Write roles on secret scopes, all in one call, and read the scopes back."""
        changes = [change for change in changes if self.still_wanted(change.principal)]
        sendable = [change for change in changes if self._scope_grant(change)]
        works = _by_object(changes)
        if not works:
            return
        try:
            step = self._write_scopes(sendable)
        except TectonError as error:
            for work in works:
                self._fail(work, error)
            return
        self._conclude_batch(works, step)

    def _write_scopes(self, changes: list[GrantChange]) -> Step:
        grants = [grant for change in changes if (grant := self._scope_grant(change))]
        if grants:
            write = self.tecton.assign if changes[0].added else self.tecton.unassign
            write(sorted(grants))
        scopes = sorted({grant.scope for grant in grants})
        return Step(scopes={scope: self.tecton.list_scope_grants(scope) for scope in scopes})

    def _conclude_batch(self, works: list[Work], step: Step) -> None:
        held = {grant for grants in step.scopes.values() for grant in grants or ()}
        for number, work in enumerate(works):
            undone = {
                c for c in work.changes if isinstance(c, GrantChange) and (self._scope_grant(c) in held) is not c.added
            }
            self.tally.ineffective |= undone
            status = "not_effective" if undone else "applied"
            error = "Tecton answered that it was done, and it is not" if undone else ""
            self._report(step if number == 0 else Step(), work, status, error, undone)

    def _scope_grant(self, change: GrantChange) -> ScopeGrant | None:
        tecton_id = self.world.links.tecton_id_of(change.principal)
        if tecton_id is None:
            return None
        return ScopeGrant(change.principal.kind, tecton_id, change.grant.target.name, change.grant.role)

    # ---------------------------------------------------------------- outcomes

    def _fail(self, work: Work, error: TectonError) -> None:
        self.tally.errors[work.principal] = error
        step = Step()
        if isinstance(error, NotFound) and (tecton_id := self.world.links.tecton_id_of(work.principal)):
            step = Step(records={(work.principal.kind, tecton_id): None}, unlinked=[work.principal])
        self._report(step, work, "failed", str(error))
        if isinstance(error, (Unreachable, CredentialsRefused)):
            raise Halted(error)

    def _report(self, step: Step, work: Work, status: str, error: str = "", undone: Iterable[Change] = ()) -> None:
        done = [change for change in work.changes if change not in set(undone)]
        name = self.world.name_of(work.principal)
        sentences = tuple(change.sentence(self.world.name_of) for change in work.changes)
        removed = self._removed(done) if status in {"applied", "not_effective"} else {}
        step.outcomes.append(Outcome(work.principal, name, work.changes, sentences, status, error, removed))
        if status in {"applied", "not_effective"}:
            self.tally.applied += len(done)
            self.tally.failed += len(work.changes) - len(done)
        elif status == "failed":
            self.tally.failed += len(work.changes)
        self.save(step)

    def _removed(self, changes: list[Change]) -> dict[str, int]:
        removals = [change for change in changes if change.removes_access]
        if not removals:
            return {}
        return count_removals(removals, self.world.observed([change.principal for change in removals]))


def _phases(works: list[Work], arriving: set[Principal]) -> list[list[Work]]:
    """Return the works in their order: who leaves; what narrows; who arrives; groups and roles; groups that go.

    An object is written once. One that narrows but also waits for somebody who arrives comes after
    the arrivals.
    """
    people = {Kind.USER, Kind.SERVICE_ACCOUNT}
    phases: list[list[Work]] = [[], [], [], [], []]
    for work in works:
        if work.deletes:
            phases[4 if work.principal.kind is Kind.GROUP else 0].append(work)
        elif work.creates:
            phases[2 if work.principal.kind in people else 3].append(work)
        elif work.removes_access and not work.members(added=True) & arriving:
            phases[1].append(work)
        else:
            phases[3].append(work)
    return phases


def _by_object(changes: Iterable[Change]) -> list[Work]:
    grouped: defaultdict[Principal, list[Change]] = defaultdict(list)
    for change in changes:
        grouped[change.principal].append(change)
    return [Work(principal, tuple(of)) for principal, of in grouped.items()]


def _with_profile(record: Record, profile: Profile | None) -> Record:
    if isinstance(record, UserRecord) and isinstance(profile, UserProfile):
        return replace(
            record, user_name=profile.user_name, given_name=profile.given_name, family_name=profile.family_name
        )
    if isinstance(record, GroupRecord) and isinstance(profile, GroupProfile):
        return replace(
            record,
            name=profile.name,
            description=record.description if profile.description is None else profile.description,
            idp_mapping_names=record.idp_mapping_names
            if profile.idp_mapping_names is None
            else profile.idp_mapping_names,
        )
    if isinstance(record, ServiceAccountRecord) and isinstance(profile, ServiceAccountProfile):
        description = record.description if profile.description is None else profile.description
        return replace(record, name=profile.name, description=description, active=profile.active)
    return record


def _is_true(change: Change, held: AccessState, member_id: Callable[[Principal], MemberId | None]) -> bool:
    if isinstance(change, MemberChange):
        return (change.member in held.members_of(change.group)) is change.added
    if isinstance(change, GrantChange):
        return (change.grant in held.grants_of(change.principal)) is change.added
    profile = held.profiles.get(change.principal)
    if change.after is None or profile is None:
        return profile is change.after
    if isinstance(change.after, UserProfile) and isinstance(profile, UserProfile):
        return profile.user_name.casefold() == change.after.user_name.casefold()
    return profile == change.after
