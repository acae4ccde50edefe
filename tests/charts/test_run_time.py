"""The marks of curveballs: where they are drawn, and what the sentence and the table say of them."""

import pytest

from simulator.charts.queue_charts import queue_over_time, queues
from simulator.charts.replica_charts import batch_timeline
from simulator.evidence.latency_tables import constant
from tests.builders import people, plan, pool, run_at

BALLS = {
    "surge": {"kind": "traffic", "label": "A surge", "note": "twice as many", "times": 2, "lasts_s": 20},
    "gone": {"kind": "replica_loss", "label": "Gone", "stage": "p", "replicas": 1},
}


@pytest.fixture
def struck():
    """The surge lasts from 30 to 50 s; a replica is gone from 40 s on."""
    stages = {"p": pool(replicas=2, to="r", label="Model"), "r": people(("00:00", "24:00", 1), minutes=0.2)}
    made = plan(stages, constant(5.0), curveballs=BALLS, strikes={"surge": 30.0, "gone": 40.0})
    return run_at(made, [0, 1, 2, 30, 31, 32, 33])


def bands(chart):
    return [(shape.x0, shape.x1) for shape in chart.figure.layout.shapes if shape.type == "rect"]


def labels(chart):
    return [note.text.strip() for note in chart.figure.layout.annotations]


def test_a_chart_over_the_run_marks_each_curveball_for_as_long_as_it_lasts(struck):
    chart = queues(struck)
    assert {"A surge", "Gone"} <= set(labels(chart))
    starts = [start.second for start, _ in bands(chart)]
    assert starts == [30, 40]
    assert "“A surge” struck at 00:00:30 (30.0 s into the run) and lasted 20.0 s: twice as many." in chart.takeaway
    assert "“Gone” struck at 00:00:40 (40.0 s into the run) and lasted to the end of the run." in chart.takeaway


def test_the_table_says_at_each_time_what_strikes(struck):
    """Rows are 1,100 s / 600 apart."""
    column = queues(struck).table["curveball"].tolist()
    step = 1100 / 600
    assert column[0] == ""
    assert column[int(35 / step)] == "A surge"
    assert column[int(45 / step)] == "A surge, Gone"
    assert column[int(60 / step)] == "Gone"


def test_the_queue_of_people_is_marked_too(struck):
    chart = queue_over_time(struck, "r")
    assert {"A surge", "Gone"} <= set(labels(chart))
    assert "curveball" in chart.table


def test_a_minute_shows_what_strikes_in_it_alone(struck):
    assert "A surge" in labels(batch_timeline(struck, 30.0))
    later = batch_timeline(struck, 85.0)
    assert "A surge" not in later.takeaway


def test_a_run_that_nothing_strikes_has_no_marks():
    calm = run_at(plan({"p": pool(label="Model")}, constant(5.0), curveballs=BALLS), [0, 1, 2])
    chart = queues(calm)
    assert bands(chart) == []
    assert "curveball" not in chart.table


def test_a_run_of_days_names_the_day_of_each_time_and_a_short_run_does_not():
    """Two servers take a day each: of five requests at 00:00 three wait until the second day, and one until the third."""
    made = plan({"p": pool(replicas=2, label="Model")}, constant(86_400.0), seconds=86_400)
    long = queues(run_at(made, [0] * 5))
    assert "Longest queues: Model 3 at 00:00 on day 1." in long.takeaway
    assert "The most in flight at once: 5 requests, at 00:00 on day 1." in long.takeaway
    waiting = long.table[long.table["Model: in the queue"] > 0]["time of day"].tolist()
    assert waiting[-1].endswith("on day 2")
    assert long.figure.layout.xaxis.tickformat == "%H:%M\nday %-j"
    assert "%H:%M on day %-j" in long.figure.data[0].hovertemplate
    assert long.table["time of day"].iloc[0] == "00:00:00 on day 1"


def test_a_run_of_minutes_names_no_day(struck):
    chart = queues(struck)
    assert "day" not in chart.takeaway
    assert chart.figure.layout.xaxis.tickformat == "%H:%M"
    assert chart.table["time of day"].iloc[0] == "00:00:00"
