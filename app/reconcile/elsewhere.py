"""Another Tecton than before: the address has changed, and so have the objects behind it.

Taken for the same one, everybody in it would look lost, and everything that is known of who is who, and of
what the bridge made, would be wrong. A cluster that merely got another address still holds its objects.
"""

from __future__ import annotations

from app.core.plan import digest
from app.core.records import TectonObjects
from app.reconcile.world import World

# Of what is known, so much is found again in a Tecton that only got another address.
SAME = 0.5


def is_another(world: World, fresh: TectonObjects) -> bool:
    """Tell whether what was just read is of another Tecton than what is known."""
    if not world.elsewhere or not world.records:
        return False
    return len(world.records.keys() & fresh.records.keys()) < SAME * len(world.records)


def fingerprint_of_another(world: World) -> str:
    """Return what a person approves who wants the bridge to go on with the other Tecton."""
    return digest(["another tecton than", world.elsewhere])


def another_tecton(world: World) -> str:
    """Return the sentence that says so, and what to do."""
    return (
        f"TECTON_URL names another Tecton than before: all that is known here is of {world.elsewhere}, "
        f"and hardly any of its {len(world.records)} objects are in this one; nothing is changed until TECTON_URL "
        "is put back, or a person approves that what is known of the other one is forgotten and this one is taken over"
    )
