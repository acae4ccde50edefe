"""The age of information as a saw and as a distribution, against a frame every second that takes 0.2 s."""

import numpy as np
import pytest

from simulator.charts.answer_charts import age_over_time, age_shares
from simulator.charts.look import GREY
from simulator.engine.run import simulate
from simulator.evidence.latency_tables import constant
from tests.builders import end, plan, pool, sensors

FRESH = [{"metric": "age_peak_p95_s.done.front", "label": "Fresh enough", "at_most": 0.7}]


@pytest.fixture(scope="module")
def trace():
    """Known of `front`: from 0.2 to 1.2 s old; of `left`, half a second later and every two seconds: 0.2 to 2.2 s."""
    cameras = sensors(front={"rate_per_s": 1}, left={"rate_per_s": 0.5, "skew_ms": 500})
    made = plan({"look": pool()}, constant(0.2), seconds=100, arrivals=cameras, ends={"done": end(age=True, label="Planner")},
                objectives=FRESH)  # fmt: skip
    return simulate(made)


def test_the_age_grows_by_a_second_a_second_and_falls_when_a_frame_arrives(trace):
    front, left = age_over_time(trace, "done", 50.7).figure.data
    assert (front.name, left.name) == ("front", "left")
    at = np.array(front.x) + 50.7
    falls = at[np.flatnonzero(np.diff(at) == 0)]
    assert falls == pytest.approx([50.2, 51.2])
    assert max(front.y) == pytest.approx(1200)
    assert min(front.y) == pytest.approx(200)
    assert np.interp(0, front.x, front.y) == pytest.approx(700)


def test_the_sentence_tells_the_ages_at_the_instant_and_the_worst_around_it(trace):
    assert age_over_time(trace, "done", 50.9).takeaway == (
        "Planner: at 00:00:50.90 the newest frame of front is 900 ms old and the newest frame of left 400 ms. In the 2 s "
        "around it nothing gets older than 2.20 s."
    )


def test_the_share_of_the_time_within_an_age_is_that_of_even_teeth(trace):
    """Teeth from 0.2 to 1.2 s: half of the time the age is within 0.7 s, but for the start of the run."""
    chart = age_shares(trace, "done")
    front, left = chart.figure.data
    assert np.interp(700, front.x, front.y) == pytest.approx(50, abs=0.5)
    assert np.interp(1200, left.x, left.y) == pytest.approx(50, abs=1.5)
    assert chart.table["50% of the time within (ms)"].tolist() == pytest.approx([700, 1200], abs=15)


def test_an_objective_on_an_age_is_the_usual_dashed_line_in_both(trace):
    for chart in (age_over_time(trace, "done", 50.0), age_shares(trace, "done")):
        dashed = [shape for shape in chart.figure.layout.shapes if shape.line.dash == "dash"]
        assert [shape.line.color for shape in dashed] == [GREY]
    # Of 100 s: 0.7 of the first tooth, half of each of the 98 whole ones, and 0.5 of the last.
    assert (
        "The target of 700 ms is met by the newest frame of front for 50.2% of the time." in age_shares(trace, "done").takeaway
    )


def test_a_sensor_of_which_nothing_arrives_is_told_and_not_drawn():
    cameras = sensors(front={"rate_per_s": 1}, left={"rate_per_s": 0.01, "skew_ms": 99_900})
    made = plan({"look": pool()}, constant(0.2), seconds=100, arrivals=cameras, ends={"done": end(age=True, label="Planner")})
    trace = simulate(made)
    for chart in (age_over_time(trace, "done", 50.0), age_shares(trace, "done")):
        assert [line.name for line in chart.figure.data] == ["front"]
        assert chart.takeaway.endswith(" Nothing of left reaches it.")


def test_where_nothing_is_known_there_is_nothing_to_draw():
    made = plan({"look": pool()}, constant(200.0), seconds=100, ends={"done": end(age=True, label="Shown")})
    trace = simulate(made)
    assert age_over_time(trace, "done", 50.0).figure is None
    assert age_shares(trace, "done").takeaway == "Shown: nothing arrived."


def test_requests_that_are_no_frames_have_one_age():
    made = plan({"look": pool()}, constant(0.2), seconds=100, ends={"done": end(age=True, label="Shown")})
    chart = age_over_time(simulate(made), "done", 50.0)
    assert len(chart.figure.data) == 1
    assert chart.takeaway.startswith("Shown: at 00:00:50.00 what is known is ")
