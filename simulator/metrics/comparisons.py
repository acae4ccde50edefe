"""Designs compared. Where they met the same requests, their differences are paired. Nothing is left out: a figure that only
one of two runs has is told with the reason why the other has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, ClassVar

import pandas as pd

from simulator.case.outputs import Metric
from simulator.intervals import Estimate, Interval
from simulator.metrics.paired_samples import change, estimators_of, reading_of
from simulator.metrics.summary import NO_FIGURE, NO_STEADY_STATE, Summary, doubts, summary_of
from simulator.phrases import phrase
from simulator.units import signed_within, spoken_sides, spoken_within

#: The words for a figure that has not moved at all.
UNCHANGED = "no change"

#: The place of a metric that neither of two runs can quote: after all others.
NEITHER = 3


@dataclass(frozen=True)
class Difference:
    """A metric in two runs that both can quote, and its change with the 95% interval."""

    metric: Metric
    before: Interval
    after: Interval
    change: Estimate

    @property
    def label(self) -> str:
        return self.metric.label

    @property
    def significant(self) -> bool:
        return not self.change.low <= 0 <= self.change.high

    @property
    def beside(self) -> float:
        """The larger of both figures: the change is written in its unit."""
        return max(self.before.value, self.after.value)

    @property
    def size(self) -> str:
        return UNCHANGED if self.change.value == 0 else self.size_in_figures

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
    def line(self) -> str:
        """The figures and the change of a plain difference: `20.4 USD → 45.4 USD (+24.9 USD)`."""
        before, after = self.sides
        return f"{before} → {after} ({self.size})" if self.significant and before != after else self.words

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
    def cells(self) -> tuple[str, str, str]:
        """The change, its interval and its sources of doubt."""
        return self.size, self.interval, doubts(self.change, self.metric.unit, self.beside)

    @property
    def sides(self) -> tuple[str, str]:
        return self.sides_of(self.before, self.after)

    def sides_of(self, before: Interval, after: Interval, bound: float | None = None) -> tuple[str, str]:
        """Write figures of both runs in no finer digits than the change; bound: that their verdicts rest on."""
        pair = [(side.value, side.low, side.high) for side in (before, after)]
        old, new = spoken_sides(pair, (self.change.value, self.change.low, self.change.high), self.metric.unit, bound)
        return old, new

    def _written(self) -> list[str]:
        return signed_within(self.change.value, self.change.low, self.change.high, self.metric.unit, self.beside)

    def to_json(self) -> dict[str, Any]:
        parts = {name: _bounds(part) for name, part in self.change.doubts.items()}
        value = {"value": self.change.value, **_bounds(self.change), "unit": self.metric.unit}
        return {"metric": self.metric.name, **value, **parts, "significant": self.significant, "words": self.words}


def _alike(size: str, other: str) -> bool:
    """Return whether two changes have the same unit, in the singular or in the plural."""
    units = [words.partition(" ")[2] for words in (size, other)]
    return units[0] == units[1] or set(units) == {"point", "points"}


@dataclass(frozen=True)
class OneSided:
    """A metric that at most one of two runs can quote: its value on one side, on the other the reason why there is none."""

    metric: Metric
    before: Estimate | str
    after: Estimate | str
    change: ClassVar[None] = None
    cells: ClassVar[tuple[str, str, str]] = "", "", ""

    @property
    def label(self) -> str:
        return self.metric.label

    @property
    def sides(self) -> tuple[str, str]:
        return _in_words(self.before, self.metric.unit), _in_words(self.after, self.metric.unit)

    @property
    def words(self) -> str:
        before, after = self.sides
        return f"{before} in both" if before == after else f"{before} → {after}"

    @property
    def line(self) -> str:
        return self.words

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
        reported = {f"{name}_untold" if isinstance(side, str) else name: side if isinstance(side, str) else side.value
                for name, side in sides.items()}  # fmt: skip
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
    def all(self) -> list[OneSided | Difference]:
        alone = [difference for difference in self.one_sided if difference.place < NEITHER]
        return [*alone, *self.moved, *self.one_sided[len(alone) :]]

    @property
    def rows(self) -> pd.DataFrame:
        rows = [(difference.label, *difference.sides, *difference.cells, difference.verdict) for difference in self.all]
        return pd.DataFrame(rows, columns=["metric", "before", "after", "change", "95% interval", "half-widths", "verdict"])

    def to_json(self) -> list[dict[str, Any]]:
        return [difference.to_json() for difference in self.all]


def compare(before: Summary, after: Summary, every: bool = False) -> Comparison:
    """Compare two runs in the metrics of the objectives, or in every metric."""
    old, new = in_pairs(before, after)
    moved = differences(old, new, every)
    paired = {difference.metric.name for difference in moved}
    return Comparison(old, new, _one_sided(old, new, every, paired), sorted(moved, key=_lightness), _pairing(before, after))


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
    return phrase("differences.undecided", differences=unclear) if unclear else ""


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
    return f"{change.sides[1]} ({change.size}, {change.interval})"


def in_pairs(before: Summary, after: Summary) -> tuple[Summary, Summary]:
    """Return two runs with the first replications that both have: one of them may have ended early."""
    count = min(before.replications, after.replications)
    return _first(before, count), _first(after, count)


def _first(run: Summary, count: int) -> Summary:
    return run if run.replications == count else summary_of(run.plan, run.seed, run.measures[:count])


def _pairing(before: Summary, after: Summary) -> str:
    words, own, other = list[str](), before.replications, after.replications
    if before.plan.scenario_hash != after.plan.scenario_hash:
        words.append(phrase("differences.cases"))
    elif before.seed != after.seed:
        many = before.plan.scenario.unit.many
        words.append(phrase("differences.seeds", before=before.seed, after=after.seed, many=many))
    if own != other:
        words.append(phrase("differences.replications", before=own, after=other, least=min(own, other)))
    return " ".join(words)


def _one_sided(old: Summary, new: Summary, every: bool, paired: set[str]) -> list[OneSided]:
    asked = _asked(new)
    metrics = old.plan.scenario.metrics | new.plan.scenario.metrics
    names = [name for name in (metrics if every else asked) if name not in paired]
    one_sided = [
        OneSided(metrics[name], *(run.metrics.get(name) or run.missing.get(name, "not in this design") for run in (old, new)))
        for name in names
        if name in old.metrics or name in new.metrics or name in asked
    ]
    return sorted(one_sided, key=lambda difference: difference.place)


def _asked(run: Summary) -> list[str]:
    return list(dict.fromkeys(objective.metric for objective in run.plan.scenario.objectives))


def _lightness(difference: Difference) -> tuple[bool, float]:
    sizes = [abs(side.value) for side in (difference.before, difference.after)]
    if difference.metric.unit == "share":
        sizes = [min(size, abs(1 - size)) for size in sizes]
    part = abs(difference.change.value) / max(sizes) if max(sizes) > 0 else 0.0
    return not difference.significant, -part


def differences(before: Summary, after: Summary, every: bool = False) -> list[Difference]:
    """Return the change of each objective's metric, or of every metric, that both runs can quote (`compare` has all)."""
    names = [name for name in (after.metrics if every else _asked(after)) if name in before.metrics and name in after.metrics]
    edges = any(run.measures[0].band_edges for run in (before, after))
    sides = [estimators_of(run.plan, run.warm_up, run.measures, edges) for run in (before, after)]

    def difference(metric: Metric) -> Difference:
        samples = ([reading_of(metric, estimator) for estimator in side] for side in sides)
        return Difference(metric, before.metrics[metric.name], after.metrics[metric.name], change(metric, *samples))

    return [difference(after.metric(name)) for name in names]
