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
from scipy.special import ndtr

from simulator.scenario.stages import Fork, Gate, Join, Link, People, Pool, Retake
from simulator.scenario.stages.gate import QUALITY, SCORE
from simulator.serving.attributes import gate_values, goes_by_items, item_values
from simulator.serving.plan import Plan
from simulator.serving.requests import quality_separation
from simulator.serving.theory.drawn import Routes, drawn_routes
from simulator.serving.thresholds import thresholds

#: Where the requests at a stage go on to, each with its share.
Shares = list[tuple[str, float]]

#: By stage: the share of its cases that is read twice.
Twice = dict[str, float]

#: What a ring of stages keeps of the requests that nothing lets out of it: a ring without a way out has a load without end.
KEPT = 1 - 1e-9


class Photo(NamedTuple):
    """One thing that a request may show: how likely that is, and where gates then send it."""

    chance: float
    routes: Routes


class Group(NamedTuple):
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


def _flows(plan: Plan) -> Iterator[tuple[Group, NDArray[np.float64], Twice]]:
    """Every group of requests with its visits to each stage, and the share of them that is read twice."""
    for group in _groups(plan):
        twice = _read_twice(plan, group)
        yield group, _visits(plan, group, twice).sum(axis=0), twice


def _groups(plan: Plan) -> list[Group]:
    """The people, and of each kind of them those whose draws send them the same way."""
    return [
        Group(chance * group.share, group.positive, [Photo(photo.chance, photo.routes | drawn) for photo in group.photos])
        for chance, drawn in drawn_routes(plan)
        for group in _people(plan)
    ]


def _people(plan: Plan) -> list[Group]:
    population = plan.scenario.population
    if population is None:
        return [Group(1.0, False, [Photo(1.0, {})])]
    ways, *by_class = _ways(plan)
    own = [name for name, gate in _gates(plan).items() if goes_by_items(plan, gate)]
    prevalence = population.prevalence.value
    unusable = population.quality.unusable.value if population.quality else 0.0
    mix = prevalence * by_class[0] + (1 - prevalence) * by_class[1]
    others = [Photo(unusable * share, _by_quality(plan, False) | way) for way, share in zip(ways, mix.tolist(), strict=True)]

    def photos(way: Routes) -> list[Photo]:
        mine = {name: way[name] for name in own}  # whose photo it is does not change with what it shows
        strange = [Photo(photo.chance, photo.routes | mine) for photo in others] if unusable else []
        return [Photo(1 - unusable, _by_quality(plan, True) | way), *strange]

    return [
        Group(of_class * share, positive, photos(way))
        for positive, of_class, shares in ((True, prevalence, by_class[0]), (False, 1 - prevalence, by_class[1]))
        for way, share in zip(ways, shares.tolist(), strict=True)
        if of_class * share
    ]


def _ways(plan: Plan) -> tuple[list[Routes], NDArray[np.float64], NDArray[np.float64]]:
    """The ways that gates send labelled items, with the shares of the positives and of the negatives that go them."""
    gates = {name: gate for name, gate in _gates(plan).items() if gate.by == SCORE or goes_by_items(plan, gate)}
    if not gates:
        return [{}], np.ones(1), np.ones(1)
    assert plan.scores is not None
    taken = np.stack([_routes_of_items(plan, gate) for gate in gates.values()])
    ways, which = np.unique(taken, axis=1, return_inverse=True)
    named = [dict(zip(gates, map(_certain, gates.values(), way), strict=True)) for way in ways.T.tolist()]
    positives, negatives = (
        np.bincount(items, minlength=len(named)) / len(items) for items in np.split(which.ravel(), [len(plan.scores.positives)])
    )
    return named, positives, negatives


def _certain(gate: Gate, route: int) -> list[float]:
    return [float(index == route) for index in range(len(gate.routes))]


def _routes_of_items(plan: Plan, gate: Gate) -> NDArray[np.int64]:
    """Which route of a gate each labelled item takes, positives first: the first whose threshold it reaches."""
    if goes_by_items(plan, gate):
        values = gate_values(plan, gate, item_values(plan, gate.by)).astype(float)
    else:
        table = plan.table_of(gate)
        values = np.concatenate([table.positives, table.negatives])
    passes = [values >= cut for cut in thresholds(plan, gate)] + [np.ones(len(values), bool)]
    return np.asarray(np.argmax(passes, axis=0))


def _by_quality(plan: Plan, usable: bool) -> Routes:
    """Where gates by quality send photos that show enough, or those that do not."""
    assert plan.scenario.population is not None
    quality = plan.scenario.population.quality
    apart = quality_separation(quality.auc.value) if quality and usable else 0.0
    found: Routes = {}
    for name, gate in _gates(plan).items():
        if gate.by == QUALITY:
            above = [float(ndtr(apart - cut)) for cut in thresholds(plan, gate)]
            found[name] = [low - high for low, high in zip([*above, 1.0], [0.0, *above], strict=True)]
    return found


