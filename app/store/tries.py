"""How often a sign-in may be tried: counted in the database, where all processes count together.

Three counts bound a try: those of its name from its place, those of its place whatever the name, and those of its name
from wherever. The last is what many addresses together run into, and what they could keep an admin out with: so it does
not bind who comes from a place where that admin has signed in before.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, case, delete, or_, select, update

from app.store.tables import sign_in_failures, sign_in_places
from app.store.tokens import digest
from app.store.upsert import insert_into, upsert

TRIES = 5  # of a name from a place
TRIES_OF_PLACE = 50  # an office behind one address: ten people who each forgot their password
TRIES_OF_NAME = 100  # twenty places that each used up theirs; an admin's password has 99 bits
PAUSE = timedelta(minutes=15)
MEMORY = timedelta(days=90)  # how long a place stays known where nobody signs in any more

_ALL = "*"  # what no name's digest and no place is


class _Count(NamedTuple):
    """What tries are counted by, and how many there may be before a pause."""

    name: str
    address: str
    limit: int


def count_try(connection: Connection, name: str, address: str, now: datetime) -> datetime | None:
    """Count one try before its password is looked at: tries made at the same moment count each.

    Return None when it may go on; otherwise when the next try is possible. Refused tries do not move
    that time, so nobody can be kept out for ever by somebody who keeps trying.
    """
    for bound in _bounds(connection, name, place_of(address)):
        again_at = _count(connection, bound, now)
        if again_at is not None:
            return again_at
    return None


def forget_tries(connection: Connection, name: str, address: str, now: datetime) -> None:
    """Note that a try which was counted succeeded, and that its place is one of the admin's.

    Earlier tries of the name from there are forgotten, other counts are one less: who has one account cannot
    make room for guessing another.
    """
    place = place_of(address)
    for bound in _bounds(connection, name, place):
        counted = update(sign_in_failures).where(_is(bound), sign_in_failures.c.failures > 0)
        connection.execute(counted.values(failures=sign_in_failures.c.failures - 1))
    table = sign_in_failures.c
    connection.execute(delete(sign_in_failures).where(table.name == digest(name), table.address == place))
    upsert(connection, sign_in_places, [{"name": name, "address": place, "last_at": now}])


def forgive(connection: Connection, name: str) -> None:
    """Forget all tries of a name, from wherever: it has a new password."""
    connection.execute(delete(sign_in_failures).where(sign_in_failures.c.name == digest(name)))


def forget_places(connection: Connection, name: str) -> None:
    """Forget where an admin signed in: the account is gone, and another of its name is another."""
    connection.execute(delete(sign_in_places).where(sign_in_places.c.name == name))


def delete_old(connection: Connection, now: datetime) -> None:
    """Delete tries that count no more, and places that were not used for long."""
    connection.execute(delete(sign_in_failures).where(sign_in_failures.c.last_at <= now - PAUSE))
    connection.execute(delete(sign_in_places).where(sign_in_places.c.last_at <= now - MEMORY))


def place_of(address: str) -> str:
    """Return what counts as one address: of IPv6 the /64, of which a single host has every address.

    What is no address, such as a socket's, is one place for all. Some proxies write a port behind it.
    """
    host = address[1:].partition("]")[0] if address.startswith("[") else address
    host = host.partition(":")[0] if host.count(":") == 1 else host
    try:
        found = ip_address(host)
    except ValueError:
        return "unknown"
    if isinstance(found, IPv6Address):
        return str(found.ipv4_mapped or ip_network((int(found), 64), strict=False))
    return str(found)


def _bounds(connection: Connection, name: str, place: str) -> list[_Count]:
    """Return the counts of a try in the order of counting, which ends where one refuses.

    The place is first, so that nobody can fill the table with made-up names; the name last, so that a place that is
    refused does not use it up. Being always the same, the order keeps two tries from waiting for each other. Of
    the name only the digest is kept: it may be a password that was typed into the wrong field.
    """
    key = digest(name)
    of_name = [] if _is_known(connection, name, place) else [_Count(key, _ALL, TRIES_OF_NAME)]
    return [_Count(_ALL, place, TRIES_OF_PLACE), _Count(key, place, TRIES), *of_name]


def _is_known(connection: Connection, name: str, place: str) -> bool:
    table = sign_in_places.c
    found = select(table.name).where(table.name == name, table.address == place)
    return connection.execute(found).first() is not None


def _count(connection: Connection, bound: _Count, now: datetime) -> datetime | None:
    """Count a try once; return until when there are too many, None when there are not."""
    table = sign_in_failures.c
    is_over = table.last_at <= now - PAUSE
    insert = insert_into(connection, sign_in_failures).values(
        name=bound.name, address=bound.address, failures=1, last_at=now
    )
    counted = insert.on_conflict_do_update(
        index_elements=[table.name, table.address],
        set_={
            "failures": case((is_over, 1), else_=table.failures + 1),
            "last_at": case((or_(is_over, table.failures < bound.limit), now), else_=table.last_at),
        },
    ).returning(table.failures, table.last_at)
    failures, last_at = connection.execute(counted).one()
    return last_at + PAUSE if failures > bound.limit else None


def _is(bound: _Count) -> ColumnElement[bool]:
    return and_(sign_in_failures.c.name == bound.name, sign_in_failures.c.address == bound.address)
