"""Front of a sweep over two to four metrics: the designs that no other one beats.

A design is called dominated only where another one, on the same requests and for the same labelled people, is better in
some metric beyond chance and in no metric worse. Designs that chance alone may separate stay.

A user's own design has a distance from a front, one goal at a time, on requests that were not used for the choice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.case.choices import Pick
from simulator.case.outputs import Metric
from simulator.case.schema import Scenario
from simulator.errors import InputError
from simulator.explain.claims import Claim, change_by, claims_json
from simulator.explain.judged_changes import FALSE_SHARE, real_below
from simulator.intervals import Estimate
from simulator.metrics.comparisons import Difference
from simulator.metrics.paired_samples import chance_of, is_equal
from simulator.phrases import phrase
from simulator.sweeps.design_space import Axis, DesignPoint
from simulator.sweeps.outcome_cache import DesignOutcome, OutcomeCache
from simulator.sweeps.sweep import Submit, Sweep, SweepRequest, swept

#: The fewest and the most metrics of a front.
AXES = 2, 4

#: The number of seemingly dominating designs that are compared with each design.
CANDIDATES = 3

#: The fewest replications of each design that separate differences from chance among many designs.
ENOUGH = 4

#: Two goals conflict where at least this share of the pairs of designs are in opposite orders.
OPPOSED = 0.05

#: The part of a metric's range over all designs below which two designs count as equal when a conflict is looked for.
NEAR = 0.01

#: The most designs whose pairs are looked at for a conflict.
PAIRED = 256

#: Below this chance, no other candidate is compared.
_SURE = 1e-6


@dataclass(frozen=True)
class Goal:
    """A metric with its better direction."""

    metric: Metric
    higher: bool

    @property
    def title(self) -> str:
        return f"{self.metric.label} ({'more' if self.higher else 'less'} is better)"

    @property
    def words(self) -> str:
        return f"{'more' if self.higher else 'less'} “{self.metric.label}”"

    def worse(self, value: float) -> float:
        return -value if self.higher else value


def goals_of(scenario: Scenario, names: Sequence[str]) -> list[Goal]:
    """Return the goals of a front; raises InputError for fewer than two metrics, or more than four."""
    if not AXES[0] <= len(names) <= AXES[1]:
        raise InputError(f"a front is over {AXES[0]} to {AXES[1]} metrics, got {len(names)}")
    return [goal_of(scenario, name) for name in names]


def goal_of(scenario: Scenario, name: str) -> Goal:
    """Return a metric with its better direction: as an objective asks, or the metric itself. Raises InputError for neither."""
    metric = scenario.metrics[name]
    for objective in scenario.objectives:
        if objective.metric == name:
            return Goal(metric, objective.at_least is not None)
    if metric.better is None:
        raise InputError(phrase("front.no_goal", metric=name))
    return Goal(metric, metric.better == "higher")


@dataclass(frozen=True)
class Conflict:
    """Two goals of a sweep.

    share: the part of the pairs of designs in which one design is better in the first goal, and the other in the second;
    None without two designs that differ
    """

    goals: tuple[Goal, Goal]
    share: float | None

    @property
    def sentence(self) -> str:
        first, second = (goal.metric.label for goal in self.goals)
        slight = self.share is not None and self.share < OPPOSED
        key = "front.alike" if self.share is None else "front.no_conflict" if slight else "front.conflict"
        return phrase(key, first=first, second=second, share=self.share)


def strongest_conflict(goals: Sequence[Goal], outcomes: Sequence[DesignOutcome]) -> Conflict:
    """Return the two goals that conflict most among these designs; the first two where no two designs differ.

    It chooses the axes of a picture and proves nothing. A difference below NEAR of the range over all designs counts as none.
    """
    within = [outcome for outcome in outcomes if not outcome.outside_brief][:PAIRED]
    orders = [_orders(goal, within) for goal in goals]
    conflicts = [Conflict((goals[a], goals[b]), _opposed(orders[a], orders[b])) for a, b in combinations(range(len(goals)), 2)]
    return max(conflicts, key=lambda conflict: -1.0 if conflict.share is None else conflict.share)


def _orders(goal: Goal, outcomes: Sequence[DesignOutcome]) -> NDArray[np.float64]:
    """Return 1 where the row's design is worse than the column's, -1 where it is better, 0 where neither; shape (n, n)."""
    values = np.array(
        [np.nan if (value := outcome.value(goal.metric.name)) is None else goal.worse(value) for outcome in outcomes]
    )
    gaps = values[:, None] - values[None, :]
    least = NEAR * np.nanmax(gaps, initial=0.0, where=~np.isnan(gaps))
    return np.where(np.abs(gaps) > least, np.sign(gaps), 0.0)


def _opposed(first: NDArray[np.float64], second: NDArray[np.float64]) -> float | None:
    """Return the share of all pairs that are in opposite orders; None where no pair differs in both."""
    product, pairs = first * second, len(first) * (len(first) - 1)
    return np.count_nonzero(product < 0) / pairs if product.any() else None


@dataclass(frozen=True)
class Dominance:
    """A design that is dominated by another.

    by: the place of the other; changes: how much each metric is better there, in the order of the goals
    """

    by: int
    changes: list[Estimate]


class Front:
    """The designs of a sweep over some goals.

    comparable: the places of the outcomes within the brief that quote every metric of the goals; the others take no part
    """

    def __init__(self, goals: Sequence[Goal], outcomes: Sequence[DesignOutcome]) -> None:
        self.goals, self.outcomes = list(goals), list(outcomes)
        names = [goal.metric.name for goal in goals]
        self.comparable = [
            place
            for place, outcome in enumerate(outcomes)
            if not outcome.outside_brief and all(outcome.value(name) is not None for name in names)
        ]

    @cached_property
    def worse(self) -> NDArray[np.float64]:
        """The values of each outcome that takes part, turned so that less is better, shape (comparable, goals)."""
        outcomes = [self.outcomes[place] for place in self.comparable]
        rows = [[goal.worse(outcome.value(goal.metric.name) or 0.0) for goal in self.goals] for outcome in outcomes]
        return np.array(rows).reshape(len(self.comparable), len(self.goals))

    @cached_property
    def by_value(self) -> list[int]:
        return [self.comparable[row] for row in self._front_rows]

    @cached_property
    def dominated(self) -> dict[int, Dominance]:
        """The places that are dominated beyond chance, each with the place that dominates it.

        On average at most 5% of the pairs that are claimed are chance (Benjamini and Hochberg 1995), of all pairs there are:
        those that were not compared, as the values do not even seem so, count as if they were chance.
        """
        candidates = {place: self._candidates(place) for place in self.comparable}
        pairs, all_pairs = sum(map(len, candidates.values())), len(self.comparable) * (len(self.comparable) - 1)
        # No pair with a larger chance can be claimed, whatever the others are, so the exact value is not needed.
        most = FALSE_SHARE * pairs / max(all_pairs, 1)
        compared = [pair for place in self.comparable for pair in self._compared_with_best(place, candidates[place], most)]
        if not compared:
            return {}
        bar = real_below([chance for _, chance, _ in compared], all_pairs)
        claimed: dict[int, Dominance] = {}
        for place, chance, dominance in compared:
            if chance <= bar:
                claimed.setdefault(place, dominance)
        return claimed

    def _compared_with_best(self, place: int, candidates: Sequence[int], most: float) -> Iterator[tuple[int, float, Dominance]]:
        """Compare a place with each candidate until one surely dominates it; yield the chance that it only seems so.

        most: pairs with a chance above this are left out
        """
        for by in candidates:
            chance, changes = self._compared(place, by, most)
            if chance > most:
                continue
            yield place, chance, Dominance(by, changes)
            if chance < _SURE:
                return

    @cached_property
    def places(self) -> list[int]:
        return [place for place in self.comparable if place not in self.dominated]

    def to_json(self) -> dict[str, Any]:
        """Return the places of the designs of the front, of those that others dominate, and of those not told apart."""
        names = [goal.metric.name for goal in self.goals]
        dominated = [
            {
                "place": place,
                "by": dominance.by,
                "changes": {name: change.to_json() for name, change in zip(names, dominance.changes, strict=True)},
            }
            for place, dominance in self.dominated.items()
        ]
        untold = [place for place in range(len(self.outcomes)) if place not in self.comparable]
        return {"front": self.places, "front_by_value": self.by_value, "dominated": dominated, "untold": untold}

    @property
    def claim(self) -> Claim:
        """Claim the number of designs, and of those that another one beats, and of those that none does."""
        words, name = self.sentence, "designs of the front"
        parts = (Claim(name, "part of", float(len(places)), words=words) for places in (self.dominated, self.places))
        return Claim(name, "is", float(len(self.comparable)), words=words, evidence="paired run", parts=tuple(parts))

    @property
    def sentence(self) -> str:
        """The front in words."""
        count, void = len(self.comparable), sum(bool(outcome.outside_brief) for outcome in self.outcomes)
        return phrase(
            "front.designs", goals=[goal.words for goal in self.goals], count=count, beaten=len(self.dominated),
            unbeaten=len(self.places), best=len(self.by_value), none=len(self.outcomes) - count - void, void=void,
            hint=self._hint,
        )  # fmt: skip

    @property
    def _hint(self) -> str:
        """Say why no design is dominated: too few replications, or metrics that are the same in all designs."""
        few = min((self.outcomes[place].replications for place in self.comparable), default=ENOUGH)
        if self.dominated or len(self.comparable) < 3:
            return ""
        if few < ENOUGH:
            return phrase("front.few_runs", few=few, enough=ENOUGH)
        columns = zip(self.goals, self._spread_as_run, strict=True)
        same = [goal.metric.label for goal, spread in columns if spread == 0 and goal.metric.unit != "USD"]
        return phrase("front.no_spread", metrics=same) if same else ""

    def _candidates(self, place: int) -> list[int]:
        row, rows = self.worse[self._row[place]], self._front_rows
        at_best = self.worse[rows]
        gains = (row - at_best) / self._spread
        seems = (gains >= 0).all(1) & (gains > 0).any(1)
        order = np.argsort(-gains[seems].sum(1), kind="stable")[:CANDIDATES]
        return [self.comparable[row] for row in rows[seems][order]]

    @cached_property
    def _row(self) -> dict[int, int]:
        return {place: row for row, place in enumerate(self.comparable)}

    @cached_property
    def _front_rows(self) -> NDArray[np.intp]:
        return np.flatnonzero(_best(self.worse))

    @cached_property
    def _spread_as_run(self) -> NDArray[np.float64]:
        return np.asarray(np.ptp(self.worse, axis=0))

    @cached_property
    def _spread(self) -> NDArray[np.float64]:
        return np.where(self._spread_as_run > 0, self._spread_as_run, 1.0)

    def _compared(self, place: int, by: int, most: float) -> tuple[float, list[Estimate]]:
        """Return the chance that one design only seems to dominate another, and the change of each metric.

        It takes that no metric is worse and some is better: the least sure of them decides (Berger 1982, Technometrics 24:295).
        most: a chance above this is returned as 1, without changes
        """
        before, after = self.outcomes[place], self.outcomes[by]
        changes, largest = list[Estimate](), 0.0
        for goal in self.goals:
            changes.append(before.difference(goal.metric, after).change)
            largest = max(largest, _chance_no_better(goal, before, after, changes[-1], most))
            if largest > most:
                return 1.0, []
        same = all(gain.low == gain.value == gain.high == 0 for gain in changes)
        return 1.0 if same else largest, changes


def _chance_no_better(goal: Goal, before: DesignOutcome, after: DesignOutcome, gain: Estimate, most: float) -> float:
    """Return the one-sided chance of a gain of this size if there is none; 0 where runs show that both designs are equal.

    most: a chance above this need not be known
    """
    if gain.low == gain.value == gain.high == 0:
        name = goal.metric.name
        return 0.0 if is_equal(goal.metric, before.readings[name], after.readings[name]) else 1.0
    two_sided = chance_of(gain, before.replications - 1, min(2 * most, 1.0))
    gains = gain.value > 0 if goal.higher else gain.value < 0
    return two_sided / 2 if gains else 1 - two_sided / 2


def _best(worse: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Mark the rows that no other row beats: less or equal everywhere, and less somewhere; shape (rows,)."""
    best = np.ones(len(worse), bool)
    for row in np.lexsort(worse.T[::-1]):  # a row that beats another comes before it
        if best[row]:
            beaten = (worse[row] <= worse).all(1) & (worse[row] < worse).any(1)
            best &= ~beaten
    return best


