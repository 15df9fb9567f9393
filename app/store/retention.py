"""Deleting what is older than anybody wants it kept: runs with their plans and outcomes, tokens, sign-ins.

What happened to keys is kept for good, as is everything that says what is desired, observed or applied.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, and_, delete, select

from app.core.identity import Kind
from app.store import sessions, tries
from app.store.facts import LAST_SWEEP, read_fact
from app.store.tables import dirty, oauth_tokens, outcomes, plans, runs

BATCH = 200  # runs in one transaction: a push waits no longer than for these


def delete_old_runs(connection: Connection, before: datetime, *, limit: int = BATCH) -> int:
    """Delete runs that ended and were asked for before a time, with their plans and outcomes; return how many.

    Kept is what is still needed: the run that verified Tecton last, held plans, which wait for a person,
    and the outcomes of what fails, from which its next try starts.
    """
    last_sweep = (read_fact(connection, LAST_SWEEP) or {}).get("run_id")
    held = select(plans.c.run_id).where(plans.c.status == "held")
    # By id alone: a pushed user may be a service account in Tecton. The kinds are named for the index.
    is_failing = and_(outcomes.c.kind.in_(list(Kind)), dirty.c.id == outcomes.c.principal_id)
    failing = select(outcomes.c.run_id).join(dirty, is_failing).where(dirty.c.last_error.is_not(None))
    old = select(runs.c.id).where(
        runs.c.requested_at < before,
        runs.c.status.in_(("done", "failed")),
        runs.c.id != (last_sweep or ""),
        runs.c.id.not_in(held),
        runs.c.id.not_in(failing),
    )
    ids = list(connection.execute(old.order_by(runs.c.requested_at).limit(limit)).scalars())
    if ids:
        connection.execute(delete(runs).where(runs.c.id.in_(ids)))
    return len(ids)


def delete_expired(connection: Connection, now: datetime) -> None:
    """Delete access tokens and sessions that have ended, wrong sign-ins that count no more, and places long unused."""
    sessions.delete_ended(connection, now)
    connection.execute(delete(oauth_tokens).where(oauth_tokens.c.expires_at < now))
    tries.delete_old(connection, now)
