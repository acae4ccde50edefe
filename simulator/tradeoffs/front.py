"""Which designs of a sweep nothing beats: the front over two to four metrics, and what the money of a design buys at best.

A design is called dominated only where another one, on the same requests and for the same labelled people, is better in
some metric beyond chance and in no metric worse. What cannot be told apart stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.stats import false_discovery_control

from simulator.case.outputs import Metric
from simulator.case.schema import Scenario
from simulator.errors import InputError
from simulator.intervals import LEVEL, Estimate
from simulator.metrics.paired_samples import chance_of, change
from simulator.tradeoffs.design_outcomes import DesignOutcome

#: How many metrics a front is over.
AXES = 2, 4

#: How many of the designs that seem to dominate one are compared with it.
CANDIDATES = 3

#: Replications of each design from which on differences can be told from chance among many designs.
ENOUGH = 4

#: Where so little is left to chance, no other candidate is asked.
_SURE = 1e-6

#: Of the dominances that are claimed, at most this share is chance.
FALSE_SHARE = 1 - LEVEL


@dataclass(frozen=True)
class Goal:
    """A metric, and whether more of it is better; label: what people call it."""

    metric: Metric
    higher: bool
    label: str = ""

    @property
    def title(self) -> str:
        """The metric, and which way it is better: `Cancers found (more is better)`."""
        return f"{self.label or self.metric.label} ({'more' if self.higher else 'less'} is better)"

    @property
    def words(self) -> str:
        """What is wanted: `much of “Cancers found”`."""
        return f"{'much' if self.higher else 'little'} of “{self.label or self.metric.label}”"

    def worse(self, value: float) -> float:
        """A value turned so that more of it is worse."""
        return -value if self.higher else value


def goals_of(scenario: Scenario, names: Sequence[str]) -> list[Goal]:
    """The goals of a front; raises InputError for fewer than two metrics, or more than four."""
    if not AXES[0] <= len(names) <= AXES[1]:
        raise InputError(f"a front is over {AXES[0]} to {AXES[1]} metrics, got {len(names)}")
    return [goal_of(scenario, name) for name in names]


def goal_of(scenario: Scenario, name: str) -> Goal:
    """Which way a metric is better: as an objective asks for, or as the metric itself says. Raises InputError for neither."""
    metric, label = scenario.metrics[name], label_of(scenario, name)
    for objective in scenario.objectives:
        if objective.metric == name:
            return Goal(metric, objective.at_least is not None, label)
    if metric.better is None:
        raise InputError(
            f"{name}: whether more of it is better depends; take another metric, or give the case an objective for it"
        )
    return Goal(metric, metric.better == "higher", label)


def label_of(scenario: Scenario, name: str) -> str:
    """What people call a metric: as the objective for it does, where there is one."""
    told = {objective.metric: objective.label for objective in scenario.objectives}
    return told.get(name, scenario.metrics[name].label)


@dataclass(frozen=True)
class Dominance:
    """That one design of a sweep is dominated by another.

    by: the place of the other; changes: how much each metric is better there, in the order of the goals
    """

    by: int
    changes: list[Estimate]


class Front:
    """The designs of a sweep over some goals.

    told: the places of the outcomes that quote every metric of the goals; the others take no part
    """

    def __init__(self, goals: Sequence[Goal], outcomes: Sequence[DesignOutcome]) -> None:
        self.goals, self.outcomes = list(goals), list(outcomes)
        names = [goal.metric.name for goal in goals]
        self.told = [place for place, one in enumerate(outcomes) if all(one.value(name) is not None for name in names)]

    @cached_property
    def worse(self) -> NDArray[np.float64]:
        """The values of each outcome that takes part, turned so that less is better, shape (told, goals)."""
        rows = [[goal.worse(self.outcomes[place].value(goal.metric.name) or 0.0) for goal in self.goals] for place in self.told]
        return np.array(rows).reshape(len(self.told), len(self.goals))

    @cached_property
    def by_value(self) -> list[int]:
        """The places that no other one beats by its plain values, whatever is chance."""
        return [self.told[row] for row in self._front_rows]

    @cached_property
    def dominated(self) -> dict[int, Dominance]:
        """The places that are dominated beyond chance, and by which.

        On average at most 5% of the pairs that are claimed are chance (Benjamini and Hochberg 1995), of all pairs there are:
        those that were not compared, as the values do not even seem so, count as if they were chance.
        """
        candidates = {place: self._candidates(place) for place in self.told}
        pairs, all_pairs = sum(map(len, candidates.values())), len(self.told) * (len(self.told) - 1)
        # No pair with a larger chance can be claimed, whatever the others are: so it need not be known how large.
        most = FALSE_SHARE * pairs / max(all_pairs, 1)
        found = [one for place in self.told for one in self._compared_with_best(place, candidates[place], most)]
        if not found:
            return {}
        chances = np.ones(all_pairs)
        chances[: len(found)] = [chance for _, chance, _ in found]
        real = false_discovery_control(chances)[: len(found)] <= FALSE_SHARE
        claimed: dict[int, Dominance] = {}
        for (place, _, dominance), is_real in zip(found, real, strict=True):
            if is_real:
                claimed.setdefault(place, dominance)
        return claimed

    def _compared_with_best(self, place: int, candidates: Sequence[int], most: float) -> Iterator[tuple[int, float, Dominance]]:
        """A place with each that seems to dominate it, as far as it takes to be sure: by what chance it seems so.

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
        """The places on the front: those that are not dominated beyond chance."""
        return [place for place in self.told if place not in self.dominated]

    @property
    def sentence(self) -> str:
        """What the front comes to, in words."""
        over, count = " and ".join(goal.words for goal in self.goals), len(self.told)
        beaten, left, best = _are(len(self.dominated)), _are(len(self.places)), _are(len(self.by_value))
        none = len(self.outcomes) - count
        untold = f" {none:,} more cannot run, or have no figure for one of these metrics." if none else ""
        told = f"{beaten} beaten by another beyond chance, {left} not, and {best} best by the plain values"
        return f"Wanted: {over}. Of {count:,} designs {told}.{untold}{self._hint}"

    @property
    def _hint(self) -> str:
        """What would tell more apart, where next to nothing could be: two replications leave one degree of freedom."""
        few = min((self.outcomes[place].replications for place in self.told), default=ENOUGH)
        if self.dominated or len(self.told) < 3 or few >= ENOUGH:
            return ""
        return f" With {few} replications of each next to nothing can be told from chance: ask for {ENOUGH} or more."

    def _candidates(self, place: int) -> list[int]:
        """Those of the front by value that seem to dominate a place, the one that seems to most of all first."""
        row, rows = self.worse[self._row[place]], self._front_rows
        at_best = self.worse[rows]
        gains = (row - at_best) / self._spread
        seems = (gains >= 0).all(1) & (gains > 0).any(1)
        order = np.argsort(-gains[seems].sum(1), kind="stable")[:CANDIDATES]
        return [self.told[one] for one in rows[seems][order]]

    @cached_property
    def _row(self) -> dict[int, int]:
        return {place: row for row, place in enumerate(self.told)}

    @cached_property
    def _front_rows(self) -> NDArray[np.intp]:
        return np.flatnonzero(_best(self.worse))

    @cached_property
    def _spread(self) -> NDArray[np.float64]:
        spread = np.ptp(self.worse, axis=0)
        return np.where(spread > 0, spread, 1.0)

    def _compared(self, place: int, by: int, most: float) -> tuple[float, list[Estimate]]:
        """How likely it is that one design seems to dominate another by chance, and how much better each metric is there.

        It takes that no metric is worse and some is better: the least sure of them decides (Berger 1982, Technometrics 24:295).
        most: where it is more likely than this, it is told as certain, and the changes are not told
        """
        before, after = self.outcomes[place], self.outcomes[by]
        changes, largest = list[Estimate](), 0.0
        for goal in self.goals:
            changes.append(moved(goal, before, after))
            chance = _chance_of_better(goal, changes[-1], before.replications, most)
            largest = max(largest, chance or 0.0)
            if largest > most:
                return 1.0, []
        same = all(one.low == one.value == one.high == 0 for one in changes)
        return 1.0 if same else largest, changes


