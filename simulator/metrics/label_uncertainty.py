"""Uncertainty due to the choice of labelled people: draws of the thresholds and of each class's shares, and metrics follow.

Whole patients are resampled (Efron and Tibshirani 1993, chapter 8). A bootstrap of an extreme fails, though: no resample holds
a score below the lowest. So resamples only order the draws, and exact distributions give their size. The number of labelled
items below the threshold that everybody's labels would give is binomial, whatever their distribution, which says between which
two scores that threshold lies (David and Nagaraja 2003, Order Statistics, section 7.1). The class that a threshold is chosen
on is judged at the threshold that was chosen, by the exact interval of Clopper and Pearson (1934); the other class at the
drawn thresholds. Items of one patient count for less than as many patients. (Input uncertainty: Barton, Nelson and Xie 2013,
INFORMS J Computing 26:74.)

What is a sum over people needs no new run: a resample changes which share of a class takes which way through the gates, and
leaves what follows a way. Where queues answer, a few replications run again on resampled tables (`resampled_plan`).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from math import ceil, log, prod
from operator import add
from threading import Lock, RLock
from typing import Any

import networkx as nx
import numpy as np
from cachetools import LRUCache, cached
from numpy.typing import NDArray
from scipy.special import betaincinv

from simulator.case.attributes import item_values
from simulator.case.curveballs import AffectedQuantity, changes, latest
from simulator.engine.plan import Plan
from simulator.evidence.photo_checks import changed_scores, score_changes
from simulator.evidence.score_tables import Published, ScoreTable
from simulator.intervals import LEVEL, Interval, share_interval
from simulator.limits import MIB
from simulator.metrics.exact_draws import LabelledClass
from simulator.metrics.stage_metrics import strikes_of
from simulator.records.streams import cache_per_plan
from simulator.records.timetables import Span, Steps, steps
from simulator.stages.gate import Gate, Route, attribute_values, thresholds
from simulator.units import percent, spoken_within

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

#: Ways as small as they can be: there are few, but a million of them where each resample has its own.
SmallCodes = NDArray[np.unsignedinteger[Any]]

#: Resamples of the labelled for what is a sum over people.
RESAMPLES = 1000


SEED = 0

#: Rounding error allowed in a share of a whole count.
_SLACK = 1e-9


def item_gates(plan: Plan) -> dict[str, Gate]:
    return plan.scenario.item_gates() if plan.tables else {}


def weights_of(table: ScoreTable) -> Floats:
    """Return the number of draws of each labelled item in each resample, positives first, shape (RESAMPLES, items).

    A published curve has no patients: as many points are drawn of each class as people stand behind it.
    """
    if isinstance(table.about, Published):
        return _published_weights(len(table.positives), round(table.positive_evidence))
    return _weights(tuple(np.concatenate([table.positive_patients, table.negative_patients]).tolist()))


@lru_cache(maxsize=8)
def _weights(patients: tuple[int, ...]) -> Floats:
    codes = np.unique(np.array(patients), return_inverse=True)[1]
    people, rng = int(codes.max()) + 1, np.random.default_rng(SEED)
    drawn = rng.multinomial(people, np.full(people, 1 / people), RESAMPLES).astype(float)
    return np.ascontiguousarray(drawn[:, codes])


@lru_cache(maxsize=8)
def _published_weights(points: int, evidence: int) -> Floats:
    rng = np.random.default_rng(SEED)
    classes = [rng.multinomial(evidence, np.full(points, 1 / points), RESAMPLES) for _ in range(2)]
    return np.concatenate(classes, axis=1).astype(float)


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
        return own + sum(one.nbytes for one in self.groups.values())


def score_stretches(plan: Plan) -> tuple[Floats, list[Plan]]:
    """Return the stretches of a run in which curveballs leave scores alone: their starts (s), and the plan with scores as then.

    Thresholds stay those of the plan itself.
    """
    starts, tables = _tables_by_stretch(plan)
    return starts, [plan if scores is plan.tables else replace(plan, tables=scores) for scores in tables]


@cache_per_plan
def _tables_by_stretch(plan: Plan) -> tuple[Floats, list[dict[str, ScoreTable]]]:
    numbers = [number for pool in plan.tables for positive in (False, True) for number in _shifts(plan, pool, positive)]
    if all(number.steady for number in numbers):
        return np.zeros(1), [plan.tables]
    starts = sorted({time for number in numbers for time in number.times if time < plan.arrivals_end_s})
    return np.array(starts), [_tables_at(plan, start) for start in starts]


def _tables_at(plan: Plan, time: float) -> dict[str, ScoreTable]:
    negatives, positives = ({pool: _scores_at(plan, pool, one, time) for pool in plan.tables} for one in (False, True))
    return {pool: replace(table, positives=positives[pool], negatives=negatives[pool]) for pool, table in plan.tables.items()}


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
def ways_of(plan: Plan) -> RoutingShares | None:
    """Return the shares of the ways on each resample; None where no labelled item decides one, or picks change in the run.

    Where no labelled item of a class errs, the next one may: as many as a Beta distribution allows, whose upper bound is that
    of the exact binomial interval. Tables of one plan hold the same items of the same patients, so that their resamples are
    the same.
    """
    return _known_ways(plan, paired=False)


@cache_per_plan
def paired_ways_of(plan: Plan) -> RoutingShares | None:
    """Return the ways as `ways_of`, with thresholds drawn to compare two designs by (`LabelledClass.quantiles`)."""
    return _known_ways(plan, paired=True)


def _known_ways(plan: Plan, paired: bool) -> RoutingShares | None:
    if not item_gates(plan) or plan.changes:
        return None
    with _LOCK:
        key = paired, _deciding(plan)
        shares = _KNOWN.get(key) or _ways_of(plan, paired)
        if shares.nbytes <= _KNOWN.maxsize:
            _KNOWN[key] = shares
    return shares


#: The ways that were asked for last, in so many bytes: designs that differ elsewhere share them, in a sweep hundreds of them.
_KNOWN: LRUCache[Hashable, RoutingShares] = LRUCache(32 * MIB, lambda ways: ways.nbytes)
_LOCK = Lock()


def _deciding(plan: Plan) -> Hashable:
    scenario = plan.scenario
    scored = [(name, scenario.scorer_of(gate), gate.model_dump_json()) for name, gate in item_gates(plan).items()]
    attributes = [(name, attribute.model_dump_json()) for name, attribute in scenario.attributes.items()]
    groups = dict.fromkeys(metric.group for metric in scenario.metrics.values() if metric.group)
    scores = [(pool, table.content) for one in (plan, *score_stretches(plan)[1]) for pool, table in one.tables.items()]
    return *scored, *attributes, *groups, *scores


def _ways_of(plan: Plan, paired: bool) -> RoutingShares:
    cuts = [_resampled_cuts(plan, gate, paired) for gate in item_gates(plan).values()]
    stretches = zip(score_stretches(plan)[1], codes_of(plan), _first_codes(plan), strict=True)
    ways = [_ways_in(there, codes - first, cuts, paired) for there, codes, first in stretches]
    groups = {key: _joined(plan, [one.groups[key] for one in ways]) for key in ways[0].groups}
    return replace(_joined(plan, ways), groups=groups)


def _ways_in(there: Plan, now: Codes, cuts: list[Floats], paired: bool) -> RoutingShares:
    """Return the ways in a stretch of the run. there: the plan with scores as then; now: the ways of its items"""
    gates = item_gates(there)
    table = next(iter(there.tables.values()))
    pins = _pins(gates, cuts, "at_specificity"), _pins(gates, cuts, "at_sensitivity")
    closed = all(np.isinf(of_gate).all() for of_gate in cuts)
    taken = _Taken(table, weights_of(table), now, _taken_anew(there, table, cuts), pins, closed)
    groups = {key: taken.ways(members) for key, members in item_groups(there).items()}
    return replace(taken.ways(np.ones(len(taken.now), bool)), groups=groups)


def _joined(plan: Plan, ways: Sequence[RoutingShares]) -> RoutingShares:
    """Join the ways of all stretches, numbered as by `codes_of`."""
    firsts, counts = _first_codes(plan), [len(one.codes) for one in ways]
    return RoutingShares(
        np.concatenate([one.codes + first for one, first in zip(ways, firsts, strict=True)]),
        np.repeat(np.arange(len(ways)), counts),
        np.concatenate([one.original for one in ways], axis=-1),
        np.concatenate([one.drawn for one in ways], axis=-1),
    )


def plain_ways(plan: Plan, other: Plan) -> RoutingShares | None:
    """Return the ways of another design of a plan, without resamples, numbered together with those of the plan.

    None where no labelled item decides a way, scores shift in the run, or the designs have other gates.
    """
    gates, others = ({name: len(gate.routes) for name, gate in item_gates(one).items()} for one in (plan, other))
    if not gates or gates != others or paths_shift(plan):
        return None
    (taken,), positives = codes_of(other), len(next(iter(other.tables.values())).positives)
    codes = np.union1d(codes_of(plan), taken)
    is_positive = np.arange(len(taken)) < positives

    def ways(members: NDArray[np.bool_]) -> RoutingShares:
        of_class = [taken[members & ~is_positive], taken[members & is_positive]]
        shares = [np.mean(one[:, None] == codes, axis=0) if len(one) else np.zeros(len(codes)) for one in of_class]
        return RoutingShares(codes, np.zeros_like(codes), np.stack(shares), np.empty((0, 2, len(codes))))

    groups = {key: ways(members) for key, members in item_groups(other).items()}
    return replace(ways(np.ones(len(taken), bool)), groups=groups)


@dataclass(frozen=True)
class _Taken:
    """The ways that labelled items take, positives first: now, shape (items,), and under the thresholds of each resample.

    weights: shape (RESAMPLES, items); pins: whether thresholds fix the share of each class, negatives first
    closed: whether no threshold lets anything pass, whichever people were labelled
    """

    table: ScoreTable
    weights: Floats
    now: Codes
    anew: _TakenByScore | _TakenByCode
    pins: tuple[bool, bool]
    closed: bool

    @cached_property
    def parts(self) -> tuple[slice, slice]:
        positive = len(self.table.positives)
        return slice(positive, None), slice(0, positive)

    @cached_property
    def by_class(self) -> list[Codes]:
        """The ways that items of each class take, ascending."""
        return [np.union1d(self.now[part], self.anew.ways(of_class)) for of_class, part in enumerate(self.parts)]

    @cached_property
    def fixed(self) -> list[bool]:
        """Whether each class is judged at the thresholds as they are: they are chosen on it, or nothing moves them."""
        return [
            pinned or self.anew.stays(of_class, self.now[part])
            for of_class, (pinned, part) in enumerate(zip(self.pins, self.parts, strict=True))
        ]

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
        if self.fixed[of_class]:
            return labelled_group(self.table, of_class, members).shares(self.now[part][members], codes, possible)
        drawn = self.anew.shares(of_class, members, codes)
        if not members.all():
            _take(drawn, np.flatnonzero(possible & (drawn <= _SLACK).all(0)), people)
        return drawn

    def _mass(self, of_class: int, members: NDArray[np.bool_]) -> Floats:
        """Return a group's part of a class on each resample, in times of its part of the table, shape (RESAMPLES,)."""
        if members.all() or not members.any():
            return np.ones(len(self.weights))
        with np.errstate(invalid="ignore"):
            weight = labelled_group(self.table, of_class, members).totals
            return np.asarray(weight / labelled_class(self.table, of_class).totals / members.mean())


