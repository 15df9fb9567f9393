"""Finding out which of several changes Tecton refuses, so that one bad change never keeps the others back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from app.core.changes import Change
from app.reconcile.ports import Conflict, NotFound, Refused, TectonError, Unsupported

# What Tecton says to a call because of what is in it. A temporary error says nothing of the changes.
REFUSALS: tuple[type[TectonError], ...] = (Refused, Conflict, NotFound, Unsupported)
# To a call on an object that is there, the last two say something else: it is gone, or SCIM is off.
EDIT_REFUSALS: tuple[type[TectonError], ...] = (Refused, Conflict)
# Calls at the most for one object: enough to find one bad change among thousands. What is not found
# out by then waits together.
TRIES = 32

C = TypeVar("C", bound=Change)


def isolate(
    changes: Sequence[C],
    attempt: Callable[[Sequence[C]], None],
    refusals: tuple[type[TectonError], ...] = REFUSALS,
) -> dict[C, TectonError]:
    """Attempt the changes together; what is refused is attempted in parts. Return what stays refused, and why.

    Removals of access are parted from the rest first: a grant that cannot be given must not keep
    anything from being taken away.
    """
    waiting, refused, tries = [tuple(changes)], dict[C, TectonError](), TRIES
    while waiting:
        part = waiting.pop()
        tries -= 1
        try:
            attempt(part)
        except refusals as refusal:
            if len(part) > 1 and tries > 0:
                waiting += reversed(_parts(part))
            else:
                refused.update(dict.fromkeys(part, refusal))
    return refused


def _parts(changes: tuple[C, ...]) -> tuple[tuple[C, ...], tuple[C, ...]]:
    removals = tuple(change for change in changes if change.removes_access)
    others = tuple(change for change in changes if not change.removes_access)
    if removals and others:
        return removals, others
    return changes[: len(changes) // 2], changes[len(changes) // 2 :]
