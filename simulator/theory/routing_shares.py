"""Which way chance, sensors, the numbers of frames and drawn or replayed attributes send requests, and how likely that is."""

from __future__ import annotations

from collections.abc import Iterator
from math import lcm
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from simulator.engine.attribute_columns import ATTRIBUTES
from simulator.engine.plan import Plan
from simulator.engine.servers import kind

#: By stage: the share of the requests that takes each of its routes.
Routes = dict[str, list[float]]

#: Frames of a sensor that stand for all others.
_MOST_FRAMES = 20_000

#: One outcome of the draws: how likely it is, and where it sends a request.
Drawn = tuple[float, Routes]


def drawn_routes(plan: Plan) -> list[Drawn]:
    """Every outcome of the draws that stages go by; one that says nothing where no stage goes by any.

    Stages that ask the same attribute belong together; attributes, and stages that go by chance, are independent of each other.
    A request that comes to a stage again goes the way it went before.
    """
    found: list[Drawn] = [(1.0, {})]
    for draws in [*_chances(plan), *_frames(plan), *_attributes(plan)]:
        found = [(one * other, routes | further) for one, routes in found for other, further in draws]
    return found


def certain(plan: Plan, name: str, route: int) -> list[float]:
    """The shares that take each route of a stage where all take this one."""
    return [float(index == route) for index in range(len(plan.scenario.stages[name].planned_targets()))]


def _chances(plan: Plan) -> Iterator[list[Drawn]]:
    """The outcomes at each stage that goes by chance alone."""
    for name in plan.scenario.stages:
        shares = kind(plan, name).routes_by_chance(plan, name)
        if shares is not None:
            yield [(share, {name: certain(plan, name, route)}) for route, share in enumerate(shares) if share > 0]


def _frames(plan: Plan) -> Iterator[list[Drawn]]:
    """The outcomes at the stages that go by the sensor of a frame or by its number.

    A number leaves each remainder equally often. Frames are counted until all remainders have met, or so many of each sensor.
    """
    names = [name for name, stage in plan.scenario.stages.items() if stage.by_source]
    if names:
        rates = np.array([*plan.scenario.arrivals.frames_per_s.values()])
        every = [route.every or 1 for name in names for route in cast(Any, plan.scenario.stages[name]).routes]
        count = min(lcm(*every), _MOST_FRAMES)
        sensors, frames = np.repeat(np.arange(len(rates)), count), np.tile(np.arange(count), len(rates))
        taken = np.stack([kind(plan, name).routes_of_frames(plan, name, sensors, frames) for name in names])
        yield _outcomes(plan, names, (rates / rates.sum() / count)[sensors], taken)


def _attributes(plan: Plan) -> Iterator[list[Drawn]]:
    """The outcomes of each attribute that stages ask, unless it hangs on the labelled item."""
    asking = {name: stage.asks for name, stage in plan.scenario.stages.items() if stage.asks}
    for attribute in dict.fromkeys(asking.values()):
        spec, names = plan.scenario.attributes[attribute], [name for name, asked in asking.items() if asked == attribute]
        if not spec.of_items:
            bounds = np.unique([bound for name in names for bound in kind(plan, name).bounds(plan, name)])
            chances, values = ATTRIBUTES[spec.kind].cells(plan, attribute, bounds)
            taken = np.stack([kind(plan, name).routes_of_values(plan, name, values) for name in names])
            yield _outcomes(plan, names, chances, taken)


def _outcomes(plan: Plan, names: list[str], chances: NDArray[np.float64], taken: NDArray[np.int64]) -> list[Drawn]:
    """chances: of each value, shape (values,); taken: the route of each stage, shape (stages, values)"""
    ways, which = np.unique(taken, axis=1, return_inverse=True)
    shares = np.bincount(which.ravel(), chances)
    return [
        (float(share), {name: certain(plan, name, route) for name, route in zip(names, way, strict=True)})
        for share, way in zip(shares, ways.T.tolist(), strict=True)
        if share > 0
    ]
