"""What can be known without a run: loads from flows, and the closed forms that a run is tested against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, factorial, inf
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr
from scipy.stats import poisson

from simulator.evidence.profiles import IDLE_GAP_MS
from simulator.scenario.arrivals import Loop
from simulator.scenario.stages import Fork, Gate, Join, Link, People, Pool, Retake
from simulator.serving.arrivals.closed import mean_think_s
from simulator.serving.calendar import DAY_S, Roster, clock_s
from simulator.serving.latency import LatencyTable
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
        cases = min(cases, sum(share * _tagged(plan, second.tag, routes) for routes, share in _alike(plan)))
    return second.share * cases


def _tagged(plan: Plan, tag: str, routes: Routes) -> float:
    """Expected times that one request is given a tag."""
    visits = dict(zip(plan.scenario.stages, _visits(plan, routes), strict=True))
    return sum(
        float(visits[name]) * share
        for name, gate in _gates(plan).items()
        for route, share in zip(gate.routes, routes[name], strict=True)
        if route.tag == tag
    )


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

    Each input of a join is a visit. A photo's quality is followed through the first gate that looks at it; a repeated photo
    is a fresh draw.
    """
    visits = sum(share * _visits(plan, routes) for routes, share in _alike(plan))
    return dict(zip(plan.scenario.stages, np.asarray(visits).tolist(), strict=True))


#: By gate: the share of the requests that takes each of its routes.
Routes = dict[str, list[float]]


def _visits(plan: Plan, routes: Routes) -> NDArray[np.float64]:
    """Expected visits to each stage, where gates send requests on as `routes` say."""
    names = list(plan.scenario.stages)
    moves = np.zeros((len(names), len(names)))
    for name in names:
        for target, share in _shares(plan, name, routes).items():
            if target in names:
                moves[names.index(name), names.index(target)] += share
    start = np.array([float(name == plan.scenario.start) for name in names])
    return np.linalg.solve(np.eye(len(names)) - moves.T, start)


def _alike(plan: Plan) -> list[tuple[Routes, float]]:
    """The labelled items in groups that every gate by score sends the same way, with the share of requests that they stand for.

    What two models say of the same item belongs together: gates by score are followed item by item, not each on its own.
    """
    by_quality = {name: _quality_shares(plan, gate) for name, gate in _gates(plan).items() if gate.by == "quality"}
    by_score = {name: gate for name, gate in _gates(plan).items() if gate.by == "score"}
    if not by_score:
        return [(by_quality, 1.0)]
    taken = np.stack([_routes_of_items(plan, gate) for gate in by_score.values()])
    ways, group = np.unique(taken, axis=1, return_inverse=True)
    shares = np.bincount(group.ravel(), _shares_of_items(plan))
    alike = []
    for way, share in zip(ways.T.tolist(), shares.tolist(), strict=True):
        certain = {
            name: [float(index == route) for index in range(len(gate.routes))]
            for (name, gate), route in zip(by_score.items(), way, strict=True)
        }
        alike.append((by_quality | certain, share))
    return alike


def _routes_of_items(plan: Plan, gate: Gate) -> NDArray[np.int64]:
    """Which route of a gate each labelled item takes, positives first: the first whose threshold it reaches."""
    table = plan.table_of(gate)
    scores = np.concatenate([table.positives, table.negatives])
    passes = [scores >= cut for cut in thresholds(plan, gate)] + [np.ones(len(scores), bool)]
    return np.asarray(np.argmax(passes, axis=0))


def _shares_of_items(plan: Plan) -> NDArray[np.float64]:
    """The share of requests that each labelled item stands for, positives first."""
    assert plan.scenario.population is not None
    assert plan.scores is not None
    prevalence = plan.scenario.population.prevalence.value
    counts = [len(plan.scores.positives), len(plan.scores.negatives)]
    return np.repeat([prevalence / counts[0], (1 - prevalence) / counts[1]], counts)


def _shares(plan: Plan, name: str, routes: Routes) -> dict[str, float]:
    """Which share of the requests at a stage goes on to which target."""
    stage = plan.scenario.stages[name]
    if isinstance(stage, Link | Pool):
        return {stage.to: 1.0}
    if isinstance(stage, Fork):
        return dict.fromkeys(stage.to, 1.0)
    if isinstance(stage, Join):
        return {stage.to: 1 / plan.scenario.inputs_of(name)}
    if isinstance(stage, Gate):
        return _by_target(stage, routes[name])
    if isinstance(stage, Retake):
        return _retake_shares(plan, name, stage, routes)
    return {}


def _by_target(gate: Gate, shares: list[float]) -> dict[str, float]:
    found: dict[str, float] = {}
    for route, share in zip(gate.routes, shares, strict=True):
        found[route.to] = found.get(route.to, 0.0) + share
    return found


