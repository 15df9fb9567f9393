"""The admin room: is Tecton in sync, what differs and why, what was done about it.

A JSON API at /api/v1 and pages at /, both read only and both behind sign-in; /healthz and /readyz for
whoever starts processes, /metrics for Prometheus. `verdict` is the heart: the one place that decides
what may be claimed, from the evidence that `app.store.reports` reads.
"""

from __future__ import annotations

from app.web.registration import register

__all__ = ["register"]
