"""Estimates of metrics with their intervals, from the measures of all replications, by the estimator that a record names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from math import inf
from operator import itemgetter

import numpy as np
from scipy.special import stdtrit

from simulator.arrays import Floats
from simulator.case.outputs import Metric, MetricGroup
from simulator.intervals import (
    FEWEST_RUNS,
    LEVEL,
    Estimate,
    Interval,
    dependent_sum,
    estimate,
    mean_time_interval,
    one_run_interval,
    percentile_interval,
    ratio_interval,
    replicated_share,
    widened,
)
from simulator.metrics.label_uncertainty import ABOUT, LoadLines, RoutingShares, load_lines
from simulator.metrics.measures import Measures, whole_sample
from simulator.metrics.samples import NOTHING, Percentile, Pooled, Sample, Total, bounds, changes
from simulator.phrases import phrase

#: Batches of one long run in steady state (batch means), nearly independent of each other.
BATCHES = 20


#: A metric of a group is quoted from this many requests, and this many labelled people of each class, on.
ENOUGH = 30

#: The fewest draws that tell how skewed they are, and the largest skewness that as few can show.
ENOUGH_TO_LEAN, MOST_SKEW = 20, 2.4


#: The words for what a percentile counts where that is not requests, by the first part of its sample.
_COUNTED = {"age": "looks at it", "age_peak": "arrivals", "wait": "waits", "served": "answers", "latency": "answers"}


@dataclass(frozen=True)
class Withheld:
    """A percentile or a group's metric with too few requests or labelled people to support it, and about how many it takes."""

    metric: Metric
    requests: float
    needed: float
    people: int | None = None

    @property
    def few(self) -> str:
        return f"too few {self._what}" if self.people is None else "too few labelled people"

    @property
    def _what(self) -> str:
        return _COUNTED.get(self.metric.sample.partition(".")[0], "cases")

    @property
    def sentence(self) -> str:
        """The missing requests or people, in words."""
        count, what = (self.requests, self._what) if self.people is None else (self.people, "labelled people")
        key = "withheld.percentile" if self.people is None and self.metric.quantile is not None else "withheld.group"
        return phrase(key, label=self.metric.label, count=count, what=what, needed=self.needed)


#: A total of a replication; None where it has none.
TotalOf = Callable[[Measures], Total | None]


