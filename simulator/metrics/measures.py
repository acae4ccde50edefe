"""What one replication came to: totals and times that can be sent between processes and pooled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator.case.outputs import Metric, MetricGroup, grouping
from simulator.engine.servers import kind, paid_usd, server_s
from simulator.metrics.ages import KnownAges, ages, instants
from simulator.metrics.label_uncertainty import codes_of, downstream, item_gates, item_groups, labelled_people, paths_shift
from simulator.metrics.mlperf_verdict import Queries, queries_of
from simulator.metrics.samples import SECTIONS, Sample, Total, sample
from simulator.metrics.stage_times import StageTimes, brought_s, times_of
from simulator.records.trace import DONE, OUTCOMES, Trace, Visits

Floats = NDArray[np.float64]

#: The latency distribution is drawn at these shares of the requests.
CURVE = np.concatenate([np.arange(0, 0.99, 0.005), np.arange(0.99, 1, 0.0005), [1.0]])

#: The parts of the cost that are told though nothing is paid for them.
USUAL_PARTS = ("machines", "reviewers")

#: What tells one flow of requests from another. `last`: the stage, of those that take time, to which a request came last.
FLOW = ("tag", "end", "outcome", "positive", "detected", "last")

#: What is paid for a missed positive, among the parts of the cost.
MISSED = "missed"


@dataclass(frozen=True)
class Strata:
    """The requests of one replication by class and way: codes of the ways, and how many requests, shapes (strata,).

    pretended: whether no request of that class took the way, so that those of the other class stand in for what follows it
    """

    positive: NDArray[np.bool_]
    codes: NDArray[np.int64]
    requests: Floats
    pretended: NDArray[np.bool_]


@dataclass
class Measures:
    """One replication in numbers.

    totals: the metrics that are a ratio or a share; costs: USD and thousands of requests by part
    samples: times of requests and waits of visits, by what they are of
    rates: by metric, how many answers came in each stretch of the run, or the integral of an age over it in s^2; stretch_s: how
    long each stretch lasts
    latencies: by stretch of arrival, the sum of latencies in s and their number, shape (2, stretches); None without a warm-up
    strata: who the totals by way are of; None where no gate goes by scores
    flows: number of requests (column count) by FLOW: tag, end, outcome, positive, detected, and the stage each was at last
    queries: the latency of each query, where the scenario is one of MLPerf's
    stages: where the time of requests went, for each stage that takes time
    band_edges: the same replication with all projected latencies at the fast edge of their bands, and at the slow edge; else
    empty
    resampled: the same replication for other labelled people; None where it was not run for them
    groups: the requests of each group that metrics are told of, by its key, each measured alone
    labelled: of such a group, how many labelled people stand behind its negatives and its positives; None where none do
    """

    digest: str
    requests: int
    totals: dict[str, Total]
    costs: dict[str, Total]
    samples: dict[str, Sample]
    rates: dict[str, Floats]
    stretch_s: float
    flows: pd.DataFrame
    strata: Strata | None = None
    latencies: Floats | None = None
    queries: Queries | None = None
    stages: dict[str, StageTimes] = field(default_factory=dict)
    band_edges: list[Measures] = field(default_factory=list)
    resampled: Measures | None = None
    groups: dict[str, Measures] = field(default_factory=dict)
    labelled: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        self._figures: dict[str, float | None] = {}  # those that somebody has asked for

    @cached_property
    def nbytes(self) -> int:
        """The memory of all times and rates, bytes."""
        inner = [*self.band_edges, *self.groups.values(), *filter(None, [self.resampled])]
        own = sum(one.values.nbytes + one.starts.nbytes for one in self.samples.values())
        return own + sum(one.nbytes for one in self.rates.values()) + sum(one.nbytes for one in inner)

    def after(self, stretch: int) -> Measures:
        """Times and rates without the stretches before this one; the rest is of the whole run."""
        if not stretch:
            return self
        samples = {name: one.after(stretch) for name, one in self.samples.items()}
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
        """The requests of a group alone, for other labelled people too where the replication was run for them."""
        group = self.groups[key]
        return group if self.resampled is None else replace(group, resampled=self.resampled.groups[key])

    def figures(self, metrics: Mapping[str, Metric]) -> dict[str, float]:
        """Each metric's plain value in this replication; what it does not have is absent."""
        found = {name: self.figure(metric) for name, metric in metrics.items()}
        return {name: value for name, value in found.items() if value is not None}

    def figure(self, metric: Metric) -> float | None:
        """The plain value of one metric in this replication; None where it has none."""
        if metric.group:
            return self.groups[metric.group.key].figure(metric.of_all)
        if metric.name not in self._figures:
            self._figures[metric.name] = self._figure(metric)
        return self._figures[metric.name]

    def _figure(self, metric: Metric) -> float | None:
        if metric.sample:
            one = self.samples.get(metric.sample)
            if one is None or not len(one.values):
                return None
            return float(one.values.mean(dtype=float) if metric.quantile is None else np.quantile(one.values, metric.quantile))
        if metric.name in self.rates:
            counts = self.rates[metric.name]
            return float(counts.sum() / (len(counts) * self.stretch_s))
        total = self.totals.get(metric.name)
        return total.ratio if total else None


