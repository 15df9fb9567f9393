"""One role per target: what Tecton's SCIM can keep of the grants that somebody is to hold.

A role's `type` names the target, and of two entries with one type the last that is sent stays
(assumed; row 19 of the unknowns has worse). So no two are ever sent.
"""

from __future__ import annotations

from app.core.identity import ROLES, Grant, Target, contains, without_contained


def one_per_target(
    possible: frozenset[Grant], stays: frozenset[Grant], seen: frozenset[Grant]
) -> tuple[frozenset[Grant], dict[Grant, Grant]]:
    """Return the grants to hold, and those that cannot be held with the one beside which they cannot.

    `possible` are desired, `stays` are not and stay for a reason, `seen` are held. Where a greater role
    stays, the smaller is there already. Of two desired ones that do not contain each other the order
    of roles decides (operator before consumer), so that it does not depend on what was there before.
    """
    chosen: set[Grant] = set()
    rivals: dict[Grant, Grant] = {}
    for grant in sorted(without_contained(possible), key=_greatest_first):
        beside = [other for other in chosen | stays if other.target == grant.target]
        rival = next((other for other in beside if not _related(other.role, grant.role)), None)
        if rival is not None:
            rivals[grant] = rival
        elif grant in seen or not any(contains(other.role, grant.role) for other in beside):
            chosen.add(grant)
    return frozenset(chosen) | _not_replaced(stays, chosen - seen), rivals


def _greatest_first(grant: Grant) -> tuple[Target, int]:
    return grant.target, ROLES[grant.target.level].index(grant.role)


def _related(role: str, other: str) -> bool:
    return contains(role, other) or contains(other, role)


def _not_replaced(stays: frozenset[Grant], new: set[Grant]) -> frozenset[Grant]:
    """Return the grants that stay, less those that a new and greater one on the same target replaces."""
    return frozenset(
        grant for grant in stays if not any(o.target == grant.target and contains(o.role, grant.role) for o in new)
    )