def _take(drawn: Floats, unseen: NDArray[np.intp], people: int) -> None:
    taken = np.zeros((len(drawn), len(unseen)))
    for place in range(len(unseen)):
        taken[:, place] = np.roll(never_seen(people), place)
    drawn *= 1 - np.minimum(taken.sum(1, keepdims=True), 1)
    drawn[:, unseen] = taken


def _class_of(table: ScoreTable, of_class: int) -> Hashable:
    return table.content, of_class


def _group_of(table: ScoreTable, of_class: int, members: NDArray[np.bool_]) -> Hashable:
    return table.content, of_class, members.tobytes()


@cached(LRUCache(8), _class_of, RLock())
def labelled_class(table: ScoreTable, of_class: int) -> LabelledClass:
    """Return the labelled items of a class: 0 the negatives, 1 the positives."""
    negative, positive = np.split(weights_of(table), [len(table.positives)], axis=1)[::-1]
    if of_class:
        return LabelledClass(table.positives, table.positive_patients, positive, table.positive_evidence)
    return LabelledClass(table.negatives, table.negative_patients, negative, table.negative_evidence)


#: The groups that were asked for last, in so many bytes: every design with equal scores asks for the same.
_GROUPS: LRUCache[Hashable, LabelledClass] = LRUCache(48 * MIB, lambda group: group.nbytes)


