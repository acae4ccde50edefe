"""The load on each stage, known without a run: how often requests come over how often the stage can take them."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from simulator.scenario.arrivals import Loop, Profile
from simulator.scenario.branches import reached
from simulator.scenario.stages import People, Pool, Retry
from simulator.serving.arrivals.base import OpenProcess
from simulator.serving.arrivals.closed import mean_think_s
from simulator.serving.batching import BATCHING
from simulator.serving.plan import Plan
from simulator.serving.servers import work_s
from simulator.serving.theory.flows import service_ratios


@dataclass(frozen=True)
class Load:
    """The load that a design offers to one stage: the rate of the requests over the highest rate that it can sustain.

    Below 1 a queue comes to an end again, from 1 on it grows. It is no share of the time: a pool that gathers its requests in
    batches is busy for a larger part of it, in small batches, long before it can do no more.

    mean: over the time in which requests come, spikes and what strikes left out. peak: at the busiest time, spikes included;
    None where work waits for a shift anyway, so that only the total counts.
    retried: the mean if the stage turned requests away and each came back as often as its retries allow; None without any.
    at_most: whether the load is a bound: clients that wait for their answers, or a heap of work, cannot ask for more than all.
    """

    stage: str
    visits_per_request: float
    mean: float
    peak: float | None
    at_most: bool = False
    retried: float | None = None


def loads(plan: Plan) -> list[Load]:
    """The load on every stage with a server, if nobody is turned away: no run is needed."""
    served = _served(plan)
    visits = {name: ratio for name, ratio in service_ratios(plan).items() if name in served}
    each = {name: _over(visits[name], _visits_per_s(plan, name, visits)) for name in served}
    rates = _rates(plan)
    if rates is None:
        most = _most_per_s(plan, visits, each)
        return [Load(name, visits[name], most * each[name], None, at_most=True) for name in served]
    mean, peak = rates
    return [
        Load(
            stage=name,
            visits_per_request=visits[name],
            mean=mean * each[name],
            peak=peak * each[name] if isinstance(stage, Pool) else None,
            retried=mean * each[name] * tries if (tries := _tries(plan, name, mean)) > 1 else None,
        )
        for name, stage in served.items()
    ]


def capacity_per_s(plan: Plan, name: str) -> float:
    """Visits a second that one server of a stage takes while its queue is never empty; people who are fresh.

    A pool then forms the batches that its rule forms of a queue without end, or of as many as may wait; those need not be the
    ones at which a replica gets most done. Where it shares an accelerator, batches of the other pools slow it down by their
    part of the work.
    """
    visits = service_ratios(plan) if getattr(plan.scenario.stages[name], "shares", None) else {}
    return _capacity_per_s(plan, name, visits)


def _capacity_per_s(plan: Plan, name: str, visits: dict[str, float]) -> float:
    """The same; visits: services per request at each stage, where an accelerator is shared."""
    stage = plan.scenario.stages[name]
    if isinstance(stage, Pool):
        return 1 / (_seconds_each(plan, name) * _stretch(plan, name, stage, visits))
    assert isinstance(stage, People)
    return 1 / (60 * stage.minutes.mean)


def _seconds_each(plan: Plan, name: str) -> float:
    """Seconds that a replica alone on its device works for one visit, in batches formed of a queue that is never empty."""
    stage, table = plan.scenario.stages[name], plan.latencies[name]
    assert isinstance(stage, Pool)
    spec, room = plan.scenario.arrivals, stage.max_batch + 1 if stage.max_queue is None else max(stage.max_queue, 1)
    if isinstance(spec, Loop):  # no batch is larger than what clients have sent: at the best of those, for a bound
        most = min(stage.max_batch, spec.senders * spec.samples)
        return min(table.mean_s(size) / size for size in range(1, most + 1))
    size = BATCHING[stage.batching].of(stage, table).sustained(room)
    return table.mean_s(size) / size


def _stretch(plan: Plan, name: str, stage: Pool, visits: dict[str, float]) -> float:
    """How many times as long as alone a batch takes when all replicas of the pool are at work.

    On a shared accelerator k batches each take 1 + (k - 1) (s - 1) times as long. Those of another pool at work beside it are,
    on average, as many as its part of the work asks for (by Little's law, in a mean-field approximation), and its replicas at
    most; for s = 2 that is the processor that is shared by turns, whose loads add up.
    """
    if stage.shares is None:
        return 1.0
    stages = plan.scenario.stages
    sharers = {key: other for key, other in stages.items() if isinstance(other, Pool) and other.shares == stage.shares}
    work = {key: visits[key] * _seconds_each(plan, key) for key in sharers}
    own = work.pop(name) / stage.most_replicas
    beside = sum(min(_over(asked, own), sharers[key].most_replicas) for key, asked in work.items() if asked)
    slowdown = plan.scenario.accelerators[stage.shares].slowdown.value
    return 1 + (stage.most_replicas - 1 + beside) * (slowdown - 1)


def _visits_per_s(plan: Plan, name: str, visits: dict[str, float]) -> float:
    """Visits that a stage can take in a second with the servers that it has, averaged over failures, shifts and tiredness."""
    stage, end = plan.scenario.stages[name], plan.arrivals_end_s
    availability = stage.failures.availability if isinstance(stage, Pool) and stage.failures else 1.0
    return _capacity_per_s(plan, name, visits) * availability * work_s(plan, name) / end


def _rates(plan: Plan) -> tuple[float, float] | None:
    """Requests a second on average over the run, and at its busiest time; None where clients wait for their answers."""
    process = plan.arrivals
    if process.mean_rate is None or process.peak_rate is None:
        return None
    if not isinstance(process, OpenProcess) or not isinstance(plan.scenario.arrivals, Profile):
        return process.mean_rate, process.peak_rate
    # The hours of the run are what counts, not those of the whole day or week.
    clock = process.peaks().surged(process.spikes)
    within = (clock.edges[:-1] < clock.start + process.end) & (clock.edges[1:] > clock.start)
    return process.rates().total(process.end) / process.end, float(clock.heights[within].max())


def retries_of(plan: Plan, name: str) -> dict[str, Retry]:
    """The retries that send back to a stage what it turned away."""
    stages = plan.scenario.stages
    fallbacks = {getattr(stages[name], field, None) for field in ("on_full", "on_timeout", "on_failure")}
    found = {key: stage for key, stage in stages.items() if key in fallbacks and isinstance(stage, Retry)}
    return {key: retry for key, retry in found.items() if name in reached(stages, retry.to)}


def _tries(plan: Plan, name: str, rate: float) -> float:
    """How often a request may come to a stage at most that turns it away; 1 where no retry leads back there."""
    tries = 1.0
    for retry in retries_of(plan, name).values():
        budget = inf if retry.budget is None else 1 + retry.budget.share + _over(retry.budget.min_per_s, rate)
        tries = max(tries, min(retry.max_tries, budget))
    return tries


def _most_per_s(plan: Plan, visits: dict[str, float], each: dict[str, float]) -> float:
    """The most requests a second that a closed loop can send: the tightest stage's most, or all who do not think or are served.

    min(1 / D_max, N / (Z + D)): asymptotic bounds (Denning and Buzen 1978). Time between the stages is left out.
    """
    tightest = max(each.values(), default=0.0)
    bounds = [_over(1, tightest)]
    spec = plan.scenario.arrivals
    if isinstance(spec, Loop):
        cycle = mean_think_s(spec) + sum(visits[name] * _service_s(plan, name, stage) for name, stage in _served(plan).items())
        bounds.append(_over(spec.senders * spec.samples, cycle))
    return min(bounds)


def _service_s(plan: Plan, name: str, stage: Pool | People) -> float:
    """Mean time that one request alone is served for, by people who are fresh."""
    return plan.latencies[name].mean_s(1) if isinstance(stage, Pool) else 60 * stage.minutes.mean


def _served(plan: Plan) -> dict[str, Pool | People]:
    return {name: stage for name, stage in plan.scenario.stages.items() if isinstance(stage, Pool | People)}


def _over(part: float, whole: float) -> float:
    """A ratio; nothing of nothing is 0, and the rest of nothing is without end."""
    return part / whole if whole else inf if part else 0.0
