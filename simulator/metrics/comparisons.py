"""Designs compared. Where they met the same requests, their differences are paired. Nothing is left out: a figure that only
one of two runs has is told with the reason why the other has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, isinf
from typing import Any

import pandas as pd

from simulator.case.outputs import Metric
from simulator.intervals import Estimate, Interval
from simulator.metrics.measures import Measures
from simulator.metrics.paired_samples import change, estimators_of, reading_of
from simulator.metrics.summary import NO_FIGURE, NO_STEADY_STATE, Summary, doubts, summary_of
from simulator.units import significant, spoken


@dataclass(frozen=True)
class Difference:
    """How much a metric moved from one design to another, with its 95% interval."""

    metric: Metric
    label: str
    change: Estimate

    @property
    def significant(self) -> bool:
        """Whether the interval excludes zero."""
        return not self.change.low <= 0 <= self.change.high

    @property
    def size(self) -> str:
        """The change with its sign and unit: `+2.1 points`."""
        if self.change.value == 0:
            return UNCHANGED
        return _signed(self.change.value, self.metric.unit)

    @property
    def words(self) -> str:
        """The change in words, with a note if it may be chance."""
        return self.size if self.significant or self.change.value == 0 else f"{self.size} (not significantly different)"

    @property
    def verdict(self) -> str:
        """Whether the two runs differ, in words."""
        return "the same" if self.change.value == 0 else "differs" if self.significant else "not significantly different"

    @property
    def interval(self) -> str:
        """The 95% interval of the change in words, with the unit once: `+2.25 to +6.48 points`."""
        low, high = (_signed(bound, self.metric.unit) for bound in (self.change.low, self.change.high))
        number, _, unit = low.partition(" ")
        return f"{number if high.endswith(f' {unit}') else low} to {high}"

    @property
    def doubts(self) -> str:
        """How much of the interval's width each source of uncertainty causes."""
        return doubts(self.change, self.metric.unit)

    def to_json(self) -> dict[str, Any]:
        """The difference as `casesim run --json` prints it."""
        told = {name: _bounds(part) for name, part in self.change.doubts.items()}
        value = {"value": self.change.value, **_bounds(self.change), "unit": self.metric.unit}
        return {"metric": self.metric.name, **value, **told, "significant": self.significant, "words": self.words}


#: What is said of a figure that has not moved at all.
UNCHANGED = "no change"

#: The place of a metric that neither of two runs can quote: after all others.
NEITHER = 3


@dataclass(frozen=True)
class OneSided:
    """A metric that at most one of two runs can quote: its value on one side, on the other the reason why there is none."""

    metric: Metric
    label: str
    before: Estimate | str
    after: Estimate | str

    @property
    def sides(self) -> tuple[str, str]:
        """What each side says."""
        return _told(self.before, self.metric.unit), _told(self.after, self.metric.unit)

    @property
    def words(self) -> str:
        """Both sides: `no steady state → 12.6 h`."""
        before, after = self.sides
        return f"{before} in both" if before == after else f"{before} → {after}"

    @property
    def place(self) -> int:
        """Where it stands among others: a steady state gained, one lost, any other figure, none on either side."""
        gaps = [isinstance(side, str) and side.startswith(NO_STEADY_STATE) for side in (self.before, self.after)]
        if isinstance(self.before, str) and isinstance(self.after, str):
            return NEITHER
        return 0 if gaps[0] else 1 if gaps[1] else 2

    @property
    def verdict(self) -> str:
        """What there is to compare, in words."""
        return "no figure on either side" if self.place == NEITHER else "on one side only"

    def to_json(self) -> dict[str, Any]:
        """As `casesim run --json` prints it: a value, or why there is none, for each side."""
        sides = {"before": self.before, "after": self.after}
        told = {f"{side}_untold" if isinstance(one, str) else side: one if isinstance(one, str) else one.value
                for side, one in sides.items()}  # fmt: skip
        return {"metric": self.metric.name, "unit": self.metric.unit, **told, "words": self.words}


