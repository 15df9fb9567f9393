"""The leader's lease: one process reconciles; a fencing number says which one may still write.

A lease that ran out can be taken by anybody. One whose holder died on this very machine, which the
process table tells, can be taken at once: a restart does not have to wait.
"""

from __future__ import annotations

import os
import socket
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, select, update

from app.store.facts import SILENCE, note_fact, read_fact
from app.store.tables import leases
from app.store.upsert import insert_into

LEADER = "leader"
LEASE_TIME = timedelta(seconds=15)


class Lease(NamedTuple):
    """A lease as it stands."""

    holder: str
    fence: int
    expires_at: datetime


def holder_name() -> str:
    """Return who this process is: machine, process namespace, process and its start, as one word."""
    return "/".join((*_place(), str(os.getpid()), _started(os.getpid()) or "?"))


def read_lease(connection: Connection) -> Lease | None:
    """Return the leader's lease, None when nobody ever led."""
    row = connection.execute(
        select(leases.c.holder, leases.c.fence, leases.c.expires_at).where(leases.c.name == LEADER)
    ).one_or_none()
    return Lease(*row) if row else None


def is_held(lease: Lease | None, now: datetime) -> bool:
    """Tell whether a lease is held by a process that is alive as far as can be known here."""
    return lease is not None and lease.expires_at > now and not _is_dead(lease.holder)


def acquire(connection: Connection, holder: str, now: datetime) -> int | None:
    """Take the lease, or keep it, and return its fencing number; None when somebody else holds it.

    The number grows with every new holder. Call it in a write transaction.
    """
    lease = read_lease(connection)
    if lease is None:
        insert = insert_into(connection, leases).on_conflict_do_nothing(index_elements=["name"])
        connection.execute(insert, {"name": LEADER, "holder": holder, "fence": 1, "expires_at": now + LEASE_TIME})
        lease = read_lease(connection)
        return lease.fence if lease and lease.holder == holder else None
    if lease.holder != holder and is_held(lease, now):
        return None
    fence = lease.fence + (lease.holder != holder)
    # The fence in the condition: of two that saw the same lease run out, one alone takes it.
    taken = connection.execute(
        update(leases)
        .where(leases.c.name == LEADER, leases.c.fence == lease.fence, leases.c.holder == lease.holder)
        .values(holder=holder, fence=fence, expires_at=now + LEASE_TIME)
    )
    if taken.rowcount != 1:
        return None
    if now - lease.expires_at > LEASE_TIME:
        _note_silence(connection, lease.expires_at, now)
    return fence


def _note_silence(connection: Connection, since: datetime, now: datetime) -> None:
    """Note that nobody led since then, as far as this database knows: it may be a backup that was restored.

    One that is noted already was not looked into yet: it goes on.
    """
    known = read_fact(connection, SILENCE)
    since = min(since, datetime.fromisoformat(known["since"])) if known else since
    note_fact(connection, SILENCE, {"since": since.isoformat(), "until": now.isoformat()}, now)


def release(connection: Connection, holder: str, now: datetime) -> None:
    """Give the lease back, if this holder has it, so that the next process need not wait."""
    connection.execute(update(leases).where(leases.c.name == LEADER, leases.c.holder == holder).values(expires_at=now))


def _place() -> tuple[str, str]:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        namespace = os.readlink("/proc/self/ns/pid")  # noqa: PTH115 - not a path, a name
    except OSError:
        # No process table to ask: nobody is ever taken for dead, the lease has to run out.
        return socket.gethostname(), f"unknown-{os.getpid()}"
    return boot, namespace


def _started(pid: int) -> str | None:
    """Return when a process started, in the kernel's ticks; None when there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return text.rpartition(")")[2].split()[19]


def _is_dead(holder: str) -> bool:
    *place, pid, started = holder.split("/")
    if tuple(place) != _place() or not pid.isdigit():
        return False
    return _started(int(pid)) != started
