"""Where a statement turns: found where it is known, and within its interval as often as it promises."""

from math import inf

import numpy as np
import pytest
from scipy.stats import binom, t

from simulator.case.scenario_parts import Objective
from simulator.intervals import Interval, estimate
from simulator.metrics.summary import Verdict
from simulator.tradeoffs.breakeven import crossing
from simulator.tradeoffs.breakeven_claims import Answer
from tests.tradeoffs.made import FOUND

#: An objective that asks for a margin of 0 at least: its figure is its distance from turning.
ANY = Objective(metric="found", at_least=0, label="Found")

#: Without a figure, because of overload or because of too few requests.
FAILS, UNKNOWN = (Answer(Verdict(ANY, FOUND, None), overloaded=overloaded) for overloaded in (True, False))


def answered(value: float, low: float, high: float) -> Answer:
    return Answer(Verdict(ANY, FOUND, estimate(Interval(value, low, high))))


def sure(value: float) -> Answer:
    return answered(value, value, value)


def test_without_luck_the_place_is_where_the_gap_is_zero():
    found = crossing(lambda x: sure(4.3 - x), lambda x: sure(4.3 - x), 0.0, 10.0)
    assert found is not None
    assert found.at == pytest.approx(4.3)
    assert found.low <= 4.3 <= found.high
    assert found.high - found.low <= 10 / 64


def test_a_statement_that_does_not_turn_has_no_place():
    assert crossing(lambda x: sure(1.0), lambda x: sure(1.0), 0.0, 10.0) is None


def test_a_figure_that_vanishes_under_overload_turns_where_it_vanishes():
    gap = lambda x: sure(5.0) if x < 7 else FAILS  # noqa: E731
    found = crossing(gap, gap, 0.0, 8.0)
    assert found is not None
    assert found.low < 7 <= found.high
    assert found.above == FAILS


def test_a_range_that_ends_before_a_side_is_sure_leaves_that_bound_open():
    gap = lambda x: answered(5 - x, 2 - x, 8 - x)  # noqa: E731
    found = crossing(gap, gap, 0.0, 6.0)
    assert found is not None
    assert 1.9 <= found.low <= 2
    assert (found.high, found.is_bounded) == (inf, False)
    assert found.confirmed[1] is None


def test_what_too_few_requests_stand_behind_is_not_sure():
    gap = lambda x: UNKNOWN if x > 5 else sure(1.0)  # noqa: E731
    found = crossing(gap, gap, 0.0, 10.0)
    assert found is not None
    assert found.high == inf


def test_the_interval_reaches_to_where_other_requests_say_the_same():
    gap, other = (lambda x: sure(4.0 - x)), (lambda x: sure(4.8 - x))
    found = crossing(gap, other, 0.0, 10.0)
    assert found is not None
    assert found.low <= 4.0
    assert found.high >= 4.8
    assert found.confirmed[1] is not None
    assert not found.confirmed[1].holds


def test_the_interval_holds_the_true_place_as_often_as_it_promises():
    """Gaps of eight replications with the same luck everywhere, as with common random numbers, of which the truth is known."""
    held, studies = 0, 300
    for seed in range(studies):
        rng = np.random.default_rng(seed)
        luck, again = rng.normal(0, 1, (2, 8))
        slope = rng.normal(0, 0.05, 8)

        def gap(x: float, luck: np.ndarray = luck, slope: np.ndarray = slope) -> Answer:
            values = 6.0 - x + luck + slope * (x - 6.0)
            half = float(t.ppf(0.975, 7) * values.std(ddof=1) / np.sqrt(8))
            mean = float(values.mean())
            return answered(mean, mean - half, mean + half)

        found = crossing(gap, lambda x, again=again: gap(x, again), 0.0, 12.0)
        assert found is not None
        held += found.low <= 6.0 <= found.high
    # At least 95% are promised: it is widened until other requests agree.
    assert held >= binom.ppf(0.025, studies, 0.95)


def test_an_answer_has_the_verdict_of_the_card_and_its_distance_from_the_bound():
    one = estimate(Interval(0.97, 0.95, 0.98))
    asked = [Objective(metric="found", label="Found", **{side: bound})
             for side, bound in (("at_least", 0.99), ("at_most", 0.99), ("at_least", 0.96), ("at_most", 0.9))]  # fmt: skip
    answers = [Answer(Verdict(objective, FOUND, one)) for objective in asked]
    assert [answer.standing for answer in answers] == ["not met", "met", "not proven", "not met"]
    assert [answer.margin for answer in answers] == [0.97 - 0.99, 0.99 - 0.97, 0.97 - 0.96, 0.9 - 0.97]
    assert [(answer.holds, answer.sure) for answer in answers] == [(False, True), (True, True), (True, False), (False, True)]


def test_a_figure_without_bound_misses_every_bound_and_is_one():
    answer = Answer(Verdict(Objective(metric="found", at_most=1, label="Found"), FOUND, estimate(Interval(inf, inf, inf))))
    assert (answer.standing, answer.words) == ("not met", "not met")
    assert answer.fails
    assert not answer.missing
