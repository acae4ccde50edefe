"""Closed loops: a client waits for its answer before it sends the next request, so that a slow design is asked less."""

from abc import abstractmethod
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from simulator.scenario.base import Figure, Lognormal, PositiveFigure, Strict


class Loop(Strict):
    """What the source of a closed loop has to know."""

    @property
    @abstractmethod
    def senders(self) -> int:
        """How many clients there are."""

    @property
    def samples(self) -> int:
        """Requests that a client sends at once, and waits for."""
        return 1

    @property
    @abstractmethod
    def limit(self) -> int | None:
        """Requests in all; None for as many as the time allows."""

    @property
    def think(self) -> Lognormal | Figure | None:
        """The time between an answer and the next request: lognormal, exponential with this mean, or none at all."""
        return None


class Closed(Loop):
    """Clients that each think, send a request, wait until its way ends, and think again."""

    kind: Literal["closed"]
    clients: Annotated[int, Field(ge=1, le=100_000)]
    think_s: Lognormal | None = None
    think_mean_s: Annotated[PositiveFigure | None, Field(description="the mean, where think times are exponential")] = None
    requests: Annotated[int | None, Field(ge=1, le=100_000_000, description="in all; none: no limit")] = None

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
    def think(self) -> Lognormal | Figure | None:
        """The time between an answer and the next request."""
        return self.think_s or self.think_mean_s
