"""Closed loops: when their requests would come if each were answered at once, which bounds when they can come."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

import numpy as np
from numpy.typing import NDArray

from simulator.scenario.arrivals import Loop
from simulator.serving.arrivals.base import Process
from simulator.serving.arrivals.clock import Surge, Times
from simulator.serving.quantities import draw


class LoopProcess(Process):
    """The schedule of clients that never wait. No client can send its k-th request earlier, so there cannot be more.

    The run issues the requests itself (`simulator.serving.sources`), with the same think times.
    """

    def draw(self, rng: np.random.Generator, surges: Sequence[Surge] = ()) -> Times:
        """The bound on when requests can come: surges do not reach clients that wait for their answers."""
        return super().draw(rng)

    def times(self, rng: np.random.Generator, usual: float, total: float) -> Times:
        """When the requests would come, in order of time; all at the start where nobody thinks."""
        thinks = think_times(self.spec, rng, self.end)
        if thinks is None:
            return np.zeros(self.spec.limit)
        sent = np.cumsum(thinks, axis=1)
        return np.sort(sent[sent < self.end])[: self.spec.limit]

    @property
    def mean_think_s(self) -> float:
        """The mean of the think times."""
        return self.spec.think.mean if self.spec.think else 0.0

    @property
    def expected(self) -> float:
        """How many requests to make room for."""
        most = self.spec.senders * self.end / self.mean_think_s if self.spec.think else inf
        return min(most, inf if self.spec.limit is None else self.spec.limit)

    def drawn_under(self, surges: Sequence[Surge]) -> float:
        """As many as fill the run, or reach the limit, if nobody thinks longer than usual."""
        most = self.spec.senders * self.end / self.spec.think.usual if self.spec.think else inf
        return min(most, inf if self.spec.limit is None else self.spec.limit)


def think_times(spec: Loop, rng: np.random.Generator, end: float) -> NDArray[np.float64] | None:
    """Think times in seconds, a row a client; None where nobody thinks.

    There are enough to fill the time until `end`, or to reach the limit on requests if everybody were answered at once.
    """
    if spec.think is None:
        return None
    limit = inf if spec.limit is None else spec.limit
    blocks, last, count = [np.empty((spec.senders, 0))], np.zeros((spec.senders, 1)), 0
    while last.min() < end and count < limit:
        blocks.append(draw(spec.think, rng, (spec.senders, max(16, 8192 // spec.senders)), np.float64))
        # Summed one after the other, as the run does it: the bound then holds to the last digit.
        sent = np.cumsum(np.hstack([last, blocks[-1]]), axis=1)[:, 1:]
        count += int(np.count_nonzero(sent < end))
        last = sent[:, -1:]
    return np.hstack(blocks)
