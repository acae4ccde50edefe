"""What every kind of arrivals declares about itself, and what the open kinds share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from simulator.case.faults import Path
from simulator.case.fields import Figure, Strict, bounded

if TYPE_CHECKING:
    from simulator.case.schema import Scenario

RateFigure = Annotated[Figure, bounded(1e-6, 1e6)]


#: Every kind of arrivals that a scenario may name, by that name; the package `simulator.arrivals` fills it.
ARRIVAL_KINDS: dict[str, type[AnyArrivals]] = {}


class AnyArrivals(Strict):
    """How requests arrive.

    A kind declares the following for the rest of the program. Each default is that of a pile of work present at the start.
    """

    #: Whether requests arrive at a rate that does not depend on earlier ones: a surge multiplies it, and it may exceed
    #: capacity.
    has_rate: ClassVar[bool] = False
    #: Whether clients wait for their answers before they send again, so that arrival times depend on the design.
    waits_for_answers: ClassVar[bool] = False
    #: Whether the rate is the same at all times of the day, so that a run may reach a steady state.
    reaches_steady_state: ClassVar[bool] = True
    #: Whether a run is judged as MLPerf judges it.
    is_mlperf: ClassVar[bool] = False
    #: What an author may do about too many requests, besides fewer `run.days`.
    to_lessen: ClassVar[str] = "lower the rate"

    kind: str

    @property
    def per_query(self) -> int:
        """Requests that are sent together, and answered when all of them are."""
        return 1

    @property
    def most_at_once(self) -> int | None:
        """How many requests there can be at a time, if clients wait for their answers; None for no limit."""
        return None

    @property
    def latency_quoted(self) -> tuple[float, float | None] | None:
        """The percentile at which MLPerf quotes the latency, and its bound in seconds; None if it quotes none."""
        return None

    @property
    def replayed_file(self) -> str | None:
        """The file beside the scenario's own of which each request is a row; None where there is none."""
        return None

    @property
    def frames_per_s(self) -> Mapping[str, float]:
        """The sensors whose frames are the requests, with frames a second of each; empty if they are not frames."""
        return {}

    def check(self, scenario: Scenario) -> Iterator[tuple[Path, str]]:
        """Its faults that no single field shows: (place within it, what is wrong)."""
        yield from ()


class Spike(Strict):
    """A surge: requests arrive `times` as fast as otherwise; overlapping spikes multiply."""

    at_s: Annotated[float, Field(ge=0, le=1e8, description="seconds from the start of the run")]
    seconds: Annotated[float, Field(gt=0, le=1e8)]
    times: Annotated[float, Field(ge=0, le=1000, description="how many times as fast; 0: none arrive")]


class Open(AnyArrivals):
    """Requests that arrive independently of earlier ones."""

    has_rate: ClassVar[bool] = True

    spikes: Annotated[list[Spike], Field(max_length=64)] = []

    def check(self, scenario: Scenario) -> Iterator[tuple[Path, str]]:
        """A spike that no request would meet is a mistake in its time."""
        end = 86_400 * scenario.run.days
        for index, spike in enumerate(self.spikes):
            if spike.at_s >= end:
                yield ("spikes", index, "at_s"), f"begins at {spike.at_s:,g} s; requests arrive for {end:,g} s (run.days)"
