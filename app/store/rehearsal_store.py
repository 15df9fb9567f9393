"""The store of a rehearsal: it reads what the reconciler's store reads, and writes nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NoReturn

from app.core.circumstances import Doubt, Objection
from app.core.drift import DriftItem
from app.core.identity import Principal
from app.core.removals import Item
from app.store.reconciler_store import ReconcilerStore


class RehearsalStore(ReconcilerStore):
    """`app.reconcile.ports.Store` that only reads.

    What a rehearsal may leave out is left out; any other write is a mistake of the program.
    """

    def _fenced(self) -> NoReturn:
        raise AssertionError("a rehearsal writes nothing")

    def keep_doubt(self, doubt: Doubt | None) -> None:
        """Leave what is doubtful as it is."""

    def keep_held(self, kept: Mapping[Item, Objection], ended: Collection[Item]) -> None:
        """Leave what is held as it is."""

    def supersede_plans(self, except_for: str) -> None:
        """Leave every plan as it is."""

    def replace_drift(self, items: Iterable[DriftItem], principals: Collection[Principal] | None) -> None:
        """Leave the recorded drift as it is."""
