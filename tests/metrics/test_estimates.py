"""Intervals of other evidence where a figure saturates, and the percentiles that a run may quote, against known truths."""

import numpy as np
import pytest
from scipy.special import expit, gammaln

from simulator.intervals import share_interval
from simulator.metrics.estimates import Estimator, about, lean_of
from simulator.metrics.replications import run_replications
from simulator.metrics.summary import summary_of
from simulator.theory.loads import alike_in_busy_period, likeness
from tests.builders import exponential, pool
from tests.truths.means import sized

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


@pytest.mark.parametrize("figure", [lambda x: x, np.exp, lambda x: 1 - np.exp(-2 * np.exp(x))])
def test_two_equal_detectors_are_told_apart_no_oftener_than_promised(figure):
    """Their draws lean by chance; an interval that is shorter on one side for it told 6% of such pairs apart."""
    rng, worlds = np.random.default_rng(1), 6000
    estimates = 0.25 * rng.standard_normal((2, worlds))
    values, draws = figure(estimates), figure(estimates[..., None] + 0.25 * rng.standard_normal((2, worlds, DRAWS)))
    moved = draws - values[..., None]
    pairs = zip(values[1] - values[0], moved[1] - moved[0], strict=True)
    found = [about(float(value), both) for value, both in pairs]
    claims = sum(not one.low <= 0 <= one.high for one in found)
    assert share_interval(claims, worlds).low <= 0.05


def test_a_lean_goes_to_the_longer_tail_and_few_draws_tell_none():
    to_one_side = -np.random.default_rng(1).exponential(1, 40)
    assert lean_of(to_one_side) < 0
    assert lean_of(-to_one_side) == pytest.approx(-lean_of(to_one_side))
    assert lean_of(to_one_side[:7]) == 0
    leaning, even = about(1.0, to_one_side), about(1.0, to_one_side[:7])
    assert 1 - leaning.low > leaning.high - 1
    assert 1 - even.low == pytest.approx(even.high - 1)
    assert about(1.0, np.zeros(40)) is None


def short_run(seed):
    """Ten replications of 300 requests of M/M/1 at a load of 0.8, which begin empty."""
    made = sized({"p": pool()}, 0.8, 300, exponential(1.0))
    return summary_of(made, seed, run_replications(made, seed, 10))


def test_a_percentile_of_a_short_run_is_not_quoted_because_the_run_was_lucky():
    """Of such runs 13% showed no sign that requests wait as one; the 99th percentile that they quoted was too low in 4 of 5."""
    assert not any("latency_p99_s" in short_run(seed).metrics for seed in range(12))
    assert "latency_p50_s" in short_run(0).metrics


def test_a_group_waits_as_one_in_as_small_numbers_as_it_has_requests():
    made = sized({"p": pool()}, 0.8, 3000, exponential(1.0))
    one = Estimator(run_replications(made, 0, 2), None, alike=likeness(made))
    whole = one.pooled("wait.p").count
    assert one._alike("wait.p", whole) == pytest.approx(alike_in_busy_period(0.8), rel=0.01)
    assert one._alike("wait.p.urgent", whole / 10) == pytest.approx(alike_in_busy_period(0.8) / 10, rel=0.01)
    assert one._alike("latency", 1.0) == 1


@pytest.mark.parametrize("load", [0.3, 0.8, 0.95])
def test_a_customer_shares_its_busy_period_with_as_many_as_the_law_of_its_length_says(load):
    """P(N = n) = C(n - 1) r^(n - 1) / (1 + r)^(2 n - 1), with Catalan's numbers (Kleinrock 1975, section 5.9)."""
    n = np.arange(1, 200_000)
    catalan = gammaln(2 * n - 1) - gammaln(n) - gammaln(n + 1)
    chance = np.exp(catalan + (n - 1) * np.log(load) - (2 * n - 1) * np.log1p(load))
    assert chance.sum() == pytest.approx(1, abs=1e-6)
    assert alike_in_busy_period(load) == pytest.approx((n**2 * chance).sum() / (n * chance).sum(), rel=1e-3)
