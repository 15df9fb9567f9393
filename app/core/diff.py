"""`diff`: the changes that turn one access state into another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from app.core.access import AccessState
from app.core.changes import Change, GrantChange, MemberChange, ProfileChange
from app.core.identity import Principal


def diff(wanted: AccessState, observed: AccessState) -> tuple[Change, ...]:
    """Return the changes that turn `observed` into `wanted`, in one order whatever the input's.

    Applying them to `observed` gives `wanted`; equal states give none.
    """
    return (*_profiles(wanted, observed), *_members(wanted, observed), *_grants(wanted, observed))


def _profiles(wanted: AccessState, observed: AccessState) -> Iterator[Change]:
    for principal in _differing(wanted.profiles, observed.profiles):
        yield ProfileChange(principal, observed.profiles.get(principal), wanted.profiles.get(principal))


def _members(wanted: AccessState, observed: AccessState) -> Iterator[Change]:
    for group in _differing(wanted.members, observed.members):
        before, after = observed.members_of(group), wanted.members_of(group)
        yield from (MemberChange(group, member, added=False) for member in sorted(before - after))
        yield from (MemberChange(group, member, added=True) for member in sorted(after - before))


def _grants(wanted: AccessState, observed: AccessState) -> Iterator[Change]:
    for principal in _differing(wanted.grants, observed.grants):
        before, after = observed.grants_of(principal), wanted.grants_of(principal)
        yield from (GrantChange(principal, grant, added=False) for grant in sorted(before - after))
        yield from (GrantChange(principal, grant, added=True) for grant in sorted(after - before))


def _differing(wanted: Mapping[Principal, object], observed: Mapping[Principal, object]) -> list[Principal]:
    """Return the principals of which the two do not say the same, in order.

    Only they are sorted, and what the two share is not compared: most of a state is as it should be.
    """
    found = [of for of, held in wanted.items() if (seen := observed.get(of)) is not held and seen != held]
    return sorted([*found, *(of for of in observed if of not in wanted)])
