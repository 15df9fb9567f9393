"""What roles can be on: the targets that the bridge has seen in Tecton."""

from __future__ import annotations

from app.core.identity import Level, Target
from app.store.sql import Session

_SEEN = """
SELECT target FROM known_targets WHERE target LIKE 'workspace/%'
UNION SELECT 'secret_scope/' || tecton_id FROM observed WHERE kind = 'secret_scope'
"""


def read_targets(session: Session) -> list[Target]:
    """Return the account, all workspaces, each workspace and each secret scope; nothing before Tecton was seen."""
    if session.row("SELECT 1 FROM observed LIMIT 1") is None:
        return []
    seen = sorted(Target.of_key(row[0]) for row in session.rows(_SEEN))
    return [Target(Level.ACCOUNT), Target(Level.ALL_WORKSPACES), *seen]
