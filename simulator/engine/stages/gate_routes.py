"""Routes of a plan: thresholds between the routes of a gate, and the draws that stages route by with their joint outcomes.

Stages route by chance, by sensors and numbers of frames, and by attributes. Draws are independent of each other, but for stages
that route by one attribute, or by the frame: they share a draw. A request that comes to a stage again takes the route that it
took before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from math import lcm, prod
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from simulator.case.network import graph_of
from simulator.case.scenario_parts import FRAME
from simulator.engine.contract import planned_routers
from simulator.limits import ROUTE_OUTCOMES
from simulator.phrases import phrase

if TYPE_CHECKING:
    from simulator.arrays import Column
    from simulator.case.document import Path
    from simulator.engine.compiled_plan import Plan
    from simulator.engine.stages.gate import Gate, Route


def first_reached(values: NDArray[Any], cuts: Sequence[float] | NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the place of the first threshold that each value reaches, or of the rest; shape of `values`."""
    route = np.full(len(values), len(cuts))
    for index, cut in reversed([*enumerate(cuts)]):
        route[values >= cut] = index
    return route


def thresholds(plan: Plan, gate: Gate) -> list[float]:
    """One threshold for each route of the gate but the last, in the order of the routes."""
    if gate.by_chance and not gate.by_label:
        return chance_thresholds(gate)
    if gate.by_label or gate.by_source or gate.values(plan.scenario):
        return [float(rank) for rank in range(len(gate.routes) - 1, 0, -1)]
    return [_threshold(plan, gate, route) for route in gate.routes if not route.is_rest]


def attribute_values(plan: Plan, gate: Gate, column: Column) -> NDArray[np.float32]:
    """Return what a gate compares with its thresholds of the values of the attribute that it asks, shape of `column`.

    Of a category, or a sensor: how many routes it takes to come to the one that names it, counted from the last, which is 0.
    """
    values = gate.values(plan.scenario)
    if not values:
        return column.astype(np.float32, copy=False)
    rank = np.zeros(len(values) + 1, np.float32)  # the last element is of those that have no value
    for index, route in enumerate(gate.routes):
        rank[[values.index(value) for value in route.values or []]] = len(gate.routes) - 1 - index
    return rank[column]


def frame_values(plan: Plan, gate: Gate, sensors: Column, frames: Column) -> NDArray[np.float32]:
    """Return the route of each frame by its sensor or its number, both counted from 0 and of one shape."""
    if gate.by != FRAME:
        return attribute_values(plan, gate, sensors)
    rank = np.zeros(len(frames), np.float32)
    for place, route in enumerate(reversed(gate.routes)):
        if route.every is not None:
            rank[frames % route.every == route.first] = place
    return rank


