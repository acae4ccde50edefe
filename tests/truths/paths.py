"""What is known of every single request: recursions, Little's law on a path, and Ciw on the same requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from simulator.engine.run import simulate
from simulator.engine.run_trace import Trace
from tests.builders import exponential, gate, link, people, plan, pool, population, retake, spread
from tests.engine.networks import service_times
from tests.truths import by_ciw
from tests.truths.by_ciw import ByRow
from tests.truths.registry import PATHS, Paths, law, visits_of

DAY = ("00:00", "24:00")


def _in_order(trace: Trace, stage: str) -> pd.DataFrame:
    return trace.logs[stage].frame(stage).sort_values(["request", "entered_s"], ignore_index=True)


# Recursions


@law(
    PATHS,
    "waits of one server",
    "Lindley 1952, Proc. Cambridge Phil. Soc. 48:277",
    [{"server": "pool"}, {"server": "person"}],
)
def lindley(server: str) -> Paths:
    stage = pool() if server == "pool" else people((*DAY, 1), minutes=0.6 / 60, sigma=0.7)
    visits = _in_order(simulate(plan({"p": stage}, service_times(1, 0), rate=1.2, seconds=5000), seed=0), "p")
    entered, service = visits["entered_s"].to_numpy(), (visits["left_s"] - visits["started_s"]).to_numpy()
    wait = np.zeros(len(visits))
    for n in range(1, len(visits)):
        wait[n] = max(0.0, wait[n - 1] + service[n - 1] - (entered[n] - entered[n - 1]))
    return Paths(wait, visits["started_s"].to_numpy() - entered)


@law(
    PATHS,
    "waits of three servers",
    "Kiefer and Wolfowitz 1955, Trans. American Math. Soc. 78:1",
    [{"servers": "replicas"}, {"servers": "people"}],
)
def kiefer_wolfowitz(servers: str) -> Paths:
    stage = pool(replicas=3) if servers == "replicas" else people((*DAY, 3), minutes=0.6 / 60, sigma=0.7)
    visits = _in_order(simulate(plan({"p": stage}, service_times(1, 0), rate=3.5, seconds=2000), seed=0), "p")
    entered, service = visits["entered_s"].to_numpy(), (visits["left_s"] - visits["started_s"]).to_numpy()
    wait, work, before = np.zeros(len(visits)), np.zeros(3), 0.0
    for n in range(len(visits)):
        work = np.sort(np.maximum(work - (entered[n] - before), 0))
        wait[n] = work[0]
        work[0] += service[n]
        before = entered[n]
    return Paths(wait, visits["started_s"].to_numpy() - entered)


# Little's law

LITTLE = "Little 1961, Operations Research 9:383"
LINE: Mapping[str, Any] = {
    "way": link("a", 0.3),
    "a": pool(to="b", max_batch=3, max_queue_delay_ms=300, timeout_s=2, on_timeout="b"),
    "b": people((*DAY, 2), minutes=0.6 / 60, sigma=0.5, patience_h=spread(2 / 3600), on_timeout="done"),
}


@law(PATHS, "time spent at a stage, from the number there", LITTLE, [{"stage": name} for name in LINE])
def little(stage: str) -> Paths:
    """The number at a stage, integrated from one event to the next, is the time that its requests spent there."""
    visits = visits_of(_line(), stage)
    spent = np.nansum(visits.left_s - visits.entered_s)
    return Paths(np.array([_integral(visits.entered_s, visits.left_s)]), np.array([spent]))


@law(PATHS, "time spent in the whole system, from the number there", LITTLE, [{}])
def little_of_all() -> Paths:
    """The number at all stages, as their visits tell it, against arrival and end, as the requests tell them."""
    trace = _line()
    visits, requests = trace.visits, trace.requests
    spent = (requests["finished_s"] - requests["arrived_s"]).sum()
    return Paths(np.array([_integral(visits["entered_s"], visits["left_s"])]), np.array([spent]))


def _line() -> Trace:
    return simulate(plan(LINE, service_times(3, 1), rate=2.5, seconds=500), seed=3)


def _integral(entered: Any, left: Any) -> float:
    events = np.concatenate([np.column_stack([entered, np.ones(len(entered))]), np.column_stack([left, -np.ones(len(left))])])
    events = events[np.argsort(events[:, 0])]
    return float(np.dot(np.cumsum(events[:-1, 1]), np.diff(events[:, 0])))


# Ciw

CIW = "Ciw 3.2, ciw.readthedocs.io"
OUT = -1


def _compared(trace: Trace, stages: list[str], theirs: list[tuple[int, int, float, float]], nodes: list[int]) -> Paths:
    """Waits of all visits to some stages, by stage, request and visit."""
    exact = [[wait for node, _, _, wait in theirs if node == wanted] for wanted in nodes]
    ours = [visits["started_s"] - visits["entered_s"] for visits in (_in_order(trace, stage) for stage in stages)]
    return Paths(np.concatenate(exact), np.concatenate(ours))


def _services(trace: Trace, stage: str) -> ByRow:
    """What each visit took, in the order of the visits of a request."""
    visits = _in_order(trace, stage)
    took, number = visits["left_s"] - visits["started_s"], visits.groupby("request").cumcount()
    times = [np.zeros(trace.columns.n) for _ in range(int(number.max()) + 1)]
    for request, visit, seconds in zip(visits["request"], number, took, strict=True):
        times[visit][request] = seconds
    return ByRow(*times)


@law(PATHS, "waits of several servers", CIW, [{"servers": count, "rate": 0.85 * count} for count in (1, 4)])
def several_servers(servers: int, rate: float) -> Paths:
    trace = simulate(plan({"p": pool(replicas=servers)}, exponential(1.0), rate=rate, seconds=2_000 / rate), seed=1)
    theirs = by_ciw.waits(trace.columns.arrived, [_services(trace, "p")], [servers], [lambda row, before: OUT])
    return _compared(trace, ["p"], theirs, [1])


@law(PATHS, "waits in a tandem of a pool, a link and people", CIW, [{"rate": 1.6}])
def tandem(rate: float) -> Paths:
    reader = people((*DAY, 2), minutes=1 / 60, sigma=0.3)
    stages = {
        "a": pool(to="way"),
        "way": link("b", 0.1) | {"payload_mb": spread(0.5, 1.0), "bandwidth_mbps": spread(8)},
        "b": reader,
    }
    trace = simulate(plan(stages, exponential(0.5), rate=rate, seconds=1_500 / rate), seed=2)
    services = [_services(trace, name) for name in stages]
    ways = [lambda row, before: 2, lambda row, before: 3, lambda row, before: OUT]
    return _compared(trace, ["a", "b"], by_ciw.waits(trace.columns.arrived, services, [1, float("inf"), 2], ways), [1, 3])


@law(PATHS, "waits with photos that are taken again", CIW, [{"rate": 1.0}])
def feedback(rate: float) -> Paths:
    """Half of the photos pass the check; whoever fails it comes back after a while, three times at most."""
    stages = {
        "p": pool(to="look", replicas=2),
        "look": gate("quality", {"at_sensitivity": 0.5, "to": "done"}, {"to": "again"}),
        "again": retake("p", max_tries=3, minutes=spread(1 / 60, 0.5)),
    }
    made = plan(stages, exponential(1.0), rate=rate, seconds=1_000 / rate, population=population(unusable=0.0))
    trace = simulate(made, seed=4)
    tries = trace.requests["tries"].to_numpy()
    ways = [lambda row, before: 2 if before + 1 < tries[row] else OUT, lambda row, before: 1]
    services = [_services(trace, "p"), _services(trace, "again")]
    return _compared(trace, ["p"], by_ciw.waits(trace.columns.arrived, services, [2, float("inf")], ways), [1])


@law(PATHS, "waits of three priorities", CIW, [{"people": 1, "rate": 0.8}, {"people": 3, "rate": 2.6}])
def priorities(people: int, rate: float) -> Paths:
    routes = [
        {"at_sensitivity": 0.2, "to": "p", "tag": "one"},
        {"at_sensitivity": 0.6, "to": "p", "tag": "two"},
        {"to": "p", "tag": "three"},
    ]
    stages = {"sort": gate("quality", *routes), "p": _readers(people)}
    made = plan(stages, rate=rate, seconds=1_500 / rate, population=population(unusable=0.0))
    trace = simulate(made, seed=5)
    arrived, tags = trace.columns.arrived, trace.columns.tag.astype(int) - 1
    theirs = by_ciw.waits(arrived, [_services(trace, "p")], [people], [lambda row, before: OUT], tags)
    return _compared(trace, ["p"], theirs, [1])


def _readers(count: int) -> dict[str, Any]:
    return people((*DAY, count), minutes=1 / 60, sigma=0.4, order="tag")
