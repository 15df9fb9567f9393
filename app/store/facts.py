"""Small facts of the installation, by name."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from app.store.tables import facts
from app.store.upsert import upsert

LAST_SWEEP = "last_sweep"
TECTON = "tecton"
POLICY = "policy"
POLICY_TEXT = "policy_text"  # of the policy in force: reports go on with it while the file does not load
OWN_ACCOUNT = "own_account"
AUDIT_HEAD = "audit_head"
ABILITIES = "tecton_abilities"
SILENCE = "silence"  # a time of which this database remembers nothing, until everything was looked at again
WRITE_CHECK = "write_check"  # when /readyz last stored something
DOUBT = "doubt"  # removals of what came into Tecton in such a time


def note_fact(connection: Connection, name: str, value: Any, now: datetime) -> None:
    """Record a fact, in place of what it was."""
    upsert(connection, facts, [{"name": name, "value": value, "at": now}])


def read_fact(connection: Connection, name: str, *, since: datetime | None = None) -> Any:
    """Return a fact's value, None when it was never recorded, or not since then."""
    statement = select(facts.c.value).where(facts.c.name == name)
    if since is not None:
        statement = statement.where(facts.c.at >= since)
    return connection.execute(statement).scalar_one_or_none()