def _read_twice(plan: Plan, group: Group) -> Twice:
    """The share of a group's cases that is read a second time; a tag that a gate gave is taken to last until then."""
    readers = {name: stage for name, stage in plan.scenario.stages.items() if isinstance(stage, People)}
    found = {name: stage.second_reader for name, stage in readers.items() if stage.second_reader}
    twice = {name: second.share for name, second in found.items()}
    tags = {name: second.tag for name, second in found.items() if second.tag}
    if tags:
        visits = dict(zip(plan.scenario.stages, _visits(plan, group, {}).T, strict=True))
        for name, tag in tags.items():
            cases = float(visits[name].sum())
            twice[name] *= min(1.0, _tagged(plan, group, visits, tag) / cases) if cases else 0.0
    return twice


def _tagged(plan: Plan, group: Group, visits: dict[str, NDArray[np.float64]], tag: str) -> float:
    """Expected times that one request of a group is given a tag; visits: by stage, one figure a photo."""
    return sum(
        float(visits[name][index]) * share
        for index, photo in enumerate(group.photos)
        for name, gate in _gates(plan).items()
        for route, share in zip(gate.routes, photo.routes[name], strict=True)
        if route.tag == tag
    )


def _visits(plan: Plan, group: Group, twice: Twice) -> NDArray[np.float64]:
    """Expected visits of one request of a group to each stage with each photo, shape (photos, stages)."""
    places = {name: index for index, name in enumerate(plan.scenario.stages)}
    chances = np.array([photo.chance for photo in group.photos])
    moves = np.zeros((len(chances), len(places)) * 2)
    for name, stage in plan.scenario.stages.items():
        for index, photo in enumerate(group.photos):
            for target, share in _shares(plan, name, group, photo, twice):
                if target not in places:
                    continue
                if isinstance(stage, Retake) and target == stage.to:
                    moves[index, places[name], :, places[target]] += share * chances
                else:
                    moves[index, places[name], index, places[target]] += share
    start = np.zeros((len(chances), len(places)))
    start[:, places[plan.scenario.start]] = chances
    size = start.size
    return np.asarray(np.linalg.solve(np.eye(size) - KEPT * moves.reshape(size, size).T, start.ravel()).reshape(start.shape))


def _shares(plan: Plan, name: str, group: Group, photo: Photo, twice: Twice) -> Shares:
    """Which share of the requests at a stage goes on to which target; nobody is turned away, so nobody retries."""
    stage = plan.scenario.stages[name]
    if isinstance(stage, Link | Pool):
        return [(stage.to, 1.0)]
    if isinstance(stage, Fork):
        return [(target, 1.0) for target in stage.to]
    if isinstance(stage, Join):
        return [(stage.to, 1 / plan.scenario.inputs_of(name))]
    if isinstance(stage, Gate):
        return [(route.to, share) for route, share in zip(stage.routes, photo.routes[name], strict=True)]
    if isinstance(stage, People):
        return _called(stage, group.positive, twice.get(name, 0.0))
    if isinstance(stage, Retake):
        return _taken_again(plan, name, stage, group)
    return []


def _called(stage: People, positive: bool, twice: float) -> Shares:
    """What people say of positives, or of negatives; two readings of one case are independent of each other."""
    once = stage.sensitivity.value if positive else 1 - stage.specificity.value
    either = stage.second_reader is not None and stage.second_reader.rule == "either"
    again = 1 - (1 - once) ** 2 if either else once**2
    found = (1 - twice) * once + twice * again
    return [(stage.positive_to, found), (stage.negative_to, 1 - found)]


def _taken_again(plan: Plan, name: str, stage: Retake, group: Group) -> Shares:
    """With r the chance of being sent back and trying again, 1 + r + ... + r^(m-1) photos are taken; the last is final."""
    back = sum(photo.chance * _sent_to(plan, name, photo) for photo in group.photos)
    stays = 1 - stage.gives_up.value
    chain = [(back * stays) ** k for k in range(stage.max_tries)]
    last = chain[-1] / sum(chain)
    return [(stage.to, (1 - last) * stays), (stage.on_exhausted, last), (stage.on_give_up, (1 - last) * (1 - stays))]


def _sent_to(plan: Plan, name: str, photo: Photo) -> float:
    """How likely the gate that sends most photos like this to a stage is to do so."""
    shares = [
        sum(share for route, share in zip(gate.routes, photo.routes[sender], strict=True) if route.to == name)
        for sender, gate in _gates(plan).items()
    ]
    return max(shares, default=0.0)


def _gates(plan: Plan) -> dict[str, Gate]:
    return {name: stage for name, stage in plan.scenario.stages.items() if isinstance(stage, Gate)}
