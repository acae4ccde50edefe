"""Closed loops: a client waits for its answer before it sends the next request, so a slow design gets fewer."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from simulator.arrivals.arrival import Process
from simulator.case.fields import AnyQuantity, Exponential, Lognormal, PositiveFigure
from simulator.case.kinds import AnyArrivals

if TYPE_CHECKING:
    from simulator.arrivals.arrival import Times
    from simulator.records.timetables import Surge


class Loop(AnyArrivals):
    """What the source of a closed loop needs to know."""

    waits_for_answers: ClassVar[bool] = True
    to_lessen: ClassVar[str] = "give `requests`, lower `clients`"

    @property
    @abstractmethod
    def senders(self) -> int:
        """How many clients there are."""

    @property
    @abstractmethod
    def limit(self) -> int | None:
        """Requests in total; None for as many as time allows."""

    @property
    def think(self) -> AnyQuantity | None:
        """The time in seconds between an answer and the next request; None for none at all."""
        return None

    @property
    def most_at_once(self) -> int:
        """How many requests all clients send at once."""
        return self.senders * self.per_query


class Closed(Loop):
    """Clients that each think, send a request, wait until its path ends, and think again."""

    kind: Literal["closed"]
    clients: Annotated[int, Field(ge=1, le=100_000)]
    think_s: Lognormal | None = None
    think_mean_s: Annotated[PositiveFigure | None, Field(description="the mean, if think times are exponential")] = None
    requests: Annotated[int | None, Field(ge=1, le=100_000_000, description="total number; none: no limit")] = None

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.think_s is not None and self.think_mean_s is not None:
            raise ValueError("give at most one of think_s (lognormal) and think_mean_s (exponential)")
        if self.think is None and self.requests is None:
            raise ValueError("without a think time nothing bounds the number of requests; give `requests`, or a think time")
        return self

    @property
    def senders(self) -> int:
        """How many clients there are."""
        return self.clients

    @property
    def limit(self) -> int | None:
        """Requests in all."""
        return self.requests

    @property
    def think(self) -> AnyQuantity | None:
        """Lognormal, or exponential if only the mean is given."""
        return Exponential(exponential_mean=self.think_mean_s) if self.think_mean_s else self.think_s


class LoopProcess(Process):
    """The schedule of clients that never wait. No client can send its k-th request earlier, so there cannot be more.

    The run issues the requests itself (`simulator.engine.requests`), with the same think times.
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
        blocks.append(spec.think.draw(rng, (spec.senders, max(16, 8192 // spec.senders)), np.float64))
        # Summed one after the other, as the run does it: the bound then holds to the last digit.
        sent = np.cumsum(np.hstack([last, blocks[-1]]), axis=1)[:, 1:]
        count += int(np.count_nonzero(sent < end))
        last = sent[:, -1:]
    return np.hstack(blocks)
