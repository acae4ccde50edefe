"""A network between two stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np

from simulator.arrays import Rows, Times
from simulator.case.any_stage import Target
from simulator.case.fields import Figure, Quantity, bounded
from simulator.engine.contract import Stage, StageModel, StageRun
from simulator.records.trace import as_memoryview


class Link(StageModel):
    """A network: a fixed latency plus payload over bandwidth; any number of requests at once."""

    shared_by_branches: ClassVar[bool] = True

    fresh: ClassVar[Mapping[str, Any]] = {
        "label": "Upload",
        "latency_ms": {"value": 50, "assumed": "mobile network round trip"},
        "bandwidth_mbps": {"constant": {"value": 12, "assumed": "mobile uplink"}},
        "payload_mb": {"constant": {"value": 1, "assumed": "a photo, made smaller on the phone"}},
    }
    at_the_box: ClassVar[Mapping[str, str]] = {
        "latency_ms.value": "Latency (ms)",
        "bandwidth_mbps.constant.value": "Bandwidth (Mbit/s)",
        "payload_mb.constant.value": "Payload (MB)",
    }

    kind: Literal["link"]
    latency_ms: Annotated[Figure, bounded(0, 60_000)]
    """the fixed time, in milliseconds"""
    bandwidth_mbps: Quantity
    """megabits a second for one client"""
    payload_mb: Quantity
    """megabytes sent per request"""
    to: Target


class LinkStage(Stage):
    """Latency plus payload over bandwidth. It needs no event: requests are handed on with their time of arrival."""

    def __init__(self, run: StageRun, name: str, spec: Link) -> None:
        super().__init__(run, name, spec)
        megabits = 8 * run.draw(f"{name}.payload", spec.payload_mb).astype(float)
        self.delay = spec.latency_ms.value / 1000 + megabits / run.draw(f"{name}.bandwidth", spec.bandwidth_mbps)
        self._delay = as_memoryview(self.delay)
        self.slower = run.conditions.delay(name)

    def connect(self) -> None:
        self.to = self.run.receiver(self.spec.to)

    def accept(self, rows: Sequence[int], time: float) -> None:
        """Pass each request on, at the time it gets there."""
        for row in rows:
            left = time + self._delay[row] * self.slower.at(time)
            self.log.add(row, time, time, left)
            self.to.accept((row,), left)

    def accept_block(self, rows: Rows, times: Times) -> None:
        delay = self.delay[rows]
        left = np.asarray(times + (delay if self.slower.steady else delay * self.slower.at_all(times)))
        self.log.add_block(rows, times, times, left)
        self.to.accept_block(rows, left)
