"""Kinds with one mean rate, from even spacing to bursts."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from math import gamma
from typing import Annotated, Literal

import numpy as np
import scipy
from pydantic import Field
from scipy.special import gammaln

from simulator.arrays import Times
from simulator.case.case_contract import AnyCase, RateFigure
from simulator.case.checks import too_often
from simulator.case.document import Path
from simulator.case.fields import Figure, PositiveFigure, Strict, bounded
from simulator.engine.arrivals.arrival import Clock, OpenProcess, poisson_times, steady

CvFigure = Annotated[Figure, bounded(0.05, 10)]


class _SteadyRate(OpenProcess):
    """One rate all the time."""

    rate_per_s: RateFigure
    """requests a second on average"""

    def rates(self) -> Clock:
        return steady(self.rate_per_s.value, self._end)


class Poisson(_SteadyRate):
    """Requests at a constant mean rate, independent of each other."""

    kind: Literal["poisson"]

    def times(self, rng: np.random.Generator, usual: float, total: float) -> Times:
        return poisson_times(rng, self.rate_per_s.value, usual, total)


class ConstantArrivals(_SteadyRate):
    """Requests evenly spaced, as from a camera; the first at the start of the run."""

    kind: Literal["constant"]
    rate_per_s: RateFigure
    """requests a second"""

    def times(self, rng: np.random.Generator, usual: float, total: float) -> Times:
        rate = self.rate_per_s.value
        return np.asarray(np.arange(np.ceil(rate * total)) / rate)


#: Gaps drawn at a time: fixed, so that a longer run begins like a shorter one.
BLOCK = 8192


class _Renewal(_SteadyRate):
    """Independent gaps of one distribution. The process has been running for ever when the run starts: its rate is even.

    The gap that contains the start is longer than most (long gaps cover more time), and the start falls anywhere in it.
    """

    cv: CvFigure
    """standard deviation of the gaps over their mean; 1 is Poisson"""

    def times(self, rng: np.random.Generator, usual: float, total: float) -> Times:
        """Return the rest of the gap at the start, then gap by gap."""
        last = rng.random() * self.covering_gap(rng)
        blocks = [np.array([last])]
        while last < total:
            blocks.append(last + np.cumsum(self.gaps(rng)))
            last = float(blocks[-1][-1])
        return np.concatenate(blocks)

    def gaps(self, rng: np.random.Generator) -> Times:
        """BLOCK gaps in seconds."""
        raise NotImplementedError

    def covering_gap(self, rng: np.random.Generator) -> float:
        """Return a gap in seconds, drawn with a chance that grows with its length: density x f(x) / mean."""
        raise NotImplementedError


class Gamma(_Renewal):
    """Independent gaps with a gamma distribution; `cv` is their standard deviation over their mean, 1 is Poisson."""

    kind: Literal["gamma"]

    @property
    def shape(self) -> float:
        """The distribution's shape, 1 / cv^2."""
        return float(self.cv.value**-2)

    def gaps(self, rng: np.random.Generator) -> Times:
        return np.asarray(rng.gamma(self.shape, size=BLOCK) / (self.shape * self.rate_per_s.value))

    def covering_gap(self, rng: np.random.Generator) -> float:
        """Return a gap weighted by length: it is gamma of the next shape."""
        return float(rng.gamma(self.shape + 1) / (self.shape * self.rate_per_s.value))


class Weibull(_Renewal):
    """Independent gaps with a Weibull distribution; `cv` is their standard deviation over their mean, 1 is Poisson."""

    kind: Literal["weibull"]

    @cached_property
    def shape(self) -> float:
        """The distribution's shape, found from the cv."""
        return weibull_shape(self.cv.value)

    @property
    def scale(self) -> float:
        """The distribution's scale in seconds."""
        return float(1 / (self.rate_per_s.value * gamma(1 + 1 / self.shape)))

    def gaps(self, rng: np.random.Generator) -> Times:
        return np.asarray(self.scale * rng.weibull(self.shape, BLOCK))

    def covering_gap(self, rng: np.random.Generator) -> float:
        """Return a gap weighted by length: a power of a gamma one, as the others are powers of exponential ones."""
        return float(self.scale * rng.gamma(1 + 1 / self.shape) ** (1 / self.shape))


def weibull_shape(cv: float) -> float:
    """Return the Weibull shape k with this coefficient of variation: cv^2 = G(1 + 2/k) / G(1 + 1/k)^2 - 1."""

    def excess(k: float) -> float:
        return float(gammaln(1 + 2 / k) - 2 * gammaln(1 + 1 / k) - np.log1p(cv**2))

    return float(scipy.optimize.brentq(excess, 0.1, 100, xtol=1e-12))


class Phase(Strict):
    """One state of a Markov-modulated process: its rate, and how long it lasts on average."""

    rate_per_s: Annotated[Figure, bounded(0, 1e6)]
    """requests a second"""
    stay_s: PositiveFigure
    """how long the state lasts on average"""


class Mmpp(OpenProcess):
    """A Poisson process whose rate changes at random: it stays in each state in turn, exponentially long, in a cycle."""

    kind: Literal["mmpp"]
    states: Annotated[list[Phase], Field(min_length=2, max_length=64)]
    """the states, in their cycle"""

    def check(self, scenario: AnyCase) -> Iterator[tuple[Path, str]]:
        """Yield the faults of all arrivals, and a state that changes so often that a run has no end."""
        yield from super().check(scenario)
        stays = [state.stay_s.value for state in self.states]
        if fault := too_often(sum(stays) / len(stays), scenario, "changes of the state"):
            yield ("states", stays.index(min(stays)), "stay_s"), fault

    def times(self, rng: np.random.Generator, usual: float, total: float) -> Times:
        return poisson_times(rng, 1.0, usual, total)

    def clock(self, rng: np.random.Generator) -> Clock:
        """Return the rate on one path through the states (Fischer and Meier-Hellstern 1993).

        The share of time spent in each is that of its mean stay.
        """
        rates, stays = self._states()
        state = int(rng.choice(len(stays), p=stays / stays.sum()))
        order = np.roll(np.arange(len(stays)), -state)
        edges, last = [np.zeros(1)], 0.0
        while last < self._end:
            edges.append(last + np.cumsum(rng.exponential(stays[order])))
            last = float(edges[-1][-1])
        return Clock(np.concatenate(edges), np.tile(rates[order], len(edges) - 1))

    def rates(self) -> Clock:
        rates, stays = self._states()
        return steady(float(rates @ stays / stays.sum()), self._end)

    def busiest(self) -> Clock:
        return steady(float(self._states()[0].max()), self._end)

    def _states(self) -> tuple[Times, Times]:
        return np.array([s.rate_per_s.value for s in self.states]), np.array([s.stay_s.value for s in self.states])