def _of_sections(trace: Trace) -> dict[str, Total]:
    """Return the metrics that the sections of features count."""
    found: dict[str, Total] = {}
    for section in trace.plan.scenario.sections.values():
        found |= section.totals(trace)
    return found


def measure(trace: Trace) -> Measures:
    """Reduce a trace to its measures."""
    visits = {name: log.visits() for name, log in trace.logs.items() if len(log)}
    stretches = 1 if trace.plan.scenario.run.warm_up == "none" else SECTIONS
    counted, known = _Counter(trace, visits), dict(ages(trace))
    samples, costs = dict(_samples(trace, visits, stretches)), dict(counted.costs())
    samples |= {f"age_peak.{of}": sample(one.peaks, _stretches(trace, one.at[1:], stretches)) for of, one in known.items()}
    looks = instants(trace.plan.arrivals_end_s) if known else np.empty(0)
    samples |= {f"age.{of}": sample(one.ages(looks), _stretches(trace, looks, stretches)) for of, one in known.items()}
    for stage in trace.plan.scenario.stages:
        own = kind(trace, stage).times(trace, stage)
        samples |= {name: sample(values, _stretches(trace, at, stretches)) for name, values, at in own}
    return Measures(
        digest=trace.digest,
        requests=trace.columns.n,
        totals=counted.totals() | {"cost_per_1000_usd": counted.together(costs)} | _of_sections(trace),
        costs=costs,
        samples=samples,
        rates=_rates(trace, known, stretches),
        stretch_s=trace.plan.arrivals_end_s / stretches,
        flows=_flows(trace, last := _last_stages(trace, visits)),
        strata=counted.strata,
        latencies=_by_stretch(samples["latency"]) if stretches > 1 else None,
        queries=queries_of(trace),
        stages=times_of(trace, visits),
        groups=dict(_groups(trace, visits, stretches, last)),
    )


def _groups(trace: Trace, visits: dict[str, Visits], stretches: int, last: NDArray[np.int64]) -> Iterator[tuple[str, Measures]]:
    """Each group that metrics are told of, measured alone: the times that they ask for, and the totals of its requests."""
    plan = trace.plan
    asked = [metric for metric in plan.scenario.metrics.values() if metric.group]
    if not asked:
        return
    keys = {metric.group.key for metric in asked if metric.group}
    items = item_groups(plan)
    members = {name: plan.scenario.attributes[name].group_of(column) for name, column in trace.columns.attributes.items()}
    for name, attribute in plan.scenario.attributes.items():
        timed = any(metric.is_time for metric in asked if metric.group and metric.group.attribute == name)
        for index, value in enumerate(grouping(attribute).groups if attribute.metrics else ()):
            mine, key = members[name] == index, MetricGroup(name, value).key
            if key not in keys:
                continue
            counted = _Counter(trace, visits, mine)
            yield (
                key,
                Measures(
                    digest="",
                    requests=counted.n,
                    totals=counted.of_requests(),
                    costs={},
                    samples=dict(_samples(trace, visits, stretches, mine)) if timed else {},
                    rates={},
                    stretch_s=plan.arrivals_end_s / stretches,
                    flows=_flows(trace, last, mine),
                    strata=counted.strata,
                    labelled=labelled_people(next(iter(plan.tables.values())), items[key]) if key in items else None,
                ),
            )


