"""The fields that all kinds of arrivals share, and the registry of kinds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar, NamedTuple

from pydantic import Field

from simulator.case.case_contract import RequestContent
from simulator.case.document import Path
from simulator.case.fields import Figure, Strict, bounded

if TYPE_CHECKING:
    from simulator.case.case_contract import AnyCase

RateFigure = Annotated[Figure, bounded(1e-6, 1e6)]


#: Every kind of arrivals that a scenario may name, by that name; the package `simulator.engine.arrivals` fills it.
ARRIVAL_KINDS: dict[str, type[AnyArrivals]] = {}


class MlperfRules(NamedTuple):
    """Rules by which MLPerf judges a run.

    per_query: requests that are sent together, and answered when all of them are
    percentile: the percentile of the latency that is quoted, as a share; None if none is
    bound_s: the bound on that percentile; None if there is none
    """

    per_query: int = 1
    percentile: float | None = None
    bound_s: float | None = None


class AnyArrivals(Strict):
    """Base of all kinds of arrivals.

    A kind declares the following for the rest of the program. Each default is that of a pile of work present at the start.
    """

    #: Whether requests arrive at a rate that does not depend on earlier ones: a surge multiplies it, and it may exceed
    #: capacity.
    has_rate: ClassVar[bool] = False
    #: Whether clients wait for their answers before they send again, so that arrival times depend on the design.
    waits_for_answers: ClassVar[bool] = False
    #: Whether the rate is the same at all times of the day, so that a run may reach a steady state.
    reaches_steady_state: ClassVar[bool] = True
    #: Advice to an author of too many requests, besides fewer `run.days`.
    to_lessen: ClassVar[str] = "lower the rate"

    kind: str

    @property
    def most_at_once(self) -> int | None:
        """The most requests at a time, if clients wait for their answers; None for no limit."""
        return None

    @property
    def mlperf(self) -> MlperfRules | None:
        return None

    @property
    def content(self) -> RequestContent:
        return RequestContent()

    def check(self, scenario: AnyCase) -> Iterator[tuple[Path, str]]:
        yield from ()


class Spike(Strict):
    """A surge: requests arrive `times` as fast as otherwise; overlapping spikes multiply."""

    at_s: Annotated[float, Field(ge=0, le=1e8)]
    """seconds from the start of the run"""
    seconds: Annotated[float, Field(gt=0, le=1e8)]
    """how long it lasts"""
    times: Annotated[float, Field(ge=0, le=1000)]
    """how many times as fast; 0: none arrive"""


class Open(AnyArrivals):
    """Requests that arrive independently of earlier ones."""

    has_rate: ClassVar[bool] = True

    spikes: Annotated[list[Spike], Field(max_length=64)] = []
    """surges"""

    def check(self, scenario: AnyCase) -> Iterator[tuple[Path, str]]:
        end = 86_400 * scenario.run.days
        for index, spike in enumerate(self.spikes):
            if spike.at_s >= end:
                message = f"begins at {spike.at_s:,g} s, after the last request; it should begin before {end:,g} s (run.days)"
                yield ("spikes", index, "at_s"), message