def missed(front: Front, own: DesignOutcome) -> list[tuple[Goal, int]]:
    """Return, for each goal, the place of the best design of the sweep that is no worse in all the others, by plain values.

    The best of many is partly luck: callers run both designs again on other requests before they quote it.
    """
    names = [goal.metric.name for goal in front.goals]
    if any(own.value(name) is None for name in names):
        return []
    own_values = np.array([goal.worse(own.value(goal.metric.name) or 0.0) for goal in front.goals])
    goals = []
    for column, goal in enumerate(front.goals):
        others = [index for index in range(len(front.goals)) if index != column]
        fit = (front.worse[:, others] <= own_values[others]).all(1) & (front.worse[:, column] < own_values[column])
        if fit.any():
            row = int(np.flatnonzero(fit)[np.argmin(front.worse[fit, column])])
            goals.append((goal, front.comparable[row]))
    return goals


@dataclass(frozen=True)
class BetterDesign:
    """The best design of a sweep in one goal among those no worse than the user's own design in the other goals.

    difference: from the user's own design, on other requests than those it was chosen by
    """

    goal: Goal
    place: int
    point: DesignPoint
    difference: Difference

    @property
    def sure(self) -> bool:
        change = self.difference.change
        return change.low > 0 if self.goal.higher else change.high < 0

    def claim(self, axes: Sequence[Axis], own: Mapping[str, Pick], many: str) -> Claim:
        """Claim the change of the metric by the design, on other requests than it was chosen by.

        own: the picks of the user's own design, which are not named again; many: the word for requests
        """
        on = self.point.on(axes)
        picks = [(axis, on[axis.name]) for axis in axes if on[axis.name] != own.get(axis.name)]
        other = ", ".join(f"{axis.label}: {axis.name_of(pick)}" for axis, pick in picks)
        key, label = "front.better" if self.sure else "front.perhaps_better", self.goal.metric.label
        words = phrase(key, label=label, size=self.difference.size, interval=self.difference.interval, other=other, many=many)
        return change_by(self.goal.metric, self.difference.change, other, words)


