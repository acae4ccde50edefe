"""Outcomes made up for tests: their truth is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from simulator.case.outputs import Metric
from simulator.intervals import Estimate, estimate, mean_interval
from simulator.metrics.paired_samples import PairedSample
from simulator.sweeps.outcome_cache import DesignOutcome

COST = Metric("cost", "Cost", "USD", "lower", "mean", "cost")
LATENCY = Metric("latency", "Latency", "s", "lower", "mean", "latency")
FOUND = Metric("found", "Found", "share", "higher", "mean", "found", most=1.0)


def outcome(values: Mapping[str, float | Sequence[float]], **fields: Any) -> DesignOutcome:
    """An outcome whose metrics are means of what each replication gave; a single number is the same in all of them."""
    metrics: dict[str, Estimate] = {}
    readings = {}
    replications = max((len(one) for one in values.values() if isinstance(one, Sequence | np.ndarray)), default=4)
    for name, told in values.items():
        each = np.full(replications, told) if isinstance(told, int | float) else np.asarray(told, float)
        run = mean_interval(each)
        metrics[name] = estimate(run)
        readings[name] = [PairedSample(run=run, parts=each[None])]
    return DesignOutcome(**({"design": {}, "figures": {}, "seed": 1, "replications": replications} | fields), metrics=metrics,
                   readings=readings)  # fmt: skip
