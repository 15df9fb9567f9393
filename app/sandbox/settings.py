"""Keeps knobs and faults that were set while the sandbox runs in the state file, with the rest."""

import json
from collections.abc import Mapping

from app.sandbox.faults import Faults
from app.sandbox.knobs import Knobs
from app.sandbox.world.records import Setting
from app.sandbox.world.world import World


class Settings:
    """Knobs and faults, kept across restarts when there is a state file."""

    def __init__(self, world: World, faults: Faults) -> None:
        self._world = world
        self._faults = faults

    def load(self) -> None:
        """Put back what was kept; a knob of another version of the sandbox raises KnobError."""
        stored = self._world.tables.settings
        knobs, faults = stored.get("knobs"), stored.get("faults")
        if knobs:
            self._world.knobs.set_all(json.loads(knobs.value))
        if faults:
            self._faults.load(json.loads(faults.value))

    @property
    def knobs(self) -> Knobs:
        """Return the knobs."""
        return self._world.knobs

    def set_knobs(self, values: Mapping[str, str]) -> None:
        """Set knobs, all or none; raises KnobError."""
        self._world.knobs.set_all(values)
        self._keep("knobs", self._world.knobs.values)

    def reset_knobs(self) -> None:
        """Put every knob back to its default."""
        self._world.knobs.reset()
        self._keep("knobs", {})

    def save_faults(self) -> None:
        """Keep the faults and their counters."""
        self._faults.unsaved = False
        self._keep("faults", self._faults.listing())

    def _keep(self, name: str, value: object) -> None:
        if self._world.file is None:
            return
        with self._world.transaction() as tx:
            tx.tables.settings.put(Setting(name, 0, json.dumps(value)))
