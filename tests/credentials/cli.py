"""Commands called in this process, on a rig's database and policy."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from click.testing import CliRunner

from app.cli import main
from tests.credentials.rig import TECTON_URL, KeyRig
from tests.rig import ADMIN_KEY


@dataclass(frozen=True)
class Said:
    """What a command said, and with which exit code it ended."""

    code: int
    out: str
    err: str

    @property
    def last_line(self) -> str:
        return self.out.rstrip("\n").rpartition("\n")[2]


def call(rig: KeyRig, monkeypatch: pytest.MonkeyPatch, *arguments: str, **environment: str) -> Said:
    """Run a command as its user does."""
    values = {
        "BRIDGE_DATABASE_URL": rig.database.url.render_as_string(hide_password=False),
        "BRIDGE_POLICY": str(rig.policy_file),
        "BRIDGE_MODE": rig.settings.mode,
        "BRIDGE_SECRET_KEY": rig.settings.secret_key.get_secret_value(),
        "BRIDGE_LOG_LEVEL": "error",
        "TECTON_URL": TECTON_URL,
        "TECTON_API_KEY": ADMIN_KEY,
        **environment,
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    result = CliRunner().invoke(main, list(arguments), catch_exceptions=False)
    return Said(result.exit_code, result.stdout, result.stderr)
