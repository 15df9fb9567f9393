"""What is odd about a policy that loads: names in it that match nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.core.policy import Policy
from app.core.policy_names import Mention
from app.core.policy_text import dotted, position_in
from app.settings import SettingsError, read_settings
from app.store import migrate
from app.store.database import Database, StoreError
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
        url = read_settings().database_url
        if not _is_there(url):
            return []
        database = Database(url)
        migrate.require_newest(database)
        with database.read() as connection:
            return unmatched_names(connection, policy)
    except (SettingsError, StoreError):
        return []  # a policy can be checked without an installation: then names cannot be compared


def _is_there(url: str) -> bool:
    """Tell whether there may be a database: opening a SQLite file that is not there would make it."""
    scheme, _, path = url.partition(":///")
    return not scheme.startswith("sqlite") or Path(path).exists()
