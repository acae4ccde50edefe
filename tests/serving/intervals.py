"""Whether a simulation agrees with a figure that is known: by confidence interval, never by a chosen tolerance."""

import numpy as np
from scipy.stats import t


def assert_agrees(replications, truth, checks, sharp=0.05):
    """The t interval of independent replications covers the truth; several checks share an error of 5% (Bonferroni).

    sharp: the interval's half-width as a share of the truth, at most; a wider one would show nothing.
    """
    values = np.asarray(replications, float)
    half = t.ppf(1 - 0.05 / checks / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    assert half <= sharp * truth, f"the interval {values.mean():.4g} +- {half:.2g} is too wide to show {truth:.4g}"
    assert abs(values.mean() - truth) <= half, f"{values.mean():.5g} +- {half:.2g} does not cover {truth:.5g}"