@dataclass(frozen=True)
class Comparison:
    """Two runs, metric by metric: what only one of them can quote first, then the largest change.

    before, after: the two runs as they were compared: each with as many replications as both have
    pairing: why the differences are not fully paired, in a sentence; empty where they are
    """

    before: Summary
    after: Summary
    one_sided: list[OneSided]
    moved: list[Difference]
    pairing: str

    @property
    def told(self) -> list[tuple[str, str]]:
        """Each metric's label, with its change in words."""
        return [(one.label, self.words_of(one) if isinstance(one, Difference) else one.words) for one in self.all]

    @property
    def all(self) -> list[OneSided | Difference]:
        """What is told of every metric: what only one run can quote, the largest change first, what neither can quote."""
        alone = [one for one in self.one_sided if one.place < NEITHER]
        return [*alone, *self.moved, *self.one_sided[len(alone) :]]

    def words_of(self, one: Difference) -> str:
        """A change, with its two values where it is more than chance and shows in them: `95.0% → 97.1% (+2.1 points)`."""
        values = self._values(one.metric)
        return f"{' → '.join(values)} ({one.size})" if one.significant and values[0] != values[1] else one.words

    @property
    def rows(self) -> pd.DataFrame:
        """A row a metric in words: what it is, before, after, change, 95% interval, sources of uncertainty, verdict."""
        rows = [(one.label, *self._cells(one), one.verdict) for one in self.all]
        return pd.DataFrame(rows, columns=["metric", "before", "after", "change", "95% interval", "half-widths", "verdict"])

    def to_json(self) -> list[dict[str, Any]]:
        """The differences as `casesim run --json` prints them."""
        return [one.to_json() for one in self.all]

    def _cells(self, one: OneSided | Difference) -> tuple[str, ...]:
        if isinstance(one, OneSided):
            return *one.sides, "", "", ""
        return *self._values(one.metric), one.size, one.interval, one.doubts

    def _values(self, metric: Metric) -> tuple[str, str]:
        before, after = (spoken(side.metrics[metric.name].value, metric.unit) for side in (self.before, self.after))
        return before, after


def compare(before: Summary, after: Summary, every: bool = False) -> Comparison:
    """What changes from one run to another, in the metrics of the objectives or in every metric."""
    count = min(before.replications, after.replications)
    old, new = _first(before, count), _first(after, count)
    moved = differences(old.measures, new.measures, (old, new), every)
    paired = {one.metric.name for one in moved}
    return Comparison(old, new, _one_sided(old, new, every, paired), _largest_first(moved, old, new), _pairing(before, after))


def side_by_side(runs: Sequence[Summary], names: Sequence[str]) -> pd.DataFrame:
    """Several runs in columns of these names: a row a metric, the objectives first; the first run is the baseline.

    Each other run is told with its change against the baseline and the 95% interval of that change.
    """
    found = [compare(runs[0], run, every=True) for run in runs[1:]]
    metrics = {name: metric for run in runs for name, metric in run.plan.scenario.metrics.items()}
    labels = {objective.metric: objective.label for objective in runs[0].plan.scenario.objectives}
    order = [*labels, *(name for name in metrics if name not in labels and any(name in run.metrics for run in runs))]
    rows = [
        [labels.get(name, metrics[name].label), _side(runs[0], metrics[name]), *(_against(one, metrics[name]) for one in found)]
        for name in order
    ]
    return pd.DataFrame(rows, columns=["metric", *names])


def undecided(moved: Sequence[Difference]) -> str:
    """One sentence on the differences that may be chance; empty where there are none."""
    told = [f"{d.label} ({d.size}, {d.interval})" for d in moved if not d.significant and d.change.value != 0]
    if not told:
        return ""
    listed = ", ".join(told[:-1]) + (" and " if len(told) > 1 else "") + told[-1]
    return f"Not significantly different: {listed}. Each interval includes zero, so chance alone may explain it."


def _bounds(interval: Interval) -> dict[str, float]:
    """The bounds that there are."""
    return {name: bound for name, bound in (("low", interval.low), ("high", interval.high)) if isfinite(bound)}


def _told(side: Estimate | str, unit: str) -> str:
    return side if isinstance(side, str) else spoken(side.value, unit)


