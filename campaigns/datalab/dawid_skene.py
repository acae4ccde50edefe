"""The confusion of readers without the truth (Dawid and Skene 1979, Applied Statistics 28:20), by expectation-maximisation.

All readers share one confusion: where rows do not name the reader, no other can be told apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Answers of each kind that are added to every cell, so that no share is 0 or 1 by chance.
_PRIOR = 0.01
_STEPS = 500
_CLOSE = 1e-7


@dataclass(frozen=True)
class ReaderModel:
    """A reader's answers by the truth.

    confusion: share of each answer by true class, (classes, classes), rows add up to 1
    prevalence: of the true classes, (classes,)
    posterior: probability of each true class by case, (cases, classes)
    """

    confusion: Floats
    prevalence: Floats
    posterior: Floats


def dawid_skene(counts: Floats, start: ReaderModel | None = None) -> ReaderModel:
    """Fit a confusion to how many readers of a case gave each answer, (cases, classes); parts of an answer are allowed.

    It begins with the majority's answers, or with the confusion of `start`.
    """
    if start is None:
        posterior = counts / counts.sum(axis=1, keepdims=True)
    else:
        posterior = _posterior(counts, start.confusion, start.prevalence)
    confusion, prevalence = _maximised(counts, posterior)
    for _ in range(_STEPS):
        posterior = _posterior(counts, confusion, prevalence)
        before = confusion
        confusion, prevalence = _maximised(counts, posterior)
        if np.abs(confusion - before).max() < _CLOSE:
            break
    return ReaderModel(confusion, prevalence, posterior)


def _maximised(counts: Floats, posterior: Floats) -> tuple[Floats, Floats]:
    together = posterior.T @ counts + _PRIOR
    return together / together.sum(axis=1, keepdims=True), posterior.mean(axis=0)


def _posterior(counts: Floats, confusion: Floats, prevalence: Floats) -> Floats:
    logs = np.log(np.maximum(prevalence, 1e-300)) + counts @ np.log(confusion).T
    weights = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))
