"""Sobol's indices, Morris's mean effects and the recall of labelled frames, where the truth is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

import numpy as np
from numpy.typing import NDArray

from simulator.incident.looks import found_share, less
from simulator.intervals import Interval
from simulator.tradeoffs.sensitivity import NEAR_LIMIT, sample_of
from tests.coverage.registry import Claim, study
from tests.tradeoffs.test_sensitivity import KNOWN, axes_of

WHY_FRAMES = {"recall": "Two added scenes widen the interval of few frames, most where nearly all is found."}


def indices(name: str, points: int, number: int) -> Iterator[Claim]:
    function, truth = KNOWN[name]
    sample = sample_of(axes_of(len(truth)), "sobol", points, number)
    for one in sample.ranking(function(sample.parts)).ranked:
        first, total = truth[one.axis.name]
        yield Claim(f"total index of {one.axis.name}", total, one.total)
        yield Claim(f"first index of {one.axis.name}", first, one.first)


WHY_INDICES = {f"{kind} index of {axis}": "Base points of a Latin hypercube vary less than independent ones."
               for kind in ("first", "total") for axis in "abcde"}  # fmt: skip


@study("Sobol's indices of the function of Ishigami, 16 base points", why=WHY_INDICES)
def ishigami(number: int) -> Iterator[Claim]:
    return indices("Ishigami", 16, number)


@study("Sobol's indices of Sobol's G, 16 base points", why=WHY_INDICES)
def sobols_g(number: int) -> Iterator[Claim]:
    return indices("Sobol's G", 16, number)


@study("Sobol's indices of a straight line, 32 base points", why=WHY_INDICES)
def straight_line(number: int) -> Iterator[Claim]:
    return indices("a straight line", 32, number)


#: The levels of an axis in Morris's designs, and the length of a step.
LEVELS, STEP = np.array([0, 1, 2, 3]) / 3, 2 / 3
#: The time in a queue whose load is a weighted sum of three axes: from 1 to 20 service times, and mostly short.
LOADS = np.array([0.3, 0.35, 0.3])
Values = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def threshold(parts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a sum that jumps where all three axes are in their upper half."""
    return np.asarray(parts @ [2.0, 1.0, 0.5] + 10 * (parts > 0.5).all(axis=1))


def effects(function: Values, axes: int, trajectories: int, number: int) -> Iterator[Claim]:
    """Compare mean effects with those over the whole grid."""
    sample, grid = sample_of(axes_of(axes), "morris", trajectories, number), np.array([*product(LEVELS, repeat=axes)])
    for one in sample.ranking(function(sample.parts)).ranked:
        step = STEP * (np.arange(axes) == "abcde".index(one.axis.name))
        starts = grid[(grid + step <= 1 + 1e-9).all(axis=1)]
        truth = np.abs(function(starts + step) - function(starts)).mean() / STEP
        yield Claim(f"mean effect of {one.axis.name}", float(truth), one.elementary)


@study("Morris's mean effects in Sobol's G, 8 trajectories")
def few_trajectories(number: int) -> Iterator[Claim]:
    return effects(KNOWN["Sobol's G"][0], 5, 8, number)


@study("Morris's mean effects in Sobol's G, 12 trajectories")
def trajectories(number: int) -> Iterator[Claim]:
    return effects(KNOWN["Sobol's G"][0], 5, 12, number)


@study("Morris's mean effects of three axes that jump together, 12 trajectories")
def jump(number: int) -> Iterator[Claim]:
    return effects(threshold, 3, 12, number)


@study("Morris's mean effects in a queue near its limit, 12 trajectories", promised=NEAR_LIMIT)
def near_the_limit(number: int) -> Iterator[Claim]:
    return effects(lambda parts: 1 / (1 - parts @ LOADS), 3, 12, number)


def share_in(rng: np.random.Generator, frames: int, recall: float) -> Interval:
    """Return the share found of labelled frames: one object in five weighs ten times as much; those of a frame are alike."""
    frame = np.repeat(np.arange(frames), rng.poisson(2, frames))
    chance = rng.beta(4 * recall, 4 * (1 - recall), frames)[frame]
    weight = rng.choice([1.0, 1.0, 1.0, 1.0, 10.0], len(frame))
    return found_share(weight * (rng.random(len(frame)) < chance), weight, frame)


def labelled(frames: int, recall: float, number: int) -> Iterator[Claim]:
    yield Claim("recall", recall, share_in(np.random.default_rng([number, frames]), frames, recall))


def unchanged(frames: int, number: int) -> Iterator[Claim]:
    """Compare labelled frames of the last day with those of a reference time in which the recall was the same."""
    rng = np.random.default_rng([number, frames, 52])
    now, before = share_in(rng, frames, 0.8), share_in(rng, 400, 0.8)
    yield Claim("change of recall", 0.0, less(now, before))


@study("10 labelled frames beside 400 of the same recall")
def ten_frames_unchanged(number: int) -> Iterator[Claim]:
    return unchanged(10, number)


@study("30 labelled frames beside 400 of the same recall")
def thirty_frames_unchanged(number: int) -> Iterator[Claim]:
    return unchanged(30, number)


@study("10 labelled frames, recall 80%", why=WHY_FRAMES)
def ten_frames(number: int) -> Iterator[Claim]:
    return labelled(10, 0.8, number)


@study("50 labelled frames, recall 95%", why=WHY_FRAMES)
def fifty_frames(number: int) -> Iterator[Claim]:
    return labelled(50, 0.95, number)


@study("200 labelled frames, recall 50%", why=WHY_FRAMES)
def many_frames(number: int) -> Iterator[Claim]:
    return labelled(200, 0.5, number)
