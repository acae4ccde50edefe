"""One M/M/1 queue in three simulators: the same arrivals and the same service times, so the same waits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import ciw
import numpy as np
import simpy
from numpy.typing import NDArray

from simulator.scenario.load import loads
from simulator.serving.engine import simulate
from simulator.serving.latency import GRID, LatencyTable
from simulator.serving.plan import Plan
from simulator.serving.theory import mmc_wait

RATE, SERVICE_RATE, REQUESTS = 8.0, 10.0, 200_000

SCENARIO = f"""
id: mm1
version: 1
title: One server
summary: One queue, one server, one request at a time.
brief: The textbook queue.
run: {{days: {REQUESTS / RATE / 86_400}}}
arrivals: {{kind: poisson, rate_per_s: {{value: {RATE}, assumed: for the benchmark}}}}
start: server
stages:
  server: {{kind: pool, label: Server, model: any, precision: any, device: any, to: done}}
ends:
  done: {{label: Done, referred: false, caught: {{value: 1, assumed: no one is ill}}, usd: {{value: 0, assumed: it is free}}}}
"""


@dataclass(frozen=True)
class Result:
    """One simulator's run: how many requests in how many seconds, and what they waited on average."""

    name: str
    requests: int
    seconds: float
    mean_wait_s: float


@dataclass(frozen=True)
class Workload:
    """What the requests bring: time since the one before and time with the server, in seconds, shape (n,)."""

    gaps: NDArray[np.float64]
    services: NDArray[np.float64]


def results() -> list[Result]:
    """Each simulator on the workload that CaseSim draws."""
    ours, workload = casesim()
    return [ours, plain_simpy(workload), in_ciw(workload)]


def theory() -> float:
    """Mean wait in queue, by Erlang's formula."""
    return mmc_wait(RATE, SERVICE_RATE, 1)


def casesim() -> tuple[Result, Workload]:
    """A pool of one replica, and the workload it drew."""
    plan = Plan(loads(SCENARIO), {}, "", {"server": _exponential(1 / SERVICE_RATE)})
    start = perf_counter()
    trace = simulate(plan)
    seconds = perf_counter() - start
    visits = trace.visits
    wait = (visits["started_s"] - visits["entered_s"]).mean()
    gaps = np.diff(visits["entered_s"], prepend=0.0)
    services = (visits["left_s"] - visits["started_s"]).to_numpy()
    return Result("CaseSim, an event a batch", len(visits), seconds, wait), Workload(gaps, services)


def plain_simpy(workload: Workload) -> Result:
    """The textbook way: a process for each request."""
    env = simpy.Environment()
    server = simpy.Resource(env)
    waits: list[float] = []

    def request(service: float) -> Iterator[Any]:
        arrived = env.now
        with server.request() as turn:
            yield turn
            waits.append(env.now - arrived)
            yield env.timeout(service)

    def arrivals() -> Iterator[Any]:
        for gap, service in zip(workload.gaps.tolist(), workload.services.tolist(), strict=True):
            yield env.timeout(gap)
            env.process(request(service))

    env.process(arrivals())
    start = perf_counter()
    env.run()
    return Result("SimPy, a process a request", len(waits), perf_counter() - start, float(np.mean(waits)))


def in_ciw(workload: Workload) -> Result:
    """Ciw, until as many have been served."""
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Sequential(workload.gaps.tolist())],
        service_distributions=[ciw.dists.Sequential(workload.services.tolist())],
        number_of_servers=[1],
    )
    simulation = ciw.Simulation(network)
    start = perf_counter()
    simulation.simulate_until_max_customers(len(workload.gaps), method="Finish")
    seconds = perf_counter() - start
    waits = [record.waiting_time for record in simulation.get_all_records()]
    return Result("Ciw", len(waits), seconds, float(np.mean(waits)))


def _exponential(mean: float) -> LatencyTable:
    """A table whose every quantile holds the mean of its slice of the distribution."""
    above = 1 - np.arange(GRID + 1) / GRID
    integral = above - above * np.log(np.maximum(above, 1e-300))
    slices = mean * GRID * (integral[:-1] - integral[1:])
    return LatencyTable(np.broadcast_to(slices, (2, 2, GRID)).copy())
