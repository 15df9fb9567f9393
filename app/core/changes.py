"""Changes: each one reversible step, with its sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

from app.core.access import AccessState, GroupProfile, Profile, ServiceAccountProfile, UserProfile
from app.core.identity import Grant, Kind, Level, Principal, Target

NameOf = Callable[[Principal], str]

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class ProfileChange:
    """A principal comes to be (`before` is None), ceases to be (`after` is None), or is altered."""

    principal: Principal
    before: Profile | None
    after: Profile | None

    @property
    def creates(self) -> bool:
        """Tell whether the principal comes to be."""
        return self.before is None

    @property
    def deletes(self) -> bool:
        """Tell whether the principal ceases to be."""
        return self.after is None

    @property
    def removes_access(self) -> bool:
        """Tell whether somebody can do less afterwards."""
        return self.deletes or (
            isinstance(self.before, ServiceAccountProfile)
            and isinstance(self.after, ServiceAccountProfile)
            and self.before.active
            and not self.after.active
        )

    def reverse(self) -> ProfileChange:
        """Return the change that undoes this one."""
        return ProfileChange(self.principal, self.after, self.before)

    def sentence(self, name_of: NameOf) -> str:
        """Say the change, as an order."""
        words = self.principal.kind.words
        if self.before is None or self.after is None:
            profile = self.after or self.before
            return f"{'create' if self.after else 'delete'} {words} {profile.name if profile else self.principal.id}"
        return f"change {words} {self.before.name}: {', '.join(_differences(self.before, self.after))}"


@dataclass(frozen=True, slots=True)
class MemberChange:
    """A principal enters a group or leaves it."""

    group: Principal
    member: Principal
    added: bool

    @property
    def principal(self) -> Principal:
        """The object that is written."""
        return self.group

    @property
    def removes_access(self) -> bool:
        """Tell whether somebody can do less afterwards."""
        return not self.added

    def reverse(self) -> MemberChange:
        """Return the change that undoes this one."""
        return replace(self, added=not self.added)

    def sentence(self, name_of: NameOf) -> str:
        """Say the change, as an order."""
        if self.added:
            return f"add {name_of(self.member)} to group {name_of(self.group)}"
        return f"remove {name_of(self.member)} from group {name_of(self.group)}"


@dataclass(frozen=True, slots=True)
class GrantChange:
    """A principal is granted a role or loses it."""

    principal: Principal
    grant: Grant
    added: bool

    @property
    def removes_access(self) -> bool:
        """Tell whether somebody can do less afterwards."""
        return not self.added

    def reverse(self) -> GrantChange:
        """Return the change that undoes this one."""
        return replace(self, added=not self.added)

    def sentence(self, name_of: NameOf) -> str:
        """Say the change, as an order."""
        who = f"{self.principal.kind.words} {name_of(self.principal)}"
        return f"grant {self.grant} to {who}" if self.added else f"revoke {self.grant} from {who}"


Change = ProfileChange | MemberChange | GrantChange


def _differences(before: Profile, after: Profile) -> list[str]:
    names = (field.name for field in fields(before) if field.compare)
    pairs = ((name, getattr(before, name), getattr(after, name)) for name in names)
    return [f"{name.replace('_', ' ')} {old!r} → {new!r}" for name, old, new in pairs if old != new]


def is_true(change: Change, held: AccessState) -> bool:
    """Tell whether a state shows that a change was made."""
    if isinstance(change, MemberChange):
        return (change.member in held.members_of(change.group)) is change.added
    if isinstance(change, GrantChange):
        return (change.grant in held.grants_of(change.principal)) is change.added
    profile = held.profiles.get(change.principal)
    if change.after is None or profile is None:
        return profile is change.after
    if change.creates:
        # Who was there already keeps what nobody pushed; what else differs is a difference of its own.
        return profile.name.casefold() == change.after.name.casefold()
    if isinstance(change.after, UserProfile) and isinstance(profile, UserProfile):
        return profile.user_name.casefold() == change.after.user_name.casefold()
    return profile == change.after


def apply_changes(state: AccessState, changes: Iterable[Change]) -> AccessState:
    """Return the state after the changes; what they do not touch is shared with the state before."""
    made = list(changes)
    after = {c.principal: c.after for c in made if isinstance(c, ProfileChange)}
    profiles = {**state.profiles, **after}
    return AccessState(
        {principal: profile for principal, profile in profiles.items() if profile is not None},
        _moved(state.members, ((c.group, c.member, c.added) for c in made if isinstance(c, MemberChange))),
        _moved(state.grants, ((c.principal, c.grant, c.added) for c in made if isinstance(c, GrantChange))),
    )


def _moved(
    before: Mapping[Principal, frozenset[Item]], moves: Iterable[tuple[Principal, Item, bool]]
) -> dict[Principal, frozenset[Item]]:
    changed: dict[Principal, set[Item]] = {}
    for principal, item, added in moves:
        if principal not in changed:
            changed[principal] = set(before.get(principal, ()))
        (changed[principal].add if added else changed[principal].discard)(item)
    after = {**before, **{principal: frozenset(held) for principal, held in changed.items()}}
    return {principal: held for principal, held in after.items() if held}


def outcome_of(observed: AccessState, changes: Iterable[Change]) -> AccessState:
    """Return what Tecton holds after the changes: what is deleted takes along what it held and was in."""
    state = apply_changes(observed, changes)
    gone = observed.profiles.keys() - state.profiles.keys()
    if not gone:
        return state
    return AccessState(
        state.profiles,
        {group: _less(of, gone) for group, of in state.members.items() if group not in gone},
        {principal: of for principal, of in state.grants.items() if principal not in gone},
    )


def _less(members: frozenset[Principal], gone: Set[Principal]) -> frozenset[Principal]:
    return members if members.isdisjoint(gone) else members - gone


_PROFILES: dict[Kind, type[Profile]] = {
    Kind.USER: UserProfile,
    Kind.GROUP: GroupProfile,
    Kind.SERVICE_ACCOUNT: ServiceAccountProfile,
}


def profile_to_json(profile: Profile | None) -> dict[str, Any] | None:
    """Return a profile as JSON values."""
    return None if profile is None else {name: getattr(profile, name) for name in type(profile).__slots__}


def profile_from_json(kind: Kind, values: dict[str, Any] | None) -> Profile | None:
    """Return the profile that `profile_to_json` wrote."""
    if values is None:
        return None
    if values.get("idp_mapping_names") is not None:
        values = {**values, "idp_mapping_names": tuple(values["idp_mapping_names"])}
    return _PROFILES[kind](**values)


def to_json(change: Change) -> dict[str, Any]:
    """Return a change as JSON values: what a stored plan holds and its fingerprint is taken of."""
    if isinstance(change, ProfileChange):
        return {
            "change": "profile",
            "principal": list(change.principal),
            "before": profile_to_json(change.before),
            "after": profile_to_json(change.after),
        }
    if isinstance(change, MemberChange):
        return {"change": "member", "group": list(change.group), "member": list(change.member), "added": change.added}
    return {
        "change": "grant",
        "principal": list(change.principal),
        "grant": grant_to_json(change.grant),
        "added": change.added,
    }


def from_json(values: dict[str, Any]) -> Change:
    """Return the change that `to_json` wrote."""
    if values["change"] == "profile":
        principal = principal_from_json(values["principal"])
        return ProfileChange(
            principal,
            profile_from_json(principal.kind, values["before"]),
            profile_from_json(principal.kind, values["after"]),
        )
    if values["change"] == "member":
        return MemberChange(
            principal_from_json(values["group"]), principal_from_json(values["member"]), values["added"]
        )
    return GrantChange(principal_from_json(values["principal"]), grant_from_json(values["grant"]), values["added"])


def principal_from_json(values: list[str]) -> Principal:
    """Return the principal written as [kind, id]."""
    return Principal(Kind(values[0]), values[1])


def grant_to_json(grant: Grant) -> list[str]:
    """Return a grant as [level, name, role]."""
    return [grant.target.level.value, grant.target.name, grant.role]


def grant_from_json(values: list[str]) -> Grant:
    """Return the grant written as [level, name, role]."""
    return Grant(Target(Level(values[0]), values[1]), values[2])
