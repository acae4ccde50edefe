"""Intervals about a figure with draws of other evidence: what they hold where the figure saturates, against known truths."""

import numpy as np
import pytest
from scipy.special import expit

from simulator.intervals import share_interval
from simulator.metrics.estimates import about, lean_of

WORLDS, DRAWS = 2000, 40


@pytest.mark.parametrize("figure", [lambda x: expit(3 - 2 * np.exp(x)), lambda x: 1 - np.exp(-2 * np.exp(-x))])
@pytest.mark.parametrize("unsure", [0.12, 0.25, 0.5])
def test_an_interval_of_a_figure_that_saturates_holds_the_truth(figure, unsure):
    """A lucky estimate stands on the plateau, where its draws fall to one side; without the lean 87 to 92% are held."""
    rng = np.random.default_rng(0)
    estimates = unsure * rng.standard_normal(WORLDS)
    draws = estimates[:, None] + unsure * rng.standard_normal((WORLDS, DRAWS))
    values = figure(estimates)
    intervals = [about(float(value), figure(drawn) - value) for value, drawn in zip(values, draws, strict=True)]
    held = sum(one.low <= figure(0.0) <= one.high for one in intervals)
    assert share_interval(held, WORLDS).high >= 0.94


def test_a_lean_goes_to_the_longer_tail_and_few_draws_tell_none():
    to_one_side = -np.random.default_rng(1).exponential(1, 40)
    assert lean_of(to_one_side) < 0
    assert lean_of(-to_one_side) == pytest.approx(-lean_of(to_one_side))
    assert lean_of(to_one_side[:7]) == 0
    leaning, even = about(1.0, to_one_side), about(1.0, to_one_side[:7])
    assert 1 - leaning.low > leaning.high - 1
    assert 1 - even.low == pytest.approx(even.high - 1)
    assert about(1.0, np.zeros(40)) is None
