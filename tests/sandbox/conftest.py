from collections.abc import Iterator

import pytest

from tests.sandbox.client import Sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox with the default world, in memory."""
    yield Sandbox()
