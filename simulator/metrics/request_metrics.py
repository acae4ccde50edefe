"""Metrics of requests: latency, deadlines, throughput, quality, cost, outcomes, and those that a case defines itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from math import inf

import numpy as np
from numpy.typing import NDArray

from simulator.arrays import Floats
from simulator.case.attributes import in_groups
from simulator.case.outputs import Better, CaseOutline, CountedMetric, Metric, share_metric
from simulator.case.scenario_parts import OwnMetric, RequestCount
from simulator.metrics.measures import CountedRun
from simulator.metrics.samples import Sample, Total
from simulator.metrics.servers import paid_usd
from simulator.records.trace import DONE, OUTCOMES
from simulator.units import upper_first

Flags = NDArray[np.bool_]


def own_metrics(case: CaseOutline) -> Iterator[CountedMetric]:
    """Yield the metrics of the section `own_metrics`."""
    for name, metric in case.own.items():
        if metric.share is not None:
            record = share_metric(name, metric.label, metric.better)
        else:
            record = Metric(name, metric.label, "per 1,000", metric.better, "ratio")
        yield CountedMetric(record, partial(_total, metric))


def _total(metric: OwnMetric, run: CountedRun) -> Total:
    """Count the selected requests; a share counts them among those that it is a share of.

    Outcomes depend on queues more than on the way of a request: as with the shares that every run reports, runs with other
    labelled people show what labels change.
    """
    below, chosen = selected(metric.of, run), weights(metric.counted, run)
    above = chosen * below if metric.share is not None else 1000 * chosen
    if metric.counted.outcomes or metric.of.outcomes:
        return run.ratio(above[: run.n].sum(), below[: run.n].sum())
    return run.total(above, below)


def weights(count: RequestCount, run: CountedRun) -> Floats:
    """Return how much each row of a run counts, from 0 to 1, shape (rows,)."""
    counts = selected(count, run).astype(np.float64)
    if count.detected:
        counts *= run.detected
    if count.missed:
        counts *= run.positive - run.detected
    return counts


def selected(count: RequestCount, run: CountedRun) -> Flags:
    """Return the rows of a run that fulfil every condition, shape (rows,)."""
    columns, rows, scenario = run.columns, run.rows, run.scenario
    chosen = np.ones(len(rows), bool)
    if count.ends:
        chosen &= _is_one_of(columns.end, count.ends, [*scenario.ends])[rows]
    if count.tags:
        chosen &= _is_one_of(columns.tag, count.tags, ["", *scenario.tags()])[rows]
    if count.classes:
        chosen &= _is_one_of(columns.kind, count.classes, [*scenario.classes])[rows]
    if count.outcomes:
        chosen &= _is_one_of(columns.outcome, count.outcomes, OUTCOMES)[rows]
    if count.stages:
        chosen &= _came_to(count.stages, run)[rows]
    if count.groups:
        chosen &= in_groups(scenario.attributes, columns.attributes, count.groups, columns.n)[rows]
    for wanted, flags in ((count.positive, run.positive), (count.escalated, run.escalated)):
        if wanted is not None:
            chosen &= flags == wanted
    return chosen


def _is_one_of(column: NDArray[np.integer], names: Sequence[str], every: Sequence[str]) -> Flags:
    """Return which entries of a column of places in a list have one of these names, shape as the column."""
    return np.isin(column, [every.index(name) for name in names])


def _came_to(stages: list[str], run: CountedRun) -> Flags:
    came = np.zeros(run.columns.n, bool)
    for name in stages:
        if name in run.visits:
            came[run.visits[name].request] = True
    return came


def quality(case: CaseOutline) -> Iterator[CountedMetric]:
    """Yield the metrics of a case whose requests are positives or negatives."""
    assert case.population is not None
    (detected, escalated), nouns = case.population, case.nouns
    positives, negatives = upper_first(nouns.positives), upper_first(nouns.negatives)
    yield _share("sensitivity", f"{positives} {detected}", "higher", lambda run: run.total(run.detected, run.positive))
    yield _share("specificity", f"{negatives} not {escalated}", "higher",
                 lambda run: run.total(~run.positive & ~run.escalated, ~run.positive))  # fmt: skip
    yield _share("positive_predictive_value", f"{positives}, of the {nouns.who} {escalated}", "higher",
                 lambda run: run.total(run.positive & run.escalated, run.escalated))  # fmt: skip
    yield _share("negative_predictive_value", f"{negatives}, of the {nouns.who} not {escalated}", "higher",
                 lambda run: run.total(~run.positive & ~run.escalated, ~run.escalated))  # fmt: skip
    yield CountedMetric(Metric("missed_per_1000", f"{positives} missed", "per 1,000", "lower", "ratio"),
                        lambda run: run.total(1000 * (run.positive - run.detected)))  # fmt: skip
    yield _share("escalated_share", f"{upper_first(nouns.who)} {escalated}", None, lambda run: run.total(run.escalated))


def _share(name: str, label: str, better: Better, count: Callable[[CountedRun], Total]) -> CountedMetric:
    return CountedMetric(share_metric(name, label, better), count)


#: The quantiles that are reported of each latency.
LATENCY_QUANTILES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}

#: The parts of the cost that are reported though nothing is paid for them.
USUAL_PARTS = ("machines", "reviewers")

#: The part of the cost that is paid for missed positives, and the beginning of the parts by condition, before their labels.
MISSED, PRICE = "missed", "price: "


def latencies(case: CaseOutline) -> Iterator[CountedMetric]:
    """Yield the latency of requests served, of all that got an answer or a refusal, and of each class."""
    yield from _latency("served", "latency_served", f"Answer to {case.nouns.many} served", lambda run: run.served)
    yield from _latency("latency", "latency", "Answer or refusal", lambda run: run.latencies)
    for place, name in enumerate(case.classes):
        label = f"Answer or refusal, class {name}, 95% within"
        record = Metric(f"latency_p95_s.{name}", label, "s", "lower", "quantile", f"latency.{name}", 0.95, request_class=name)
        yield CountedMetric(record, _of_class(place), "samples")


def _latency(sample: str, prefix: str, what: str, count: Callable[[CountedRun], Sample]) -> Iterator[CountedMetric]:
    yield CountedMetric(Metric(f"{prefix}_mean_s", f"{what}, mean", "s", "lower", "mean", sample), count, "samples")
    for name, share in LATENCY_QUANTILES.items():
        record = Metric(f"{prefix}_{name}_s", f"{what}, {share:.0%} within", "s", "lower", "quantile", sample, share)
        yield CountedMetric(record, count, "samples")


def _of_class(place: int) -> Callable[[CountedRun], Sample]:
    return lambda run: run.latency_of(run.answered & (run.columns.kind == place))


def throughput(case: CaseOutline) -> Iterator[CountedMetric]:
    """Yield the share of answers in time, useful answers and all answers a second."""
    deadlines = any(case.classes.values())
    if deadlines:
        yield CountedMetric(share_metric("on_time_share", _of(case, "answered within their deadline"), "higher"), _on_time)
    served = Metric("goodput_per_s", _of(case, f"served{' and in time' if deadlines else ''}"), "1/s", "higher", "ratio")
    yield CountedMetric(served, _useful, "rates")
    answers = Metric("throughput_per_s", "Answers, refusals included", "1/s", None, "ratio")
    yield CountedMetric(answers, lambda run: run.per_stretch(run.columns.answered), "rates")


def _on_time(run: CountedRun) -> Total:
    columns, own = run.columns, run.own
    in_time = (columns.outcome[own] == DONE) & (columns.answered[own] <= columns.deadline[own])
    return run.ratio(in_time.sum(), run.n)


def _useful(run: CountedRun) -> Floats:
    columns = run.columns
    useful = np.isfinite(columns.answered) & ~columns.refused
    if len(columns.deadline):
        useful &= columns.answered <= columns.deadline
    return run.per_stretch(columns.answered[useful])


def cost(case: CaseOutline) -> Iterator[CountedMetric]:
    record = Metric("cost_per_1000_usd", f"Cost of 1,000 {case.nouns.who}", "USD", "lower", "ratio")
    yield CountedMetric(replace(record, least=-inf) if case.rewards else record, _cost)


def _cost(run: CountedRun) -> Total:
    total: Total = run.once("cost", lambda: _whole_cost(run))
    return total


def _whole_cost(run: CountedRun) -> Total:
    parts = dict(_parts(run))
    by_way = [total.by_way for total in parts.values() if total.by_way is not None]
    together = np.stack([sum(part[:, 0] for part in by_way), by_way[0][:, 1]], axis=-1) if by_way else None
    return Total(sum(total.numerator for total in parts.values()), run.columns.n / 1000, together, parts=parts)


def cost_of_found(case: CaseOutline) -> Iterator[CountedMetric]:
    """Yield the whole cost, missed positives included, for one positive that is detected."""
    assert case.population is not None
    record = Metric(
        "cost_per_found_usd", f"Cost for one of the {case.nouns.positives} {case.population[0]}", "USD", "lower", "ratio"
    )
    yield CountedMetric(replace(record, least=-inf) if case.rewards else record, _cost_per_found)


def _cost_per_found(run: CountedRun) -> Total:
    whole, detected = _cost(run), run.total(run.detected)
    ways = [total.by_way for total in (whole, detected) if total.by_way is not None]
    together = np.stack([part[:, 0] for part in ways], axis=-1) if len(ways) == 2 else None
    return Total(whole.numerator, detected.numerator, together)


def _parts(run: CountedRun) -> Iterator[tuple[str, Total]]:
    """Yield USD for 1,000 requests by part: machines and people as they are paid, visits and misses as they happened."""
    scenario, n = run.scenario, run.columns.n
    thousands = np.full(len(run.rows), 0.001)
    usd = np.array([end.usd.value for end in scenario.ends.values()] + [0.0])[run.columns.end][run.rows]
    yield from ((part, run.ratio(paid, n / 1000)) for part, paid in _paid_usd(run).items())
    if scenario.population is None:
        yield "ends", run.total(usd, thousands)
    else:
        yield "visits of negatives", run.total(usd * ~run.positive, thousands)
        yield "visits of positives", run.total(usd * run.positive, thousands)
    if scenario.costs is not None and scenario.costs.missed_positive_usd is not None:
        missed = run.positive - run.detected
        yield MISSED, run.total(missed * scenario.costs.missed_positive_usd.value, thousands)
    for price in scenario.costs.prices if scenario.costs else ():
        yield f"{PRICE}{price.label}", run.total(price.signed_usd * weights(price.of, run), thousands)


def _paid_usd(run: CountedRun) -> dict[str, float]:
    """Return USD paid for the stages, by the part of the cost that each belongs to."""
    paid = dict.fromkeys(USUAL_PARTS, 0.0)
    for name, stage in run.scenario.stages.items():
        if stage.servers.cost_part:
            part = stage.servers.cost_part
            paid[part] = paid.get(part, 0.0) + paid_usd(run.trace, name)
    return paid


_OUTCOME_WORDS = {
    "done": "done as planned",
    "shed": "refused",
    "timed_out": "that waited too long",
    "failed": "lost with a replica",
    "unfinished": "unfinished at the end of the run",
}


def outcomes(case: CaseOutline) -> Iterator[CountedMetric]:
    """Yield the share of requests with each outcome."""
    for outcome, words in _OUTCOME_WORDS.items():
        record = share_metric(f"{outcome}_share", _of(case, words), "higher" if outcome == "done" else "lower")
        yield CountedMetric(record, partial(_with_outcome, OUTCOMES.index(outcome)))


def _with_outcome(code: int, run: CountedRun) -> Total:
    return run.ratio((run.columns.outcome[run.own] == code).sum(), run.n)


def _of(case: CaseOutline, which: str) -> str:
    return f"{upper_first(case.nouns.many)} {which}"
