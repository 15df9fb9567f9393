"""Telling a person what happens: on a terminal with a spinner, elsewhere as plain lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from statistics import median

from rich.console import Console
from rich.text import Text

from app.demo.day import Step


class Show:
    """The demo's output."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)

    def line(self, text: str = "", style: str = "") -> None:
        """Print one line as it is: names may hold what rich takes for markup."""
        self.console.print(Text(text, style=style), soft_wrap=True)

    def heading(self, text: str) -> None:
        """Print what comes next."""
        self.line()
        self.line(text, "bold")

    @contextmanager
    def waiting(self, for_what: str) -> Iterator[None]:
        """Say what is waited for, while it is; on a terminal alone."""
        with self.console.status(Text(for_what)):
            yield

    def step(self, step: Step, changes: Iterable[str], seconds: float) -> None:
        """Print what a step did: who pushed how much, what changed in Tecton, how soon."""
        pushed = f" ({count(len(step.requests), 'request')})" if step.requests else ""
        self.heading(f"{step.at}  {step.title}")
        self.line(f"       {step.client_name}{pushed}", "dim")
        told = list(changes)
        for change in told:
            self.line(f"       · {change}")
        last = "the last answer" if step.requests else "the bridge was ready"
        effect = f"in Tecton {seconds:.2f} s after {last}" if told else "nothing changes in Tecton, as it should be"
        self.line(f"       {effect}", "green")

    def summary(self, times: list[float], requests: int) -> None:
        """Print how the day went."""
        self.heading("The end of the day")
        self.line(f"       {count(requests, 'request')}, each answered as its client expects")
        self.line(
            f"       push to effect in Tecton: median {median(times):.2f} s, longest {max(times):.2f} s"
            f" over {count(len(times), 'step')} that changed something"
        )


def count(number: int, noun: str) -> str:
    """Return such as `1 read` or `31 reads`."""
    return f"{number} {noun}" + ("" if number == 1 else "s")