def label_values(gate: Gate, positive: NDArray[np.bool_], drawn: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the route of each request by its label and a uniform draw, shapes (n,): the place, counted from the last route."""
    taken = [first_reached(drawn, np.array(chance_thresholds(gate, label), np.float32)) for label in (False, True)]
    return (len(gate.routes) - 1 - np.where(positive, taken[1], taken[0])).astype(np.float32)


def chance_thresholds(gate: Gate, positive: bool = False) -> list[float]:
    shares = [route.chance(positive) for route in gate.routes if not route.is_rest]
    return [float(cut) for cut in (1 - np.cumsum(shares)).clip(0)]


def _threshold(plan: Plan, gate: Gate, route: Route) -> float:
    if route.at_least is not None:
        return route.at_least
    if gate.by_score:
        table, promised = plan.table_of(gate), gate.holds == "next"
        if route.at_sensitivity is not None:
            return table.threshold_at(route.at_sensitivity, promised)
        assert route.at_specificity is not None
        return table.threshold_above(route.at_specificity, promised)
    return _check_threshold(plan, gate, route)


def _check_threshold(plan: Plan, gate: Gate, route: Route) -> float:
    check = plan.checks[gate.by]
    if route.at_specificity is not None:
        return check.threshold_above(route.at_specificity)
    assert route.at_sensitivity is not None
    return check.threshold_at(route.at_sensitivity)


#: By stage: the share of the requests that takes each of its routes.
Routes = dict[str, list[float]]

#: Frames of a sensor that stand for all others.
_MOST_FRAMES = 20_000


class RouteOutcome(NamedTuple):
    """One outcome of a draw, or of several: its chance, and the routes that it decides."""

    chance: float
    routes: Routes


class RouteDraw(NamedTuple):
    """A draw: the stages that route by it, and its outcomes, which are worked out on demand."""

    stages: list[str]
    outcomes: Callable[[], list[RouteOutcome]]


def drawn_routes(plan: Plan, positive: bool = False) -> list[RouteOutcome]:
    """Return outcomes of all draws that give the expected visits, each with its chance; a single empty one without any draw.

    A way through the stages that uses a draw once has a chance that is linear in the shares of that draw, so the shares stand
    for its outcomes. Only draws that a request may use again are followed outcome by outcome. positive: whether they are those
    of positives, or of negatives.
    """
    once, again = _parted(plan, positive)
    joint = [RouteOutcome(1.0, {name: shares for draw in once for name, shares in _mean(draw.outcomes())})]
    for draw in again:
        outcomes = draw.outcomes()
        joint = [RouteOutcome(a.chance * b.chance, a.routes | b.routes) for a in joint for b in outcomes]
    return joint


def too_many_outcomes(plan: Plan) -> tuple[Path, str] | None:
    """Return the place and the sentence of a fault if drawn routes have more outcomes than are followed, else None."""
    again = _parted(plan)[1]
    names = [name for draw in again for name in draw.stages]
    most = prod(len(plan.scenario.stages[name].planned_targets()) for name in names)  # outcomes are at most as many
    count = most if most <= ROUTE_OUTCOMES.most else prod(len(draw.outcomes()) for draw in again)
    if count <= ROUTE_OUTCOMES.most:
        return None
    more, most = len(names) - 1, ROUTE_OUTCOMES.most
    return ("stages", names[0]), phrase("routes.outcomes", stage=names[0], more=more, count=count, most=most)


def _parted(plan: Plan, positive: bool = False) -> tuple[list[RouteDraw], list[RouteDraw]]:
    """Return the draws that every way uses at most once, and the others. positive: whether those of positives, or of negatives.

    A draw is used again if one of its stages lies behind another, or behind itself. It is also followed by outcomes if it
    decides how often another photo is asked for, or the share of cases that is read twice.
    """
    stages = plan.scenario.stages
    graph = graph_of({name: stage.planned_targets().values() for name, stage in stages.items()})
    reads = {name for name, stage in stages.items() if stage.service.again_tag}
    tags = {stages[name].service.again_tag for name in reads}
    reads |= {name for name, routing in plan.scenario.routers().items() if tags & {tag for tag, _ in routing.open_routes()}}
    asks = {name for name, stage in stages.items() if stage.repeats.photos > 1}
    once, again = list[RouteDraw](), list[RouteDraw]()
    for draw in _draws(plan, positive):
        own, next_ = set(draw.stages), {target for name in draw.stages for target in graph[name]}
        behind = next_.union(*(nx.descendants(graph, target) for target in next_))
        (again if behind & (own | reads) or own & reads or next_ & asks else once).append(draw)
    return once, again


def _mean(outcomes: list[RouteOutcome]) -> Iterator[tuple[str, list[float]]]:
    for name in outcomes[0].routes:
        yield name, np.sum([outcome.chance * np.array(outcome.routes[name]) for outcome in outcomes], axis=0).tolist()


def _draws(plan: Plan, positive: bool) -> Iterator[RouteDraw]:
    routers = planned_routers(plan)
    for name, routing in routers.items():
        if routing.routes_by_chance(plan, positive) is not None:
            yield RouteDraw([name], partial(_by_chance, plan, name, positive))
    by_source = [name for name, routing in routers.items() if routing.by_source]
    if by_source:
        yield RouteDraw(by_source, partial(_by_frame, plan, by_source))
    asking = {name: routing.asks for name, routing in routers.items() if routing.asks}
    for attribute in dict.fromkeys(asking.values()):
        if not plan.scenario.attributes[attribute].of_items:  # else the labelled item decides
            names = [name for name, asked in asking.items() if asked == attribute]
            yield RouteDraw(names, partial(_by_attribute, plan, attribute, names))


def certain(plan: Plan, name: str, route: int) -> list[float]:
    return [float(index == route) for index in range(len(plan.scenario.stages[name].planned_targets()))]


def _by_chance(plan: Plan, name: str, positive: bool) -> list[RouteOutcome]:
    shares = planned_routers(plan)[name].routes_by_chance(plan, positive) or []
    return [RouteOutcome(share, {name: certain(plan, name, route)}) for route, share in enumerate(shares) if share > 0]


def _by_frame(plan: Plan, names: list[str]) -> list[RouteOutcome]:
    """Return the outcomes at the stages that route by the sensor of a frame or by its number.

    A number leaves each remainder equally often. Frames are counted until all remainders have met, or up to _MOST_FRAMES.
    """
    rates = np.array([*plan.scenario.arrivals.content.frames_per_s.values()])
    every = [route.every or 1 for name in names for route in cast(Any, plan.scenario.stages[name]).routes]
    count = min(lcm(*every), _MOST_FRAMES)
    sensors, frames = np.repeat(np.arange(len(rates)), count), np.tile(np.arange(count), len(rates))
    taken = np.stack([planned_routers(plan)[name].routes_of_frames(plan, sensors, frames) for name in names])
    return _outcomes(plan, names, (rates / rates.sum() / count)[sensors], taken)


def _by_attribute(plan: Plan, attribute: str, names: list[str]) -> list[RouteOutcome]:
    routers = planned_routers(plan)
    bounds = np.unique([bound for name in names for bound in routers[name].bounds(plan)])
    chances, values = plan.scenario.attributes[attribute].cells(plan, attribute, bounds)
    taken = np.stack([routers[name].routes_of_values(plan, values) for name in names])
    return _outcomes(plan, names, chances, taken)


def _outcomes(plan: Plan, names: list[str], chances: NDArray[np.float64], taken: NDArray[np.int64]) -> list[RouteOutcome]:
    """chances: of each value, shape (values,); taken: the route of each stage, shape (stages, values)"""
    ways, which = np.unique(taken, axis=1, return_inverse=True)
    shares = np.bincount(which.ravel(), chances)
    return [
        RouteOutcome(float(share), {name: certain(plan, name, route) for name, route in zip(names, way, strict=True)})
        for share, way in zip(shares, ways.T.tolist(), strict=True)
        if share > 0
    ]
