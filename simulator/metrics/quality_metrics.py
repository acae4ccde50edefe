"""Metrics of quality: sensitivity, specificity, predictive values, missed and escalated, each record beside its count."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from simulator.case.outputs import Better, CaseOutline, CountedMetric, Metric, share_metric
from simulator.metrics.measures import CountedRun, Total


def quality(case: CaseOutline) -> Iterator[CountedMetric]:
    """Yield the metrics of a case whose requests are positives or negatives."""
    assert case.population is not None
    detected, escalated = case.population
    yield _share("sensitivity", f"Positives {detected}", "higher", lambda run: run.total(run.detected, run.positive))
    yield _share("specificity", f"Negatives not {escalated}", "higher",
                 lambda run: run.total(~run.positive & ~run.escalated, ~run.positive))  # fmt: skip
    yield _share("positive_predictive_value", f"Requests {escalated} that are positive", "higher",
                 lambda run: run.total(run.positive & run.escalated, run.escalated))  # fmt: skip
    yield _share("negative_predictive_value", f"Requests not {escalated} that are negative", "higher",
                 lambda run: run.total(~run.positive & ~run.escalated, ~run.escalated))  # fmt: skip
    yield CountedMetric(Metric("missed_per_1000", "Positives missed", "per 1,000", "lower", "ratio"),
                        lambda run: run.total(1000 * (run.positive - run.detected)))  # fmt: skip
    yield _share("escalated_share", f"Requests {escalated}", None, lambda run: run.total(run.escalated))


def _share(name: str, label: str, better: Better, count: Callable[[CountedRun], Total]) -> CountedMetric:
    return CountedMetric(share_metric(name, label, better), count)
