"""Whether a simulation agrees with a figure that is known: by confidence interval, never by a chosen tolerance."""

import numpy as np
from scipy.stats import t


def interval(replications, checks):
    """Mean and half-width of the t interval of independent replications; several checks share an error of 5% (Bonferroni)."""
    values = np.asarray(replications, float)
    half = t.ppf(1 - 0.05 / checks / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return values.mean(), half


def assert_agrees(replications, truth, checks, sharp=0.05, below=0.0):
    """The interval of the replications covers the truth.

    sharp: the interval's half-width as a share of the truth, at most; a wider one would show nothing.
    below: by which share the truth may be above what is estimated, where it is an upper bound.
    """
    mean, half = interval(replications, checks)
    assert half <= sharp * truth, f"the interval {mean:.4g} +- {half:.2g} is too wide to show {truth:.4g}"
    assert (1 - below) * truth - half <= mean <= truth + half, f"{mean:.5g} +- {half:.2g} does not cover {truth:.5g}"
