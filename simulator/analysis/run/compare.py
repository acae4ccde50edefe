"""Two designs compared. Both met the same requests, so their differences are paired."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from simulator.analysis.run.estimates import Estimator, Floats, of_draws, spread_of
from simulator.analysis.run.labels import ways_of
from simulator.analysis.run.measures import Measures
from simulator.analysis.run.summary import Summary, doubts
from simulator.analysis.statistics import (
    Estimate,
    Interval,
    batch_interval,
    estimate,
    is_rare,
    ratio_difference,
    replicated_share,
)
from simulator.scenario.metrics import Metric
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
            return "no change"
        return _signed(self.change.value, self.metric.unit)

    @property
    def words(self) -> str:
        """The change in words, with a note if it may be chance."""
        return self.size if self.significant or self.change.value == 0 else f"{self.size} (not significantly different)"

    @property
    def interval(self) -> str:
        """The 95% interval of the change in words."""
        return f"{_signed(self.change.low, self.metric.unit)} to {_signed(self.change.high, self.metric.unit)}"

    @property
    def doubts(self) -> str:
        """How much of the interval's width each source of uncertainty causes."""
        return doubts(self.change, self.metric.unit)

    def to_json(self) -> dict[str, Any]:
        """The difference as `casesim run --json` prints it."""
        bounds = {"value": self.change.value, "low": self.change.low, "high": self.change.high, "unit": self.metric.unit}
        told = {name: {"low": part.low, "high": part.high} for name, part in self.change.doubts.items()}
        return {"metric": self.metric.name, **bounds, **told, "significant": self.significant, "words": self.words}


def undecided(moved: Sequence[Difference]) -> str:
    """One sentence on the differences that may be chance; empty where there are none."""
    told = [f"{d.label} ({d.size}, {d.interval})" for d in moved if not d.significant and d.change.value != 0]
    if not told:
        return ""
    listed = ", ".join(told[:-1]) + (" and " if len(told) > 1 else "") + told[-1]
    return f"Not significantly different: {listed}. Each interval includes zero, so chance alone may explain it."


def difference_rows(moved: Sequence[Difference]) -> pd.DataFrame:
    """The differences as a table: metric, change, 95% interval, the sources of its uncertainty, verdict."""
    verdicts = {True: "differs", False: "not significantly different"}
    rows = [
        (d.metric.name, d.size, d.interval, d.doubts, "the same" if d.change.value == 0 else verdicts[d.significant])
        for d in moved
    ]
    return pd.DataFrame(rows, columns=["metric", "change", "95% interval", "half-widths", "verdict"])


def _signed(value: float, unit: str) -> str:
    sign = "−" if value < 0 else "+" if value > 0 else ""
    told = f"{significant(100 * abs(value))} points" if unit == "share" else spoken(abs(value), unit)
    return f"{sign}{told}"


def comparable(before: Summary, after: Summary) -> bool:
    """Whether both runs met the same requests."""
    return (before.plan.scenario_hash, before.plan.strikes, before.seed, before.replications) == (
        after.plan.scenario_hash,
        after.plan.strikes,
        after.seed,
        after.replications,
    )


def differences(
    before: Sequence[Measures], after: Sequence[Measures], summaries: tuple[Summary, Summary], every: bool = False
) -> list[Difference]:
    """The change in each objective's metric, or in every metric, if both runs can quote it."""
    old, new = summaries
    labels = {objective.metric: objective.label for objective in new.plan.scenario.objectives}
    names = [name for name in (new.metrics if every else labels) if name in old.metrics and name in new.metrics]
    pairs = _pairs(before, after, summaries)
    found = [Difference(new.metric(name), labels.get(name, name), _change(new.metric(name), pairs)) for name in names]
    return [one for one in found if np.isfinite([one.change.low, one.change.high]).all()]


#: Estimators of both designs: at the middle of the projections and, if there are any, at both edges of their bands.
Pairs = list[tuple[Estimator, Estimator]]


