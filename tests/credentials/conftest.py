"""A bridge that looks after keys, for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.store.database import Database
from tests.conftest import Clock
from tests.credentials.rig import KeyRig

MakeKeyRig = Callable[..., KeyRig]


@pytest.fixture
def make_rig(database: Database, clock: Clock, tmp_path: Path) -> Iterator[MakeKeyRig]:
    """Return what makes a bridge with a policy and settings of the test's own."""
    made: list[KeyRig] = []

    def make(**settings: Any) -> KeyRig:
        made.append(KeyRig(database, clock, tmp_path, **settings))
        return made[-1]

    yield make
    for rig in made:
        rig.close()
