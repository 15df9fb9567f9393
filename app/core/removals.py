"""Removals: which limit counts a change, how much it takes away, and from whom."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import TypeVar

from app.core.access import AccessState, ServiceAccountProfile
from app.core.changes import Change, GrantChange, MemberChange, ProfileChange
from app.core.identity import Grant, Kind, Principal

REMOVAL_KINDS = ("users", "service_accounts", "members", "roles")

# What a change gives or takes: a group's member, a principal's grant, or the principal itself.
Item = tuple[Principal, Principal | Grant | None]
S = TypeVar("S")


def removal_kind(change: Change) -> str | None:
    """Return which limit counts a change, one of `REMOVAL_KINDS`; None when nobody can do less afterwards.

    A service account counts when it is deactivated, not once more when it is deleted after its grace.
    """
    if not change.removes_access:
        return None
    if isinstance(change, MemberChange):
        return "members"
    if isinstance(change, GrantChange):
        return "roles"
    if isinstance(change.before, ServiceAccountProfile):
        return "service_accounts" if change.before.active else None
    return "users" if change.principal.kind is Kind.USER else None


def count_removals(changes: Iterable[Change], observed: AccessState) -> dict[str, int]:
    """Return how many removals of each kind the changes make; a deleted group counts all that it gave."""
    counts = dict.fromkeys(REMOVAL_KINDS, 0)
    for change in changes:
        for kind, number in weights(change, observed).items():
            counts[kind] += number
    return counts


def weights(change: Change, observed: AccessState) -> dict[str, int]:
    """Return how many removals of each kind one change makes, nothing when it makes none that a limit counts."""
    if isinstance(change, ProfileChange) and change.deletes and change.principal.kind is Kind.GROUP:
        group = change.principal
        return {"members": len(observed.members_of(group)), "roles": len(observed.grants_of(group))}
    kind = removal_kind(change)
    return {kind: 1} if kind else {}


def beyond(weighted: Iterable[tuple[Change, int]], left: int, last: Container[Item] = ()) -> list[Change]:
    """Return the changes that do not fit into what is left: the smallest first, so that single leavers flow.

    Those of `last` come after all others: what waits for a person does not keep the next leaver back.
    """
    over = []
    for change, weight in sorted(weighted, key=lambda pair: (item_of(pair[0]) in last, pair[1])):
        if weight > left:
            over.append(change)
        else:
            left -= weight
    return over


def item_of(change: Change) -> Item:
    """Return what a change gives or takes."""
    if isinstance(change, MemberChange):
        return change.group, change.member
    if isinstance(change, GrantChange):
        return change.principal, change.grant
    return change.principal, None


def holder_of(item: Item) -> Principal:
    """Return whose access an item is: the member's, or the principal's own."""
    principal, part = item
    return part if isinstance(part, Principal) else principal


def said_of(change: Change, items: Mapping[Item, S]) -> S | None:
    """Return what is said of what a change gives or takes, or else of the whole of whose access that is."""
    item = item_of(change)
    return items.get(item) or items.get((holder_of(item), None))


def holds(state: AccessState, item: Item) -> bool:
    """Tell whether an item is there in a state."""
    principal, part = item
    if part is None:
        return principal in state.profiles
    if isinstance(part, Principal):
        return part in state.members_of(principal)
    return part in state.grants_of(principal)
