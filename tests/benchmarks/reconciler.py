"""How fast the reconciler is: the core by size, a sweep against its arithmetic floor, a push until its effect.

    python -m tests.benchmarks.reconciler [core] [sweep] [effect]

Prints a table for each part; nothing is asserted, the figures move with the machine.
"""

from __future__ import annotations

import json
import resource
import statistics
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

import requests
from rich.console import Console
from rich.table import Table

from app.core.access import AccessState, UserProfile
from app.core.aim import Surroundings, aim_at
from app.core.desired import desired_access
from app.core.diff import diff
from app.core.directory import Directory, PushedGroup, PushedPerson
from app.core.guards import Circumstances, judge
from app.core.identity import Grant, Kind, Level, Principal, Target
from app.core.plan import make_plan
from app.core.policy import Policy
from app.core.records import GroupRecord, Link, Links, MemberId, Record, TectonObjects, UserRecord, observed_access
from tests.process.processes import KEY, call, running, scim
from tests.rig import USER

NOW = datetime(2026, 1, 1, tzinfo=UTC)
VIEWER = frozenset([Grant(Target(Level.WORKSPACE, "prod"), "viewer")])
LATENCY, THREADS = 0.05, 16
USERS, GROUPS, ACCOUNTS, MEMBERS = 5000, 200, 100, 10

out = Console()


# ---------------------------------------------------------------- the core, by size


def measure_core(users: int) -> list[str]:
    """Return the row of one size: groups a twentieth as many, ten memberships a user, few changes."""
    people, groups, memberships = _directory(users)
    records, links = _records(users, memberships)
    begin = time.perf_counter()
    desired = desired_access(Directory(people, groups), Policy(version=1), NOW)
    observed = observed_access(TectonObjects(records), links)
    aim = aim_at(desired.state, observed, Surroundings(Policy(version=1), AccessState()))
    plan = make_plan(diff(aim.state, observed))
    judge(plan, Circumstances(observed, Policy(version=1).guards))
    seconds = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [
        f"{users:,}",
        f"{len(groups):,}",
        f"{users * 10:,}",
        f"{len(plan.changes):,}",
        f"{seconds:.2f} s",
        f"{peak:.0f} MB",
    ]


