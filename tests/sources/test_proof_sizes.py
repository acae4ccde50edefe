"""Sizes of proofs against the rule of three, the chi-square distribution, and counting."""

from math import exp, log

import pytest
from scipy.stats import beta, binom, chi2, poisson

from simulator.sources.proof_sizes import hours_to_plan, hours_with, rate_below, trials_to_plan, trials_with


def test_without_an_event_it_is_the_rule_of_three():
    assert hours_with(1) == pytest.approx(-log(0.05))
    assert hours_with(1) == pytest.approx(3, rel=0.002)
    assert rate_below(0.22244) == pytest.approx(13.5, abs=0.05)
    assert rate_below(0.22244, 0, 0.975) == pytest.approx(16.6, abs=0.05)


@pytest.mark.parametrize("events", [0, 1, 2, 5, 40])
def test_hours_are_those_of_the_exact_poisson_limit(events):
    """At the bound, no more than so many events come with a chance of 5%; chi2(0.95, 2 k + 2) / 2 over the rate."""
    hours = hours_with(0.5, events)
    assert poisson.cdf(events, 0.5 * hours) == pytest.approx(0.05)
    assert hours == pytest.approx(chi2.ppf(0.95, 2 * events + 2) / 2 / 0.5)
    assert rate_below(hours, events) == pytest.approx(0.5)


@pytest.mark.parametrize(("share", "trials"), [(0.95, 59), (0.99, 299), (0.999, 2995), (0.5, 5)])
def test_trials_without_a_failure_are_known(share, trials):
    assert trials_with(share) == trials
    assert share**trials <= 0.05 < share ** (trials - 1)


@pytest.mark.parametrize(("share", "failures"), [(0.95, 1), (0.95, 10), (0.99, 3), (0.6, 7)])
def test_trials_are_the_fewest_whose_clopper_pearson_limit_is_high_enough(share, failures):
    def lowest(trials):
        return beta.ppf(0.05, trials - failures, failures + 1)

    found = trials_with(share, failures)
    assert lowest(found) >= share > lowest(found - 1)


def test_the_hours_to_plan_are_the_fewest_of_those_that_come_out_often_enough():
    """Tried one by one: a tenth of the bound is shown in 3 hours already, with a chance of exp(-0.3) = 74%: one more event."""
    assert exp(-0.1 * hours_with(1)) == pytest.approx(0.741, abs=0.001)
    for truth in (0.01, 0.1, 0.5, 0.7):
        enough = [k for k in range(200) if poisson.cdf(k, truth * hours_with(1, k)) >= 0.8]
        assert hours_to_plan(1, truth) == (pytest.approx(hours_with(1, enough[0])), enough[0])


def test_the_trials_to_plan_are_the_fewest_of_those_that_come_out_often_enough():
    for truth in (1.0, 0.99, 0.975):
        enough = [k for k in range(60) if binom.cdf(k, trials_with(0.95, k), 1 - truth) >= 0.8]
        assert trials_to_plan(0.95, truth) == (trials_with(0.95, enough[0]), enough[0])


def test_what_is_not_better_than_the_bound_is_never_proven():
    assert hours_to_plan(1, 1) is hours_to_plan(1, 2) is hours_to_plan(1, 0.9999) is None
    assert trials_to_plan(0.95, 0.95) is trials_to_plan(0.95, 0.9) is None
