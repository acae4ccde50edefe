"""The interval score is that of Gneiting and Raftery (2007), and honest intervals have the best one."""

import numpy as np
import pytest
from scipy.stats import norm

from simulator.session.prediction_scores import interval_score, is_informed
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


def prediction(low, high, value):
    settled = Settlement(0.0, "0" * 12, value, None, low <= value <= high, interval_score(low, high, value))
    return SessionPrediction(0, 0.0, "0" * 12, "done_share", low, high, None, settled)


@pytest.mark.parametrize(
    ("intervals", "informed"),
    [
        ([(0, 3.9, 2)], True),  # a score of 3.9, less than that of 0 to 4
        ([(0, 4, 2)], False),
        ([(1, 3, 2), (2, 4, 1.9)], True),  # 2 / 2 and (2 + 20 x 0.1) / 1.9 are 3.1, less than 4
        ([(1, 3, 2), (2, 4, 1.7)], False),  # 1 and (2 + 20 x 0.3) / 1.7 are 5.7
        ([(0, 1, 0)], False),  # a result of zero says nothing
        ([], False),
    ],
)
def test_intervals_are_informed_if_they_score_better_than_zero_to_twice_the_result(intervals, informed):
    assert is_informed([prediction(*one) for one in intervals]) is informed