def _directory(users: int) -> tuple[dict[str, PushedPerson], dict[str, PushedGroup], list[frozenset[int]]]:
    random = Random(1)
    people = {
        f"u{n}": PushedPerson(Principal(Kind.USER, f"u{n}"), f"u{n}", f"u{n}@a.b", UserProfile(f"u{n}@a.b"), True, None)
        for n in range(users)
    }
    memberships = [frozenset(random.sample(range(users), 200)) for _ in range(users // 20)]
    groups = {
        f"g{n}": PushedGroup(
            Principal(Kind.GROUP, f"g{n}"),
            f"g{n}",
            f"g{n}",
            True,
            frozenset(f"u{m}" for m in members),
            pushed_grants=VIEWER,
        )
        for n, members in enumerate(memberships)
    }
    return people, groups, memberships


def _records(users: int, memberships: list[frozenset[int]]) -> tuple[dict[tuple[Kind, str], Record], Links]:
    records: dict[tuple[Kind, str], Record] = {
        (Kind.USER, f"t{n}"): UserRecord(f"t{n}", f"u{n}@a.b") for n in range(users)
    }
    ids = [MemberId(Kind.USER, f"t{n}") for n in range(users)]
    for n, members in enumerate(memberships):
        held = frozenset(ids[m] for m in members)
        changed = held - {next(iter(held))} if n % 100 == 0 else held
        records[Kind.GROUP, f"tg{n}"] = GroupRecord(f"tg{n}", f"g{n}", members=changed, roles=VIEWER)
    links = [Link(Principal(Kind.USER, f"u{n}"), f"t{n}") for n in range(users)]
    return records, Links([*links, *(Link(Principal(Kind.GROUP, f"g{n}"), f"tg{n}") for n in range(len(memberships)))])


def core() -> None:
    """Measure each size in a process of its own, so that a peak of memory is its own."""
    table = _table("diff and plan", "users", "groups", "memberships", "changes", "time", "peak memory")
    for users in (10_000, 30_000, 100_000):
        done = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.reconciler", f"core-of-{users}"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        table.add_row(*json.loads(done.stdout))
    out.print(table)


# ---------------------------------------------------------------- the sweep, against its floor


def sweep() -> None:
    """Sweep a Tecton of 5,000 users that takes 50 ms for each call, sixteen at a time."""
    with tempfile.TemporaryDirectory() as folder:
        seed = Path(folder) / "seed.json"
        seed.write_text(json.dumps(_world()))
        options = ("--set", f"latency_seconds={LATENCY}", "--seed", str(seed))
        with running("sandbox", "--admin-key", KEY, "--port", "0", *options) as tecton:
            environment = _environment(folder, tecton.url)
            report, again = _sweep(environment), _sweep(environment)
    table = _table("sweep", "", "reads", "writes", "time", "floor", "ratio")
    for name, of in (("first", report), ("second", again)):
        floor = of["reads"] * LATENCY / THREADS
        ratio = of["duration_s"] / floor
        table.add_row(
            name, f"{of['reads']:,}", str(of["writes"]), f"{of['duration_s']:.1f} s", f"{floor:.1f} s", f"{ratio:.2f}"
        )
    out.print(table)


def _sweep(environment: dict[str, str]) -> dict[str, Any]:
    done = call("sweep", "--json", **environment)
    if done.returncode:
        raise SystemExit(done.stderr)
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def _world() -> dict[str, object]:
    users = [{"userName": f"u{n}@acme.com", "givenName": "A", "familyName": "B"} for n in range(USERS)]
    members = [[f"u{(n * MEMBERS + m) % USERS}@acme.com" for m in range(MEMBERS)] for n in range(GROUPS)]
    return {
        "users": users,
        "groups": [{"displayName": f"g{n}", "members": members[n]} for n in range(GROUPS)],
        "service_accounts": [{"name": f"s{n}"} for n in range(ACCOUNTS)],
    }


# ---------------------------------------------------------------- a push until its effect


def effect(pushes: int = 40) -> None:
    """Push hires and leavers one by one, and wait for each in Tecton."""
    with tempfile.TemporaryDirectory() as folder, running("sandbox", "--admin-key", KEY, "--port", "0") as tecton:
        environment = _environment(folder, tecton.url, BRIDGE_COALESCE_WINDOW="2s")
        with running("serve", "--port", "0", **environment) as bridge:
            token = call("token", "create", "bench", "--scope", "scim", **environment).stdout.split()[-1]
            hires, leavers = _effects(bridge.url, tecton.url, token, pushes)
    table = _table("push until its effect", "", "p50", "p95", "longest")
    for name, seconds in (("hire (2 s coalescing window)", hires), ("leaver", leavers)):
        ordered = sorted(seconds)
        p95 = ordered[int(len(ordered) * 0.95)]
        table.add_row(name, f"{statistics.median(ordered):.2f} s", f"{p95:.2f} s", f"{ordered[-1]:.2f} s")
    out.print(table)


def _effects(bridge: str, tecton: str, token: str, pushes: int) -> tuple[list[float], list[float]]:
    def is_there(name: str) -> bool:
        state = requests.get(f"{tecton}/_sandbox/state", timeout=10).json()
        return any(user["userName"] == name for user in state["users"])

    def hire_and_leave(n: int) -> tuple[float, float]:
        name = f"user{n}@acme.com"
        body = {"schemas": [USER], "userName": name, "active": True, "name": {"givenName": "A", "familyName": "B"}}
        id_ = scim(bridge, token, "POST", "/Users", body).json()["id"]
        hired = _until(lambda: is_there(name))
        scim(bridge, token, "PUT", f"/Users/{id_}", {**body, "active": False})
        return hired, _until(lambda: not is_there(name))

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(hire_and_leave, range(pushes)))
    return [hired for hired, _ in found], [left for _, left in found]


def _until(is_so: Callable[[], bool]) -> float:
    begin = time.perf_counter()
    while not is_so():
        time.sleep(0.02)
    return time.perf_counter() - begin


def _environment(folder: str, tecton_url: str, **more: str) -> dict[str, str]:
    policy = Path(folder) / "policy.yaml"
    policy.write_text("version: 1\nguards: {floor: 1000000}\n")
    return {
        "BRIDGE_DATABASE_URL": f"sqlite:///{folder}/bridge.db",
        "BRIDGE_POLICY": str(policy),
        "BRIDGE_MODE": "enforce",
        "BRIDGE_TECTON_RATE": "100000",
        "BRIDGE_TECTON_CONCURRENCY": str(THREADS),
        "TECTON_URL": tecton_url,
        "TECTON_API_KEY": KEY,
        **more,
    }


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, justify="right")
    return table


def main() -> None:
    """Run the named parts, all of them without a name."""
    parts = {"core": core, "sweep": sweep, "effect": effect}
    for name in sys.argv[1:] or parts:
        if name.startswith("core-of-"):
            print(json.dumps(measure_core(int(name.rpartition("-")[2]))))  # noqa: T201 - read by the parent
        else:
            parts[name]()


if __name__ == "__main__":
    main()
