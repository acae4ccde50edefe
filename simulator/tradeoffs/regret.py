"""The distance of a user's own design from a front, one goal at a time, on requests that were not used for the choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulator.case.choices import Pick
from simulator.explain.claims import Claim, change_by, claims_json
from simulator.metrics.comparisons import Difference
from simulator.sweeps.design_space import Axis, DesignPoint
from simulator.sweeps.outcome_cache import DesignOutcome, OutcomeCache
from simulator.sweeps.sweep import Submit, Sweep, SweepRequest, swept
from simulator.tradeoffs.front import Front, Goal, missed, moved


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
        size, on = f"{self.difference.size} ({self.difference.interval})", self.point.on(axes)
        picks = [(axis, on[axis.name]) for axis in axes if on[axis.name] != own.get(axis.name)]
        other = ", ".join(f"{axis.label}: {axis.name_of(pick)}" for axis, pick in picks)
        words = f"{other} seemed better; on other {many} the difference is {size}, and that may be chance."
        if self.sure:
            words = f"{size} with {other}. No other metric is worse. Both designs met {many} that the choice did not use."
        return change_by(self.goal.metric, self.difference.change, other, f"{self.goal.metric.label}: {words}")


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


def _difference(goal: Goal, own: DesignOutcome, other: DesignOutcome) -> Difference:
    name = goal.metric.name
    return Difference(goal.metric, own.metrics[name], other.metrics[name], moved(goal, own, other))


def regret_of(
    request: SweepRequest, points: Sequence[DesignPoint], front: Front, submit: Submit, cache: OutcomeCache | None = None
) -> Regret:
    """Compare the base design of a sweep with its front, goal by goal; designs that seem better run again on other requests.

    points: those of the outcomes of the front, in the same order
    """
    (own,) = swept(Sweep(request, submit, cache, [request.base]))
    missed_goals = [] if own.refused else missed(front, own)
    if not missed_goals:
        return Regret(request, own, [])
    rivals = [points[goal.place] for goal in missed_goals]
    again = swept(Sweep(request, submit, cache, [request.base, *rivals], seed=request.other_seed))
    designs = [
        BetterDesign(goal.goal, goal.place, point, _difference(goal.goal, again[0], other))
        for goal, point, other in zip(missed_goals, rivals, again[1:], strict=True)
        if all(goal.goal.metric.name in run.readings for run in (again[0], other))
    ]
    return Regret(request, own, designs)
