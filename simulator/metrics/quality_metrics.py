"""Metrics of quality: sensitivity, specificity, predictive values, missed and escalated, each record beside its count."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from simulator.case.outputs import Better, CaseOutline, CountedMetric, Metric, share_metric
from simulator.metrics.measures import CountedRun
from simulator.metrics.samples import Total
from simulator.units import upper_first


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
