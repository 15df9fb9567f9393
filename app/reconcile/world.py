"""What the leader knows, in memory: the directory, and Tecton as last seen.

Only the leader writes what is known of Tecton, and every push marks its principal dirty, so that this
copy stays true while the process leads. It is loaded again at every sweep.
"""

from __future__ import annotations

from collections.abc import Collection

from app.core.access import AccessState, Profile
from app.core.changes import Change
from app.core.directory import Directory, PushedGroup, PushedPerson
from app.core.identity import ADMIN, Grant, Kind, Principal, Target, automatic_grant
from app.core.records import GroupRecord, MemberId, TectonObjects, observed_access, profile_of
from app.reconcile.ports import Knowledge, Step

ObjectKey = tuple[Kind, str]
Wanted = tuple[Kind, str]  # a name as Tecton compares it: case does not count


class World:
    """The directory and the knowledge of Tecton, changed step by step."""

    def __init__(self, directory: Directory, knowledge: Knowledge) -> None:
        self.people = dict(directory.people)
        self.groups = dict(directory.groups)
        self.records = dict(knowledge.objects.records)
        self.scopes = dict(knowledge.objects.scopes)
        self.links = knowledge.links
        last = knowledge.last_applied
        self._last_parts = (dict(last.profiles), dict(last.members), dict(last.grants))
        self.automatic = set(knowledge.automatic)
        self.known_targets = set(knowledge.known_targets)
        self.failing = dict(knowledge.failing)
        self.awaited_keys = set(knowledge.awaited_keys)
        self.verified, self.modified = knowledge.verified, knowledge.modified
        self.whole_lists, self.elsewhere = knowledge.whole_lists, knowledge.elsewhere
        self.complete = knowledge.complete
        self.last = AccessState(*self._last_parts)
        self.clock = 0  # moves with every step
        self.remembered = AccessState()  # Tecton as it was known before a silence
        self.under_way: dict[Change, bool] = {}  # removals that a run is at, and whether a person approved them
        self.drained: dict[Principal, int] = {}  # when a drain last looked at whom, by this clock
        self.held: dict[Principal, str] = {}  # whose deletion a guard holds, and the plan that lets them go
        self.waiting: dict[Principal, Wanted] = {}  # who waits for a name that another one still has
        self._touched: dict[ObjectKey | str, int] = {}
        self._observed: tuple[tuple[int, int], AccessState] | None = None  # of everybody, and by which clocks

    # ---------------------------------------------------------------- reading

    def objects(self, principals: Collection[Principal] | None = None) -> TectonObjects:
        """Return Tecton's objects as last seen: all, or those of some principals (with every scope)."""
        if principals is None:
            return TectonObjects(self.records, self.scopes)
        keys = [(p.kind, id_) for p in principals if (id_ := self.links.tecton_id_of(p)) is not None]
        return TectonObjects({key: self.records[key] for key in keys if key in self.records}, self.scopes)

    def observed(self, principals: Collection[Principal] | None = None) -> AccessState:
        """Return the observed state, of everybody or of some."""
        if principals is not None:
            return observed_access(self.objects(principals), self.links).restricted_to(principals)
        clocks = (self.clock, self.links.clock)
        if self._observed is None or self._observed[0] != clocks:
            self._observed = (clocks, observed_access(self.objects(), self.links))
        return self._observed[1]

    def directory(self, people: Collection[str], groups: Collection[str]) -> Directory:
        """Return the part of the directory that decides over these people and groups.

        It tells of everybody who is to be in one of the groups, or is in it in Tecton.
        """
        chosen = {id_: self.groups[id_] for id_ in groups if id_ in self.groups}
        ids = {*people, *(member for group in chosen.values() for member in group.members)}
        observed = self.observed([group.principal for group in chosen.values()]).members
        ids |= {member.id for members in observed.values() for member in members}
        return Directory({id_: self.people[id_] for id_ in ids if id_ in self.people}, chosen)

    def automatic_grants(self) -> frozenset[tuple[Principal, Grant]]:
        """Return the roles that came with a workspace or scope, with their holders."""
        return frozenset(
            (self.links.principal_of(kind, tecton_id), automatic_grant(Target.of_key(target)))
            for kind, tecton_id, target in self.automatic
        )

    def profile_of(self, principal: Principal) -> Profile | None:
        """Return the profile of a principal in Tecton, None for one that is not there."""
        record = self.records.get((principal.kind, self.links.tecton_id_of(principal) or ""))
        return profile_of(record) if record else None

    def admin_accounts(self) -> frozenset[Principal]:
        """Return the service accounts that are admin, themselves or through a group; all where none seems to be.

        The bridge's own is one of them: SCIM is for admins. Where none is seen, SCIM does not show roles.
        """
        admins = [record for record in self.records.items() if ADMIN in record[1].roles]
        ids = {key for key, _ in admins}
        ids |= {(of.kind, of.id) for _, record in admins if isinstance(record, GroupRecord) for of in record.members}
        accounts = {key for key in self.records if key[0] is Kind.SERVICE_ACCOUNT}
        return frozenset(self.links.principal_of(*key) for key in (accounts & ids or accounts))

    def is_pushed(self, principal: Principal) -> bool:
        """Tell whether the provider wants a principal in Tecton."""
        person, group = self.people.get(principal.id), self.groups.get(principal.id)
        pushed = person or group
        return pushed is not None and pushed.provisioned and pushed.principal == principal

    def name_of(self, principal: Principal) -> str:
        """Return what people call a principal: its name in Tecton, or the one it will have."""
        if principal.kind is Kind.WORKSPACE:
            return principal.id
        tecton_id = self.links.tecton_id_of(principal)
        record = self.records.get((principal.kind, tecton_id)) if tecton_id else None
        if record:
            return record.name
        pushed: PushedPerson | PushedGroup | None = self.people.get(principal.id) or self.groups.get(principal.id)
        applied = self.last.profiles.get(principal)
        return pushed.name if pushed else applied.name if applied else principal.id.partition("/")[2] or principal.id

    def was_touched_since(self, key: ObjectKey | str, moment: int) -> bool:
        """Tell whether an object was written or read by another run after `moment` of this world's clock."""
        return self._touched.get(key, -1) > moment

    # ---------------------------------------------------------------- changing

    def update_directory(self, ids: Collection[str], part: Directory) -> None:
        """Take over the pushed state of these resources."""
        for id_ in ids:
            self.people.pop(id_, None)
            self.groups.pop(id_, None)
        self.people.update(part.people)
        self.groups.update(part.groups)

    def take(self, step: Step) -> None:
        """Take over what a step found out or did."""
        self.clock += 1
        for principal in step.unlinked:
            self.links.discard(principal)
        for link in step.links:
            self.links.add(link)
        for key, record in step.records.items():
            self._touched[key] = self.clock
            _put(self.records, key, record)
        for scope, grants in step.scopes.items():
            self._touched[scope] = self.clock
            _put(self.scopes, scope, grants)
        for principal, state in step.last_applied.items():
            self._remember(principal, state)
        self.automatic |= step.automatic
        self.known_targets |= step.known_targets
        for principal, awaits in step.awaited_keys.items():
            (self.awaited_keys.add if awaits else self.awaited_keys.discard)(principal)

    def _remember(self, principal: Principal, state: AccessState | None) -> None:
        state = state or AccessState()
        for part, of in zip(self._last_parts, (state.profiles, state.members, state.grants), strict=True):
            _put(part, principal, of.get(principal))  # type: ignore[arg-type]

    def groups_with(self, member: MemberId) -> dict[ObjectKey, GroupRecord]:
        """Return the Tecton groups, as last seen, that have this member."""
        return {
            key: record
            for key, record in self.records.items()
            if isinstance(record, GroupRecord) and member in record.members
        }


def _put(mapping: dict, key: object, value: object) -> None:  # type: ignore[type-arg]
    if value is None:
        mapping.pop(key, None)
    else:
        mapping[key] = value
