"""Measures of one replication: totals and times that can be sent between processes and pooled."""

from __future__ import annotations

from collections.abc import Callable, Container, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pkgutil import resolve_name
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator.arrays import Floats
from simulator.case.outputs import CountedMetric, Metric, MetricGroup, counted_metrics, grouping
from simulator.engine.contract import stage_of
from simulator.engine.run_trace import Trace
from simulator.metrics.label_uncertainty import codes_at, downstream
from simulator.metrics.mlperf_verdict import Queries, queries_of
from simulator.metrics.resampled_labels import item_gates, item_groups, labelled_people
from simulator.metrics.samples import SECTIONS, Sample, Total, sample
from simulator.metrics.stage_metrics import StageTimes, loads_of, times_of
from simulator.records.trace import OUTCOMES, Visits

#: The latency distribution is drawn at these shares of the requests.
CURVE = np.concatenate([np.arange(0, 0.99, 0.005), np.arange(0.99, 1, 0.0005), [1.0]])

#: The columns that distinguish flows of requests. `last`: the last stage, of those that take time, that a request came to.
FLOW = ("tag", "end", "outcome", "positive", "detected", "last")


@dataclass(frozen=True)
class Strata:
    """The requests of one replication by class and way: codes of the ways, and how many requests, shapes (strata,).

    pretended: whether no request of that class took the way, so that those of the other class stand in for what follows it
    """

    positive: NDArray[np.bool_]
    codes: NDArray[np.int64]
    requests: Floats
    pretended: NDArray[np.bool_]


@dataclass(frozen=True)
class FlowCounts:
    """The number of requests of each FLOW.

    names: the values of each column; keys: which of their combinations there are, numbered as by `ravel_multi_index`
    """

    names: Mapping[str, Sequence[Any]]
    keys: NDArray[np.int64]
    counts: NDArray[np.int64]

    @property
    def frame(self) -> pd.DataFrame:
        parts = np.unravel_index(self.keys, [len(values) for values in self.names.values()])
        flows = {name: np.array(values)[part] for (name, values), part in zip(self.names.items(), parts, strict=True)}
        return pd.DataFrame(flows | {"count": self.counts}, columns=[*FLOW, "count"])

    @staticmethod
    def total(each: Sequence[FlowCounts]) -> FlowCounts:
        """Add up those of several replications of one case."""
        keys, places = np.unique(np.concatenate([flows.keys for flows in each]), return_inverse=True)
        sums = np.zeros(len(keys), np.int64)
        np.add.at(sums, places, np.concatenate([flows.counts for flows in each]))
        return FlowCounts(each[0].names, keys, sums)


#: Where no flow was counted.
NO_FLOWS = FlowCounts({}, np.empty(0, np.int64), np.empty(0, np.int64))


