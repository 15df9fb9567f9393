"""Commands called in this process, on a rig's database, policy and clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from click.testing import CliRunner
from structlog.testing import capture_logs

from app.bootstrap import PolicySource, make_prober
from app.cli import credentials, main, probes, scopes
from app.settings import Settings
from app.store.database import Database
from tests.credentials.rig import KeyRig


@dataclass(frozen=True)
class Said:
    """What a command said, and with which exit code it ended."""

    code: int
    out: str
    err: str

    @property
    def last_line(self) -> str:
        return self.out.rstrip("\n").rpartition("\n")[2]


def call(rig: KeyRig, monkeypatch: pytest.MonkeyPatch, *arguments: str, **settings: Any) -> Said:
    """Run a command as its user does; `settings` differ from the rig's."""
    changed = {name: _as(rig.settings, name, value) for name, value in settings.items()}

    def prepare() -> tuple[Settings, Database]:
        return rig.settings.model_copy(update=changed), rig.database

    def run_probes(*_: Any) -> None:
        policy = PolicySource(rig.settings.policy)
        make_prober(rig.settings, rig.database, rig.engine.tecton, policy, rig.clock).run_all()

    # Logs go to stderr in a process of its own; here they would be in the way of what is said.
    with monkeypatch.context() as patch, capture_logs():
        for module in (credentials, probes, scopes):
            for name in ("prepare", "prepare_kept"):
                patch.setattr(module, name, prepare, raising=False)
            patch.setattr(module, "utc_now", rig.clock, raising=False)
        patch.setattr(credentials, "build_engine", lambda *_: rig.start_engine())
        patch.setattr(probes, "_run", run_probes)
        result = CliRunner().invoke(main, list(arguments), catch_exceptions=False)
    return Said(result.exit_code, result.stdout, result.stderr)


def _as(settings: Settings, name: str, value: Any) -> Any:
    return type(getattr(settings, name))(value)
