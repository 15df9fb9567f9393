"""Who waits for a name that somebody else of ours still has in Tecton, and what has to happen first, in words."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from app.core.changes import Change, ProfileChange
from app.core.identity import Principal
from app.reconcile.names import gives_name, holders, names_wanted, who_waits
from app.reconcile.world import World


def note_held(
    world: World, held: Collection[Change], asked: Collection[Principal] | None, fingerprint: str = ""
) -> None:
    """Note who keeps a name because a guard holds the deletion, and in which plan, of those who were `asked` about.

    Only the plan of a look at everything (`asked` is None) can be approved.
    """
    known = world.held if asked is not None else {}
    names = {of.principal: fingerprint for of in held if isinstance(of, ProfileChange) and of.deletes}
    world.held = {of: plan for of, plan in known.items() if of not in (asked or ())} | names


def look_who_waits(
    changes: Iterable[Change], rivals: Mapping[Principal, Principal], going_on: Iterable[Change] = ()
) -> dict[Change, Principal]:
    """Return the changes whose name is not free, also not after those which go on, each with who has the name."""
    waiting = who_waits(rivals, going_on)
    return {
        change: waiting[change.principal] for change in changes if change.principal in waiting and gives_name(change)
    }


def reasons(world: World, waiting: Mapping[Change, Principal]) -> dict[Change, str]:
    """Return what each of them waits for, in words."""
    return {change: _reason(rival, world) for change, rival in waiting.items()}


def _reason(rival: Principal, world: World) -> str:
    name, words = world.name_of(rival), rival.kind.words
    if rival not in world.held and world.is_pushed(rival):
        return f"it waits until the {words} that is called {name} in Tecton has another name"
    held = f", which a guard holds: {_order(world.held[rival])}" if rival in world.held else ""
    return f"it waits for the deletion of the former {words} {name}{held}"


def _order(plan: str) -> str:
    return f"approve plan {plan}" if plan else "approve the held plan"


def waiting_note(world: World, waiting: Mapping[Change, Principal]) -> list[str]:
    """Return the sentence that says how many wait for deletions which a guard holds, if any do."""
    plans = [world.held[rival] for rival in waiting.values() if rival in world.held]
    if not plans:
        return []
    number = "1 waits" if len(plans) == 1 else f"{len(plans):,} wait"
    return [f"{number} for the deletion of somebody of the same name, which a guard holds: {_order(max(plans))}"]


def note_waiting(world: World, waiting: Iterable[Change], asked: Collection[Principal] | None) -> None:
    """Note which names those wait for who were `asked` about, None for everybody."""
    known = world.waiting if asked is not None else {}
    world.waiting = {of: name for of, name in known.items() if of not in (asked or ())} | names_wanted(waiting)


def who_need_not_wait(world: World) -> list[Principal]:
    """Return those who waited for a name that is free by now."""
    held = holders(world, set(world.waiting.values()))
    return sorted(of for of, name in world.waiting.items() if held.get(name, of) == of)
