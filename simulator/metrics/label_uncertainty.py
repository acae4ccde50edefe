"""Uncertainty due to the choice of labelled people: draws of each class's shares of the ways through the gates.

Whole patients are resampled (Efron and Tibshirani 1993, chapter 8). A bootstrap of an extreme fails, though: no resample holds
a score below the lowest. So resamples only order the draws, and exact distributions give their size. The class that a
threshold is chosen on is judged at the threshold that was chosen, by the exact interval of Clopper and Pearson (1934); the
other class at the drawn thresholds (`threshold_draws`). Items of one patient count for less than as many patients. (Input
uncertainty: Barton, Nelson and Xie 2013, INFORMS J Computing 26:74.)

What is a sum over people needs no new run: a resample changes which share of a class takes which way through the gates, and
leaves what follows a way. Where queues answer, a few replications run again on resampled tables (`resampled_plan`),
and lines through them say how a time answers to the load that other labelled people bring (`LoadLines`).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod
from typing import Any, NamedTuple

import networkx as nx
import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from simulator.arrays import Codes, Floats
from simulator.case.attributes import item_values
from simulator.case.outputs import Metric
from simulator.engine.compiled_plan import Plan
from simulator.engine.stages.gate import Gate, Route
from simulator.engine.stages.gate_routes import attribute_values, thresholds
from simulator.evidence.score_tables import ScoreTable
from simulator.intervals import LEVEL
from simulator.keeper import remembers
from simulator.limits import MIB
from simulator.metrics.resampled_labels import (
    RESAMPLES,
    by_turns,
    item_gates,
    item_groups,
    labelled_class,
    labelled_group,
    labelled_people,
    never_seen,
    paths_shift,
    score_stretches,
    weights_of,
)
from simulator.records.streams import cache_per_plan
from simulator.theory.loads import filling_queue_s

#: A wait of nothing answers to a queue with this part of what the mean time in it does, at least. It stands still in a few runs
#: only because their loads are low: the median wait is 0 until the servers are nearly always busy.
LEAST_ANSWER = 0.5


class LoadLines(NamedTuple):
    """A stage's load for other labelled people: logarithms of its change, in runs (shape (runs,)) and draws (draws,).

    runs, drawn: of the load; queue_runs, queue_drawn: of the mean time in a queue of that load
    """

    runs: Floats
    drawn: Floats
    queue_runs: Floats
    queue_drawn: Floats

    def bounds(self, moved: Floats, nothing: bool = False) -> tuple[float, float, float]:
        """Return the bounds of the logarithm of a time about its value, and the size of what the load does not explain.

        A wait grows as the load does or as a queue does, or somewhat between; a few runs near one load hardly tell which. The
        line between the two lies nearer to the one that fits better, and never nearer to the load than midway: a run of low
        loads looks straight.

        moved: the logarithms in the runs, shape (runs,); nothing: the time is a wait of nothing
        """
        by_load = _slope(self.runs, moved)
        by_queue = max(_slope(self.queue_runs, moved), LEAST_ANSWER if nothing else -np.inf)
        load_misses, queue_misses = (_squares(moved - by_load * self.runs), _squares(moved - by_queue * self.queue_runs))
        part = max(load_misses / (load_misses + queue_misses), 0.5) if queue_misses else 1.0
        line = (1 - part) * by_load, part * by_queue
        unexplained = float(np.sqrt(_squares(moved - line[0] * self.runs - line[1] * self.queue_runs) / (len(moved) - 1)))
        drawn = line[0] * self.drawn + line[1] * self.queue_drawn
        low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        half = unexplained * float(stdtrit(len(moved) - 1, (1 + LEVEL) / 2))
        return -float(np.hypot(min(low, 0.0), half)), float(np.hypot(max(high, 0.0), half)), unexplained


def load_lines(
    load: float, drawn: Floats, now: Floats, again: Floats, servers: float, service_s: float, span_s: float
) -> LoadLines | None:
    """Return the lines of a stage; None where other labelled people do not change its load, or leave none.

    load, drawn: the load and that of each draw, shape (draws,); now, again: those of the runs, shapes (runs,); servers: how
    many are there on average; service_s: the mean service; span_s: how long requests arrive
    """
    drawn = drawn[np.isfinite(drawn)]  # a draw with an empty class has no load
    if (
        not len(drawn)
        or min(now.min(initial=1.0), again.min(initial=1.0), drawn.min(), service_s) <= 0
        or not (again != now).any()
    ):
        return None

    def queue(loads: Floats | float) -> Floats:
        return np.log(filling_queue_s(np.asarray(loads, float), service_s, servers, span_s))

    return LoadLines(np.log(again / now), np.log(drawn / load), queue(again) - queue(now), queue(drawn) - queue(load))


def _slope(loads: Floats, moved: Floats) -> float:
    """Return the slope of a line through the origin."""
    return float(loads @ moved / (loads @ loads))


def _squares(values: Floats) -> float:
    return float(values @ values)


def cuts_of(plan: Plan, gate: Gate, paired: bool = False) -> Floats:
    """Return the threshold of each route of a gate in each resample, shape (routes, resamples)."""
    if gate.asks:
        return np.repeat(np.array(thresholds(plan, gate))[:, None], RESAMPLES, axis=1)
    table, promised = plan.table_of(gate), gate.holds == "next"
    cuts = [_cuts(table, route, promised, paired) for route in gate.routes if not route.is_rest]
    return np.array(cuts).reshape(len(cuts), RESAMPLES)


@remembers(1024, lambda table, route, *ways: (table.content, route.at_sensitivity, route.at_specificity, route.at_least, *ways))
def _cuts(table: ScoreTable, route: Route, promised: bool, paired: bool) -> Floats:
    """Return draws of a route's threshold, shape (RESAMPLES,); shared by designs with equal scores and routes."""
    if route.at_sensitivity is not None:
        return threshold_draws(table, route.at_sensitivity, promised, paired)
    if route.at_specificity is not None:
        now = table.threshold_above(route.at_specificity, promised)
        if np.isinf(now):
            return np.full(RESAMPLES, now)
        below = np.nextafter(np.float32(now), np.float32(-np.inf))
        highest = labelled_class(table, 0).quantiles(route.at_specificity, below, paired)
        # As scores are compared in single precision, just above the last negative that is to stay below.
        return np.where(np.isinf(highest), highest, np.nextafter(highest.astype(np.float32), np.float32(np.inf)))
    assert route.at_least is not None
    return np.full(RESAMPLES, route.at_least)


