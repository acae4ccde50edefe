"""The labelled people behind a plan: the items of each class and group, their resamples, and draws of shares and quantiles.

A bootstrap of an extreme fails: no resample holds a score below the lowest, and a third of them hold no miss where one of 60
was missed. The number of items below a quantile is binomial, whatever their distribution (David and Nagaraja 2003, Order
Statistics, section 7.1), and so is the number that passes a fixed threshold (Clopper and Pearson 1934). Resamples only say
which draw is high, so that all that rests on the same patients rises and falls together.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrik, betainc, betaincinv, ndtri, stdtrit

from simulator.case.attributes import item_values
from simulator.case.outputs import Metric
from simulator.engine.compiled_plan import Plan
from simulator.engine.stages.gate import Gate, gates_of_items
from simulator.evidence.score_tables import Published, ScoreTable
from simulator.intervals import LEVEL, Floats, effective_trials
from simulator.keeper import remembers
from simulator.limits import MIB
from simulator.records.streams import cache_per_plan

SEED = 0

#: Shares of the items below which it is looked at how alike those of one patient are.
_LEVELS = np.linspace(0.1, 0.9, 9)

#: What rounding may add to a whole number.
_SLACK = 1e-9


@dataclass(frozen=True)
class LabelledClass:
    """The labelled items of one class, or of a group of it.

    scores: of the model that has the last word; patients: who stands behind each, shapes (items,)
    weights: how often each was drawn in each resample, shape (resamples, items)
    evidence: the number of independent items at most
    """

    scores: Floats
    patients: NDArray[np.int64]
    weights: Floats
    evidence: float

    def of(self, members: NDArray[np.bool_]) -> LabelledClass:
        """Return the part of the class that `members` marks, shape (items,)."""
        return LabelledClass(self.scores[members], self.patients[members], self.weights[:, members], self.evidence)

    @property
    def nbytes(self) -> int:
        return self.weights.nbytes

    @cached_property
    def totals(self) -> Floats:
        """The weight of all items in each resample, shape (resamples,)."""
        return np.asarray(self.weights.sum(1))

    @cached_property
    def mirrored(self) -> LabelledClass:
        """The same items with the opposite scores."""
        return replace(self, scores=-self.scores)

    @cached_property
    def worth(self) -> float:
        """The number of independent items that these are worth: fewer than there are where those of one patient score alike.

        The design effect (Korn and Graubard 1998) is the mean over nine levels, as one at an extreme rests on few items.
        """
        codes = np.unique(self.patients, return_inverse=True)[1]
        counts = np.bincount(codes).astype(float)
        if len(counts) == len(codes):
            return min(float(len(codes)), self.evidence)
        ranks = np.argsort(np.argsort(self.scores, kind="stable")) + 0.5
        below = [np.bincount(codes, ranks <= level * len(ranks)).astype(float) for level in _LEVELS]
        alike = max(float(np.mean([len(codes) / effective_trials(hits, counts) for hits in below])), 1.0)
        few = float(ndtri((1 + LEVEL) / 2) / stdtrit(max(len(counts) - 1, 1), (1 + LEVEL) / 2)) ** 2
        return min(max(len(codes) / alike * few, 1.0), self.evidence)

    @cached_property
    def lean(self) -> Floats:
        """The mean rank of the scores that each resample holds, shape (resamples,)."""
        return self._mean(np.argsort(np.argsort(self.scores, kind="stable")).astype(float))

    def shares_drawn(self, taken: NDArray[np.integer], ways: NDArray[np.int64]) -> Floats:
        """Return the share that takes each way in each resample, shape (resamples, ways).

        taken: the way of each item in each resample, shape (resamples, items), one of the ways, which ascend
        """
        others = [np.einsum("ri,ri->r", self.weights, taken == way) for way in ways[1:]]
        weights = [self.totals - sum(others), *others]
        with np.errstate(invalid="ignore"):  # a resample of few patients may hold nobody of a class
            return np.asarray(np.stack(weights, axis=-1) / self.totals[:, None])

    def shares(self, taken: NDArray[np.integer], ways: NDArray[np.int64], possible: NDArray[np.bool_]) -> Floats:
        """Return draws of the share that takes each way, shape (resamples, ways); each row adds up to 1.

        taken: the way of each item, shape (items,); ways: ascending, the highest scores first
        possible: the ways that an item of this class may take, whether one does or not, shape (ways,)
        """
        shares = np.array([np.mean(taken == way) for way in ways])
        usual, worth = int(shares.argmax()), self.worth
        drawn = np.zeros((len(self.weights), len(ways)))
        for place in np.flatnonzero(possible & (np.arange(len(ways)) != usual)):
            rank = self._ranks(self._mean(taken == ways[place]), leaning=bool(place < usual))
            drawn[:, place] = _share_draws(shares[place] * worth, worth, len(rank))[rank]
        drawn /= np.maximum(drawn.sum(1, keepdims=True), 1.0)
        drawn[:, usual] = 1 - drawn.sum(1)
        return drawn

    def quantiles(self, share: float, now: float, paired: bool = False) -> Floats:
        """Return draws of the score that this share of everybody would stay at or below, shape (resamples,).

        now: the score that this share of the labelled does. Infinite where the items are too few to bound it.
        paired: draws to compare two models by. The quantile lies between two of the scores. The outer one makes the interval
        of one model exact, and would make that of a difference too wide. So every second draw takes the upper one, for both.
        """
        ordered = np.concatenate([[-np.inf], np.sort(self.scores), [np.inf]])
        places, below = self._below(share, now)
        upper = np.arange(len(places)) % 2 == 1 if paired else places > 0.5
        rank = np.floor(below + _SLACK) + upper
        return np.asarray(ordered[np.clip(rank, 0, len(ordered) - 1).astype(int)])

    def _below(self, share: float, now: float) -> tuple[Floats, Floats]:
        """Return the place of each resample, and the number of items below the quantile there; for paired draws and others."""
        if (share, now) not in self._known_below:
            rank = self._ranks(-self._mean(self.scores <= now), leaning=True)
            places = (rank + 0.5) / len(rank)
            below = _counts_below(len(rank), self.worth, share)[rank] * len(self.scores) / self.worth
            self._known_below[share, now] = places, below
        return self._known_below[share, now]

    @cached_property
    def _known_below(self) -> dict[tuple[float, float], tuple[Floats, Floats]]:
        return {}

    def _ranks(self, values: Floats, leaning: bool) -> NDArray[np.intp]:
        """Return the rank of each resample, from 0, in the order of its value, then of its lean; shape (resamples,).

        leaning: whether the lean ascends
        """
        usable = np.isfinite(values).any()
        neutral = np.nan_to_num(values, nan=float(np.nanmean(values))) if usable else np.zeros(len(values))
        order = self._by_lean[leaning]
        ranks = np.empty(len(values), np.intp)
        ranks[order[np.argsort(neutral[order], kind="stable")]] = np.arange(len(values))
        return ranks

    @cached_property
    def _by_lean(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The resamples by descending lean and by ascending lean, those of equal lean by chance, shapes (resamples,)."""
        lean, chance = np.nan_to_num(self.lean), np.random.default_rng(SEED).permutation(len(self.lean))
        return np.lexsort((chance, -lean)), np.lexsort((chance, lean))

    def _mean(self, values: NDArray[np.floating] | NDArray[np.bool_]) -> Floats:
        with np.errstate(invalid="ignore"):  # a resample of few patients may hold nobody of a class
            return np.asarray(self.weights @ np.asarray(values, float) / self.totals)


