"""How fast the reconciler is: a sweep against its arithmetic floor, a push until its effect.

    python -m tests.benchmarks.reconciler [sweep] [effect]

Prints a table for each part; nothing is asserted, the figures move with the machine. How it grows with the
directory is measured by `tests.benchmarks.scale`.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests
from rich.console import Console
from rich.table import Table

from tests.process.processes import KEY, call, running, scim
from tests.rig import USER

LATENCY, THREADS = 0.05, 16
USERS, GROUPS, ACCOUNTS, MEMBERS = 5000, 200, 100, 10

out = Console()


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
    parts = {"sweep": sweep, "effect": effect}
    for name in sys.argv[1:] or parts:
        parts[name]()


if __name__ == "__main__":
    main()
