"""A bridge with its Tecton for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.store.database import Database
from tests.conftest import Clock
from tests.knob_cases import enter_case, parametrize
from tests.rig import Rig

MakeRig = Callable[..., Rig]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """With BRIDGE_KNOBS=all, have every test with a bridge run under each alternative of each knob."""
    parametrize(metafunc)


@pytest.fixture(autouse=True)
def knob_case(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the knobs that the matrix asks for, for every bridge that the test makes."""
    enter_case(request, monkeypatch)


@pytest.fixture
def make_rig(database: Database, clock: Clock, tmp_path: Path) -> Iterator[MakeRig]:
    """Return what makes a bridge with a policy and settings of the test's own."""
    made: list[Rig] = []

    def make(**settings: Any) -> Rig:
        made.append(Rig(database, clock, tmp_path, **settings))
        return made[-1]

    yield make
    for rig in made:
        rig.close()


@pytest.fixture
def rig(make_rig: MakeRig) -> Rig:
    """A bridge that has looked at its Tecton once."""
    rig = make_rig()
    rig.run()
    rig.forget_calls()
    return rig