class Estimator:
    """Estimates of one design.

    measures: a replication each, without their warm-up; ways: the effect of resampling the labelled people, if any
    cut: whether a warm-up was cut off, so that a single replication may be cut into stretches
    alike: how many requests wait as one by plan, by stage (`likeness`)
    widening: the factor by which a look at a part of the replications widens the doubt of the run
    elsewhere: runs at other thresholds, for ways that no request of these replications takes (`runs_on_unseen_ways`)
    """

    def __init__(
        self,
        measures: Sequence[Measures],
        ways: RoutingShares | None,
        cut: bool = False,
        alike: Mapping[str, float] | None = None,
        widening: float = 1.0,
        elsewhere: Sequence[Measures] = (),
    ) -> None:
        self.measures = measures
        self.elsewhere = elsewhere
        self.ways = ways
        self.alike = alike or {}
        self.widening = widening
        self.in_stretches = cut and len(measures) == 1
        self.withheld: list[Withheld] = []
        self._pooled: dict[tuple[int, ...], Pooled] = {}
        self.whole: Estimator | None = None  # of a group: the estimates of all requests
        self._groups: dict[str, Estimator] = {}

    def of_group(self, group: MetricGroup) -> Estimator:
        """Return estimates of the requests of one group alone."""
        if group.key not in self._groups:
            measures = [measure.of_group(group.key) for measure in self.measures]
            ways = self.ways and self.ways.groups.get(group.key, self.ways)
            alone = self._groups[group.key] = Estimator(measures, ways, alike=self.alike, widening=self.widening)
            alone.whole, alone.in_stretches = self, self.in_stretches
        return self._groups[group.key]

    def estimate(self, metric: Metric) -> Estimate | None:
        """Return a metric with its interval; None if the run has none, or too few requests or labelled people to quote it."""
        if metric.group is not None:
            return self._of_group(metric, self.of_group(metric.group))
        run = self.run_interval(metric)
        if run is None:
            return None
        labels = self.labels_interval(metric, run.value)
        return estimate(widened(run, self.widening), labels, metric.least, metric.most)

    def _of_group(self, metric: Metric, alone: Estimator) -> Estimate | None:
        of_all = metric.of_all
        lacking = alone.lacking(of_all)
        if lacking is not None:
            self.withheld.append(replace(lacking, metric=metric))
            return None
        before = len(alone.withheld)
        result = alone.estimate(of_all)
        self.withheld += [replace(withheld, metric=metric) for withheld in alone.withheld[before:]]
        return result

    def lacking(self, metric: Metric) -> Withheld | None:
        """Return the shortage that withholds a group's metric; None where there is none, or no such figure at all."""
        labelled = self.measures[0].labelled
        behind = [labelled[of_class] for of_class in ABOUT.get(metric.name, (0, 1)) if labelled[of_class]] if labelled else []
        if behind and min(behind) < ENOUGH:
            return Withheld(metric, 0, ENOUGH, min(behind))
        requests = float(self.columns(metric.name)[1].sum()) if not metric.sample else ENOUGH
        return Withheld(metric, requests, ENOUGH) if 0 < requests < ENOUGH else None

    def cost(self, part: str) -> Estimate:
        """Return a part of the cost of 1,000 requests."""
        totals = [measure.costs[part] for measure in self.measures]
        run = ratio_interval([total.numerator for total in totals], [total.denominator for total in totals])
        by_way = self._by_way(lambda measures: measures.costs[part], run.value)
        labels = by_way or self._by_runs(lambda measures: measures.costs[part].ratio, run.value)
        return estimate(widened(run, self.widening), labels, -inf if run.value < 0 else 0.0)

    def run_interval(self, metric: Metric) -> Interval | None:
        """Return the metric with the uncertainty due to the run."""
        if metric.sample:
            return self._of_sample(metric)
        above, below = self.columns(metric.name)
        if not below.any():
            return None
        return replicated_share(above, below) if metric.estimator == "share" else ratio_interval(above, below)

    def one_run(self, metric: Metric) -> Interval | None:
        """Return the bounds that hold the figure of one further run with 95%, by the luck of the run alone.

        None where too few replications have such a figure.
        """
        if metric.group is not None:
            return self.of_group(metric.group).one_run(metric.of_all)
        figures = [figure for measure in self.measures if (figure := measure.figure(metric)) is not None]
        if len(figures) < FEWEST_RUNS:
            return None
        parts = self.columns(metric.name) if metric.estimator == "share" else None
        return one_run_interval(figures, parts, metric.least, metric.most)

    def labels_interval(self, metric: Metric, value: float) -> Interval | None:
        """Return the metric with the uncertainty due to the labels; None if it rests on no labelled item."""
        totals = self._totals(metric.name)
        if (counted := bounds(totals)) is not None:
            return Interval(value, *counted)
        if (moved := changes(totals)) is not None:
            return about(value, moved)
        if self.ways is not None and any(total.by_way is not None for total in totals):
            return self._by_way(_total_of(metric.name), value)
        if metric.is_time:
            return self._time_by_runs(metric, value)
        return self._by_runs(lambda measures: measures.figure(metric), value)

    def moved(self, name: str) -> Floats | None:
        """Return the change of a metric in each resample of evidence that stands outside the score tables, shape (draws,)."""
        return changes(self._totals(name))

    def between(self, name: str) -> tuple[float, float] | None:
        return bounds(self._totals(name))

    def _totals(self, name: str) -> list[Total]:
        return [measure.totals[name] for measure in self.measures if name in measure.totals]

    def columns(self, name: str) -> tuple[Floats, Floats]:
        """Return numerators and denominators of a ratio or a share, a replication each."""
        if name in self.measures[0].rates:
            return self._rates(name)
        totals = self._totals(name)
        return np.array([total.numerator for total in totals]), np.array([total.denominator for total in totals])

    def rerouted(self, metric: Metric, ways: RoutingShares) -> float | None:
        """Return the plain value of a sum over people if labelled items took other ways; None if it rests on no labelled item.

        What follows a way is taken to stay as it is. ways: of which only the plain shares are used.
        """
        every = Estimator(self.measures, ways)
        alone, name = (every.of_group(metric.group), metric.of_all.name) if metric.group else (every, metric.name)
        sums = alone._by_class_and_way(_total_of(name))
        return None if sums is None or alone.ways is None else float(_ratio(*sums, alone.ways.original))

    def _samples(self, name: str) -> list[Sample]:
        samples = [measure.samples.get(name, NOTHING) for measure in self.measures]
        return samples[0].parts(BATCHES) if self.in_stretches else samples

    def pooled(self, name: str) -> Pooled:
        """Return the values of a sample over all replications."""
        samples = self._samples(name)
        key = tuple(
            id(sample.values) for sample in samples if sample is not NOTHING
        )  # if nothing is refused, the served are the answered
        if self.in_stretches or key not in self._pooled:
            self._pooled[key] = Pooled(samples)
        return self._pooled[key]

    def _of_sample(self, metric: Metric) -> Interval | None:
        pooled = self.pooled(metric.sample)
        if not pooled:
            return None
        if metric.quantile is None:
            samples = self._samples(metric.sample)
            sums = [sample.weight * float(sample.values.sum(dtype=float)) for sample in samples]
            return mean_time_interval(sums, [sample.count for sample in samples])
        percentile = pooled.percentile(metric.quantile, self._alike(metric.sample, pooled.count))
        return percentile.interval if self._is_enough(metric, percentile) else None

    def _alike(self, sample: str, count: float) -> float | None:
        """Return how many of the requests of a sample wait as one: of a group of them, as large a part; None if unplanned."""
        alike = self.alike.get(whole_sample(sample).partition(".")[2])
        if alike is None:
            return None
        everybody = (self.whole or self).pooled(whole_sample(sample)).count
        return max(alike * count / max(everybody, count), 1.0)

    def _is_enough(self, metric: Metric, percentile: Percentile) -> bool:
        if not percentile.quotable:
            self.withheld.append(Withheld(metric, percentile.requests, percentile.needed))
        return percentile.quotable

    def _rates(self, name: str) -> tuple[Floats, Floats]:
        """Return answers and seconds."""
        counts = [measure.rates[name] for measure in self.measures]
        if self.in_stretches:
            counts = np.array_split(counts[0], BATCHES)
        seconds = [len(each) * self.measures[0].stretch_s for each in counts]
        return np.array([each.sum() for each in counts]), np.array(seconds)

    def _by_way(self, total_of: TotalOf, value: float) -> Interval | None:
        change = self._draws(total_of)
        return None if change is None or self.ways is None else of_draws(value, change)

    def draws(self, name: str) -> Floats | None:
        """Return the change of a sum over people in each draw: through the negatives, through the positives, and through both.

        Shape (3, draws); None if it rests on no labelled item.
        """
        return self._draws(_total_of(name))

    def _draws(self, total_of: TotalOf) -> Floats | None:
        sums = self._by_class_and_way(total_of)
        if sums is None or self.ways is None:
            return None
        means, counts = sums
        now = self.ways.original
        before = _ratio(means, counts, now)
        moved = []
        for classes in ([0], [1], [0, 1]):
            shares = np.repeat(now[None], len(self.ways.drawn), axis=0)
            shares[:, classes] = self.ways.drawn[:, classes]
            moved.append(_ratio(means, counts, shares) - before)
        return np.stack(moved)

    def _by_class_and_way(self, total_of: TotalOf) -> tuple[Floats, Floats] | None:
        """Return the mean of one request of a class and way in numerator and denominator, and the requests of its stretch.

        Shapes (2, ways, 2) and (2, ways).

        Where no request of a group took a way, those of all requests that did stand in for it. Where no request at all did,
        those of the runs `elsewhere` do.
        """
        if self.ways is None:
            return None
        sums, counts = self._sums_by_way(self.measures, total_of)
        if not counts[0].any():
            return None
        there = self.ways.stretches == np.unique(self.ways.stretches)[:, None]
        requests = counts[0] @ there.T @ there
        others = self.whole and self.whole._by_class_and_way(total_of)
        if others:
            with np.errstate(invalid="ignore"):
                return np.where(counts[0, ..., None] > 0, sums[0] / counts[0, ..., None], others[0]), requests
        more_sums, more_counts = self._sums_by_way(self.elsewhere, total_of)
        sums, counts = np.append(sums, more_sums, axis=0), np.append(counts, more_counts, axis=0)
        first = (counts > 0).argmax(0)[None]
        with np.errstate(invalid="ignore"):
            means = np.take_along_axis(sums / counts[..., None], first[..., None], axis=0)[0]
        return _filled(means, counts.sum(0)), requests

    def _sums_by_way(self, measures: Sequence[Measures], total_of: TotalOf) -> tuple[Floats, Floats]:
        """Return sums and requests by class and way, of those of the class and of those that stand in for it.

        Shapes (2, 2, ways, 2) and (2, 2, ways).
        """
        codes = np.empty(0) if self.ways is None else self.ways.codes
        sums, counts = np.zeros((2, 2, len(codes), 2)), np.zeros((2, 2, len(codes)))
        for measure in measures:
            total, strata = total_of(measure), measure.strata
            if total is None or total.by_way is None or strata is None:
                continue
            place = strata.pretended.astype(int), strata.positive.astype(int), np.searchsorted(codes, strata.codes)
            np.add.at(sums, place, total.by_way)
            np.add.at(counts, place, strata.requests)
        return sums, counts

    def _by_runs(self, figure: Callable[[Measures], float | None], value: float) -> Interval | None:
        """Compare replications run again for other labelled people, each with itself: the root mean square is the spread."""
        now, again = self.reruns(figure)
        return about(value, again - now)

    def _time_by_runs(self, metric: Metric, value: float) -> Interval | None:
        """Learn from replications run again for other labelled people how a time answers to the load that they bring.

        The closed form of the load has a thousand draws, the time has a few runs: lines through them turn the draws of the
        load into draws of the time, and the remainder of the runs counts in full (`LoadLines`). All are logarithms, of a wait
        with the service that follows it: in the simplest queue that is the service over the idle share.
        """
        now, again = self.reruns(lambda measures: measures.figure(metric))
        base = self._service_s(metric.stage)
        if not (again != now).any() and metric.stage not in (self.whole or self)._loads:
            return None
        if min(value, now.min(), again.min()) + base <= 0:
            return about(value, again - now)
        low, high = self._by_load(metric.stage, np.log((again + base) / (now + base)), value == 0)
        return Interval(value, float((value + base) * np.exp(low) - base), float((value + base) * np.exp(high) - base))

    def _by_load(self, stage: str | None, moved: Floats, nothing: bool = False) -> tuple[float, float]:
        """Return the bounds of the logarithm of a time about its value, by the load that explains its runs best.

        stage: the time is a wait there; None for times of several stages; moved: the logarithms in the runs, shape (runs,);
        nothing: the time is a wait of nothing
        """
        everybody = self.whole or self
        loads = everybody._loads.values() if stage is None else [everybody._loads.get(stage)]
        bounds = [lines.bounds(moved, nothing) for lines in loads if lines and len(lines.runs) == len(moved) > 2]
        if not bounds:
            return -spread_of(moved), spread_of(moved)
        low, high, _ = min(bounds, key=itemgetter(2))
        return low, high

    @cached_property
    def _loads(self) -> dict[str, LoadLines]:
        """The lines of each stage whose load other labelled people change."""
        lines_by_stage = {}
        for name, totals in self.measures[0].totals.items():
            kind, _, stage = name.partition(".")
            if kind != "utilization" or totals.by_way is None or (moved := self.draws(name)) is None:
                continue
            now, again = self.reruns(partial(_ratio_of, name))
            above, below = self.columns(name)
            load, span_s = float(above.sum() / below.sum()), self.measures[0].span_s
            servers = float(below.mean()) / span_s
            lines = load_lines(load, load + moved[2], now, again, servers, self._service_s(stage), span_s)
            if lines is not None:
                lines_by_stage[stage] = lines
        return lines_by_stage

    def _service_s(self, stage: str | None) -> float:
        times = [measure.stages[stage] for measure in (self.whole or self).measures if stage in measure.stages]
        served = sum(time.visits - time.turned_away for time in times)
        return sum(time.served_s for time in times) / served if served else 0.0

    def reruns(self, figure: Callable[[Measures], float | None]) -> tuple[Floats, Floats]:
        """Return a figure of each replication that ran again, for labelled and for resampled people, shapes (runs,)."""
        pairs = [(figure(measure), figure(measure.resampled)) for measure in self.measures if measure.resampled is not None]
        complete = np.array([pair for pair in pairs if None not in pair], float).reshape(-1, 2)
        return complete[:, 0], complete[:, 1]


