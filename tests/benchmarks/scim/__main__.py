"""`python -m tests.benchmarks.scim [--database postgresql|sqlite] [--users N] [--full]`: prints tables."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.benchmarks.scim import phases, servers
from tests.benchmarks.scim.filling import fill
from tests.benchmarks.scim.load import Figure
from tests.benchmarks.scim.servers import Server

out = Console(width=120)


def main() -> None:
    """Measure the bridge beside the floor, on one database or on both."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.scim", description=__doc__)
    parser.add_argument("--database", choices=("postgresql", "sqlite"), action="append")
    parser.add_argument("--users", type=int, default=2000)
    parser.add_argument("--sizes", default="10,1000,10000", help="sizes of groups, with commas")
    parser.add_argument("--full", action="store_true", help="50,000 members; 100,000 users and 1,000,000 memberships")
    arguments = parser.parse_args()
    sizes = [int(size) for size in arguments.sizes.split(",")] + ([50_000] if arguments.full else [])
    for kind in arguments.database or ("postgresql", "sqlite"):
        with tempfile.TemporaryDirectory() as directory, servers.databases(Path(directory), kind) as urls:
            _measure(kind, urls, arguments.users, sizes, full=arguments.full)


def _measure(kind: str, urls: dict[str, str], users: int, sizes: list[int], *, full: bool) -> None:
    with servers.floor_of(urls["floor"]) as floor, servers.bridge(urls["bridge"]) as bridge:
        measured = _in_rounds([floor, bridge], users)
        of_floor, (of_bridge, ids) = measured[0][0], measured[1]
        of_bridge["Bulk creations"] = phases.bulk(bridge, 5000, first=100_000)
        _show_basics(kind, of_bridge, of_floor)
        _show_groups(kind, _groups(bridge, ids, sizes))
        if full:
            _show_loaded(kind, of_bridge, _loaded(bridge, urls["bridge"], ids))
        out.print(f"{kind}: the largest worker holds {bridge.memory():.0f} MB")


Measured = tuple[dict[str, Figure], list[str]]


def _in_rounds(measured: list[Server], users: int) -> list[Measured]:
    """Measure the servers in turns: what else the machine does hits them alike."""
    for server in measured:
        phases.creations(server, 100, first=500_000)  # so that every worker has its connections and plans
    found: list[Measured] = [({}, []) for _ in measured]
    for step in _STEPS:
        for turn in range(_ROUNDS):
            for server, results in zip(measured, found, strict=True):
                step(server, results, users // _ROUNDS, turn)
    return found


_ROUNDS = 8


def _create(server: Server, results: Measured, count: int, turn: int) -> None:
    figure, ids = phases.creations(server, count, first=turn * count)
    results[1].extend(ids)
    _add(results, "POST", figure)


def _look_up(server: Server, results: Measured, count: int, turn: int) -> None:
    _add(results, "lookup", phases.lookups(server, count))


def _list(server: Server, results: Measured, count: int, turn: int) -> None:
    _add(results, "listing, users", phases.listing(server, len(results[1])))


def _deactivate(server: Server, results: Measured, count: int, turn: int) -> None:
    ids = results[1][turn * count :][: count // 2]
    _add(results, "active=false", phases.deactivations(server, ids))


_STEPS = (_create, _look_up, _list, _deactivate)


def _add(results: Measured, name: str, figure: Figure) -> None:
    results[0][name] = results[0][name] + figure if name in results[0] else figure


def _groups(server: Server, ids: list[str], sizes: list[int]) -> dict[int, dict[str, Figure]]:
    needed = max(sizes) + 100 - len(ids)
    members = [*_more(server, needed), *ids] if needed > 0 else ids
    found = {}
    for size in sizes:
        group = phases.group_of(server, members, size)
        found[size] = phases.member_changes(server, group, members[-50:])
        found[size]["replace"] = phases.replacements(server, group, members[:size])
    return found


def _more(server: Server, count: int) -> list[str]:
    """Return the ids of more people, created by Bulk."""
    phases.bulk(server, count, first=200_000)
    return phases.ids_of(server, count)


def _loaded(server: Server, url: str, ids: list[str]) -> dict[str, Figure]:
    fill(url, 100_000, 5_000, 1_000_000)
    group = phases.group_of(server, ids, 11)
    figures = {"lookup": phases.lookups(server, len(ids)), "listing, users": phases.deep_listing(server)}
    return figures | phases.member_changes(server, group, ids[-50:])


def _show_basics(kind: str, bridge: dict[str, Figure], floor: dict[str, Figure]) -> None:
    table = Table(title=f"{kind}: per second (and worker CPU for one, in ms)")
    for name in ("", "bridge", "floor", "ratio"):
        table.add_column(name, justify="right" if name else "left")
    for name, figure in bridge.items():
        beside = floor.get(name)
        ratio = f"{figure.per_second / beside.per_second:.2f}" if beside else ""
        table.add_row(name, _rate(figure), _rate(beside) if beside else "", ratio)
    out.print(table)


def _rate(figure: Figure) -> str:
    return f"{figure.per_second:,.0f} ({figure.cpu_per_unit:.2f})"


def _show_groups(kind: str, found: dict[int, dict[str, Figure]]) -> None:
    table = Table(title=f"{kind}: groups, median ms")
    names = ("add", "remove", "without", "whole", "replace")
    for name in ("members", "add one", "remove one", "read without members", "read whole", "PUT whole"):
        table.add_column(name, justify="right")
    for size, figures in found.items():
        table.add_row(f"{size:,}", *(f"{figures[name].median:.1f}" for name in names))
    out.print(table)


def _show_loaded(kind: str, empty: dict[str, Figure], loaded: dict[str, Figure]) -> None:
    table = Table(title=f"{kind}: with 100,000 users, 5,000 groups, 1,000,000 memberships")
    for name in ("", "loaded", "before", "ratio"):
        table.add_column(name, justify="right" if name else "left")
    before = empty["lookup"].median
    now = loaded["lookup"].median
    table.add_row("lookup, ms", f"{now:.2f}", f"{before:.2f}", f"{now / before:.2f}")
    for name in ("add", "remove"):
        table.add_row(f"{name} one member, ms", f"{loaded[name].median:.2f}", "", "")
    table.add_row("listing anywhere, users/s", f"{loaded['listing, users'].per_second:,.0f}", "", "")
    out.print(table)


if __name__ == "__main__":
    main()
