"""Runs, plans, outcomes and drift: what was asked, decided, done, and found."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Collection, Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, select, update

from app.core.changes import NameOf, to_json
from app.core.drift import DriftClass, DriftItem
from app.core.guards import REMOVAL_KINDS, Objection
from app.core.identity import Kind, Principal
from app.core.plan import Plan
from app.reconcile.ports import Outcome
from app.store import audit
from app.store.encoding import drift_to_json
from app.store.tables import drift, outcomes, plans, runs
from app.store.upsert import upsert

PROBED = "probe/"  # what stands for a probe where other differences have their principal
OPEN = ("requested", "running")
LEFT = "it was not finished: the process that ran it ended, or lost the lead in the middle of it"
SCHEDULE = "schedule"  # who asks for a sweep each time its interval is over


def request_run(
    connection: Connection, purpose: str, requested_by: str, now: datetime, *, approve: str | None = None
) -> str:
    """Ask for a run and return its id; the leader takes it up."""
    run_id = uuid.uuid4().hex
    values = {"id": run_id, "purpose": purpose, "requested_by": requested_by, "requested_at": now}
    connection.execute(insert(runs).values(**values, approve=approve, status="requested"))
    return run_id


def next_request(connection: Connection) -> Any:
    """Return the run that waits longest (id, purpose, approve, requested_by), None when none does."""
    columns = (runs.c.id, runs.c.purpose, runs.c.approve, runs.c.requested_by)
    waiting = select(*columns).where(runs.c.status == "requested").order_by(runs.c.requested_at, runs.c.id)
    return connection.execute(waiting.limit(1)).one_or_none()


def has_open_sweep(connection: Connection) -> bool:
    """Tell whether a sweep waits or is under way."""
    found = select(runs.c.id).where(runs.c.purpose == "sweep", runs.c.status.in_(OPEN)).limit(1)
    return connection.execute(found).first() is not None


def start_run(connection: Connection, run_id: str, now: datetime, fence: int) -> None:
    """Note that a run is under way."""
    started = {"status": "running", "started_at": now, "fence": fence}
    connection.execute(update(runs).where(runs.c.id == run_id).values(**started))


def finish_run(
    connection: Connection,
    run_id: str,
    now: datetime,
    *,
    summary: dict[str, Any] | None = None,
    error: str | None = None,
) -> None:
    """Note how a run ended: with its report, or with the reason why it failed; of an approval, in the audit log too."""
    status = "failed" if error else "done"
    values = {"status": status, "finished_at": now, "summary": summary, "error": error}
    connection.execute(update(runs).where(runs.c.id == run_id).values(**values))
    asked = select(runs.c.requested_by, runs.c.approve).where(runs.c.id == run_id, runs.c.approve.is_not(None))
    for who, fingerprint in connection.execute(asked):
        event, detail = _what_came_of_it(summary or {}, error)
        audit.note(connection, who, event, now, kind="plan", name=fingerprint, subject=fingerprint, detail=detail)


def _what_came_of_it(summary: dict[str, Any], error: str | None) -> tuple[str, str]:
    """Return event and detail for the audit log of a run that a person approved."""
    counts = ", ".join(f"{summary.get(name, 0)} {name}" for name in ("applied", "failed", "held"))
    detail = "; ".join([error] if error else [counts, *summary.get("notes", ())])
    return "approval carried out" if summary.get("applied") else "approval without effect", detail


def abandon_runs(connection: Connection, now: datetime) -> None:
    """Note of runs that were left under way that they ended; call it when a process begins to lead."""
    lost = {"status": "failed", "finished_at": now, "error": LEFT}
    connection.execute(update(runs).where(runs.c.status == "running").values(**lost))


def drop_run(connection: Connection, run_id: str) -> None:
    """Forget a run that had nothing to do."""
    connection.execute(delete(runs).where(runs.c.id == run_id))


def read_run(connection: Connection, run_id: str) -> Any:
    """Return one run (status, summary, error), None when there is none."""
    columns = (runs.c.status, runs.c.summary, runs.c.error)
    return connection.execute(select(*columns).where(runs.c.id == run_id)).one_or_none()


# ---------------------------------------------------------------- plans


def keep_plan(
    connection: Connection,
    run_id: str,
    plan: Plan,
    status: str,
    objections: Collection[Objection],
    name_of: NameOf,
    now: datetime,
) -> None:
    """Store a plan; the same plan, planned again, keeps its first time."""
    row = {
        "fingerprint": plan.fingerprint,
        "run_id": run_id,
        "made_at": now,
        "status": status,
        "changes": [{"sentence": change.sentence(name_of), "json": to_json(change)} for change in plan.changes],
        "objections": [asdict(objection) for objection in objections],
    }
    _note_held(connection, fingerprint=plan.fingerprint, objections=objections, now=now)
    upsert(connection, plans, [row], keep=["made_at"])


def keep_objection(connection: Connection, run_id: str, fingerprint: str, objection: Objection, now: datetime) -> None:
    """Store why a run changed nothing at all."""
    row = {"fingerprint": fingerprint, "run_id": run_id, "made_at": now, "status": "held", "changes": []}
    _note_held(connection, fingerprint=fingerprint, objections=[objection], now=now)
    upsert(connection, plans, [{**row, "objections": [asdict(objection)]}], keep=["made_at"])


def _note_held(connection: Connection, *, fingerprint: str, objections: Collection[Objection], now: datetime) -> None:
    """Note in the audit log which guards hold a plan, the first time that they do."""
    before = select(plans.c.objections).where(plans.c.fingerprint == fingerprint)
    if not objections or connection.execute(before).scalar():
        return
    said = "; ".join(f"{objection.guard}: {objection.sentence}" for objection in objections)
    audit.note(connection, "bridge", "held", now, kind="plan", name=fingerprint, subject=fingerprint, detail=said)


def supersede_plans(connection: Connection, except_for: str) -> None:
    """Say of every other open plan that a newer one took its place."""
    is_open = plans.c.status.in_(("planned", "held"))
    connection.execute(update(plans).where(is_open, plans.c.fingerprint != except_for).values(status="superseded"))


def close_plan(connection: Connection, fingerprint: str, status: str, approved_by: str | None) -> None:
    """Say what became of a plan."""
    values = {"status": status, "approved_by": approved_by}
    connection.execute(update(plans).where(plans.c.fingerprint == fingerprint).values(**values))


# ---------------------------------------------------------------- outcomes


def add_outcomes(connection: Connection, run_id: str, found: Iterable[Outcome], now: datetime) -> None:
    """Record what became of the changes to some objects."""
    rows = [
        {
            "run_id": run_id,
            "kind": outcome.principal.kind.value,
            "principal_id": outcome.principal.id,
            "name": outcome.name,
            "changes": list(outcome.sentences),
            "details": [to_json(change) for change in outcome.changes],
            "removal": outcome.approved_by is not None or any(outcome.removed.values()),
            **{f"removed_{kind}": outcome.removed.get(kind, 0) for kind in REMOVAL_KINDS},
            "status": outcome.status,
            "error": outcome.error or None,
            "at": now,
            "approved_by": outcome.approved_by,
        }
        for outcome in found
    ]
    if rows:
        connection.execute(insert(outcomes), rows)


def removals_since(connection: Connection, since: datetime) -> dict[str, int]:
    """Return how many removals of each kind were made since then without a person's approval."""
    sums = [func.coalesce(func.sum(outcomes.c[f"removed_{kind}"]), 0) for kind in REMOVAL_KINDS]
    row = connection.execute(select(*sums).where(outcomes.c.at >= since)).one()
    return {kind: int(number) for kind, number in zip(REMOVAL_KINDS, row, strict=True)}


