"""What another policy would change: both policies rehearsed on the same directory and the same Tecton, and compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from app.bootstrap import utc_now
from app.core.changes import NameOf
from app.core.desired import desired_access
from app.core.diff import diff
from app.core.directory import Directory
from app.core.drift import DriftClass
from app.core.effective import Effect, effects, summarize
from app.core.policy import Policy
from app.reconcile.assess import Question
from app.reconcile.observe import Crew
from app.reconcile.rehearse import Outlook, effects_between, rehearse
from app.reconcile.round import Setting
from app.reconcile.world import World
from app.store.database import Database
from app.store.facts import LAST_SWEEP, OWN_ACCOUNT, read_fact
from app.store.rehearsal_store import RehearsalStore

Document = dict[str, Any]

# What stays although nobody asks for it, or is not made although somebody does.
STAYING = (DriftClass.UNMANAGED, DriftClass.INHERITED, DriftClass.BLOCKED)


def compare(
    database: Database, address: str, now: Policy, then: Policy, clock: Callable[[], datetime] = utc_now
) -> Document:
    """Return what would be different under policy `then`; `now` is the one in force, `address` that of Tecton.

    Where Tecton was never read, only what is desired is compared: what policy keeps, and what guards hold,
    cannot be known then.
    """
    store = RehearsalStore(database, clock, fence=0, sealer=None, address=address)
    worlds = [World(store.load_directory(policy), store.load_knowledge()) for policy in (now, then)]
    if not worlds[1].complete:
        return _compare_desired(worlds, now, then, clock())
    before, after = (_rehearse(store, *of) for of in zip(worlds, (now, then), strict=True))
    name_of = worlds[1].name_of
    old, new = (
        [change.sentence(world.name_of) for change in of.plan.changes]
        for world, of in zip(worlds, (before, after), strict=True)
    )
    return {
        **_document(effects_between(before, after), name_of, _less(new, old)),
        "verified_at": _verified_at(database),
        "no_longer": _less(old, new),
        "either_way": len(set(old) & set(new)),
        "held": [{"guard": o.guard, "sentence": o.sentence, "held": o.held} for o in after.verdict.objections],
        "held_changes": [change.sentence(name_of) for change in after.verdict.held],
        "stays": _less(_staying(after), _staying(before)),
        "stays_no_longer": _less(_staying(before), _staying(after)),
    }


def _compare_desired(worlds: list[World], now: Policy, then: Policy, moment: datetime) -> Document:
    before, after = (
        desired_access(Directory(world.people, world.groups), policy, moment).state
        for world, policy in zip(worlds, (now, then), strict=True)
    )
    name_of = worlds[1].name_of
    changes = [change.sentence(name_of) for change in diff(after, before)]
    nothing: Document = {"no_longer": [], "either_way": 0, "held": [], "held_changes": []}
    staying: Document = {"stays": [], "stays_no_longer": []}
    return {**_document(effects(before, after), name_of, changes), "verified_at": None, **nothing, **staying}


def _document(found: list[Effect], name_of: NameOf, changes: list[str]) -> Document:
    return {
        "effects": summarize(found, name_of),
        "people": [_person(effect, name_of) for effect in found],
        "changes": changes,
    }


def _person(effect: Effect, name_of: Callable[..., str]) -> Document:
    gained, lost = ([str(grant) for grant in sorted(grants)] for grants in (effect.gained, effect.lost))
    kind = effect.principal.kind.value
    return {"kind": kind, "name": name_of(effect.principal), "gains": gained, "loses": lost}


def _rehearse(store: RehearsalStore, world: World, policy: Policy) -> Outlook:
    with ThreadPoolExecutor(1) as executor:
        setting = Setting(store, world, policy, store.clock, "observe", _own_account(store.database), Crew(executor, 1))
        return rehearse(setting, Question(Directory(world.people, world.groups)))


def _own_account(database: Database) -> str | None:
    """Return the account of the bridge's own key, as Tecton told it last."""
    with database.read() as connection:
        known = read_fact(connection, OWN_ACCOUNT)
    return known["id"] if known else None


def _verified_at(database: Database) -> str | None:
    with database.read() as connection:
        sweep = read_fact(connection, LAST_SWEEP)
    return sweep["started_at"] if sweep else None


def _staying(outlook: Outlook) -> list[str]:
    return [f"{item.drift_class.value}: {item.sentence}" for item in outlook.drift if item.drift_class in STAYING]


def _less(sentences: Iterable[str], others: Iterable[str]) -> list[str]:
    left_out = set(others)
    return [sentence for sentence in sentences if sentence not in left_out]
