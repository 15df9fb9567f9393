"""How time and memory grow with the directory: the core alone, and the whole way from the database to the plan.

    python -m tests.benchmarks.scale [core] [stored] [--database URL]

`core` is desired, observed, aim, diff, plan and guards over values in memory. `stored` is what a sweep does
around Tecton's answers: the directory and the knowledge of Tecton loaded from SQL, then one round that plans.
Each size is measured in a process of its own. Nothing is asserted, the figures move with the machine.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from rich.console import Console
from rich.table import Table

from app.core.access import AccessState, GroupProfile, UserProfile
from app.core.aim import Surroundings, aim_at
from app.core.desired import desired_access
from app.core.diff import diff
from app.core.directory import Directory, PushedGroup, PushedPerson
from app.core.guards import Circumstances, judge
from app.core.identity import Grant, Kind, Level, Principal, Target
from app.core.plan import make_plan
from app.core.policy import Policy
from app.core.records import GroupRecord, Link, Links, MemberId, Record, TectonObjects, UserRecord, observed_access
from app.reconcile.assess import Question
from app.reconcile.observe import Crew
from app.reconcile.ports import Step
from app.reconcile.report import Run
from app.reconcile.round import Round, Setting
from app.reconcile.world import World
from app.store import journal, leases, migrate
from app.store.database import Database
from app.store.reconciler_store import ReconcilerStore
from tests.benchmarks.scim.filling import fill

NOW = datetime(2026, 1, 1, tzinfo=UTC)
POLICY = Policy(version=1)
VIEWER = frozenset([Grant(Target(Level.WORKSPACE, "prod"), "viewer")])
SIZES = (10_000, 30_000, 100_000)
COLUMNS = ("users", "groups", "memberships", "changes", "processor", "elapsed", "before", "input", "peak")

Measured = dict[str, Any]


def measured(users: int, load: Callable[[], Any], work: Callable[[Any], int]) -> Measured:
    """Return what the work on the loaded input costs, and how much memory there was before, after, and at most."""
    before, begin, begin_cpu = _resident(), time.perf_counter(), time.process_time()
    loaded = load()
    gc.collect()
    input_ = _resident()
    loading, loading_cpu = time.perf_counter() - begin, time.process_time() - begin_cpu
    begin, begin_cpu = time.perf_counter(), time.process_time()
    changes = work(loaded)
    return {
        "users": users, "groups": users // 20, "memberships": users * 10, "changes": changes,
        "processor": time.process_time() - begin_cpu, "elapsed": time.perf_counter() - begin,
        "before": before, "input": input_, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "loading": loading, "loading processor": loading_cpu,
    }  # fmt: skip


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


# ---------------------------------------------------------------- the core alone


def core_of(users: int) -> Measured:
    """Measure the core: groups a twentieth as many, ten memberships a user, few changes."""
    return measured(users, lambda: (Directory(*_directory(users)), *_records(users)), _plan)


def _plan(given: tuple[Directory, dict[tuple[Kind, str], Record], Links]) -> int:
    directory, records, links = given
    desired = desired_access(directory, POLICY, NOW)
    observed = observed_access(TectonObjects(records), links)
    aim = aim_at(desired.state, observed, Surroundings(POLICY, AccessState()))
    plan = make_plan(diff(aim.state, observed))
    judge(plan, Circumstances(observed, POLICY.guards))
    return len(plan.changes)


def _directory(users: int) -> tuple[dict[str, PushedPerson], dict[str, PushedGroup]]:
    ids = [f"u{n}" for n in range(users)]
    people = {
        id_: PushedPerson(Principal(Kind.USER, id_), id_, f"{id_}@a.b", UserProfile(f"{id_}@a.b"), True, None)
        for id_ in ids
    }
    groups = {
        f"g{n}": PushedGroup(
            Principal(Kind.GROUP, f"g{n}"), f"g{n}", f"g{n}", True, frozenset(ids[m] for m in of), pushed_grants=VIEWER
        )
        for n, of in enumerate(_memberships(users))
    }
    return people, groups


def _memberships(users: int) -> list[list[int]]:
    random = Random(1)
    return [random.sample(range(users), 200) for _ in range(users // 20)]


def _records(users: int) -> tuple[dict[tuple[Kind, str], Record], Links]:
    records: dict[tuple[Kind, str], Record] = {
        (Kind.USER, f"t{n}"): UserRecord(f"t{n}", f"u{n}@a.b") for n in range(users)
    }
    ids = [MemberId(Kind.USER, f"t{n}") for n in range(users)]
    for n, of in enumerate(_memberships(users)):
        held = frozenset(ids[m] for m in (of[1:] if n % 100 == 0 else of))
        records[Kind.GROUP, f"tg{n}"] = GroupRecord(f"tg{n}", f"g{n}", members=held, roles=VIEWER)
    links = [Link(Principal(Kind.USER, f"u{n}"), f"t{n}") for n in range(users)]
    return records, Links([*links, *(Link(Principal(Kind.GROUP, f"g{n}"), f"tg{n}") for n in range(users // 20))])


# ---------------------------------------------------------------- from the database to the plan


def stored_of(users: int, url: str) -> Measured:
    """Measure loading from a database that `filled` filled, and a round that plans."""
    store = _store(url)
    return measured(users, lambda: World(store.load_directory(POLICY), store.load_knowledge()), lambda w: _go(store, w))


def _go(store: ReconcilerStore, world: World) -> int:
    with ThreadPoolExecutor(1) as executor:
        setting = Setting(store, world, POLICY, lambda: NOW, "observe", None, Crew(executor, 1))
        with store.database.write() as connection:
            run_id = journal.request_run(connection, "plan", "bench", NOW)
        run = Run(run_id, "plan", None)  # type: ignore[arg-type] - a round that plans makes no calls
        everything = Question(Directory(world.people, world.groups))
        return Round(setting, run, everything).go().planned


def filled(users: int, url: str) -> None:
    """Store a directory, and a Tecton that holds it but for a few members."""
    database = Database(url)
    migrate.upgrade(database)
    fill(url, users, users // 20, users * 10)
    store = _store(url)
    desired = desired_access(store.load_directory(POLICY), POLICY, NOW).state
    for part in _slices(sorted(desired.profiles), 2000):
        store.save("bench", _step(desired, part))


def _step(desired: AccessState, principals: list[Principal]) -> Step:
    step = Step(links=[Link(principal, f"t-{principal.id}") for principal in principals])
    for number, principal in enumerate(principals):
        id_, profile = f"t-{principal.id}", desired.profiles[principal]
        if isinstance(profile, GroupProfile):
            members = sorted(desired.members_of(principal))[1 if number % 100 == 0 else 0 :]
            held = frozenset(MemberId(member.kind, f"t-{member.id}") for member in members)
            step.records[principal.kind, id_] = GroupRecord(id_, profile.name, members=held)
        elif isinstance(profile, UserProfile):
            names = (profile.given_name, profile.family_name)
            step.records[principal.kind, id_] = UserRecord(id_, profile.user_name, *names)
        step.last_applied[principal] = desired.restricted_to([principal])
    return step


def _slices(items: list[Principal], size: int) -> list[list[Principal]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def _store(url: str) -> ReconcilerStore:
    database = Database(url)
    with database.write() as connection:
        fence = leases.acquire(connection, leases.holder_name(), NOW)
    return ReconcilerStore(database, lambda: NOW, fence or 0, None, "https://tecton.test")


# ---------------------------------------------------------------- the tables


def _measure(part: str, users: int, url: str = "") -> Measured:
    command = [sys.executable, "-m", "tests.benchmarks.scale", "--one", part, str(users), "--database", url]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: Measured = json.loads(done.stdout)
    return found


def core() -> None:
    """Show the core by size."""
    _show("desired, observed, aim, diff, plan, guards", [_measure("core", users) for users in SIZES], COLUMNS)


def stored(url: str) -> None:
    """Show the way from the database to the plan by size: on SQLite, or in an empty database at `url`."""
    rows = []
    for users in SIZES if not url else SIZES[-1:]:
        with tempfile.TemporaryDirectory() as folder:
            at = url or f"sqlite:///{folder}/bridge.db"
            _measure("filled", users, at)
            rows.append(_measure("stored", users, at))
    _show("from the database to the plan", rows, ("loading", "loading processor", *COLUMNS))


def _show(title: str, rows: list[Measured], columns: tuple[str, ...]) -> None:
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(*(_text(column, row[column]) for column in columns))
    Console(width=160).print(table)


def _text(column: str, value: float) -> str:
    if column in {"before", "input", "peak"}:
        return f"{value:.0f} MB"
    return f"{value:,}" if isinstance(value, int) else f"{value:.2f} s"


def main() -> None:
    """Run the named parts, all of them without a name."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("parts", nargs="*", choices=["core", "stored", []], help="what to measure (both)")
    parser.add_argument("--database", default="", help="an empty database for `stored`, which is filled")
    parser.add_argument("--one", nargs=2, metavar=("PART", "USERS"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(_one(given.one[0], int(given.one[1]), given.database)))  # noqa: T201 - read by the parent
        return
    for part in given.parts or ["core", "stored"]:
        core() if part == "core" else stored(given.database)


def _one(part: str, users: int, url: str) -> Measured | None:
    if part == "core":
        return core_of(users)
    return stored_of(users, url) if part == "stored" else filled(users, url)


if __name__ == "__main__":
    main()
