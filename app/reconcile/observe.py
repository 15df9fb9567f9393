"""What a sweep sees: the calls that it makes at once, and what of their answers is news."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass
from itertools import islice
from queue import SimpleQueue
from typing import Any, TypeVar

from app.core.access import AccessState
from app.core.identity import AUTOMATIC_ROLE, Kind, is_automatic_role
from app.core.records import TectonObjects
from app.reconcile.ports import Step
from app.reconcile.world import World

KINDS = (Kind.USER, Kind.GROUP, Kind.SERVICE_ACCOUNT)

Pause = Callable[[], None]
A = TypeVar("A")
B = TypeVar("B")


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to Tecton: the call that asks it, and who takes the answer, which may raise more questions."""

    call: Callable[[], Any]
    take: Callable[[Any], Iterable[Ask]]


class Crew:
    """Calls Tecton with several threads, and lets something more urgent in between.

    Everything but the calls runs in the caller's thread, so that no state needs a lock. `pause` is
    called there each time a call ends.
    """

    def __init__(self, executor: Executor, size: int, pause: Pause = lambda: None) -> None:
        self.executor, self.size, self.pause = executor, size, pause

    def each(self, work: Callable[[A], B], items: Iterable[A]) -> Iterator[tuple[A, Future[B]]]:
        """Yield every item with its ended call, in the order in which they end.

        No more calls are started than there are threads: an urgent one does not queue behind them.
        When the pause raises, none is started any more; what it raised comes after the last one.
        """
        waiting = iter(items)
        return self._each(work, lambda number: islice(waiting, number))

    def ask(self, asks: Iterable[Ask]) -> None:
        """Ask all these questions and those that their answers raise. Raise what one of the calls raised."""
        waiting = deque(asks)

        def some(number: int) -> list[Ask]:
            return [waiting.popleft() for _ in range(min(number, len(waiting)))]

        for ask, answer in self._each(lambda ask: ask.call(), some):
            waiting.extend(ask.take(answer.result()))

    def _each(self, work: Callable[[A], B], some: Callable[[int], Iterable[A]]) -> Iterator[tuple[A, Future[B]]]:
        """Do it for what `some` gives, which is asked again whenever a call has ended."""
        running: dict[Future[B], A] = {}
        ended: SimpleQueue[Future[B]] = SimpleQueue()
        stop: Exception | None = None
        try:
            while True:
                for item in some(0 if stop else self.size - len(running)):
                    future = self.executor.submit(work, item)
                    running[future] = item
                    future.add_done_callback(ended.put)
                if not running:
                    break
                future = ended.get()
                yield running.pop(future), future
                stop = stop or self._paused()
        finally:
            # An abandoned loop (an error, a stop) leaves no call running behind its back.
            wait(running)
        if stop:
            raise stop

    def _paused(self) -> Exception | None:
        """Pause; return why to stop, so that the calls under way can be concluded before."""
        try:
            self.pause()
        except Exception as error:
            return error
        return None


def changes_in(world: World, fresh: TectonObjects, moment: int) -> Step:
    """Return what of `fresh` the world does not know yet.

    What another run has written since `moment`, when the reading began, is newer than what was read.
    """
    step = Step()
    for key in world.records.keys() | fresh.records.keys():
        record = fresh.records.get(key)
        if world.records.get(key) != record and not world.was_touched_since(key, moment):
            step.records[key] = record
    for scope in world.scopes.keys() | fresh.scopes.keys():
        grants = fresh.scopes.get(scope)
        if world.scopes.get(scope) != grants and not world.was_touched_since(scope, moment):
            step.scopes[scope] = grants
    return step


def note_targets(world: World, observed: AccessState) -> Step:
    """Return the workspaces and scopes seen for the first time, with the roles of their creators.

    Tecton gives owner to who creates a workspace and manager to who creates a scope, and no answer
    tells such a role from one given by hand. One that is there when its target is first seen is taken
    for the creator's, and is never removed; one that appears later was given by hand.
    """
    step = Step()
    step.known_targets |= {
        f"secret_scope/{scope}" for scope in world.scopes if f"secret_scope/{scope}" not in world.known_targets
    }
    for principal, grants in observed.grants.items():
        tecton_id = world.links.tecton_id_of(principal)
        for grant in grants:
            key = grant.target.key
            if grant.target.level not in AUTOMATIC_ROLE or key in world.known_targets:
                continue
            step.known_targets.add(key)
            is_creator = principal.kind in {Kind.USER, Kind.SERVICE_ACCOUNT} and is_automatic_role(grant)
            if is_creator and tecton_id and grant not in world.last.grants_of(principal):
                step.automatic.add((principal.kind, tecton_id, key))
    return step
