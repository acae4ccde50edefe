"""The interval score is that of Gneiting and Raftery (2007), and honest intervals have the best one."""

import numpy as np
import pytest
from scipy.stats import norm

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
        (0, 4, 2, "latency_p99_s", 1.0, 1.0),  # zero to twice the result
        (1, 3, 2, "latency_p99_s", 0.5, 0.5),
        (0, 40, 2, "latency_p99_s", 1.0, 10.0),  # no part is above 1, and the score goes on
        (2, 4, 1.5, "latency_p99_s", 2 / 3, (2 + 20 * 0.5) / 3),
        (0, 1, 0.9, "done_share", 1.0, 1.0),  # all shares that there are
        (0.5, 1.7, 0.9, "done_share", 0.5, 0.5),  # no share is above 1
        (0, 0.2, 0, "done_share", 0.2, 0.2),
    ],
)
def test_an_interval_is_measured_on_the_scale_of_its_metric(low, high, value, metric, span, score):
    assert on_its_scale(load("retry-storm"), prediction(low, high, value, metric)) == pytest.approx((span, score))


def test_a_result_of_zero_has_no_scale():
    assert on_its_scale(load("retry-storm"), prediction(0, 1, 0)) is None


@pytest.mark.parametrize(
    ("intervals", "informed"),
    [
        ([(0, 2.3, 2)], True),  # 2.3 of 4
        ([(0, 2.4, 2)], False),
        ([(1, 3, 2), (2, 4, 1.9)], True),  # spans of 1/2 and 2/3.8, scores of 1/2 and (2 + 20 x 0.1) / 3.8 = 1.05
        ([(1, 3, 2), (2, 4, 1.7)], False),  # 1/2 and (2 + 20 x 0.3) / 3.4 = 2.35
        ([(0, 1, 0)], False),  # a result of zero says nothing
        ([], False),
    ],
)
def test_intervals_say_something_if_they_are_narrow_and_score_better_than_their_scales(intervals, informed):
    assert is_informed(load("retry-storm"), [prediction(*one) for one in intervals]) is informed


def test_a_share_over_its_whole_scale_says_nothing_though_it_holds():
    whole = [prediction(0, 1, 0.95, "done_share")] * 4
    assert not is_informed(load("retry-storm"), whole)
    words = held_words(load("retry-storm"), whole)
    assert words == "4 of 4 intervals held; they span 100% of the scale on average, so that to hold says nothing."
    assert (
        held_words(load("retry-storm"), [prediction(0.9, 1, 0.95, "done_share")])
        == "1 of 1 interval held; it spans 10% of the scale."
    )