# ---------------------------------------------------------------- drift


def replace_drift(
    connection: Connection, items: Iterable[DriftItem], principals: Collection[Principal] | None, now: datetime
) -> None:
    """Record drift of these principals, or (None) all there is; what was there before keeps its since."""
    found = {item.key: (item, drift_to_json(item)) for item in items}
    before = _recorded(connection, principals)
    for key in before.keys() - found.keys():
        connection.execute(delete(drift).where(drift.c.key == key))
    # In most sweeps nearly all is as it was: only what is new, or told otherwise, is written.
    rows = [
        {"key": key, "kind": item.principal.kind.value, "principal_id": item.principal.id, "item": told, "since": now}
        for key, (item, told) in found.items()
        if before.get(key) != told
    ]
    upsert(connection, drift, rows, keep=["since"])


def record_probe(
    connection: Connection, name: str, account: str, since: datetime, *, sentence: str = "", policy: str = ""
) -> None:
    """Record as drift what a probe found, or (without a sentence) that it found nothing wrong."""
    principal = Principal(Kind.SERVICE_ACCOUNT, PROBED + name)
    key = hashlib.sha256(principal.id.encode()).hexdigest()[:32]
    connection.execute(delete(drift).where(drift.c.key == key))
    if sentence:
        item = DriftItem(DriftClass.PROBE_FAILED, principal, account, sentence, (policy,))
        row = {"key": key, "kind": principal.kind.value, "principal_id": principal.id, "since": since}
        connection.execute(insert(drift), [{**row, "item": drift_to_json(item)}])


def _recorded(connection: Connection, principals: Collection[Principal] | None) -> dict[str, Any]:
    """Return the differences that are recorded, as JSON values by key."""
    # What probes found is theirs to take back: no look at Tecton's objects disproves it.
    chosen: list[ColumnElement[bool]] = [drift.c.principal_id.not_like(f"{PROBED}%")]
    if principals is not None:
        chosen = [and_(drift.c.kind == kind.value, drift.c.principal_id == id_) for kind, id_ in principals]
    rows = select(drift.c.key, drift.c.item)
    return {key: item for of in chosen for key, item in connection.execute(rows.where(of))}


def drift_count(connection: Connection) -> int:
    """Return how many differences are recorded."""
    return int(connection.execute(select(func.count()).select_from(drift)).scalar_one())
