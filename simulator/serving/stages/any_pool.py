"""What the plain pool and the one with policies share: where their times come from and where requests go on to."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulator.scenario.stages import Pool
from simulator.serving.columns import InTurn, elements
from simulator.serving.stages.base import Outbox, Receiver, Rows, Stage, Times
from simulator.serving.stages.batches import Scores
from simulator.serving.stages.pool_kind import PoolKind
from simulator.serving.trace import VisitLog

if TYPE_CHECKING:
    from simulator.serving.engine import Run


class AnyPool(PoolKind):
    """Replicas of one measured model.

    seconds: service times by idle gap, batch size and quantile; gaps: where the next idle gap begins (s)
    quantile: the service time that each request draws, as a place in the table
    timeout: how long a request may wait in the queue (s)
    out: where a request goes that was served
    """

    spec: Pool
    out: Receiver | Outbox

    def __init__(self, run: Run, name: str, spec: Pool) -> None:
        super().__init__(run, name, spec)
        self.log = VisitLog(spec.most_replicas, spec.max_batch)
        self.sized = run.plan.sized.get(name)
        self._drawn: list[Times] = []  # where times grow with the request, its times by idle gap, stream after stream
        self.timeout = inf if spec.timeout_s is None else spec.timeout_s
        self.latency = run.plan.latencies[name]
        self.seconds: list[list[Any]] = self.latency.seconds.tolist()
        self.gaps = self.latency.gaps_s
        self.quantile = self.quantiles("service")
        self.scores = run.requests.scores_by.get(name)

    def quantiles(self, stream: str) -> Any:
        """A service time for each request, as a place in the table; one for each visit where branches of a fork meet here."""
        often = self.run.plan.scenario.network.times_shared(self.name)
        streams = [f"{self.name}.{stream}", *(f"{self.name}.{stream}.{further}" for further in range(1, often))]
        cells = [self._places(self.run.uniform(each)) for each in streams]
        return elements(cells[0]) if often == 1 else InTurn(cells)

    def _places(self, drawn: NDArray[np.float32]) -> NDArray[np.int32]:
        """The place in the table of each draw; where times grow with the request, each gets a place of its own there."""
        if self.sized is None:
            return self.latency.cell_of(drawn)
        values = self.run.requests.attributes[self.sized.by]
        self._drawn.append(self.sized.seconds(values, self.sized.table.cell_of(drawn)))
        self.seconds = [[None, elements(of_gap)] for of_gap in np.concatenate(self._drawn, axis=1)]
        return np.arange(len(drawn), dtype=np.int32) + len(drawn) * np.int32(len(self._drawn) - 1)

    def connect(self) -> None:
        """Look up where requests go on to."""
        super().connect()
        self.scores = self.run.requests.scores_by.get(self.name)  # of as many photos as there are to look at by now
        self.out = self.run.receiver(self.spec.to)
        self.on_full = self.run.receiver(self.spec.on_full)
        self.on_timeout = self.run.receiver(self.spec.on_timeout)
        self.on_failure = self.run.receiver(self.spec.on_failure)

    @property
    def free_replicas(self) -> dict[int, float]:
        """Since when each replica that is not at work has been free, or from when on it will be (s)."""
        raise NotImplementedError

    def take_over(self, before: Stage, now: float) -> None:
        """Note visits where those before are noted, and go on in the turn of each request's draws."""
        super().take_over(before, now)
        if isinstance(before, AnyPool) and isinstance(self.quantile, InTurn) and isinstance(before.quantile, InTurn):
            self.quantile.turn = before.quantile.turn
        self.log = before.log.widened(self.spec.most_replicas, self.spec.max_batch)

    def hand_over(self, rows: Sequence[int], time: float, scores: Scores | None = None) -> None:
        """The model has looked at the requests: their scores are known, and they go on.

        scores: what it says, where it is not the model that serves now
        """
        known = self.scores if scores is None else scores
        if known is not None:
            self.run.score(self.name, np.array(rows), time, known)
        self.out.accept(rows, time)

    def hand_over_block(self, rows: Rows, times: Times) -> None:
        """The same for many rows."""
        if self.scores is not None:
            self.run.score(self.name, rows, times, self.scores)
        self.out.accept_block(rows, times)

    def is_settled_late(self) -> bool:
        """Whether a request that waited too long leaves when it should have, though no replica came free to notice it."""
        return self.timeout < inf and self.spec.timeout_action == "reject" and self.is_end(self.on_timeout)
