"""Watching the policy file: one that stops loading, and names in it that match nothing, are made known."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog
from sqlalchemy import Connection

from app.core.policy import Policy
from app.core.policy_text import PolicyError, dotted
from app.store import audit
from app.store.database import Database
from app.store.facts import POLICY, POLICY_TEXT, note_fact, read_fact
from app.store.policy_names import unmatched_names

log = structlog.get_logger("policy")

INTERVAL = timedelta(seconds=30)  # how often names are compared while nothing changes


class Source(Protocol):
    """The policy in force, and why its file does not load any more."""

    error: PolicyError | None
    text: str  # in force

    @property
    def about(self) -> dict[str, str]:
        """Which file it is, and the digest of the text in force."""

    def __call__(self) -> Policy:
        """Return the policy in force."""


class PolicyWatch:
    """Records how the policy stands, as a fact that pages, metrics and `doctor` read, and the leader's mode."""

    def __init__(self, database: Database, source: Source, clock: Callable[[], datetime], mode: str) -> None:
        self.database, self.source, self.clock, self.mode = database, source, clock, mode
        self._noted: dict[str, Any] | None = None
        self._next_at: datetime | None = None

    def tick(self) -> None:
        """Look, and record what is new: a warning is logged once, not at every look."""
        policy = self.source()
        about = {**self.source.about, "mode": self.mode, "error": str(self.source.error) if self.source.error else ""}
        is_same = self._noted is not None and about.items() <= self._noted.items()
        if is_same and self._next_at and self.clock() < self._next_at:
            return
        self._next_at = self.clock() + INTERVAL
        with self.database.read() as connection:
            mentions = unmatched_names(connection, policy)
            stored = read_fact(connection, POLICY)
            kept = read_fact(connection, POLICY_TEXT)
        value = {**about, "unmatched": [f"{dotted(m.path)} {m.name}: {m.among.value}" for m in mentions]}
        in_force = {"path": about["path"], "text": self.source.text}
        if in_force != kept:
            with self.database.write() as connection:
                note_fact(connection, POLICY_TEXT, in_force, self.clock())
        if value != stored:
            with self.database.write() as connection:
                note_fact(connection, POLICY, value, self.clock())
                _audit(connection, value, stored or {}, self.clock())
            _warn(value, stored or {})
        self._noted = value


def _audit(connection: Connection, value: dict[str, Any], before: dict[str, Any], now: datetime) -> None:
    """Add to the audit log which policy and which mode are in force, and that the policy's file does not load."""
    if value["mode"] != before.get("mode"):
        audit.note(connection, "bridge", "in force", now, kind="mode", name=value["mode"])
    if value["digest"] != before.get("digest"):
        subject = value["digest"]
        audit.note(connection, "bridge", "in force", now, kind="policy", name=value["path"], subject=subject)
    if value["error"] and value["error"] != before.get("error"):
        audit.note(connection, "bridge", "not loaded", now, kind="policy", name=value["path"], detail=value["error"])


def _warn(value: dict[str, Any], before: dict[str, Any]) -> None:
    if value["error"] and value["error"] != before.get("error"):
        log.warning("the policy file does not load; the last good policy stays in force", error=value["error"])
    for sentence in value["unmatched"]:
        if sentence not in before.get("unmatched", ()):
            log.warning("a name in the policy matches nothing", name=sentence)
