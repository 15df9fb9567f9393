"""The drift report as one document: what the API answers, and what the `drift` command can print."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from app.store.database import Database
from app.store.evidence import Evidence, load_evidence, snapshot
from app.store.reports import DriftFilter, count_differences, list_differences
from app.web.models import DriftReport
from app.web.verdict import judge

_EVERYTHING = DriftFilter()


def read_drift_report(
    database: Database,
    now: datetime,
    *,
    mode: str,
    sweep_interval: timedelta,
    wanted: DriftFilter = _EVERYTHING,
    limit: int | None = None,
    offset: int = 0,
) -> DriftReport:
    """Return the report as of one moment, with the differences that `wanted` selects, all without a limit.

    Raise StoreError when the database cannot be used.
    """
    with snapshot(database) as connection:
        evidence = load_evidence(connection)
        total = count_differences(connection, wanted)
        items = list_differences(connection, wanted, limit=total if limit is None else limit, offset=offset)
    listed = {"items": items, **paging(offset, len(items), total)}
    return DriftReport.model_validate({**claim(evidence, now, mode, sweep_interval), **listed})


def claim(evidence: Evidence, now: datetime, mode: str, sweep_interval: timedelta) -> dict[str, Any]:
    """Return the fields of a report that say whether Tecton is in sync, and from what."""
    verdict = judge(evidence, now, sweep_interval)
    return {
        "in_sync": verdict.in_sync,
        "state": verdict.state,
        "sentence": verdict.sentence,
        "verified_at": verdict.verified_at,
        "stale": verdict.stale,
        "freshness": verdict.freshness,
        "mode": mode,
        "counts": evidence.counts,
        "waiting": evidence.waiting,
        "failing": evidence.failing,
        "tecton": evidence.tecton,
    }


def paging(offset: int, shown: int, total: int) -> dict[str, int | None]:
    """Return the fields of a list that say how long it is, and where its next page starts."""
    after = offset + shown
    return {"total": total, "next_offset": after if shown and after < total else None}
