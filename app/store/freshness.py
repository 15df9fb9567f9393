"""When each observed object was last read, and which of them are privileged."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, bindparam, func, or_, select, update

from app.core.freshness import Verified
from app.core.identity import Kind
from app.store.tables import observed

SCOPE = "secret_scope"
ObjectKey = tuple[Kind, str]
_CHUNK = 500  # keys named in one statement


def note_verified(connection: Connection, keys: Collection[ObjectKey] | None, at: datetime) -> None:
    """Note that these objects, and every scope, were read at this time; everything for None."""
    read = update(observed).values(verified_at=at)
    if keys is None:
        connection.execute(read)
        return
    connection.execute(read.where(observed.c.kind == SCOPE))
    for chosen in _conditions(keys):
        connection.execute(read.where(chosen))


def note_modified(connection: Connection, modified: Mapping[ObjectKey, str]) -> None:
    """Note what Tecton's lists said of when these objects were modified."""
    rows = [{"of": kind.value, "id": id_, "said": said} for (kind, id_), said in modified.items()]
    if rows:
        this = and_(observed.c.kind == bindparam("of"), observed.c.tecton_id == bindparam("id"))
        connection.execute(update(observed).where(this).values(modified=bindparam("said")), rows)


def note_privileged(connection: Connection, keys: frozenset[ObjectKey]) -> None:
    """Note which objects are privileged; every scope is: one read of it tells of everybody who holds it."""
    is_scope = observed.c.kind == SCOPE
    connection.execute(update(observed).where(is_scope, observed.c.is_privileged.is_(False)).values(is_privileged=True))
    known = select(observed.c.kind, observed.c.tecton_id).where(observed.c.is_privileged, ~is_scope)
    before = {(Kind(kind), id_) for kind, id_ in connection.execute(known)}
    for moved, value in ((keys - before, True), (before - keys, False)):
        for chosen in _conditions(moved):
            connection.execute(update(observed).where(chosen).values(is_privileged=value))


def load_verified(connection: Connection) -> tuple[Verified, ...]:
    """Return how many objects of each class were last read when. Sweeps read many at one time: the rows are few."""
    columns = (observed.c.is_privileged, observed.c.verified_at)
    counted = select(*columns, func.count()).group_by(*columns).order_by(*columns)
    return tuple(Verified(*row) for row in connection.execute(counted))


def _conditions(keys: Iterable[ObjectKey]) -> Iterator[ColumnElement[bool]]:
    """Yield conditions that select these objects, each short enough for one statement."""
    ordered = sorted(keys)
    for start in range(0, len(ordered), _CHUNK):
        chunk = ordered[start : start + _CHUNK]
        ids = {kind: [id_ for of, id_ in chunk if of is kind] for kind in dict.fromkeys(kind for kind, _ in chunk)}
        yield or_(*(and_(observed.c.kind == kind.value, observed.c.tecton_id.in_(of)) for kind, of in ids.items()))
