"""Writing roles on secret scopes: many in one call, and the scopes read back."""

from __future__ import annotations

from collections.abc import Sequence

from app.core.changes import Change, GrantChange
from app.core.records import ScopeGrant
from app.reconcile.isolate import isolate
from app.reconcile.ports import Step, Tecton, TectonError
from app.reconcile.work import Done
from app.reconcile.world import World


class ScopeRoles:
    """Writes roles on secret scopes; only reads of the world."""

    def __init__(self, world: World, tecton: Tecton) -> None:
        self.world, self.tecton = world, tecton

    def write(self, changes: Sequence[GrantChange]) -> Done:
        """Assign, or unassign, roles; all changes are of one sort. Raise TectonError when none could be.

        One call does it, unless one of them is refused: then the others are told from it.
        """
        write = self.tecton.assign if changes[0].added else self.tecton.unassign

        def attempt(part: Sequence[GrantChange]) -> None:
            write(sorted(grant for change in part if (grant := self.grant_of(change))))

        refused = dict[Change, TectonError](isolate(changes, attempt).items())
        if len(refused) == len(changes):
            raise next(iter(refused.values()))
        scopes = sorted({change.grant.target.name for change in changes if change not in refused})
        step = Step(scopes={scope: self.tecton.list_scope_grants(scope) for scope in scopes})
        return Done(step, refused)

    def grant_of(self, change: GrantChange) -> ScopeGrant | None:
        """Return the change as Tecton knows it, None for a principal that is not in Tecton."""
        tecton_id = self.world.links.tecton_id_of(change.principal)
        if tecton_id is None:
            return None
        return ScopeGrant(change.principal.kind, tecton_id, change.grant.target.name, change.grant.role)
