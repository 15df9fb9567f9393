"""Work that only the leader does, beside the worker's own: each piece made anew for every leadership."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import structlog

from app.core.policy_text import PolicyError
from app.jobs.worker import Worker
from app.reconcile.ports import LostLease
from app.store.database import StoreError

log = structlog.get_logger("jobs")


class Chore(Protocol):
    """Something done each time the clock comes round."""

    def tick(self) -> None:
        """Do what is due."""


class LeadersChore:
    """Does a chore while the worker leads; `make` takes the fencing number of the lease."""

    def __init__(self, worker: Worker, make: Callable[[int], Chore]) -> None:
        self.worker, self.make = worker, make
        self._chore: tuple[int, Chore] | None = None

    def tick(self) -> None:
        """Do what is due, if this process leads."""
        fence = self.worker.fence
        if fence is None or not self.worker.leads:
            return
        if self._chore is None or self._chore[0] != fence:
            self._chore = (fence, self.make(fence))
        try:
            self._chore[1].tick()
        except LostLease:
            self._chore = None
        except (StoreError, PolicyError) as error:
            log.error("cannot work", error=str(error))
