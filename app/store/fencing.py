"""Write transactions of the leader: they fail once another process leads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from app.reconcile.ports import LostLease
from app.store.database import Database
from app.store.leases import read_lease


@contextmanager
def fenced_write(database: Database, fence: int) -> Iterator[Connection]:
    """Open a write transaction that ends in `LostLease` when the lease has another fencing number by now."""
    with database.write() as connection:
        lease = read_lease(connection)
        if lease is None or lease.fence != fence:
            raise LostLease("another process leads now; this one stops writing")
        yield connection
