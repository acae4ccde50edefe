"""Scores made from an assumption alone, so that a case can be tried before there is data."""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from simulator.evidence.scores.about import Assumed
from simulator.evidence.scores.tables import ScoreTable


def assumed_scores(about: Assumed) -> ScoreTable:
    """The scores of as many positives and negatives as are assumed, each a patient of its own.

    A binormal model with equal variances: positives lie d = sqrt(2) z(auc) above negatives, in standard deviations. The items
    are the quantiles of both distributions, so that nothing is left to chance; the normal distribution function maps them to
    0..1, with the middle between both classes at 0.5. Tables of the same size put the same person at the same quantile.
    """
    half = float(ndtri(about.auc)) / sqrt(2)
    people = np.arange(about.positives + about.negatives)
    return ScoreTable(
        name=f"assumed.auc_{about.auc:g}.of_{about.positives}_and_{about.negatives}",
        about=about,
        positives=ndtr(_quantiles(about.positives) + half),
        negatives=ndtr(_quantiles(about.negatives) - half),
        positive_patients=people[: about.positives],
        negative_patients=people[about.positives :],
        positive_evidence=float(about.positives),
        negative_evidence=float(about.negatives),
    )


def _quantiles(count: int) -> NDArray[np.float64]:
    """The middle of each of `count` equally likely slices of the standard normal distribution, in an order without meaning."""
    middles = ndtri((np.arange(count) + 0.5) / count)
    return np.asarray(np.random.default_rng(0).permutation(middles))
