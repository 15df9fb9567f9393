"""A bridge that looks after keys, for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.store.database import Database
from tests.conftest import Clock
from tests.credentials.rig import KeyRig
from tests.knob_cases import enter_case, parametrize

MakeKeyRig = Callable[..., KeyRig]
# The rows of the table of unknowns on which keys depend.
ROWS = {1, 2, 3, 5, 6, 7, 29, 30, 31, 36, 37, 42, 43, 44, 45, 47}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """With BRIDGE_KNOBS=all, have every test with a bridge run under each alternative that concerns keys."""
    parametrize(metafunc, ROWS)


@pytest.fixture(autouse=True)
def knob_case(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the knobs that the matrix asks for, for every bridge that the test makes."""
    enter_case(request, monkeypatch)


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
