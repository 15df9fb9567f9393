"""What a run reports."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal, NamedTuple

from app.reconcile.ports import Tecton

Purpose = Literal["sweep", "drain", "plan", "apply", "drift"]
Mode = Literal["observe", "enforce"]
WRITING: tuple[Purpose, ...] = ("sweep", "drain", "apply")


class Budget(NamedTuple):
    """So many calls for one sweep, when the next one comes after `interval`."""

    calls: int
    interval: timedelta


@dataclass(frozen=True, slots=True)
class Run:
    """One run: what it is for, the counted Tecton it goes through, and what a person approved for it.

    With a `budget` a sweep reads what presses most, without one everything.
    """

    run_id: str
    purpose: Purpose
    tecton: Tecton
    approve: str | None = None
    approved_by: str | None = None
    budget: Budget | None = None


@dataclass(slots=True)
class Report:
    """What a run found and did; `sweep --json` prints it.

    `drift` counts what was found, by class; `planned`, `applied`, `failed` and `held` count changes.
    `effects` say who can do more or less in the end, `held_effects` who would if what is held went on.
    `halted`: Tecton could not be worked with any more; `in_vain`: all that was tried failed for a reason
    that may pass. `fingerprint` is that of the held changes, or of the whole plan when nothing is held.
    `freshness` says how much of Tecton a sweep read, and how old the knowledge of the rest is.
    """

    run_id: str
    purpose: Purpose
    mode: Mode
    reads: int = 0
    writes: int = 0
    drift: dict[str, int] = field(default_factory=dict)
    planned: int = 0
    applied: int = 0
    failed: int = 0
    held: int = 0
    halted: bool = False
    in_vain: bool = False
    duration_s: float = 0.0
    fingerprint: str = ""
    objections: list[dict[str, Any]] = field(default_factory=list)
    effects: list[str] = field(default_factory=list)
    held_effects: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    freshness: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return {name: getattr(self, name) for name in type(self).__slots__}
