"""Summary of a run's replications: metrics with intervals, verdicts on objectives, sources and warnings."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import isfinite, log
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator.case.fields import Source
from simulator.case.outputs import Metric, MetricGroup
from simulator.case.scenario_parts import Objective
from simulator.case.schema import Scenario
from simulator.engine.compiled_plan import Plan, at_band_edges, fingerprint
from simulator.engine.run import ENGINE_VERSION
from simulator.engine.run_trace import Trace
from simulator.intervals import Estimate, Interval, estimate
from simulator.metrics.estimates import Estimator, Withheld
from simulator.metrics.label_uncertainty import ways_of
from simulator.metrics.measures import CURVE, FLOW, FlowCounts, Measures, measure
from simulator.metrics.mlperf_verdict import MlperfResult, mlperf_result
from simulator.metrics.replications import SLIGHT, TELLING, chance_to_decide, is_out_of_reach, runs_on_unseen_ways, widening
from simulator.metrics.resampled_labels import ThresholdCheck, threshold_checks
from simulator.metrics.stage_metrics import StageTimes, pooled
from simulator.metrics.warm_up import WarmUp, warm_up_of
from simulator.theory.loads import likeness
from simulator.units import counted, spoken, spoken_bound, spoken_interval, spoken_within, spread

#: The meaning of an interval, in a case that rests on labelled people and in one that does not.
_SENSE_LABELLED = (
    "A 95% interval says where the figure lies over very many such runs, also if other {0} had been labelled and every "
    "threshold chosen on them."
)
_SENSE = "A 95% interval says where the figure lies over very many such runs."
_SENSE_DRIVEN = (
    "A 95% interval says where the figure lies over very many such runs with other {0} and other encounters, also if other "
    "drives had measured the detectors."
)
_SINGLE, _ONE_RUN = "A single run may lie outside it", "19 in 20 lie within “one run”"

_ENDED = "The run ended early, because {}; its intervals are wider for that."
_FIRM = "more replications alone could not change a verdict"
_OPEN = f"the other replications would decide an open verdict with a chance of less than {SLIGHT:.0%}"

#: Positives needed to claim a sensitivity of 99% (exact binomial, one-sided 95%): without a miss, as 0.99 ** 299 < 0.05, and
#: with one.
POSITIVES_FOR_99, POSITIVES_FOR_99_WITH_ONE_MISS = 299, 473

#: Reasons that stand in place of a figure that a run cannot quote.
NO_STEADY_STATE, NO_FIGURE = "no steady state", "no figure"

#: The edges of a projection's band.
EDGES = ("fast", "slow")

#: A miss of an objective counts as if it were this many times its bound at most: one miss does not hide all others.
_FAR = 1000.0

#: Weights of the lower end, the value and the upper end of a 95% interval: a normal figure keeps its mean and its spread.
_OVER_INTERVAL = 1 / 8, 3 / 4, 1 / 8


@dataclass(frozen=True)
class Summary:
    """All replications of one design in numbers.

    withheld: metrics with too little to count; at_edges: the run at each edge of its projections, by the name of the edge
    missing: the metrics of the case that the run cannot quote, each with the reason in a few words
    planned: the replications that were asked for; after fewer, the run's part of each interval is wider (`widening`)
    measures: the replications themselves, with which advice compares other designs
    """

    plan: Plan
    seed: int
    requests: int
    run_hash: str
    metrics: dict[str, Estimate]
    verdicts: list[Verdict]
    withheld: list[Withheld]
    at_edges: dict[str, Summary]
    stages: dict[str, StageTimes]
    warm_up: WarmUp | None
    missing: dict[str, str]
    planned: int
    measures: Sequence[Measures]
    mlperf: MlperfResult | None = None

    def settles(self, total: int) -> bool:
        """Return whether further replications, `total` in all, change no verdict, or would hardly decide one that is open."""
        return bool(self.verdicts) and all(
            self._is_firm(verdict) or self._stays_open(verdict, total) for verdict in self.verdicts
        )

    def _is_firm(self, verdict: Verdict) -> bool:
        """Return whether a verdict is decided, or stays open whatever further replications show."""
        figure = verdict.estimate
        if figure is None:
            return self.missing.get(verdict.objective.metric) == NO_STEADY_STATE
        return verdict.void or verdict.certain or is_out_of_reach(figure, verdict.bound)

    def _stays_open(self, verdict: Verdict, total: int) -> bool:
        figure, count = verdict.estimate, self.replications
        if figure is None or not TELLING <= count < total:
            return False
        return chance_to_decide(figure, verdict.bound, count, widening(count, self.planned), total) < SLIGHT

    @property
    def replications(self) -> int:
        return len(self.measures)

    @property
    def thresholds(self) -> list[ThresholdCheck]:
        """What each threshold was set to reach on the labelled items, and what to expect on the next ones."""
        return threshold_checks(self.plan)

    @property
    def provenance(self) -> list[Source]:
        return self.plan.provenance

    @property
    def outside_brief(self) -> str:
        return self.plan.outside_brief

    def metric(self, name: str) -> Metric:
        return self.plan.scenario.metrics[name]

    @cached_property
    def costs(self) -> dict[str, Estimate]:
        """The parts of the cost of 1,000 requests (USD)."""
        estimator = _estimator(self.plan, self.measures, self.warm_up, self.planned)
        costs = {part: estimator.cost(part) for part in self.measures[0].costs if self.requests}
        for edge in self.at_edges.values():
            costs = _spanned(costs, edge.costs)
        return costs

    @cached_property
    def latency_curve(self) -> NDArray[np.float64]:
        """The times within which the shares CURVE of the requests served have their answer (s)."""
        pooled = _estimator(self.plan, self.measures, self.warm_up, self.planned).pooled("served")
        return pooled.curve(CURVE) if pooled else np.full(len(CURVE), np.nan)

    @cached_property
    def flows(self) -> pd.DataFrame:
        """The requests of an average run by FLOW, with their number (column count)."""
        return _mean_flows(self.measures)

    def flows_of(self, group: MetricGroup | None) -> pd.DataFrame:
        return self.flows if group is None else _mean_flows([measures.groups[group.key] for measures in self.measures])

    @property
    def size(self) -> str:
        """What the figures rest on: `30 replications, 372,000 photos, seed 1`."""
        early = self.planned > self.replications
        of = f"{self.replications} of {self.planned} replications" if early else counted(self.replications, "replication")
        return f"{of}, {self.plan.scenario.unit.counted(self.requests)}, seed {self.seed}"

    @property
    def sense(self) -> str:
        """What an interval means, and whether the run ended early."""
        why = _FIRM if all(map(self._is_firm, self.verdicts)) else _OPEN
        return " ".join(filter(None, [self._meaning, _ENDED.format(why) if self.planned > self.replications else ""]))

    @property
    def _meaning(self) -> str:
        if self.plan.scenario.encounters is not None:
            sense = _SENSE_DRIVEN.format(self.plan.scenario.unit.many)
        else:
            sense = _SENSE_LABELLED.format(self.plan.scenario.who.many) if self.plan.tables else _SENSE
        if not self.one_runs:
            return f"{sense} {_SINGLE}."
        return f"{sense} {_SINGLE}: {_ONE_RUN}."

    @cached_property
    def one_runs(self) -> dict[str, Interval]:
        """The bounds that hold the figure of one further run with 95%, of each metric that has enough replications.

        They hold the luck of that run, and every doubt that the interval of the figure holds.
        """
        steady = [measures.after(self.warm_up.stretch) for measures in self.measures] if self.warm_up else self.measures
        estimator = Estimator(steady, None)
        bounds = {name: estimator.one_run(self.metric(name)) for name in self.metrics}
        return {name: self._doubted(name, luck) for name, luck in bounds.items() if luck is not None}

    def _doubted(self, name: str, luck: Interval) -> Interval:
        """Return bounds of one run that hold the doubts about its labels and projections too."""
        figure, metric = self.metrics[name], self.metric(name)
        both = estimate(Interval(figure.value, luck.low, luck.high), figure.labels, metric.least, metric.most)
        open_ = figure.projected or Interval(figure.value, figure.value, figure.value)
        low, high = both.low - (figure.value - open_.low), both.high + (open_.high - figure.value)
        bounds = np.clip([min(low, figure.low), max(high, figure.high)], metric.least, metric.most)
        return Interval(figure.value, float(bounds[0]), float(bounds[1]))

    def shown(self, name: str) -> tuple[str, str]:
        """Write a figure and its 95% interval as the card of its objective does: `94.5%` and `91.9 to 96.5%`."""
        verdict = next((verdict for verdict in self.verdicts if verdict.metric.name == name), None)
        if verdict is not None:
            return verdict.reached, verdict.interval
        figure, unit = self.metrics[name], self.metric(name).unit
        bounds = figure.value, figure.low, figure.high
        return spoken_within(*bounds, unit)[0], spoken_interval(*bounds, unit)

    def one_run(self, name: str) -> str:
        """Write those bounds of a metric; empty where it has none."""
        interval, unit = self.one_runs.get(name), self.metric(name).unit
        return "" if interval is None else f"{spoken(interval.low, unit)} to {spoken(interval.high, unit)}"

    def doubts(self, name: str) -> str:
        return doubts(self.metrics[name], self.metric(name).unit)


def metric_rows(summary: Summary) -> pd.DataFrame:
    """Return a row a metric, in words: label, value, its interval, sources of its doubt, one run, name in a file."""
    rows = [
        [summary.metric(name).label, *summary.shown(name), summary.doubts(name), summary.one_run(name), name]
        for name in summary.metrics
    ]
    heads = ["what it is", "value", "95% interval", "half-widths", "one run", "name in a file"]
    table = pd.DataFrame(rows, columns=heads)
    return table if summary.one_runs else table.drop(columns="one run")


def idle_labels(plan: Plan, stages: Mapping[str, StageTimes]) -> list[str]:
    return [stage.label for name, stage in plan.scenario.stages.items() if stage.servers and name not in stages]


def doubts(result: Estimate, unit: str, beside: float | None = None) -> str:
    """Return the half-width of each source of doubt; one below a hundredth of the largest moves no digit and is left out.

    beside: the figure whose unit they have, where the result is a change
    """
    halves = {name: (part.high - part.low) / 2 for name, part in result.doubts.items()}
    least = max(halves.values(), default=0.0) / 100
    shown = {name: half for name, half in halves.items() if half >= least}
    return spread(shown, unit, result.value if beside is None else beside)


def summarise(traces: Iterable[Trace]) -> dict[str, Estimate]:
    """Return metrics with intervals of several replications of one plan; raises ValueError without any.

    The labelled are resampled for sums over people. Queueing figures have the uncertainty of the run alone: see `replicate`.
    """
    replications = list(traces)
    if not replications:
        raise ValueError("summarise needs at least one trace")
    return summary_of(replications[0].plan, replications[0].seed, [measure(trace) for trace in replications]).metrics


def summary_of(plan: Plan, seed: int, measures: Sequence[Measures], planned: int = 0) -> Summary:
    """Pool the measures of replications 0, 1, 2, ... of a plan under one seed.

    planned: the replications asked for, where these are the first of them and may be the last (`stopping`); 0 for all of them
    """
    stages = {name: pooled([m.stages[name] for m in measures if name in m.stages]) for name in _timed(measures)}
    warm_up = _warm_up(plan, measures, stages)
    estimator = _estimator(plan, measures, warm_up, planned)
    quoted, endless = _estimates(plan, estimator), _without_end(plan, warm_up, stages)
    metrics = {name: figure for name, figure in quoted.items() if name not in endless}
    reasons = {withheld.metric.name: withheld.few for withheld in estimator.withheld} | dict.fromkeys(endless, NO_STEADY_STATE)
    queries = [m.queries for m in measures if m.queries]
    edges = at_band_edges(plan) if measures[0].band_edges else []
    at_edges = [summary_of(edge, seed, [m.band_edges[index] for m in measures], planned) for index, edge in enumerate(edges)]
    for edge, name in zip(at_edges, EDGES, strict=False):
        reasons = {metric: f"{why} at the {name} edge of the projection" for metric, why in edge.missing.items()} | reasons
        metrics = _spanned(metrics, edge.metrics)
    return Summary(
        plan=plan,
        seed=seed,
        requests=sum(m.requests for m in measures),
        run_hash=run_hash(plan, seed, measures),
        metrics=metrics,
        verdicts=judged(plan.scenario, metrics, plan.outside_brief),
        withheld=[withheld for withheld in estimator.withheld if withheld.metric.name not in endless],
        at_edges=dict(zip(EDGES, at_edges, strict=False)),
        stages=stages,
        warm_up=warm_up,
        missing={name: reasons.get(name, NO_FIGURE) for name in plan.scenario.metrics if name not in metrics},
        planned=planned or len(measures),
        measures=measures,
        mlperf=mlperf_result(plan, queries) if queries else None,
    )


def _estimator(plan: Plan, measures: Sequence[Measures], warm_up: WarmUp | None, planned: int) -> Estimator:
    """Return what makes figures of replications. It holds their times in order, so that no summary keeps it."""
    steady = [replication.after(warm_up.stretch) for replication in measures] if warm_up else measures
    wider = widening(len(measures), planned) if planned > len(measures) else 1.0
    elsewhere = runs_on_unseen_ways(plan, measures)
    return Estimator(steady, ways_of(plan), warm_up is not None, likeness(plan), wider, elsewhere)


def _estimates(plan: Plan, estimator: Estimator) -> dict[str, Estimate]:
    estimates = {name: estimator.estimate(metric) for name, metric in plan.scenario.metrics.items()}
    quoted = {name: figure for name, figure in estimates.items() if figure is not None}
    alone = len(estimator.measures) == 1  # one replication has no interval; of several, each figure has one
    return {name: figure for name, figure in quoted.items() if alone or np.isfinite([figure.low, figure.high]).all()}


def _warm_up(plan: Plan, measures: Sequence[Measures], stages: dict[str, StageTimes]) -> WarmUp | None:
    by_stretch = [replication.latencies for replication in measures if replication.latencies is not None]
    if not by_stretch:
        return None
    totals, counts = np.stack(by_stretch, axis=1)
    cut = warm_up_of(totals, counts, plan.arrivals_end_s)
    return replace(cut, steady=cut.steady and not any(grows(plan, stage, times) for stage, times in stages.items()))


def _spanned(middle: dict[str, Estimate], edge: dict[str, Estimate]) -> dict[str, Estimate]:
    return {name: _reaching(figure, edge[name]) for name, figure in middle.items() if name in edge}


def _reaching(figure: Estimate, edge: Estimate) -> Estimate:
    band = figure.projected or Interval(figure.value, figure.value, figure.value)
    projected = Interval(figure.value, min(band.low, edge.value), max(band.high, edge.value))
    return replace(figure, low=min(figure.low, edge.low), high=max(figure.high, edge.high), projected=projected)


def run_hash(plan: Plan, seed: int, measures: Sequence[Measures]) -> str:
    traces = hashlib.sha256("".join(m.digest for m in measures).encode()).hexdigest()
    return fingerprint([*plan.identity, seed, len(measures), ENGINE_VERSION, traces])


def _timed(measures: Sequence[Measures]) -> list[str]:
    return list(dict.fromkeys(name for m in measures for name in m.stages))


def _mean_flows(measures: Sequence[Measures]) -> pd.DataFrame:
    counted = FlowCounts.total([m.flow_counts for m in measures]).frame
    total = counted.groupby(list(FLOW), as_index=False)["count"].sum()
    total["count"] /= len(measures)
    return pd.DataFrame(total)


def grows(plan: Plan, stage: str, times: StageTimes) -> bool:
    """Check that a queue grows as long as requests arrive: nothing bounds it, and the stage is overloaded.

    What counts is the load since the last thing that struck: a queue that a surge has left behind is worked off again. Clients
    that wait for their answers, or MLPerf's offline samples, bring no more than is served.
    """
    bounded = plan.scenario.stages[stage].service.is_bounded
    return times.late_load >= 1 and not bounded and plan.scenario.arrivals.has_rate


def _without_end(plan: Plan, warm_up: WarmUp | None, stages: dict[str, StageTimes]) -> set[str]:
    growing = {stage for stage, times in stages.items() if grows(plan, stage, times)}
    behind = {stage for stage in growing if not plan.scenario.stages[stage].servers.keeps_hours}
    unsteady = warm_up is not None and not warm_up.steady
    return {
        name
        for name, metric in plan.scenario.metrics.items()
        if (metric.is_time and unsteady)
        or (metric.is_tail and (metric.stage in growing or (metric.stage is None and bool(behind))))
    }


#: The state of an objective: the whole interval meets the bound or does not; not proven while it includes the bound; no figure;
#: void where the design is outside of the brief.
Standing = Literal["met", "not met", "not proven", "no figure", "void"]


@dataclass(frozen=True)
class Verdict:
    """One objective, judged. `estimate` is None where the run has no such figure, as under overload.

    void: the design is outside of the brief, so the verdict does not count
    """

    objective: Objective
    metric: Metric
    estimate: Estimate | None
    void: bool = False

    @property
    def bound(self) -> float:
        return self.objective.bound

    @property
    def margin(self) -> float | None:
        """The distance of the value from the bound, positive on its right side and negative where the bound is missed."""
        if self.estimate is None:
            return None
        distance = self.estimate.value - self.bound
        return distance if self.objective.upward else -distance

    @property
    def met(self) -> bool:
        return self.margin is not None and self.margin >= 0

    def miss_at(self, value: float | None) -> float:
        """Return the logarithm of how many times its bound a value is, 0 where it meets it; None stands for no figure.

        Of a share that is to be high, the rest counts: 90% where 95% are asked for is a miss by 2 times.
        """
        if value is None or self.void:
            return log(_FAR)
        distance, most = self.bound - value, self.metric.most
        if not self.objective.upward:
            distance, whole = -distance, self.bound
        else:
            whole = most - self.bound if isfinite(most) else value
        if distance <= 0:
            return 0.0
        return log(min(1 + distance / whole, _FAR)) if whole > 0 else log(_FAR)

    @property
    def loss(self) -> float:
        """The miss, averaged over the interval, by the weight that the author gives it."""
        figure = self.estimate
        ends = (None, None, None) if figure is None else (figure.low, figure.value, figure.high)
        misses = (weight * self.miss_at(value) for weight, value in zip(_OVER_INTERVAL, ends, strict=True))
        return self.objective.weight * sum(misses)

    @property
    def certain(self) -> bool:
        if self.estimate is None:
            return True
        return not self.estimate.low < self.bound < self.estimate.high

    @property
    def standing(self) -> Standing:
        """The verdict in words, which decides its colour everywhere."""
        return "void" if self.void else self.by_figure

    @property
    def by_figure(self) -> Standing:
        """The verdict by the figure alone: within the brief, this is the verdict."""
        if self.estimate is None:
            return "no figure"
        if not self.certain:
            return "not proven"
        return "met" if self.met else "not met"

    @property
    def requirement(self) -> str:
        side = "at least" if self.objective.upward else "at most"
        return f"{side} {spoken_bound(self.bound, self.metric.unit)}"

    @property
    def statement(self) -> str:
        return statement_of(self.objective, self.metric)

    @property
    def reached(self) -> str:
        return "none" if self.estimate is None else self._shown(self.estimate)[0]

    @property
    def interval(self) -> str:
        if (figure := self.estimate) is None:
            return ""
        return spoken_interval(figure.value, figure.low, figure.high, self.metric.unit, self.deciding_bound)

    @property
    def with_interval(self) -> str:
        """The figure with its interval, the unit once: `94.5% (91.9 to 96.5)`."""
        return "no figure" if self.estimate is None else "{} ({})".format(*self._shown(self.estimate))

    def _shown(self, figure: Interval) -> tuple[str, str]:
        return spoken_within(figure.value, figure.low, figure.high, self.metric.unit, self.deciding_bound)

    @property
    def deciding_bound(self) -> float | None:
        """The bound that decides how many digits a figure needs; None outside of the brief, where no verdict rests on it."""
        return None if self.void else self.bound

    def to_json(self) -> dict[str, Any]:
        """Return the objective as `casesim run --json` prints it; missing figures are left out."""
        side = "at_least" if self.objective.upward else "at_most"
        values: dict[str, Any] = {"metric": self.objective.metric, side: self.bound, "met": self.met, "verdict": self.standing}
        values |= {"void": True} if self.void else {}
        if self.estimate is not None:
            values |= self.estimate.to_json() | {"margin": self.margin}
        return values


def statement_of(objective: Objective, metric: Metric) -> str:
    """Return an objective with its bound: `Cancers found at least 99.0%`, `Answer to the person, 95% within 10.0 s`."""
    bound = spoken_bound(objective.bound, metric.unit)
    if not objective.upward and objective.label.endswith(" within"):  # the label says already that the bound is a limit
        return f"{objective.label} {bound}"
    label = objective.label.removesuffix(f", {bound.partition(' ')[2]}")  # the bound has the unit: `at most 1.00 an hour`
    comma = "," if label.endswith(" at") else ""  # `Clips looked at, at least 99.0%`
    return f"{label}{comma} {'at least' if objective.upward else 'at most'} {bound}"


def judge(objective: Objective, metrics: Mapping[str, Metric], estimates: Mapping[str, Estimate]) -> Verdict:
    return Verdict(objective, metrics[objective.metric], estimates.get(objective.metric))


def judged(scenario: Scenario, estimates: Mapping[str, Estimate], outside_brief: str = "") -> list[Verdict]:
    """Judge every objective of a case; outside_brief: the reason why no verdict counts, empty if they do."""
    verdicts = [judge(objective, scenario.metrics, estimates) for objective in scenario.objectives]
    return [replace(verdict, void=True) for verdict in verdicts] if outside_brief else verdicts
