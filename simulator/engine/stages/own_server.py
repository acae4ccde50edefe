"""A server of the author's own: a vector index, a cache, a feature store, a decoder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np

from simulator.case.fields import AnyQuantity, CostFigure, Quantity
from simulator.engine.compiled_plan import Plan
from simulator.engine.contract import StageGatherer
from simulator.engine.stages.replicas import Replicas
from simulator.evidence.latency_tables import LatencyTable, drawn
from simulator.units import duration

#: Draws that stand for the author's distribution of service times.
_TABLE_DRAWS = 100_000


class OwnServer(Replicas):
    """Replicas of a server without a model: each serves one request at a time, for a time that the author states."""

    fresh: ClassVar[Mapping[str, Any]] = {
        "label": "Server",
        "service_ms": {"constant": {"value": 10, "assumed": "time for one request"}},
        "usd_per_hour": {"value": 0.1, "assumed": "a small machine"},
        "replicas": 1,
    }
    at_the_box: ClassVar[Mapping[str, str]] = {
        "service_ms.constant.value": "Time a request (ms)",
        "replicas": "Replicas",
        "usd_per_hour.value": "USD an hour",
        "max_queue": "Requests that may wait",
    }

    #: The fields of a pool that queueing reads, at the values of one without batches, shared devices and scaling.
    max_batch: ClassVar[int] = 1
    batching: ClassVar[str] = "triton"
    preferred_batches: ClassVar[list[int]] = []
    max_queue_delay_ms: ClassVar[float] = 0
    shares: ClassVar[str | None] = None
    threads: ClassVar[int] = 1
    scaling: ClassVar[None] = None

    kind: Literal["server"]
    service_ms: Quantity
    """milliseconds that one request takes"""
    usd_per_hour: CostFigure
    """price of a replica"""

    @property
    def drawn_ms(self) -> AnyQuantity | None:
        return self.service_ms

    def gather(self, gather: StageGatherer, name: str) -> None:
        """Work out the table of service times, and check the names of policies."""
        gather.latencies[name] = service_table(self.service_ms)

    def facts(self, plan: Plan, name: str) -> list[str]:
        """Return the number of replicas and their mean service time."""
        return [f"{self.replicas} × {duration(self.service_ms.mean / 1000)} on average", *self.factor_facts(plan)]

    def hourly_usd(self, plan: Plan, name: str) -> float:
        return self.usd_per_hour.value


def service_table(service_ms: AnyQuantity) -> LatencyTable:
    """Return the table of service times of a server whose author states their distribution."""
    sample_ms = service_ms.draw(np.random.default_rng(0), _TABLE_DRAWS, np.float64)
    return drawn(sample_ms / 1000, service_ms.mean / 1000)