def _are(count: int) -> str:
    """`1 is`, `3 are`."""
    return f"{count:,} {'is' if count == 1 else 'are'}"


def moved(goal: Goal, before: DesignOutcome, after: DesignOutcome) -> Estimate:
    """How much a goal's metric changes from one outcome to another that met the same requests."""
    name = goal.metric.name
    return change(goal.metric, before.readings[name], after.readings[name])


def _chance_of_better(goal: Goal, found: Estimate, replications: int, most: float) -> float | None:
    """How likely so large a gain is by chance, one-sided; None where the two are the same whatever chance does.

    most: a chance above this need not be known
    """
    if found.low == found.value == found.high == 0:
        return None
    two_sided = chance_of(found, replications - 1, min(2 * most, 1.0))
    gains = found.value > 0 if goal.higher else found.value < 0
    return two_sided / 2 if gains else 1 - two_sided / 2


def _best(worse: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which rows no other row beats: less or as much everywhere, and less somewhere; shape (rows,)."""
    best = np.ones(len(worse), bool)
    for row in np.lexsort(worse.T[::-1]):  # whoever beats a row comes before it
        if best[row]:
            beaten = (worse[row] <= worse).all(1) & (worse[row] < worse).any(1)
            best &= ~beaten
    return best


@dataclass(frozen=True)
class Missed:
    """What a design leaves lying in one goal: another design that is no worse in any other goal, and how much better in this.

    place: of the other design
    """

    goal: Goal
    place: int


def missed(front: Front, own: DesignOutcome) -> list[Missed]:
    """For each goal alone, the best that a design of the sweep reaches which is no worse in all the others, by their values.

    The best of many is partly luck: whoever quotes it runs both designs again on other requests.
    """
    names = [goal.metric.name for goal in front.goals]
    if any(own.value(name) is None for name in names):
        return []
    mine = np.array([goal.worse(own.value(goal.metric.name) or 0.0) for goal in front.goals])
    found = []
    for column, goal in enumerate(front.goals):
        others = [index for index in range(len(front.goals)) if index != column]
        fit = (front.worse[:, others] <= mine[others]).all(1) & (front.worse[:, column] < mine[column])
        if fit.any():
            row = int(np.flatnonzero(fit)[np.argmin(front.worse[fit, column])])
            found.append(Missed(goal, front.told[row]))
    return found
