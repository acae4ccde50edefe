"""What the open kinds share: requests that come whatever becomes of those before them."""

from typing import Annotated

from pydantic import Field

from simulator.scenario.base import Figure, Strict, bounded

RateFigure = Annotated[Figure, bounded(1e-6, 1e6)]


class Spike(Strict):
    """A stretch of time in which requests come `times` as fast as they else would; spikes that overlap multiply."""

    at_s: Annotated[float, Field(ge=0, le=1e8, description="seconds from the start of the run")]
    seconds: Annotated[float, Field(gt=0, le=1e8)]
    times: Annotated[float, Field(ge=0, le=1000, description="0 for nothing at all")]


class Open(Strict):
    """An open kind."""

    spikes: Annotated[list[Spike], Field(max_length=64)] = []