@dataclass
class Measures:
    """One replication in numbers.

    totals: the metrics that are a ratio or a share; costs: USD and thousands of requests by part
    samples: times of requests and waits of visits, by what they are of
    rates: by metric, how many answers came in each stretch of the run, or the integral of an age over it in s^2; stretch_s: how
    long each stretch lasts
    latencies: by stretch of arrival, the sum of latencies in s and their number, shape (2, stretches); None without a warm-up
    strata: who the totals by way are of; None where no gate goes by scores
    flow_counts: number of requests by FLOW: tag, end, outcome, positive, detected, and the stage each was at last
    queries: the latency of each query, where the scenario is one of MLPerf's
    span_s: how long requests arrive
    stages: where the time of requests went, for each stage that takes time
    band_edges: the same replication with all projected latencies at the fast edge of their bands, and at the slow edge; else
    empty
    resampled: the same replication for other labelled people; None where it was not run for them
    groups: measures of each group's requests alone, by the group's key
    labelled: of such a group, how many labelled people stand behind its negatives and its positives; None where none do
    """

    digest: str
    requests: int
    totals: dict[str, Total]
    costs: dict[str, Total]
    samples: dict[str, Sample]
    rates: dict[str, Floats]
    stretch_s: float
    flow_counts: FlowCounts
    strata: Strata | None = None
    latencies: Floats | None = None
    queries: Queries | None = None
    span_s: float = 0.0
    stages: dict[str, StageTimes] = field(default_factory=dict)
    band_edges: list[Measures] = field(default_factory=list)
    resampled: Measures | None = None
    groups: dict[str, Measures] = field(default_factory=dict)
    labelled: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        self._figures: dict[str, float | None] = {}  # those that somebody has asked for

    @property
    def flows(self) -> pd.DataFrame:
        """The number of requests (column count) by FLOW."""
        return self.flow_counts.frame

    @cached_property
    def nbytes(self) -> int:
        inner = [*self.band_edges, *self.groups.values(), *filter(None, [self.resampled])]
        own = sum(sample.values.nbytes + sample.starts.nbytes for sample in self.samples.values())
        return own + sum(rate.nbytes for rate in self.rates.values()) + sum(column.nbytes for column in inner)

    def after(self, stretch: int) -> Measures:
        """Return the measures with times and rates from this stretch on; the rest is of the whole run."""
        if not stretch:
            return self
        samples = {name: sample.after(stretch) for name, sample in self.samples.items()}
        rates = {name: counts[stretch:] for name, counts in self.rates.items()}
        return replace(
            self,
            samples=samples,
            rates=rates,
            band_edges=[edge.after(stretch) for edge in self.band_edges],
            resampled=self.resampled and self.resampled.after(stretch),
            groups={key: group.after(stretch) for key, group in self.groups.items()},
        )

    def of_group(self, key: str) -> Measures:
        group = self.groups[key]
        return group if self.resampled is None else replace(group, resampled=self.resampled.groups[key])

    def figures(self, metrics: Mapping[str, Metric]) -> dict[str, float]:
        values = {name: self.figure(metric) for name, metric in metrics.items()}
        return {name: value for name, value in values.items() if value is not None}

    def figure(self, metric: Metric) -> float | None:
        """Return the plain value of one metric in this replication; None where it has none."""
        if metric.group:
            return self.groups[metric.group.key].figure(metric.of_all)
        if metric.name not in self._figures:
            self._figures[metric.name] = self._figure(metric)
        return self._figures[metric.name]

    def _figure(self, metric: Metric) -> float | None:
        if metric.sample:
            times = self.samples.get(metric.sample)
            if times is None or not len(times.values):
                return None
            if metric.quantile is None:
                return float(times.values.mean(dtype=float))
            return float(np.quantile(times.values, metric.quantile))
        if metric.name in self.rates:
            counts = self.rates[metric.name]
            return float(counts.sum() / (len(counts) * self.stretch_s))
        total = self.totals.get(metric.name)
        return total.ratio if total else None


