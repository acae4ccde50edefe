"""Objectives and whether a run met them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from simulator.case.outputs import Metric
from simulator.case.schema import Objective
from simulator.intervals import Estimate
from simulator.units import spoken_beside, spoken_bound

#: The state of an objective: the whole interval meets the bound or does not; not proven while it includes the bound; no figure.
Standing = Literal["met", "not met", "not proven", "no figure"]


@dataclass(frozen=True)
class Verdict:
    """One objective, judged. `estimate` is None where the run has no such figure, as under overload."""

    objective: Objective
    metric: Metric
    estimate: Estimate | None

    @property
    def bound(self) -> float:
        """The bound of the objective."""
        bound = self.objective.at_least if self.objective.at_least is not None else self.objective.at_most
        assert bound is not None
        return bound

    @property
    def margin(self) -> float | None:
        """How far the value lies on the right side of the bound; negative where it is not met."""
        if self.estimate is None:
            return None
        distance = self.estimate.value - self.bound
        return distance if self.objective.at_least is not None else -distance

    @property
    def met(self) -> bool:
        """Whether the value meets the bound; a figure that cannot be quoted does not."""
        return self.margin is not None and self.margin >= 0

    @property
    def certain(self) -> bool:
        """Whether the whole interval lies on the same side of the bound as the value."""
        if self.estimate is None:
            return True
        return not self.estimate.low < self.bound < self.estimate.high

    @property
    def standing(self) -> Standing:
        """The verdict in words, which decides its colour everywhere."""
        if self.estimate is None:
            return "no figure"
        if not self.certain:
            return "not proven"
        return "met" if self.met else "not met"

    @property
    def asked(self) -> str:
        """The objective's bound in words: `at least 99.0%`."""
        side = "at least" if self.objective.at_least is not None else "at most"
        return f"{side} {spoken_bound(self.bound, self.metric.unit)}"

    @property
    def reached(self) -> str:
        """The value in words, never rounded to the other side of the bound; `none` without a figure."""
        return "none" if self.estimate is None else self._beside(self.estimate.value)

    @property
    def interval(self) -> str:
        """The 95% interval in words; empty where the run has no such figure."""
        return "" if self.estimate is None else f"{self._beside(self.estimate.low)} to {self._beside(self.estimate.high)}"

    def _beside(self, value: float) -> str:
        return spoken_beside(value, self.bound, self.metric.unit)

    def to_json(self) -> dict[str, Any]:
        """The objective as `casesim run --json` prints it; missing figures are left out."""
        side = "at_least" if self.objective.at_least is not None else "at_most"
        told: dict[str, Any] = {"metric": self.objective.metric, side: self.bound, "met": self.met, "verdict": self.standing}
        if self.estimate is not None:
            told |= {"value": self.estimate.value, "low": self.estimate.low, "high": self.estimate.high, "margin": self.margin}
        return told


def judge(objective: Objective, metrics: Mapping[str, Metric], found: Mapping[str, Estimate]) -> Verdict:
    """Judge one objective of a scenario by what a run found for its metrics."""
    return Verdict(objective, metrics[objective.metric], found.get(objective.metric))
