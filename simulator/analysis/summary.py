"""From the measures of all replications to what a person sees: metrics with intervals, verdicts, sources, warnings."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator.analysis.bottleneck import Bottleneck, bottleneck_of
from simulator.analysis.measures import Measures, measure, stretches
from simulator.analysis.mlperf import MlperfResult, mlperf_result
from simulator.analysis.scorecard import Verdict, judge
from simulator.analysis.statistics import (
    Interval,
    batch_interval,
    clustered_share,
    mean_interval,
    ratio_interval,
    share_interval,
    sum_interval,
)
from simulator.analysis.times import StageTimes, pooled
from simulator.analysis.trust import POSITIVES_FOR_99, Note, notes_on
from simulator.analysis.warmup import Cuts, cuts
from simulator.scenario.arrivals import Loop, Offline
from simulator.scenario.stages import Pool
from simulator.serving.engine import ENGINE_VERSION
from simulator.serving.plan import Plan, Source, fingerprint
from simulator.serving.theory import loads
from simulator.serving.trace import Trace
from simulator.units import percent

#: What a figure of requests is made of: numerators and denominators, a replication each.
Ratio = tuple[list[float], list[float]]


@dataclass(frozen=True)
class Metric:
    """A value with its 95% interval and its unit."""

    value: float
    low: float
    high: float
    unit: str


#: A value with its interval, of a metric or of a cost.
Span = TypeVar("Span", Metric, Interval)


@dataclass(frozen=True)
class Summary:
    """All replications of one design in numbers."""

    plan: Plan
    seed: int
    replications: int
    requests: int
    run_hash: str
    metrics: dict[str, Metric]
    verdicts: list[Verdict]
    costs: dict[str, Interval]
    flows: pd.DataFrame
    latency_curve: NDArray[np.float64]
    warnings: list[str]
    stages: dict[str, StageTimes]
    warm_up: Cuts | None
    mlperf: MlperfResult | None = None

    @property
    def provenance(self) -> list[Source]:
        """Where every number comes from."""
        return self.plan.provenance

    @cached_property
    def bottleneck(self) -> Bottleneck | None:
        """The stage that holds the requests up, why, and what would move it; None where no stage has servers."""
        return bottleneck_of(self)

    @cached_property
    def trust(self) -> list[Note]:
        """How far the figures can be trusted, a note a reason."""
        return notes_on(self)

    def to_json(self) -> dict[str, Any]:
        """The object that `casesim run --json` prints; what this run does not have is left out."""
        bottleneck = {"bottleneck": self.bottleneck.to_json()} if self.bottleneck else {}
        warm_up = {"warm_up": self.warm_up.to_json()} if self.warm_up else {}
        return {
            "scenario": self.plan.scenario.id,
            "scenario_hash": self.plan.scenario_hash,
            "design": self.plan.design,
            **({"strikes": self.plan.strikes} if self.plan.strikes else {}),
            "seed": self.seed,
            "replications": self.replications,
            "run_hash": self.run_hash,
            "requests": self.requests,
            "metrics": {name: vars(metric) for name, metric in self.metrics.items()},
            "objectives": [verdict.to_json() for verdict in self.verdicts],
            "provenance": [vars(source) for source in self.provenance],
            "warnings": self.warnings,
            **({"mlperf": self.mlperf.to_json()} if self.mlperf else {}),
            **warm_up,
            **bottleneck,
            "trust": [vars(note) for note in self.trust],
        }


def summarise(traces: Iterable[Trace]) -> dict[str, Metric]:
    """Metrics with intervals of several replications of one plan; raises ValueError without any."""
    kept = list(traces)
    if not kept:
        raise ValueError("summarise needs at least one trace")
    measures = [measure(trace) for trace in kept]
    metrics = summary_of(kept[0].plan, kept[0].seed, measures).metrics
    if len(kept) == 1 and measures[0].warm_up is not None:
        metrics |= _batch_means(metrics, stretches(kept[0]))
    return metrics


def _batch_means(metrics: dict[str, Metric], batches: list[dict[str, float]]) -> dict[str, Metric]:
    """Intervals of one long run in steady state, for the figures that every stretch of it has."""
    names = [name for name in metrics if all(name in batch for batch in batches)]
    found = {name: batch_interval(metrics[name].value, [batch[name] for batch in batches]) for name in names}
    return {name: Metric(found[name].value, max(found[name].low, 0.0), found[name].high, unit_of(name)) for name in names}


def summary_of(plan: Plan, seed: int, measures: Sequence[Measures]) -> Summary:
    """Pool the measures of replications 0, 1, 2, ... of a plan under one seed."""
    costs = {part: ratio_interval(*cost_ratio(measures, part)) for part in measures[0].costs}
    metrics = _means(measures) | _qualities(plan, measures)
    if "missed" in costs and "missed_per_1000" in metrics:
        costs["missed"] = _missed_cost(plan, metrics["missed_per_1000"])
    metrics["cost_per_1000_usd"] = Metric(**vars(sum_interval(*costs.values())), unit="USD")
    mlperf = mlperf_result(plan, [m.queries for m in measures])
    warm_up = cuts([m.warm_up for m in measures])
    warnings = [
        *plan.warnings,
        *_unsteady(warm_up, metrics),
        *_overload(plan, metrics),
        *_peaks(plan),
        *_few_positives(plan, metrics),
        *([mlperf.sentence] if mlperf else []),
    ]
    ends = [summary_of(end, seed, [m.ends[index] for m in measures]) for index, end in enumerate(plan.ends) if measures[0].ends]
    for end, name in zip(ends, ("fast", "slow"), strict=False):
        metrics, costs = _spanned(metrics, end.metrics), _spanned(costs, end.costs)
        warnings += [f"At the {name} end of what is projected: {words}" for words in end.warnings if words not in warnings]
    ordered = {name: metrics[name] for name in plan.scenario.metric_names() if name in metrics}
    return Summary(
        plan=plan,
        seed=seed,
        replications=len(measures),
        requests=sum(m.requests for m in measures),
        run_hash=run_hash(plan, seed, measures),
        metrics=ordered,
        verdicts=[judge(objective, ordered) for objective in plan.scenario.objectives],
        costs=costs,
        flows=_mean_flows(measures),
        latency_curve=_mean_curve(measures),
        warnings=warnings,
        stages={name: pooled([m.stages[name] for m in measures if name in m.stages]) for name in _timed(measures)},
        warm_up=warm_up,
        mlperf=mlperf,
    )


def _spanned(found: dict[str, Span], end: dict[str, Span]) -> dict[str, Span]:
    """Intervals that also reach to those at one end of a projected band; what cannot be quoted there is not quoted at all."""
    return {
        name: replace(one, low=min(one.low, end[name].low), high=max(one.high, end[name].high))
        for name, one in found.items()
        if name in end
    }


def run_hash(plan: Plan, seed: int, measures: Sequence[Measures]) -> str:
    """Identifies the run and what came of it: the same scenario, design, seed and engine give the same twelve digits."""
    traces = hashlib.sha256("".join(m.digest for m in measures).encode()).hexdigest()
    return fingerprint([*plan.identity, seed, len(measures), ENGINE_VERSION, traces])


def unit_of(name: str) -> str:
    """The unit of a metric, by its name."""
    base = name.split(".")[0]
    if base.endswith("per_1000_usd"):
        return "USD"
    units = {"_per_s": "1/s", "_s": "s", "_per_1000": "per 1,000", "_per_request": "a request"}
    return next((unit for ending, unit in units.items() if base.endswith(ending)), "share")


def _means(measures: Sequence[Measures]) -> dict[str, Metric]:
    names = [name for name in measures[0].metrics if all(name in m.metrics for m in measures)]
    return {name: _mean(name, measures) for name in names}


def _mean(name: str, measures: Sequence[Measures]) -> Metric:
    """An interval over replications, kept within what the metric can be: nothing lies below 0, and no share above 1.

    A share of the requests is a ratio, as their number varies too; the rest are means over replications of a figure of each.
    """
    if is_share(name):
        found = ratio_interval(*share_ratio(measures, name))
        return Metric(found.value, max(found.low, 0.0), min(found.high, 1.0), unit_of(name))
    found = mean_interval([m.metrics[name] for m in measures])
    return Metric(found.value, max(found.low, 0.0), found.high, unit_of(name))


def is_share(name: str) -> bool:
    """Whether a metric is a share of the requests."""
    return name.split(".")[0].endswith("_share")


def share_ratio(measures: Sequence[Measures], name: str) -> Ratio:
    """A share as requests of that kind and all requests, a replication each."""
    return [m.metrics[name] * m.requests for m in measures], [float(m.requests) for m in measures]


def cost_ratio(measures: Sequence[Measures], *parts: str) -> Ratio:
    """The cost of some parts as USD and thousands of requests, a replication each."""
    thousands = [max(m.requests, 1) / 1000 for m in measures]
    paid = [sum(m.costs[part] for part in parts) * count for m, count in zip(measures, thousands, strict=True)]
    return paid, thousands


def _timed(measures: Sequence[Measures]) -> list[str]:
    """The stages that some replication visited, in the order of the file."""
    return list(dict.fromkeys(name for m in measures for name in m.stages))


def _unsteady(warm_up: Cuts | None, metrics: dict[str, Metric]) -> list[str]:
    """Say what the warm-up is, and take back latencies and waits where it never ends."""
    if warm_up is None:
        return []
    for name in [] if warm_up.steady else [key for key in metrics if key.startswith(("latency_", "wait_"))]:
        del metrics[name]
    return [warm_up.sentence]


def _qualities(plan: Plan, measures: Sequence[Measures]) -> dict[str, Metric]:
    """Sensitivity and its kin, with intervals that reflect how few labelled people stand behind them."""
    if plan.scenario.population is None:
        return {}
    found = {}
    evidence = plan.scores
    for name, column in (("sensitivity", "positives"), ("specificity", "negatives")):
        rows = pd.concat([getattr(m, column) for m in measures])
        if len(rows) and evidence is not None:
            most = evidence.positive_evidence if name == "sensitivity" else evidence.negative_evidence
            found[name] = Metric(**vars(clustered_share(rows["patient"], rows["trials"], rows["hits"], most)), unit="share")
        elif len(rows):
            found[name] = Metric(**vars(share_interval(rows["hits"].sum(), rows["trials"].sum())), unit="share")
    if "sensitivity" in found:
        share = sum(m.positives["trials"].sum() for m in measures) / sum(m.requests for m in measures)
        found["missed_per_1000"] = _missed(found["sensitivity"], 1000 * float(share))
    return found


def _missed(sensitivity: Metric, positives: float) -> Metric:
    value, low, high = (positives * (1 - s) for s in (sensitivity.value, sensitivity.high, sensitivity.low))
    return Metric(value, low, high, unit="per 1,000")


def _missed_cost(plan: Plan, missed: Metric) -> Interval:
    assert plan.scenario.costs is not None
    each = plan.scenario.costs.missed_positive_usd.value
    return Interval(missed.value * each, missed.low * each, missed.high * each)


def _mean_flows(measures: Sequence[Measures]) -> pd.DataFrame:
    """Mean number of requests a replication, by tag, end, outcome, positive and caught."""
    keys = ["tag", "end", "outcome", "positive", "caught"]
    total = pd.concat([m.flows for m in measures]).groupby(keys, as_index=False)["count"].sum()
    total["count"] /= len(measures)
    return pd.DataFrame(total)


def _mean_curve(measures: Sequence[Measures]) -> NDArray[np.float64]:
    """The latency at each share of the requests, over the replications in which somebody had an answer."""
    answered = [m.latency_curve for m in measures if not np.isnan(m.latency_curve[0])]
    return np.asarray(np.mean(answered, axis=0) if answered else measures[0].latency_curve)


def _overload(plan: Plan, metrics: dict[str, Metric]) -> list[str]:
    """Say overload in words, and take back the tail figures that mean nothing under it.

    Clients that wait for their answers, or a heap of samples, bring no more than is done: there it means nothing.
    """
    if isinstance(plan.scenario.arrivals, Loop | Offline):
        return []
    said = []
    for name in [name for name in metrics if name.startswith("utilization.") and metrics[name].value >= 1]:
        stage = name.removeprefix("utilization.")
        spec = plan.scenario.stages[stage]
        times = f"{spec.label}: work comes in at {metrics[name].value:.2f} times what can be done."
        if isinstance(spec, Pool) and (spec.max_queue, spec.timeout_s, spec.client_timeout_s) != (None, None, None):
            said.append(f"{times} What its queue cannot hold, or cannot hold for long enough, is turned away.")
            continue
        said.append(
            f"{times} There is no steady state: the queue grows as long as requests come, so no 95th or 99th percentile "
            "can be quoted."
        )
        tails = [key for key in metrics if key.split(".")[:2] == ["wait_p95_s", stage]]
        if isinstance(spec, Pool):
            tails += [key for key in ("latency_p95_s", "latency_p99_s") if key in metrics]
        for key in tails:
            del metrics[key]
    return said


def _peaks(plan: Plan) -> list[str]:
    return [
        f"{plan.scenario.stages[load.stage].label}: at the busiest time of the day work comes in at {load.peak:.2f} times "
        "what can be done; a queue builds up until the rate falls again."
        for load in loads(plan)
        if load.peak is not None and load.peak >= 1 > load.mean
    ]


def _few_positives(plan: Plan, metrics: dict[str, Metric]) -> list[str]:
    sensitivity = metrics.get("sensitivity")
    if sensitivity is None or plan.scores is None:
        return []
    labelled = "labelled" if plan.scores.about.kind == "measured" else "equivalent"
    low, high = percent(sensitivity.low), percent(sensitivity.high)
    return [
        f"Sensitivity rests on {plan.scores.positive_evidence:,.0f} {labelled} positives: its 95% interval is {low} to {high}. "
        f"To claim 99% takes {POSITIVES_FOR_99} positives without one miss."
    ]
