"""What can be known without a run: loads from flows, and the closed forms that a run is tested against."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import exp, factorial, inf, lgamma, log

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from simulator.scenario.arrivals import Loop
from simulator.scenario.stages import Gate, Link, People, Pool, Retake
from simulator.serving.arrivals.closed import mean_think_s
from simulator.serving.calendar import DAY_S, Roster, clock_s
from simulator.serving.plan import Plan
from simulator.serving.requests import quality_separation
from simulator.serving.thresholds import thresholds


@dataclass(frozen=True)
class Load:
    """The load that a design offers to one stage: work brought over work that can be done, 1 is all it can take.

    peak is None where work waits for a shift anyway, so that only the day's total counts.
    at_most: whether the load is a bound: clients that wait for their answers, or a heap of work, cannot ask for more than all.
    """

    stage: str
    visits_per_request: float
    mean: float
    peak: float | None
    at_most: bool = False


def loads(plan: Plan) -> list[Load]:
    """The load on every stage with a server, if nobody timed out: a bound that needs no run."""
    ratios = visit_ratios(plan)
    ratios = visit_ratios(plan)
    served = {name: stage for name, stage in plan.scenario.stages.items() if isinstance(stage, Pool | People)}
    visits = {name: ratios[name] + _second_readings(plan, name, ratios) for name in served}
    capacities = {name: _capacity_per_s(plan, name, stage) for name, stage in served.items()}
    each = {name: visits[name] / capacity if capacity else inf for name, capacity in capacities.items()}
    mean, peak = plan.arrivals.mean_rate, plan.arrivals.peak_rate
    if mean is None or peak is None:
        most = _most_per_s(plan, visits, each)
        return [Load(name, visits[name], most * each[name], None, at_most=True) for name in served]
    return [
        Load(name, visits[name], mean * each[name], peak * each[name] if isinstance(stage, Pool) else None)
        for name, stage in served.items()
    ]


def _capacity_per_s(plan: Plan, name: str, stage: Pool | People) -> float:
    """Requests that a stage can serve in a second; people, averaged over the day, and replicas, over their failures."""
    if isinstance(stage, Pool):
        running = stage.replicas * (stage.failures.availability if stage.failures else 1.0)
        return plan.latencies[name].capacity_per_s * running
    roster = Roster(stage.shifts, clock_s(plan.scenario.run.starts_at), DAY_S)
    slowing = stage.fatigue_per_h.value if stage.fatigue_per_h else 0.0
    return roster.staffed_s(DAY_S, slowing) / DAY_S / _service_s(plan, name, stage)


def _service_s(plan: Plan, name: str, stage: Pool | People) -> float:
    """Mean time that one request alone is served for, by people who are fresh."""
    if isinstance(stage, Pool):
        return plan.latencies[name].mean_s(1)
    return 60 * stage.minutes.mean


def _second_readings(plan: Plan, name: str, visits: Mapping[str, float]) -> float:
    """Expected second readings for one request; whom a gate gave the tag is taken to come here."""
    stage = plan.scenario.stages[name]
    if not isinstance(stage, People) or stage.second_reader is None:
        return 0.0
    second, cases = stage.second_reader, visits[name]
    if second.tag is not None:
        tagged = [
            visits[at] * share
            for at, gate in plan.scenario.stages.items()
            if isinstance(gate, Gate)
            for route, share in zip(gate.routes, _route_shares(plan, gate), strict=True)
            if route.tag == second.tag
        ]
        cases = min(cases, sum(tagged))
    return second.share * cases


def _most_per_s(plan: Plan, visits: Mapping[str, float], each: Mapping[str, float]) -> float:
    """The most requests a second that a closed loop can send: the tightest stage's most, or all who do not think or are served.

    min(1 / D_max, N / (Z + D)): asymptotic bounds (Denning and Buzen 1978). Time between the stages is left out.
    """
    tightest = max(each.values(), default=0.0)
    bounds = [1 / tightest if tightest else inf]
    spec = plan.scenario.arrivals
    if isinstance(spec, Loop):
        served = {name: stage for name, stage in plan.scenario.stages.items() if isinstance(stage, Pool | People)}
        cycle = mean_think_s(spec) + sum(visits[name] * _service_s(plan, name, stage) for name, stage in served.items())
        bounds.append(spec.senders * spec.samples / cycle if cycle else inf)
    return min(bounds)


def visit_ratios(plan: Plan) -> dict[str, float]:
    """Expected visits to each stage for one request that nobody turns away: the traffic equations v = e + P' v.

    A photo's quality is followed through the first gate that looks at it; a repeated photo is a fresh draw.
    """
    names = list(plan.scenario.stages)
    moves = np.zeros((len(names), len(names)))
    for name in names:
        for target, share in _shares(plan, name).items():
            if target in names:
                moves[names.index(name), names.index(target)] += share
    start = np.array([float(name == plan.scenario.start) for name in names])
    visits = np.linalg.solve(np.eye(len(names)) - moves.T, start)
    return dict(zip(names, visits.tolist(), strict=True))


def _shares(plan: Plan, name: str) -> dict[str, float]:
    """Which share of the requests at a stage goes on to which target."""
    stage = plan.scenario.stages[name]
    if isinstance(stage, Link | Pool):
        return {stage.to: 1.0}
    if isinstance(stage, Gate):
        return _gate_shares(plan, stage)
    if isinstance(stage, Retake):
        return _retake_shares(plan, stage)
    return {}


def _retake_shares(plan: Plan, stage: Retake) -> dict[str, float]:
    """With r the chance of being sent back and trying again, 1 + r + ... + r^(m-1) photos are taken; the last is final."""
    back = max((_share_to(plan, gate, stage) for gate in _gates(plan)), default=0.0)
    stays = 1 - stage.gives_up.value
    chain = [(back * stays) ** k for k in range(stage.max_tries)]
    last = chain[-1] / sum(chain)
    return {stage.to: (1 - last) * stays, stage.on_exhausted: last, stage.on_give_up: (1 - last) * stage.gives_up.value}


def _gates(plan: Plan) -> list[Gate]:
    return [stage for stage in plan.scenario.stages.values() if isinstance(stage, Gate)]


def _share_to(plan: Plan, gate: Gate, stage: Retake) -> float:
    return sum(share for target, share in _gate_shares(plan, gate).items() if plan.scenario.stages.get(target) is stage)


def _gate_shares(plan: Plan, gate: Gate) -> dict[str, float]:
    shares: dict[str, float] = {}
    for route, share in zip(gate.routes, _route_shares(plan, gate), strict=True):
        shares[route.to] = shares.get(route.to, 0.0) + share
    return shares


def _route_shares(plan: Plan, gate: Gate) -> list[float]:
    above = [_share_above(plan, gate, cut) for cut in thresholds(plan, gate)]
    return [low - high for low, high in zip([*above, 1.0], [0.0, *above], strict=True)]


def _share_above(plan: Plan, gate: Gate, cut: float) -> float:
    """Share of requests whose value reaches a threshold, positives and negatives at the stated prevalence."""
    population = plan.scenario.population
    assert population is not None
    if gate.by == "quality":
        assert population.quality is not None
        unusable, apart = population.quality.unusable.value, quality_separation(population.quality.auc.value)
        return float((1 - unusable) * ndtr(apart - cut) + unusable * ndtr(-cut))
    assert plan.scores is not None
    prevalence = population.prevalence.value
    return prevalence * plan.scores.sensitivity_at(cut) + (1 - prevalence) * (1 - plan.scores.specificity_at(cut))


def mmc_wait(rate: float, service_rate: float, servers: int) -> float:
    """Mean wait in queue of M/M/c (Erlang C)."""
    a = rate / service_rate
    waits = a**servers / factorial(servers) / (1 - a / servers)
    chance = waits / (sum(a**k / factorial(k) for k in range(servers)) + waits)
    return chance / (servers * service_rate - rate)


def mg1_wait(rate: float, mean: float, second_moment: float) -> float:
    """Mean wait in queue of M/G/1 (Pollaczek-Khinchine)."""
    return rate * second_moment / (2 * (1 - rate * mean))


def batch_wait(rate: float, service: Callable[[int], float], max_batch: int, longest: int = 400) -> float:
    """Mean wait in queue of one server that takes up to `max_batch` of those waiting, service(b) seconds for b of them.

    Exact but for the cut at `longest` in the queue: the embedded chain on the queue length at service completions, then
    renewal-reward for the time average and Little's law for the wait.
    """
    pmf = [_poisson(rate * service(batch), longest) for batch in range(1, max_batch + 1)]
    moves = np.zeros((longest + 1, longest + 1))
    cycle, area = np.zeros(longest + 1), np.zeros(longest + 1)
    for n in range(longest + 1):
        batch = min(max(n, 1), max_batch)
        left, seconds = max(n, 1) - batch, service(batch)
        arrivals = pmf[batch - 1][: longest + 1 - left]
        moves[n, left:] = arrivals
        moves[n, -1] += 1 - arrivals.sum()
        cycle[n] = seconds + (1 / rate if n == 0 else 0.0)
        area[n] = left * seconds + rate * seconds**2 / 2
    share = _stationary(moves)
    return float(share @ area / (share @ cycle)) / rate


def _poisson(mean: float, longest: int) -> NDArray[np.float64]:
    return np.array([exp(k * log(mean) - mean - lgamma(k + 1)) for k in range(longest + 1)])


def _stationary(moves: NDArray[np.float64]) -> NDArray[np.float64]:
    size = len(moves)
    system = np.vstack([moves.T - np.eye(size), np.ones(size)])
    return np.asarray(np.linalg.lstsq(system, np.append(np.zeros(size), 1.0), rcond=None)[0])
