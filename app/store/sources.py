"""Where removals come from: what the guards on their source ask of the database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, func, literal, select, tuple_

from app.core.changes import Change, from_json, to_json
from app.core.circumstances import Doubt, NewClient, Pusher, Silence, Source
from app.core.identity import Kind, Principal
from app.core.policy_guards import Guards
from app.core.removals import REMOVAL_KINDS, Item, holder_of, item_of
from app.store.facts import DOUBT, SILENCE, note_fact, read_fact
from app.store.tables import clients, departures, facts, outcomes, resources
from app.store.upsert import insert_into

_CHUNK = 500


def read_source(connection: Connection, principals: Collection[Principal], guards: Guards, now: datetime) -> Source:
    """Return what is known of where the removals from these principals come from."""
    source = guards.source
    new = () if source.new_client is None else _new_clients(connection, now - source.new_client)
    taken: frozenset[Item] = frozenset()
    back: frozenset[Principal] = frozenset()
    if source.undone:
        taken, back = _taken_and_back(connection, now - source.undone.within, now - guards.window)
    return Source(
        now=now,
        pushers=_pushers(connection, principals) if new else {},
        new_clients=new,
        lost=_lost_since(connection, now - source.scattered.within) if source.scattered else frozenset(),
        taken=taken,
        back=back,
        silence=read_silence(connection),
        doubt=read_doubt(connection),
    )


# ---------------------------------------------------------------- clients


def note_clients(connection: Connection, now: datetime, resource_ids: Collection[str] | None = None) -> None:
    """Note since when the clients write that pushed these resources (None: any), each client once."""
    known = select(clients.c.name)
    rows: list[Any] = []
    for table, at in ((resources, resources.c.modified_at), (departures, departures.c.deleted_at)):
        new = select(table.c.pushed_by, func.min(at)).where(table.c.pushed_by.not_in(known)).group_by(table.c.pushed_by)
        for chunk in _chunks(resource_ids):
            rows += connection.execute(new if chunk is None else new.where(table.c.id.in_(chunk))).all()
    first: dict[str, datetime] = {}
    for name, wrote_at in rows:
        first[name] = min(first.get(name, now), wrote_at)
    if first:
        statement = insert_into(connection, clients).on_conflict_do_nothing()
        connection.execute(statement, [{"name": name, "first_wrote_at": at} for name, at in sorted(first.items())])


def _chunks(ids: Collection[str] | None) -> Iterator[list[str] | None]:
    if ids is None:
        yield None
        return
    ordered = sorted(ids)
    for start in range(0, len(ordered), _CHUNK):
        yield ordered[start : start + _CHUNK]


def _new_clients(connection: Connection, since: datetime) -> tuple[NewClient, ...]:
    young = select(clients.c.name, clients.c.first_wrote_at).where(clients.c.first_wrote_at > since)
    rows = connection.execute(young.order_by(clients.c.name)).all()
    return tuple(NewClient(name, at, _removed_by(connection, name, at)) for name, at in rows)


def _removed_by(connection: Connection, client: str, since: datetime) -> int:
    """Return how much of what others pushed went since then by a client's pushes, without an approval."""
    number = sum((outcomes.c[f"removed_{kind}"] for kind in REMOVAL_KINDS), start=literal(0))
    total = 0
    for table in (resources, departures):
        by_client = and_(table.c.pushed_by == client, table.c.first_pushed_by != client)
        joined = outcomes.join(table, and_(table.c.id == outcomes.c.principal_id, by_client))
        summed = select(func.coalesce(func.sum(number), 0)).select_from(joined).where(outcomes.c.at >= since)
        total += int(connection.execute(summed).scalar_one())
    return total


def _pushers(connection: Connection, principals: Collection[Principal]) -> dict[Principal, Pusher]:
    by_id: dict[str, Pusher] = {}
    for table in (departures, resources):
        columns = (table.c.id, table.c.pushed_by, func.coalesce(table.c.first_pushed_by, table.c.pushed_by))
        for chunk in _chunks({principal.id for principal in principals}):
            rows = connection.execute(select(*columns).where(table.c.id.in_(chunk or ())))
            by_id.update({id_: Pusher(last, first) for id_, last, first in rows})
    return {principal: by_id[principal.id] for principal in principals if principal.id in by_id}


# ---------------------------------------------------------------- what was taken, and what came back

_UNAPPROVED = and_(outcomes.c.status == "applied", outcomes.c.approved_by.is_(None))


def _lost_since(connection: Connection, since: datetime) -> frozenset[Item]:
    """Return the memberships that ended since then, without a person's approval."""
    rows = select(outcomes.c.details).where(
        outcomes.c.at >= since, outcomes.c.removal, outcomes.c.kind == Kind.GROUP.value, _UNAPPROVED
    )
    changes = (change for details in connection.execute(rows).scalars() for change in _changes(details))
    items = (item_of(change) for change in changes if change.removes_access)
    return frozenset(item for item in items if isinstance(item[1], Principal))


