"""What decides over the access of some principals, and nothing else of the directory and of Tecton. Only reads.

Why one person may do something must not cost reading a hundred thousand others.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Text, cast, func, or_, select, true

from app.core.attributes import USER
from app.core.directory import Directory
from app.core.identity import DECLARED, FOREIGN, Kind, Principal
from app.core.policy import Policy
from app.core.records import GroupRecord, Link, Links, MemberId, Record, ScopeGrant, TectonObjects
from app.core.selectors import parse_filter
from app.reconcile.ports import Knowledge
from app.reconcile.world import ObjectKey, World
from app.store.encoding import record_from_json, scope_from_json, states_from_json
from app.store.knowledge import SCOPE
from app.store.search import Search, find_page
from app.store.sharing import Shared
from app.store.snapshot import chunks, groups_of, read_part
from app.store.sql import Session
from app.store.tables import last_applied, links, observed, resources

# The name of an object in Tecton, whatever its kind.
NAME_IN_TECTON: Any = func.coalesce(observed.c.record["user_name"].as_string(), observed.c.record["name"].as_string())
_MANY = 1000  # people of one e-mail address: more are not looked for


def read_vicinity(connection: Connection, policy: Policy, principals: Collection[Principal]) -> World:
    """Return what is known of these principals and of the groups that they are in, on any side.

    With them come the groups that the policy names, and whoever could be taken for one of all those by name.
    """
    own = _read_links(connection, principals)
    records = _groups_with(connection, {*_foreign(principals), *map(_object, own)})
    groups = {*_applied_with(connection, principals), *(Principal(Kind.GROUP, FOREIGN + id_) for _, id_ in records)}
    found = own | _read_links(connection, groups)
    known = {*principals, *groups, *(link.principal for link in found)}
    part = _read_directory(connection, policy, {of.id for of in known})
    known |= _pushed(part)
    found |= _read_links(connection, known)
    records |= _read_records(connection, {*_foreign(principals), *map(_object, found)})
    objects = TectonObjects(records, read_scopes(connection))
    return World(part, Knowledge(objects, Links(found), states_from_json(_read_applied(connection, known), Shared())))


def principals_called(connection: Connection, policy: Policy, who: str) -> set[Principal]:
    """Return everybody who may be called so, in any case: as pushed, as declared, or as Tecton has it.

    Some may be called otherwise after all: what was pushed is not always Tecton's name.
    """
    name = who.casefold()
    alike = read_part(connection, policy, _pushed_as(connection, policy, [who]))
    accounts = [account.name for account in policy.service_accounts if account.name.casefold() == name]
    holders = {(grant.kind, grant.id) for grants in read_scopes(connection).values() for grant in grants}
    recipients = {(Kind.WORKSPACE, rule.to.workspace) for rule in policy.grants if rule.to.workspace}
    named = {key for key in holders | recipients if key[1].casefold() == name}
    named |= {key for key, called in names_in_tecton(connection) if called.casefold() == name}
    seen = [Principal(kind, id_ if kind is Kind.WORKSPACE else FOREIGN + id_) for kind, id_ in named]
    return {
        *_pushed(alike),
        *(Principal(Kind.SERVICE_ACCOUNT, DECLARED + account) for account in accounts),
        *seen,
        *(link.principal for link in _read_links(connection, seen)),
    }


# ---------------------------------------------------------------- the directory


def _read_directory(connection: Connection, policy: Policy, ids: set[str]) -> Directory:
    """Return these resources, their groups, the groups that the policy names, and all that could be taken for one."""
    names = {rule.to.group for rule in policy.grants if rule.to.group}
    names |= {group for account in policy.service_accounts for group in account.groups}
    ids = {*ids, *groups_of(connection, ids), *_pushed_as(connection, policy, names)}
    part = read_part(connection, policy, ids)
    in_tecton = {person.profile.name for person in part.people.values() if person.profile}
    in_tecton |= {group.name for group in part.groups.values()}
    in_tecton |= {account.name for account in policy.service_accounts}
    return read_part(connection, policy, ids | _pushed_as(connection, policy, in_tecton))


def _pushed(directory: Directory) -> set[Principal]:
    people, groups = directory.people.values(), directory.groups.values()
    return {person.principal for person in people} | {group.principal for group in groups}


def _pushed_as(connection: Connection, policy: Policy, names: Iterable[str]) -> set[str]:
    """Return the ids of the resources that are called so as pushed, or may be so in Tecton."""
    names = {name for name in names if name}
    keys = {name.casefold() for name in names} | {(policy.names.group.strip_prefix + name).casefold() for name in names}
    found: set[str] = set()
    for some in chunks(keys):
        found.update(connection.execute(select(resources.c.id).where(resources.c.name_key.in_(some))).scalars())
    if policy.names.user == "email":
        found.update(id_ for name in names if "@" in name for id_ in _with_mail(connection, name))
    return found


def _with_mail(connection: Connection, address: str) -> list[str]:
    node = parse_filter(f"emails.value eq {json.dumps(address, ensure_ascii=False)}")
    search = Search((USER,), node, count=_MANY, with_groups=False)
    return [stored.id for stored in find_page(Session.of(connection), search).resources]


# ---------------------------------------------------------------- Tecton


def read_scopes(connection: Connection) -> dict[str, frozenset[ScopeGrant]]:
    """Return every scope that Tecton has, as last read, with who holds a role on it."""
    listed = select(observed.c.tecton_id, observed.c.record).where(observed.c.kind == SCOPE)
    return {scope: scope_from_json(record) for scope, record in connection.execute(listed)}


def read_objects(connection: Connection, keys: Collection[ObjectKey]) -> tuple[dict[ObjectKey, Record], Links]:
    """Return these objects as last read in Tecton, with the members of the groups among them, and whose they are."""
    records = _read_records(connection, keys)
    groups = [record for record in records.values() if isinstance(record, GroupRecord)]
    records |= _read_records(connection, {(of.kind, of.id) for group in groups for of in group.members})
    foreign = [Principal(kind, FOREIGN + id_) for kind, id_ in {*keys, *records}]
    return records, Links(_read_links(connection, foreign))


def _foreign(principals: Iterable[Principal]) -> set[ObjectKey]:
    return {(of.kind, of.id.removeprefix(FOREIGN)) for of in principals if of.is_foreign}


def _object(link: Link) -> ObjectKey:
    return link.principal.kind, link.tecton_id


def _read_links(connection: Connection, principals: Collection[Principal]) -> set[Link]:
    """Return how these principals are linked; of a foreign one, to whom its object is after all."""
    columns = (links.c.kind, links.c.principal_id, links.c.tecton_id, links.c.adopted)
    linked = _select(connection, columns, links.c.principal_id, principals)
    seen = _select(connection, columns, links.c.tecton_id, _foreign(principals))
    return {Link(Principal(Kind(kind), id_), tecton_id, adopted) for kind, id_, tecton_id, adopted in (*linked, *seen)}


def _read_records(connection: Connection, keys: Collection[ObjectKey]) -> dict[ObjectKey, Record]:
    columns = (observed.c.kind, observed.c.tecton_id, observed.c.record)
    return _records(_select(connection, columns, observed.c.tecton_id, keys))


def _groups_with(connection: Connection, members: Collection[ObjectKey]) -> dict[ObjectKey, Record]:
    """Return the groups in Tecton that have any of these members."""
    columns = (observed.c.kind, observed.c.tecton_id, observed.c.record)
    wanted = {MemberId(*key) for key in members}
    found = _records(_mentioning(connection, columns, observed.c.record, [id_ for _, id_ in members]))
    return {key: of for key, of in found.items() if isinstance(of, GroupRecord) and wanted & of.members}


def _records(rows: Iterable[Any]) -> dict[ObjectKey, Record]:
    shared = Shared()
    return {
        (Kind(kind), id_): record_from_json(Kind(kind), {**record, "id": id_}, shared) for kind, id_, record in rows
    }


def names_in_tecton(connection: Connection) -> Iterator[tuple[ObjectKey, str]]:
    """Yield every object that Tecton has, as last read, with its name."""
    listed = select(observed.c.kind, observed.c.tecton_id, NAME_IN_TECTON).where(observed.c.kind != SCOPE)
    for kind, tecton_id, called in connection.execute(listed.execution_options(yield_per=1000)):
        yield (Kind(kind), tecton_id), called


# ---------------------------------------------------------------- what was applied


def _read_applied(connection: Connection, principals: Collection[Principal]) -> Iterator[tuple[Principal, Any]]:
    columns = (last_applied.c.kind, last_applied.c.principal_id, last_applied.c.state)
    for kind, id_, state in _select(connection, columns, last_applied.c.principal_id, principals):
        yield Principal(Kind(kind), id_), state


def _applied_with(connection: Connection, members: Collection[Principal]) -> set[Principal]:
    """Return the groups that were given any of these members."""
    columns = (last_applied.c.kind, last_applied.c.principal_id, last_applied.c.state)
    wanted = {(of.kind.value, of.id) for of in members}
    rows = _mentioning(connection, columns, last_applied.c.state, [of.id for of in members])
    return {
        Principal(Kind.GROUP, id_) for _, id_, state in rows if wanted & {(kind, of) for kind, of in state["members"]}
    }


# ---------------------------------------------------------------- rows of some kinds and ids


def _select(
    connection: Connection, columns: Sequence[Any], id_column: Any, keys: Iterable[tuple[Kind, str]]
) -> Iterator[Any]:
    """Yield the rows of these kinds and ids; the first column is the kind."""
    wanted = {(kind.value, id_) for kind, id_ in keys}
    listed = select(*columns, id_column).where(columns[0].in_({kind for kind, _ in wanted}))
    for ids in chunks({id_ for _, id_ in wanted}):
        for row in connection.execute(listed.where(id_column.in_(ids))):
            if (row[0], row[-1]) in wanted:
                yield row[:-1]


def _mentioning(connection: Connection, columns: Sequence[Any], document: Any, ids: Collection[str]) -> Iterator[Any]:
    """Yield the rows of groups whose document may hold one of these ids: the database looks at its text alone."""
    groups = select(*columns).where(columns[0] == Kind.GROUP.value)
    for some in chunks(ids):
        yield from connection.execute(groups.where(_may_hold(document, some)))


def _may_hold(document: Any, ids: Sequence[str]) -> ColumnElement[bool]:
    quoted = [f'"{id_}"' for id_ in ids]
    if any(text != json.dumps(id_) for text, id_ in zip(quoted, ids, strict=True)):
        return true()  # each database writes it in its own way: every row is looked at
    return or_(*(cast(document, Text).contains(text, autoescape=True) for text in quoted))
