"""Kinds with one mean rate, from even spacing to bursts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from simulator.scenario.arrivals.base import Open, RateFigure
from simulator.scenario.base import Figure, PositiveFigure, Strict, bounded
from simulator.scenario.faults import Path
from simulator.scenario.often import too_often

if TYPE_CHECKING:
    from simulator.scenario.schema import Scenario

CvFigure = Annotated[Figure, bounded(0.05, 10)]


class Poisson(Open):
    """Requests at a constant mean rate, independent of each other."""

    kind: Literal["poisson"]
    rate_per_s: RateFigure


class Constant(Open):
    """Requests evenly spaced, as from a camera; the first at the start of the run."""

    kind: Literal["constant"]
    rate_per_s: RateFigure


class Gamma(Open):
    """Independent gaps with a gamma distribution; `cv` is their standard deviation over their mean, 1 is Poisson."""

    kind: Literal["gamma"]
    rate_per_s: RateFigure
    cv: CvFigure


class Weibull(Open):
    """Independent gaps with a Weibull distribution; `cv` is their standard deviation over their mean, 1 is Poisson."""

    kind: Literal["weibull"]
    rate_per_s: RateFigure
    cv: CvFigure


class Phase(Strict):
    """One state of a Markov-modulated process: its rate, and how long it lasts on average."""

    rate_per_s: Annotated[Figure, bounded(0, 1e6)]
    stay_s: PositiveFigure


class Mmpp(Open):
    """A Poisson process whose rate changes at random: it stays in each state in turn, exponentially long, in a cycle."""

    kind: Literal["mmpp"]
    states: Annotated[list[Phase], Field(min_length=2, max_length=64)]

    def check(self, scenario: Scenario) -> Iterator[tuple[Path, str]]:
        """The state does not change so often that a run has no end."""
        yield from super().check(scenario)
        stays = [state.stay_s.value for state in self.states]
        if told := too_often(sum(stays) / len(stays), scenario, "changes of the state"):
            yield ("states", stays.index(min(stays)), "stay_s"), told
