"""The mixture SPRT against an integral, Ville's bound and a normal martingale; the plain test against Armitage's table."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import chi2_contingency, norm

from simulator.experiments.canary import Arms, always_valid_p, first_alarm, mixture_ratio, plain_p


def arms(hits, trials):
    return Arms(*(tuple(np.array([one], float) for one in pair) for pair in (hits, trials)))


@pytest.mark.parametrize(("difference", "variance", "tau"), [(0.0, 1.0, 1.0), (0.03, 0.0004, 0.02), (-0.5, 0.04, 0.3)])
def test_the_ratio_is_the_likelihood_under_any_difference_over_that_under_none(difference, variance, tau):
    def likelihood(true):
        return norm.pdf(difference, true, variance**0.5) * norm.pdf(true, 0, tau)

    mixed, _ = quad(likelihood, -10 * tau, 10 * tau, points=[0, difference], epsabs=1e-12)
    expected = mixed / norm.pdf(difference, 0, variance**0.5)
    assert mixture_ratio(np.array(difference), np.array(variance), tau) == pytest.approx(expected, rel=1e-6)


def test_the_plain_p_is_that_of_the_chi_squared_test():
    both = arms(([40], [55]), ([1000], [900]))
    expected = chi2_contingency([[40, 960], [55, 845]], correction=False).pvalue  # the square of z
    assert plain_p(both)[0, 0] == pytest.approx(expected)


def test_nothing_counted_alarms_nobody():
    both = arms(([0], [0]), ([10], [20]))
    assert (plain_p(both)[0, 0], always_valid_p(both, 0.1)[0, 0]) == (1, 1)


def test_an_always_valid_p_never_rises():
    both = arms(([10, 40, 60], [30, 55, 70]), ([100, 300, 600], [100, 300, 600]))
    p = always_valid_p(both, 0.1)[0]
    assert (np.diff(p) <= 0).all()


@pytest.mark.parametrize(("looks", "expected"), [(1, 0.05), (2, 0.083), (5, 0.142), (10, 0.193), (20, 0.248)])
def test_repeated_looks_of_the_plain_test_raise_false_alarms_as_armitage_says(looks, expected):
    """Armitage, McPherson and Rowe 1969, Journal of the Royal Statistical Society A 132:235: repeated tests at 5%."""
    rng = np.random.default_rng(0)
    trials = np.full((4000, looks), 1000).cumsum(1).astype(float)
    hits = [rng.binomial(1000, 0.3, (4000, looks)).cumsum(1).astype(float) for _ in range(2)]
    alarms = first_alarm(plain_p(Arms((hits[0], hits[1]), (trials, trials)))) > 0
    assert alarms.mean() == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("tau", [0.01, 0.05])
def test_the_sequential_test_keeps_its_promise_under_daily_looks(tau):
    rng = np.random.default_rng(1)
    trials = np.full((1000, 365), 200).cumsum(1).astype(float)
    hits = [rng.binomial(200, 0.3, (1000, 365)).cumsum(1).astype(float) for _ in range(2)]
    both = Arms((hits[0], hits[1]), (trials, trials))
    assert (first_alarm(always_valid_p(both, tau)) > 0).mean() <= 0.05
    assert (first_alarm(plain_p(both)) > 0).mean() > 0.3


def test_the_first_alarm_is_the_day_from_one_and_none_is_zero():
    assert first_alarm(np.array([[0.5, 0.04, 0.2], [0.2, 0.3, 0.06]])).tolist() == [2, 0]