def threshold_draws(table: ScoreTable, sensitivity: float, promised: bool = False, paired: bool = False) -> Floats:
    """Return draws of the threshold that everybody's labels would give for a sensitivity, shape (RESAMPLES,).

    -inf in draws where there may be positives below all that are labelled. A threshold that is infinite on the table, where
    all or none is to pass, stays as it is.
    """
    now = table.threshold_at(sensitivity, promised)
    if np.isinf(now):
        return np.full(RESAMPLES, now)
    return -labelled_class(table, 1).mirrored.quantiles(sensitivity, -now, paired)


#: Ways as small as they can be: there are few, but a million of them where each resample has its own.
SmallCodes = NDArray[np.unsignedinteger[Any]]

#: Rounding error allowed in a share of a whole count.
_SLACK = 1e-9


@dataclass(frozen=True)
class RoutingShares:
    """The ways through the gates by score that labelled items take, and the share of each class that takes each.

    codes: the ways, shape (ways,); original: shares on the table, shape (2, ways), negatives first
    stretches: the stretch of the run in which requests take each way (`score_stretches`); the shares of a stretch add up to 1
    drawn: what they may be for everybody, as many draws as resamples, shape (RESAMPLES, 2, ways)
    groups: the same for each group of an attribute of the labelled items, by the key of the group; where a resample holds more
    of a class's group than the table does, its shares are larger by as much
    """

    codes: Codes
    stretches: Codes
    original: Floats
    drawn: Floats
    groups: Mapping[str, RoutingShares] = field(default_factory=dict)

    @property
    def nbytes(self) -> int:
        own = self.codes.nbytes + self.stretches.nbytes + self.original.nbytes + self.drawn.nbytes
        return own + sum(group.nbytes for group in self.groups.values())


@cache_per_plan
def codes_of(plan: Plan) -> Codes:
    """Return the way that each labelled item takes through the gates by score in each stretch, shape (stretches, items).

    Positives come first. A way is a number; no number stands for ways of two stretches.
    """
    gates = item_gates(plan)
    cuts = [np.array(thresholds(plan, gate))[:, None] for gate in gates.values()]
    codes = [np.asarray(_codes(there, cuts, 1)[0], np.int64) for there in score_stretches(plan)[1]]
    return np.stack(codes) + _first_codes(plan)[:, None]