@cached(_GROUPS, _group_of, RLock())
def labelled_group(table: ScoreTable, of_class: int, members: NDArray[np.bool_]) -> LabelledClass:
    """Return the items of a group in a class; members: those of the class that belong to it, shape (items,)."""
    whole = labelled_class(table, of_class)
    return whole if members.all() else whole.of(members)


@cache_per_plan
def item_groups(plan: Plan) -> dict[str, NDArray[np.bool_]]:
    """Return the labelled items of each group that metrics are reported of, by its key, positives first, shape (items,)."""
    scenario = plan.scenario
    reported = dict.fromkeys(metric.group for metric in scenario.metrics.values() if metric.group)
    of_items = [name for name, attribute in scenario.attributes.items() if plan.tables and attribute.of_items]
    values = {name: item_values(plan, name) for name in of_items}
    return {
        group.key: values[group.attribute] == scenario.attributes[group.attribute].categories.index(group.value)
        for group in reported
        if group.attribute in values
    }


def labelled_people(table: ScoreTable, members: NDArray[np.bool_]) -> tuple[int, int]:
    """Return the number of labelled people behind the negatives and the positives of a group; members: shape (items,)."""
    positive = len(table.positives)
    counts = []
    for patients, part, evidence in (
        (table.negative_patients, members[positive:], table.negative_evidence),
        (table.positive_patients, members[:positive], table.positive_evidence),
    ):
        counts.append(min(len(np.unique(patients[part])), round(evidence)))
    return counts[0], counts[1]


