"""The axis of a prediction fits the bound and the last result, and its interval starts there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.evidence.latency_tables import constant
from simulator.explain.result import replicate
from simulator.intervals import Interval
from simulator.practice.prediction_panel import axis_of, stage_sentence
from simulator.session.session_state import SessionPrediction, Settlement
from tests.builders import plan, pool

BOUNDS = st.floats(1e-3, 1e6)
VALUES = st.floats(0, 1e7)
UNITS = st.sampled_from([("USD", 1.0), ("s", 1 / 60), ("share", 100.0)])


def test_a_bound_of_62_000_stands_at_a_quarter_of_its_axis_and_within_the_first_interval():
    axis = axis_of(62_000, "USD", 1.0, None)
    assert (axis.most, axis.low, axis.high) == (250_000, 25_000, 100_000)


def test_an_interval_starts_with_that_of_the_last_run_rounded_outwards():
    axis = axis_of(62_000, "USD", 1.0, Interval(56_210, 49_400, 61_900))
    assert (axis.most, axis.step) == (250_000, 1250)
    assert (axis.low, axis.high) == (48_750, 62_500)


def test_a_result_far_beyond_the_bound_fits_its_axis():
    axis = axis_of(10, "s", 1.0, Interval(900, 800, 1000))
    assert axis.most == 1500
    assert (axis.low, axis.high) == pytest.approx((795, 1005))


@pytest.mark.parametrize(("bound", "interval", "step"), [(0.84, (70, 95), 0.5), (0.99, (89, 100), 0.1), (0.02, (0, 12), 0.1)])
def test_a_share_starts_within_ten_points_of_its_bound_and_in_finer_steps_near_the_ends(bound, interval, step):
    axis = axis_of(bound, "share", 100.0, None)
    assert (axis.most, axis.step, axis.low, axis.high) == (100, step, *map(pytest.approx, interval))


@given(BOUNDS, UNITS, st.none() | st.tuples(VALUES, VALUES).map(sorted))
def test_the_first_interval_lies_on_the_axis_and_holds_the_last_result_or_the_bound(bound, unit, ends):
    name, factor = unit
    if name == "share":
        bound, ends = bound / 1e6, ends and [one / 1e7 for one in ends]
    axis = axis_of(bound, name, factor, None if ends is None else Interval(ends[0], *ends))
    assert 0 <= axis.low < axis.high <= axis.most * (1 + 1e-9)
    for held in [bound] if ends is None else ends:
        assert axis.low - 1e-6 * axis.most <= factor * held <= axis.high + 1e-6 * axis.most


def test_a_run_without_a_queue_names_the_objectives_that_are_missed_for_another_reason():
    """A constant 0.1 s at a load of 10%: nothing waits much, and a cost that no design reaches is missed all the same."""
    dear = {"metric": "cost_per_1000_usd", "at_most": 1e-6, "label": "Cost"}
    late = {"metric": "latency_p95_s", "at_most": 0.01, "label": "Answer"}
    sentences = []
    for objectives in ([dear], [late], []):
        made = plan({"p": pool(label="Model")}, constant(0.1), rate=1, seconds=300, objectives=objectives)
        result = replicate(made, 1, 2)
        limit = result.bottleneck.stage if result.bottleneck else None
        prediction = SessionPrediction(1, 0.0, "", None, None, None, "p", Settlement(2.0, "", bottleneck=limit))
        sentences.append(stage_sentence(made.scenario, prediction, result))
    no_queue = "In this run no stage holds requests up or turns them away so that an objective is missed."
    assert sentences == [
        f"You named “Model” as the limit. {no_queue} The reason for the miss of “Cost” is another one.",
        "You named “Model” as the limit. It is “Model”.",
        f"You named “Model” as the limit. {no_queue}",
    ]
