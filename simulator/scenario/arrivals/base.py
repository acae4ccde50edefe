"""What every arrival kind declares of itself, and what the open kinds share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from simulator.scenario.base import Figure, Strict, bounded
from simulator.scenario.faults import Path

if TYPE_CHECKING:
    from simulator.scenario.schema import Scenario

RateFigure = Annotated[Figure, bounded(1e-6, 1e6)]


class AnyArrivals(Strict):
    """How requests come in.

    What follows is what a kind declares for the rest of the program. Each default is that of a heap of work that is there at
    the start.
    """

    #: Whether requests come at a rate, whatever becomes of those before them: one that a surge multiplies, and that may be
    #: more than can be done.
    has_rate: ClassVar[bool] = False
    #: Whether clients wait for their answers before they send on, so that when requests come depends on the design.
    waits_for_answers: ClassVar[bool] = False
    #: Whether the rate is the same at all times of the day, so that a run may reach a steady state.
    reaches_steady_state: ClassVar[bool] = True
    #: Whether a run is judged as MLPerf judges it.
    is_mlperf: ClassVar[bool] = False
    #: What an author may do where there are too many requests, beside fewer `run.days`.
    to_lessen: ClassVar[str] = "lower the rate"

    kind: str

    @property
    def per_query(self) -> int:
        """Requests that are sent together, and answered when all of them are."""
        return 1

    @property
    def most_at_once(self) -> int | None:
        """How many requests there can be at a time, where clients wait for their answers; None for no limit."""
        return None

    @property
    def latency_quoted(self) -> tuple[float, float | None] | None:
        """The percentile of queries that MLPerf quotes the latency for, and its bound in seconds; None where it quotes none."""
        return None

    @property
    def replayed_file(self) -> str | None:
        """The file beside the scenario's own of which each request is a row; None where there is none."""
        return None

    @property
    def frames_per_s(self) -> Mapping[str, float]:
        """The sensors whose frames the requests are, with frames a second of each; empty where they are no frames."""
        return {}

    def check(self, scenario: Scenario) -> Iterator[tuple[Path, str]]:
        """Its faults that no field alone can tell: (place within it, what is wrong)."""
        yield from ()


class Spike(Strict):
    """A stretch of time in which requests come `times` as fast as they else would; spikes that overlap multiply."""

    at_s: Annotated[float, Field(ge=0, le=1e8, description="seconds from the start of the run")]
    seconds: Annotated[float, Field(gt=0, le=1e8)]
    times: Annotated[float, Field(ge=0, le=1000, description="0 for nothing at all")]


class Open(AnyArrivals):
    """Requests that come whatever becomes of those before them."""

    has_rate: ClassVar[bool] = True

    spikes: Annotated[list[Spike], Field(max_length=64)] = []

    def check(self, scenario: Scenario) -> Iterator[tuple[Path, str]]:
        """A spike that no request would meet is a mistake of the clock."""
        end = 86_400 * scenario.run.days
        for index, spike in enumerate(self.spikes):
            if spike.at_s >= end:
                yield ("spikes", index, "at_s"), f"begins at {spike.at_s:,g} s; requests come for {end:,g} s (run.days)"
