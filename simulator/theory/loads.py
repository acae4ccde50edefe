"""Visits to the stages and offered loads, known without a run, by the traffic equations v = e + P' v.

Requests are followed in groups that every gate by score sends one way, because the scores of two models on an item belong
together, and positives apart from negatives, because people tell them apart. Other draws take their mean share, unless a
request may use one again (`simulator.engine.stages.gate_routes`). A photo with a fault is scored like the photo of another
person, and a repeated photo is a fresh draw.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from math import inf, prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulator.case.any_stage import AnyStage
from simulator.case.scenario_parts import AnyPhotoCheck
from simulator.engine.compiled_plan import Plan, surges
from simulator.engine.contract import Comers, Onward, Photo, planned_routers, stage_of
from simulator.engine.stages.gate_routes import Routes, certain, drawn_routes
from simulator.records.streams import cache_per_plan

#: By stage: the share of its cases that is served twice.
Repeats = dict[str, float]

#: The share that stays in a ring of stages per round, at most: a ring without a way out has a load without end.
KEPT = 1 - 1e-9


class FlowGroup(NamedTuple):
    """Requests that are alike: their share of all, whether they are positives, and their photos."""

    share: float
    positive: bool
    photos: list[Photo]


def visit_ratios(plan: Plan) -> dict[str, float]:
    return _added_up(plan, (group.share * visits for group, visits, _ in _flows(plan)))


@cache_per_plan
def service_ratios(plan: Plan) -> dict[str, float]:
    """Return the expected services at each stage for one request: its visits, and second readings on top."""
    names = list(plan.scenario.stages)
    return _added_up(
        plan,
        (
            group.share * visits * np.array([1 + repeats.get(name, 0.0) for name in names])
            for group, visits, repeats in _flows(plan)
        ),
    )


def _added_up(plan: Plan, by_group: Iterator[NDArray[np.float64]]) -> dict[str, float]:
    return dict(zip(plan.scenario.stages, np.sum(list(by_group), axis=0).tolist(), strict=True))


def _flows(plan: Plan) -> Iterator[tuple[FlowGroup, NDArray[np.float64], Repeats]]:
    for group in _groups(plan):
        repeats = _repeats_of(plan, group)
        yield group, _visits(plan, group, repeats).sum(axis=0), repeats


def _groups(plan: Plan) -> list[FlowGroup]:
    people = _people(plan)
    drawn_by_label = {positive: drawn_routes(plan, positive) for positive in {group.positive for group in people}}
    return [
        FlowGroup(
            chance * group.share, group.positive, [Photo(photo.chance, {**photo.routes, **drawn}) for photo in group.photos]
        )
        for group in people
        for chance, drawn in drawn_by_label[group.positive]
    ]


def _people(plan: Plan) -> list[FlowGroup]:
    population = plan.scenario.population
    if population is None:
        return [FlowGroup(1.0, False, [Photo(1.0, {})])]
    ways, *by_class = _ways(plan)
    prevalence = population.prevalence.value
    mix = (prevalence * by_class[0] + (1 - prevalence) * by_class[1]).tolist()
    faulty = [(chance, faults) for chance, faults in _faults(population.photo_checks) if faults and chance]
    others = [
        Photo(chance * share, _by_checks(plan, faults) | way)
        for chance, faults in faulty
        for way, share in zip(ways, mix, strict=True)
    ]
    fine, routers = 1 - sum(chance for chance, _ in faulty), plan.scenario.routers()

    def photos(way: Routes) -> list[Photo]:
        own = {name: shares for name, shares in way.items() if routers[name].asks}  # whatever the photo shows
        strange = [Photo(photo.chance, {**photo.routes, **own}) for photo in others]
        return [Photo(fine, _by_checks(plan, frozenset()) | way), *strange]

    return [
        FlowGroup(of_class * share, positive, photos(way))
        for positive, of_class, shares in ((True, prevalence, by_class[0]), (False, 1 - prevalence, by_class[1]))
        for way, share in zip(ways, shares.tolist(), strict=True)
        if of_class * share
    ]


def _ways(plan: Plan) -> tuple[list[Routes], NDArray[np.float64], NDArray[np.float64]]:
    """Return the routes of labelled items through the gates, with the share of the positives and of the negatives on each."""
    routes_of = {name: routing.routes_of_items(plan) for name, routing in planned_routers(plan).items()}
    gates = {name: routes for name, routes in routes_of.items() if routes is not None}
    if not gates:
        return [{}], np.ones(1), np.ones(1)
    assert plan.scores is not None
    ways, which = np.unique(np.stack([*gates.values()]), axis=1, return_inverse=True)
    named = [{name: certain(plan, name, route) for name, route in zip(gates, way, strict=True)} for way in ways.T.tolist()]
    positives, negatives = (
        np.bincount(items, minlength=len(named)) / len(items) for items in np.split(which.ravel(), [len(plan.scores.positives)])
    )
    return named, positives, negatives


def _faults(checks: Mapping[str, AnyPhotoCheck]) -> Iterator[tuple[float, frozenset[str]]]:
    """Yield each set of faults that a photo may have together, with its chance; faults are independent."""
    for which in product((False, True), repeat=len(checks)):
        chances = [
            check.share if has_fault else 1 - check.share for has_fault, check in zip(which, checks.values(), strict=True)
        ]
        yield prod(chances), frozenset(name for has_fault, name in zip(which, checks, strict=True) if has_fault)


def _by_checks(plan: Plan, faults: frozenset[str]) -> Routes:
    routes = {name: routing.routes_of_photos(plan, faults) for name, routing in planned_routers(plan).items()}
    return {name: shares for name, shares in routes.items() if shares is not None}


def _repeats_of(plan: Plan, group: FlowGroup) -> Repeats:
    """Return the share of a group's cases that is served a second time; tags of gates are assumed to last until then."""
    services = {name: stage.service for name, stage in plan.scenario.stages.items()}
    repeats = {name: service.again for name, service in services.items() if service.again}
    tags = {name: tag for name in repeats if (tag := services[name].again_tag)}
    if tags:
        visits = dict(zip(plan.scenario.stages, _visits(plan, group, {}).T, strict=True))
        for name, tag in tags.items():
            cases = float(visits[name].sum())
            repeats[name] *= min(1.0, _tagged(plan, group, visits, tag) / cases) if cases else 0.0
    return repeats


