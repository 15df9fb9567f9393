"""Names that change hands: who of ours has the name in Tecton that another one is to get, and who goes first.

Tecton refuses a name that is taken. So the object that gives a name up is written before the one that gets it,
one of those that pass their names round in a circle first takes a name of the bridge's own, and who wants a
name that nobody gives up yet waits, without a call.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from app.core.access import Profile, UserProfile
from app.core.changes import Change, ProfileChange
from app.core.directory import PushedGroup, PushedPerson
from app.core.identity import Kind, Principal
from app.reconcile.work import Work
from app.reconcile.world import Wanted, World

ASIDE = "bridge-renaming-"


def wanted_name(kind: Kind, name: str) -> Wanted:
    """Return a name as it is compared."""
    return kind, name.casefold()


def gives_name(change: Change) -> bool:
    """Tell whether somebody has another name after a change, or comes to be."""
    return isinstance(change, ProfileChange) and change.after is not None and _was_called(change) != _is_called(change)


def frees_name(change: Change) -> bool:
    """Tell whether somebody has another name after a change, or ceases to be."""
    return isinstance(change, ProfileChange) and change.before is not None and _was_called(change) != _is_called(change)


def _was_called(change: ProfileChange) -> str | None:
    return change.before.name.casefold() if change.before else None


def _is_called(change: ProfileChange) -> str | None:
    return change.after.name.casefold() if change.after else None


def names_wanted(changes: Iterable[Change]) -> dict[Principal, Wanted]:
    """Return the names that changes give, by who gets them."""
    return {
        change.principal: wanted_name(change.principal.kind, change.after.name)
        for change in changes
        if isinstance(change, ProfileChange) and change.after and gives_name(change)
    }


def holders(world: World, wanted: Collection[Wanted] | None = None) -> dict[Wanted, Principal]:
    """Return who of ours has these names (None: any) in Tecton, as last seen."""
    kinds = set(Kind) if wanted is None else {kind for kind, _ in wanted}
    found = {}
    for (kind, id_), record in world.records.items() if kinds else ():
        key = wanted_name(kind, record.name) if kind in kinds else None
        if key and (wanted is None or key in wanted) and world.links.is_linked(kind, id_):
            found[key] = world.links.principal_of(kind, id_)
    return found


class Names:
    """Who of ours is to give up a name for whom; all names are looked at once, when the first question comes."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._holders: dict[Wanted, Principal] | None = None

    def rivals(self, ids: Iterable[str]) -> set[str]:
        """Return the ids of the pushed ones that have the names to which these pushed ones are to be renamed."""
        world, found = self.world, set[Principal | None]()
        for id_ in ids:
            pushed: PushedGroup | PushedPerson | None = world.groups.get(id_) or world.people.get(id_)
            wanted = wanted_name(pushed.principal.kind, pushed.name) if pushed else None
            if pushed and wanted and pushed.principal in world.links and not has_name(world, pushed.principal, wanted):
                found.add(self._holder(wanted))
        return {of.id for of in found if of and (of.id in world.groups or of.id in world.people)}

    def _holder(self, wanted: Wanted) -> Principal | None:
        if self._holders is None:
            self._holders = holders(self.world)
        return self._holders.get(wanted)


def rivals_of(world: World, changes: Iterable[Change]) -> dict[Principal, Principal]:
    """Return who of ours still has the name that somebody else is to get, by who is to get it."""
    wanted = names_wanted(changes)
    held = holders(world, set(wanted.values()))
    return {who: held[name] for who, name in wanted.items() if held.get(name, who) != who}


def has_name(world: World, principal: Principal, wanted: Wanted) -> bool:
    """Tell whether an object of ours has a name in Tecton, as far as is known by now."""
    record = world.records.get((principal.kind, world.links.tecton_id_of(principal) or ""))
    return record is not None and wanted_name(principal.kind, record.name) == wanted


def who_waits(rivals: Mapping[Principal, Principal], going_on: Iterable[Change]) -> dict[Principal, Principal]:
    """Return those of the rivals' names that the changes which go on do not free."""
    freed = {change.principal for change in going_on if frees_name(change)}
    return {who: rival for who, rival in rivals.items() if rival not in freed}


def without_name(changes: Iterable[Change], waiting: Collection[Principal]) -> tuple[Change, ...]:
    """Return the changes that can be made while some wait for their names: nothing of who is not there yet."""
    changes = tuple(changes)
    nameless = [change for change in changes if change.principal in waiting and gives_name(change)]
    absent = {change.principal for change in nameless if isinstance(change, ProfileChange) and change.creates}
    left_out = set(nameless)
    return tuple(change for change in changes if change not in left_out and change.principal not in absent)


# ---------------------------------------------------------------- who goes first


def awaited_renames(works: Iterable[Work], rivals: Mapping[Principal, Principal]) -> list[Work]:
    """Return the renames that somebody waits for, each as work of its own."""
    awaited = set(rivals.values())
    changes = (work.profile_change for work in works if work.principal in awaited)
    return [Work(change.principal, (change,)) for change in changes if change and gives_name(change)]


def in_circles(renames: Iterable[Work], rivals: Mapping[Principal, Principal]) -> list[Work]:
    """Return one rename of each circle of names: the smallest, whatever the order of the input."""
    by_principal = {work.principal: work for work in renames}
    found, seen = [], set[Principal]()
    for start in sorted(by_principal):
        path, at = list[Principal](), start
        while at in by_principal and at not in seen:
            seen.add(at)
            path.append(at)
            at = rivals.get(at, _NOBODY)
        if at in path:
            found.append(by_principal[min(path[path.index(at) :])])
    return found


_NOBODY = Principal(Kind.USER, "")


def in_order(
    renames: Collection[Work], rivals: Mapping[Principal, Principal], aside: Collection[Principal]
) -> list[list[Work]]:
    """Return the renames in steps: each gets a name that is free, or that an earlier step frees.

    Those who stepped `aside` have given up their names already.
    """
    kept = {work.principal for work in renames}.difference(aside)
    followers: defaultdict[Principal, list[Work]] = defaultdict(list)
    step: list[Work] = []
    steps = []
    for work in renames:
        rival = rivals.get(work.principal)
        (followers[rival] if rival and rival in kept else step).append(work)
    while step:
        steps.append(step)
        step = [follower for work in step for follower in followers[work.principal]]
    return steps


def aside(profile: Profile, tecton_id: str) -> Profile:
    """Return a profile with a name that nobody else ever has: Tecton's own id is in it."""
    if isinstance(profile, UserProfile):
        return replace(profile, user_name=f"{ASIDE}{tecton_id}@{profile.user_name.rpartition('@')[2]}")
    return replace(profile, name=f"{ASIDE}{tecton_id}")
