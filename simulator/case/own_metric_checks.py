"""Faults of a case's own metrics and prices by condition."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from simulator.case.document import Path
from simulator.case.outputs import metrics_of
from simulator.case.own_metrics import RequestCount

if TYPE_CHECKING:
    from simulator.case.case_contract import AnyCase


def check_own_metrics(scenario: AnyCase) -> Iterator[tuple[Path, str]]:
    """Yield faults of a case's own metrics: names that are taken, and conditions on positives in a case without any."""
    taken = {*metrics_of(replace(scenario.outline, own={}))}
    for section in scenario.sections.values():
        taken |= {metric.name for metric in section.metrics_of(section)}
    for name, metric in scenario.own_metrics.items():
        at: Path = ("own_metrics", name)
        if name in taken:
            yield at, f"every run reports a metric '{name}' already; choose another name"
        for field in ("share", "per_1000", "of"):
            if (count := getattr(metric, field)) is not None:
                yield from (((*at, field, *path), message) for path, message in _condition_faults(count, scenario))


def check_prices(scenario: AnyCase) -> Iterator[tuple[Path, str]]:
    """Yield faults of prices by condition: positives in a case without any, and a label that is used twice."""
    prices = scenario.costs.prices if scenario.costs else []
    for index, price in enumerate(prices):
        at: Path = ("costs", "prices", index)
        if price.label in [other.label for other in prices[:index]]:
            yield (*at, "label"), f"there are two prices '{price.label}'; rename one"
        yield from (((*at, "of", *path), message) for path, message in _condition_faults(price.of, scenario))


def _condition_faults(count: RequestCount, scenario: AnyCase) -> Iterator[tuple[Path, str]]:
    """Yield conditions on positives in a case without any."""
    for field in ("positive", "detected", "missed"):
        if getattr(count, field) is not None and scenario.population is None:
            yield (field,), "it needs a section `population`, which says who is positive"