def _counts_below(count: int, worth: float, share: float) -> Floats:
    """Return the binomial quantiles of the number of items below a quantile, at the middles of `count` equal parts of (0, 1).

    Shape (count,), ascending. The distribution changes at whole numbers, so that a few values of it say as much as an inverse
    for each part.
    """
    places = (np.arange(count) + 0.5) / count
    least, most = np.ceil(bdtrik(places[[0, -1]], worth, share) - _SLACK)
    numbers = np.arange(least, most)
    return np.asarray(least + np.searchsorted(betainc(worth - numbers, numbers + 1, 1 - share) * (1 + _SLACK), places))


@lru_cache(maxsize=512)
def _share_draws(hits: float, worth: float, count: int) -> Floats:
    """Return ascending draws whose outer quantiles are the bounds of Clopper and Pearson for `hits` of `worth` items.

    Shape (count,). Callers must not mutate them: classes and groups share them, since the function of Beta takes long.
    """
    places = (np.arange(count) + 0.5) / count
    above = places > 0.5
    drawn = above.astype(float)
    if hits > 0:
        drawn[~above] = betaincinv(hits, worth - hits + 1, places[~above])
    if hits < worth:
        drawn[above] = betaincinv(hits + 1, worth - hits, places[above])
    return drawn


#: The class that a metric is about, if it is not about both: 0 the negatives, 1 the positives.
ABOUT = {"sensitivity": (1,), "specificity": (0,)}

#: Resamples of the labelled for what is a sum over people.
RESAMPLES = 1000


def item_gates(plan: Plan) -> dict[str, Gate]:
    return gates_of_items(plan.scenario) if plan.tables else {}


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


def _class_of(table: ScoreTable, of_class: int) -> Hashable:
    return table.content, of_class


def _group_of(table: ScoreTable, of_class: int, members: NDArray[np.bool_]) -> Hashable:
    return table.content, of_class, members.tobytes()


@remembers(8, _class_of)
def labelled_class(table: ScoreTable, of_class: int) -> LabelledClass:
    """Return the labelled items of a class: 0 the negatives, 1 the positives."""
    negative, positive = np.split(weights_of(table), [len(table.positives)], axis=1)[::-1]
    if of_class:
        return LabelledClass(table.positives, table.positive_patients, positive, table.positive_evidence)
    return LabelledClass(table.negatives, table.negative_patients, negative, table.negative_evidence)


@remembers(48 * MIB, _group_of, lambda group: group.nbytes)
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


def never_seen(people: int) -> Floats:
    places = np.random.default_rng(SEED).permutation(RESAMPLES) + 0.5
    return np.asarray(betaincinv(1, max(people, 1), places / RESAMPLES))
