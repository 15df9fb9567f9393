"""`roles` of Tecton's SCIM resources <-> grants.

One entry per target, its `type` names the target and its `value` the role (documented); a null value
means none. The vocabulary is the core's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from app.core.identity import Grant, format_grant, parse_grant, without_contained
from app.tecton.wire import Json, read_list


def read_roles(document: Any) -> frozenset[Grant]:
    """Return the grants of a resource; entries that are not in the vocabulary are left out."""
    grants = (_grant_of(entry) for entry in read_list(document, "roles"))
    return frozenset(grant for grant in grants if grant)


def roles_of(grants: Iterable[Grant]) -> list[Json]:
    """Return grants as SCIM writes them: in lower case, as Tecton's ids are, and in a stable order."""
    return [_entry(grant) for grant in sorted(grants)]


def merged_roles(raw: list[Any], before: frozenset[Grant], after: frozenset[Grant]) -> list[Any]:
    """Return the entries that turn `before` into `after`: what is not understood stays as it came.

    A role that a greater one on the same target contains is not sent: of two entries on one target
    Tecton may keep the last (assumed), and that could be the lesser.
    """
    wanted = without_contained(after)
    added = roles_of(wanted - before)
    filled = {entry["type"] for entry in added}
    kept = [_kept(entry, wanted, filled) for entry in raw]
    return [entry for entry in kept if entry is not None] + added


def _kept(entry: Any, wanted: frozenset[Grant], filled: set[Any]) -> Any:
    """Return what becomes of an entry: itself, itself in Tecton's spelling, or nothing."""
    grant = _grant_of(entry)
    if grant:
        return {**entry, "value": format_grant(grant)[1]} if grant in wanted else None
    is_empty = isinstance(entry, dict) and entry.get("value") is None
    return None if is_empty and entry.get("type") in filled else entry


def _grant_of(entry: Any) -> Grant | None:
    if not isinstance(entry, dict):
        return None
    type_, value = entry.get("type"), entry.get("value")
    return parse_grant(type_, value) if isinstance(type_, str) and isinstance(value, str) else None


def _entry(grant: Grant) -> Json:
    type_, value = format_grant(grant)
    return {"type": type_, "value": value}