def _pairs(before: Sequence[Measures], after: Sequence[Measures], summaries: tuple[Summary, Summary]) -> Pairs:
    ways = [ways_of(summary.plan) for summary in summaries]
    edges = (0, 1) if before[0].band_edges or after[0].band_edges else ()
    sides = [(before, after), *((_at_edge(before, index), _at_edge(after, index)) for index in edges)]

    def estimator(side: Sequence[Measures], index: int) -> Estimator:
        warm_up = summaries[index].warm_up
        kept = [one.after(warm_up.stretch) for one in side] if warm_up else side
        return Estimator(kept, ways[index], cut=warm_up is not None)

    return [(estimator(old, 0), estimator(new, 1)) for old, new in sides]


def _at_edge(measures: Sequence[Measures], index: int) -> list[Measures]:
    """The replications at one edge of the projections; unchanged if nothing is projected."""
    return [one.band_edges[index] if one.band_edges else one for one in measures]


def _change(metric: Metric, pairs: Pairs) -> Estimate:
    """The change; if latencies are projected, its interval spans those at both edges of their bands."""
    if metric.group is not None:
        alone = [(old.of_group(metric.group), new.of_group(metric.group)) for old, new in pairs]
        return _change(metric.of_all, alone)
    found = [_paired(metric, *pair) for pair in pairs if all(one.run_interval(metric) for one in pair)]
    first, values = found[0], [one.value for one in found]
    low, high = min(one.low for one in found), max(one.high for one in found)
    projected = Interval(first.value, min(values), max(values)) if len(found) > 1 else None
    return Estimate(first.value, low, high, first.run, first.labels, projected)


def _paired(metric: Metric, old: Estimator, new: Estimator) -> Estimate:
    run = _of_sample(metric, old, new) if metric.sample else _of_totals(metric, old, new)
    return estimate(run, _of_labels(metric, run.value, old, new))


def _of_sample(metric: Metric, old: Estimator, new: Estimator) -> Interval:
    """Pooled value against pooled value, with the spread of the differences of single replications (sectioning)."""
    values = [one.run_interval(metric) for one in (old, new)]
    both = [(one.figures({metric.name: metric}), other.figures({metric.name: metric})) for one, other in zip(
        old.measures, new.measures, strict=True)]  # fmt: skip
    moved = [other[metric.name] - one[metric.name] for one, other in both if metric.name in one and metric.name in other]
    assert values[0] is not None
    assert values[1] is not None
    return batch_interval(values[1].value - values[0].value, moved)


def _of_totals(metric: Metric, old: Estimator, new: Estimator) -> Interval:
    before, after = old.columns(metric.name), new.columns(metric.name)
    if metric.estimator == "share" and (is_rare(*before) or is_rare(*after)):
        return _apart(replicated_share(*before), replicated_share(*after))
    return ratio_difference(before, after)


def _apart(before: Interval, after: Interval) -> Interval:
    """The difference of two shares as if independent: never too narrow here (Newcombe 1998, Stat Med 17:873)."""
    value = after.value - before.value
    low = np.hypot(after.value - after.low, before.high - before.value)
    high = np.hypot(after.high - after.value, before.value - before.low)
    return Interval(value, value - float(low), value + float(high))


def _of_labels(metric: Metric, value: float, old: Estimator, new: Estimator) -> Interval | None:
    """Both designs on the same resamples of the labelled people; where scores shift in one of them, both run again."""
    drawn = [one.draws(metric.name) for one in (old, new)]
    again = any(change is None and one.reruns(lambda found: found.figure(metric))[0].size
                for change, one in zip(drawn, (old, new), strict=True))  # fmt: skip
    if any(change is not None for change in drawn) and not again:
        moved = sum(sign * change for sign, change in zip((-1, 1), drawn, strict=True) if change is not None)
        pinned = [all(one.ways.pinned[index] for one in (old, new) if one.ways) for index in (0, 1)]
        return of_draws(value, np.asarray(moved), pinned)
    moved = _moved_again(metric, old, new)
    if not moved.any():
        return None
    half = spread_of(moved)
    return Interval(value, value - half, value + half)


def _moved_again(metric: Metric, old: Estimator, new: Estimator) -> Floats:
    """How much more the second design changed than the first, in each replication run for other labelled people."""
    again = [np.subtract(*one.reruns(lambda found: found.figure(metric))[::-1]) for one in (old, new)]
    runs = min((len(moved) for moved in again if len(moved)), default=0)
    return np.asarray(np.subtract(*(moved[:runs] if len(moved) else np.zeros(runs) for moved in again[::-1])))