def _with_doubt(ways: RoutingShares, known: tuple[int, int]) -> RoutingShares:
    codes = ways.codes if len(ways.codes) > 1 else np.array([ways.codes[0], ways.codes[0] + 1])
    more = len(codes) - len(ways.codes)
    original = np.pad(ways.original, ((0, 0), (0, more)))
    drawn = np.pad(ways.drawn, ((0, 0), (0, 0), (0, more)))
    for of_class, people in enumerate(known):
        way = int(original[of_class].argmax())
        if (drawn[:, of_class, way] > 1 - _SLACK).all():
            other = min((place for place in range(len(codes)) if place != way), key=lambda place: abs(place - way))
            errs = never_seen(people)
            drawn[:, of_class, way], drawn[:, of_class, other] = 1 - errs, errs
    return RoutingShares(codes, np.zeros_like(codes), original, drawn)


def never_seen(people: int) -> Floats:
    places = np.random.default_rng(SEED).permutation(RESAMPLES) + 0.5
    return np.asarray(betaincinv(1, max(people, 1), places / RESAMPLES))


@dataclass(frozen=True)
class _TakenByScore:
    """Ways in each resample through one gate by the scores of a table: they follow from the items below each threshold.

    cuts: the thresholds, each at most as high as the one before, shape (routes - 1, RESAMPLES)
    """

    table: ScoreTable
    cuts: NDArray[np.float32]

    @cached_property
    def _below(self) -> list[NDArray[np.intp]]:
        return [labelled_class(self.table, of_class).count_below(self.cuts) for of_class in range(2)]

    def ways(self, of_class: int) -> NDArray[np.intp]:
        items = len(labelled_class(self.table, of_class).scores)
        return np.flatnonzero(np.diff(self._below[of_class], axis=0, prepend=items, append=0).any(1))

    def stays(self, of_class: int, now: Codes) -> bool:
        below = [np.count_nonzero(now > route) for route in range(len(self.cuts))]
        return bool((self._below[of_class] == np.array(below, np.intp)[:, None]).all())

    def shares(self, of_class: int, members: NDArray[np.bool_], codes: Codes) -> Floats:
        group = labelled_group(self.table, of_class, members)
        below = [group.totals, *group.weight_below(self.cuts), np.zeros(RESAMPLES)]
        return group.shares_of([below[code] - below[code + 1] for code in codes])


