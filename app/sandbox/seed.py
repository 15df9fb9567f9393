"""The seed: a JSON file that says what a fresh sandbox holds besides, or instead of, the default world.

Every section may be missing; names and ids are those of Tecton, roles are in SCIM's vocabulary:

    {
      "default_world": true,
      "workspaces": ["dev", {"name": "staging", "live": false}],
      "scopes": ["fraud", {"name": "warehouse", "values": {"user": "svc"}}],
      "users": [{"userName": "ana@example.com", "givenName": "Ana", "familyName": "Li", "id": "00u…",
                 "roles": [{"type": "workspace_prod", "value": "viewer"}]}],
      "service_accounts": [{"name": "ci", "description": "…", "active": true, "oauth": false,
                            "id": "…", "secret": "its API key or client secret", "roles": []}],
      "groups": [{"displayName": "ML", "description": "…", "idpMappingNames": [], "id": "…",
                  "members": ["ana@example.com", "ci"], "roles": []}],
      "assignments": [{"principal_type": "workspace", "principal": "prod",
                       "type": "secret_scope_fraud", "value": "secret_scope_reader"}]
    }

With `"default_world": false` only the admin service account is there before the seed is applied.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from app.sandbox import by_hand
from app.sandbox.replies import ApiError, Json
from app.sandbox.world.world import Transaction


class SeedError(ValueError):
    """The seed cannot be read or applied; the text says where and why."""


def read_seed(path: Path) -> Json:
    """Return the seed as a mapping; raises SeedError."""
    try:
        seed = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SeedError(f"{path}: {error}") from error
    if not isinstance(seed, dict):
        raise SeedError(f"{path}: must be a JSON object")
    unknown = sorted(set(seed) - {*_SECTIONS, "default_world"})
    if unknown:
        raise SeedError(f"{path}: unknown section {unknown[0]!r}; there are {', '.join(_SECTIONS)}")
    return seed


def apply_seed(tx: Transaction, seed: Mapping[str, Any]) -> None:
    """Create what the seed says, in the order of the sections; raises SeedError."""
    for name, create in _SECTIONS.items():
        rows = seed.get(name, [])
        if not isinstance(rows, list):
            raise SeedError(f"{name}: must be a list")
        for place, row in enumerate(rows):
            _apply(tx, create, row, f"{name}[{place}]")


def _apply(tx: Transaction, create: Callable[[Transaction, Json], object], row: Any, where: str) -> None:
    described = {"name": row} if isinstance(row, str) else row
    if not isinstance(described, dict):
        raise SeedError(f"{where}: must be an object or a name")
    try:
        create(tx, described)
    except ApiError as error:
        raise SeedError(f"{where}: {error.message}") from error


_SECTIONS: Mapping[str, Callable[[Transaction, Json], object]] = {
    "workspaces": by_hand.create_workspace,
    "scopes": by_hand.create_scope,
    "users": by_hand.create_user,
    "service_accounts": by_hand.create_account,
    "groups": by_hand.create_group,
    "assignments": by_hand.assign,
}
