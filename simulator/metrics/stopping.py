"""When a run may stop: as soon as no further replication can change a verdict (group-sequential bounds)."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial

import numpy as np
import scipy
from numpy.typing import NDArray
from scipy.special import ndtr, stdtr, stdtrit

from simulator.intervals import LEVEL, Estimate, Interval, estimate

Floats = NDArray[np.float64]

#: The first look at a run is after this many replications, the fewest with a usable interval (Student's t with three degrees
#: of freedom), and each further one after FURTHER times as many.
FIRST, FURTHER = 4, 3

#: The last look before the end sees this part of the replications, where it sees half as many again as the one before.
LATE, MORE = 2 / 3, 1.5

#: A run ends where the rest of it has less than this chance to decide what is open (stochastic curtailment: Lan, Simon and
#: Halperin 1982), from so many replications on: four tell too little of their spread.
SLIGHT, TELLING = 0.1, 8

#: Looks before the last spend the error of 1 - LEVEL as this power of the part of the replications that they see. Early looks
#: then claim only what is far from a bound, and the last one needs no correction worth having.
POWER = 3

#: Points of the grid on which the sum of the replications is followed from look to look, and how far it reaches.
_POINTS, _REACH = 401, 8.0


def looks_of(total: int) -> list[int]:
    """Return the numbers of replications after which a result is shown, the last being all: `[4, 12, 20, 30]`."""
    found, count, late = [], FIRST, int(LATE * total)
    while 2 * count <= total:
        found.append(count)
        count *= FURTHER
    return [*found, *([late] if found and late >= MORE * found[-1] else []), total]


def spent(part: float) -> float:
    """Return the error that looks may make until they have seen a part of all replications (Kim and DeMets 1987)."""
    return float((1 - LEVEL) * part**POWER)


@lru_cache(maxsize=64)
def bounds_of(parts: tuple[float, ...], spending: Callable[[float], float] = spent) -> tuple[float, ...]:
    """Return the bounds of the standardised sum at each look, which together err as `spending` says (Lan and DeMets 1983).

    parts: of all replications, those that each look has seen, rising to 1. The density of the sum that has crossed no bound
    is carried from look to look on a grid (Armitage, McPherson and Rowe 1969).
    """
    bounds: list[float] = []
    sums, density, before = np.zeros(1), np.ones(1), 0.0
    for part in parts:
        allowed = spending(part) - spending(before)
        crossing = partial(_crossing, sums, density, before, part)
        bounds.append(
            float(
                scipy.optimize.brentq(
                    lambda bound, crossing, allowed: crossing(bound) - allowed, 0.0, _REACH, (crossing, allowed)
                )
            )
        )
        sums, density = _carried(sums, density, before, part, bounds[-1])
        before = part
    return tuple(bounds)


def _crossing(sums: Floats, density: Floats, before: float, part: float, bound: float) -> float:
    """Return the chance that the sum crosses a bound at this look, and none before."""
    edge, step = bound * np.sqrt(part), np.sqrt(part - before)
    return float(density @ (ndtr(-((edge - sums) / step)) + ndtr((-edge - sums) / step)))


def _carried(sums: Floats, density: Floats, before: float, part: float, bound: float) -> tuple[Floats, Floats]:
    """Return the sums that have not crossed the bound at this look either, on a grid, and the chance of each."""
    edge, step = bound * np.sqrt(part), np.sqrt(part - before)
    inner = np.linspace(-edge, edge, _POINTS)
    weights = np.full(_POINTS, inner[1] - inner[0])
    weights[[0, -1]] /= 2
    return inner, weights * (scipy.stats.norm.pdf((inner[:, None] - sums) / step) @ density) / step


def widening(count: int, total: int) -> float:
    """Return the factor by which a look after `count` of `total` replications widens the doubt that comes from the run.

    Bounds of normal sums become those of Student's t at the same chance (Jennison and Turnbull 2000, section 3.8). After the
    last replication it is 1: the looks before it spend so little that its interval of 95% stands.
    """
    looks = looks_of(total)
    if count >= total or count not in looks:
        return 1.0
    bound = bounds_of(tuple(look / total for look in looks))[looks.index(count)]
    return float(-stdtrit(count - 1, ndtr(-bound)) / stdtrit(count - 1, (1 + LEVEL) / 2))


def is_out_of_reach(found: Estimate, bound: float) -> bool:
    """Check that a verdict stays open whatever further replications show: the other doubts alone include the bound.

    They do wherever the value may yet go within the bounds of the run's own doubt.
    """
    below, above = _reach(found, 0.0)
    return found.run.high - below < bound < found.run.low + above


def chance_to_decide(found: Estimate, bound: float, count: int, wider: float, total: int) -> float:
    """Return the chance that the interval after `total` replications leaves out a bound that it includes after `count`.

    The mean of all differs from that of the first by Student's t (the predictive distribution without prior knowledge), and
    the doubt that comes from the run shrinks with the root of their number. wider: `widening` of the doubt found
    """
    error = (found.run.high - found.run.low) / 2 / wider / stdtrit(count - 1, (1 + LEVEL) / 2)
    below, above = _reach(found, error * np.sqrt(count / total) * stdtrit(total - 1, (1 + LEVEL) / 2))
    moves = error * np.sqrt((total - count) / total)
    if not moves:
        return 0.0
    ends = (bound - above - found.value) / moves, (bound + below - found.value) / moves
    return float(stdtr(count - 1, ends[0]) + stdtr(count - 1, -ends[1]))


def _reach(found: Estimate, of_run: float) -> tuple[float, float]:
    """Return how far an interval reaches below and above its value with a doubt `of_run`, and all others as they are."""
    alone = estimate(Interval(found.value, found.value - of_run, found.value + of_run), found.labels)
    band = found.projected or alone
    return found.value - min(alone.low, band.low), max(alone.high, band.high) - found.value
