"""A plan: the changes to make, in order, as a value with a fingerprint."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from app.core.changes import Change, GrantChange, MemberChange, ProfileChange, to_json
from app.core.identity import Principal


@dataclass(frozen=True, slots=True)
class Plan:
    """Changes in one order whatever the order they came in."""

    changes: tuple[Change, ...] = ()
    fingerprint: str = field(default="")

    def __bool__(self) -> bool:
        return bool(self.changes)

    def principals(self) -> list[Principal]:
        """Return the objects that are written, each once, in the order of the changes."""
        return list(dict.fromkeys(change.principal for change in self.changes))

    def counts(self) -> dict[str, int]:
        """Return how many changes of each sort: `create_user`, `revoke_role`, `add_member` …"""
        return dict(sorted(Counter(_sort(change) for change in self.changes).items()))


def make_plan(changes: Iterable[Change]) -> Plan:
    """Return the plan of these changes.

    What a deleted user held and was in goes with the user: Tecton removes it, so it is no change of
    its own.
    """
    every = list(changes)
    gone = {c.principal for c in every if isinstance(c, ProfileChange) and c.deletes}
    own = sorted((c for c in every if not _goes_with(c, gone)), key=_order)
    return Plan(tuple(own), fingerprint_of(own))


def _goes_with(change: Change, gone: set[Principal]) -> bool:
    if isinstance(change, GrantChange):
        return change.principal in gone and not change.added
    return isinstance(change, MemberChange) and not change.added and (change.member in gone or change.group in gone)


def fingerprint_of(changes: Iterable[Change]) -> str:
    """Return a digest that is the same exactly when the changes are, whatever their order."""
    return digest(json.dumps(to_json(change), sort_keys=True, ensure_ascii=False) for change in changes)


def digest(lines: Iterable[str]) -> str:
    """Return a short digest of a set of lines, the empty text for none."""
    ordered = sorted(lines)
    return hashlib.sha256("\n".join(ordered).encode()).hexdigest()[:16] if ordered else ""


def _order(change: Change) -> tuple[int, str]:
    """Removals first: access that must go does not wait for access that must come."""
    rank = 0 if change.removes_access else 1 if isinstance(change, ProfileChange) else 2
    return rank, json.dumps(to_json(change), sort_keys=True)


def _sort(change: Change) -> str:
    if isinstance(change, MemberChange):
        return "add_member" if change.added else "remove_member"
    if isinstance(change, GrantChange):
        return "grant_role" if change.added else "revoke_role"
    verb = "create" if change.creates else "delete" if change.deletes else "update"
    return f"{verb}_{change.principal.kind.value}"
