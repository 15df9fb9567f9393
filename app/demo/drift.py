"""Drift made by hand: a role that nobody pushed is given in Tecton, said by the bridge, and taken away again."""

from __future__ import annotations

from typing import Any

from app.demo.changes import changes, differences
from app.demo.errors import DemoError
from app.demo.facts import Aspect, Fact, Facts, Subject, role_words
from app.demo.show import Show, count
from app.demo.stage import Stage
from app.demo.tecton import Tecton

PERSON = "dana.whitfield@acme.example"
ROLE = ("workspace_prod", "owner")
# What a sweep has to read one by one: Tecton's lists omit roles and members, and a scope has a list of its own.
READ_KINDS = ("user", "group", "service account", "secret scope")
# One page each of users, groups and service accounts, and the list of scopes.
LIST_READS = 4


def show_healing(stage: Stage, tecton: Tecton, show: Show, expected: Facts) -> None:
    """Make drift, have it said, have it healed. Raise DemoError when any of it does not happen."""
    show.heading("Somebody grants a role by hand, in Tecton itself")
    before = tecton.snapshot()
    tecton.assign(PERSON, *ROLE)
    by_hand = tecton.snapshot()
    for change in changes(before, by_hand):
        show.line(f"       · {change}")
    if by_hand.facts != expected | {_by_hand()}:
        raise DemoError("the role given by hand is not the only difference in Tecton")
    with show.waiting("python -m app drift"):
        item = _find(stage.json_command("drift"))
    show.line(f"       python -m app drift: {item['class']}: {item['sentence']}", "yellow")
    _heal(stage, tecton, show, expected)


def _by_hand() -> Fact:
    return Fact(Subject("user", PERSON), Aspect.ROLE, role_words(*ROLE))


def _find(report: dict[str, Any]) -> dict[str, Any]:
    """Return the one difference that must be reported: an extra role of the person."""
    found: list[dict[str, Any]] = [item for item in report["items"] if item["class"] == "extra"]
    if len(found) != 1 or found[0]["name"] != PERSON or role_words(*ROLE) not in found[0]["sentence"]:
        raise DemoError(f"drift should report exactly one extra, “{_by_hand()}”; it reports {found}")
    return found[0]


def _heal(stage: Stage, tecton: Tecton, show: Show, expected: Facts) -> None:
    by_hand = tecton.snapshot()
    with show.waiting("python -m app sweep"):
        report = stage.json_command("sweep")
    healed = tecton.snapshot()
    for change in changes(by_hand, healed):
        show.line(f"       · {change}")
    if wrong := differences(expected, healed.facts):
        raise DemoError("\n".join(["a sweep did not heal Tecton", *(f"  {line}" for line in wrong)]))
    show.line(f"       python -m app sweep: {_counts(report)}", "green")
    with show.waiting("python -m app sweep"):
        again = stage.json_command("sweep")
    _check_quiet(again, expected)
    show.line(f"       python -m app sweep, once more: {_counts(again)}", "green")


def _check_quiet(report: dict[str, Any], expected: Facts) -> None:
    """A sweep with nothing changed writes nothing, and reads everything exactly once."""
    if report["writes"] or report["planned"]:
        raise DemoError(f"a second sweep, with nothing changed, should write nothing; it says: {_counts(report)}")
    objects = {fact.subject for fact in expected if fact.subject.kind in READ_KINDS}
    reads = len(objects) + LIST_READS
    if report["reads"] != reads:
        raise DemoError(f"a sweep of {len(objects)} objects should make {reads} reads; it says: {_counts(report)}")


def _counts(report: dict[str, Any]) -> str:
    counts = ", ".join(f"{report[name]} {name}" for name in ("planned", "applied", "failed", "held"))
    reads, writes = count(report["reads"], "read"), count(report["writes"], "write")
    return f"{counts}; {reads}, {writes} in {report['duration_s']:.2f} s"


def require_in_sync(stage: Stage) -> str:
    """Have the bridge read all of Tecton; return its sentence. Raise DemoError when it does not say "in sync"."""
    report = stage.json_command("drift")
    if not report["in_sync"]:
        told = "\n".join(f"  {item['class']}: {item['sentence']}" for item in report["items"])
        raise DemoError(f"the bridge does not say that Tecton is in sync: {report['sentence']}\n{told}")
    return str(report["sentence"])
