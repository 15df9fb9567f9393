"""What a PATCH or PUT asks of the members of a group, as set operations.

Members live in a table, one row each; no document is read or written to change them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from scim2_models import InvalidValueException, MutabilityException
from scim2_models.path import CompareOperator, Comparison, FilterNode, LogicalExpr, LogicalOperator

from app.scim.patch_request import Change
from app.store import members
from app.store.sql import Session


@dataclass(slots=True)
class MemberSet:
    """What operations on ids come to, taken in order: what is kept, what is added, what is removed."""

    keeps: bool = True  # what was there before; False once everything was replaced
    added: dict[str, None] = field(default_factory=dict)
    removed: dict[str, None] = field(default_factory=dict)

    def add(self, ids: Iterable[str]) -> None:
        """Add members."""
        for id_ in ids:
            self.removed.pop(id_, None)
            self.added[id_] = None

    def remove(self, ids: Iterable[str]) -> None:
        """Remove members: those added before, too."""
        for id_ in ids:
            self.added.pop(id_, None)
            self.removed[id_] = None

    def replace(self, ids: Iterable[str]) -> None:
        """Have these members and no other."""
        self.keeps = False
        self.added = dict.fromkeys(ids)
        self.removed = {}

    def apply(self, session: Session, group_id: str) -> Touched:
        """Make it so in the database; ids that nobody has are passed over, and counted."""
        if self.keeps:
            removed = members.remove(session, group_id, list(self.removed))
        else:
            removed = members.keep_only(session, group_id, list(self.added))
        ids = list(self.added)
        added = members.add(session, group_id, ids)
        return Touched(added, removed, members.count_unknown(session, ids) if len(added) < len(ids) else 0)


@dataclass(frozen=True, slots=True)
class Touched:
    """The ids of the members that a change added and removed, and how many it named that nobody is."""

    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    unknown: int = 0

    def __bool__(self) -> bool:
        return bool(self.added or self.removed)

    def __add__(self, other: Touched) -> Touched:
        return Touched(self.added + other.added, self.removed + other.removed, self.unknown + other.unknown)


def change_members(session: Session, group_id: str, changes: Sequence[Change]) -> Touched:
    """Apply the operations on members in order, as few statements.

    Raise a SCIMException for an operation that means nothing.
    """
    touched, pending = Touched(), MemberSet()
    for change in changes:
        ids = _selected_ids(change)
        if ids is not None:
            _take(pending, change, ids)
            continue
        # A filter on anything but ids sees what the operations before it did.
        touched += pending.apply(session, group_id)
        pending = MemberSet()
        if change.target.filter is not None:
            touched += Touched(removed=members.remove_matching(session, group_id, change.target.filter))
    return touched + pending.apply(session, group_id)


def _take(pending: MemberSet, change: Change, ids: list[str]) -> None:
    removes_all = change.op == "remove" and change.target.filter is None and change.value is None
    if change.op == "add" or (change.op == "replace" and change.target.filter is not None):
        pending.add(ids)
    elif change.op == "replace" or removes_all:
        pending.replace(ids)
    else:
        pending.remove(ids)


def _selected_ids(change: Change) -> list[str] | None:
    """Return the ids that an operation names, None when only the database can tell."""
    _require_whole(change)
    if change.target.filter is None:
        return _listed(change)
    ids = _ids_in(change.target.filter)
    if change.op == "remove":
        return ids
    # `add members[value eq "x"]`: the member that the filter describes.
    if ids is None:
        raise InvalidValueException(detail="a member is added by its value")
    return ids


def _listed(change: Change) -> list[str]:
    if change.op == "remove" and change.value is None:
        return []
    return read_member_ids(change.value)


def _require_whole(change: Change) -> None:
    resolved = change.target.resolved
    if resolved is not None and resolved.sub is not None:
        raise MutabilityException(detail="a member cannot be changed: remove it and add another")


def _ids_in(node: FilterNode) -> list[str] | None:
    """Return the ids of `value eq "a" or value eq "b"`, None for any other filter."""
    terms = node.terms if isinstance(node, LogicalExpr) and node.op == LogicalOperator.or_ else (node,)
    ids = [_id_in(term) for term in terms]
    return None if None in ids else [id_ for id_ in ids if id_ is not None]


def _id_in(node: FilterNode) -> str | None:
    if not isinstance(node, Comparison) or node.op != CompareOperator.eq:
        return None
    is_value = node.attr_path.attr.lower() == "value" and not node.attr_path.sub_attr and not node.attr_path.uri
    return node.value if is_value and isinstance(node.value, str) else None


def read_member_ids(value: Any) -> list[str]:
    """Return the ids in a list of members, each `{"value": id, …}` or the bare id; duplicates go.

    Raise InvalidValueException for what is no member.
    """
    if value is None or value == "":
        return []
    items = value if isinstance(value, list) else [value]
    ids = dict.fromkeys(_member_id(item) for item in items)
    return list(ids)


def _member_id(item: Any) -> str:
    id_ = item.get("value") if isinstance(item, dict) else item
    if not isinstance(id_, str) or not id_:
        raise InvalidValueException(detail="a member needs the id of a resource as its 'value'")
    return id_