def _tagged(plan: Plan, group: FlowGroup, visits: dict[str, NDArray[np.float64]], tag: str) -> float:
    """Return the expected number of times that a request of a group is given a tag; visits: by stage, one figure per photo."""
    return sum(
        float(visits[name][index]) * way.share
        for name in plan.scenario.stages
        for index, onward in enumerate(_onward(plan, name, group, {}))
        for way in onward
        if way.tag == tag
    )


def _visits(plan: Plan, group: FlowGroup, repeats: Repeats) -> NDArray[np.float64]:
    """Return the expected visits of one request of a group to each stage with each photo, shape (photos, stages)."""
    places = {name: index for index, name in enumerate(plan.scenario.stages)}
    size, chances = len(places), np.array([photo.chance for photo in group.photos])
    moves, anew = np.zeros((2, len(chances), size, size))  # by photo: from the stage of a column to that of a row
    for name, column in places.items():
        for index, onward in enumerate(_onward(plan, name, group, repeats)):
            for way in onward:
                if way.to in places:
                    (anew if way.anew else moves)[index, places[way.to], column] += KEPT * way.share
    visits = np.linalg.inv(np.eye(size) - moves)  # by photo: the visits to each stage, from each stage on
    start = (np.arange(size) == places[plan.scenario.start]).astype(float)
    again = np.tensordot(chances, anew @ visits, 1)
    begun = np.linalg.solve(np.eye(size) - again, start)  # by stage: the times that a request begins there, with any photo
    return np.asarray(chances[:, None] * (visits @ begun))


