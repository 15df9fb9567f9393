"""Switches for what nobody outside Tecton knows.

Each knob is one open question about Tecton's behaviour: it has a default (the best guess, or the
worst case where a guess would hide a danger) and the alternatives a real cluster might show. `row`
is the question's number in the table of unknowns; 0 marks a switch of the sandbox's own.
Values are text everywhere (command line, control API, state file); the knob says what is allowed.
"""

import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

# The operations of the Service Accounts API whose paths a knob may replace.
ACCOUNT_OPERATIONS = (
    "create", "search", "update", "delete",
    "create_secret", "list_secrets", "activate_secret", "deactivate_secret", "delete_secret",
)  # fmt: skip

Check = Callable[[str], str | None]


class KnobError(ValueError):
    """An unknown knob, or a value that the knob does not allow; the text says which are allowed."""


@dataclass(frozen=True)
class Knob:
    """One switch. `alternatives` is prose for people when `check` is given, else the closed list."""

    name: str
    row: int
    default: str
    alternatives: tuple[str, ...]
    description: str
    check: Check | None = None

    def complaint(self, value: str) -> str | None:
        """Take a value; return what is wrong with it, or None."""
        if self.check is not None:
            return self.check(value)
        allowed = (self.default, *self.alternatives)
        return None if value in allowed else f"must be one of {', '.join(allowed)}"


def whole_number(value: str) -> str | None:
    """Accept 0 and positive whole numbers."""
    return None if re.fullmatch(r"\d{1,9}", value) else "must be a whole number, 0 or more"


def decimal(value: str) -> str | None:
    """Accept 0 and positive numbers, with or without decimals."""
    return None if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", value) else "must be a number, 0 or more"


def url_path(value: str) -> str | None:
    """Accept a path such as /ServiceAccounts."""
    ok = re.fullmatch(r"(/[A-Za-z0-9._~-]+)+", value)
    return None if ok else "must be a path that starts with / and does not end with it"


def path_map(value: str) -> str | None:
    """Accept a JSON object from operation names to paths, or nothing."""
    try:
        paths = json.loads(value or "{}")
    except ValueError:
        return "must be a JSON object of operation names to paths"
    fine = isinstance(paths, dict) and all(isinstance(p, str) and p.startswith("/") for p in paths.values())
    if not fine:
        return "must be a JSON object of operation names to paths"
    unknown = sorted(set(paths) - set(ACCOUNT_OPERATIONS))
    return f"may name only {', '.join(ACCOUNT_OPERATIONS)}" if unknown else None


def pattern(value: str) -> str | None:
    """Accept a regular expression, or nothing."""
    try:
        re.compile(value)
    except re.error as error:
        return f"must be a regular expression: {error}"
    return None


@dataclass
class Knobs:
    """The value of every knob; safe to read and set from many threads."""

    catalogue: Mapping[str, Knob]
    values: dict[str, str] = field(default_factory=dict)
    version: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __getitem__(self, name: str) -> str:
        return self.values.get(name) or self.catalogue[name].default

    def on(self, name: str) -> bool:
        """Say whether an on/off knob is on."""
        return self[name] == "on"

    def number(self, name: str) -> float:
        """Return a numeric knob's value."""
        return float(self[name])

    def set_all(self, values: Mapping[str, str]) -> None:
        """Set several knobs, all or none; raise KnobError for the first that is wrong."""
        for name, value in values.items():
            self._insist(name, value)
        with self._lock:
            self.values.update(values)
            self.version += 1

    def reset(self) -> None:
        """Put every knob back to its default."""
        with self._lock:
            self.values.clear()
            self.version += 1

    def listing(self) -> list[dict[str, object]]:
        """Return every knob with its value, for the control API and the page."""
        return [self._describe(knob) for knob in self.catalogue.values()]

    def _insist(self, name: str, value: str) -> None:
        knob = self.catalogue.get(name)
        if knob is None:
            raise KnobError(f"unknown knob {name!r}; the knobs are: {', '.join(sorted(self.catalogue))}")
        complaint = knob.complaint(value)
        if complaint:
            raise KnobError(f"knob {name} {complaint}, not {value!r}")

    def _describe(self, knob: Knob) -> dict[str, object]:
        return {
            "name": knob.name,
            "value": self[knob.name],
            "default": knob.default,
            "alternatives": list(knob.alternatives),
            "description": knob.description,
            "row": knob.row,
            "free": knob.check is not None,
        }
