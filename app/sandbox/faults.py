"""Things that go wrong on purpose.

A fault matches calls (method, regular expression over the path, from the nth match on, so many
times) and has one effect:

    status         answer `status` (default 503) without doing anything; `retry_after` sets that header
    slow           take `seconds` (default 1) longer, then do the call
    reset          drop the connection before anything is done
    lost_reply     do the call, then drop the connection
    roles_ignored  do the write, answer as usual, but leave the roles as they are
    stale          answer a read from the world `seconds` ago, or without them: before the last write
    html           answer an HTML page with `status` (default 200), as a proxy in between would
    page_cap       give at most `size` (default 10) rows of a list, the total unchanged
    truncate_list  lose the end of a list: keep `keep` rows (default half) and count only those
    empty_list     give a list with nothing in it
    shifting_pages give a list in another order on every call
"""

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

KINDS = (
    "status", "slow", "reset", "lost_reply", "roles_ignored", "stale",
    "html", "page_cap", "truncate_list", "empty_list", "shifting_pages",
)  # fmt: skip
_NUMBERS = ("status", "seconds", "size", "keep")
_MATCH = ("method", "path_regex", "nth", "times")


class ConnectionDropped(Exception):
    """Raised out of the application when the caller is to get no answer; `done` if the call was done."""

    def __init__(self, done: bool) -> None:
        super().__init__("connection dropped on purpose, the call was " + ("done" if done else "not done"))
        self.done = done


class FaultError(ValueError):
    """A fault described wrongly; the text says how."""


@dataclass(frozen=True)
class Effect:
    """What a matching call suffers. `turn` counts the times the fault fired, from 1."""

    kind: str
    settings: Mapping[str, Any]
    label: str = ""
    turn: int = 0

    def number(self, name: str, default: float) -> float:
        """Return a numeric setting."""
        return float(self.settings.get(name, default))


@dataclass
class Fault:
    """One fault with its counters. `times` 0 is: until removed."""

    id: str
    effect: Effect
    method: str = ""
    path_regex: str = ""
    nth: int = 1
    times: int = 1
    seen: int = 0
    fired: int = 0

    @property
    def spent(self) -> bool:
        """Say whether the fault fired as often as it should."""
        return bool(self.times) and self.fired >= self.times

    def describe(self) -> dict[str, Any]:
        """Return the fault as the control API shows it, in the form it was given plus counters."""
        match = {"method": self.method, "path_regex": self.path_regex, "nth": self.nth, "times": self.times}
        effect = {"kind": self.effect.kind, **self.effect.settings}
        counters = {"seen": self.seen, "fired": self.fired, "spent": self.spent}
        return {"id": self.id, "match": match, "effect": effect, **counters}

    def fires(self, method: str, path: str) -> bool:
        """Count a call; say whether it is to suffer."""
        if self.spent or not self._matches(method, path):
            return False
        self.seen += 1
        due = self.seen >= self.nth
        self.fired += due
        return due

    def _matches(self, method: str, path: str) -> bool:
        return (not self.method or self.method == method) and (re.search(self.path_regex, path) is not None)


@dataclass
class Faults:
    """All faults, oldest first. `unsaved` says that counters moved since they were last kept."""

    _faults: dict[str, Fault] = field(default_factory=dict)
    unsaved: bool = False
    _made: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, description: Mapping[str, Any]) -> Fault:
        """Add a fault described as {match, effect}; raise FaultError when it is described wrongly."""
        with self._lock:
            fault = parse(str(self._made + 1), description)
            self._made += 1
            self._faults[fault.id] = fault
        return fault

    def remove(self, fault_id: str) -> bool:
        """Remove one fault; say whether it was there."""
        with self._lock:
            return self._faults.pop(fault_id, None) is not None

    def clear(self) -> None:
        """Remove every fault."""
        with self._lock:
            self._faults.clear()

    def listing(self) -> list[dict[str, Any]]:
        """Return every fault, spent ones too."""
        with self._lock:
            return [fault.describe() for fault in self._faults.values()]

    def draw(self, method: str, path: str) -> list[Effect]:
        """Count a call on every fault; return what it is to suffer."""
        with self._lock:
            before = self._seen()
            due = [fault for fault in self._faults.values() if fault.fires(method, path)]
            self.unsaved = self.unsaved or self._seen() != before
            return [
                Effect(fault.effect.kind, fault.effect.settings, f"{fault.id}:{fault.effect.kind}", fault.fired)
                for fault in due
            ]

    def _seen(self) -> int:
        return sum(fault.seen for fault in self._faults.values())

    def load(self, listing: list[dict[str, Any]]) -> None:
        """Put back what `listing` gave, counters included."""
        with self._lock:
            for description in listing:
                fault = parse(description["id"], description)
                fault.seen, fault.fired = description["seen"], description["fired"]
                self._faults[fault.id] = fault
                self._made = max(self._made, int(fault.id))


def parse(fault_id: str, description: Mapping[str, Any]) -> Fault:
    """Read {match, effect}; raise FaultError when something in it is wrong."""
    match = _section(description, "match")
    effect = dict(_section(description, "effect"))
    kind = effect.pop("kind", None)
    _insist(kind in KINDS, f"effect.kind must be one of {', '.join(KINDS)}")
    _insist(set(match) <= set(_MATCH), f"match may hold only {', '.join(_MATCH)}")
    _insist(set(effect) <= {*_NUMBERS, "retry_after"}, f"effect holds a setting nobody knows: {sorted(effect)}")
    for name in _NUMBERS:
        _insist_number(effect, name)
    return Fault(
        id=fault_id,
        effect=Effect(str(kind), effect),
        method=str(match.get("method") or "").upper(),
        path_regex=_regex(match.get("path_regex") or ""),
        nth=max(1, _whole(match, "nth", 1)),
        times=_whole(match, "times", 1),
    )


def _section(description: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = description.get(name) or {}
    _insist(isinstance(section, Mapping), f"{name} must be an object")
    return section


def _insist(fine: bool, complaint: str) -> None:
    if not fine:
        raise FaultError(complaint)


def _insist_number(effect: Mapping[str, Any], name: str) -> None:
    value = effect.get(name, 0)
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
    _insist(is_number, f"effect.{name} must be a number, 0 or more")


def _whole(match: Mapping[str, Any], name: str, default: int) -> int:
    value = match.get(name, default)
    fine = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    _insist(fine, f"match.{name} must be a whole number, 0 or more")
    return int(value)


def _regex(text: str) -> str:
    try:
        re.compile(text)
    except (re.error, TypeError) as error:
        raise FaultError(f"match.path_regex must be a regular expression: {error}") from error
    return text
