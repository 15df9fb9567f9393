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
        of_groups = _groups(bridge, ids, sizes)
        _show_groups(kind, of_groups)
        if full:
            _show_loaded(kind, of_bridge | of_groups[min(of_groups)], _loaded(bridge, urls["bridge"], ids))
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
    """Measure groups from the smallest on; there are only as many people as the group at hand needs."""
    members, found = list(ids), {}
    for size in sorted(sizes):
        if (missing := size + 100 - len(members)) > 0:
            members = [*_more(server, missing, first=200_000 + len(members)), *members]
        group = phases.group_of(server, members, size)
        found[size] = phases.member_changes(server, group, members[-50:])
        found[size]["replace"] = phases.replacements(server, group, members[:size])
    return found


def _more(server: Server, count: int, first: int) -> list[str]:
    """Return the ids of more people, created by Bulk."""
    known = set(phases.ids_of(server))
    phases.bulk(server, count, first=first)
    return [id_ for id_ in phases.ids_of(server) if id_ not in known]


def _loaded(server: Server, url: str, ids: list[str]) -> dict[str, Figure]:
    fill(url, 100_000, 5_000, 1_000_000)
    group = phases.group_of(server, ids, 11)
    figures = {"lookup": phases.lookups(server, len(ids)), "listing, users": phases.deep_listing(server)}
    return figures | phases.member_changes(server, group, ids[-50:])


def _show_basics(kind: str, bridge: dict[str, Figure], floor: dict[str, Figure]) -> None:
    table = Table(title=f"{kind}: per second (and worker CPU for one, in ms)")
    for name in ("", "bridge", "floor", "ratio", "ratio of CPU"):
        table.add_column(name, justify="right" if name else "left")
    for name, figure in bridge.items():
        beside = floor.get(name)
        ratios = (figure.per_second / beside.per_second, beside.cpu_per_unit / figure.cpu_per_unit) if beside else ()
        table.add_row(name, _rate(figure), _rate(beside) if beside else "", *(f"{ratio:.2f}" for ratio in ratios))
    out.print(table)


def _rate(figure: Figure) -> str:
    return f"{figure.per_second:,.0f} ({figure.cpu_per_unit:.2f})"


_OF_GROUPS = {
    "add": "add one",
    "remove": "remove one",
    "without": "read without members",
    "whole": "read whole",
    "replace": "PUT whole",
}


def _show_groups(kind: str, found: dict[int, dict[str, Figure]]) -> None:
    """Show each size, the changes of one member with their ratio to those of the smallest group."""
    table = Table(title=f"{kind}: groups, median ms (times that of the smallest)")
    for name in ("members", *_OF_GROUPS.values()):
        table.add_column(name, justify="right")
    smallest = found[min(found)]
    for size, figures in found.items():
        cells = [f"{figures[name].median:.1f}{_times(figures[name], smallest[name])}" for name in _OF_GROUPS]
        table.add_row(f"{size:,}", *cells)
    out.print(table)


def _times(figure: Figure, other: Figure) -> str:
    return "" if figure is other else f" ({figure.median / other.median:.2f})"


def _show_loaded(kind: str, empty: dict[str, Figure], loaded: dict[str, Figure]) -> None:
    table = Table(title=f"{kind}: with 100,000 users, 5,000 groups, 1,000,000 memberships: median ms")
    for name in ("", "loaded", "before", "ratio"):
        table.add_column(name, justify="right" if name else "left")
    for name in ("lookup", "add", "remove", "without"):
        now, before = loaded[name].median, empty[name].median
        table.add_row(_OF_GROUPS.get(name, name), f"{now:.2f}", f"{before:.2f}", f"{now / before:.2f}")
    out.print(table)
    out.print(f"{kind}: listing anywhere in it: {loaded['listing, users'].per_second:,.0f} users/s")


if __name__ == "__main__":
    main()
