"""Closed loops: a client waits for its answer before it sends the next request, so a slow design gets fewer."""

from abc import abstractmethod
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from simulator.scenario.arrivals.base import AnyArrivals
from simulator.scenario.base import PositiveFigure
from simulator.scenario.quantities import AnyQuantity, Exponential, Lognormal


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
