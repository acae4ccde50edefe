"""How much would have been seen: the smallest change that so many independent rows show in four cases of five."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

#: The share of such changes that is to be seen.
POWER = 0.8
#: The test of Kolmogorov and Smirnov sees a shift of a normal column with at least 2 / pi of the rows' worth of a test of means
#: (Capon 1965, On the Asymptotic Efficiency of the Kolmogorov-Smirnov Test, JASA 60:843).
KS_EFFICIENCY = 2 / np.pi


def smallest_shift(rows: tuple[float, float], level: float, efficiency: float = 1.0) -> float:
    """The shift of the mean, in standard deviations, that a two-sided test sees with a power of 80%.

    rows: independent rows of the reference and of production; level: of this one test, after the correction for many
    """
    return float((norm.isf(level / 2) + norm.ppf(POWER)) * np.sqrt((1 / rows[0] + 1 / rows[1]) / efficiency))


def smallest_change(share: float, rows: tuple[float, float], level: float) -> float:
    """The change of a share, as a part of 1, that is seen with a power of 80%."""
    return min(smallest_shift(rows, level) * float(np.sqrt(share * (1 - share))), 1.0)
