"""The photos that are labelled next: random ones, unsure ones, those far from labelled ones, or likely melanomas."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from simulator.evidence.linear_head import new_head

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

Selection = Literal["random", "uncertainty", "diversity", "rare"]
SELECTIONS: tuple[Selection, ...] = get_args(Selection)

#: Photos that are drawn at random before a head can choose, and rounds in which the rest is chosen.
START, ROUNDS = 48, 5
#: Principal components in which photos are far from each other.
_NUMBERS = 32


def chosen(
    selection: Selection, features: Floats, labels: Bools, melanoma: Bools, count: int, rng: np.random.Generator
) -> Ints:
    """Return `count` photos of a pool, as places in it; labels of photos that are not chosen are not looked at.

    features (n, numbers); labels: malignant, as the panel says; melanoma: those that it calls a melanoma
    All selections begin with the same random photos, under the same generator.
    """
    order = rng.permutation(len(features))
    if selection == "random" or count <= START:
        return order[:count]
    if selection == "diversity":
        return _far_apart(features, order[:START], count)
    wanted = melanoma if selection == "rare" else labels
    return _by_rounds(features, labels, wanted, selection, order, count)


def _by_rounds(features: Floats, labels: Bools, wanted: Bools, selection: Selection, order: Ints, count: int) -> Ints:
    taken = order[:START]
    for size in np.linspace(START, count, ROUNDS + 1).round().astype(int)[1:]:
        others = np.setdiff1d(order, taken, assume_unique=True)
        target = wanted if wanted[taken].any() and not wanted[taken].all() else labels
        if not 0 < target[taken].sum() < len(taken):
            taken = np.concatenate([taken, others[: size - len(taken)]])
            continue
        score = new_head().fit(features[taken], target[taken]).decision_function(features[others])
        # With few photos the head hardly moves from the share of positives, so that a cut at one half says nothing.
        cut = np.quantile(score, 1 - target[taken].mean())
        first = np.argsort(-score if selection == "rare" else np.abs(score - cut), kind="stable")
        taken = np.concatenate([taken, others[first[: size - len(taken)]]])
    return taken


def _far_apart(features: Floats, start: Ints, count: int) -> Ints:
    """Add the photo that is farthest from all taken ones, again and again (k-center: Sener and Savarese 2018)."""
    standard = (features - features.mean(axis=0)) / (features.std(axis=0) + 1e-9)
    spread, vectors = np.linalg.eigh(standard @ standard.T)
    at = vectors[:, -_NUMBERS:] * np.sqrt(np.maximum(spread[-_NUMBERS:], 0))
    taken = list(start)
    nearest = np.min([((at - at[photo]) ** 2).sum(axis=1) for photo in taken], axis=0)
    while len(taken) < count:
        taken.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, ((at - at[taken[-1]]) ** 2).sum(axis=1))
    return np.array(taken)
