"""Means that queueing theory knows."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from math import exp
from typing import Any

import numpy as np

from simulator.engine.compiled_plan import Plan
from simulator.engine.run_trace import Trace
from simulator.evidence.latency_tables import GRID, LatencyTable, constant, profiled
from simulator.evidence.profiles import load_profile
from simulator.records.timetables import DAY_S
from tests.builders import assumed, end, exponential, fork, gate, join, people, plan, pool, population, sampled, score_table
from tests.truths.age_of_information import dm1_age, dm1_peak_age, mm1_age, mm1_peak_age, newest_waits_age, preemptive_age
from tests.truths.formulas import deadline_loss, inoue_bound, mmck_loss, priority_waits, repairman_rate
from tests.truths.queue_formulas import batch_queue, fork_join_response, mg1_wait, mmc_wait
from tests.truths.registry import (
    MEANS,
    WARM_UP,
    Experiment,
    busy_share,
    law,
    mean_age,
    mean_batch,
    mean_peak_age,
    mean_response,
    mean_sojourn,
    mean_wait,
    settled,
    share_turned_away,
    share_waiting_beyond,
    visits_of,
    wait_of,
)

DAY = ("00:00", "24:00")


def sized(stages: Mapping[str, Any], rate: float, requests: int, service: Any = None, **fields: Any) -> Plan:
    """A plan in which about so many requests come in a replication."""
    run = {"days": requests / rate / DAY_S, "drain_days": 1, "replications": 2}
    return plan(stages, service, rate=rate, run=run, **fields)


# One queue, one request at a time

ERLANG = "Erlang 1917; Kleinrock 1975, Queueing Systems I, ch. 3"


@law(
    MEANS,
    "M/M/c: mean wait",
    ERLANG,
    [{"load": 0.5, "servers": 1}, {"load": 0.7, "servers": 5}],
    seldom=[{"load": 0.8, "servers": 1}, {"load": 0.7, "servers": 2}],
    long=[{"load": 0.8, "servers": 5}, {"load": 0.95, "servers": 1}, {"load": 0.95, "servers": 10}],
)
def erlang_c(load: float, servers: int) -> Experiment:
    rate, requests = load * servers, int(1_500 * servers**0.6 / (1 - load) ** 2)
    made = sized({"p": pool(replicas=servers)}, rate, requests, exponential(1.0))
    return Experiment(mmc_wait(rate, 1.0, servers), made, mean_wait)


@law(
    MEANS,
    "M/M/c: share that waits longer",
    ERLANG,
    [{"load": 0.7, "servers": 3, "seconds": 1.0}],
    seldom=[{"load": 0.7, "servers": 3, "seconds": 0.0}],
)
def erlang_tail(load: float, servers: int, seconds: float) -> Experiment:
    rate = load * servers
    waits = mmc_wait(rate, 1.0, servers) * (servers - rate)  # the chance to wait at all
    made = sized({"p": pool(replicas=servers)}, rate, 30_000, exponential(1.0))
    return Experiment(waits * exp(-(servers - rate) * seconds), made, partial(share_waiting_beyond, seconds))


KHINCHINE = "Pollaczek 1930, Khinchine 1932; Kleinrock 1975, Queueing Systems I, ch. 5"


@law(MEANS, "M/D/1: mean wait", KHINCHINE, [{"load": 0.5}], seldom=[{"load": 0.8}], long=[{"load": 0.95}])
def constant_service(load: float) -> Experiment:
    return Experiment(load / 2 / (1 - load), sized({"p": pool()}, load, int(750 / (1 - load) ** 2), constant(1.0)), mean_wait)


@law(MEANS, "M/G/1, a pool with lognormal samples: mean wait", KHINCHINE, [{"load": 0.5}], seldom=[{"load": 0.7}])
def sampled_service(load: float) -> Experiment:
    samples = np.random.default_rng(7).lognormal(0.0, 0.8, GRID)
    exact = mg1_wait(load / samples.mean(), samples.mean(), (samples**2).mean())
    made = sized({"p": pool()}, load / samples.mean(), int(1_300 / (1 - load) ** 2), sampled({1: samples}))
    return Experiment(exact, made, mean_wait)


SIGMA = 0.6
MEAN, SQUARE = exp(SIGMA**2 / 2), exp(2 * SIGMA**2)  # moments of a lognormal service time with a median of 1 s


@law(MEANS, "M/G/1, a person with lognormal cases: mean wait", KHINCHINE, [{"load": 0.7}])
def lognormal_cases(load: float) -> Experiment:
    made = sized({"p": people((*DAY, 1), minutes=1 / 60, sigma=SIGMA)}, load / MEAN, 20_000)
    return Experiment(mg1_wait(load / MEAN, MEAN, SQUARE), made, mean_wait)


@law(MEANS, "M/M/1 in tandem: mean wait at the second", "Burke 1956, Operations Research 4:699", [{"loads": (0.6, 0.7)}])
def tandem(loads: tuple[float, float]) -> Experiment:
    stages = {"a": pool(to="p"), "p": pool()}
    service = {"a": exponential(loads[0]), "p": exponential(loads[1])}
    exact = loads[1] * loads[1] / (1 - loads[1])
    return Experiment(exact, sized(stages, 1.0, 18_000, service), mean_wait)


# Refusals and time-outs


@law(
    MEANS,
    "M/M/c/K: share refused",
    ERLANG,
    [{"work": 3.0, "servers": 3, "places": 2}],
    seldom=[{"work": 0.8, "servers": 1, "places": 2}, *({"work": 3.0, "servers": 3, "places": one} for one in (0, 1, 5))],
)
def refusals(work: float, servers: int, places: int) -> Experiment:
    stages = {"p": pool(replicas=servers, max_queue=places, on_full="done")}
    return Experiment(mmck_loss(work, servers, places), sized(stages, work, 8_000, exponential(1.0)), share_turned_away)


@law(
    MEANS,
    "M/M/1 with a deadline: share that gives up",
    "Barrer 1957, Operations Research 5:650",
    [{"load": 1.5, "patience_s": 3.0}],
    seldom=[{"load": 0.8, "patience_s": 2.0}],
)
def deadlines(load: float, patience_s: float) -> Experiment:
    stages = {"p": pool(timeout_s=patience_s, on_timeout="done")}
    made = sized(stages, load, 6_000, exponential(1.0))
    return Experiment(deadline_loss(load, 1.0, patience_s), made, share_turned_away)


# Priorities

COBHAM = "Cobham 1954, Operations Research 2:70"
SHARES = (0.2, 0.3, 0.5)  # of the most urgent first
ENOUGH = {1: 5_000, 2: 10_000, 3: 20_000}  # requests, by urgency: the last in the queue wait longest, and least evenly


def _class_waits(load: float) -> list[float]:
    return priority_waits([load / MEAN * share for share in SHARES], MEAN, SQUARE)


@law(
    MEANS,
    "M/G/1 by tag: mean wait",
    COBHAM,
    [{"load": 0.7, "urgency": 1}],
    seldom=[{"load": 0.7, "urgency": number} for number in (2, 3)],
)
def tagged(load: float, urgency: int) -> Experiment:
    first, second = SHARES[0], SHARES[0] + SHARES[1]
    routes = [
        {"at_sensitivity": first, "to": "p", "tag": "one"},
        {"at_sensitivity": second, "to": "p", "tag": "two"},
        {"to": "p", "tag": "three"},
    ]
    stages = {"sort": gate("quality", *routes), "p": people((*DAY, 1), minutes=1 / 60, sigma=SIGMA, order="tag")}
    made = sized(stages, load / MEAN, ENOUGH[urgency], population=population(unusable=0.0))
    return Experiment(_class_waits(load)[urgency - 1], made, partial(_wait_of_tag, urgency))


def _wait_of_tag(tag: int, trace: Trace) -> float:
    visits = settled(trace)
    return wait_of(visits.only(trace.columns.tag[visits.request] == tag))


@law(MEANS, "M/G/1 by risk: mean wait", COBHAM, [{"load": 0.7, "urgency": 1}], long=[{"load": 0.7, "urgency": 3}])
def by_risk(load: float, urgency: int) -> Experiment:
    """Scores are known after a pool that takes hardly any time, so that its output is Poisson."""
    scores = [0.9] * 2 + [0.5] * 3 + [0.1] * 5
    reader = people((*DAY, 1), minutes=1 / 60, sigma=SIGMA, order="risk")
    stages = {"look": pool(to="p", scores="x"), "p": reader}
    table = score_table(scores, scores)
    made = sized(stages, load / MEAN, ENOUGH[urgency], constant(1e-9), scores=table, population=population())
    score = (0.9, 0.5, 0.1)[urgency - 1]
    return Experiment(_class_waits(load)[urgency - 1], made, partial(_wait_of_score, score))


def _wait_of_score(score: float, trace: Trace) -> float:
    visits = settled(trace)
    return wait_of(visits.only(np.isclose(trace.columns.risk[visits.request], score)))


@law(
    MEANS,
    "M/M/1, a pool by class: mean wait",
    COBHAM,
    [{"load": 0.7, "priority": 1}],
    long=[{"load": 0.7, "priority": number} for number in (2, 3)],
)
def by_class(load: float, priority: int) -> Experiment:
    kinds = {
        f"class_{number}": {"label": "A class", "share": assumed(share), "priority": number}
        for number, share in enumerate(SHARES, 1)
    }
    stages = {"p": pool(order="priority")}
    made = sized(stages, load, ENOUGH[priority], exponential(1.0), classes=kinds)
    exact = priority_waits([load * share for share in SHARES], 1.0, 2.0)[priority - 1]
    return Experiment(exact, made, partial(_wait_of_class, priority))


def _wait_of_class(priority: int, trace: Trace) -> float:
    visits = settled(trace)
    return wait_of(visits.only(trace.columns.priority[visits.request] == priority))


# Closed loops

REPAIR = "machine repairman: Kleinrock 1975, Queueing Systems I, ch. 3"
THINK_S = 4.0


@law(
    MEANS,
    "M/M/c//N: requests a second",
    REPAIR,
    [{"clients": 12, "servers": 3}],
    seldom=[{"clients": 1, "servers": 1}],
    long=[{"clients": 6, "servers": 1}],
)
def repairman(clients: int, servers: int) -> Experiment:
    return Experiment(repairman_rate(clients, servers, THINK_S, 1.0), _loop(clients, servers), _rate)


@law(MEANS, "M/M/c//N: time in the system", REPAIR, [{"clients": 6, "servers": 1}], long=[{"clients": 12, "servers": 3}])
def repairman_sojourn(clients: int, servers: int) -> Experiment:
    """The response time law: N = X (R + Z)."""
    exact = clients / repairman_rate(clients, servers, THINK_S, 1.0) - THINK_S
    return Experiment(exact, _loop(clients, servers), mean_sojourn)


def _loop(clients: int, servers: int) -> Plan:
    arrivals = {"kind": "closed", "clients": clients, "think_mean_s": assumed(THINK_S)}
    return plan({"p": pool(replicas=servers)}, exponential(1.0), arrivals=arrivals, seconds=2_000 / servers)


def _rate(trace: Trace) -> float:
    return len(settled(trace)) / (1 - WARM_UP) / trace.plan.arrivals_end_s


# Batches

CHAIN = "embedded chain at service completions; Neuts 1967, Annals of Mathematical Statistics 38:759"
MODELS = ("efficientnet_lite0 fp32", "resnet50 int8_static", "mobilenet_v3_small fp32")

#: Each cap with a load at which a run is short, and every model with each; by default each with a model of its own.
OF_ALL = [{"model": model, "cap": cap, "load": load} for model in MODELS for cap, load in ((1, 0.7), (4, 0.5), (8, 0.8))]


def _measured(model: str, cap: int) -> LatencyTable:
    name, precision = model.split()
    return profiled(load_profile("epyc-zen4-2c", name, precision), 1, cap)


@law(
    MEANS,
    "measured batches: mean wait",
    CHAIN,
    OF_ALL[::4],
    seldom=[case for case in OF_ALL if case not in OF_ALL[::4]],
    long=[{"model": model, "cap": cap, "load": 0.95} for model in MODELS for cap in (1, 4, 8)],
)
def measured_batches(model: str, cap: int, load: float) -> Experiment:
    table = _measured(model, cap)
    rate = load * cap / table.mean_s(cap)
    requests = int(1_000 / (1 - load) ** 2)
    return Experiment(batch_queue(rate, table, cap).wait_s, sized({"p": pool(max_batch=cap)}, rate, requests, table), mean_wait)


@law(
    MEANS,
    "constant batches: mean wait",
    CHAIN,
    [{"cap": 4, "load": 0.8}, {"cap": 8, "load": 0.5}],
    seldom=[{"cap": 4, "load": 0.5}, {"cap": 8, "load": 0.8}],
    long=[{"cap": cap, "load": 0.95} for cap in (4, 8)],
)
def constant_batches(cap: int, load: float) -> Experiment:
    table = constant(*[0.6 + 0.4 * size**0.8 for size in range(1, cap + 1)])
    rate = load * cap / table.mean_s(cap)
    made = sized({"p": pool(max_batch=cap)}, rate, int(1_000 / (1 - load) ** 2), table)
    return Experiment(batch_queue(rate, table, cap).wait_s, made, mean_wait)


@law(
    MEANS,
    "measured batches: mean size",
    CHAIN,
    [{"model": MODELS[1], "cap": 8, "load": 0.9}],
    seldom=[{"model": MODELS[2], "cap": 8, "load": 0.9}],
)
def batch_sizes(model: str, cap: int, load: float) -> Experiment:
    table = _measured(model, cap)
    rate = load * cap / table.mean_s(cap)
    made = sized({"p": pool(max_batch=cap)}, rate, 12_000, table)
    return Experiment(batch_queue(rate, table, cap).mean_batch, made, mean_batch)


@law(
    MEANS,
    "batches of any size: time in the system at most",
    "Inoue, arXiv 1912.06322, theorem 2; too large by 5% at most",
    [{"rate": rate} for rate in (0.2, 0.5, 0.8, 1.2, 1.6)],
)
def inoue(rate: float) -> Experiment:
    alpha, tau, most = 0.5, 1.0, 100
    table = constant(*[alpha * size + tau for size in range(1, most + 1)])
    made = sized({"p": pool(max_batch=most)}, rate, 2_000 if rate < 1.5 else 8_000, table)
    return Experiment(inoue_bound(rate, alpha, tau), made, mean_sojourn, below=0.05)


# Forks and joins


@law(
    MEANS,
    "fork and join of two M/M/1: mean response",
    "Flatto and Hahn 1984, SIAM J. Applied Mathematics 44:1041; Nelson and Tantawi 1988",
    [{"load": 0.6}],
    seldom=[{"load": 0.3}],
    long=[{"load": 0.85}],
)
def fork_join(load: float) -> Experiment:
    stages = {"f": fork("a", "b"), "a": pool(to="j"), "b": pool(to="j"), "j": join()}
    made = sized(stages, load, int(2_000 / (1 - load) ** 1.5), exponential(1.0))
    return Experiment(fork_join_response(load, 1.0), made, mean_response)


# Age of information

KAUL = "Kaul, Yates, Gruteser 2012, INFOCOM: Real-time status: how often should one update?"
COSTA = "Costa, Codreanu, Ephremides 2016, IEEE Trans. Information Theory 62:1897"
CISS = "Kaul, Yates, Gruteser 2012, CISS: Status updates through queues"


@law(MEANS, "M/M/1: mean age", KAUL, [{"load": 0.53}], seldom=[{"load": 0.3}, {"load": 0.8}])
def age(load: float) -> Experiment:
    return Experiment(mm1_age(load, 1.0), _stream(load, int(800 / (1 - load) ** 2)), mean_age)


@law(MEANS, "M/M/1: mean peak age", COSTA, [{"load": 0.3}], seldom=[{"load": 0.8}])
def peak_age(load: float) -> Experiment:
    return Experiment(mm1_peak_age(load, 1.0), _stream(load, int(800 / (1 - load) ** 2)), mean_peak_age)


@law(MEANS, "D/M/1: mean age", KAUL, [{"load": 0.52}], seldom=[{"load": 0.3}, {"load": 0.8}])
def periodic_age(load: float) -> Experiment:
    """Frames of one sensor, without jitter."""
    return Experiment(dm1_age(load, 1.0), _stream(load, int(400 / (1 - load) ** 2), _sensor(load)), mean_age)


@law(MEANS, "D/M/1: mean peak age", COSTA, [{"load": 0.52}])
def periodic_peak_age(load: float) -> Experiment:
    return Experiment(dm1_peak_age(load, 1.0), _stream(load, 2_000, _sensor(load)), mean_peak_age)


@law(MEANS, "M/M/1/1, preempted by the newest: mean age", CISS, [{"load": 1.0}], long=[{"load": 0.5}, {"load": 3.0}])
def preempted_age(load: float) -> Experiment:
    made = _stream(load, 4_000, preempts="newest", on_replaced="lost")
    return Experiment(preemptive_age(load, 1.0), made, mean_age)


@law(MEANS, "M/M/1/2, the newest waits: mean age", COSTA, [{"load": 1.0}], long=[{"load": 0.5}, {"load": 3.0}])
def newest_waits(load: float) -> Experiment:
    made = _stream(load, 4_000, replaces="newest", on_replaced="lost")
    return Experiment(newest_waits_age(load, 1.0), made, mean_age)


def _stream(rate: float, requests: int, arrivals: dict[str, Any] | None = None, **fields: Any) -> Plan:
    """One exponential server, behind which what is known has an age."""
    ends = {"done": end(age=True), "lost": end()} if fields else {"done": end(age=True)}
    coming = {"arrivals": arrivals} if arrivals else {}
    return sized({"p": pool(**fields)}, rate, requests, exponential(1.0), ends=ends, **coming)


def _sensor(rate: float) -> dict[str, Any]:
    return {"kind": "sensors", "sensors": {"it": {"label": "It", "rate_per_s": assumed(rate)}}}


# Utilization

LITTLE = "Little 1961, Operations Research 9:383"


@law(MEANS, "G/G/c: share of time busy", LITTLE, [{"load": 0.6, "servers": 1}, {"load": 0.8, "servers": 4}])
def utilization(load: float, servers: int) -> Experiment:
    made = sized({"p": pool(replicas=servers)}, load * servers, 2_000, exponential(1.0))
    return Experiment(load, made, partial(busy_share, servers))


@law(MEANS, "measured batches: share of time busy", CHAIN, [{"model": MODELS[0], "cap": 8, "load": 0.5}])
def batch_utilization(model: str, cap: int, load: float) -> Experiment:
    table = _measured(model, cap)
    rate = load * cap / table.mean_s(cap)
    made = sized({"p": pool(max_batch=cap)}, rate, 2_000, table)
    return Experiment(batch_queue(rate, table, cap).busy, made, partial(busy_share, 1))


@law(MEANS, "people in shifts: number busy", LITTLE, [{"load": 0.6, "people": 5}])
def busy_people(load: float, people: int) -> Experiment:
    """Little's law at the servers: as many are busy as cases come in the time that one takes."""
    rate = load * people / MEAN
    made = sized({"p": _crew(people)}, rate, 2_000)
    return Experiment(rate * MEAN, made, _number_in_service)


def _crew(count: int) -> dict[str, Any]:
    return people((*DAY, count), minutes=1 / 60, sigma=SIGMA)


def _number_in_service(trace: Trace) -> float:
    """Averaged over looks at a thousand instants, rather than over the services."""
    visits = visits_of(trace)
    times = np.linspace(0.1, 1, 1000) * trace.plan.arrivals_end_s
    begun = np.searchsorted(np.sort(visits.started_s), times, side="right")
    return float((begun - np.searchsorted(np.sort(visits.left_s), times, side="right")).mean())