@dataclass(frozen=True)
class Regret:
    """The user's own design beside a front: its outcome, and the goals in which a design of the sweep seemed better."""

    request: SweepRequest
    own: DesignOutcome
    designs: Sequence[BetterDesign]

    @property
    def sentences(self) -> list[str]:
        return [claim.words for claim in self.claims]

    @property
    def claims(self) -> list[Claim]:
        """The distance of the own design from the front, one claim for each goal."""
        words = "No design of this sweep is better than your own in one of these metrics and no worse in the others."
        if self.own.refused:
            words = f"Your own design cannot run: {self.own.refused}"
        elif self.own.outside_brief:
            words = self.own.outside_brief
        elif self.designs:
            return [
                design.claim(self.request.axes, self.own.design, self.request.scenario.unit.many) for design in self.designs
            ]
        return [Claim("better designs", "is", 0, words=words)]

    def to_json(self) -> dict[str, Any]:
        return {
            "own": {name: estimate.to_json() for name, estimate in self.own.metrics.items()},
            "better": [
                {
                    "metric": design.goal.metric.name,
                    "place": design.place,
                    "change": design.difference.change.value,
                    "low": design.difference.change.low,
                    "high": design.difference.change.high,
                    "unit": design.goal.metric.unit,
                    "sure": design.sure,
                }
                for design in self.designs
            ],
            "sentences": self.sentences,
            "claims": claims_json(self.claims),
        }


def regret_of(
    request: SweepRequest, points: Sequence[DesignPoint], front: Front, submit: Submit, cache: OutcomeCache | None = None
) -> Regret:
    """Compare the base design of a sweep with its front, goal by goal; designs that seem better run again on other requests.

    points: those of the outcomes of the front, in the same order
    """
    (own,) = swept(Sweep(request, submit, cache, [request.base]))
    better = [] if own.refused else missed(front, own)
    if not better:
        return Regret(request, own, [])
    rivals = [points[place] for _, place in better]
    again = swept(Sweep(request, submit, cache, [request.base, *rivals], seed=request.other_seed))
    designs = [
        BetterDesign(goal, place, point, again[0].difference(goal.metric, other))
        for (goal, place), point, other in zip(better, rivals, again[1:], strict=True)
        if all(goal.metric.name in run.readings for run in (again[0], other))
    ]
    return Regret(request, own, designs)
