"""Recall that never falls with height, and by how much a condition moves it, each with the bootstrap draws of its images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression
from scipy.stats import norm

from simulator.intervals import LEVEL
from simulator.metrics.detection_quality import resamples

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

#: Heights in pixels of the network's input at which recall is told: two in each doubling, 20, 40 and 80 among them.
NODES_PX: Floats = 5 * 2 ** (np.arange(12) / 2)
#: Ends of the classes of height within which clean recall is taken to be one figure, when a shift is fitted.
CLASSES_PX: Floats = np.array([20.0, 40.0, 80.0, 160.0])
#: No shift beyond is told: it turns any recall that can be told from 0 and 1 here into none, or into all.
FURTHEST = 4.0
_HALVINGS = 40


@dataclass(frozen=True)
class Bootstrapped:
    """A row of figures with its 95% bounds and its bootstrap draws, (draws, figures)."""

    value: Floats
    low: Floats
    high: Floats
    drawn: Floats


@dataclass(frozen=True)
class Looked:
    """Labelled boxes that were looked for, a row each, or several where the image was shown at several sizes.

    height_px: in pixels of the network's input; found: whether it was; image: which it is on
    """

    height_px: Floats
    found: Bools
    image: Ints


def recall_curve(looked: Looked, count: int, seed: int) -> Bootstrapped:
    """Recall at `NODES_PX`: the best fit that never falls with height (isotonic regression: Barlow et al. 1972).

    A node tells the mean of the fit over the heights that are nearest to it on a log scale; nodes without a box lie on the
    line between their neighbours. Images that hold such a box are drawn again, `count` times. Where none or all are found, the
    draws do not differ, and the bound is exact as if an image were one trial.
    """
    heights, level = np.unique(looked.height_px, return_inverse=True)
    _, image = np.unique(looked.image, return_inverse=True)
    nearest = np.abs(np.log(heights)[:, None] - np.log(NODES_PX)).argmin(axis=1)

    def fit(weight: Floats) -> Floats:
        hits, boxes = (np.asarray(np.bincount(level, part), float) for part in (weight * looked.found, weight))
        return _at_nodes(hits, boxes, nearest)

    value = fit(np.ones(len(level)))
    drawn = np.stack([fit(weight[image]) for weight in resamples(int(image.max()) + 1, count, seed)])
    near = np.array([len(np.unique(image[nearest[level] == place])) for place in range(len(NODES_PX))])
    return _bounded(value, drawn, near)


def _at_nodes(hits: Floats, boxes: Floats, nearest: Ints) -> Floats:
    """Return the fit at each node, from weighted counts by rising height, and the node that is nearest to each height."""
    there = boxes > 0
    boxes, nearest = boxes[there], nearest[there]
    fitted = isotonic_regression(hits[there] / boxes, weights=boxes).x
    total = np.bincount(nearest, boxes, len(NODES_PX))
    filled = total > 0
    means = np.bincount(nearest, boxes * fitted, len(NODES_PX))[filled] / total[filled]
    # Means of equal values may differ in their last digit, by which recall would fall or pass 1.
    recall = np.interp(np.log(NODES_PX), np.log(NODES_PX[filled]), means)
    return np.clip(np.maximum.accumulate(recall), 0, 1)


def share_found(found: Bools, image: Ints, count: int, seed: int) -> Bootstrapped:
    """Return the share of boxes that are found, one figure; bounds as those of `recall_curve`."""
    _, image = np.unique(image, return_inverse=True)
    boxes, hits = np.bincount(image), np.bincount(image, found)
    weights = resamples(len(boxes), count, seed)
    drawn = (weights @ hits) / (weights @ boxes)
    return _bounded(np.array([found.mean()]), drawn[:, None], np.array([len(boxes)]))


def _bounded(value: Floats, drawn: Floats, images: Ints) -> Bootstrapped:
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail], axis=0)
    farthest = 1 - tail ** (1 / np.maximum(images, 1))
    high = np.where(value == 0, np.maximum(high, farthest), high)
    low = np.where(value == 1, np.minimum(low, 1 - farthest), low)
    return Bootstrapped(value, np.minimum(low, value), np.maximum(high, value), drawn)


def height_class(height_px: Floats) -> Ints:
    """Return the height class of each box, from 0."""
    return np.digitize(height_px, CLASSES_PX)


def probit_shift(kind: Ints, clean: Bools, spoilt: Bools, image: Ints, images: int, count: int, seed: int) -> Bootstrapped:
    """Return the shift s: boxes with the clean recall r have the recall Phi(Phi^-1(r) + s) under a condition.

    kind: which boxes share a clean recall; clean, spoilt: whether each was found without and with the condition
    s is where the mean of the shifted recalls equals the share found under the condition, and 0 where both looks find as many.
    A recall of 0 or 1 is moved by half a box inwards, since no shift would move it. Images are drawn again with all their
    boxes, so that both looks stay paired.
    """
    boxes, hits, left = (_sums(kind, image, images, weight) for weight in (np.ones(len(kind)), clean, spoilt))
    weights = np.concatenate([np.ones((1, images)), resamples(images, count, seed)])
    shifts = _solved(weights @ boxes, weights @ hits, (weights @ left).sum(axis=1))
    value, drawn = shifts[:1], shifts[1:, None]
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return Bootstrapped(value, np.minimum(low, value), np.maximum(high, value), drawn)


def _sums(kind: Ints, image: Ints, images: int, weight: NDArray[np.generic]) -> Floats:
    """Return sums by image and kind, (images, kinds)."""
    kinds = int(kind.max()) + 1
    sums = np.bincount(image * kinds + kind, weight, images * kinds)
    return np.asarray(sums, float).reshape(images, kinds)


def _solved(boxes: Floats, hits: Floats, wanted: Floats) -> Floats:
    """Return the shift of each row, by halving the range that holds it. boxes, hits: (rows, kinds); wanted: hits, (rows,)."""
    inward = 1 / (2 * np.maximum(boxes, 1))
    clean = np.clip(hits / np.maximum(boxes, 1), inward, 1 - inward)
    # What moving inwards adds to the clean hits is taken off again, so that equal looks give exactly 0.
    wanted = wanted + (boxes * clean - hits).sum(axis=1)
    latent = norm.ppf(clean)
    low, high = np.full(len(boxes), -FURTHEST), np.full(len(boxes), FURTHEST)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        over = (boxes * norm.cdf(latent + middle[:, None])).sum(axis=1) > wanted
        high[over], low[~over] = middle[over], middle[~over]
    return np.asarray((low + high) / 2)