def _onward(plan: Plan, name: str, group: FlowGroup, repeats: Repeats) -> list[list[Onward]]:
    """Return the ways on from a stage with each photo of a group; only routing looks at the photo."""
    flows, again = stage_of(plan, name).flows, repeats.get(name, 0.0)
    photos = group.photos if plan.scenario.stages[name].routing else group.photos[:1]
    ways = [flows(plan, name, Comers(group.positive, photo, group.photos, again)) for photo in photos]
    return ways if len(ways) == len(group.photos) else ways * len(group.photos)


@dataclass(frozen=True)
class Load:
    """The load that a design offers to one stage: the rate of the requests over the highest rate that it can sustain.

    Below 1 a queue empties again, from 1 on it grows. It is not a share of the time: a pool that gathers its requests in
    batches is busy for a larger part of it, in small batches, long before it is saturated.

    mean: while requests arrive, without spikes and curveballs. peak: at the busiest time, both included;
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

    @property
    def at_peak(self) -> float:
        """The peak; 0 where work waits for a shift anyway."""
        return self.peak or 0.0


@cache_per_plan
def loads(plan: Plan) -> list[Load]:
    """Return the load on every stage with a server, if no request is turned away."""
    served = _served(plan)
    visits = {name: ratio for name, ratio in service_ratios(plan).items() if name in served}
    each = {name: _over(visits[name], _visits_per_s(plan, name, visits)) for name in served}
    rates = plan.arrivals.rates_in_run(surges(plan))
    if rates is None:
        most = _most_per_s(plan, visits, each)
        return [Load(name, visits[name], most * each[name], None, at_most=True) for name in served]
    mean, peak = rates
    return [
        Load(
            stage=name,
            visits_per_request=visits[name],
            mean=mean * each[name],
            peak=None if stage.servers.keeps_hours else peak * each[name],
            retried=mean * each[name] * tries if (tries := _tries(plan, name, mean)) > 1 else None,
        )
        for name, stage in served.items()
    ]


@cache_per_plan
def likeness(plan: Plan) -> dict[str, float]:
    """Return the number of requests that wait as one, by stage with a queue that empties again, from the planned load alone.

    Those of one busy period of M/M/1 (`alike_in_busy_period`), in proportion to the variance of arrivals and services (heavy
    traffic: Kingman 1962), and those of a batch, which is as large as the load has it. Frames of sensors come evenly: at a load
    below 1 nothing piles up, and none are told. The empty name is that of the answers: they wait at the stages before them
    alone. None are told where one of these is overloaded, if only at the peak.
    """
    if plan.scenario.sensors:
        return {}
    alike = {load.stage: _alike(plan, load) for load in loads(plan)}
    answering = [name for name, routing in plan.scenario.routers().items() if routing.gives_answers]
    later = plan.scenario.network.only_after(answering, plan.scenario.start)
    alike[""] = max((size for name, size in alike.items() if name not in later), default=1.0)
    return {name: size for name, size in alike.items() if size < inf}


def _alike(plan: Plan, load: Load) -> float:
    if load.at_most or max(load.mean, load.at_peak) >= 1:
        return inf
    spread = stage_of(plan, load.stage).server_capacity(plan, load.stage).spread
    largest = getattr(plan.scenario.stages[load.stage], "max_batch", 1)
    return max(alike_in_busy_period(load.mean) * (1 + spread) / 2, 1.0) + load.mean * (largest - 1)


def capacity_per_s(plan: Plan, name: str) -> float:
    """Return the visits a second of one server of a stage whose queue is never empty; people are fresh.

    A pool then forms the batches that its rule forms of a full queue; another size may give a higher rate. Where it shares an
    accelerator, batches of the other pools slow it down by their part of the work.
    """
    visits = service_ratios(plan) if getattr(plan.scenario.stages[name], "shares", None) else None
    return stage_of(plan, name).server_capacity(plan, name, visits).per_s


def _visits_per_s(plan: Plan, name: str, visits: dict[str, float]) -> float:
    capacity, offered = stage_of(plan, name).server_capacity(plan, name, visits), stage_of(plan, name).offered(plan, name)
    return capacity.per_s * capacity.availability * offered.work_s / plan.arrivals_end_s


def retries_of(plan: Plan, name: str) -> dict[str, AnyStage]:
    """Return the retries that send requests back to the stage that turned them away."""
    stages = plan.scenario.stages
    retries = {key: stages[key] for key in stages[name].fallbacks().values() if key in stages and stages[key].repeats.resends}
    back = plan.scenario.network.reached
    return {key: retry for key, retry in retries.items() if any(name in back(to) for to in retry.planned_targets().values())}


def _tries(plan: Plan, name: str, rate: float) -> float:
    return max((retry.repeats.tries(rate) for retry in retries_of(plan, name).values()), default=1.0)


def _most_per_s(plan: Plan, visits: dict[str, float], each: dict[str, float]) -> float:
    """Return the most requests a second that a closed loop can send: the rate of its tightest stage, or of its clients.

    min(1 / D_max, N / (Z + D)): asymptotic bounds (Denning and Buzen 1978). Time between the stages is left out.
    """
    tightest = max(each.values(), default=0.0)
    bounds = [_over(1, tightest)]
    at_once = plan.scenario.arrivals.most_at_once
    if at_once is not None:
        served_s = sum(visits[name] * stage_of(plan, name).server_capacity(plan, name).service_s for name in _served(plan))
        bounds.append(_over(at_once, plan.arrivals.mean_think_s + served_s))
    return min(bounds)


def _served(plan: Plan) -> dict[str, AnyStage]:
    return {name: stage for name, stage in plan.scenario.stages.items() if stage.servers}


def _over(part: float, whole: float) -> float:
    return part / whole if whole else inf if part else 0.0


@cache_per_plan
def way_ratios(plan: Plan) -> dict[tuple[str, str], float]:
    """Return the expected times that one request takes each planned way, by the stage that it leaves and the target."""
    ratios: dict[tuple[str, str], float] = {}
    for group in _groups(plan):
        repeats = _repeats_of(plan, group)
        visits = group.share * _visits(plan, group, repeats)
        for place, name in enumerate(plan.scenario.stages):
            for index, onward in enumerate(_onward(plan, name, group, repeats)):
                for way in onward:
                    ratios[name, way.to] = ratios.get((name, way.to), 0.0) + float(visits[index, place]) * way.share
    return ratios


def alike_in_busy_period(load: float) -> float:
    """Return E[N^2] / E[N] of the N customers served in a busy period of M/M/1: how many share the period of a customer.

    E[N] = 1 / (1 - r), Var[N] = r (1 + r) / (1 - r)^3 (Kleinrock 1975, Queueing Systems I, section 5.9). A high wait is
    shared by about as many: above any level, the queue lives through a busy period of the same law.
    """
    return 1 / (1 - load) + load * (1 + load) / (1 - load) ** 2


def filling_queue_s(load: NDArray[np.float64], service_s: float, servers: float, span_s: float) -> NDArray[np.float64]:
    """Return the mean time in a queue and in service of the requests that come within `span_s` of an empty start, in seconds.

    Kimber and Hollis's coordinate transformation (TRRL LR909, 1979) as Akcelik writes it (Travel time functions for transport
    planning purposes, 1991): well below capacity the mean of M/M/1 with a server of `servers` times the speed, plus the rest of
    the service; far above it the mean wait of a queue that grows by (load - 1) for the whole span. load: shape (n,), > 0.
    """
    over = load - 1
    return service_s + span_s / 4 * (over + np.sqrt(over**2 + 8 * load * service_s / (servers * span_s)))
