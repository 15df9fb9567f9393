"""What is wrong with keys and probes, in numbers. Only reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from app.core.credentials import KeyState, Step
from app.store.tables import probe_results, rotations, sealed_keys


@dataclass(frozen=True, slots=True)
class Trouble:
    """How many of a sort fail, and what is said of the first of them by name."""

    count: int = 0
    example: str = ""


_NONE = Trouble()


@dataclass(frozen=True, slots=True)
class KeyTroubles:
    """Deliveries and rotations that fail, probes that found what must not be, or nothing; keys nobody claimed."""

    deliveries: Trouble = _NONE
    rotations: Trouble = _NONE
    probes: Trouble = _NONE
    unknown_probes: Trouble = _NONE
    unclaimed: Trouble = _NONE


NO_TROUBLES = KeyTroubles()


def load_key_troubles(connection: Connection) -> KeyTroubles:
    """Return what is wrong now."""
    keys, failed = sealed_keys.c, probe_results.c
    due = (keys.state == KeyState.DUE.value, keys.last_error.is_not(None))
    open_ = (rotations.c.step != Step.DONE.value, rotations.c.last_error.is_not(None))
    return KeyTroubles(
        _count(connection, keys.name, keys.last_error, *due),
        _count(connection, rotations.c.name, rotations.c.last_error, *open_),
        _count(connection, failed.name, failed.sentence, failed.is_as_expected.is_(False)),
        _count(connection, failed.name, failed.sentence, failed.is_as_expected.is_(None)),
        _count(connection, keys.name, keys.name, keys.state == KeyState.WAITING.value),
    )


def _count(connection: Connection, name: Any, text: Any, *where: Any) -> Trouble:
    count = int(connection.execute(select(func.count()).select_from(name.table).where(*where)).scalar_one())
    if not count:
        return _NONE
    return Trouble(count, str(connection.execute(select(text).where(*where).order_by(name).limit(1)).scalar_one()))
