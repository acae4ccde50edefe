"""What a person's own design leaves lying, confirmed on requests that had no part in the choice of the better one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from simulator.analysis.run.compare import Difference
from simulator.analysis.statistics import Estimate
from simulator.analysis.sweeps.kept import Kept
from simulator.analysis.sweeps.outcomes import Outcome
from simulator.analysis.sweeps.pareto import Front, Goal, missed, moved
from simulator.analysis.sweeps.space import Point
from simulator.analysis.sweeps.sweep import Submit, Sweep, swept
from simulator.analysis.sweeps.told import Asked


@dataclass(frozen=True)
class Better:
    """In one goal, the best design of a sweep that is no worse in the other goals than one's own.

    change: how much better it is, on other requests than those it was chosen by
    """

    goal: Goal
    place: int
    point: Point
    change: Estimate

    @property
    def sure(self) -> bool:
        """Whether it is better beyond chance."""
        return self.change.low > 0 if self.goal.higher else self.change.high < 0

    @property
    def words(self) -> str:
        """How much better: `+2.1 points`."""
        told = Difference(self.goal.metric, self.goal.metric.label, self.change)
        return f"{told.size} ({told.interval})"


@dataclass(frozen=True)
class Regret:
    """One's own design beside a front: its outcome, and in which goals a design of the sweep seemed better."""

    asked: Asked
    own: Outcome
    better: Sequence[Better]

    @property
    def sentences(self) -> list[str]:
        """What the own design leaves lying, a sentence a goal."""
        if self.own.refused:
            return [f"Your own design cannot run: {self.own.refused}"]
        if not self.better:
            return ["No design of this sweep is better than your own in one of these metrics and no worse in the others."]
        return [f"{one.goal.label or one.goal.metric.label}: {self._told(one)}" for one in self.better]

    def _told(self, one: Better) -> str:
        on = one.point.on(self.asked.axes)
        other = ", ".join(f"{axis.label}: {axis.name_of(on[axis.name])}" for axis in self.asked.axes)
        if one.sure:
            return f"{one.words} with {other}, and the other metrics no worse, on requests that had no part in the choice."
        return f"{other} seemed better; on other requests the difference is {one.words}, which may be chance."

    def to_json(self) -> dict[str, Any]:
        """As `casesim pareto --json` prints it."""
        return {
            "own": {
                name: {"value": found.value, "low": found.low, "high": found.high} for name, found in self.own.metrics.items()
            },
            "better": [
                {
                    "metric": one.goal.metric.name,
                    "place": one.place,
                    "change": one.change.value,
                    "low": one.change.low,
                    "high": one.change.high,
                    "unit": one.goal.metric.unit,
                    "sure": one.sure,
                }
                for one in self.better
            ],
            "sentences": self.sentences,
        }


def regret_of(asked: Asked, points: Sequence[Point], front: Front, submit: Submit, kept: Kept | None = None) -> Regret:
    """What the design around which a sweep is leaves lying, goal by goal; what seems better runs again on other requests.

    points: those of the outcomes of the front, in the same order
    """
    (own,) = swept(Sweep(asked, submit, kept, [asked.base]))
    found = [] if own.refused else missed(front, own)
    if not found:
        return Regret(asked, own, [])
    there = [points[one.place] for one in found]
    again = swept(Sweep(asked, submit, kept, [asked.base, *there], seed=asked.other_seed))
    better = [
        Better(one.goal, one.place, point, moved(one.goal, again[0], other))
        for one, point, other in zip(found, there, again[1:], strict=True)
        if all(one.goal.metric.name in run.readings for run in (again[0], other))
    ]
    return Regret(asked, own, better)
