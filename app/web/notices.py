"""Notices: what a person should know besides the verdict, the most pressing first. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.core.drift import DriftClass
from app.store.evidence import Evidence
from app.store.key_troubles import KeyTroubles, Trouble

SHOWN_NAMES = 3


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to know; `run_id`, `fingerprint` or the path of a page names what there is to look at."""

    tone: str  # bad, warn, info
    title: str
    text: str
    at: datetime | None = None
    run_id: str = ""
    fingerprint: str = ""
    path: str = ""


def list_notices(evidence: Evidence, *, worker_alive: bool, observes_only: bool) -> list[Notice]:
    """Return the notices that the evidence gives cause for."""
    found = (
        _policy(evidence),
        _unmatched(evidence),
        _tecton(evidence),
        _last_try(evidence),
        None if worker_alive else _worker(evidence),
        *_held(evidence),
        _late(evidence),
        *_keys(evidence.keys),
        _observe(evidence) if observes_only else None,
    )
    return [notice for notice in found if notice]


def _policy(evidence: Evidence) -> Notice | None:
    error = str((evidence.policy or {}).get("error") or "")
    text = f"{error} (The last good policy stays in force meanwhile.)"
    return Notice("bad", "The policy file does not load", text) if error else None


def _unmatched(evidence: Evidence) -> Notice | None:
    names = list((evidence.policy or {}).get("unmatched") or ())
    if not names:
        return None
    more = f"; and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
    text = f"{'; '.join(names[:SHOWN_NAMES])}{more}. See policy check, for where they are written."
    return Notice("warn", "Names in the policy match nothing", text)


def _tecton(evidence: Evidence) -> Notice | None:
    if evidence.tecton.ok is not False:
        return None
    text = evidence.tecton.error or "Tecton did not answer."
    return Notice("bad", "Tecton cannot be reached", text, evidence.tecton.at)


def _last_try(evidence: Evidence) -> Notice | None:
    last = evidence.last_try
    if last is None or last.status != "failed":
        return None
    return Notice("bad", "The last sweep failed", last.error or "", last.requested_at, run_id=last.run_id)


def _worker(evidence: Evidence) -> Notice:
    text = "Pushes are taken and kept, but reach Tecton only while a worker runs: python -m app worker."
    since = evidence.lease.expires_at if evidence.lease else None
    return Notice("warn", "No worker is running", text, since)


def _held(evidence: Evidence) -> list[Notice]:
    return [
        Notice("warn", "Removals are held", _reasons(plan.objections), plan.made_at, fingerprint=plan.fingerprint)
        for plan in evidence.held
    ]


def _reasons(objections: tuple[dict[str, str], ...]) -> str:
    return "; ".join(objection["sentence"] for objection in objections) + "."


def _late(evidence: Evidence) -> Notice | None:
    sweep = evidence.sweep
    if sweep is None or not sweep.late:
        return None
    text = (
        f"{sweep.late:,} objects will be older than they should before the next sweep. "
        "Raise BRIDGE_SWEEP_BUDGET, or BRIDGE_TECTON_RATE if Tecton allows it."
    )
    return Notice("warn", "A sweep has too few calls", text, sweep.started_at, run_id=sweep.run_id)


def _keys(keys: KeyTroubles) -> list[Notice]:
    """Return a notice for each sort of trouble with keys and probes, with the first of them as an example."""
    sorts = (
        ("bad", keys.probes, "access probe is not as expected", "access probes are not as expected", "/probes"),
        ("bad", keys.deliveries, "key cannot be delivered", "keys cannot be delivered", "/keys"),
        ("bad", keys.rotations, "rotation fails", "rotations fail", "/keys"),
        ("warn", keys.unknown_probes, "access probe found nothing out", "access probes found nothing out", "/probes"),
        ("info", keys.unclaimed, "key waits to be claimed", "keys wait to be claimed", "/keys"),
    )
    return [
        Notice(tone, f"{of.count:,} {one if of.count == 1 else many}", _example(of), path=path)
        for tone, of, one, many, path in sorts
        if of.count
    ]


def _example(trouble: Trouble) -> str:
    more = f" (and {trouble.count - 1:,} more)" if trouble.count > 1 else ""
    return f"{trouble.example}{more}."


def _observe(evidence: Evidence) -> Notice:
    pending = evidence.counts[DriftClass.PENDING]
    text = "It reports what differs and never writes to Tecton."
    if pending:
        text += " What is pending stays pending until BRIDGE_MODE is enforce."
    return Notice("info", "This installation only observes", text)
