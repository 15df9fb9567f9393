"""Who came into a group and who left it, in the audit log: by name, in the transaction of the push.

The database notes by itself that members changed. Whose access that was is asked about a person, so the names
are noted beside it, in the words in which changes in Tecton are told.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from app.store.sql import Session, among, texts

NAMED = 50  # at most so many of those who came, and of those who left; the number of others is noted

_SENTENCE = """CASE WHEN {is_added} THEN 'add ' || r.name || ' to group ' ELSE 'remove ' || r.name || ' from group ' END
 || g.name"""
_NOTE = """
INSERT INTO audit (at, who, event, kind, subject, name, detail)
SELECT :now, :by, 'pushed', g.type, g.id, g.name,
  (SELECT CAST({aggregate}({sentence}) AS TEXT) FROM resources AS r WHERE {is_named}) || :more
FROM resources AS g WHERE g.id = :group
"""
_NOTE_LEAVING = """
INSERT INTO audit (at, who, event, kind, subject, name, detail)
SELECT :now, :by, 'pushed', g.type, g.id, g.name,
  (SELECT CAST({aggregate}('remove ' || r.name || ' from group ' || g.name) AS TEXT)
   FROM resources AS r WHERE r.id = :id)
FROM resources AS g WHERE {is_group}
"""


def note_members(
    session: Session, group_id: str, added: Sequence[str], removed: Sequence[str], now: datetime, by: str
) -> None:
    """Note who came into a group and who left it, when anybody did: one statement, however many they are."""
    if not added and not removed:
        return
    came, named = added[:NAMED], [*added[:NAMED], *removed[:NAMED]]
    params = {"came": texts(session, came), "named": texts(session, named), "more": _more(added, removed)}
    session.run(_note_sql(session), {**params, "group": group_id, "now": now, "by": by})


def note_leaving(session: Session, id_: str, group_ids: Sequence[str], now: datetime, by: str) -> None:
    """Note of these groups that somebody leaves them, by being deleted."""
    if not group_ids:
        return
    is_group = among(session, "g.id", "groups", few=True)
    sql = _NOTE_LEAVING.format(aggregate=_aggregate(session), is_group=is_group)
    session.run(sql, {"id": id_, "groups": texts(session, group_ids), "now": now, "by": by})


def _note_sql(session: Session) -> str:
    sentence = _SENTENCE.format(is_added=among(session, "r.id", "came", few=True))
    is_named = among(session, "r.id", "named", few=True)
    return _NOTE.format(aggregate=_aggregate(session), sentence=sentence, is_named=is_named)


def _aggregate(session: Session) -> str:
    return "json_group_array" if session.is_sqlite else "json_agg"


def _more(added: Sequence[str], removed: Sequence[str]) -> str:
    numbers = {"added": len(added) - NAMED, "removed": len(removed) - NAMED}
    return "".join(f", and {number} more {word}" for word, number in numbers.items() if number > 0)
