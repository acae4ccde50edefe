"""Draws against the distributions that they name."""

import numpy as np
import pytest
from scipy import stats

from simulator.case.fields import Constant, Exponential, Lognormal, Samples
from simulator.records.streams import Streams
from tests.builders import assumed

LISTED = Samples(samples=[3.0, 1.0, 2.0, 2.0], assumed="for a test")
QUANTITIES = {
    "lognormal": Lognormal(median=assumed(2), sigma=0.5),
    "exponential": Exponential(exponential_mean=assumed(3)),
    "listed": LISTED,
    "constant": Constant(constant=assumed(4)),
}


def drawn(spec, count=20_000):
    return spec.draw(Streams(3).named("a"), count)


@pytest.mark.parametrize(
    ("name", "truth"), [("lognormal", stats.lognorm(s=0.5, scale=2)), ("exponential", stats.expon(scale=3))]
)
def test_a_continuous_quantity_is_distributed_as_it_says(name, truth):
    assert stats.kstest(drawn(QUANTITIES[name]), truth.cdf).pvalue > 0.05
    assert QUANTITIES[name].mean == pytest.approx(truth.mean())


def test_each_value_of_a_list_comes_equally_often():
    values, counts = np.unique(drawn(LISTED), return_counts=True)
    assert values.tolist() == [1, 2, 3]
    assert stats.chisquare(counts, [5_000, 10_000, 5_000]).pvalue > 0.05
    assert LISTED.mean == 2


def test_a_longer_list_of_longer_times_takes_no_request_less_time():
    slower = Samples(samples=[4.0, 2.0, 3.0, 2.0, 4.0], assumed="for a test")
    assert (drawn(slower) >= drawn(LISTED)).all()


def test_a_constant_is_the_same_for_all():
    assert set(drawn(QUANTITIES["constant"])) == {4.0}


@pytest.mark.parametrize("name", QUANTITIES)
def test_more_requests_leave_the_first_draws_as_they_were(name):
    assert drawn(QUANTITIES[name], 100).tolist() == drawn(QUANTITIES[name], 1000)[:100].tolist()
