"""The members of groups, changed as sets: the cost of a change does not depend on the group's size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from scim2_models.path import FilterNode

from app.store.filters import member_condition
from app.store.sql import Session, Values, among, are_few, not_among, texts

_MEMBERSHIPS = ("group_members", "returned_members")  # what is pushed, and what a return gave back
_CHUNK = 5000


def add(session: Session, group_id: str, ids: Sequence[str]) -> list[str]:
    """Add members and return those that were not there yet.

    Ids that no resource has are passed over: they will never be anybody's, and one of them in a list of
    thousands must not keep the others out.
    """
    if not ids:
        return []
    few = are_few(ids)
    return _changed(
        session,
        "INSERT INTO group_members (group_id, member_id, member_type)"  # noqa: S608
        f" SELECT :group, r.id, r.type FROM resources AS r WHERE {among(session, 'r.id', 'ids', few=few)}"
        " ON CONFLICT DO NOTHING",
        {"group": group_id, "ids": texts(session, ids)},
        plan_anew=not few,
    )


def count_unknown(session: Session, ids: Sequence[str]) -> int:
    """Return how many of these ids, each given once, no resource has."""
    sql = f"SELECT count(*) FROM resources AS r WHERE {among(session, 'r.id', 'ids', few=are_few(ids))}"  # noqa: S608
    known = session.row(sql, {"ids": texts(session, ids)}, plan_anew=not are_few(ids))
    return len(ids) - (known[0] if known else 0)


def remove(session: Session, group_id: str, ids: Sequence[str]) -> list[str]:
    """Remove members and return those that were there: those, too, that a return gave back."""
    if not ids:
        return []
    few = are_few(ids)
    condition = among(session, "member_id", "ids", few=few)
    params = {"group": group_id, "ids": texts(session, ids)}
    deletions = [f"DELETE FROM {table} WHERE group_id = :group AND {condition}" for table in _MEMBERSHIPS]  # noqa: S608
    return _united(_changed(session, sql, params, plan_anew=not few) for sql in deletions)


def _changed(session: Session, sql: str, params: Values, *, plan_anew: bool = False) -> list[str]:
    """Run what adds or removes members and return whom it did."""
    return [row[0] for row in session.rows(f"{sql} RETURNING member_id", params, plan_anew=plan_anew)]


def _united(found: Iterable[list[str]]) -> list[str]:
    return list(dict.fromkeys(id_ for ids in found for id_ in ids))


def keep_only(session: Session, group_id: str, ids: Sequence[str]) -> list[str]:
    """Remove every member but these and return those that were removed."""
    condition = not_among(session, "member_id", "ids")
    sql = f"DELETE FROM group_members WHERE group_id = :group AND {condition}"  # noqa: S608
    params = {"group": group_id, "ids": texts(session, ids)}
    return _united([_changed(session, sql, params, plan_anew=True), _end_returned(session, group_id)])


def _end_returned(session: Session, group_id: str) -> list[str]:
    """End what returns gave back in a group, whose members the provider has named itself now."""
    return _changed(session, "DELETE FROM returned_members WHERE group_id = :group", {"group": group_id})


def remove_matching(session: Session, group_id: str, node: FilterNode) -> list[str]:
    """Remove the members that a value filter selects and return them.

    Raise InvalidFilterException when it names what a member does not have.
    """
    condition = member_condition(node, is_sqlite=session.is_sqlite)
    sql = f"DELETE FROM group_members AS lm WHERE lm.group_id = :group AND {condition.sql}"  # noqa: S608
    removed = _changed(session, sql, {"group": group_id, **condition.params})
    return _united([removed, _end_returned(session, group_id)])


def of_group(session: Session, group_id: str) -> list[str]:
    """Return the ids of all members of a group."""
    params = {"group": group_id}
    listed = [f"SELECT member_id FROM {table} WHERE group_id = :group" for table in _MEMBERSHIPS]  # noqa: S608
    return _united([row[0] for row in session.rows(sql, params)] for sql in listed)


def groups_of(session: Session, member_id: str) -> list[str]:
    """Return the ids of the groups that hold a resource, in the order in which they are locked."""
    held = " UNION ".join(f"SELECT group_id FROM {table} WHERE member_id = :member" for table in _MEMBERSHIPS)  # noqa: S608
    return [row[0] for row in session.rows(f"{held} ORDER BY group_id", {"member": member_id})]


class Piece(NamedTuple):
    """Some members of a group, as the inside of a JSON array; `last` is the id of the last of them."""

    json: str
    last: str
    size: int


def first(session: Session, group_id: str, base: str, size: int = _CHUNK, after: str = "") -> Piece | None:
    """Return the first members of a group, at most `size`, after an id; None when there are none.

    The database writes the JSON; `base` is the root of `$ref`, already escaped for JSON.
    """
    row = session.row(_piece_sql(session, size), {"group": group_id, "after": after, "base": base}, plan_anew=True)
    return None if row is None or row[0] is None else Piece(*row)


def stream(session: Session, group_id: str, base: str) -> Iterator[str]:
    """Yield the members of a group as pieces of a JSON array, commas and all; `base` as in `first`."""
    piece = first(session, group_id, base)
    comma = ""
    while piece is not None:
        yield comma + piece.json
        comma = ","
        piece = first(session, group_id, base, after=piece.last) if piece.size == _CHUNK else None


def _piece_sql(session: Session, size: int) -> str:
    joined = "group_concat(item, ',')" if session.is_sqlite else "string_agg(item, ',')"
    base = ":base" if session.is_sqlite else "CAST(:base AS TEXT)"
    reference = f"{base} || '/' || member_type || 's/' || member_id"
    item = f"""'{{"value":"' || member_id || '","$ref":"' || {reference} || '","type":"' || member_type || '"}}'"""
    # Rows are compared and ordered as the primary key has them, so that no planner, however little it
    # knows of the table, reads and sorts a whole group for the first few of its members.
    page = (
        "SELECT group_id, member_id, member_type FROM group_members"  # noqa: S608 - names of ours only
        f" WHERE (group_id, member_id) > (:group, :after) ORDER BY group_id, member_id LIMIT {size:d}"
    )
    inside = f"SELECT {item} AS item, member_id FROM ({page}) AS page WHERE group_id = :group"  # noqa: S608
    return f"SELECT {joined}, max(member_id), count(*) FROM ({inside}) AS members"  # noqa: S608