@dataclass(frozen=True)
class _TakenByCode:
    """Ways in each resample through any gates; codes: those of the items of each class, shapes (RESAMPLES, items)."""

    table: ScoreTable
    codes: Sequence[SmallCodes]

    def ways(self, of_class: int) -> SmallCodes:
        return np.unique(self.codes[of_class])

    def stays(self, of_class: int, now: Codes) -> bool:
        return bool((self.codes[of_class] == now).all())

    def shares(self, of_class: int, members: NDArray[np.bool_], codes: Codes) -> Floats:
        group, taken = labelled_group(self.table, of_class, members), self.codes[of_class][:, members]
        return group.shares_of([np.einsum("ri,ri->r", group.weights, taken == code) for code in codes])


def _taken_anew(plan: Plan, table: ScoreTable, cuts: list[Floats]) -> _TakenByScore | _TakenByCode:
    gates = list(item_gates(plan).values())
    if len(gates) == 1 and not gates[0].asks and plan.table_of(gates[0]).content == table.content:
        return _TakenByScore(table, np.minimum.accumulate(cuts[0].astype(np.float32), axis=0))
    codes, positive = _codes(plan, cuts, RESAMPLES), len(table.positives)
    return _TakenByCode(table, (codes[:, positive:], codes[:, :positive]))


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


@cache_per_plan
def resampled_cuts(plan: Plan) -> list[tuple[Gate, Floats]]:
    """Return the gates of the labelled items, each with the threshold of each of its routes but the last in each resample.

    Shape of the thresholds: (routes, resamples).
    """
    return [(gate, _resampled_cuts(plan, gate)) for gate in item_gates(plan).values()]


def _resampled_cuts(plan: Plan, gate: Gate, paired: bool = False) -> Floats:
    """Return the threshold of each route of a gate in each resample, shape (routes, resamples)."""
    if gate.asks:
        return np.repeat(np.array(thresholds(plan, gate))[:, None], RESAMPLES, axis=1)
    table, promised = plan.table_of(gate), gate.holds == "next"
    cuts = [_cuts(table, route, promised, paired) for route in gate.routes if not route.is_rest]
    return np.array(cuts).reshape(len(cuts), RESAMPLES)


def _asks_of(table: ScoreTable, route: Route, promised: bool, paired: bool) -> Hashable:
    return table.content, route.at_sensitivity, route.at_specificity, route.at_least, promised, paired


@cached(LRUCache(1024), _asks_of, Lock())
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


def paths_shift(plan: Plan) -> bool:
    return plan.changes or any(plan.scenario.curveballs[name].shifts_scores for name in plan.strikes)


@dataclass(frozen=True)
class ThresholdCheck:
    """A threshold that was chosen on the labelled items of one class: what it was set to, and what to expect on the next ones.

    reached: the share of the labelled on its right side; next: the same for people it was not chosen on, with its interval
    worth: the number of independent labelled items that they are worth; needed: how many it takes to bound the threshold on
    its open side, so that the figures behind it are bounded too
    struck: the least share of the labelled on its right side while scores are shifted; None where nothing shifts them
    struck_by: the labels of the curveballs that do
    """

    gate: str
    route: str
    of: str
    promised: float
    reached: float
    next: Interval
    of_positives: bool
    worth: float
    struck: float | None = None
    struck_by: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        return self.struck is None or self.struck == self.reached

    @property
    def sentence(self) -> str:
        """The share that was promised and, if scores shift, that this is no longer true."""
        puts = f"{self.gate}: the threshold of “{self.route}” puts {percent(self.reached)} of the {self.of} on the right side"
        if self.struck is None or self.holds:
            share, bounds = spoken_within(self.next.value, self.next.low, self.next.high, "share")
            return f"{puts}; on the next ones, expect {share} (95% interval {bounds}).{self._too_few}"
        by = " and ".join(f"“{label}”" for label in self.struck_by)
        return f"{puts}. That is no longer true once {by} has struck: then it puts {percent(self.struck)} of them there."

    @property
    def needed(self) -> int:
        """The fewest items that bound the threshold: s to the power of n is the chance that none of n lies beyond it."""
        return ceil(log((1 - LEVEL) / 2) / log(self.promised)) if 0 < self.promised < 1 else 0

    @property
    def _too_few(self) -> str:
        if self.worth >= self.needed:
            return ""
        article = "a lower" if self.of_positives else "an upper"
        return (
            f" They are worth {self.worth:,.0f} independent ones, too few for {article} bound of this threshold: the intervals "
            f"behind it reach to the end. {self.needed:,} would be enough."
        )

    def to_json(self) -> dict[str, Any]:
        own = {name: getattr(self, name) for name in ("gate", "route", "of", "promised", "reached", "worth", "needed")}
        struck = {} if self.struck is None else {"struck": self.struck, "struck_by": list(self.struck_by)}
        return {**own, **struck, "next": vars(self.next)}


