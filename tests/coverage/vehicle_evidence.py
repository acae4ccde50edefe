"""Evidence of the vehicle's case from worlds with a known truth: errors of distances, hidden objects, pedestrians.

Drives, tracks and frames resemble each other as those of the recordings do: each drive and each track shares a part of the
normal number behind its errors or its misses.
"""

from __future__ import annotations

from collections.abc import Iterator
from unittest import mock

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from campaigns.drives.ranges import quantiles
from campaigns.drives.resample import Resamples, _drawn, shares
from simulator.evidence.drive_tables import ERROR_PERCENTS
from simulator.evidence.evidence_tables import DRAWS
from simulator.intervals import percentile_interval
from simulator.metrics.estimates import about
from simulator.vehicle import detector_answers
from simulator.vehicle.detector_answers import Recall, difference_of
from simulator.vehicle.encounter_section import Compared
from tests.coverage.registry import Claim, study

DRIVES = 21
#: Shares of the variance that a drive and a track have in common; the rest is new in every frame.
OF_DRIVE, OF_TRACK = 0.1, 0.5
#: The standard deviation of the logarithm of a measured distance over the true one.
SIGMA = 0.12
#: The normal quantile of the share found of clear objects, and its shift for hidden ones.
CLEAR, HIDDEN = 1.0, -1.26
#: The shift of pedestrians against cars of their height; the errors of its two estimates; how far detectors differ in it.
SHIFT, ERRORS, APART = -0.78, (0.4, 0.28), 0.3


def frames(rng: np.random.Generator, resamplings: int) -> tuple[pd.DataFrame, np.ndarray, Resamples]:
    """Frames of tracks of drives, a standard normal number behind each, and bootstrap counts of drives and tracks."""
    sizes = rng.integers(4, 31, DRIVES)
    drive = np.repeat(np.arange(DRIVES), sizes)
    length = rng.integers(3, 41, len(drive))
    shared = np.sqrt(OF_DRIVE) * rng.standard_normal(DRIVES)[drive] + np.sqrt(OF_TRACK) * rng.standard_normal(len(drive))
    place = np.repeat(np.arange(len(drive)), length)
    normal = shared[place] + np.sqrt(1 - OF_DRIVE - OF_TRACK) * rng.standard_normal(len(place))
    drawn = np.stack([_drawn(rng, sizes) for _ in range(resamplings)])
    tracks = pd.MultiIndex.from_arrays([drive, np.arange(len(drive))], names=["drive", "track"])
    names = tuple(map(str, range(DRIVES)))
    return pd.DataFrame({"place": place}), normal, Resamples(tracks, drawn[:, DRIVES:], names, drawn[:, :DRIVES])


@study("errors of distances from recorded drives", why={})
def of_ranges(number: int) -> Iterator[Claim]:
    """Quantiles of the ratio of a measured to a true distance: each track weighs the same, and 40 draws are published."""
    rows, normal, resamples = frames(np.random.default_rng([number, 41]), DRAWS)
    values, track = np.exp(SIGMA * normal), rows["place"].to_numpy()
    each = 1 / np.bincount(track)[track]
    estimate = quantiles(values, each)
    drawn = np.stack([quantiles(values, each * weights[track]) for weights in resamples.weights])
    for place, percent in enumerate(ERROR_PERCENTS):
        if percent in (5, 50, 95):
            truth = float(np.exp(SIGMA * ndtri(percent / 100)))
            yield Claim(f"{percent}% of the ratios", truth, about(estimate[place], drawn[:, place] - estimate[place]))


@study("hidden objects of recorded drives")
def of_hidden(number: int) -> Iterator[Claim]:
    """The shift of the share found: a third of the tracks is hidden, and all are found by one process."""
    rng = np.random.default_rng([number, 43])
    rows, normal, resamples = frames(rng, 200)
    hidden = (rng.random(len(resamples.tracks)) < 1 / 3)[rows["place"]]
    found = normal <= CLEAR + HIDDEN * hidden
    kinds = [(rows[mine], found[mine]) for mine in (hidden, ~hidden)]
    less, more = (ndtri(np.clip(shares(resamples, some, hits), 0.001, 0.999)) for some, hits in kinds)
    value = ndtri(found[hidden].mean()) - ndtri(found[~hidden].mean())
    yield Claim("shift of hidden objects", HIDDEN, percentile_interval(float(value), less - more))


def judged(rng: np.random.Generator, apart: float) -> dict[tuple[str, str], Recall]:
    """What two detectors are said to find of cars and pedestrians by height, with the draws of their evidence."""
    x, curves = np.geomspace(10, 200, 12), {}
    for place, error in enumerate(ERRORS):
        true = SHIFT + apart * rng.standard_normal()
        shift = true + error * rng.standard_normal()
        shifts = np.append(shift, shift + error * rng.standard_normal(DRAWS))
        car = 1.5 * np.log(x / 45)
        for what, moved in (("car", np.zeros(1 + DRAWS)), ("pedestrian", shifts)):
            curves[f"detector_{place}", what] = Recall("height_px", x, ndtr(car + moved[:, None]))
    return curves


def shift_of_pedestrians(number: int, apart: float) -> Iterator[Claim]:
    rng = np.random.default_rng([number, 47])
    curves = judged(rng, apart)
    with mock.patch.object(detector_answers, "recall_of", lambda finder, what, _: curves[finder, what]):
        drawn = difference_of([Compared(finds=f"detector_{place}") for place in range(2)], "pedestrian", "car")
    interval = about(float(drawn[0]), drawn[1:] - drawn[0])
    yield Claim("shift of the mean detector", SHIFT, interval)
    yield Claim("shift of a third detector", SHIFT + apart * rng.standard_normal(), interval)


@study(
    "pedestrians by two detectors that lose alike",
    why=dict.fromkeys(
        ("shift of the mean detector", "shift of a third detector"),
        "Each draw is one detector's own: their mean is known better than either, and the interval is that of one of them.",
    ),
)
def of_alike(number: int) -> Iterator[Claim]:
    """The detectors lose the same of pedestrians, and only their evidence is short."""
    yield from shift_of_pedestrians(number, 0.0)


@study(
    "pedestrians by two detectors that differ",
    why={"shift of the mean detector": "Each draw is one detector's own, so that the interval holds how far they differ too."},
)
def of_different(number: int) -> Iterator[Claim]:
    """Detectors differ in what they lose, and the one that is driven is a third."""
    yield from shift_of_pedestrians(number, APART)
