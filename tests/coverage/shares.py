"""Sobol's indices and the recall of labelled frames, where the truth is known."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from simulator.incident.looks import found_share
from simulator.tradeoffs.sensitivity import sample_of
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


def labelled(frames: int, recall: float, number: int) -> Iterator[Claim]:
    """One object in five weighs ten times as much; those of one frame are found alike."""
    rng = np.random.default_rng([number, frames])
    frame = np.repeat(np.arange(frames), rng.poisson(2, frames))
    chance = rng.beta(4 * recall, 4 * (1 - recall), frames)[frame]
    weight = rng.choice([1.0, 1.0, 1.0, 1.0, 10.0], len(frame))
    yield Claim("recall", recall, found_share(weight * (rng.random(len(frame)) < chance), weight, frame))


@study("10 labelled frames, recall 80%", why=WHY_FRAMES)
def ten_frames(number: int) -> Iterator[Claim]:
    return labelled(10, 0.8, number)


@study("50 labelled frames, recall 95%", why=WHY_FRAMES)
def fifty_frames(number: int) -> Iterator[Claim]:
    return labelled(50, 0.95, number)


@study("200 labelled frames, recall 50%", why=WHY_FRAMES)
def many_frames(number: int) -> Iterator[Claim]:
    return labelled(200, 0.5, number)