@cache_per_plan
def threshold_checks(plan: Plan) -> list[ThresholdCheck]:
    """Return the thresholds that are chosen on labelled items, gate by gate, except those that nothing or everything passes.

    None if picks change in the run: then only the run says what a threshold does.

    On the items that chose it, a threshold meets its target; on the next ones, not quite: of n that reach it, n / (n + 1) are
    to be expected. The gap is the optimism (Efron and Gong 1983, Am Stat 37:36).
    """
    if plan.changes:
        return []
    return [
        _threshold_check(plan, gate, route, now)
        for gate in item_gates(plan).values()
        for now, route in zip(thresholds(plan, gate), gate.routes, strict=False)
        if gate.by == "score" and np.isfinite(now) and route.at_least is None
    ]


def _threshold_check(plan: Plan, gate: Gate, route: Route, now: float) -> ThresholdCheck:
    table, of_positives = plan.table_of(gate), route.at_sensitivity is not None
    scores = table.positives if of_positives else table.negatives
    reached = float(np.mean((scores >= now) == of_positives))
    worth = labelled_class(table, int(of_positives)).worth
    next_one = replace(share_interval(reached * worth, worth), value=reached * worth / (worth + 1))
    promised = route.at_sensitivity if route.at_sensitivity is not None else route.at_specificity
    assert promised is not None
    of = f"{table.about.counted} {'positives' if of_positives else 'negatives'}"
    check = ThresholdCheck(
        gate.label, route.tag or plan.scenario.label_of(route.to), of, promised, reached, next_one, of_positives, worth
    )
    changed, labels = _struck(plan, plan.scenario.scorer_of(gate), of_positives)
    struck = min((float(np.mean((struck_scores >= now) == of_positives)) for struck_scores in changed), default=None)
    return replace(check, struck=struck, struck_by=labels) if labels else check


def _struck(plan: Plan, pool: str, positive: bool) -> tuple[list[Floats], tuple[str, ...]]:
    """Return the scores of a class in each stretch of the run, and the labels of the curveballs that change them."""
    spans = [*changes(plan, AffectedQuantity.PHOTOS), *_added(plan, pool, positive)]
    starts = {start for (start, _), _ in spans}
    labels = [strike.label for strike in strikes_of(plan) if strike.start_s in starts and strike.shifts_scores]
    times = {time for number in _shifts(plan, pool, positive) for time in number.times if time < plan.arrivals_end_s}
    return [_scores_at(plan, pool, positive, time) for time in times], tuple(labels)


def _added(plan: Plan, pool: str, positive: bool) -> list[tuple[Span, float]]:
    of_class = changes(plan, AffectedQuantity.POSITIVES, pool) if positive else ()
    return [*changes(plan, AffectedQuantity.SCORES), *of_class]


def _shifts(plan: Plan, pool: str, positive: bool) -> tuple[Steps, Steps]:
    """Return what curveballs add to the scores of a class, and the condition of the photos, by number, over time."""
    return steps(0.0, _added(plan, pool, positive), add), steps(0.0, changes(plan, AffectedQuantity.PHOTOS), latest)


def _scores_at(plan: Plan, pool: str, positive: bool, time: float) -> Floats:
    """Return the scores of the labelled items of a class at a time of the run (s)."""
    table, place = plan.tables[pool], 0 if positive else 1
    scores = table.positives if positive else table.negatives
    shift, condition = (number.at(time) for number in _shifts(plan, pool, positive))
    if condition:
        change = score_changes(table.about.precision)[place][int(condition)]
        items, count = np.arange(len(scores)), len(scores)
        if plan.items is not None:
            items, count = plan.items[place], plan.counts[place]
        scores = changed_scores(scores, change[items * len(change) // count])
    return scores + shift
