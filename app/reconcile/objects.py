"""Writing one object of Tecton: created, adopted, edited or deleted. Called from many threads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from app.core.access import GroupProfile, Profile, ServiceAccountProfile, UserProfile
from app.core.changes import Change, ProfileChange
from app.core.credentials import KeyKind
from app.core.drift import why_ineffective
from app.core.identity import Kind, Principal, without_contained
from app.core.records import GroupRecord, Link, MemberId, Record, ServiceAccountRecord, UserRecord
from app.core.removals import item_of
from app.reconcile.isolate import EDIT_REFUSALS, REFUSALS, isolate
from app.reconcile.names import aside
from app.reconcile.ports import (
    Conflict,
    Created,
    Moved,
    NotFound,
    NotPossible,
    OneTimeKey,
    Refused,
    Step,
    Tecton,
    TectonError,
    UnknownOutcome,
)
from app.reconcile.work import Done, Work, grants_in, is_scope_change, members_in
from app.reconcile.world import World


class Objects:
    """Writes single objects; only reads of the world.

    `made` are changes that were made so lately that a read may not show them yet. Each edit begins with a read,
    which is sent back: without them it would undo them.
    """

    def __init__(
        self, world: World, tecton: Tecton, made: Mapping[Principal, Sequence[Change]], *, can_seal: bool
    ) -> None:
        self.world, self.tecton, self.can_seal = world, tecton, can_seal
        self.made = defaultdict[Principal, list[Change]](list, {of: list(changes) for of, changes in made.items()})

    def write(self, work: Work) -> Done:
        """Make the changes to one object. Raise TectonError when none could be made."""
        if work.creates:
            return self._create(work)
        tecton_id = self.world.links.tecton_id_of(work.principal)
        if tecton_id is None:
            raise NotFound(f"{work.principal.kind.words} {self.world.name_of(work.principal)} is not in Tecton yet")
        if work.deletes:
            return self._delete(work, tecton_id)
        return self._edit(work.principal, work.changes, tecton_id)

    def _delete(self, work: Work, tecton_id: str) -> Done:
        """Delete the object; a group only when it gives nothing that the plan, and so no guard, knows of."""
        kind, key = work.principal.kind, (work.principal.kind, tecton_id)
        known, now = self.world.records.get(key), self.tecton.get_record(*key) if kind is Kind.GROUP else None
        if isinstance(now, GroupRecord) and isinstance(known, GroupRecord):
            more = len(now.members - known.members) + len(now.roles - known.roles)
            if more:
                error = Moved(f"group {now.name} is not deleted yet: it got {more} members or roles meanwhile")
                return Done(Step(records={key: now}), dict.fromkeys(work.changes, error))
        self.tecton.delete(kind, tecton_id)
        return Done(Step(records={key: None}, unlinked=[work.principal]))

    def member_id(self, principal: Principal) -> MemberId | None:
        """Return a member's Tecton id; None for one that is not in Tecton."""
        tecton_id = self.world.links.tecton_id_of(principal)
        return MemberId(principal.kind, tecton_id) if tecton_id else None

    def _member_ids(self, principals: Iterable[Principal]) -> frozenset[MemberId]:
        return frozenset(member for of in principals if (member := self.member_id(of)))

    # ---------------------------------------------------------------- coming to be

    def _create(self, work: Work) -> Done:
        profile = work.profile_change.after if work.profile_change else None
        if profile is None:
            raise AssertionError("a creation has a profile")
        if work.principal.kind is Kind.SERVICE_ACCOUNT and not self.can_seal:
            # Its API key is answered once: without a key to encrypt it with, it would be lost.
            raise NotPossible(
                f"service account {profile.name} is not created: set BRIDGE_SECRET_KEY to keep its API key"
            )
        if isinstance(profile, ServiceAccountProfile) and profile.oauth:
            # It is made by an API that knows no roles.
            return self._create_bare(work, profile)
        try:
            return self._created(work, profile, self._post(work, profile))
        except (Conflict, UnknownOutcome) as error:
            return self._adopt(work, profile, error)
        except REFUSALS:
            # A role that does not exist here, a member who is gone: they must not keep the object out.
            if len(work.changes) == 1:
                raise
        return self._create_bare(work, profile)

    def _create_bare(self, work: Work, profile: Profile) -> Done:
        """Create the object without roles and members, then give it what it may have."""
        bare = Work(work.principal, tuple(change for change in work.changes if isinstance(change, ProfileChange)))
        try:
            done = self._created(bare, profile, self._post(bare, profile))
        except (Conflict, UnknownOutcome) as error:
            return self._adopt(work, profile, error)
        rest = work.without(bare.changes).changes
        if not rest:
            return done
        try:
            more = self._edit(work.principal, rest, done.step.links[0].tecton_id)
        except TectonError as error:
            # It is there: nothing may keep its link and its key from being stored.
            done.refused.update(dict.fromkeys(rest, error))
            return done
        done.step.records.update(more.step.records)
        done.refused.update(more.refused)
        return done

    def _post(self, work: Work, profile: Profile) -> Created:
        members = self._member_ids(members_in(work.changes, added=True))
        roles = grants_in(work.changes, added=True)
        return self.tecton.create(work.principal.kind, profile, sorted(members), sorted(roles))

    def _created(self, work: Work, profile: Profile, created: Created) -> Done:
        kind, record = work.principal.kind, created.record
        step = Step(records={(kind, record.id): record}, links=[Link(work.principal, record.id)])
        if created.api_key:
            step.one_time_key = OneTimeKey(record.id, profile.name, created.api_key)
        elif created.client_secret:
            kind_of_key = KeyKind.CLIENT_SECRET
            step.one_time_key = OneTimeKey(record.id, profile.name, created.client_secret, kind_of_key)
        return Done(step)

    def _adopt(self, work: Work, profile: Profile, error: TectonError) -> Done:
        """The name is taken, or the reply was lost: find who has it, and make that one what it should be."""
        kind = work.principal.kind
        found = self.tecton.find_entries(kind, profile.name) or [
            entry for entry in self.tecton.list_entries(kind) if entry.name.casefold() == profile.name.casefold()
        ]
        free = [entry for entry in found if not self.world.links.is_linked(kind, entry.id)]
        if len(free) != 1:
            raise error
        done = self._edit(work.principal, work.changes, free[0].id)
        done.step.links.append(Link(work.principal, free[0].id, adopted=isinstance(error, Conflict)))
        return done

    # ---------------------------------------------------------------- being altered

    def step_aside(self, work: Work) -> tuple[ProfileChange, Record]:
        """Give an object that is to be renamed a name of the bridge's own first; return that change, and the object.

        Raise TectonError, also when the name that it has did not become free.
        """
        tecton_id, change = self.world.links.tecton_id_of(work.principal), work.profile_change
        if tecton_id is None or change is None or change.before is None:
            raise AssertionError("who is renamed is there")
        profile = aside(change.before, tecton_id)
        try:
            edit = self.tecton.edit(work.principal.kind, tecton_id, lambda record: _called(record, profile.name))
        except NotFound as error:
            raise self._what_is_not_found(work.principal, tecton_id, error) from error
        if edit.after.name.casefold() != profile.name.casefold():
            raise Refused(f"could not rename {change.before.name}: {why_ineffective(())}")
        return ProfileChange(work.principal, change.before, profile), edit.after

    def _edit(self, principal: Principal, changes: Sequence[Change], tecton_id: str) -> Done:
        """Make changes to an object that is there. Raise the refusal when not one of them could be made."""
        done = Done()

        def attempt(part: Sequence[Change]) -> None:
            try:
                edited = self.tecton.edit(principal.kind, tecton_id, lambda record: self._edited(part, record))
            except NotFound as error:
                raise self._what_is_not_found(principal, tecton_id, error) from error
            self.made[principal] += part
            done.step.records[principal.kind, tecton_id] = edited.after

        done.refused = isolate(changes, attempt, EDIT_REFUSALS)
        if len(done.refused) == len(changes):
            raise next(iter(done.refused.values()))
        return done

    def _what_is_not_found(self, principal: Principal, tecton_id: str, error: NotFound) -> TectonError:
        """Tell an object that is gone from a role or a member in it that Tecton does not find."""
        is_there = self.tecton.get_record(principal.kind, tecton_id) is not None
        return Refused(str(error)) if is_there else error

    def _with_made(self, changes: Sequence[Change]) -> Sequence[Change]:
        """Return changes to one object together with what was made of it lately, each thing as it is to be at last."""
        made = (change for change in self.made[changes[0].principal] if _is_edit(change))
        return [*{item_of(change): change for change in (*made, *changes)}.values()]

    def _edited(self, changes: Sequence[Change], record: Record) -> Record | None:
        """Return the record with the changes made on it as it is now, None when they are all there already.

        Changes, not the planned whole, are put onto the fresh record: what somebody else changed since
        it was last read is kept.
        """
        after, changes = record, self._with_made(changes)
        for change in changes:
            if isinstance(change, ProfileChange):
                profile = _adopting(after, change.after) if change.creates else change.after
                after = _with_profile(after, profile)
        added, removed = grants_in(changes, added=True), grants_in(changes, added=False)
        roles = (after.roles - removed) | added
        after = replace(after, roles=without_contained(roles) if added else roles)
        if isinstance(after, GroupRecord):
            come = self._member_ids(members_in(changes, added=True))
            go = self._member_ids(members_in(changes, added=False))
            # Who is to be in wins: one Tecton user can be meant by two principals, until the next sweep.
            after = replace(after, members=(after.members - go) | come)
        return None if after == record else after


