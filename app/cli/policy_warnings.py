"""What is odd about a policy that loads: names in it that match nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.bootstrap import open_kept_database
from app.core.policy import Policy
from app.core.policy_names import Mention
from app.core.policy_text import dotted, position_in
from app.settings import SettingsError, read_settings
from app.store.database import StoreError
from app.store.policy_names import unmatched_names


@dataclass(frozen=True, slots=True)
class Oddity:
    """One oddity, where it is written. `line` and `column` count from 1."""

    line: int
    column: int
    field: str
    message: str


def list_warnings(policy: Policy, file: Path) -> list[Oddity]:
    """Return the names of a policy that match nothing, as the bridge's database tells; none where it tells nothing."""
    found = _unmatched(policy)
    text = file.read_text(encoding="utf-8")
    return [
        Oddity(*position_in(text, mention.path), dotted(mention.path), f"{mention.name}: {mention.among.value}")
        for mention in found
    ]


def _unmatched(policy: Policy) -> list[Mention]:
    try:
        database = open_kept_database(read_settings())
        with database.read() as connection:
            return unmatched_names(connection, policy)
    except (SettingsError, StoreError):
        return []  # a policy can be checked without an installation: then names cannot be compared
