"""Queues whose figures theory knows."""

from __future__ import annotations

from collections.abc import Iterator
from math import factorial, log

import numpy as np

from simulator.engine.compiled_plan import Plan
from simulator.evidence.latency_tables import constant
from simulator.explain.result import replicate
from simulator.intervals import replicated_share
from simulator.metrics.comparisons import differences
from simulator.metrics.replications import run_replications
from simulator.metrics.summary import summary_of
from tests.builders import assumed, end, exponential, plan, pool
from tests.coverage.registry import Claim, study
from tests.truths.queue_formulas import mg1_wait

LOAD = 0.8


def one_server(requests: float, warm_up: str = "none", load: float = LOAD) -> Plan:
    """M/M/1, a second a request."""
    seconds = requests / load
    run = {"days": seconds / 86_400, "drain_days": seconds / 86_400, "replications": 30, "warm_up": warm_up}
    return plan({"p": pool()}, exponential(1.0), rate=load, seconds=seconds, run=run)


def mean_latency(load: float) -> float:
    """Of the service times as they are tabled."""
    second = float((exponential(1.0).seconds[0, 1] ** 2).mean())
    return 1 + mg1_wait(load, 1.0, second)


def quantile(load: float, share: float) -> float:
    """The time in the system of M/M/1 is exponential with rate 1 - load."""
    return -log(1 - share) / (1 - load)


def latencies(made: Plan, number: int, replications: int) -> Iterator[Claim]:
    metrics = replicate(made, number, replications).metrics
    yield Claim("mean", mean_latency(LOAD), metrics.get("latency_mean_s"))
    for name, share in {"p50": 0.5, "p95": 0.95, "p99": 0.99}.items():
        yield Claim(name, quantile(LOAD, share), metrics.get(f"latency_{name}_s"))


@study("M/M/1 at a load of 0.8, 30 x 4,000 requests")
def long_runs(number: int) -> Iterator[Claim]:
    return latencies(one_server(4000), number, 30)


@study("M/M/1 at a load of 0.8, 30 x 4,000 requests, warm-up by MSER")
def warmed_up(number: int) -> Iterator[Claim]:
    return latencies(one_server(4000, "mser5"), number, 30)


@study("M/M/1 at a load of 0.8, 10 x 4,000 requests")
def few_runs(number: int) -> Iterator[Claim]:
    return latencies(one_server(4000), number, 10)


@study("M/M/1 at a load of 0.8, 30 x 20 requests", withheld=True)
def short_runs(number: int) -> Iterator[Claim]:
    metrics = replicate(one_server(20), number, 30).metrics
    yield Claim("p99", quantile(LOAD, 0.99), metrics.get("latency_p99_s"))


def loss_system(servers: int, load: float) -> Plan:
    """M/M/c/c: nobody may wait."""
    return plan({"p": pool(replicas=servers, max_queue=0, on_full="refused")}, exponential(1.0), rate=load, seconds=1000,
                ends={"done": end(), "refused": end()})  # fmt: skip


def erlang_b(servers: int, load: float) -> float:
    """The share of requests that is lost (Erlang 1917)."""
    terms = [load**k / factorial(k) for k in range(servers + 1)]
    return terms[-1] / sum(terms)


def lost(servers: int, load: float, number: int) -> Iterator[Claim]:
    metrics = replicate(loss_system(servers, load), number, 10).metrics
    blocked = erlang_b(servers, load)
    yield Claim("shed share", blocked, metrics.get("shed_share"))
    yield Claim("goodput", load * (1 - blocked), metrics.get("goodput_per_s"))


@study("Erlang loss, 3 servers, load 2")
def often_lost(number: int) -> Iterator[Claim]:
    return lost(3, 2.0, number)


@study(
    "Erlang loss, 6 servers, load 1",
    why={"shed share": "A share of 0.0005 is a handful of losses: an exact interval steps over whole ones, and covers more."},
)
def rarely_lost(number: int) -> Iterator[Claim]:
    return lost(6, 1.0, number)


@study(
    "a share of 0.002, 10 x 20 requests",
    why={"share": "An exact interval steps over whole requests, and so covers more than it promises."},
)
def rare(number: int) -> Iterator[Claim]:
    hits = np.random.default_rng(number).binomial(20, 0.002, 10)
    yield Claim("share", 0.002, replicated_share(hits, np.full(10, 20)))


@study("everybody costs 100 USD, machines beside it")
def same_for_all(number: int) -> Iterator[Claim]:
    made = plan({"p": pool()}, constant(0.1), rate=1.0, seconds=2000, ends={"done": end(usd=assumed(100))})
    summary = replicate(made, number, 10)
    machines = 0.1 * 2000 / 3600  # USD for one of two vCPU at 0.2 USD an hour
    yield Claim("cost of 1,000", 100_000 + 1000 * machines / 2000, summary.metrics.get("cost_per_1000_usd"))


@study("two servers, one a tenth faster")
def faster(number: int) -> Iterator[Claim]:
    """The same requests: means and percentiles of M/M/1 that differ by a known amount."""
    plans = [one_server(3000, load=0.5), plan({"p": pool()}, exponential(0.9), rate=0.5, seconds=6000)]
    both = [run_replications(made, number, 10) for made in plans]
    summaries = tuple(summary_of(made, number, found) for made, found in zip(plans, both, strict=True))
    rate = [1 - 0.5, 1 / 0.9 - 0.5]
    second = float((exponential(0.9).seconds[0, 1] ** 2).mean())
    truth = {"latency_mean_s": 0.9 + mg1_wait(0.5, 0.9, second) - mean_latency(0.5)}
    truth |= {f"latency_p{round(100 * q)}_s": -log(1 - q) * (1 / rate[1] - 1 / rate[0]) for q in (0.5, 0.95, 0.99)}
    for moved in differences(*summaries, every=True):
        if moved.metric.name in truth:
            yield Claim(f"change of {moved.metric.name}", truth[moved.metric.name], moved.change)
