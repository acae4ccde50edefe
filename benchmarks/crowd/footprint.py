"""What a server takes of the machine: memory, and processor time of its pages and of the processes that simulate."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from time import perf_counter

import psutil

#: How often memory is looked at (s).
LOOK_S = 2.0


@dataclass(frozen=True)
class Footprint:
    """At one moment.

    memory_bytes: of server and workers, shared pages once; pages_s, runs_s, clients_s: processor time of the server, of its
    workers, and of the people here
    """

    at: float
    memory_bytes: int
    pages_s: float
    runs_s: float
    clients_s: float

    @classmethod
    def of(cls, server: psutil.Process) -> Footprint:
        workers = server.children(recursive=True)
        memory = sum(map(_bytes, [server, *workers]))
        return cls(perf_counter(), memory, _busy_s(server), sum(map(_busy_s, workers)), _busy_s(psutil.Process()))


@asynccontextmanager
async def watched(server: psutil.Process) -> AsyncIterator[list[Footprint]]:
    """What is seen of a server meanwhile, from the first moment to the last."""
    seen = [Footprint.of(server)]

    async def look() -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            seen.append(Footprint.of(server))

    looking = asyncio.create_task(look())
    yield seen
    looking.cancel()
    seen.append(Footprint.of(server))


def busy(seen: list[Footprint]) -> list[float]:
    """How many processors were busy on average: with pages, with runs, and with the people here, browsers left out."""
    first, last = seen[0], seen[-1]
    spent = last.pages_s - first.pages_s, last.runs_s - first.runs_s, last.clients_s - first.clients_s
    return [one / (last.at - first.at) for one in spent]


def serving(address: str) -> psutil.Process:
    """The process that was started here to serve an address."""
    port = address.rpartition(":")[2]
    return next(one for one in psutil.Process().children() if port in one.cmdline())


def _bytes(process: psutil.Process) -> int:
    with suppress(psutil.Error):
        full = process.memory_full_info()
        return int(getattr(full, "pss", full.uss))
    return 0


def _busy_s(process: psutil.Process) -> float:
    with suppress(psutil.Error):
        times = process.cpu_times()
        return float(times.user + times.system)
    return 0.0