def _side(run: Summary, metric: Metric) -> str:
    """A metric of one run: its value, or why there is none."""
    return _told(run.metrics.get(metric.name) or run.missing.get(metric.name, NO_FIGURE), metric.unit)


def _against(found: Comparison, metric: Metric) -> str:
    """A metric of the second of two runs, with its change."""
    value = _side(found.after, metric)
    change = next((one for one in found.moved if one.metric.name == metric.name), None)
    return value if change is None or change.change.value == 0 else f"{value} ({change.size}, {change.interval})"


def _first(run: Summary, count: int) -> Summary:
    """A run as it would have been with so many replications."""
    return run if run.replications == count else summary_of(run.plan, run.seed, run.measures[:count])


def _pairing(before: Summary, after: Summary) -> str:
    """Why two runs did not meet the same requests as often; empty where they did."""
    told = []
    if before.plan.scenario_hash != after.plan.scenario_hash:
        told.append("The case itself has changed between the two runs, so they are not paired: their intervals are wider.")
    elif before.seed != after.seed:
        told.append(
            f"The seeds differ ({before.seed} and {after.seed}), so the {before.plan.scenario.unit.many} do and nothing is "
            "paired: intervals are wider."
        )
    if before.replications != after.replications:
        count = min(before.replications, after.replications)
        told.append(f"Of {before.replications} and {after.replications} replications, the first {count} are compared.")
    return " ".join(told)


def _one_sided(old: Summary, new: Summary, every: bool, paired: set[str]) -> list[OneSided]:
    """The metrics that one run alone can quote and, of the objectives, those that neither can; a steady state first."""
    labels = _labels(new)
    metrics = old.plan.scenario.metrics | new.plan.scenario.metrics
    names = [name for name in (metrics if every else labels) if name not in paired]
    found = [
        OneSided(metrics[name], labels.get(name, metrics[name].label), *(
            run.metrics.get(name) or run.missing.get(name, "not in this design") for run in (old, new)))
        for name in names if name in old.metrics or name in new.metrics or name in labels
    ]  # fmt: skip
    return sorted(found, key=lambda one: one.place)


def _labels(run: Summary) -> dict[str, str]:
    """The metrics of the objectives, with the objectives' labels."""
    return {objective.metric: objective.label for objective in run.plan.scenario.objectives}


def _largest_first(moved: list[Difference], old: Summary, new: Summary) -> list[Difference]:
    """What is more than chance first, and of that the largest part of the figure; of a share, of the smaller of its sides."""

    def part(one: Difference) -> float:
        sizes = [abs(run.metrics[one.metric.name].value) for run in (old, new)]
        if one.metric.unit == "share":
            sizes = [min(size, abs(1 - size)) for size in sizes]
        return abs(one.change.value) / max(sizes) if max(sizes) > 0 else 0.0

    return sorted(moved, key=lambda one: (not one.significant, -part(one)))


def _signed(value: float, unit: str) -> str:
    if isinf(value):
        return "unbounded"
    sign = "−" if value < 0 else "+" if value > 0 else ""
    told = f"{significant(100 * abs(value))} points" if unit == "share" else spoken(abs(value), unit)
    return f"{sign}{told}"


def differences(
    before: Sequence[Measures], after: Sequence[Measures], summaries: tuple[Summary, Summary], every: bool = False
) -> list[Difference]:
    """The change in each objective's metric, or in every metric, that both runs can quote; `compare` tells the others too."""
    old, new = summaries
    labels = _labels(new)
    names = [name for name in (new.metrics if every else labels) if name in old.metrics and name in new.metrics]
    edges = bool(before[0].band_edges or after[0].band_edges)
    pairs = ((old, before), (new, after))
    sides = [estimators_of(summary.plan, summary.warm_up, measures, edges) for summary, measures in pairs]

    def difference(metric: Metric) -> Difference:
        told = ([reading_of(metric, one) for one in side] for side in sides)
        return Difference(metric, labels.get(metric.name, metric.label), change(metric, *told))

    return [difference(new.metric(name)) for name in names]
