"""How often a request visits each stage if nobody turns it away: the traffic equations v = e + P' v.

Requests are followed in groups that every gate by score, by chance or by an attribute sends the same way, because what two
models say of the same item belongs together, and positives apart from negatives, because people tell them apart. A photo that
shows nothing is scored like the photo of somebody else, and a repeated photo is a fresh draw.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulator.engine.plan import Plan
from simulator.engine.servers import kind
from simulator.stages.stage import Comers, Onward, Photo
from simulator.theory.routing_shares import Routes, certain, drawn_routes

#: By stage: the share of its cases that is served twice.
Twice = dict[str, float]

#: What a ring of stages keeps of the requests that nothing lets out of it: a ring without a way out has a load without end.
KEPT = 1 - 1e-9


class FlowGroup(NamedTuple):
    """Requests that are alike: their share of all, whether they are positives, and what they may show."""

    share: float
    positive: bool
    photos: list[Photo]


def visit_ratios(plan: Plan) -> dict[str, float]:
    """Expected visits to each stage for one request. Each input of a join is a visit, and a second reading is none."""
    return _added_up(plan, (group.share * visits for group, visits, _ in _flows(plan)))


def service_ratios(plan: Plan) -> dict[str, float]:
    """Expected services at each stage for one request: its visits, and second readings on top."""
    names = list(plan.scenario.stages)
    return _added_up(
        plan,
        (
            group.share * visits * np.array([1 + twice.get(name, 0.0) for name in names])
            for group, visits, twice in _flows(plan)
        ),
    )


def _added_up(plan: Plan, by_group: Iterator[NDArray[np.float64]]) -> dict[str, float]:
    return dict(zip(plan.scenario.stages, np.sum(list(by_group), axis=0).tolist(), strict=True))


def _flows(plan: Plan) -> Iterator[tuple[FlowGroup, NDArray[np.float64], Twice]]:
    """Every group of requests with its visits to each stage, and the share of them that is served twice."""
    for group in _groups(plan):
        twice = _served_twice(plan, group)
        yield group, _visits(plan, group, twice).sum(axis=0), twice


def _groups(plan: Plan) -> list[FlowGroup]:
    """The people, and of each kind of them those whose draws send them the same way."""
    return [
        FlowGroup(
            chance * group.share, group.positive, [Photo(photo.chance, {**photo.routes, **drawn}) for photo in group.photos]
        )
        for chance, drawn in drawn_routes(plan)
        for group in _people(plan)
    ]


def _people(plan: Plan) -> list[FlowGroup]:
    population = plan.scenario.population
    if population is None:
        return [FlowGroup(1.0, False, [Photo(1.0, {})])]
    ways, *by_class = _ways(plan)
    prevalence = population.prevalence.value
    unusable = population.quality.unusable.value if population.quality else 0.0
    mix = prevalence * by_class[0] + (1 - prevalence) * by_class[1]
    others = [Photo(unusable * share, _by_quality(plan, False) | way) for way, share in zip(ways, mix.tolist(), strict=True)]

    def photos(way: Routes) -> list[Photo]:
        own = {name: shares for name, shares in way.items() if plan.scenario.stages[name].asks}  # whatever the photo shows
        strange = [Photo(photo.chance, {**photo.routes, **own}) for photo in others] if unusable else []
        return [Photo(1 - unusable, _by_quality(plan, True) | way), *strange]

    return [
        FlowGroup(of_class * share, positive, photos(way))
        for positive, of_class, shares in ((True, prevalence, by_class[0]), (False, 1 - prevalence, by_class[1]))
        for way, share in zip(ways, shares.tolist(), strict=True)
        if of_class * share
    ]


def _ways(plan: Plan) -> tuple[list[Routes], NDArray[np.float64], NDArray[np.float64]]:
    """The ways that gates send labelled items, with the shares of the positives and of the negatives that go them."""
    found = {name: kind(plan, name).routes_of_items(plan, name) for name in plan.scenario.stages}
    gates = {name: routes for name, routes in found.items() if routes is not None}
    if not gates:
        return [{}], np.ones(1), np.ones(1)
    assert plan.scores is not None
    ways, which = np.unique(np.stack([*gates.values()]), axis=1, return_inverse=True)
    named = [{name: certain(plan, name, route) for name, route in zip(gates, way, strict=True)} for way in ways.T.tolist()]
    positives, negatives = (
        np.bincount(items, minlength=len(named)) / len(items) for items in np.split(which.ravel(), [len(plan.scores.positives)])
    )
    return named, positives, negatives


def _by_quality(plan: Plan, usable: bool) -> Routes:
    """Where gates by quality send photos that show enough, or those that do not."""
    found = {name: kind(plan, name).routes_of_photos(plan, name, usable) for name in plan.scenario.stages}
    return {name: shares for name, shares in found.items() if shares is not None}


def _served_twice(plan: Plan, group: FlowGroup) -> Twice:
    """The share of a group's cases that is served a second time; a tag that a gate gave is taken to last until then."""
    found = {name: stage.served_again() for name, stage in plan.scenario.stages.items()}
    twice = {name: share for name, (share, _) in found.items() if share}
    tags = {name: tag for name, (share, tag) in found.items() if share and tag}
    if tags:
        visits = dict(zip(plan.scenario.stages, _visits(plan, group, {}).T, strict=True))
        for name, tag in tags.items():
            cases = float(visits[name].sum())
            twice[name] *= min(1.0, _tagged(plan, group, visits, tag) / cases) if cases else 0.0
    return twice


def _tagged(plan: Plan, group: FlowGroup, visits: dict[str, NDArray[np.float64]], tag: str) -> float:
    """Expected times that one request of a group is given a tag; visits: by stage, one figure a photo."""
    return sum(
        float(visits[name][index]) * way.share
        for name in plan.scenario.stages
        for index, photo in enumerate(group.photos)
        for way in _onward(plan, name, group, photo, {})
        if way.tag == tag
    )


def _visits(plan: Plan, group: FlowGroup, twice: Twice) -> NDArray[np.float64]:
    """Expected visits of one request of a group to each stage with each photo, shape (photos, stages)."""
    places = {name: index for index, name in enumerate(plan.scenario.stages)}
    chances = np.array([photo.chance for photo in group.photos])
    moves = np.zeros((len(chances), len(places)) * 2)
    for name in places:
        for index, photo in enumerate(group.photos):
            for way in _onward(plan, name, group, photo, twice):
                if way.to in places:
                    shown: NDArray[np.float64] | float = chances if way.anew else 1.0
                    moves[index, places[name], slice(None) if way.anew else index, places[way.to]] += way.share * shown
    start = np.zeros((len(chances), len(places)))
    start[:, places[plan.scenario.start]] = chances
    size = start.size
    return np.asarray(np.linalg.solve(np.eye(size) - KEPT * moves.reshape(size, size).T, start.ravel()).reshape(start.shape))


def _onward(plan: Plan, name: str, group: FlowGroup, photo: Photo, twice: Twice) -> list[Onward]:
    """Where the requests of a group that show a photo go on to from a stage; nobody is turned away, so nobody retries."""
    return kind(plan, name).flows(plan, name, Comers(group.positive, photo, group.photos, twice.get(name, 0.0)))
