"""The change of AP and of recall by a refitted layer, where the truth is known: detectors of objects in a row of slots."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from campaigns.detections.refits import RESAMPLES, RefitQuality
from simulator.intervals import Interval
from simulator.metrics.detection_quality import Boxes, ScoredBoxes, resamples
from tests.coverage.registry import Claim, study

IMAGES, CLASSES = 128, 40
#: Images of the world that stands for all.
MANY = 4000
OBJECTS, FALSE_ONES = 7, 10
#: Standard deviations of the logit of a score: of a class, of an image, of a box; and of what the new layer adds to each box.
CLASS, IMAGE, BOX, MOVED = 0.5, 0.7, 1.0, 0.5
#: Logits that a right box has more than a wrong one, and that the new layer adds to right ones.
RIGHT = 1.5


def detected(rng: np.random.Generator, images: int, taught: float) -> tuple[Boxes, ScoredBoxes, ScoredBoxes]:
    """Return labelled boxes, and the boxes of a detector before and after `taught` was added to the logits of right ones."""
    usual = np.random.default_rng(1)
    shares, strength = 1 / np.arange(1, CLASSES + 1), CLASS * usual.standard_normal(CLASSES)
    image = np.repeat(np.arange(images), rng.poisson(OBJECTS, images))
    category = rng.choice(CLASSES, len(image), p=shares / shares.sum())
    labels = Boxes(image, category, _placed(np.arange(len(image)), np.zeros(len(image))))
    found = rng.random(len(image)) < expit(1 + strength[category])
    stray = np.repeat(np.arange(images), rng.poisson(FALSE_ONES, images))
    strays = rng.choice(CLASSES, len(stray), p=shares / shares.sum())
    boxes = np.concatenate(
        [_placed(np.flatnonzero(found), rng.beta(1, 3, found.sum())), _placed(-1 - np.arange(len(stray)), 0)]
    )
    right = np.repeat([1.0, 0.0], [found.sum(), len(stray)])
    seen, classes = np.concatenate([image[found], stray]), np.concatenate([category[found], strays])
    logits = (
        RIGHT * right + strength[classes] + IMAGE * rng.standard_normal(images)[seen] + BOX * rng.standard_normal(len(seen)) - 2
    )
    before = ScoredBoxes(seen, classes, boxes, expit(logits))
    after = logits + taught * right + MOVED * rng.standard_normal(len(seen))
    return labels, before, replace(before, score=expit(after))


def _placed(slot: NDArray[np.int64], away: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Return boxes of 50 x 50 pixels in slots of 200; away: parts of their width by which they lie beside the slot."""
    left = 200.0 * slot + 50 * np.asarray(away)
    top = np.zeros(len(left))
    return np.stack([left, top, left + 50, top + 50], axis=1)


def changes(rng: np.random.Generator, images: int, taught: float, weights: NDArray[np.float64]) -> tuple[Interval, Interval]:
    labels, before, after = detected(rng, images, taught)
    first, second = (RefitQuality.of(labels, found, weights) for found in (before, after))
    return second.less(first)


@lru_cache
def truth(taught: float) -> tuple[float, float]:
    """Return the change of AP and of recall on very many images."""
    found = changes(np.random.default_rng(0), MANY, taught, np.ones((1, MANY)))
    return found[0].value, found[1].value


def refit(taught: float, number: int) -> Iterator[Claim]:
    ap, recall = changes(np.random.default_rng([number, 61]), IMAGES, taught, resamples(IMAGES, RESAMPLES, number))
    of_ap, of_recall = truth(taught)
    yield Claim("change of AP", of_ap, ap)
    yield Claim("change of recall", of_recall, recall)


@study("A refitted layer that teaches nothing, 128 images")
def taught_nothing(number: int) -> Iterator[Claim]:
    return refit(0.0, number)


@study("A refitted layer that tells right boxes better, 128 images")
def taught_something(number: int) -> Iterator[Claim]:
    return refit(0.7, number)
