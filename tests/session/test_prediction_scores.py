"""The interval score is that of Gneiting and Raftery (2007), and honest intervals have the best one."""

import numpy as np
import pytest
from scipy.stats import beta, lognorm, norm

from simulator.case.load import load
from simulator.session.prediction_scores import held_words, interval_score, is_informed, on_its_scale
from simulator.session.session_state import SessionPrediction, Settlement


@pytest.mark.parametrize(
    ("low", "high", "value", "score"),
    [
        (10.0, 14.0, 12.0, 4.0),  # within: the width
        (10.0, 14.0, 14.0, 4.0),  # on the end
        (10.0, 14.0, 9.5, 14.0),  # 4 + 20 x 0.5
        (10.0, 14.0, 15.0, 24.0),  # 4 + 20 x 1
        (3.0, 3.0, 3.0, 0.0),
    ],
)
def test_it_is_the_width_and_twenty_times_the_miss(low, high, value, score):
    assert interval_score(low, high, value) == pytest.approx(score)


def test_another_alpha_weighs_the_miss_otherwise():
    assert interval_score(0, 1, 2, alpha=0.5) == pytest.approx(1 + 4)


def expected(low, high):
    """The expected score of an interval under a standard normal belief, in closed form."""

    def beyond(end):  # E[(X - end)+]
        return norm.pdf(end) - end * norm.sf(end)

    return high - low + 20 * (beyond(-low) + beyond(high))


def test_the_quantiles_of_a_belief_have_the_smallest_expected_score():
    best = norm.ppf([0.05, 0.95])
    grid = [(low, high) for low in np.linspace(-4, 1, 26) for high in np.linspace(low, 4, 26)]
    assert all(expected(low, high) >= expected(*best) - 1e-12 for low, high in grid)
    draws = np.random.default_rng(1).standard_normal(20_000)
    mean = np.mean([interval_score(*best, draw) for draw in draws])
    assert mean == pytest.approx(expected(*best), rel=0.03)


def prediction(low, high, value, metric="latency_p99_s"):
    settled = Settlement(0.0, "0" * 12, value, None, low <= value <= high, interval_score(low, high, value))
    return SessionPrediction(0, 0.0, "0" * 12, metric, low, high, None, settled)


@pytest.mark.parametrize(
    ("low", "high", "value", "metric", "span", "score"),
    [
        (0, 10, 2, "latency_p99_s", 1 / 2, 1 / 2),  # the bound is 10 s
        (10, 30, 20, "latency_p99_s", 1 / 4, 1 / 4),
        (10, 30, 0, "latency_p99_s", 1 / 4, 1 / 4 + 20 / 2),
        (10, 30, 1e9, "latency_p99_s", 1 / 4, 1 / 4 + 20 / 4),  # no result is farther than the end of the scale
        (0, 1e12, 2, "latency_p99_s", 1.0, 1.0),
        (0, 1, 0.9, "checked_share", 1.0, 1.0),  # all shares that there are
        (0.5, 1.7, 0.9, "checked_share", 0.5, 0.5),  # no share is above 1
        (0, 0.2, 0, "checked_share", 0.2, 0.2),
        (1, 3, 2, "waiting_mean", 1 / 4, 1 / 4),  # without an objective, 1 stands in the middle
    ],
)
def test_an_interval_is_measured_on_the_scale_of_its_metric(low, high, value, metric, span, score):
    assert on_its_scale(load("retry-storm"), prediction(low, high, value, metric)) == pytest.approx((span, score))


@pytest.mark.parametrize(
    ("intervals", "informed"),
    [
        ([(0, 14.9, 2)], True),  # 14.9 / 24.9 of the scale
        ([(0, 15.1, 2)], False),
        ([(5, 15, 10), (5, 15, 16)], True),  # 4/15 each, and 20 x (16/26 - 15/25) = 0.31
        ([(5, 15, 10), (5, 15, 18)], False),
        ([(5, 15, 10)] * 8 + [(0.001, 0.1, 0.0001)], True),  # a tiny figure weighs no more than another
        ([(0, 1, 0)], True),
        ([], False),
    ],
)
def test_intervals_say_something_if_their_mean_score_is_well_below_that_of_their_scales(intervals, informed):
    assert is_informed(load("retry-storm"), [prediction(*one) for one in intervals]) is informed


#: Quantiles of beliefs: about a figure of any size, about one with a long tail, and about a share.
BELIEFS = {
    "normal": ("latency_p99_s", norm(9, 2).ppf),
    "lognormal": ("latency_p99_s", lognorm(0.5, scale=8).ppf),
    "share": ("checked_share", beta(18, 2).ppf),
}
EVEN = (np.arange(200) + 0.5) / 200


@pytest.mark.parametrize("belief", BELIEFS)
def test_the_5_and_95_percent_quantiles_of_a_belief_have_the_best_expected_score(belief):
    metric, quantile = BELIEFS[belief]

    def expectation(low, high):
        ends = quantile([low, high])
        return np.mean([on_its_scale(load("retry-storm"), prediction(*ends, value, metric)).score for value in quantile(EVEN)])

    ends = [0.01, 0.03, 0.05, 0.07, 0.1, 0.2, 0.3]
    scores = {(low, 1 - high): expectation(low, 1 - high) for low in ends for high in ends}
    assert min(scores, key=scores.get) == (0.05, 0.95)


@pytest.mark.parametrize("spread", [0.2, 0.4, 0.5, 0.7])
def test_honest_intervals_are_called_informed_at_least_as_often_as_others(spread):
    honest, half, double = (share_informed(spread, factor) for factor in (1, 0.5, 2))
    print(f"sigma {spread}: honest {honest:.0%}, half as wide {half:.0%}, twice {double:.0%}")
    assert honest >= max(half, double) - 0.02


def test_a_belief_that_says_nothing_is_seldom_called_informed_whatever_its_intervals():
    assert share_informed(1.2, 1) == share_informed(1.2, 2) == 0
    assert share_informed(1.2, 0.5) < 0.1  # luck: any pass mark leaves some


def share_informed(spread, factor):
    """The share of 100 sessions of nine figures, each with a lognormal belief and `factor` of the honest interval."""
    rng, case, reach = np.random.default_rng(52), load("retry-storm"), np.exp(1.645 * factor * spread)
    middles = 10 * np.exp(rng.normal(0, 0.5, (100, 9)))
    results = middles * np.exp(spread * rng.normal(size=middles.shape))
    cells = np.stack([middles / reach, middles * reach, results], axis=2).tolist()
    return np.mean([is_informed(case, [prediction(*cell) for cell in session]) for session in cells])


def test_a_share_over_its_whole_scale_says_nothing_though_it_holds():
    whole = [prediction(0, 1, 0.95, "checked_share")] * 4
    assert not is_informed(load("retry-storm"), whole)
    words = held_words(load("retry-storm"), whole)
    assert words == "4 of 4 intervals held; they span 100% of the scale on average, so that to hold says nothing."
    assert (
        held_words(load("retry-storm"), [prediction(0.9, 1, 0.95, "checked_share")])
        == "1 of 1 interval held; it spans 10% of the scale."
    )
