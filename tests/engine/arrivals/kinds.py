"""Arrival kinds as an author writes them, and what is drawn of them."""

from typing import Annotated

import numpy as np
from pydantic import TypeAdapter
from scipy.stats import chi2

from simulator.case.case_contract import ARRIVAL_KINDS, AnyArrivals
from simulator.case.kinds import OneOf
from simulator.records.streams import Streams
from tests.builders import assumed

RUNS = 40

KIND = TypeAdapter(Annotated[AnyArrivals, OneOf(ARRIVAL_KINDS)])


def process(end, starts_at=0.0, recording=None, **fields):
    """The arrivals of one kind over a run; what should be a figure may be a number."""
    figures = ("rate_per_s", "cv", "per_day", "per_week", "think_mean_s", "bound_s")
    spec = KIND.validate_python({key: assumed(value) if key in figures else value for key, value in fields.items()})
    return spec.over(end, starts_at, recording)


def states(*rates_and_stays):
    return [{"rate_per_s": assumed(rate), "stay_s": assumed(stay)} for rate, stay in rates_and_stays]


def drawn(made, runs=RUNS, **surges):
    """Arrival times of several runs; sorted, and within the run."""
    found = [made.comings(Streams(seed).named("arrivals"), **surges).times for seed in range(runs)]
    for times in found:
        assert np.all(np.diff(times) >= 0)
        assert not len(times) or times[0] >= 0
        assert not len(times) or times[-1] < made._end
    return found


def counts(made, edges, runs=RUNS):
    """How many requests fall between the edges, a row a run."""
    return np.array([np.histogram(times, edges)[0] for times in drawn(made, runs)])


def check_poisson(counted, expected, checks):
    """Independent Poisson counts of these means: their sums fit, and they scatter as much as they should."""
    runs = len(counted)
    total, expected = counted.sum(axis=0), runs * np.asarray(expected, float)
    empty = expected == 0
    assert not total[empty].any()
    fits = chi2.sf(((total - expected)[~empty] ** 2 / expected[~empty]).sum(), np.count_nonzero(~empty))
    assert fits > 0.05 / checks
    scatter = ((counted - total / runs)[:, ~empty] ** 2 / (total[~empty] / runs)).sum()
    freedom = (runs - 1) * np.count_nonzero(~empty)
    assert min(chi2.sf(scatter, freedom), chi2.cdf(scatter, freedom)) > 0.05 / checks / 2
