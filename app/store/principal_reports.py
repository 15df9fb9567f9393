"""What differs for one principal, and what happened to it, its memberships included. Only reads."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sqlalchemy import Connection, or_, select

from app.core.identity import Kind, Principal
from app.store.reports import Difference, to_difference
from app.store.run_reports import ObjectOutcome, to_outcome
from app.store.tables import drift, outcomes

# How many outcomes of each group are looked through for a member.
_LOOKED_THROUGH = 500


def differences_of(connection: Connection, principal: Principal, name: str) -> list[Difference]:
    """Return the recorded differences of a principal, and those of groups that are about it as a member."""
    own = (drift.c.kind == principal.kind.value) & (drift.c.principal_id == principal.id)
    mention = drift.c.item["sentence"].as_string().icontains(name, autoescape=True)
    of_groups = (drift.c.kind == Kind.GROUP.value) & mention
    listed = select(drift).where(or_(own, of_groups)).order_by(drift.c.since.desc(), drift.c.key)
    found = [to_difference(row) for row in connection.execute(listed)]
    return [one for one in found if one.principal_id == principal.id or _speaks_of(one.sentence, name)]


def outcomes_of(
    connection: Connection, principal: Principal, name: str, groups: Iterable[Principal], *, limit: int
) -> list[ObjectOutcome]:
    """Return what was done to a principal, and to its memberships of these groups; the newest first."""
    own = _newest(connection, [principal], limit)
    inside = _newest(connection, groups, _LOOKED_THROUGH)
    about = [one for of in inside if (one := _about(of, name))]
    return sorted([*own, *about], key=lambda one: one.at, reverse=True)[:limit]


def _newest(connection: Connection, principals: Iterable[Principal], limit: int) -> list[ObjectOutcome]:
    columns = [outcomes.c[name] for name in ObjectOutcome.__slots__]
    which = [(outcomes.c.kind == kind.value) & (outcomes.c.principal_id == id_) for kind, id_ in principals]
    if not which:
        return []
    listed = select(*columns).where(or_(*which)).order_by(outcomes.c.at.desc(), outcomes.c.id.desc()).limit(limit)
    return [to_outcome(row) for row in connection.execute(listed)]


def _about(outcome: ObjectOutcome, name: str) -> ObjectOutcome | None:
    """Return the part of a group's outcome that is about a member of this name, None when none is."""
    mine = tuple(sentence for sentence in outcome.changes if _speaks_of(sentence, name))
    values = {field: getattr(outcome, field) for field in ObjectOutcome.__slots__}
    return ObjectOutcome(**{**values, "changes": mine}) if mine else None


def _speaks_of(sentence: str, name: str) -> bool:
    """Tell whether a sentence holds a name as a whole, and not one that only begins or ends alike."""
    return re.search(rf"(?<![\w@.-]){re.escape(name)}(?![\w@-]|\.\w)", sentence, re.IGNORECASE) is not None