def codes_at(plan: Plan, items: NDArray[np.int32], arrived: Floats) -> Codes:
    """Return the way of requests by labelled item and time of arrival (s), shape (requests,)."""
    return np.asarray(codes_of(plan)[np.searchsorted(score_stretches(plan)[0], arrived, side="right") - 1, items])


def _first_codes(plan: Plan) -> Codes:
    """Return the number of the first way of each stretch; the last way of a stretch has room for one more after it."""
    ways = prod(len(gate.routes) for gate in item_gates(plan).values())
    return np.arange(len(score_stretches(plan)[0])) * (ways + 1)


@cache_per_plan
def ways_of(plan: Plan, paired: bool = False) -> RoutingShares | None:
    """Return the shares of the ways on each resample; None where no labelled item decides one, or picks change in the run.

    paired: with thresholds drawn to compare two designs by (`LabelledClass.quantiles`)

    Where no labelled item of a class errs, the next one may: as many as a Beta distribution allows, whose upper bound is that
    of the exact binomial interval. Tables of one plan hold the same items of the same patients, so that their resamples are
    the same.
    """
    return _ways_of(plan, paired) if item_gates(plan) and not plan.changes else None


def _deciding(plan: Plan) -> Hashable:
    scenario = plan.scenario
    scored = [(name, scenario.scorer_of(gate), gate.model_dump_json()) for name, gate in item_gates(plan).items()]
    attributes = [(name, attribute.model_dump_json()) for name, attribute in scenario.attributes.items()]
    groups = dict.fromkeys(metric.group for metric in scenario.metrics.values() if metric.group)
    scores = [(pool, table.content) for there in (plan, *score_stretches(plan)[1]) for pool, table in there.tables.items()]
    return *scored, *attributes, *groups, *scores


@remembers(32 * MIB, lambda plan, paired: (paired, _deciding(plan)), lambda ways: ways.nbytes)
def _ways_of(plan: Plan, paired: bool) -> RoutingShares:
    """Return the ways; designs that differ elsewhere share them, in a sweep hundreds of them."""
    cuts = [cuts_of(plan, gate, paired) for gate in item_gates(plan).values()]
    stretches = zip(score_stretches(plan)[1], codes_of(plan), _first_codes(plan), strict=True)
    ways = [_ways_in(there, codes - first, cuts, paired) for there, codes, first in stretches]
    groups = {key: _joined(plan, [way.groups[key] for way in ways]) for key in ways[0].groups}
    return replace(_joined(plan, ways), groups=groups)


def _ways_in(there: Plan, now: Codes, cuts: list[Floats], paired: bool) -> RoutingShares:
    """Return the ways in a stretch of the run. there: the plan with scores as then; now: the ways of its items"""
    gates = item_gates(there)
    table = next(iter(there.tables.values()))
    pins = _pins(gates, cuts, "at_specificity"), _pins(gates, cuts, "at_sensitivity")
    closed = all(np.isinf(of_gate).all() for of_gate in cuts)
    taken = _Taken(table, weights_of(table), now, _codes(there, cuts, RESAMPLES), pins, closed)
    groups = {key: taken.ways(members) for key, members in item_groups(there).items()}
    return replace(taken.ways(np.ones(len(taken.now), bool)), groups=groups)


def _joined(plan: Plan, ways: Sequence[RoutingShares]) -> RoutingShares:
    """Join the ways of all stretches, numbered as by `codes_of`."""
    firsts, counts = _first_codes(plan), [len(way.codes) for way in ways]
    return RoutingShares(
        np.concatenate([way.codes + first for way, first in zip(ways, firsts, strict=True)]),
        np.repeat(np.arange(len(ways)), counts),
        np.concatenate([way.original for way in ways], axis=-1),
        np.concatenate([way.drawn for way in ways], axis=-1),
    )


def cuts_on_way(plan: Plan, way: int, paired: bool) -> dict[str, Floats]:
    """Return thresholds of each gate that open a way: those of the draw that sends the most labelled items there.

    If none does, those that send half of the items at a gate there, where scores decide.
    """
    gates, firsts = item_gates(plan), _first_codes(plan)
    stretch = int(np.searchsorted(firsts, way, side="right")) - 1
    there, number = score_stretches(plan)[1][stretch], way - int(firsts[stretch])
    cuts = {name: cuts_of(plan, gate, paired) for name, gate in gates.items()}
    items = np.count_nonzero(_codes(there, list(cuts.values()), RESAMPLES) == number, axis=1)
    opened = {name: of_gate[:, items.argmax()] for name, of_gate in cuts.items()}
    if items.any():
        return opened
    for name, gate in reversed(gates.items()):
        number, place = divmod(number, len(gate.routes))
        if gate.by_score:
            routes = len(gate.routes) - 1
            stricter = np.arange(routes) < place % max(routes, 1)
            opened[name] = np.where(stricter, np.inf, np.median(_item_values(there, gate)))
    return opened


