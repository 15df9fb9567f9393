"""Reading the directory as the core sees it: documents reduced to what access depends on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, select

from app.core.directory import Directory, PushedGroup, PushedPerson, read_group, read_service_account, read_user
from app.core.policy import Policy
from app.core.returns import with_returned
from app.store.sharing import Shared
from app.store.tables import group_members, resources, returned_members, returned_roles

_COLUMNS = (resources.c.id, resources.c.type, resources.c.document, resources.c.deactivated_at)
MEMBERSHIPS = (group_members, returned_members)  # what is pushed, and what a return gave back
_CHUNK = 500  # ids in one IN (…): SQLite takes a limited number of parameters


def read_directory(connection: Connection, policy: Policy) -> Directory:
    """Return everything that was pushed, streamed: no more than a few documents are in memory at once."""
    shared = Shared()
    by_group = select(group_members.c.group_id, group_members.c.member_id).order_by(group_members.c.group_id)
    members = {
        group_id: frozenset(shared(member_id) for _, member_id in rows)
        for group_id, rows in groupby(_stream(connection, by_group), itemgetter(0))
    }
    for group_id, member_id in connection.execute(select(returned_members.c.group_id, returned_members.c.member_id)):
        members[group_id] = members.get(group_id, frozenset()) | {shared(member_id)}
    returned = _returned_roles(connection)
    return _directory(_stream(connection, select(*_COLUMNS)), members, policy, shared, returned)


def read_part(connection: Connection, policy: Policy, resource_ids: Collection[str]) -> Directory:
    """Return these resources; one that was deleted is not in it."""
    rows: list[Any] = []
    members: defaultdict[str, set[str]] = defaultdict(set)
    for ids in chunks(resource_ids):
        rows += connection.execute(select(*_COLUMNS).where(resources.c.id.in_(ids))).all()
        for table in MEMBERSHIPS:
            inside = select(table.c.group_id, table.c.member_id).where(table.c.group_id.in_(ids))
            for group_id, member_id in connection.execute(inside):
                members[group_id].add(member_id)
    return _directory(rows, members, policy, Shared(), _returned_roles(connection))


def groups_of(connection: Connection, resource_ids: Collection[str]) -> set[str]:
    """Return the groups that have any of these resources as a member."""
    found: set[str] = set()
    for ids in chunks(resource_ids):
        for table in MEMBERSHIPS:
            inside = select(table.c.group_id).where(table.c.member_id.in_(ids)).distinct()
            found.update(connection.execute(inside).scalars())
    return found


def _returned_roles(connection: Connection) -> dict[str, Any]:
    """Return the roles that were given back to people who returned: there are never many."""
    rows = connection.execute(select(returned_roles.c.resource_id, returned_roles.c.roles))
    return {row.resource_id: row.roles for row in rows}


def _directory(
    rows: Iterable[Any],
    members: Mapping[str, Collection[str]],
    policy: Policy,
    shared: Shared,
    returned: dict[str, Any],
) -> Directory:
    people: dict[str, PushedPerson] = {}
    groups: dict[str, PushedGroup] = {}
    for own_id, type_, document, deactivated_at in rows:
        id_ = shared(own_id)
        if type_ == "Group":
            groups[id_] = read_group(id_, document, members.get(id_, ()), policy)
        elif type_ == "ServiceAccount":
            people[id_] = read_service_account(id_, document, deactivated_at)
        else:
            people[id_] = read_user(id_, with_returned(document, returned.get(id_)), deactivated_at, policy)
    return Directory(people, groups)


def _stream(connection: Connection, statement: Any) -> Iterator[Any]:
    yield from connection.execute(statement.execution_options(yield_per=1000))


def chunks(ids: Collection[str]) -> Iterator[Sequence[str]]:
    """Yield the ids in portions that one condition can hold."""
    ordered = sorted(ids)
    for start in range(0, len(ordered), _CHUNK):
        yield ordered[start : start + _CHUNK]
