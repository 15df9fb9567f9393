"""A large directory, stored as fast as the database takes it, and served as any other."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from functools import partial

from app.core.attributes import GROUP, USER
from app.scim.documents import finish, read_document
from app.store import directory, members
from app.store.database import Database
from app.store.sql import Session, connect
from tests.benchmarks.scim.bodies import person
from tests.benchmarks.scim.load import batches

FIRST = 1_000_000  # so that these people are none of those that are measured


def fill(url: str, people: int, groups: int, memberships: int) -> None:
    """Store people, and groups that share the memberships evenly."""
    database, now = Database(url), datetime.now(UTC)
    ids: list[str] = []
    with connect(database) as session:
        for numbers in batches(range(FIRST, FIRST + people), 2000):
            ids += session.transact(partial(_people, numbers, now))
        for number in range(groups):
            chosen = random.Random(number).sample(ids, memberships // groups)
            session.transact(partial(_group, number, now, chosen))
        session.run("ANALYZE")
    database.dispose()


def _people(numbers: list[int], now: datetime, session: Session) -> list[str]:
    documents = [(USER, finish(USER, read_document(USER, person(number)))) for number in numbers]
    return [resource.id for resource in directory.insert_many(session, documents, now, "bench") if resource]


def _group(number: int, now: datetime, ids: list[str], session: Session) -> None:
    document = finish(GROUP, {"displayName": f"filled {number}"})
    members.add(session, directory.insert(session, GROUP, document, now, "bench").id, ids)
