"""MLPerf Inference's verdict on a run: early stopping (mlcommons inference_policies, `inference_rules.adoc`, appendix).

A latency is quoted for a percentile with 99% confidence and tolerance 0. With t queries over a bound, n of them are enough
when at most t would have a chance of 1% or less if their true share were all that the percentile allows. A run is called
invalid when at least t would have, and in between it needs more queries.

The replications of a design are independent runs under one load, so that their queries are pooled: the verdict is on all of
them. Like MLPerf's, it takes queries for independent of each other, which those that wait in one queue are not quite.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

from simulator.engine.compiled_plan import Plan
from simulator.engine.run_trace import Trace
from simulator.phrases import phrase

CONFIDENCE = 0.99

#: No verdict asks for more queries.
MOST_QUERIES = 2**40


@dataclass(frozen=True)
class Queries:
    """The queries of one replication.

    latency_s: from the scheduled issue to the last answer, inf where there was none, shape (queries,)
    answered: how many requests were answered; span_s: by when
    """

    latency_s: NDArray[np.float64]
    answered: int
    span_s: float


@dataclass(frozen=True)
class MlperfVerdict:
    """The verdict of early stopping on a number of queries.

    latency_s: the latency at the percentile, with confidence; None where there are too few queries to quote one
    over: queries that took longer than the bound, or had no answer
    more: how many more are needed, if none of those is over; None where so many are over that more would not help
    """

    percentile: float
    queries: int
    latency_s: float | None
    bound_s: float | None
    over: int
    valid: bool
    more: int | None

    @property
    def words(self) -> str:
        failed = "mlperf.invalid" if self.more is None else "mlperf.more"
        key = "mlperf.valid" if self.valid and self.latency_s is not None else failed
        return phrase(
            key, percentile=self.percentile, latency=self.latency_s, bounded=self.bound_s is not None, bound=self.bound_s,
            over=self.over, queries=self.queries, allowed=1 - self.percentile, more=self.more,
        )  # fmt: skip


@dataclass(frozen=True)
class MlperfResult:
    """The result of a design in one of MLPerf's scenarios, over all replications; offline has no latency to judge."""

    scenario: str
    throughput_per_s: float
    verdict: MlperfVerdict | None

    def to_json(self) -> dict[str, Any]:
        judged = asdict(self.verdict) if self.verdict else {}
        return {"scenario": self.scenario, "throughput_per_s": self.throughput_per_s} | judged

    @property
    def sentence(self) -> str:
        name, rate, verdict = self.scenario.replace("_", " "), self.throughput_per_s, self.verdict
        return phrase("mlperf.result", name=name, verdict=verdict.words if verdict else "", rate=rate)


def mlperf_verdict(latencies: NDArray[np.float64], percentile: float, bound: float | None = None) -> MlperfVerdict:
    """Check that the latency at `percentile` keeps `bound` with 99% confidence; without a bound, that it can be quoted.

    latencies: seconds, shape (n,), inf for a query that was never answered.
    """
    n = len(latencies)
    within = np.isfinite(latencies) if bound is None else latencies <= bound
    over = n - int(np.count_nonzero(within))
    missing = queries_needed(over, percentile) - n
    spare = spare_queries(n, percentile)
    quoted = float(np.partition(latencies, n - 1 - spare)[n - 1 - spare]) if spare >= 0 else np.inf
    return MlperfVerdict(
        percentile=percentile,
        queries=n,
        latency_s=quoted if np.isfinite(quoted) else None,
        bound_s=bound,
        over=over,
        valid=missing <= 0,
        more=None if over and _chance(over - 1, n, percentile) >= CONFIDENCE else max(missing, 0),
    )


def queries_needed(over: int, percentile: float) -> int:
    """Return the fewest queries that may pass with `over` of them beyond the bound."""
    counts = range(over + 1, MOST_QUERIES)
    return counts[bisect_left(counts, True, key=lambda count: _chance(over, count, percentile) <= 1 - CONFIDENCE)]


def spare_queries(n: int, percentile: float) -> int:
    """Return the number of n queries that may lie beyond the latency quoted; -1 where even none is one too many."""
    return bisect_left(range(n), True, key=lambda over: _chance(over, n, percentile) > 1 - CONFIDENCE) - 1


def _chance(over: int, n: int, percentile: float) -> float:
    return float(betainc(n - over, over + 1, percentile))


def queries_of(trace: Trace) -> Queries | None:
    """Return the queries of a replication; None where the scenario is none of MLPerf's."""
    spec, columns = trace.plan.scenario.arrivals, trace.columns
    if spec.mlperf is None:
        return None
    answered = np.isfinite(columns.answered)
    latency = np.where(answered, columns.answered - columns.arrived, np.inf)
    by_query = latency.reshape(-1, spec.mlperf.per_query)
    span = float(columns.answered[answered].max()) if answered.any() else 0.0
    return Queries(by_query.max(axis=1), int(answered.sum()), span)


def mlperf_result(plan: Plan, replications: Sequence[Queries | None]) -> MlperfResult | None:
    """Return the verdict on all replications of a plan; None where the scenario is none of MLPerf's."""
    spec = plan.scenario.arrivals
    counted = [queries for queries in replications if queries is not None]
    if spec.mlperf is None or not counted:
        return None
    span = sum(queries.span_s for queries in counted)
    throughput = sum(queries.answered for queries in counted) / span if span else 0.0
    if spec.mlperf.percentile is None:
        return MlperfResult(spec.kind, throughput, None)
    latencies = np.concatenate([queries.latency_s for queries in counted])
    return MlperfResult(spec.kind, throughput, mlperf_verdict(latencies, spec.mlperf.percentile, spec.mlperf.bound_s))
