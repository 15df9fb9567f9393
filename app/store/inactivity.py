"""Since when service accounts are deactivated in Tecton: their grace, before they are deleted, counts from there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, delete, select

from app.core.identity import Kind
from app.core.records import Record, ServiceAccountRecord
from app.store.tables import inactive_accounts as table
from app.store.upsert import upsert


def note_activity(connection: Connection, records: Mapping[tuple[Kind, str], Record | None], now: datetime) -> None:
    """Note which of these records, as just read or written, are of deactivated accounts; the first time stays."""
    inactive = [
        {"tecton_id": tecton_id, "since": now}
        for (_, tecton_id), record in records.items()
        if isinstance(record, ServiceAccountRecord) and not record.active
    ]
    upsert(connection, table, inactive, keep=["since"])
    known = {row["tecton_id"] for row in inactive}
    for kind, tecton_id in records:
        if kind is Kind.SERVICE_ACCOUNT and tecton_id not in known:
            connection.execute(delete(table).where(table.c.tecton_id == tecton_id))


def inactive_accounts(connection: Connection, since: datetime) -> frozenset[str]:
    """Return the Tecton ids of the accounts that were seen deactivated at this time, and ever since."""
    return frozenset(connection.execute(select(table.c.tecton_id).where(table.c.since <= since)).scalars())


def inactive_since(connection: Connection, tecton_id: str) -> datetime | None:
    """Return since when an account is seen deactivated, None while it is active."""
    found: datetime | None = connection.execute(
        select(table.c.since).where(table.c.tecton_id == tecton_id)
    ).scalar_one_or_none()
    return found