def of_draws(value: float, moved: Floats) -> Interval:
    """Return a figure with the spread of its draws: among negatives, among positives, and in both; moved: shape (3, draws).

    A threshold that came out too low means more positives found than the labelled ones tell, and fewer alarms among negatives.
    Errors that cancel each other are taken for independent, so that no difference is claimed on the strength of that. A ratio
    moves further where both classes do than their sum tells, so that the interval holds the draws of both as well.
    """
    negatives, positives, both = (percentile_interval(value, value + part) for part in moved)
    finite = moved[:2, np.isfinite(moved).all(0)]
    related = float(np.corrcoef(finite[0], finite[1])[0, 1]) if (finite.std(1) > 0).all() else 0.0
    apart = dependent_sum(value, negatives, positives, max(related, 0.0))
    return Interval(value, min(apart.low, both.low), max(apart.high, both.high))


def about(value: float, moved: Floats) -> Interval | None:
    """Return a figure with the spread that other evidence gives it, shape (draws,); None where that is nothing.

    Where a figure saturates, a lucky estimate stands on the plateau: its draws fall to one side, and so does the truth. The
    interval reaches farther to that side, by the first term of Cornish and Fisher (1938, Rev Inst Int Stat 5:307) for skewed
    draws. It is never shorter on the other side: between two equal detectors that made too many differences significant.
    """
    if not moved.any():
        return None
    half, lean = spread_of(moved), lean_of(moved)
    return Interval(value, value - half + min(lean, 0.0), value + half + max(lean, 0.0))


