"""What is said of a run in one line."""

from __future__ import annotations

from typing import Any, NamedTuple

from app.store.run_reports import Run


class Result(NamedTuple):
    """A part of the line: a tone (good, bad, warn, quiet) and words."""

    tone: str
    text: str


def results(run: Run) -> list[Result]:
    """Return what came of a run, what went wrong first."""
    if run.status == "failed":
        return [Result("bad", "failed")]
    if run.status == "requested":
        return [Result("warn", "waits for a worker")]
    if run.status == "running":
        return [Result("warn", "under way")]
    return _done(run.summary or {})


def _done(summary: dict[str, Any]) -> list[Result]:
    numbers = (("bad", "failed"), ("warn", "held"), ("good", "applied"))
    found = [Result(tone, f"{summary[name]:,} {name}") for tone, name in numbers if summary.get(name)]
    planned = summary.get("planned") or 0
    if not found and planned:
        return [Result("quiet", f"{planned:,} planned, nothing written")]
    return found or [Result("quiet", "nothing to change")]


def seconds(run: Run) -> float | None:
    """Return how long a run took, None while it has not ended."""
    told = (run.summary or {}).get("duration_s")
    if told is not None:
        return float(told)
    if run.started_at and run.finished_at:
        return (run.finished_at - run.started_at).total_seconds()
    return None
