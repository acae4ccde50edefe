"""The four scenarios of MLPerf Inference (mlcommons inference_policies, `inference_rules.adoc`)."""

from typing import Annotated, Literal

from pydantic import Field

from simulator.scenario.arrivals.base import Open, RateFigure
from simulator.scenario.arrivals.closed import Loop
from simulator.scenario.base import PositiveFigure, Strict

Queries = Annotated[int, Field(ge=1, le=100_000_000)]
Percentile = Annotated[float, Field(ge=0.5, le=0.9999, description="the share of queries that the latency is quoted for")]


class Server(Open):
    """A number of queries as a Poisson process: valid while the latency at the percentile keeps the bound."""

    kind: Literal["server"]
    rate_per_s: RateFigure
    queries: Queries
    percentile: Percentile = 0.99
    bound_s: PositiveFigure


class Offline(Strict):
    """All samples at once, at the start of the run: only the throughput counts."""

    kind: Literal["offline"]
    samples: Queries


class SingleStream(Loop):
    """One query at a time, the next as soon as the one before is done."""

    kind: Literal["single_stream"]
    queries: Queries
    percentile: Percentile = 0.9
    bound_s: PositiveFigure | None = None

    @property
    def senders(self) -> int:
        """One client."""
        return 1

    @property
    def limit(self) -> int:
        """Requests in all."""
        return self.queries


class MultiStream(Loop):
    """One query of several samples at a time, the next as soon as all samples are back."""

    kind: Literal["multi_stream"]
    queries: Queries
    samples_per_query: Annotated[int, Field(ge=1, le=1024)] = 8
    percentile: Percentile = 0.99
    bound_s: PositiveFigure | None = None

    @property
    def senders(self) -> int:
        """One client."""
        return 1

    @property
    def samples(self) -> int:
        """Requests that make up a query."""
        return self.samples_per_query

    @property
    def limit(self) -> int:
        """Requests in all."""
        return self.queries * self.samples_per_query