def _stretches(trace: Trace, times: Floats, stretches: int) -> NDArray[np.int64] | None:
    """The stretch of the run that each time falls into; None where the run is not cut."""
    if stretches == 1:
        return None
    return np.minimum(times / trace.plan.arrivals_end_s * stretches, stretches - 1).astype(np.int64)


def _by_stretch(latencies: Sample) -> Floats:
    counts = np.diff(latencies.starts)
    sums = np.add.reduceat(np.append(latencies.values, 0.0).astype(float), latencies.starts[:-1]) * (counts > 0)
    return np.stack([sums, counts]) * latencies.weight


def _samples(
    trace: Trace, visits: dict[str, Visits], stretches: int, group: NDArray[np.bool_] | None = None
) -> Iterator[tuple[str, Sample]]:
    """Latencies of the requests that were answered, in order of arrival, and waits of the visits by when they began.

    group: of which requests, shape (n,); None: of all
    """
    columns = trace.columns
    answered = np.isfinite(columns.answered) if group is None else np.isfinite(columns.answered) & group
    latency = columns.answered - columns.sent

    def of(mine: NDArray[np.bool_]) -> Sample:
        return sample(latency[mine], _stretches(trace, columns.arrived[mine], stretches))

    yield "latency", (every := of(answered))
    refused = answered & columns.refused
    yield "served", of(answered & ~refused) if refused.any() else every
    for index, name in enumerate(trace.plan.scenario.classes):
        yield f"latency.{name}", of(answered & (columns.kind == index))
    wanted = {metric.sample for metric in trace.plan.scenario.metrics.values()}
    waited = {metric.stage for metric in trace.plan.scenario.metrics.values() if metric.sample.startswith("wait.")}
    for name in (name for name in visits if name in waited):
        mine = visits[name] if group is None else visits[name].only(group[visits[name].request])
        rows, entered, wait = _waits(trace, mine)
        yield f"wait.{name}", sample(wait, _stretches(trace, entered, stretches))
        tag = columns.tag[rows]
        for index, label in enumerate(trace.plan.scenario.tags(), start=1):
            if f"wait.{name}.{label}" in wanted:
                tagged = tag == index
                yield f"wait.{name}.{label}", sample(wait[tagged], _stretches(trace, entered[tagged], stretches))


def _waits(trace: Trace, visits: Visits) -> tuple[NDArray[np.int32], Floats, Floats]:
    """Who waited, since when, and how long: until service began, the time-out, or the end of the run; all of shape (m,).

    A request that was refused on the spot never waited, and nobody waited for a copy that was served in vain.
    """
    mine = visits.only(visits.wanted & (visits.served | (visits.left_s != visits.entered_s)))
    gone = np.where(np.isnan(mine.left_s), trace.plan.horizon_s, mine.left_s)
    return mine.request, mine.entered_s, np.where(mine.served, mine.started_s, gone) - mine.entered_s


def _rates(trace: Trace, known: Mapping[str, KnownAges], stretches: int) -> dict[str, Floats]:
    """What adds up over the time in which requests come, by stretch: answers, those of use, what kinds count, and ages."""
    columns = trace.columns
    edges = np.linspace(0, trace.plan.arrivals_end_s, stretches + 1)
    useful = np.isfinite(columns.answered) & ~columns.refused
    if len(columns.deadline):
        useful &= columns.answered <= columns.deadline
    answers = {"throughput_per_s": columns.answered, "goodput_per_s": columns.answered[useful]}
    for stage in trace.plan.scenario.stages:
        answers |= dict(kind(trace, stage).events(trace, stage))
    counts = {name: np.histogram(times[np.isfinite(times)], edges)[0].astype(float) for name, times in answers.items()}
    return counts | {f"age_mean_s.{of}": one.areas(edges) for of, one in known.items()}


