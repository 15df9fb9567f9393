"""A pytest plugin for `make matrix`: one line for each alternative of each knob."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import NoReturn

import pytest
import structlog
from _pytest.terminal import TerminalReporter

from tests.knob_cases import CASES, REFUSED

# What a longer name holds is not the shorter one's.
NAMES = sorted(CASES, key=len, reverse=True)


def pytest_configure(config: pytest.Config) -> None:
    """Write no logs: thousands of tests are run, and what is of interest is which fail. A test that asks gets them."""
    structlog.configure(processors=[_drop])


def _drop(*_: object) -> NoReturn:
    raise structlog.DropEvent


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Print how the tests did under each alternative."""
    tally: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for outcome in ("passed", "failed", "error", "xfailed", "xpassed"):
        for report in terminalreporter.stats.get(outcome, []):
            if case := next((name for name in NAMES if name in report.nodeid), None):
                tally[case][outcome] += 1
    terminalreporter.section("alternatives of the sandbox's knobs")
    for case in CASES:
        terminalreporter.line(
            f"{case:<60} {_words(tally[case]) if case not in REFUSED else 'refused, with the reason'}"
        )


def _words(counts: Counter[str]) -> str:
    failed = counts["failed"] + counts["error"] + counts["xpassed"]
    return f"{counts['passed']} passed, {failed} failed, {counts['xfailed']} cannot hold"
