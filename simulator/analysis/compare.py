"""Two designs against each other. Both met the same requests, so that their differences are paired."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t

from simulator.analysis.measures import Measures
from simulator.analysis.statistics import LEVEL, Interval, mean_interval, ratio_difference, sum_interval
from simulator.analysis.summary import Ratio, Summary, cost_ratio, is_share, share_ratio, unit_of
from simulator.units import significant, spoken


@dataclass(frozen=True)
class Difference:
    """How much a metric moved from one design to another, with its 95% interval."""

    metric: str
    label: str
    change: Interval

    @property
    def significant(self) -> bool:
        """Whether the interval leaves out zero."""
        return not self.change.low <= 0 <= self.change.high

    @property
    def size(self) -> str:
        """The change with its sign and unit: `+2.1 points`."""
        if self.change.value == 0:
            return "no change"
        return _signed(self.change.value, unit_of(self.metric))

    @property
    def words(self) -> str:
        """The change as a person reads it, with a word where it may be chance."""
        return self.size if self.significant or self.change.value == 0 else f"{self.size} (not significantly different)"

    @property
    def interval(self) -> str:
        """The 95% interval of the change in words."""
        unit = unit_of(self.metric)
        return f"{_signed(self.change.low, unit)} to {_signed(self.change.high, unit)}"

    def to_json(self) -> dict[str, Any]:
        """The difference as `casesim run --json` prints it."""
        unit = unit_of(self.metric)
        return {"metric": self.metric, **vars(self.change), "unit": unit, "significant": self.significant, "words": self.words}


def undecided(moved: Sequence[Difference]) -> str:
    """One sentence on the differences that may be chance; empty where there are none."""
    told = [f"{d.label} ({d.size}, {d.interval})" for d in moved if not d.significant and d.change.value != 0]
    if not told:
        return ""
    listed = ", ".join(told[:-1]) + (" and " if len(told) > 1 else "") + told[-1]
    return f"Not significantly different: {listed}. Each interval holds zero, so that chance alone may explain it."


def difference_rows(moved: Sequence[Difference]) -> pd.DataFrame:
    """The differences as a table: metric, change, 95% interval, verdict."""
    verdicts = {True: "differs", False: "not significantly different"}
    rows = [(d.metric, d.size, d.interval, "the same" if d.change.value == 0 else verdicts[d.significant]) for d in moved]
    return pd.DataFrame(rows, columns=["metric", "change", "95% interval", "verdict"])


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
    """What changed in each objective's metric, or in every metric, for those that both runs can quote."""
    old, new = summaries
    labels = {objective.metric: objective.label for objective in new.plan.scenario.objectives}
    names = [name for name in (new.metrics if every else labels) if name in old.metrics and name in new.metrics]
    return [Difference(name, labels.get(name, name), _span(name, before, after, summaries)) for name in names]


def _span(name: str, before: Sequence[Measures], after: Sequence[Measures], summaries: tuple[Summary, Summary]) -> Interval:
    """The change; where latencies are projected, its interval reaches over those at both ends of their bands."""
    change = _change(name, before, after, summaries)
    if not (before[0].ends or after[0].ends):
        return change
    pairs = [(_end(before, index), _end(after, index)) for index in (0, 1)]
    at_ends = [_change(name, *pair, summaries) for pair in pairs if all(_has(name, measures) for measures in pair)]
    return Interval(change.value, min(c.low for c in [change, *at_ends]), max(c.high for c in [change, *at_ends]))


def _end(measures: Sequence[Measures], index: int) -> Sequence[Measures]:
    return [m.ends[index] if m.ends else m for m in measures]


def _has(name: str, measures: Sequence[Measures]) -> bool:
    """Whether a metric can be told of every replication; those that are pooled over people always can."""
    return name not in measures[0].metrics or all(name in m.metrics for m in measures)


def _change(name: str, before: Sequence[Measures], after: Sequence[Measures], summaries: tuple[Summary, Summary]) -> Interval:
    if name == "cost_per_1000_usd":
        return _cost(before, after, summaries)
    if name in ("sensitivity", "specificity"):
        column = "positives" if name == "sensitivity" else "negatives"
        return _share(_pooled(before, column), _pooled(after, column))
    if name == "missed_per_1000":
        return _scaled(_change("sensitivity", before, after, summaries), -1000 * _positives_share(after))
    if is_share(name):
        return ratio_difference(share_ratio(before, name), share_ratio(after, name))
    return mean_interval([b.metrics[name] - a.metrics[name] for a, b in zip(before, after, strict=True)])


def _pooled(measures: Sequence[Measures], column: str) -> pd.DataFrame:
    frames: list[pd.DataFrame] = [getattr(m, column) for m in measures]
    return pd.concat(frames).groupby("patient")[["trials", "hits"]].sum()


def _share(before: pd.DataFrame, after: pd.DataFrame) -> Interval:
    """Change of a share, clustered by labelled patient: replications alone would hide how few of them there are."""
    both = before.join(after.add_suffix("_after"), how="outer").fillna(0)
    old, new = before["hits"].sum() / before["trials"].sum(), after["hits"].sum() / after["trials"].sum()
    residuals = (both["hits_after"] - new * both["trials_after"]) / after["trials"].sum()
    residuals -= (both["hits"] - old * both["trials"]) / before["trials"].sum()
    count = len(both)
    half = t.ppf((1 + LEVEL) / 2, count - 1) * np.sqrt(count / (count - 1) * (residuals**2).sum())
    return Interval(new - old, new - old - half, new - old + half)


def _cost(before: Sequence[Measures], after: Sequence[Measures], summaries: tuple[Summary, Summary]) -> Interval:
    """What is paid is paired by replication; what is missed by labelled patient, as its metric is."""
    paid = ratio_difference(_paid(before), _paid(after))
    costs = summaries[1].plan.scenario.costs
    if costs is None or "missed_per_1000" not in summaries[1].metrics:
        return paid
    missed = _change("missed_per_1000", before, after, summaries)
    return sum_interval(paid, _scaled(missed, costs.missed_positive_usd.value))


def _paid(measures: Sequence[Measures]) -> Ratio:
    return cost_ratio(measures, *(part for part in measures[0].costs if part != "missed"))


def _positives_share(measures: Sequence[Measures]) -> float:
    return float(sum(m.positives["trials"].sum() for m in measures) / sum(m.requests for m in measures))


def _scaled(interval: Interval, factor: float) -> Interval:
    low, high = sorted((interval.low * factor, interval.high * factor))
    return Interval(interval.value * factor, low, high)