class _Counter:
    """Sums over the requests of a replication, by the way of the labelled items that stand for them where there are any.

    Rows beyond the requests themselves are requests that are taken for the other class, where none of it took their way.
    group: of which requests, shape (n,); None: of all
    """

    def __init__(self, trace: Trace, visits: dict[str, Visits], group: NDArray[np.bool_] | None = None) -> None:
        self.trace, self.visits = trace, visits
        self.columns, self.scenario = trace.columns, trace.plan.scenario
        self.strata: Strata | None = None
        self._stratum: NDArray[np.int64] | None = None
        self.mine = mine = slice(None) if group is None else np.flatnonzero(group)
        rows, turned = np.arange(self.columns.n)[mine], np.empty(0, np.int64)
        self.n = len(rows)
        if self.n and item_gates(trace.plan) and not paths_shift(trace.plan):
            key = 2 * codes_of(trace.plan)[self.columns.item[mine]] + self.columns.positive[mine]
            others = np.flatnonzero(~np.isin(key ^ 1, key))
            keys, self._stratum = np.unique(np.append(key, key[others] ^ 1), return_inverse=True)
            requests = np.bincount(self._stratum).astype(float)
            self.strata = Strata(keys % 2 == 1, keys // 2, requests, ~np.isin(keys, key))
            turned = rows[others]
        self.rows = np.append(rows, turned)
        self.positive = np.append(self.columns.positive[mine], ~self.columns.positive[turned])
        detected = np.array([end.detected.value for end in self.scenario.ends.values()] + [0.0])[self.columns.end[turned]]
        self.detected = np.append(self.columns.detected[mine], detected) * self.positive

    def totals(self) -> dict[str, Total]:
        """Every metric that is a ratio or a share."""
        return {
            **self.of_requests(),
            **dict(self._utilizations()),
            **dict(self._of_kinds()),
        }

    def of_requests(self) -> dict[str, Total]:
        """Those that can be told of a part of the requests too."""
        return {**dict(self._outcomes()), **dict(self._qualities())}

    def _of(self, above: NDArray[np.generic], below: NDArray[np.generic] | None = None) -> Total:
        """A total of columns, of as many elements as there are rows; `below` is 1 for each unless it is given."""
        under, n = np.ones(len(above), bool) if below is None else below, self.n
        by_way = None
        if self._stratum is not None:
            by_way = np.stack([np.bincount(self._stratum, column) for column in (above, under)], axis=-1).astype(float)
        return Total(float(above[:n].sum()), float(under[:n].sum()), by_way)

    def _outcomes(self) -> Iterator[tuple[str, Total]]:
        columns, mine, n = self.columns, self.mine, float(self.n)
        counts = np.bincount(columns.outcome[mine], minlength=len(OUTCOMES))
        for index, name in enumerate(OUTCOMES):
            yield f"{name}_share", Total(float(counts[index]), n)
        if any(kind.deadline_s is not None for kind in self.scenario.classes.values()):
            in_time = (columns.outcome[mine] == DONE) & (columns.answered[mine] <= columns.deadline[mine])
            yield "on_time_share", Total(float(in_time.sum()), n)

    def _qualities(self) -> Iterator[tuple[str, Total]]:
        if self.scenario.population is None:
            return
        positive, detected, escalated = self.positive, self.detected, _escalated(self.trace)[self.rows]
        yield "sensitivity", self._of(detected, positive)
        yield "specificity", self._of(~positive & ~escalated, ~positive)
        yield "positive_predictive_value", self._of(positive & escalated, escalated)
        yield "negative_predictive_value", self._of(~positive & ~escalated, ~escalated)
        yield "missed_per_1000", self._of(1000 * (positive - detected))
        yield "escalated_share", self._of(escalated)

    def _utilizations(self) -> Iterator[tuple[str, Total]]:
        """Work that came over the server-seconds that are offered for it, of every stage that offers any."""
        answering = downstream(self.trace.plan) if self.strata else set()
        for name, stage in self.scenario.stages.items():
            if not stage.server or (capacity := server_s(self.trace, name)) <= 0:
                continue
            work = brought_s(self.trace, self.visits[name]) if name in self.visits else np.zeros(self.columns.n)
            if name in answering:
                yield f"utilization.{name}", self._of(work[self.rows], np.full(len(self.rows), capacity / len(work)))
            else:
                yield f"utilization.{name}", Total(float(work.sum()), capacity)

    def _of_kinds(self) -> Iterator[tuple[str, Total]]:
        """What each kind of stage counts of its own, as retries and joins do."""
        for name in self.scenario.stages:
            for metric, above, below in kind(self.trace, name).totals(self.trace, name):
                yield metric, Total(above, below)

    def together(self, costs: Mapping[str, Total]) -> Total:
        """The cost of 1,000 requests, of its parts."""
        by_way = [total.by_way for total in costs.values() if total.by_way is not None]
        together = np.stack([sum(part[:, 0] for part in by_way), by_way[0][:, 1]], axis=-1) if by_way else None
        return Total(sum(total.above for total in costs.values()), self.columns.n / 1000, together)

    def costs(self) -> Iterator[tuple[str, Total]]:
        """USD for 1,000 requests by part: machines and people as they are paid, visits and misses as they happened."""
        scenario, n = self.scenario, self.columns.n
        thousands = np.full(len(self.rows), 0.001)
        usd = np.array([end.usd.value for end in scenario.ends.values()] + [0.0])[self.columns.end][self.rows]
        yield from ((part, Total(paid, n / 1000)) for part, paid in self._paid_usd().items())
        if scenario.population is None:
            yield "ends", self._of(usd, thousands)
        else:
            yield "visits of negatives", self._of(usd * ~self.positive, thousands)
            yield "visits of positives", self._of(usd * self.positive, thousands)
        if scenario.costs is not None:
            missed = self.positive - self.detected
            yield MISSED, self._of(missed * scenario.costs.missed_positive_usd.value, thousands)

    def _paid_usd(self) -> dict[str, float]:
        """What was paid for the stages, by the part of the cost under which it is told."""
        found = dict.fromkeys(USUAL_PARTS, 0.0)
        for name, stage in self.scenario.stages.items():
            if stage.cost_part:
                found[stage.cost_part] = found.get(stage.cost_part, 0.0) + paid_usd(self.trace, name)
        return found


def _escalated(trace: Trace) -> NDArray[np.bool_]:
    escalated = np.array([end.escalated for end in trace.plan.scenario.ends.values()] + [False])
    return escalated[trace.columns.end]


def _last_stages(trace: Trace, visits: dict[str, Visits]) -> NDArray[np.int64]:
    """The stage to which each request came last, as its place in the file from 1 on; 0 where it came to none; shape (n,)."""
    latest, last = np.full(trace.columns.n, -np.inf), np.zeros(trace.columns.n, np.int64)
    for place, name in enumerate(trace.plan.scenario.stages, start=1):
        if name in visits:
            came = np.full(trace.columns.n, -np.inf)
            np.maximum.at(came, visits[name].request, visits[name].entered_s)
            last[(came >= latest) & (came >= 0)] = place
            np.maximum(latest, came, out=latest)
    return last


def _flows(trace: Trace, last: NDArray[np.int64], mine: NDArray[np.bool_] | None = None) -> pd.DataFrame:
    """How many requests there are of each FLOW; mine: of which requests, shape (n,); None: of all."""
    columns, scenario = trace.columns, trace.plan.scenario
    told: dict[str, tuple[NDArray[np.generic], list[Any]]] = {
        "tag": (columns.tag, ["", *scenario.tags()]),
        "end": (columns.end, [*scenario.ends, "unfinished"]),  # where a request has no end, the column has -1
        "outcome": (columns.outcome, list(OUTCOMES)),
        "positive": (columns.positive, [False, True]),
        "detected": (columns.detected, [False, True]),
        "last": (last, ["", *scenario.stages]),
    }
    sizes = [len(names) for _, names in told.values()]
    codes = [column.astype(np.int64) % size for (column, _), size in zip(told.values(), sizes, strict=True)]
    keys = np.ravel_multi_index(codes, sizes)
    counts = np.bincount(keys if mine is None else keys[mine])
    found = np.flatnonzero(counts)
    parts = np.unravel_index(found, sizes)
    flows = {name: np.array(names)[part] for (name, (_, names)), part in zip(told.items(), parts, strict=True)}
    return pd.DataFrame(flows | {"count": counts[found]}, columns=[*FLOW, "count"])