def plain_ways(plan: Plan, other: Plan) -> RoutingShares | None:
    """Return the ways of another design of a plan, without resamples, numbered together with those of the plan.

    None where no labelled item decides a way, scores shift in the run, or the designs have other gates.
    """
    gates, others = ({name: len(gate.routes) for name, gate in item_gates(design).items()} for design in (plan, other))
    if not gates or gates != others or paths_shift(plan):
        return None
    (taken,), positives = codes_of(other), len(next(iter(other.tables.values())).positives)
    codes = np.union1d(codes_of(plan), taken)
    is_positive = np.arange(len(taken)) < positives

    def ways(members: NDArray[np.bool_]) -> RoutingShares:
        of_class = [taken[members & ~is_positive], taken[members & is_positive]]
        shares = [np.mean(items[:, None] == codes, axis=0) if len(items) else np.zeros(len(codes)) for items in of_class]
        return RoutingShares(codes, np.zeros_like(codes), np.stack(shares), np.empty((0, 2, len(codes))))

    groups = {key: ways(members) for key, members in item_groups(other).items()}
    return replace(ways(np.ones(len(taken), bool)), groups=groups)


@dataclass(frozen=True)
class _Taken:
    """The ways that labelled items take, positives first: now, shape (items,), and under the thresholds of each resample.

    weights, anew: shape (RESAMPLES, items); pins: whether thresholds fix the share of each class, negatives first
    closed: whether no threshold lets anything pass, whichever people were labelled
    """

    table: ScoreTable
    weights: Floats
    now: Codes
    anew: SmallCodes
    pins: tuple[bool, bool]
    closed: bool

    @cached_property
    def parts(self) -> tuple[slice, slice]:
        positive = len(self.table.positives)
        return slice(positive, None), slice(0, positive)

    @cached_property
    def by_class(self) -> list[Codes]:
        """The ways that items of each class take, ascending."""
        anew = [[way for way in range(int(self.anew.max()) + 1) if (self.anew[:, part] == way).any()] for part in self.parts]
        return [np.union1d(self.now[part], ways).astype(np.int64) for part, ways in zip(self.parts, anew, strict=True)]

    @cached_property
    def fixed(self) -> list[bool]:
        """Whether each class is judged at the thresholds as they are: they are chosen on it, or nothing moves them."""
        pairs = zip(self.pins, self.parts, strict=True)
        return [pinned or bool((self.anew[:, part] == self.now[part]).all()) for pinned, part in pairs]

    def ways(self, members: NDArray[np.bool_]) -> RoutingShares:
        """Return the shares of a group's ways in each draw; members: the items of the group, shape (items,)."""
        codes, people = np.unique(np.concatenate(self.by_class)), labelled_people(self.table, members)
        original, drawn = np.zeros((2, len(codes))), np.zeros((len(self.weights), 2, len(codes)))
        for of_class, part in enumerate(self.parts):
            if members[part].any():
                original[of_class] = np.mean(self.now[part][members[part]][:, None] == codes, axis=0)
                drawn[:, of_class] = self._drawn(of_class, members[part], codes, people[of_class])
        ways = RoutingShares(codes, np.zeros_like(codes), original, drawn)
        ways = ways if self.closed else _with_doubt(ways, people)
        for of_class, part in enumerate(self.parts):
            ways.drawn[:, of_class] *= self._mass(of_class, members[part])[:, None]
        return ways

    def _drawn(self, of_class: int, members: NDArray[np.bool_], codes: Codes, people: int) -> Floats:
        """Return the share of a class's group that takes each way in each draw, shape (RESAMPLES, ways).

        The class that thresholds are chosen on is judged at those that were chosen: so will the next people be. How a part of
        it fares is judged on that part; to first order that is also what the luck of the threshold does to the whole class
        (Bahadur 1966, Ann Math Stat 37:577).
        """
        part, possible = self.parts[of_class], np.isin(codes, self.by_class[of_class])
        group = labelled_group(self.table, of_class, members)
        if self.fixed[of_class]:
            return group.shares(self.now[part][members], codes, possible)
        unseen = possible & ~np.isin(codes, self.now[part][members])
        return _with_unseen(group.shares_drawn(self.anew[:, part][:, members], codes), unseen, people)

    def _mass(self, of_class: int, members: NDArray[np.bool_]) -> Floats:
        """Return a group's part of a class on each resample, in times of its part of the table, shape (RESAMPLES,)."""
        if members.all() or not members.any():
            return np.ones(len(self.weights))
        with np.errstate(invalid="ignore"):
            weight = labelled_group(self.table, of_class, members).totals
            return np.asarray(weight / labelled_class(self.table, of_class).totals / members.mean())


