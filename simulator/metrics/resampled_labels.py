"""The labelled people behind a plan: the items of each class and group, their resamples, and the thresholds that they set.

A bootstrap of an extreme fails: no resample holds a score below the lowest, and a third of them hold no miss where one of 60
was missed. The number of items below a quantile is binomial, whatever their distribution (David and Nagaraja 2003, Order
Statistics, section 7.1), and so is the number that passes a fixed threshold (Clopper and Pearson 1934). Resamples only say
which draw is high, so that all that rests on the same patients rises and falls together.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from math import ceil, log
from operator import add
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrik, betainc, betaincinv, ndtri, stdtrit

from simulator.arrays import Floats
from simulator.case.attributes import item_values
from simulator.case.curveball import AffectedQuantity
from simulator.engine.compiled_plan import Plan, changes, latest, strikes_of
from simulator.engine.stages.gate import Gate, Route, gates_of_items
from simulator.engine.stages.gate_routes import thresholds
from simulator.evidence.photo_checks import changed_scores, score_changes
from simulator.evidence.score_tables import Published, ScoreTable
from simulator.intervals import LEVEL, Interval, effective_trials, share_interval
from simulator.keeper import remembers
from simulator.limits import MIB
from simulator.phrases import phrase
from simulator.records.streams import cache_per_plan
from simulator.records.timetables import Span, Steps, steps
from simulator.units import spoken_within

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
        others = possible & (np.arange(len(ways)) != usual)
        turns = by_turns(np.broadcast_to(others & (shares == 0), drawn.shape))
        for place in np.flatnonzero(others):
            rank = self._ranks(self._mean(taken == ways[place]), leaning=bool(place < usual))
            drawn[:, place] = _share_draws(shares[place] * worth, worth, len(rank))[rank]
        drawn *= turns | (shares > 0)
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


@remembers(8, lambda table, of_class: (table.content, of_class))
def labelled_class(table: ScoreTable, of_class: int) -> LabelledClass:
    """Return the labelled items of a class: 0 the negatives, 1 the positives."""
    negative, positive = np.split(weights_of(table), [len(table.positives)], axis=1)[::-1]
    if of_class:
        return LabelledClass(table.positives, table.positive_patients, positive, table.positive_evidence)
    return LabelledClass(table.negatives, table.negative_patients, negative, table.negative_evidence)


@remembers(48 * MIB, lambda table, of_class, members: (table.content, of_class, members.tobytes()), lambda group: group.nbytes)
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


def by_turns(unseen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return one of the unseen ways of each draw, each in its turn, shape (draws, ways).

    As none of so many people takes any of them, the next people take them all together as rarely as one of them alone.
    """
    turn = np.arange(len(unseen)) // 2 % np.maximum(unseen.sum(1), 1)  # every second draw has another threshold (`quantiles`)
    return np.asarray(unseen & (np.cumsum(unseen, axis=1) == turn[:, None] + 1))


def never_seen(people: int) -> Floats:
    places = np.random.default_rng(SEED).permutation(RESAMPLES) + 0.5
    return np.asarray(betaincinv(1, max(people, 1), places / RESAMPLES))


# ---- scores that curveballs shift


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
    negatives, positives = (
        {pool: _scores_at(plan, pool, positive, time) for pool in plan.tables} for positive in (False, True)
    )
    return {pool: replace(table, positives=positives[pool], negatives=negatives[pool]) for pool, table in plan.tables.items()}


def paths_shift(plan: Plan) -> bool:
    return plan.changes or any(plan.scenario.curveballs[name].shifts_scores for name in plan.strikes)


def struck_scores(plan: Plan, pool: str, positive: bool) -> tuple[list[Floats], tuple[str, ...]]:
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
        change = score_changes(table.about.model, table.about.precision)[place][int(condition)]
        items, count = np.arange(len(scores)), len(scores)
        if plan.items is not None:
            items, count = plan.items[place], plan.counts[place]
        scores = changed_scores(scores, change[items * len(change) // count])
    return scores + shift


# ---- thresholds that labelled items set


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
        share, bounds = spoken_within(self.next.value, self.next.low, self.next.high, "share")
        return phrase(
            "thresholds.promised" if self.holds else "thresholds.broken", gate=self.gate, route=self.route,
            reached=self.reached, of=self.of, share=share, bounds=bounds, few=self.worth < self.needed,
            worth=self.worth, needed=self.needed, lower=self.of_positives, struck=self.struck,
            strikes=[f"“{label}”" for label in self.struck_by],
        )  # fmt: skip

    @property
    def needed(self) -> int:
        """The fewest items that bound the threshold: s to the power of n is the chance that none of n lies beyond it."""
        return ceil(log((1 - LEVEL) / 2) / log(self.promised)) if 0 < self.promised < 1 else 0

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
    changed, labels = struck_scores(plan, plan.scenario.scorer_of(gate), of_positives)
    struck = min((float(np.mean((struck_scores >= now) == of_positives)) for struck_scores in changed), default=None)
    return replace(check, struck=struck, struck_by=labels) if labels else check
