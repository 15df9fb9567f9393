"""`members` of Tecton's groups <-> member ids.

The type strings are not documented: `User` and `ServiceAccount` are assumed, and nothing at all is
possible. A member without a type is looked up, once per process.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

from app.core.identity import Kind
from app.core.records import MemberId
from app.tecton.wire import Json, read_list

WhichKind = Callable[[str], Kind | None]

_WORDS = {Kind.USER: "User", Kind.SERVICE_ACCOUNT: "ServiceAccount"}
_KINDS = {"user": Kind.USER, "serviceaccount": Kind.SERVICE_ACCOUNT}


class KnownKinds:
    """Remembers which kind an id is of, as listings and documents tell it. Safe for many threads."""

    def __init__(self) -> None:
        self._kinds: dict[str, Kind] = {}
        self._lock = threading.Lock()

    def learn(self, kind: Kind, ids: Iterable[str]) -> None:
        """Remember that these ids are of a kind."""
        with self._lock:
            self._kinds.update(dict.fromkeys(ids, kind))

    def get(self, id_: str) -> Kind | None:
        """Return the kind of an id, None when it is not known."""
        return self._kinds.get(id_)


def read_members(document: Any, which: WhichKind) -> frozenset[MemberId]:
    """Return the members; `which` is asked for the kind of one that has no type.

    Nested groups, and ids that nobody has, are left out: nothing can be said about them.
    """
    found = (_member_of(entry, which) for entry in read_list(document, "members"))
    return frozenset(member for member in found if member)


def members_of(members: Iterable[MemberId]) -> list[Json]:
    """Return members as SCIM writes them, in a stable order."""
    return [{"type": _WORDS[member.kind], "value": member.id} for member in sorted(members)]


def merged_members(raw: list[Any], before: frozenset[MemberId], after: frozenset[MemberId]) -> list[Any]:
    """Return the entries that turn `before` into `after`; the others stay as they came."""
    removed = {member.id for member in before - after}
    kept = [entry for entry in raw if not (isinstance(entry, dict) and entry.get("value") in removed)]
    return kept + members_of(after - before)


def _member_of(entry: Any, which: WhichKind) -> MemberId | None:
    id_ = entry.get("value") if isinstance(entry, dict) else None
    if not isinstance(id_, str) or not id_:
        return None
    word = str(entry.get("type") or "").replace("_", "").replace(" ", "").lower()
    if word == "group":
        return None
    kind = _KINDS.get(word) or which(id_)
    return MemberId(kind, id_) if kind else None
