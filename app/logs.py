"""Logs: one line of text per event, on stderr, so that stdout is the commands' own."""

from __future__ import annotations

import logging
import sys

import structlog


def configure_logs(level: str) -> None:
    """Send every log, structlog's and the libraries', to stderr from `level` (debug, info …) on."""
    threshold = logging.getLevelNamesMapping()[level.upper()]
    logging.basicConfig(level=threshold, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # Each request would be a line, with the address it came from: the metrics count them.
    for noisy in ("waitress.queue", "urllib3", "alembic", "werkzeug"):
        logging.getLogger(noisy).setLevel(max(threshold, logging.WARNING))
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
