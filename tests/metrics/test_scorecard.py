"""Verdicts: met, not met, not proven, or none to give."""

import math

import pytest

from simulator.case.outputs import CaseOutline, metrics_of
from simulator.case.scenario_parts import Objective
from simulator.charts import look
from simulator.intervals import Interval, estimate
from simulator.metrics.summary import judge
from simulator.practice.run_page import objectives_table

AT_LEAST = Objective(metric="sensitivity", label="Found", at_least=0.9)
METRICS = metrics_of(CaseOutline({}, [], {}, population=("detected", "escalated")))
AT_MOST = Objective(metric="sensitivity", label="Found", at_most=0.9)


@pytest.mark.parametrize(
    ("objective", "interval", "words", "met", "margin"),
    [
        (AT_LEAST, Interval(0.95, 0.91, 0.97), "met", True, 0.05),
        (AT_LEAST, Interval(0.95, 0.85, 0.97), "not proven", True, 0.05),
        (AT_LEAST, Interval(0.85, 0.80, 0.92), "not proven", False, -0.05),
        (AT_LEAST, Interval(0.85, 0.80, 0.89), "not met", False, -0.05),
        (AT_LEAST, Interval(0.90, 0.90, 0.90), "met", True, 0.0),
        (AT_MOST, Interval(0.85, 0.80, 0.89), "met", True, 0.05),
        (AT_MOST, Interval(0.85, 0.80, 0.92), "not proven", True, 0.05),
        (AT_MOST, Interval(0.95, 0.85, 0.97), "not proven", False, -0.05),
        (AT_MOST, Interval(0.95, 0.91, 0.97), "not met", False, -0.05),
    ],
)
def test_a_verdict_says_on_which_side_of_the_bound_value_and_interval_lie(objective, interval, words, met, margin):
    verdict = judge(objective, METRICS, {"sensitivity": estimate(interval)})
    assert (verdict.standing, verdict.met) == (words, met)
    assert verdict.margin == pytest.approx(margin)
    told = verdict.to_json()
    assert told["met"] == met
    assert (told["value"], told["low"], told["high"]) == (interval.value, interval.low, interval.high)


@pytest.mark.parametrize(
    ("interval", "standing", "shown", "printed"),
    [
        (Interval(0.95, 0.91, 0.97), "met", look.FOUND, "green"),
        (Interval(0.85, 0.80, 0.89), "not met", look.MISSED, "red"),
        (Interval(0.95, 0.85, 0.97), "not proven", look.ORANGE, "yellow"),
        (Interval(0.85, 0.80, 0.92), "not proven", look.ORANGE, "yellow"),
        (None, "no figure", look.GREY, "bright_black"),
    ],
)
def test_a_verdict_has_the_same_colour_on_a_page_and_in_the_terminal(interval, standing, shown, printed):
    verdict = judge(AT_LEAST, METRICS, {"sensitivity": estimate(interval)} if interval else {})
    assert verdict.standing == standing
    assert look.TONES[standing] == shown
    assert [*objectives_table([verdict]).columns[-1].cells] == [f"[{printed}]{verdict.standing}[/{printed}]"]


@pytest.mark.parametrize(
    ("objective", "interval", "loss"),
    [
        (AT_LEAST, Interval(0.95, 0.91, 0.97), 0),
        (AT_LEAST, Interval(0.8, 0.8, 0.8), math.log(2)),  # 20% are not found, where 10% may be
        (AT_LEAST, Interval(0.95, 0.8, 0.99), math.log(2) / 8),  # it may be so
        (AT_LEAST, Interval(0.8, 0.6, 0.92), (math.log(4) + 6 * math.log(2)) / 8),
        (
            Objective(metric="sensitivity", label="Found", at_most=0.1),
            Interval(0.9, 0.4, 0.9),
            (math.log(4) + 7 * math.log(9)) / 8,
        ),
        (AT_LEAST.model_copy(update={"weight": 3}), Interval(0.8, 0.8, 0.8), 3 * math.log(2)),
        (Objective(metric="sensitivity", label="Found", at_least=1), Interval(0.99, 0.99, 0.99), math.log(1000)),
        (AT_LEAST, None, math.log(1000)),
    ],
)
def test_the_loss_of_a_verdict_is_how_many_times_its_bound_it_misses_over_its_interval(objective, interval, loss):
    verdict = judge(objective, METRICS, {"sensitivity": estimate(interval)} if interval else {})
    assert verdict.loss == pytest.approx(loss, abs=1e-12)


def test_a_figure_that_cannot_be_quoted_is_not_met_and_left_out():
    verdict = judge(AT_MOST, METRICS, {"specificity": estimate(Interval(0.5, 0.4, 0.6))})
    assert (verdict.standing, verdict.met) == ("no figure", False)
    assert verdict.to_json() == {"metric": "sensitivity", "at_most": 0.9, "met": False, "verdict": "no figure"}
