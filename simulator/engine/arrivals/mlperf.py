"""The four scenarios of MLPerf Inference (mlcommons inference_policies, `inference_rules.adoc`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from simulator.arrays import Times
from simulator.case.case_contract import AnyArrivals, MlperfRules, RateFigure
from simulator.case.fields import PositiveFigure
from simulator.engine.arrivals.arrival import Clock, OpenProcess, Process
from simulator.engine.arrivals.closed import Loop, LoopClients
from simulator.records.timetables import Surge

Queries = Annotated[int, Field(ge=1, le=100_000_000)]
Percentile = Annotated[float, Field(ge=0.5, le=0.9999, description="the quoted percentile of latency, as a share of queries")]


class _Quoted(AnyArrivals):
    """Base of the scenarios with a quoted latency."""

    queries: Queries
    """how many are sent"""
    percentile: Percentile
    bound_s: PositiveFigure | None
    """the bound on the latency, in seconds; none: no bound"""

    @property
    def mlperf(self) -> MlperfRules:
        return MlperfRules(1, self.percentile, self.bound_s.value if self.bound_s else None)


class Server(_Quoted, OpenProcess):
    """A number of queries as a Poisson process: valid while the latency at the percentile meets the bound."""

    kind: Literal["server"]
    rate_per_s: RateFigure
    """queries a second on average"""
    percentile: Percentile = 0.99
    bound_s: PositiveFigure
    """the bound on the latency, in seconds"""

    def times(self, rng: np.random.Generator, usual: float, total: float) -> Times:
        return np.cumsum(rng.exponential(1 / self.rate_per_s.value, self.queries))

    def rates(self) -> Clock:
        busy = min(self.queries / self.rate_per_s.value, self._end)
        edges = np.unique([0.0, busy, self._end])
        return Clock(edges, np.array([self.rate_per_s.value, 0.0][: len(edges) - 1]))

    def drawn_under(self, surges: Sequence[Surge]) -> float:
        return float(self.queries)

    @property
    def mean_rate(self) -> float:
        return float(self.rate_per_s.value)


class Offline(Process):
    """All samples at once, at the start of the run: only the throughput counts."""

    kind: Literal["offline"]
    samples: Queries
    """how many are sent"""

    @property
    def mlperf(self) -> MlperfRules:
        return MlperfRules()

    def times(self, rng: np.random.Generator, usual: float, total: float) -> Times:
        return np.zeros(self.samples)

    @property
    def expected(self) -> float:
        return float(self.samples)


class SingleStream(_Quoted, Loop):
    """One query at a time, the next as soon as the one before is done."""

    kind: Literal["single_stream"]
    percentile: Percentile = 0.9
    bound_s: PositiveFigure | None = None

    @property
    def loop(self) -> LoopClients:
        return LoopClients(1, self.queries)


class MultiStream(_Quoted, Loop):
    """One query of several samples at a time, the next as soon as all samples are back."""

    kind: Literal["multi_stream"]
    samples_per_query: Annotated[int, Field(ge=1, le=1024)] = 8
    """requests that are sent together"""
    percentile: Percentile = 0.99
    bound_s: PositiveFigure | None = None

    @property
    def loop(self) -> LoopClients:
        return LoopClients(1, self.queries * self.samples_per_query, per_query=self.samples_per_query)

    @property
    def mlperf(self) -> MlperfRules:
        return super().mlperf._replace(per_query=self.samples_per_query)
