"""Checks of the thresholds that are chosen on labelled items: what each was set to, and what to expect on the next people."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, log
from typing import Any

import numpy as np

from simulator.engine.plan import Plan
from simulator.engine.stages.gate import Gate, Route
from simulator.engine.stages.gate_thresholds import thresholds
from simulator.intervals import LEVEL, Interval, share_interval
from simulator.metrics.resampled_labels import item_gates, labelled_class
from simulator.metrics.score_stretches import struck_scores
from simulator.records.streams import cache_per_plan
from simulator.units import percent, spoken_within


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
    changed, labels = struck_scores(plan, plan.scenario.scorer_of(gate), of_positives)
    struck = min((float(np.mean((struck_scores >= now) == of_positives)) for struck_scores in changed), default=None)
    return replace(check, struck=struck, struck_by=labels) if labels else check
