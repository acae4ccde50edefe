"""How requests come in: one model an arrival kind."""

from typing import Annotated, Literal

from pydantic import Field

from simulator.scenario.base import Figure, Strict, bounded


class Poisson(Strict):
    """Requests at a constant mean rate, independent of each other."""

    kind: Literal["poisson"]
    rate_per_s: Annotated[Figure, bounded(1e-6, 1e6)]


class Daily(Strict):
    """A Poisson process whose rate follows the time of day: `weights` split the day from 00:00 into equal parts."""

    kind: Literal["daily"]
    per_day: Annotated[Figure, bounded(1, 1e8)]
    weights: Annotated[list[Annotated[float, Field(ge=0, le=1e6)]], Field(min_length=1, max_length=1440)]


ARRIVAL_KINDS = {"poisson": Poisson, "daily": Daily}
Arrivals = Annotated[Poisson | Daily, Field(discriminator="kind")]