def _retake_shares(plan: Plan, name: str, stage: Retake, routes: Routes) -> dict[str, float]:
    """With r the chance of being sent back and trying again, 1 + r + ... + r^(m-1) photos are taken; the last is final."""
    back = max((_by_target(gate, routes[sender]).get(name, 0.0) for sender, gate in _gates(plan).items()), default=0.0)
    stays = 1 - stage.gives_up.value
    chain = [(back * stays) ** k for k in range(stage.max_tries)]
    last = chain[-1] / sum(chain)
    return {stage.to: (1 - last) * stays, stage.on_exhausted: last, stage.on_give_up: (1 - last) * stage.gives_up.value}


def _gates(plan: Plan) -> dict[str, Gate]:
    return {name: stage for name, stage in plan.scenario.stages.items() if isinstance(stage, Gate)}


def _quality_shares(plan: Plan, gate: Gate) -> list[float]:
    """The share of all photos that takes each route of a gate by quality."""
    assert plan.scenario.population is not None
    assert plan.scenario.population.quality is not None
    quality = plan.scenario.population.quality
    unusable, apart = quality.unusable.value, quality_separation(quality.auc.value)
    above = [float((1 - unusable) * ndtr(apart - cut) + unusable * ndtr(-cut)) for cut in thresholds(plan, gate)]
    return [low - high for low, high in zip([*above, 1.0], [0.0, *above], strict=True)]


def mmc_wait(rate: float, service_rate: float, servers: int) -> float:
    """Mean wait in queue of M/M/c (Erlang C)."""
    a = rate / service_rate
    waits = a**servers / factorial(servers) / (1 - a / servers)
    chance = waits / (sum(a**k / factorial(k) for k in range(servers)) + waits)
    return chance / (servers * service_rate - rate)


def mg1_wait(rate: float, mean: float, second_moment: float) -> float:
    """Mean wait in queue of M/G/1 (Pollaczek-Khinchine)."""
    return rate * second_moment / (2 * (1 - rate * mean))


def fork_join_response(rate: float, service_rate: float) -> float:
    """Mean time from a fork to the join of two M/M/1 branches with the same rate (Flatto and Hahn 1984).

    As given by Nelson and Tantawi, "Approximate analysis of fork/join synchronization in parallel queues", 1988.
    """
    return (12 - rate / service_rate) / 8 / (service_rate - rate)


class BatchQueue(NamedTuple):
    """What is known of a queue that is served in batches: mean wait in queue in s, share of time busy, mean batch size."""

    wait_s: float
    busy: float
    mean_batch: float


def batch_queue(rate: float, table: LatencyTable, max_batch: int, longest: int = 400) -> BatchQueue:
    """One server that takes up to `max_batch` of those waiting at once, served as measured, for Poisson arrivals.

    Exact but for the cut at `longest` in the queue: the embedded chain on the queue length n at service completions,
    n' = max(n, 1) - b + Poisson(rate S(b)) with b = min(max(n, 1), max_batch), then renewal-reward for the time average and
    Little's law for the wait. A server that n = 0 leaves idle for long is slower, as in the run. Raises ValueError where the
    queue is too often at the cut.
    """
    kinds = _services(rate, table, max_batch)
    chances = [poisson.pmf(np.arange(longest + 1)[:, None], rate * seconds) @ weights for seconds, weights in kinds]
    means = [float(seconds @ weights) for seconds, weights in kinds]
    squares = [float(seconds**2 @ weights) for seconds, weights in kinds]
    moves = np.zeros((longest + 1, longest + 1))
    sizes, service, cycle, area = np.zeros((4, longest + 1))
    for n in range(longest + 1):
        size, kind = min(max(n, 1), max_batch), min(n, max_batch)
        left = max(n, 1) - size
        moves[n, left:] = chances[kind][: longest + 1 - left]
        moves[n, -1] += 1 - moves[n].sum()
        sizes[n], service[n] = size, means[kind]
        cycle[n] = means[kind] + (1 / rate if n == 0 else 0.0)
        area[n] = left * means[kind] + rate * squares[kind] / 2
    share = _stationary(moves)
    if share[-1] > 1e-6:
        raise ValueError(f"the queue is longer than {longest} in {share[-1]:.1g} of the cycles; raise `longest`")
    per_cycle = float(share @ cycle)
    return BatchQueue(float(share @ area) / per_cycle / rate, float(share @ service) / per_cycle, float(share @ sizes))


def _services(rate: float, table: LatencyTable, max_batch: int) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Service times in s and their chances: of one request that ends an idle time, then of batches of 1 to `max_batch`."""
    busy, rested = table.seconds
    equal = table.weights
    idles = exp(-rate * IDLE_GAP_MS / 1000)
    first = np.concatenate([rested[1], busy[1]]), np.concatenate([idles * equal, (1 - idles) * equal])
    return [first, *((busy[size], equal) for size in range(1, max_batch + 1))]


def _stationary(moves: NDArray[np.float64]) -> NDArray[np.float64]:
    """The chances that a chain leaves as they are; one balance equation follows from the rest and gives way to the sum of 1."""
    system = moves.T - np.eye(len(moves))
    system[-1] = 1.0
    return np.asarray(np.linalg.solve(system, np.append(np.zeros(len(moves) - 1), 1.0)))
