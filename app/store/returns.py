"""People who were deleted and come back: what they had is given back, until the provider speaks for itself.

Nothing that was given back shows in SCIM: there stands what was pushed, so that the provider sees what it
still has to push. What it pushes then counts, and what was given back lapses after a while.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, delete, insert, or_, select, update

from app.core.policy import Returns
from app.core.returns import Departed, Return, is_same_person, roles_in
from app.store.queue import mark_dirty
from app.store.tables import departures, group_members, resources, returned_members, returned_roles
from app.store.upsert import insert_into

_CHUNK = 500  # ids in one IN (…)


def take_back(
    connection: Connection, policy: Returns, now: datetime, resource_ids: Collection[str] | None = None
) -> list[Return]:
    """Give returned people back what they had, and return who they are.

    `resource_ids` are those who may have come; None looks at everybody. The groups are marked to be
    looked at. Call it in a write transaction.
    """
    if policy.remember is None:
        return []
    until = None if policy.confirm is None else now + policy.confirm
    found = _returned_people(connection, now - policy.remember, resource_ids)
    return [_give_back(connection, row, departed, now, until) for row, departed in found]


def _returned_people(
    connection: Connection, since: datetime, resource_ids: Collection[str] | None
) -> list[tuple[Any, list[Departed]]]:
    """Return who came, each with the departures that were theirs, the newest first.

    A departure is one person's: theirs who has its id, before theirs who has its name alone.
    """
    people: dict[str, Any] = {}
    theirs: defaultdict[str, list[Departed]] = defaultdict(list)
    matches = [of for of in _matches(connection, since, resource_ids) if is_same_person(of.external_id, _departed(of))]
    whose: dict[str, str] = {}
    for row in sorted(matches, key=_is_known_by_name_alone):
        whose.setdefault(row.departed_id, row.id)
    for row in matches:
        if whose[row.departed_id] == row.id:
            people[row.id] = row
            theirs[row.id].append(_departed(row))
    return [(row, theirs[id_]) for id_, row in sorted(people.items())]


def _departed(row: Any) -> Departed:
    return Departed(row.departed_id, row.departed_external_id, tuple(row.group_ids), row.roles)


def _is_known_by_name_alone(row: Any) -> tuple[bool, datetime]:
    return row.external_id is None or row.external_id != row.departed_external_id, row.created_at


def _matches(connection: Connection, since: datetime, resource_ids: Collection[str] | None) -> Iterator[Any]:
    same_name = departures.c.name_key == resources.c.name_key
    same_id = departures.c.external_id == resources.c.external_id
    came_later = and_(departures.c.type == resources.c.type, resources.c.created_at >= departures.c.deleted_at)
    columns = (
        resources.c.id,
        resources.c.name,
        resources.c.external_id,
        resources.c.document,
        resources.c.created_at,
        departures.c.id.label("departed_id"),
        departures.c.external_id.label("departed_external_id"),
        departures.c.group_ids,
        departures.c.roles,
    )
    joined = select(*columns).select_from(departures.join(resources, and_(came_later, or_(same_name, same_id))))
    waiting = joined.where(
        resources.c.type == "User", departures.c.returned_at.is_(None), departures.c.deleted_at >= since
    ).order_by(departures.c.deleted_at.desc())
    if resource_ids is None:
        yield from connection.execute(waiting)
        return
    ordered = sorted(resource_ids)
    for start in range(0, len(ordered), _CHUNK):
        yield from connection.execute(waiting.where(resources.c.id.in_(ordered[start : start + _CHUNK])))


def _give_back(
    connection: Connection, row: Any, theirs: list[Departed], now: datetime, until: datetime | None
) -> Return:
    """Give back what somebody had at the last departure; the ones before are over, too."""
    ids = [departed.id for departed in theirs]
    connection.execute(update(departures).where(departures.c.id.in_(ids)).values(returned_at=now))
    groups = _give_memberships(connection, row.id, theirs[0].group_ids, until)
    roles = {} if roles_in(row.document) else theirs[0].roles
    if roles:
        statement = insert_into(connection, returned_roles).on_conflict_do_nothing()
        connection.execute(statement, {"resource_id": row.id, "roles": roles, "until": until})
    mark_dirty(connection, (("group", group) for group in groups), now=now, window=timedelta(0))
    return Return(row.name, len(groups), sum(len(of) for of in roles.values()), until)


def _give_memberships(
    connection: Connection, member_id: str, group_ids: Collection[str], until: datetime | None
) -> list[str]:
    """Give back memberships in the groups that are still pushed, and return those groups."""
    still = select(resources.c.id).where(resources.c.type == "Group", resources.c.id.in_(group_ids))
    pushed = select(group_members.c.group_id).where(group_members.c.member_id == member_id)
    groups = sorted(set(connection.execute(still).scalars()) - set(connection.execute(pushed).scalars()))
    if groups:
        rows = [{"group_id": group, "member_id": member_id, "until": until} for group in groups]
        connection.execute(insert(returned_members), rows)
    return groups


def let_lapse(connection: Connection, policy: Returns, now: datetime, keep: timedelta) -> None:
    """End what was given back and was never confirmed, and forget those who are gone for too long.

    Departures are kept for `keep` at least: the guards ask who deleted whom.
    """
    for table in (returned_members, returned_roles):
        connection.execute(delete(table).where(table.c.until <= now))
    remember = max(policy.remember or timedelta(0), keep)
    connection.execute(delete(departures).where(departures.c.deleted_at < now - remember))


def end_spoken_for(connection: Connection, resource_ids: Collection[str] | None = None) -> None:
    """End the returned roles of those (None: of anybody) whose roles the provider pushes itself by now."""
    given = select(returned_roles.c.resource_id, resources.c.document).join(resources)
    for resource_id, document in connection.execute(given).all():
        if (resource_ids is None or resource_id in resource_ids) and roles_in(document):
            connection.execute(delete(returned_roles).where(returned_roles.c.resource_id == resource_id))
