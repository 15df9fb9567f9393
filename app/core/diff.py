"""`diff`: the changes that turn one access state into another."""

from __future__ import annotations

from collections.abc import Iterator

from app.core.access import AccessState
from app.core.changes import Change, GrantChange, MemberChange, ProfileChange


def diff(wanted: AccessState, observed: AccessState) -> tuple[Change, ...]:
    """Return the changes that turn `observed` into `wanted`, in one order whatever the input's.

    Applying them to `observed` gives `wanted`; equal states give none.
    """
    return (*_profiles(wanted, observed), *_members(wanted, observed), *_grants(wanted, observed))


def _profiles(wanted: AccessState, observed: AccessState) -> Iterator[Change]:
    for principal in sorted(wanted.profiles.keys() | observed.profiles.keys()):
        before, after = observed.profiles.get(principal), wanted.profiles.get(principal)
        if before != after:
            yield ProfileChange(principal, before, after)


def _members(wanted: AccessState, observed: AccessState) -> Iterator[Change]:
    for group in sorted(wanted.members.keys() | observed.members.keys()):
        before, after = observed.members_of(group), wanted.members_of(group)
        if before != after:
            yield from (MemberChange(group, member, added=False) for member in sorted(before - after))
            yield from (MemberChange(group, member, added=True) for member in sorted(after - before))


def _grants(wanted: AccessState, observed: AccessState) -> Iterator[Change]:
    for principal in sorted(wanted.grants.keys() | observed.grants.keys()):
        before, after = observed.grants_of(principal), wanted.grants_of(principal)
        if before != after:
            yield from (GrantChange(principal, grant, added=False) for grant in sorted(before - after))
            yield from (GrantChange(principal, grant, added=True) for grant in sorted(after - before))
