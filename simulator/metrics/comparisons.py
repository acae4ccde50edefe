"""Designs compared. Where they met the same requests, their differences are paired. Nothing is left out: a figure that only
one of two runs has is told with the reason why the other has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import pandas as pd

from simulator.case.outputs import Metric
from simulator.intervals import Estimate, Interval
from simulator.metrics.measures import Measures
from simulator.metrics.paired_samples import change, estimators_of, reading_of
from simulator.metrics.summary import NO_FIGURE, NO_STEADY_STATE, Summary, doubts, summary_of
from simulator.units import listed, signed_within, spoken_sides, spoken_within


@dataclass(frozen=True)
class Difference:
    """The change of a metric from one design to another, with its 95% interval.

    beside: the larger of both figures: the change is written in its unit
    """

    metric: Metric
    label: str
    change: Estimate
    beside: float = 0.0

    @property
    def significant(self) -> bool:
        return not self.change.low <= 0 <= self.change.high

    @property
    def size(self) -> str:
        if self.change.value == 0:
            return UNCHANGED
        return self._written()[0]

    @property
    def is_none(self) -> bool:
        """Whether both designs have the same figure in every replication and under every draw of the labels."""
        return self.change.value == self.change.low == self.change.high == 0

    @property
    def size_in_figures(self) -> str:
        """The size as a number, also where it is 0 within an interval: `0 points`."""
        return self._written()[0]

    @property
    def words(self) -> str:
        return self.size if self.significant or self.change.value == 0 else f"{self.size} (not significantly different)"

    @property
    def verdict(self) -> str:
        return "the same" if self.change.value == 0 else "differs" if self.significant else "not significantly different"

    @property
    def interval(self) -> str:
        _, low, high = self._written()
        return f"{low.partition(' ')[0] if _alike(low, high) else low} to {high}"

    @property
    def with_interval(self) -> str:
        """The size with its interval, the unit once: `+2.3 points (+0.5 to +4.4)`."""
        if self.change.value == 0:
            return self.size
        size, *bounds = self._written()
        numbers = " to ".join(bound.partition(" ")[0] for bound in bounds)
        return f"{size} ({numbers if all(_alike(size, bound) for bound in bounds) else self.interval})"

    @property
    def doubts(self) -> str:
        return doubts(self.change, self.metric.unit, self.beside)

    def sides(self, before: Interval, after: Interval, bound: float | None = None) -> tuple[str, str]:
        """Write the figures of both runs in no finer digits than the change; bound: that their verdicts rest on."""
        pair = [(estimate.value, estimate.low, estimate.high) for estimate in (before, after)]
        old, new = spoken_sides(pair, (self.change.value, self.change.low, self.change.high), self.metric.unit, bound)
        return old, new

    def _written(self) -> list[str]:
        return signed_within(self.change.value, self.change.low, self.change.high, self.metric.unit, self.beside)

    def to_json(self) -> dict[str, Any]:
        parts = {name: _bounds(part) for name, part in self.change.doubts.items()}
        value = {"value": self.change.value, **_bounds(self.change), "unit": self.metric.unit}
        return {"metric": self.metric.name, **value, **parts, "significant": self.significant, "words": self.words}


def _alike(one: str, other: str) -> bool:
    """Return whether two changes have the same unit, in the singular or in the plural."""
    units = [words.partition(" ")[2] for words in (one, other)]
    return units[0] == units[1] or set(units) == {"point", "points"}


#: The words for a figure that has not moved at all.
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
        return _in_words(self.before, self.metric.unit), _in_words(self.after, self.metric.unit)

    @property
    def words(self) -> str:
        before, after = self.sides
        return f"{before} in both" if before == after else f"{before} → {after}"

    @property
    def place(self) -> int:
        """The rank of this row: a steady state gained, one lost, any other figure, none on either side."""
        gaps = [isinstance(side, str) and side.startswith(NO_STEADY_STATE) for side in (self.before, self.after)]
        if isinstance(self.before, str) and isinstance(self.after, str):
            return NEITHER
        return 0 if gaps[0] else 1 if gaps[1] else 2

    @property
    def verdict(self) -> str:
        return "no figure on either side" if self.place == NEITHER else "on one side only"

    def to_json(self) -> dict[str, Any]:
        """Return the change as `casesim run --json` prints it: a value, or why there is none, for each side."""
        sides = {"before": self.before, "after": self.after}
        reported = {f"{side}_untold" if isinstance(one, str) else side: one if isinstance(one, str) else one.value
                for side, one in sides.items()}  # fmt: skip
        return {"metric": self.metric.name, "unit": self.metric.unit, **reported, "words": self.words}


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
    def lines(self) -> list[tuple[str, str]]:
        return [
            (difference.label, self.words_of(difference) if isinstance(difference, Difference) else difference.words)
            for difference in self.all
        ]

    @property
    def all(self) -> list[OneSided | Difference]:
        alone = [difference for difference in self.one_sided if difference.place < NEITHER]
        return [*alone, *self.moved, *self.one_sided[len(alone) :]]

    def words_of(self, one: Difference) -> str:
        values = self.sides_of(one)
        return f"{' → '.join(values)} ({one.size})" if one.significant and values[0] != values[1] else one.words

    def sides_of(self, one: OneSided | Difference) -> tuple[str, str]:
        """Return the figures of both runs in words, or why one has none."""
        if isinstance(one, OneSided):
            return one.sides
        return one.sides(self.before.metrics[one.metric.name], self.after.metrics[one.metric.name])

    @property
    def rows(self) -> pd.DataFrame:
        rows = [(difference.label, *self._cells(difference), difference.verdict) for difference in self.all]
        return pd.DataFrame(rows, columns=["metric", "before", "after", "change", "95% interval", "half-widths", "verdict"])

    def to_json(self) -> list[dict[str, Any]]:
        return [difference.to_json() for difference in self.all]

    def _cells(self, one: OneSided | Difference) -> tuple[str, ...]:
        if isinstance(one, OneSided):
            return *one.sides, "", "", ""
        return *self.sides_of(one), one.size, one.interval, one.doubts


def compare(before: Summary, after: Summary, every: bool = False) -> Comparison:
    """Compare two runs in the metrics of the objectives, or in every metric."""
    old, new = in_pairs(before, after)
    moved = differences(old.measures, new.measures, (old, new), every)
    paired = {difference.metric.name for difference in moved}
    return Comparison(old, new, _one_sided(old, new, every, paired), _largest_first(moved, old, new), _pairing(before, after))


def side_by_side(runs: Sequence[Summary], names: Sequence[str]) -> pd.DataFrame:
    """Return several runs in columns of these names: a row a metric, the objectives first; the first run is the baseline.

    Beside each other run stand its change against the baseline and the 95% interval of that change. Every figure comes from the
    replications that all runs have, so that two figures of a row differ by their change.
    """
    count = min(run.replications for run in runs)
    runs = [_first(run, count) for run in runs]
    comparisons = [compare(runs[0], run, every=True) for run in runs[1:]]
    metrics = {name: metric for run in runs for name, metric in run.plan.scenario.metrics.items()}
    asked = _asked(runs[0])
    order = [*asked, *(name for name in metrics if name not in asked and any(name in run.metrics for run in runs))]
    rows = [
        [
            metrics[name].label,
            _side(runs[0], metrics[name]),
            *(_against(comparison, metrics[name]) for comparison in comparisons),
        ]
        for name in order
    ]
    return pd.DataFrame(rows, columns=["metric", *names])


def undecided(moved: Sequence[Difference]) -> str:
    """Return one sentence on the differences that may be chance; empty where there are none."""
    unclear = [f"{d.label} ({d.size}, {d.interval})" for d in moved if not d.significant and d.change.value != 0]
    if not unclear:
        return ""
    return f"Not significantly different: {listed(unclear)}. Each interval includes zero, so chance alone may explain it."


def _bounds(interval: Interval) -> dict[str, float]:
    return {name: bound for name, bound in (("low", interval.low), ("high", interval.high)) if isfinite(bound)}


def _in_words(side: Estimate | str, unit: str) -> str:
    return side if isinstance(side, str) else spoken_within(side.value, side.low, side.high, unit)[0]


def _side(run: Summary, metric: Metric) -> str:
    return _in_words(run.metrics.get(metric.name) or run.missing.get(metric.name, NO_FIGURE), metric.unit)


def _against(comparison: Comparison, metric: Metric) -> str:
    change = next((difference for difference in comparison.moved if difference.metric.name == metric.name), None)
    if change is None or change.change.value == 0:
        return _side(comparison.after, metric)
    return f"{comparison.sides_of(change)[1]} ({change.size}, {change.interval})"


def in_pairs(before: Summary, after: Summary) -> tuple[Summary, Summary]:
    """Return two runs with the first replications that both have: one of them may have ended early."""
    count = min(before.replications, after.replications)
    return _first(before, count), _first(after, count)


def _first(run: Summary, count: int) -> Summary:
    return run if run.replications == count else summary_of(run.plan, run.seed, run.measures[:count])


def _pairing(before: Summary, after: Summary) -> str:
    words = []
    if before.plan.scenario_hash != after.plan.scenario_hash:
        words.append("The case itself has changed between the two runs, so they are not paired: their intervals are wider.")
    elif before.seed != after.seed:
        words.append(
            f"The seeds differ ({before.seed} and {after.seed}), so the {before.plan.scenario.unit.many} do and nothing is "
            "paired: intervals are wider."
        )
    if before.replications != after.replications:
        count = min(before.replications, after.replications)
        runs = f"The runs have {before.replications} and {after.replications} replications"
        words.append(f"{runs}. The first {count} of each are compared, so figures may differ from those of whole runs.")
    return " ".join(words)


def _one_sided(old: Summary, new: Summary, every: bool, paired: set[str]) -> list[OneSided]:
    asked = _asked(new)
    metrics = old.plan.scenario.metrics | new.plan.scenario.metrics
    names = [name for name in (metrics if every else asked) if name not in paired]
    one_sided = [
        OneSided(metrics[name], metrics[name].label, *(
            run.metrics.get(name) or run.missing.get(name, "not in this design") for run in (old, new)))
        for name in names if name in old.metrics or name in new.metrics or name in asked
    ]  # fmt: skip
    return sorted(one_sided, key=lambda one: one.place)


def _asked(run: Summary) -> list[str]:
    return list(dict.fromkeys(objective.metric for objective in run.plan.scenario.objectives))


def _largest_first(moved: list[Difference], old: Summary, new: Summary) -> list[Difference]:
    def part(one: Difference) -> float:
        sizes = [abs(run.metrics[one.metric.name].value) for run in (old, new)]
        if one.metric.unit == "share":
            sizes = [min(size, abs(1 - size)) for size in sizes]
        return abs(one.change.value) / max(sizes) if max(sizes) > 0 else 0.0

    return sorted(moved, key=lambda difference: (not difference.significant, -part(difference)))


def differences(
    before: Sequence[Measures], after: Sequence[Measures], summaries: tuple[Summary, Summary], every: bool = False
) -> list[Difference]:
    """Return the change of each objective's metric, or of every metric, that both runs can quote (`compare` has all)."""
    old, new = summaries
    names = [name for name in (new.metrics if every else _asked(new)) if name in old.metrics and name in new.metrics]
    edges = bool(before[0].band_edges or after[0].band_edges)
    pairs = ((old, before), (new, after))
    sides = [estimators_of(summary.plan, summary.warm_up, measures, edges) for summary, measures in pairs]

    def difference(metric: Metric) -> Difference:
        samples = ([reading_of(metric, one) for one in side] for side in sides)
        larger = max(summary.metrics[metric.name].value for summary in summaries)
        return Difference(metric, metric.label, change(metric, *samples), larger)

    return [difference(new.metric(name)) for name in names]
