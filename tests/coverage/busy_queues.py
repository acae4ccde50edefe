"""Busy queues in short runs that start empty: skewed means, percentiles and runs that end early.

The truth is what very many such runs have, by the recursions of Lindley (1952) and of Kiefer and Wolfowitz (1955) in numpy.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np

from simulator.arrays import Floats
from simulator.engine.compiled_plan import Plan
from simulator.evidence.latency_tables import GRID, LatencyTable, constant
from simulator.explain.result import replicate
from simulator.intervals import Interval
from simulator.metrics.replications import looks_of, run_replications
from simulator.metrics.summary import summary_of
from tests.builders import exponential, plan, pool
from tests.coverage.registry import Claim, study

#: Values that the truth rests on; runs of a study that ends early, and its distances to the bound (standard deviations).
VALUES, PLANNED, DISTANCE = 6_000_000, 30, 0.3


def mixed() -> LatencyTable:
    """Two exponentials in equal parts of the work, with a mean of 1 s and a squared coefficient of variation of 4."""
    part = (1 + 0.6**0.5) / 2
    rng = np.random.default_rng(0)
    mean = np.where(rng.random(400 * GRID) < part, 0.5 / part, 0.5 / (1 - part))
    slices = np.sort(rng.exponential(mean)).reshape(GRID, -1).mean(1)
    return LatencyTable(np.stack([np.zeros(GRID), slices / slices.mean()])[None].repeat(2, axis=0))


TABLES = {"exponential": exponential(1.0), "mixed": mixed()}


def design(service: str, servers: int, load: float, requests: int) -> Plan:
    seconds = requests / (load * servers)
    run = {"days": seconds / 86_400, "drain_days": (seconds + 2000) / 86_400, "replications": 30}
    pools = {"p": pool(replicas=servers)}
    return plan(pools, TABLES[service], rate=load * servers, seconds=seconds, run=run)


@cache
def times(service: str, servers: int, load: float, requests: int) -> Floats:
    """Return the times in the system of many runs together."""
    runs, most = VALUES // requests, int(requests + 6 * requests**0.5)
    rng = np.random.default_rng(requests)
    free, arrived, found = np.zeros((runs, servers)), np.zeros(runs), []
    slices = TABLES[service].seconds[0, 1]
    for _ in range(most):
        arrived += rng.exponential(1 / (load * servers), runs)
        start = np.maximum(arrived, free[:, 0])
        free[:, 0] = start + rng.choice(slices, runs)
        found.append((free[:, 0] - arrived)[arrived <= requests / (load * servers)])
        free.sort(axis=1)
    return np.concatenate(found)


def claims(service: str, servers: int, load: float, requests: int, replications: int, number: int) -> Iterator[Claim]:
    found, all_times = (
        replicate(design(service, servers, load, requests), number, replications).metrics,
        times(service, servers, load, requests),
    )
    yield Claim("mean", float(all_times.mean()), found.get("latency_mean_s"))
    for name, share in {"p50": 0.5, "p95": 0.95, "p99": 0.99}.items():
        yield Claim(name, float(np.quantile(all_times, share)), found.get(f"latency_{name}_s"))


@study("M/M/1 at 0.8 from empty, 10 x 300 requests")
def short(number: int) -> Iterator[Claim]:
    return claims("exponential", 1, 0.8, 300, 10, number)


@study("M/M/1 at 0.8 from empty, 30 x 300 requests")
def many_short(number: int) -> Iterator[Claim]:
    return claims("exponential", 1, 0.8, 300, 30, number)


@study("M/M/1 at 0.8 from empty, 30 x 600 requests")
def longer(number: int) -> Iterator[Claim]:
    return claims("exponential", 1, 0.8, 600, 30, number)


@study("M/M/1 at 0.95 from empty, 4 x 1,000 requests")
def near_its_limit(number: int) -> Iterator[Claim]:
    return claims("exponential", 1, 0.95, 1000, 4, number)


@study("M/M/4 at 0.9 from empty, 10 x 1,000 requests")
def four_servers(number: int) -> Iterator[Claim]:
    return claims("exponential", 4, 0.9, 1000, 10, number)


@study("M/H2/2 at 0.8 from empty, 10 x 500 requests")
def uneven_work(number: int) -> Iterator[Claim]:
    return claims("mixed", 2, 0.8, 500, 10, number)


@cache
def batched_times(requests: int) -> Floats:
    """Return the times in the system behind one server that takes 1 s and a quarter for each of a batch of up to eight."""
    rng, found = np.random.default_rng(1), []
    for _ in range(VALUES // requests // 5):
        arrived = np.sort(rng.uniform(0, requests / 2.4, rng.poisson(requests)))
        free, first = 0.0, 0
        while first < len(arrived):
            start = max(free, arrived[first])
            size = min(int(np.searchsorted(arrived, start, side="right")) - first, 8)
            free = start + 1 + size / 4
            found.append(free - arrived[first : first + size])
            first += size
    return np.concatenate(found)


@study("a pool in batches of 8 at 0.9 from empty, 10 x 300 requests")
def in_batches(number: int) -> Iterator[Claim]:
    seconds = 300 / 2.4
    run = {"days": seconds / 86_400, "drain_days": 2 * seconds / 86_400, "replications": 10}
    table = constant(*[1 + size / 4 for size in range(1, 9)])
    found = replicate(plan({"p": pool(max_batch=8)}, table, rate=2.4, seconds=seconds, run=run), number, 10).metrics
    yield Claim("mean", float(batched_times(300).mean()), found.get("latency_mean_s"))
    yield Claim("p95", float(np.quantile(batched_times(300), 0.95)), found.get("latency_p95_s"))


@cache
def spread_of_mean(requests: int) -> float:
    """Return the standard deviation of the mean of PLANNED runs of M/M/1 at 0.8."""
    rng, runs = np.random.default_rng(2), 20_000
    waits, sums = np.zeros(runs), np.zeros(runs)
    for _ in range(requests):
        served = rng.exponential(1.0, runs)
        sums += waits + served
        waits = np.maximum(waits + served - rng.exponential(1 / 0.8, runs), 0)
    return float(sums.std() / requests / PLANNED**0.5)


@study("M/M/1 at 0.8, 30 x 250 requests, ended where a verdict is decided")
def ended_early(number: int) -> Iterator[Claim]:
    made = design("exponential", 1, 0.8, 250)
    measures = run_replications(made, number, PLANNED)
    mean = float(times("exponential", 1, 0.8, 250).mean())
    for name, side in {"below": -DISTANCE, "above": DISTANCE}.items():
        bound = mean + side * spread_of_mean(250)
        for look in looks_of(PLANNED):
            figure = summary_of(made, number, measures[:look], PLANNED).metrics["latency_mean_s"]
            if not figure.low <= bound <= figure.high:
                break
        yield Claim(f"mean, bound {name}", mean, figure)
        false = float(figure.high < bound if side < 0 else figure.low > bound)
        yield Claim(f"change of a verdict, bound {name}", 0.0, Interval(false, false, false))