def lean_of(moved: Floats) -> float:
    """Return how far an interval leans to the longer tail of its draws; 0 where they are too few to tell."""
    size = float(np.sqrt(np.mean(moved**2)))
    if len(moved) < ENOUGH_TO_LEAN or size == 0:
        return 0.0
    skew = float(np.clip(np.mean(moved**3) / size**3, -MOST_SKEW, MOST_SKEW))
    return size * skew / 6 * (float(stdtrit(len(moved), (1 + LEVEL) / 2)) ** 2 - 1)


def spread_of(moved: Floats) -> float:
    """Return half the width of a 95% interval, from the changes in a few runs for other labelled people, shape (runs,)."""
    return float(stdtrit(len(moved), (1 + LEVEL) / 2) * np.sqrt(np.mean(moved**2)))


def _total_of(name: str) -> TotalOf:
    return lambda measures: measures.totals.get(name)


def _ratio_of(name: str, measures: Measures) -> float | None:
    return measures.totals[name].ratio


def _ratio(means: Floats, counts: Floats, shares: Floats) -> Floats:
    sums = np.einsum("cwk,...cw,cw->...k", means, shares, counts)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(sums[..., 0] / sums[..., 1])


def _filled(means: Floats, counts: Floats) -> Floats:
    for of_class, seen in zip(means, counts > 0, strict=True):
        if seen.any():
            taken = np.flatnonzero(seen)
            for way in np.flatnonzero(~seen):
                of_class[way] = of_class[taken[np.argmin(np.abs(taken - way))]]
        else:
            of_class[:] = 0.0
    return means
