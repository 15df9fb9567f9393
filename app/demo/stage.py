"""The stage: a fresh Tecton and a fresh bridge, with tokens for the clients."""

from __future__ import annotations

import json
import os
import secrets
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from app.demo.errors import DemoError
from app.demo.processes import ROOT, Child, Family
from app.demo.tecton import Tecton

POLICY = ROOT / "config" / "demo-policy.yaml"
WORLD = ROOT / "config" / "demo-world.json"
SCIM_PATH = "/scim/v2"
# A person's own settings must not reach the demo: it has its own database, Tecton and policy.
_OWN_PREFIXES = ("BRIDGE_", "TECTON_")
_SIGN_IN = "first admin:"


class Stage:
    """The two servers of the demo, and the bridge's commands."""

    def __init__(self, family: Family, folder: Path) -> None:
        self.family, self.folder = family, folder
        self.admin_key = secrets.token_urlsafe(32)
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(_OWN_PREFIXES)}
        # Both servers are on this machine; a proxy could not reach them.
        self.environment |= {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
        self.settings: dict[str, str] = {}

    def start_sandbox(self) -> Tecton:
        """Start the sandbox with the demo's world, and return it once it answers."""
        options = ("--admin-key", self.admin_key, "--seed", str(WORLD), "--state", str(self.folder / "tecton.db"))
        sandbox = self.family.start("sandbox", "sandbox", "--port", "0", *options, environment=self.environment)
        return Tecton(sandbox.wait_until_ready())

    def start_bridge(self, tecton_url: str, port: int) -> Child:
        """Start the bridge, reconciling for real, and return it once it answers."""
        self.settings = {
            "TECTON_URL": tecton_url,
            "TECTON_API_KEY": self.admin_key,
            "BRIDGE_DATABASE_URL": f"sqlite:///{self.folder / 'bridge.db'}",
            "BRIDGE_POLICY": str(POLICY),
            "BRIDGE_MODE": "enforce",
            "BRIDGE_SECRET_KEY": secrets.token_urlsafe(32),
            # Short, for somebody watches; long enough that a group's pushes become one write.
            "BRIDGE_COALESCE_WINDOW": "500ms",
            "BRIDGE_TECTON_RATE": "200",
            # The day shows what pushes do; the demo asks for its sweeps itself.
            "BRIDGE_SWEEP_INTERVAL": "1h",
        }
        self.environment |= self.settings
        bridge = self.family.start("bridge", "serve", "--port", str(port), environment=self.environment)
        bridge.wait_until_ready()
        return bridge

    def create_token(self, name: str) -> str:
        """Create a SCIM token and return its secret."""
        lines = self.command("token", "create", name, "--scope", "scim").splitlines()
        if not lines:
            raise DemoError(f"python -m app token create {name} printed no token")
        return lines[-1].strip()

    def command(self, *arguments: str) -> str:
        """Run one of the bridge's commands beside it; return what it printed."""
        return self.family.run(*arguments, environment=self.environment)

    def json_command(self, *arguments: str) -> dict[str, Any]:
        """Run one of the bridge's commands with --json; return the document."""
        printed = self.command(*arguments, "--json")
        try:
            document = json.loads(printed)
        except ValueError as error:
            raise DemoError(f"python -m app {' '.join(arguments)} --json printed no JSON: {printed[:200]}") from error
        if not isinstance(document, dict):
            raise DemoError(f"python -m app {' '.join(arguments)} --json printed no object: {printed[:200]}")
        return document

    def write_environment(self, bridge_url: str, token: str) -> Path:
        """Write what a shell needs to run commands against the demo, readable by its owner alone; return the file."""
        scim = {"SCIM_URL": bridge_url + SCIM_PATH, "SCIM_TOKEN": token}
        path = self.folder / "demo.env"
        path.touch(mode=0o600)
        path.write_text("".join(_exports({**self.settings, **scim}.items())), encoding="utf-8")
        return path


def _exports(settings: Iterable[tuple[str, str]]) -> list[str]:
    return [f"export {name}={shlex.quote(value)}\n" for name, value in settings]


def sign_in(bridge: Child) -> str:
    """Return the first admin's name and password, as the bridge printed them."""
    for line in bridge.lines:
        if line.startswith(_SIGN_IN):
            return line.removeprefix(_SIGN_IN).partition("(")[0].strip()
    raise DemoError("the bridge printed no first admin")
