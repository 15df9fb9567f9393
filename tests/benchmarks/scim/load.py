"""Running one kind of request many times, on several connections at once."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from queue import Empty, SimpleQueue
from typing import Any

from tests.benchmarks.scim.servers import Server
from tests.benchmarks.scim.wire import Wire

CLIENTS = 4


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured: requests, units of work in them, seconds in all and for each, and worker CPU."""

    requests: int
    units: int
    wall: float
    times: tuple[float, ...]
    cpu: float

    def __add__(self, other: Figure) -> Figure:
        return Figure(
            self.requests + other.requests,
            self.units + other.units,
            self.wall + other.wall,
            self.times + other.times,
            self.cpu + other.cpu,
        )

    @property
    def per_second(self) -> float:
        """Units of work per second."""
        return self.units / self.wall

    @property
    def median(self) -> float:
        """The median of the answers, in ms."""
        return statistics.median(self.times) * 1000

    @property
    def cpu_per_unit(self) -> float:
        """CPU of the workers for one unit of work, in ms: it hardly depends on what else the machine does."""
        return self.cpu / self.units * 1000


def run(server: Server, jobs: Iterable[Any], work: Callable[[Wire, Any], int | None], clients: int = CLIENTS) -> Figure:
    """Do all the jobs, each client with the next one as soon as its last is answered.

    `work` sends what a job needs and returns how many units of work it was, None for one.
    """
    queue: SimpleQueue[Any] = SimpleQueue()
    for job in jobs:
        queue.put(job)
    before, began = _cpu(server), time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        parts = list(pool.map(lambda _: _client(server, queue, work), range(clients)))
    wall = time.perf_counter() - began
    times = tuple(seconds for part in parts for seconds, _ in part)
    units = sum(units for part in parts for _, units in part)
    return Figure(len(times), units, wall, times, _cpu(server) - before)


def _client(
    server: Server, queue: SimpleQueue[Any], work: Callable[[Wire, Any], int | None]
) -> list[tuple[float, int]]:
    wire = Wire(server.port, server.secret)
    done: list[tuple[float, int]] = []
    while True:
        try:
            job = queue.get_nowait()
        except Empty:
            wire.close()
            return done
        began = time.perf_counter()
        units = work(wire, job)
        done.append((time.perf_counter() - began, 1 if units is None else units))


def _cpu(server: Server) -> float:
    times = [child.cpu_times() for child in server.process.children()]
    return float(sum(part.user + part.system for part in times))


def batches(items: Iterable[Any], size: int) -> Iterable[list[Any]]:
    """Yield the items in lists of a size."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
