"""The day: one file per step, with the requests as a client sends them and what they must lead to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from app.demo.errors import DayError
from app.demo.expectation import Expectation, Part
from app.demo.facts import Facts

# The clients of the day; each has a token of its own.
CLIENTS = {
    "okta-wizard": "Okta, app made with the wizard",
    "okta-catalogue": "Okta, app of the catalogue",
    "entra": "Entra ID, default client",
    "entra-scim2": "Entra ID with aadOptscim062020",
}


class Request(Part):
    """One request, and what the client takes from its answer.

    `body` is sent as it is; `body_of` sends a kept answer with `merge` merged in, as a client does that
    reads a resource and puts it back changed. `capture` names texts of the answer for `${name}` later on.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str = Field(pattern="^/")  # below the SCIM base, encoded as the client encodes it
    status: int | tuple[int, ...]
    body: dict[str, Any] | None = None
    body_of: str | None = None
    merge: dict[str, Any] = Field(default_factory=dict)
    answer: dict[str, Any] = Field(default_factory=dict)  # must be in the answer
    capture: dict[str, str] = Field(default_factory=dict)
    keep: str | None = None

    @property
    def statuses(self) -> tuple[int, ...]:
        """The statuses that the client takes for success."""
        return (self.status,) if isinstance(self.status, int) else self.status


class Step(Part):
    """A step of the day. The policy alone has one too, without a client: what holds before any push."""

    at: str = Field(pattern=r"^\d\d:\d\d$")
    client: Literal["okta-wizard", "okta-catalogue", "entra", "entra-scim2"] | None
    title: str
    headers: dict[str, str] = Field(default_factory=dict)
    requests: tuple[Request, ...] = ()
    expect: Expectation

    @property
    def client_name(self) -> str:
        """The client as people call it."""
        return CLIENTS[self.client] if self.client else "the policy"


def load_day(folder: Path) -> list[Step]:
    """Return the steps in the order of their file names. Raise DayError naming the file and what is wrong in it."""
    files = sorted(folder.glob("*.json"))
    if not files:
        raise DayError(f"{folder} holds no steps: run the demo from a checkout of the project")
    return [_read(file) for file in files]


def _read(file: Path) -> Step:
    try:
        return Step.model_validate_json(file.read_bytes())
    except OSError as error:
        raise DayError(f"{file}: cannot be read ({error.strerror})") from error
    except ValidationError as error:
        faults = ("/".join(map(str, fault["loc"])) + ": " + fault["msg"] for fault in error.errors())
        raise DayError("\n".join(f"{file}: {fault}" for fault in faults)) from error


def expectations(day: list[Step], start: Facts) -> Iterator[Facts]:
    """Yield what Tecton must hold after each step, from what it held at the start.

    Raise DayError naming the step that contradicts itself.
    """
    facts = start
    for step in day:
        try:
            facts = step.expect.after(facts)
        except DayError as error:
            raise DayError(f"{step.at} {step.title}: {error}") from error
        yield facts
