"""What guards hold, for as long as nobody decides: whose what, by which guard, and in which words."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select

from app.core.changes import grant_from_json, grant_to_json, principal_from_json
from app.core.circumstances import Objection
from app.core.identity import Principal
from app.core.removals import Item
from app.store.snapshot import chunks
from app.store.tables import held_removals
from app.store.upsert import upsert


def read_held(connection: Connection) -> dict[Item, Objection]:
    """Return all that is held, each with what was objected when it was."""
    columns = (held_removals.c.item, held_removals.c.guard, held_removals.c.sentence)
    return {
        _from_json(item): Objection(guard, sentence, 0)
        for item, guard, sentence in connection.execute(select(*columns))
    }


def keep_held(connection: Connection, held: Mapping[Item, Objection], ended: Collection[Item], now: datetime) -> None:
    """Note what is held from now on, and what is not any more."""
    for keys in chunks({_key(item) for item in ended}):
        connection.execute(delete(held_removals).where(held_removals.c.key.in_(keys)))
    rows = [
        {"key": _key(item), "item": _to_json(item), "guard": of.guard, "sentence": of.sentence, "since": now}
        for item, of in held.items()
    ]
    upsert(connection, held_removals, rows, keep=["since"])


def _to_json(item: Item) -> dict[str, Any]:
    principal, part = item
    if part is None:
        return {"principal": list(principal)}
    if isinstance(part, Principal):
        return {"principal": list(principal), "member": list(part)}
    return {"principal": list(principal), "grant": grant_to_json(part)}


def _from_json(values: dict[str, Any]) -> Item:
    principal = principal_from_json(values["principal"])
    if "member" in values:
        return principal, principal_from_json(values["member"])
    return principal, grant_from_json(values["grant"]) if "grant" in values else None


def _key(item: Item) -> str:
    return hashlib.sha256(json.dumps(_to_json(item), sort_keys=True).encode()).hexdigest()
