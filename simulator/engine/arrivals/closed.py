"""Closed loops: a client waits for its answer before it sends the next request, so a slow design gets fewer."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from math import inf
from typing import Annotated, ClassVar, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from simulator.arrays import Times
from simulator.case.fields import AnyQuantity, Exponential, Lognormal, PositiveFigure
from simulator.engine.arrivals.arrival import Comings, Process
from simulator.records.timetables import Surge


class LoopClients(NamedTuple):
    """Clients of a closed loop.

    senders: the number of clients; limit: requests in total, None for as many as time allows
    think: the time in seconds between an answer and the next request; None for none at all
    per_query: requests that a client sends together
    """

    senders: int
    limit: int | None
    think: AnyQuantity | None = None
    per_query: int = 1


class Loop(Process):
    """Base of the closed loops: over a run, the schedule of clients that never wait.

    No client can send its k-th request earlier, so there cannot be more. The run issues the requests itself
    (`simulator.engine.run`), with equal think times.
    """

    waits_for_answers: ClassVar[bool] = True
    to_lessen: ClassVar[str] = "give `requests`, lower `clients`"

    @property
    @abstractmethod
    def loop(self) -> LoopClients:
        """The clients."""

    @property
    def most_at_once(self) -> int:
        return self.loop.senders * self.loop.per_query

    def comings(self, rng: np.random.Generator, surges: Sequence[Surge] = ()) -> Comings:
        return super().comings(rng)

    def times(self, rng: np.random.Generator, usual: float, total: float) -> Times:
        """Draw the times in order; all at the start if clients do not think."""
        thinks, limit = think_times(self, rng, self._end), self.loop.limit
        if thinks is None:
            assert limit is not None  # `_bounded` sees to it
            return np.zeros(limit)
        sent = np.cumsum(thinks, axis=1)
        return np.sort(sent[sent < self._end])[:limit]

    @property
    def mean_think_s(self) -> float:
        think = self.loop.think
        return think.mean if think else 0.0

    @property
    def expected(self) -> float:
        return self._most(self.mean_think_s)

    def drawn_under(self, surges: Sequence[Surge]) -> float:
        think = self.loop.think
        return self._most(think.usual if think else 0.0)

    def _most(self, think_s: float) -> float:
        clients = self.loop
        most = clients.senders * self._end / think_s if clients.think else inf
        return min(most, inf if clients.limit is None else clients.limit)


class Closed(Loop):
    """Clients that each think, send a request, wait until its path ends, and think again."""

    kind: Literal["closed"]
    clients: Annotated[int, Field(ge=1, le=100_000)]
    """how many there are"""
    think_s: Lognormal | None = None
    """the time from an answer to the next request"""
    think_mean_s: PositiveFigure | None = None
    """the mean, if think times are exponential"""
    requests: Annotated[int | None, Field(ge=1, le=100_000_000)] = None
    """total number; none: no limit"""

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.think_s is not None and self.think_mean_s is not None:
            raise ValueError("give at most one of think_s (lognormal) and think_mean_s (exponential)")
        if self.loop.think is None and self.requests is None:
            raise ValueError("without a think time nothing bounds the number of requests; give `requests`, or a think time")
        return self

    @property
    def loop(self) -> LoopClients:
        think = Exponential(exponential_mean=self.think_mean_s) if self.think_mean_s else self.think_s
        return LoopClients(self.clients, self.requests, think)


def think_times(spec: Loop, rng: np.random.Generator, end: float) -> NDArray[np.float64] | None:
    """Draw think times in seconds, a row a client; None if clients do not think.

    There are enough to fill the time until `end`, or to reach the limit on requests if every client were answered at once.
    """
    senders, most, think, _ = spec.loop
    if think is None:
        return None
    limit = inf if most is None else most
    blocks, last, count = [np.empty((senders, 0))], np.zeros((senders, 1)), 0
    while last.min() < end and count < limit:
        blocks.append(think.draw(rng, (senders, max(16, 8192 // senders)), np.float64))
        # Summed one after the other, as the run does it: the bound then holds to the last digit.
        sent = np.cumsum(np.hstack([last, blocks[-1]]), axis=1)[:, 1:]
        count += int(np.count_nonzero(sent < end))
        last = sent[:, -1:]
    return np.hstack(blocks)
