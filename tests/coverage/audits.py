"""The audit of the cleared, where the field's sensitivity is known: Poisson counts of positives, each audited by chance."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from simulator.experiments.cleared_audits import field_sensitivity
from tests.coverage.registry import Claim, study

WHY = {"sensitivity": "Exact bounds of few counts cover more than they promise (Clopper and Pearson 1934)."}


def audited(sensitivity: float, positives: float, share: float, hits: float, number: int) -> Iterator[Claim]:
    """Draw the positives of some days; readers find a share `hits` of those that they read, referred or audited."""
    rng = np.random.default_rng([number, round(1000 * share)])
    referred = rng.binomial(rng.poisson(positives * sensitivity), hits)
    missed = rng.poisson(positives * (1 - sensitivity))
    yield Claim("sensitivity", sensitivity, field_sensitivity(referred, rng.binomial(missed, share * hits), share))


@study("Audit of 2% of the cleared, 30 days, sensitivity 95%", why=WHY)
def a_month_of_two_per_cent(number: int) -> Iterator[Claim]:
    return audited(0.95, 7200, 0.02, 1.0, number)


@study("Audit of 10% of the cleared, 90 days, sensitivity 90%, readers find 80%", why=WHY)
def a_quarter_of_ten_per_cent(number: int) -> Iterator[Claim]:
    return audited(0.9, 21_600, 0.1, 0.8, number)
