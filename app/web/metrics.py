"""/metrics for Prometheus: what the database says at the time of asking, and how long answers took here.

Behind a token of scope admin, like the API it summarises; not open to loopback, because behind a proxy
every caller comes from there. In the Prometheus scrape job: `authorization: {credentials_file: …}`.
Answer times are those of one process; with several gunicorn processes each scrape meets one of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from time import perf_counter
from typing import cast

from flask import Blueprint, Flask, Response, current_app, g, request
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from app.core.freshness import freshness, tolerated
from app.store import run_reports
from app.store.evidence import Evidence, load_evidence, snapshot
from app.store.key_troubles import KeyTroubles
from app.store.leases import is_held
from app.web.access import require_admin_token
from app.web.room import room
from app.web.verdict import judge

blueprint = Blueprint("metrics", __name__)
_EXTENSION = "admin_metrics"
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


def install(flask_app: Flask) -> None:
    """Measure every answer of the application, those to SCIM clients included.

    The registry is the application's own: a process may hold more than one application.
    """
    registry = CollectorRegistry()
    flask_app.extensions[_EXTENSION] = registry
    durations = Histogram(
        "tecton_bridge_http_request_duration_seconds",
        "How long answers took",
        ("method", "route", "status"),
        registry=registry,
        buckets=_BUCKETS,
    )

    def start() -> None:
        g.started = perf_counter()

    def observe(response: Response) -> Response:
        # The rule and not the path: ids in labels would make a series per principal.
        route = request.url_rule.rule if request.url_rule else "none"
        labels = (_method(), route, str(response.status_code))
        durations.labels(*labels).observe(perf_counter() - g.get("started", perf_counter()))
        return response

    flask_app.before_request(start)
    flask_app.after_request(observe)


def _method() -> str:
    known = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
    return request.method if request.method in known else "other"


@blueprint.get("/metrics")
def show() -> Response:
    """Return all metrics in the Prometheus text format."""
    require_admin_token()
    registry = CollectorRegistry()
    registry.register(_Reports(room().clock()))
    own = cast(CollectorRegistry, current_app.extensions[_EXTENSION])
    return Response(generate_latest(registry) + generate_latest(own), content_type=CONTENT_TYPE_PLAIN_0_0_4)


class _Reports(Collector):
    """What the database says, as gauges."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        with snapshot(room().database) as connection:
            self.evidence = load_evidence(connection)
            self.runs = run_reports.count_runs_by_status(connection)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield one family after the other; an age that there is none of is left out."""
        yield from _drift(self.evidence)
        yield from _queue(self.evidence, self.now)
        yield from _health(self.evidence, self.now)
        yield from _coverage(self.evidence, self.now)
        yield self._runs()

    def _runs(self) -> GaugeMetricFamily:
        family = GaugeMetricFamily("tecton_bridge_runs", "Recorded runs", labels=("purpose", "status"))
        for labels, number in sorted(self.runs.items()):
            family.add_metric(labels, number)
        return family


def _drift(evidence: Evidence) -> Iterator[GaugeMetricFamily]:
    family = GaugeMetricFamily("tecton_bridge_drift_items", "Differences by class", labels=("class",))
    for drift_class, number in evidence.counts.items():
        family.add_metric((drift_class.value,), number)
    yield family
    yield _gauge("held_plans", "Plans that wait for a person", len(evidence.held))


def _queue(evidence: Evidence, now: datetime) -> Iterator[GaugeMetricFamily]:
    yield _gauge("dirty_principals", "Principals that wait to be looked at", evidence.waiting.count)
    yield _gauge("failing_principals", "Principals whose last try failed", evidence.failing)
    oldest = evidence.waiting.oldest_since
    age = (now - oldest).total_seconds() if oldest else 0
    yield _gauge("dirty_oldest_age_seconds", "How long the oldest of them has waited", age)


def _health(evidence: Evidence, now: datetime) -> Iterator[GaugeMetricFamily]:
    verdict = judge(evidence, now, room().sweep_interval)
    yield _gauge("in_sync", "1 when in sync may be claimed", verdict.in_sync)
    if verdict.verified_at:
        age = (now - verdict.verified_at).total_seconds()
        yield _gauge("evidence_age_seconds", "No part of the evidence is older than this", age)
    if evidence.sweep:
        age = (now - evidence.sweep.started_at).total_seconds()
        yield _gauge("last_sweep_age_seconds", "Since the start of the last sweep that was completed", age)
    if evidence.tecton.ok is not None:
        yield _gauge("tecton_reachable", "1 when the last call to Tecton went well", evidence.tecton.ok)
    if evidence.policy is not None:
        yield _gauge(
            "policy_loads", "1 when the policy file loads; if not, the last good one", not evidence.policy["error"]
        )
        unmatched = len(evidence.policy.get("unmatched", ()))
        yield _gauge("policy_unmatched_names", "Names in the policy that match nothing", unmatched)
    yield from _keys(evidence.keys)
    alive = is_held(evidence.lease, now)
    yield _gauge("worker_alive", "1 when a worker holds the lease", alive)


def _coverage(evidence: Evidence, now: datetime) -> Iterator[GaugeMetricFamily]:
    """Yield how much of Tecton was read within its limit, by class."""
    fresh = freshness(evidence.verified, now, tolerated(room().sweep_interval))
    names = {"objects": "Objects known in Tecton", "objects_verified": "Those of them read within their limit"}
    families = {name: GaugeMetricFamily(f"tecton_bridge_{name}", of, labels=("class",)) for name, of in names.items()}
    age = GaugeMetricFamily("tecton_bridge_oldest_verified_age_seconds", "Since the oldest was read", labels=("class",))
    for label, of in (("privileged", fresh.privileged), ("other", fresh.others)):
        families["objects"].add_metric((label,), of.total)
        families["objects_verified"].add_metric((label,), of.verified)
        if (oldest := of.age(now)) is not None:
            age.add_metric((label,), oldest)
    yield from (*families.values(), age)


def _keys(keys: KeyTroubles) -> Iterator[GaugeMetricFamily]:
    yield _gauge("failing_deliveries", "Keys whose delivery fails", keys.deliveries.count)
    yield _gauge("failing_rotations", "Rotations that do not go on", keys.rotations.count)
    yield _gauge("unexpected_probes", "Access probes that are not as expected", keys.probes.count)
    yield _gauge("unknown_probes", "Access probes that could not find out", keys.unknown_probes.count)
    yield _gauge("unclaimed_keys", "Keys that wait to be claimed", keys.unclaimed.count)


def _gauge(name: str, meaning: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"tecton_bridge_{name}", meaning, value=value)
