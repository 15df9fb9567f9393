"""Reading the YAML text of a policy, with file, line and column in every error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from app.core.policy import Policy
from app.core.policy_part import Misplaced


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a policy, where it was written. `line` and `column` count from 1."""

    line: int
    column: int
    field: str
    message: str


class PolicyError(Exception):
    """A policy that cannot be read: every fault at once, in the order of the file."""

    def __init__(self, name: str, faults: list[Fault]) -> None:
        self.name = name
        self.faults = sorted(faults, key=lambda fault: (fault.line, fault.column, fault.field))
        super().__init__("\n".join(self.lines()))

    def lines(self) -> list[str]:
        """Return one `file:line:column: field message` per fault."""
        return [
            f"{self.name}:{fault.line}:{fault.column}: {fault.field + ' ' if fault.field else ''}{fault.message}"
            for fault in self.faults
        ]


def parse_policy(text: str, name: str) -> Policy:
    """Return the policy that `text` writes; `name` is what errors call the file.

    Raise `PolicyError` with every fault, each with its line and column.
    """
    document = _parse_yaml(text, name)
    if not isinstance(document, CommentedMap):
        raise PolicyError(name, [Fault(1, 1, "", "is not a policy: the file must hold keys such as `version: 1`")])
    try:
        return Policy.model_validate(document)
    except ValidationError as error:
        raise PolicyError(name, [_fault(document, problem) for problem in _causes(error)]) from error


def _causes(error: ValidationError) -> list[dict[str, Any]]:
    """Return the problems less those that only follow from one deeper inside: a list without its bad items is short."""
    problems: list[dict[str, Any]] = [dict(problem) for problem in error.errors()]
    places = [tuple(problem["loc"]) for problem in problems]
    return [
        problem
        for problem, place in zip(problems, places, strict=True)
        if not any(other != place and other[: len(place)] == place for other in places)
    ]


def _parse_yaml(text: str, name: str) -> Any:
    try:
        return YAML(typ="rt").load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        reason = str(error.problem or error.context or "cannot be read").splitlines()[0]
        raise PolicyError(name, [Fault(line, column, "", f"is not YAML: {reason}")]) from error
    except YAMLError as error:
        raise PolicyError(name, [Fault(1, 1, "", f"is not YAML: {str(error).splitlines()[0]}")]) from error


def _fault(document: CommentedMap, problem: dict[str, Any]) -> Fault:
    cause = problem.get("ctx", {}).get("error")
    path = (*problem["loc"], *(cause.at if isinstance(cause, Misplaced) else ()))
    line, column = _position(document, path)
    return Fault(line, column, dotted(path), _message(problem))


# What is wrong, by the end of pydantic's name for it, where pydantic's own words are about Python.
_WORDS = {
    "too_short": "must not be empty",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "model_type": "must hold keys with values, such as `key: value`",
    "dict_type": "must hold keys with values, such as `key: value`",
    "time_delta_type": "must be a duration: write a number and a unit, such as 30s, 15m, 1h or 90d",
    "string_type": "must be a text: in quotes, if it looks like a number or a date",
}


def _message(problem: dict[str, Any]) -> str:
    kind = problem["type"]
    if kind == "extra_forbidden":
        return "is not a known key"
    if kind == "missing":
        return "is missing"
    for end, words in _WORDS.items():
        if kind.endswith(end):
            return words
    return str(problem["msg"]).removeprefix("Value error, ").removeprefix("Input ").replace("should be", "must be")


def dotted(path: tuple[int | str, ...]) -> str:
    """Return a place in a policy as people write it: `grants[0].to.group`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


def position_in(text: str, path: tuple[int | str, ...]) -> tuple[int, int]:
    """Return line and column of a place in the text of a policy that loads, counted from 1."""
    return _position(YAML(typ="rt").load(text), path)


def _position(node: Any, path: tuple[int | str, ...]) -> tuple[int, int]:
    """Return line and column of the deepest part of `path` that was written."""
    line, column = 1, 1
    for step in path:
        if isinstance(node, CommentedMap) and step in node:
            line, column = (mark + 1 for mark in node.lc.key(step))
        elif isinstance(node, CommentedSeq) and isinstance(step, int) and step < len(node):
            line, column = (mark + 1 for mark in node.lc.item(step))
        else:
            break
        node = node[step]
    return line, column