def _changes(details: list[dict[str, Any]]) -> Iterator[Change]:
    return map(from_json, details)


def _taken_and_back(
    connection: Connection, since: datetime, window: datetime
) -> tuple[frozenset[Item], frozenset[Principal]]:
    """Return what was taken since then and not given back, and who got something back in the window."""
    taken: set[Item] = set()
    back: dict[Principal, datetime] = {}
    for details, at in _outcomes_of_losers(connection, since):
        for change in _changes(details):
            item = item_of(change)
            if change.removes_access:
                taken.add(item)
            elif item in taken:
                taken.discard(item)
                back[holder_of(item)] = at
    back |= _people_back(connection, window)
    return frozenset(taken), frozenset(principal for principal, at in back.items() if at >= window)


def _outcomes_of_losers(connection: Connection, since: datetime) -> Iterator[Any]:
    """Yield what became of those from whom something was taken since then, in order."""
    losers = select(outcomes.c.kind, outcomes.c.principal_id).where(outcomes.c.at >= since, outcomes.c.removal)
    of_losers = tuple_(outcomes.c.kind, outcomes.c.principal_id).in_(losers.where(_UNAPPROVED))
    rows = select(outcomes.c.details, outcomes.c.at).where(outcomes.c.at >= since, _UNAPPROVED, of_losers)
    yield from connection.execute(rows.order_by(outcomes.c.id))


def taken_since(connection: Connection, since: datetime) -> frozenset[Change]:
    """Return the removals that the bridge made since then, or tried to, and did not undo.

    One that failed may have been done all the same.
    """
    losers = select(outcomes.c.kind, outcomes.c.principal_id).where(outcomes.c.at >= since, outcomes.c.removal)
    rows = select(outcomes.c.details, outcomes.c.status).where(
        outcomes.c.at >= since,
        outcomes.c.status != "skipped",
        tuple_(outcomes.c.kind, outcomes.c.principal_id).in_(losers),
    )
    taken: dict[Item, Change] = {}
    for details, status in connection.execute(rows.order_by(outcomes.c.id)):
        for change in _changes(details):
            if change.removes_access:
                taken[item_of(change)] = change
            elif status == "applied":
                taken.pop(item_of(change), None)
    return frozenset(taken.values())


def tried_since(
    connection: Connection, since: datetime, principals: Collection[Principal]
) -> dict[Principal, list[Change]]:
    """Return the changes that were tried on these principals since then, in their order: some may have failed."""
    made: defaultdict[Principal, list[Change]] = defaultdict(list)
    lately = select(outcomes.c.details).where(outcomes.c.at >= since, outcomes.c.status != "skipped")
    for kind in {principal.kind for principal in principals}:
        for ids in _chunks({principal.id for principal in principals if principal.kind is kind}):
            of = lately.where(outcomes.c.kind == kind.value, outcomes.c.principal_id.in_(ids or ()))
            for details in connection.execute(of.order_by(outcomes.c.id)).scalars():
                for change in _changes(details):
                    made[change.principal].append(change)
    return dict(made)


def _people_back(connection: Connection, since: datetime) -> dict[Principal, datetime]:
    """Return those who were deleted by the provider and came back since then, by who they were."""
    rows = connection.execute(
        select(departures.c.id, departures.c.returned_at).where(departures.c.returned_at >= since)
    )
    return {Principal(Kind.USER, id_): at for id_, at in rows}


# ---------------------------------------------------------------- silences


def read_silence(connection: Connection) -> Silence | None:
    """Return the time of which this database remembers nothing, until everything was looked at again."""
    value = read_fact(connection, SILENCE)
    return Silence(*(datetime.fromisoformat(value[name]) for name in ("since", "until"))) if value else None


def end_silence(connection: Connection) -> None:
    """Note that everything was looked at since the silence."""
    connection.execute(facts.delete().where(facts.c.name == SILENCE))


def read_doubt(connection: Connection) -> Doubt | None:
    """Return the removals that a silence made doubtful, and that nobody decided on yet."""
    value = read_fact(connection, DOUBT)
    if not value:
        return None
    silence = Silence(*(datetime.fromisoformat(value[name]) for name in ("since", "until")))
    return Doubt(silence, frozenset(_changes(value["changes"])))


def keep_doubt(connection: Connection, doubt: Doubt | None, now: datetime) -> None:
    """Keep the removals that are doubtful, in place of those that were; None for none."""
    if doubt is None:
        connection.execute(facts.delete().where(facts.c.name == DOUBT))
        return
    times = {"since": doubt.silence.since.isoformat(), "until": doubt.silence.until.isoformat()}
    note_fact(connection, DOUBT, {**times, "changes": [to_json(change) for change in doubt.changes]}, now)