def _with_unseen(drawn: Floats, unseen: NDArray[np.bool_], people: int) -> Floats:
    """Give a way without an item, in each draw, the share that as many people may have missed; the others shrink by it.

    drawn: shape (draws, ways); unseen: the ways that are possible and that no item takes now, shape (ways,)
    """
    missed = never_seen(people)[:, None] * by_turns(unseen & (drawn <= _SLACK))
    return np.asarray(drawn * (1 - missed.sum(1, keepdims=True)) + missed)


def _with_doubt(ways: RoutingShares, known: tuple[int, int]) -> RoutingShares:
    codes, first = ways.codes, int(ways.codes[0])
    alone = len(codes) == 1
    more = (int(alone and first > 0), int(alone and first == 0))  # ways before the only one, and behind it
    codes = np.arange(first - more[0], first + more[1] + 1) if alone else codes
    original = np.pad(ways.original, ((0, 0), more))
    drawn = np.pad(ways.drawn, ((0, 0), (0, 0), more))
    for of_class, people in enumerate(known):
        way = int(original[of_class].argmax())
        if (drawn[:, of_class, way] > 1 - _SLACK).all():
            other = min((place for place in range(len(codes)) if place != way), key=lambda place: abs(place - way))
            errs = never_seen(people)
            drawn[:, of_class, way], drawn[:, of_class, other] = 1 - errs, errs
    return RoutingShares(codes, np.zeros_like(codes), original, drawn)


def _codes(plan: Plan, cuts: list[Floats], samples: int) -> SmallCodes:
    """Return the way of each item under the thresholds of each gate, shape (samples, items).

    cuts: the thresholds of each gate, shape (thresholds, samples)
    """
    table = next(iter(plan.tables.values()))
    small = np.min_scalar_type(prod(len(of_gate) + 1 for of_gate in cuts))
    codes = np.zeros((samples, len(table.positives) + len(table.negatives)), small)
    for gate, of_gate in zip(item_gates(plan).values(), cuts, strict=True):
        scores = _item_values(plan, gate)
        route, turned_down = np.zeros_like(codes), np.ones(codes.shape, bool)
        for cut in of_gate:
            turned_down &= scores < cut.astype(np.float32)[:, None]
            route += turned_down
        codes = codes * small.type(len(of_gate) + 1) + route
    return codes


def _item_values(plan: Plan, gate: Gate) -> NDArray[np.float32]:
    if gate.asks:
        return attribute_values(plan, gate, item_values(plan, gate.asks))
    table = plan.table_of(gate)
    return np.concatenate([table.positives, table.negatives]).astype(np.float32)


def _pins(gates: dict[str, Gate], cuts: list[Floats], kind: str) -> bool:
    for gate, of_gate in zip(gates.values(), cuts, strict=True):
        opened = [route for route, cut in zip(gate.routes, of_gate, strict=False) if np.isfinite(cut).any()]
        if opened and getattr(opened[-1], kind) is not None:
            return True
    return False


@cache_per_plan
def downstream(plan: Plan) -> set[str]:
    network = plan.scenario.network
    behind = set[str]().union(*(nx.descendants(network.graph, gate) for gate in item_gates(plan)))
    return behind & plan.scenario.stages.keys()


#: The class that a metric is about, if it is not about both: 0 the negatives, 1 the positives.
ABOUT = {"sensitivity": (1,), "specificity": (0,)}


def labelled_behind(plan: Plan, metric: Metric) -> tuple[int, float] | None:
    """Return the class that a share is about, 1 for positives, with the number of its labelled; None for other metrics."""
    group = metric.group
    of_class = ABOUT.get(metric.of_all.name if group else metric.name)
    if of_class is None or plan.scores is None:
        return None
    if group is None:
        return of_class[0], (plan.scores.negative_evidence, plan.scores.positive_evidence)[of_class[0]]
    members = item_groups(plan).get(group.key)
    if members is None:
        return None
    return of_class[0], float(labelled_people(next(iter(plan.tables.values())), members)[of_class[0]])
