"""The offered load on each stage, known without a run: the arrival rate over the rate the stage can sustain."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from simulator.case.stage_model import AnyStage
from simulator.engine.plan import Plan
from simulator.engine.servers import kind, work_s
from simulator.theory.flows import service_ratios


@dataclass(frozen=True)
class Load:
    """The load that a design offers to one stage: the rate of the requests over the highest rate that it can sustain.

    Below 1 a queue empties again, from 1 on it grows. It is not a share of the time: a pool that gathers its requests in
    batches is busy for a larger part of it, in small batches, long before it is saturated.

    mean: over the time in which requests come, spikes and what strikes left out. peak: at the busiest time, spikes included;
    None where work waits for a shift anyway, so that only the total counts.
    retried: the mean if the stage turned requests away and each came back as often as its retries allow; None without any.
    at_most: whether the load is a bound: clients that wait for answers, or MLPerf's offline samples, cannot exceed capacity.
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
    rates = plan.arrivals.rates_in_run
    if rates is None:
        most = _most_per_s(plan, visits, each)
        return [Load(name, visits[name], most * each[name], None, at_most=True) for name in served]
    mean, peak = rates
    return [
        Load(
            stage=name,
            visits_per_request=visits[name],
            mean=mean * each[name],
            peak=None if stage.keeps_hours else peak * each[name],
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
    return kind(plan, name).capacity_per_s(plan, name, visits)


def _visits_per_s(plan: Plan, name: str, visits: dict[str, float]) -> float:
    """Visits that a stage can take in a second with the servers that it has, averaged over failures, shifts and tiredness."""
    about = kind(plan, name)
    each = about.capacity_per_s(plan, name, visits) * about.availability(plan, name)
    return each * work_s(plan, name) / plan.arrivals_end_s


def retries_of(plan: Plan, name: str) -> dict[str, AnyStage]:
    """The retries that send back to a stage what it turned away."""
    stages = plan.scenario.stages
    found = {key: stages[key] for key in stages[name].fallbacks().values() if key in stages and stages[key].sends_again}
    back = plan.scenario.network.reached
    return {key: retry for key, retry in found.items() if any(name in back(to) for to in retry.planned_targets().values())}


def _tries(plan: Plan, name: str, rate: float) -> float:
    """How often a request may come to a stage at most that turns it away; 1 where no retry leads back there."""
    return max((retry.tries(rate) for retry in retries_of(plan, name).values()), default=1.0)


def _most_per_s(plan: Plan, visits: dict[str, float], each: dict[str, float]) -> float:
    """The most requests a second that a closed loop can send: the tightest stage's most, or all who do not think or are served.

    min(1 / D_max, N / (Z + D)): asymptotic bounds (Denning and Buzen 1978). Time between the stages is left out.
    """
    tightest = max(each.values(), default=0.0)
    bounds = [_over(1, tightest)]
    at_once = plan.scenario.arrivals.most_at_once
    if at_once is not None:
        served_s = sum(visits[name] * kind(plan, name).service_s(plan, name) for name in _served(plan))
        bounds.append(_over(at_once, plan.arrivals.mean_think_s + served_s))
    return min(bounds)


def _served(plan: Plan) -> dict[str, AnyStage]:
    return {name: stage for name, stage in plan.scenario.stages.items() if stage.server}


def _over(part: float, whole: float) -> float:
    """A ratio; nothing of nothing is 0, and the rest of nothing is without end."""
    return part / whole if whole else inf if part else 0.0
