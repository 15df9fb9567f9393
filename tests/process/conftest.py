"""An environment for the product's processes: a database of their own, and a policy."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.process.processes import KEY
from tests.rig import POLICY


@pytest.fixture
def environment(database_url: str, tmp_path: Path) -> dict[str, str]:
    """What the bridge is told, on SQLite and on PostgreSQL; TECTON_URL is for the test to add."""
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    return {
        "BRIDGE_DATABASE_URL": database_url,
        "BRIDGE_POLICY": str(policy),
        "BRIDGE_MODE": "enforce",
        "BRIDGE_SECRET_KEY": "a secret for tests",
        "BRIDGE_COALESCE_WINDOW": "100ms",
        "BRIDGE_TECTON_RATE": "1000",
        "TECTON_API_KEY": KEY,
    }