def _is_edit(change: Change) -> bool:
    """Tell whether a change is made by an edit: not who comes to be or ceases to be, nor roles on secret scopes."""
    is_all = isinstance(change, ProfileChange) and (change.creates or change.deletes)
    return not is_all and not is_scope_change(change)


def _called(record: Record, name: str) -> Record:
    return replace(record, user_name=name) if isinstance(record, UserRecord) else replace(record, name=name)


def _adopting(record: Record, profile: Profile | None) -> Profile | None:
    """Return the profile for somebody who was to be created and is there: what nobody pushed stays as it is."""
    if isinstance(profile, GroupProfile):
        return GroupProfile(profile.name, profile.description or None, profile.idp_mapping_names or None)
    if isinstance(profile, ServiceAccountProfile):
        return replace(profile, description=profile.description or None)
    if isinstance(profile, UserProfile) and isinstance(record, UserRecord):
        # Names that are there were written by single sign-on, which would write them again.
        given, family = record.given_name, record.family_name
        return replace(profile, given_name=given, family_name=family) if given or family else profile
    return profile


def _with_profile(record: Record, profile: Profile | None) -> Record:
    if isinstance(record, UserRecord) and isinstance(profile, UserProfile):
        # A name in another case is the same name, and Tecton may refuse to change it (row 11 of the unknowns).
        is_same = record.user_name.casefold() == profile.user_name.casefold()
        name = record.user_name if is_same else profile.user_name
        return replace(record, user_name=name, given_name=profile.given_name, family_name=profile.family_name)
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
