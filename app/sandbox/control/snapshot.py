"""Snapshots: everything Tecton holds, hashes and secret values included, to be put back later."""

from typing import Any

from app.sandbox.replies import ApiError, Json
from app.sandbox.world.codec import decode, encode
from app.sandbox.world.tables import Tables
from app.sandbox.world.world import Transaction

_VERSION = 1
# Knobs and faults belong to the sandbox, not to what Tecton holds.
_LEFT_OUT = ("setting",)


def take_snapshot(tables: Tables) -> Json:
    """Return all records as JSON values."""
    rows = {name: [encode(record) for record in table] for name, table in tables.all().items() if name not in _LEFT_OUT}
    return {"version": _VERSION, "records": rows}


def restore_snapshot(tx: Transaction, snapshot: Json) -> None:
    """Let the world hold exactly what the snapshot says; raises ApiError 400 when it is none."""
    records = snapshot.get("records")
    if snapshot.get("version") != _VERSION or not isinstance(records, dict):
        raise ApiError(400, "this is not a snapshot of this version of the sandbox")
    for name, table in tx.tables.all().items():
        if name in _LEFT_OUT:
            continue
        for record_id in list(table.rows):
            table.drop(record_id)
        for raw in records.get(name, []):
            tx.tables.seq = max(tx.tables.seq, table.put(_decoded(table.record, raw)).seq)


def _decoded(record: type, raw: Any) -> Any:
    try:
        return decode(record, raw)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ApiError(400, f"a {record.__name__} in the snapshot cannot be read: {error}") from error
