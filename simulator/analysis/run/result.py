"""What a run says to a person: its summary, why objectives are not met, what holds requests up, and how far to trust that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from simulator.analysis.run.bottleneck import Bottleneck, bottleneck_of
from simulator.analysis.run.measures import Measures
from simulator.analysis.run.reasons import Reason, reasons_of
from simulator.analysis.run.summary import Summary, summary_of
from simulator.analysis.run.trust import Note, notes_on
from simulator.analysis.statistics import Estimate
from simulator.serving.plan import Plan, changes_of


@dataclass(frozen=True)
class Result(Summary):
    """A summary with its meaning, each part worked out on first use."""

    @cached_property
    def reasons(self) -> dict[int, Reason]:
        """Why each objective that is not met, or not proven, is not, by its place among the verdicts."""
        return reasons_of(self)

    @cached_property
    def bottleneck(self) -> Bottleneck | None:
        """The stage that holds requests up or turns them away, and why; None where nothing is overloaded, late or lost."""
        return bottleneck_of(self)

    @cached_property
    def trust(self) -> list[Note]:
        """How far the figures can be trusted, one note per reason."""
        return notes_on(self)

    def to_json(self) -> dict[str, Any]:
        """The object that `casesim run --json` prints, without what this run does not have."""
        bottleneck = {"bottleneck": self.bottleneck.to_json()} if self.bottleneck else {}
        changes = [{"at_s": at_s, "picks": picks} for at_s, picks in changes_of(self.plan)]
        warm_up = {"warm_up": self.warm_up.to_json()} if self.warm_up else {}
        return {
            "scenario": self.plan.scenario.id,
            "scenario_hash": self.plan.scenario_hash,
            "design": self.plan.design,
            **({"strikes": self.plan.strikes} if self.plan.strikes else {}),
            **({"changes": changes} if changes else {}),
            "seed": self.seed,
            "replications": self.replications,
            "run_hash": self.run_hash,
            "requests": self.requests,
            "metrics": {name: self._told(name, found) for name, found in self.metrics.items()},
            "objectives": [verdict.to_json() for verdict in self.verdicts],
            "provenance": [vars(source) for source in self.provenance],
            "warnings": self.warnings,
            **({"mlperf": self.mlperf.to_json()} if self.mlperf else {}),
            **warm_up,
            **({"reasons": self._reasons()} if self.reasons else {}),
            **bottleneck,
            "trust": [vars(note) for note in self.trust],
            **({"thresholds": [kept.to_json() for kept in self.thresholds]} if self.thresholds else {}),
        }

    def _reasons(self) -> list[dict[str, Any]]:
        return [{"metric": self.verdicts[place].objective.metric} | one.to_json() for place, one in self.reasons.items()]

    def _told(self, name: str, found: Estimate) -> dict[str, Any]:
        told: dict[str, Any] = {"value": found.value, "low": found.low, "high": found.high, "unit": self.metric(name).unit}
        return told | {name: {"low": part.low, "high": part.high} for name, part in found.doubts.items()}


def result_of(plan: Plan, seed: int, measures: Sequence[Measures]) -> Result:
    """The result of replications 0, 1, 2, ... of a plan under one seed."""
    return Result(**vars(summary_of(plan, seed, measures)))
