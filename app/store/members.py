"""The members of groups, changed as sets: the cost of a change does not depend on the group's size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scim2_models.path import FilterNode

from app.store.filters import member_condition
from app.store.sql import Session, among, texts, unnested

_CHUNK = 5000


class UnknownMembers(Exception):
    """Ids that no resource has; a group can only hold what the directory holds."""

    def __init__(self, ids: Sequence[str]) -> None:
        super().__init__(", ".join(ids))
        self.ids = tuple(ids)


def add(session: Session, group_id: str, ids: Sequence[str]) -> int:
    """Add members and return how many were not there yet. Raise `UnknownMembers`."""
    if not ids:
        return 0
    params = {"group": group_id, "ids": texts(session, ids)}
    added = session.run(
        "INSERT INTO group_members (group_id, member_id) SELECT :group, r.id FROM resources AS r"  # noqa: S608
        f" WHERE {among(session, 'r.id', 'ids')} ON CONFLICT DO NOTHING",
        params,
    )
    if added < len(ids):
        _require_known(session, ids)
    return added


def _require_known(session: Session, ids: Sequence[str]) -> None:
    missing = session.rows(
        f"SELECT value FROM {unnested(session, 'ids')}"  # noqa: S608
        " WHERE NOT EXISTS (SELECT 1 FROM resources AS r WHERE r.id = value)",
        {"ids": texts(session, ids)},
    )
    if missing:
        raise UnknownMembers([row[0] for row in missing])


def remove(session: Session, group_id: str, ids: Sequence[str]) -> int:
    """Remove members and return how many were there."""
    if not ids:
        return 0
    condition = among(session, "member_id", "ids")
    sql = f"DELETE FROM group_members WHERE group_id = :group AND {condition}"  # noqa: S608
    return session.run(sql, {"group": group_id, "ids": texts(session, ids)})


def keep_only(session: Session, group_id: str, ids: Sequence[str]) -> int:
    """Remove every member but these and return how many were removed."""
    sql = (
        "DELETE FROM group_members WHERE group_id = :group"  # noqa: S608
        f" AND NOT EXISTS (SELECT 1 FROM {unnested(session, 'ids')} WHERE value = member_id)"
    )
    return session.run(sql, {"group": group_id, "ids": texts(session, ids)})


def remove_matching(session: Session, group_id: str, node: FilterNode) -> int:
    """Remove the members that a value filter selects and return how many.

    Raise InvalidFilterException when it names what a member does not have.
    """
    condition = member_condition(node, is_sqlite=session.is_sqlite)
    selected = (
        "SELECT lm.member_id FROM group_members AS lm JOIN resources AS m ON m.id = lm.member_id"  # noqa: S608
        f" WHERE lm.group_id = :group AND {condition.sql}"
    )
    sql = f"DELETE FROM group_members WHERE group_id = :group AND member_id IN ({selected})"  # noqa: S608
    return session.run(sql, {"group": group_id, **condition.params})


def count(session: Session, group_id: str) -> int:
    """Return how many members a group has."""
    row = session.row("SELECT count(*) FROM group_members WHERE group_id = :group", {"group": group_id})
    return int(row[0]) if row else 0


def groups_of(session: Session, member_id: str) -> list[str]:
    """Return the ids of the groups that hold a resource, in the order in which they are locked."""
    sql = "SELECT group_id FROM group_members WHERE member_id = :member ORDER BY group_id"
    return [row[0] for row in session.rows(sql, {"member": member_id})]


def stream(session: Session, group_id: str, base: str) -> Iterator[str]:
    """Yield the members of a group as pieces of a JSON array, commas and all.

    The database writes the JSON; `base` is the root of `$ref`, already escaped for JSON.
    """
    sql = _stream_sql(session)
    after, comma = "", ""
    while True:
        params = {"group": group_id, "after": after, "base": base, "size": _CHUNK}
        row = session.row(sql, params)
        if row is None or row[0] is None:
            return
        yield comma + row[0]
        if row[2] < _CHUNK:
            return
        after, comma = row[1], ","


def _stream_sql(session: Session) -> str:
    quoted = "json_quote(m.name)" if session.is_sqlite else "CAST(to_json(m.name) AS TEXT)"
    joined = "group_concat(item, ',')" if session.is_sqlite else "string_agg(item, ',')"
    base = ":base" if session.is_sqlite else "CAST(:base AS TEXT)"
    reference = f"{base} || '/' || m.type || 's/' || m.id"
    item = (
        f"""'{{"value":"' || m.id || '","$ref":"' || {reference} || '","type":"' || m.type"""
        f""" || '","display":' || {quoted} || '}}'"""
    )
    return (
        f"SELECT {joined}, max(id), count(*) FROM (SELECT {item} AS item, m.id AS id FROM group_members AS l"  # noqa: S608
        " JOIN resources AS m ON m.id = l.member_id WHERE l.group_id = :group AND l.member_id > :after"
        " ORDER BY l.member_id LIMIT :size) AS page"
    )
