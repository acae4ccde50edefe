"""Two tests of a difference between two shares that are looked at again and again: the plain one, and the mixture SPRT.

The plain z test promises its false alarms for one look. The mixture SPRT promises them for any number of looks: its likelihood
ratio is a martingale where nothing differs, and such a one rises to 1 / alpha with probability alpha at most (Ville 1939).
Johari, Koomen, Pekelis and Walsh 2022, Operations Research 70:1806 (first as Johari, Pekelis and Walsh 2015, arXiv 1512.04922).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Floats = NDArray[np.float64]

#: The false alarms that both tests promise.
ALPHA = 0.05
#: The largest exponent that is computed: it is beyond every doubt, and its power of e is still a number.
_LARGEST = 700.0


@dataclass(frozen=True)
class Arms:
    """Successes and trials of two arms after each day, shapes (experiments, days): sums from the first day on."""

    successes: tuple[Floats, Floats]
    trials: tuple[Floats, Floats]

    @property
    def difference(self) -> Floats:
        """The second arm's share minus the first one's."""
        first, second = (hits / count for hits, count in zip(self.successes, self.trials, strict=True))
        return np.asarray(second - first)

    @property
    def variance(self) -> Floats:
        """Of the difference where nothing differs, so with the share of both arms together; 0 before the first success."""
        pooled = sum(self.successes) / sum(self.trials)
        return np.asarray(pooled * (1 - pooled) * sum(1 / count for count in self.trials))


def plain_p(arms: Arms) -> Floats:
    """Return the two-sided p of the z test at each look, as if it were the only one; 1 where nothing was counted."""
    variance = arms.variance
    with np.errstate(invalid="ignore", divide="ignore"):
        z = np.where(variance > 0, np.abs(arms.difference) / np.sqrt(variance), 0.0)
    return np.asarray(2 * ndtr(-z))


def mixture_ratio(difference: Floats, variance: Floats, tau: float) -> Floats:
    """Return the likelihood ratio of a normal difference at each look: any true difference from N(0, tau^2), against none."""
    both = variance + tau**2
    exponent = difference**2 * tau**2 / (2 * variance * both)
    ratio: Floats = np.sqrt(variance / both) * np.exp(np.minimum(exponent, _LARGEST))
    return ratio


def always_valid_p(arms: Arms, tau: float) -> Floats:
    """Return the always valid p after each look: one over the largest ratio so far, at most 1."""
    variance = arms.variance
    safe = np.where(variance > 0, variance, 1.0)
    ratio = np.where(variance > 0, mixture_ratio(arms.difference, safe, tau), 0.0)
    return np.asarray(1 / np.maximum(np.maximum.accumulate(ratio, axis=-1), 1.0))


def first_alarm(p: Floats, alpha: float = ALPHA) -> NDArray[np.int64]:
    """Return the day of the first p of at most alpha, from 1; 0 where there is none. p: shape (experiments, days)."""
    alarms = p <= alpha
    return np.asarray(np.where(alarms.any(-1), alarms.argmax(-1) + 1, 0), np.int64)