class CountedRun:
    """One replication, or a group of its requests, as the metrics' counts see it.

    Rows beyond the requests themselves are requests taken for the other class, where no request of it took their way.
    own: the index of the requests in the columns; n: their number; rows: the request behind each row
    positive, detected, escalated: of each row, shape (rows,); group: the requests counted, shape (requests,); None: all
    """

    def __init__(self, trace: Trace, visits: dict[str, Visits], stretches: int, group: NDArray[np.bool_] | None = None) -> None:
        self.trace, self.visits, self.stretches, self.group = trace, visits, stretches, group
        self.columns, self.scenario = trace.columns, trace.plan.scenario
        self.strata: Strata | None = None
        self._stratum: NDArray[np.int64] | None = None
        self._results: dict[Hashable, Any] = {}
        self.own = own = slice(None) if group is None else np.flatnonzero(group)
        rows, turned = np.arange(self.columns.n)[own], np.empty(0, np.int64)
        self.n = len(rows)
        if self.n and item_gates(trace.plan) and not trace.plan.changes:
            ways = codes_at(trace.plan, self.columns.item[own], self.columns.arrived[own])
            key = 2 * ways + self.columns.positive[own]
            there = np.bincount(key, minlength=(int(key.max()) | 1) + 1) > 0
            of_others = there.reshape(-1, 2)[:, ::-1].ravel()  # whether the other class took the way
            others = np.flatnonzero(~of_others[key])
            keys = np.flatnonzero(there | of_others)
            self._stratum = (np.cumsum(there | of_others) - 1)[np.append(key, key[others] ^ 1)]
            requests = np.bincount(self._stratum).astype(float)
            self.strata = Strata(keys % 2 == 1, keys // 2, requests, ~there[keys])
            turned = rows[others]
        self.rows = np.append(rows, turned)
        self.positive = np.append(self.columns.positive[own], ~self.columns.positive[turned])
        detected = np.array([end.detected.value for end in self.scenario.ends.values()] + [0.0])[self.columns.end[turned]]
        self.detected = np.append(self.columns.detected[own], detected) * self.positive
        escalated = np.array([end.escalated for end in self.scenario.ends.values()] + [False])
        self.escalated = escalated[self.columns.end][self.rows]

    def total(self, numerator: NDArray[np.generic], denominator: NDArray[np.generic] | None = None) -> Total:
        """Return a total of two columns, shape (rows,) each; the denominator is 1 a row unless it is given."""
        under = float(self.n if denominator is None else denominator[: self.n].sum())
        by_way = None
        if self._stratum is not None:
            each = self._rows_by_way if denominator is None else np.bincount(self._stratum, denominator)
            by_way = np.stack([np.bincount(self._stratum, numerator), each], axis=-1).astype(float)
        return Total(float(numerator[: self.n].sum()), under, by_way)

    @cached_property
    def _rows_by_way(self) -> NDArray[np.intp]:
        return np.bincount(self._stratum) if self._stratum is not None else np.zeros(0, np.intp)

    def ratio(self, numerator: float, denominator: float) -> Total:
        return Total(float(numerator), float(denominator))

    def sample(self, values: Floats, at: Floats) -> Sample:
        """Make a sample of one replication. stretches: the stretch of each value, from 0; None: the run is not cut."""
        if self.stretches == 1:
            return sample(values)
        places = np.minimum(at / self.trace.plan.arrivals_end_s * self.stretches, self.stretches - 1)
        return sample(values, places.astype(np.int64))

    def per_stretch(self, times: Floats) -> Floats:
        end = self.trace.plan.arrivals_end_s  # even stretches, as `edges` has them, take less time than any edges
        if self.stretches == 1:
            return np.array([np.count_nonzero((times >= 0.0) & (times <= end))], float)
        return np.histogram(times[np.isfinite(times)], self.stretches, (0.0, end))[0].astype(float)

    def once(self, key: Hashable, make: Callable[[], Any]) -> Any:
        if key not in self._results:
            self._results[key] = make()
        return self._results[key]

    def latency_of(self, requests: NDArray[np.bool_]) -> Sample:
        """Return the latencies of requests, shape (requests,), in order of arrival."""
        return self.sample(self._latency[requests], self.columns.arrived[requests])

    @cached_property
    def edges(self) -> Floats:
        """The times between which the stretches lie, s, shape (stretches + 1,)."""
        return np.linspace(0, self.trace.plan.arrivals_end_s, self.stretches + 1)

    @cached_property
    def answered(self) -> NDArray[np.bool_]:
        """The requests counted that got an answer or a refusal, shape (requests,)."""
        answered: NDArray[np.bool_] = np.isfinite(self.columns.answered)
        return answered if self.group is None else answered & self.group

    @cached_property
    def behind_gates(self) -> set[str]:
        return downstream(self.trace.plan) if self.strata else set()

    @cached_property
    def _latency(self) -> Floats:
        return self.columns.answered - self.columns.sent

    @cached_property
    def latencies(self) -> Sample:
        return self.latency_of(self.answered)

    @cached_property
    def served(self) -> Sample:
        refused = self.answered & self.columns.refused
        return self.latency_of(self.answered & ~refused) if refused.any() else self.latencies


def whole_sample(sample: str) -> str:
    """Return the sample that a sample is a part of: `wait.reader`, of every request, for `wait.reader.urgent`."""
    return ".".join(sample.split(".")[:2])


def needed_samples(metrics: Iterable[Metric]) -> set[str]:
    """Return the samples of a whole run that metrics are taken of: their own, and those that theirs are parts of."""
    return {name for metric in metrics for name in (*([] if metric.group else [metric.sample]), whole_sample(metric.sample))}


def measure(trace: Trace, explained: bool = True) -> Measures:
    """Reduce a trace to its measures.

    explained: count all that explains a run: the ways of its requests, the time at its stages, metrics that are not asked for.
    Times rest on the stages too: they answer to the load of each.
    """
    scenario = trace.plan.scenario
    visits = {name: log.visits() for name, log in trace.logs.items() if len(log)}
    stretches = 1 if scenario.run.warm_up == "none" else SECTIONS
    run, counted, metrics = CountedRun(trace, visits, stretches), counted_metrics(scenario.outline), scenario.metrics.values()
    whole = explained or any(metric.is_time for metric in metrics)
    asked = counted if whole else {name for metric in metrics for name in (metric.name, metric.of_all.name)}
    counts = _counts(run, counted.values(), needed_samples(metrics), asked)
    _add_own_counts(run, counts)
    flows = _RequestFlows.of(trace, visits) if explained else None
    return Measures(
        digest=trace.digest,
        requests=trace.columns.n,
        totals=counts.totals,
        costs={part: total for whole in counts.totals.values() for part, total in whole.parts.items()},
        samples={"latency": run.latencies, "served": run.served} | counts.samples,
        rates=counts.rates,
        stretch_s=trace.plan.arrivals_end_s / stretches,
        span_s=trace.plan.arrivals_end_s,
        flow_counts=flows.counts() if flows else NO_FLOWS,
        strata=run.strata,
        latencies=_by_stretch(run.latencies) if stretches > 1 else None,
        queries=queries_of(trace) if scenario.arrivals.mlperf is not None else None,
        stages=times_of(trace, visits) if whole else loads_of(trace, visits),
        groups=dict(_groups(run, counted, flows)),
    )


@dataclass
class _Counts:
    totals: dict[str, Total] = field(default_factory=dict)
    samples: dict[str, Sample] = field(default_factory=dict)
    rates: dict[str, Floats] = field(default_factory=dict)


def _counts(run: CountedRun, counted: Iterable[CountedMetric], samples: Container[str], metrics: Container[str]) -> _Counts:
    """Count the samples and the metrics that are asked for."""
    counts = _Counts()
    for metric in counted:
        store = getattr(counts, metric.store)
        asked = metric.key in samples if metric.store == "samples" else metric.key in metrics
        if metric.count is None or metric.key in store or not asked:
            continue
        if (count := metric.count(run)) is not None:
            store[metric.key] = count
    return counts


def _add_own_counts(run: CountedRun, counts: _Counts) -> None:
    for name in run.scenario.stages:
        own = stage_of(run.trace, name).report(run.trace, name)
        counts.totals.update((metric, Total(above, below)) for metric, above, below in own.totals)
        counts.samples.update((metric, run.sample(values, at)) for metric, values, at in own.times)
        counts.rates.update((metric, run.per_stretch(times)) for metric, times in own.events)
    for section in run.scenario.sections.values():
        if section.totals_from:
            counts.totals |= resolve_name(section.totals_from)(run.trace)


def _groups(
    run: CountedRun, counted: Mapping[str, CountedMetric], flows: _RequestFlows | None
) -> Iterator[tuple[str, Measures]]:
    trace, plan = run.trace, run.trace.plan
    samples: dict[str, set[str]] = {}
    for metric in plan.scenario.metrics.values():
        if metric.group:
            samples.setdefault(metric.group.key, set()).add(metric.sample)
    if not samples:
        return
    items, divisible = item_groups(plan), [metric for metric in counted.values() if metric.record.has_groups]
    for name, attribute in plan.scenario.attributes.items():
        members = attribute.group_of(trace.columns.attributes[name])
        for index, value in enumerate(grouping(attribute).groups if attribute.metrics else ()):
            group, key = members == index, MetricGroup(name, value).key
            if key not in samples:
                continue
            part = CountedRun(trace, run.visits, run.stretches, group)
            counts = _counts(part, divisible, samples[key], counted)
            yield (
                key,
                Measures(
                    digest="",
                    requests=part.n,
                    totals=counts.totals,
                    costs={},
                    samples=counts.samples,
                    rates={},
                    stretch_s=plan.arrivals_end_s / run.stretches,
                    flow_counts=flows.counts(group) if flows else NO_FLOWS,
                    strata=part.strata,
                    labelled=labelled_people(next(iter(plan.tables.values())), items[key]) if key in items else None,
                ),
            )


def _by_stretch(latencies: Sample) -> Floats:
    """Return the sum of latencies in s and their number in each stretch, shape (2, stretches)."""
    counts = np.diff(latencies.starts)
    sums = np.add.reduceat(np.append(latencies.values, 0.0).astype(float), latencies.starts[:-1]) * (counts > 0)
    return np.stack([sums, counts]) * latencies.weight


def _last_stages(trace: Trace, visits: dict[str, Visits]) -> NDArray[np.int64]:
    """Return the last stage of each request, as its place in the file from 1 on; 0 where it came to none; shape (n,)."""
    latest, last = np.full(trace.columns.n, -np.inf), np.zeros(trace.columns.n, np.int64)
    for place, name in enumerate(trace.plan.scenario.stages, start=1):
        if name in visits:
            came = np.full(trace.columns.n, -np.inf)
            np.maximum.at(came, visits[name].request, visits[name].entered_s)
            last[(came >= latest) & (came >= 0)] = place
            np.maximum(latest, came, out=latest)
    return last


@dataclass(frozen=True)
class _RequestFlows:
    """The combination of FLOW that each request has, as in `FlowCounts`, shape (n,)."""

    names: Mapping[str, Sequence[Any]]
    keys: NDArray[np.int64]

    @classmethod
    def of(cls, trace: Trace, visits: dict[str, Visits]) -> _RequestFlows:
        columns, scenario = trace.columns, trace.plan.scenario
        columns_of: dict[str, tuple[NDArray[np.generic], list[Any]]] = {
            "tag": (columns.tag, ["", *scenario.tags()]),
            "end": (columns.end, [*scenario.ends, "unfinished"]),  # where a request has no end, the column has -1
            "outcome": (columns.outcome, list(OUTCOMES)),
            "positive": (columns.positive, [False, True]),
            "detected": (columns.detected, [False, True]),
            "last": (_last_stages(trace, visits), ["", *scenario.stages]),
        }
        names = {name: values for name, (_, values) in columns_of.items()}
        keys = np.zeros(columns.n, np.int64)  # as `ravel_multi_index` numbers them
        for column, values in columns_of.values():
            keys *= len(values)
            codes = column.astype(np.int64)
            codes[codes < 0] += len(values)
            keys += codes
        return cls(names, keys)

    def counts(self, group: NDArray[np.bool_] | None = None) -> FlowCounts:
        """Count the requests; group: those counted, shape (n,); None: all."""
        counts = np.bincount(self.keys if group is None else self.keys[group])
        present = np.flatnonzero(counts)
        return FlowCounts(self.names, present, counts[present])
