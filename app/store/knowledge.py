"""What is known of Tecton: objects, links, last applied, first sights."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, delete, func, select

from app.core.changes import from_json
from app.core.identity import Kind, Principal
from app.core.records import Link, Links, MemberId, Record, TectonObjects
from app.reconcile.ports import Dirty, Escrow, Knowledge, Step
from app.store.abilities import read_abilities
from app.store.encoding import (
    record_from_json,
    record_to_json,
    scope_from_json,
    scope_to_json,
    state_to_json,
    states_from_json,
)
from app.store.facts import LAST_SWEEP, note_fact, read_fact
from app.store.sharing import Shared
from app.store.tables import (
    automatic_grants,
    dirty,
    facts,
    inactive_accounts,
    known_targets,
    last_applied,
    links,
    observed,
    outcomes,
)
from app.store.upsert import upsert

SCOPE = "secret_scope"
AWAITED_KEYS = "awaited_keys"  # the fact that holds the service accounts whose creation was begun


def read_knowledge(connection: Connection, address: str | None = None) -> Knowledge:
    """Return what is known of Tecton, as of the last reads and writes.

    `address` is that of the Tecton in use, None where it does not matter of which one this is known.
    """
    last_sweep = read_fact(connection, LAST_SWEEP)
    known_at = (last_sweep or {}).get("tecton", "")
    elsewhere = "" if address in (None, known_at) else known_at
    shared = Shared()
    records: dict[tuple[Kind, str], Record] = {}
    verified: dict[tuple[Kind, str], datetime] = {}
    modified: dict[tuple[Kind, str], str] = {}
    scopes = {}
    columns = (observed.c.kind, observed.c.tecton_id, observed.c.record, observed.c.verified_at, observed.c.modified)
    for kind, tecton_id, record, verified_at, said in _stream(connection, *columns):
        if kind == SCOPE:
            scopes[tecton_id] = scope_from_json(record)
            continue
        key = shared(MemberId(Kind(kind), tecton_id))
        records[key] = record_from_json(key.kind, {**record, "id": key.id}, shared)
        verified[key] = shared(verified_at)
        if said:
            modified[key] = said
    states = _stream(connection, last_applied.c.kind, last_applied.c.principal_id, last_applied.c.state)
    first_sights = connection.execute(
        select(automatic_grants.c.kind, automatic_grants.c.tecton_id, automatic_grants.c.target)
    )
    return Knowledge(
        objects=TectonObjects(records, scopes),
        links=_read_links(connection, shared),
        last_applied=states_from_json(
            ((shared(Principal(Kind(kind), id_)), state) for kind, id_, state in states), shared
        ),
        automatic=frozenset((Kind(kind), tecton_id, target) for kind, tecton_id, target in first_sights),
        known_targets=frozenset(connection.execute(select(known_targets.c.target)).scalars()),
        failing=_read_failing(connection),
        awaited_keys=frozenset(_read_awaited(connection)),
        complete=last_sweep is not None and not elsewhere,
        verified=verified,
        modified=modified,
        elsewhere=elsewhere,
        whole_lists=abilities.whole_lists if (abilities := read_abilities(connection, address)) else frozenset(),
    )


def _read_links(connection: Connection, shared: Shared) -> Links:
    columns = (links.c.kind, links.c.principal_id, links.c.tecton_id, links.c.adopted)
    return Links(
        Link(shared(Principal(Kind(kind), id_)), shared(MemberId(Kind(kind), tecton_id)).id, adopted)
        for kind, id_, tecton_id, adopted in _stream(connection, *columns)
    )


def _stream(connection: Connection, *columns: Any) -> Iterable[Any]:
    """Return the rows of a table as they come: no more than a few documents are in memory at once."""
    return connection.execute(select(*columns).execution_options(yield_per=1000))


def _read_failing(connection: Connection) -> dict[Principal, Escrow]:
    """Return what waits for its next try: the queue knows until when, the newest outcome what was tried."""
    columns = (dirty.c.kind, dirty.c.id, dirty.c.generation, dirty.c.dirty_since, dirty.c.attempts)
    rows = connection.execute(select(*columns, dirty.c.last_error, dirty.c.next_at).where(_HAS_FAILED)).all()
    tried = _read_tried(connection)
    found = {}
    for *row, error, next_at in rows:
        principal = Principal(Kind(row[0]), row[1])
        principal, status, changes = tried.get(principal, (principal, "", ()))
        found[principal] = Escrow(
            Dirty(*row), error, next_at, frozenset(map(from_json, changes)), status == "not_effective"
        )
    return found


_HAS_FAILED = dirty.c.last_error.is_not(None)


def _read_tried(connection: Connection) -> dict[Principal, tuple[Principal, str, list[dict[str, Any]]]]:
    """Return the status and changes of the newest outcome of each principal that has failed."""
    # A pushed user may be a service account by now: the queue knows the resource, not what the policy makes of it.
    same = outcomes.c.principal_id == dirty.c.id
    newest = select(func.max(outcomes.c.id).label("id"), dirty.c.kind, dirty.c.id.label("resource_id"))
    newest = newest.select_from(dirty.join(outcomes, same)).where(_HAS_FAILED).group_by(dirty.c.kind, dirty.c.id)
    of = newest.subquery()
    columns = (of.c.kind, of.c.resource_id, outcomes.c.kind.label("as_kind"), outcomes.c.status, outcomes.c.details)
    rows = connection.execute(select(*columns).join(outcomes, outcomes.c.id == of.c.id))
    return {
        Principal(Kind(kind), id_): (Principal(Kind(as_kind), id_), status, details)
        for kind, id_, as_kind, status, details in rows
    }


def _read_awaited(connection: Connection) -> set[Principal]:
    return {Principal(Kind.SERVICE_ACCOUNT, id_) for id_ in read_fact(connection, AWAITED_KEYS) or ()}


def _write_awaited(connection: Connection, step: Step, now: datetime) -> None:
    if not step.awaited_keys:
        return
    awaited = _read_awaited(connection)
    for principal, awaits in step.awaited_keys.items():
        (awaited.add if awaits else awaited.discard)(principal)
    note_fact(connection, AWAITED_KEYS, sorted(principal.id for principal in awaited), now)


def forget_knowledge(connection: Connection) -> None:
    """Forget all of it. Keys that are kept stay: whoever has to use them may not have them yet."""
    for table in (observed, links, last_applied, automatic_grants, known_targets, inactive_accounts):
        connection.execute(delete(table))
    for name in (LAST_SWEEP, AWAITED_KEYS):
        connection.execute(delete(facts).where(facts.c.name == name))


def write_step(connection: Connection, step: Step, now: datetime) -> None:
    """Store what a step found out of Tecton, or did there."""
    _write_observed(connection, step, now)
    for principal in step.unlinked:
        _delete(connection, links, {"kind": principal.kind.value, "principal_id": principal.id})
    upsert(connection, links, [_link_row(link, now) for link in step.links])
    _write_last_applied(connection, step, now)
    _write_awaited(connection, step, now)
    first_sights = [
        {"kind": kind.value, "tecton_id": tecton_id, "target": target, "seen_at": now}
        for kind, tecton_id, target in sorted(step.automatic)
    ]
    upsert(connection, automatic_grants, first_sights, keep=["seen_at"])
    targets = [{"target": target, "seen_at": now} for target in sorted(step.known_targets)]
    upsert(connection, known_targets, targets, keep=["seen_at"])


def _write_observed(connection: Connection, step: Step, now: datetime) -> None:
    rows = []
    for (kind, tecton_id), record in step.records.items():
        key = {"kind": kind.value, "tecton_id": tecton_id}
        if record is None:
            _delete(connection, observed, key)
        else:
            rows.append({**key, "record": record_to_json(record), "verified_at": now})
    for scope, grants in step.scopes.items():
        key = {"kind": SCOPE, "tecton_id": scope}
        if grants is None:
            _delete(connection, observed, key)
        else:
            rows.append({**key, "record": scope_to_json(grants), "verified_at": now})
    upsert(connection, observed, rows)


def _write_last_applied(connection: Connection, step: Step, now: datetime) -> None:
    rows = []
    for principal, state in step.last_applied.items():
        key = {"kind": principal.kind.value, "principal_id": principal.id}
        if state is None:
            _delete(connection, last_applied, key)
        else:
            rows.append({**key, "state": state_to_json(principal, state), "applied_at": now})
    upsert(connection, last_applied, rows)


def _link_row(link: Link, now: datetime) -> dict[str, Any]:
    key = {"kind": link.principal.kind.value, "principal_id": link.principal.id}
    return {**key, "tecton_id": link.tecton_id, "linked_at": now, "adopted": link.adopted}


def _delete(connection: Connection, table: Any, key: dict[str, str]) -> None:
    connection.execute(delete(table).where(and_(*(table.c[name] == value for name, value in key.items()))))
