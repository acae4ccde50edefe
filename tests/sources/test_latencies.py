"""Curves and ratios hold what was measured."""

import pandas as pd
import pytest

from simulator.charts.look import rounded
from simulator.sources.latency_charts import latency_curves, speed_of_precisions, step_times
from simulator.sources.latency_rows import calls, cells, speedups
from tests.profiles import profile, steady

PROFILES = [
    profile("net", b1=steady(10), b4=steady(20)),
    profile("net", "int8_static", busy=0.5, b1=steady(5), b4=steady(20)),
]


def line(chart, name):
    return next(trace for trace in chart.figure.data if trace.name == name)


@pytest.mark.parametrize(("by_item", "expected"), [(False, [10, 20]), (True, [10, 5])])
def test_a_curve_is_of_the_batch_or_of_one_item(by_item, expected):
    chart = latency_curves(cells(PROFILES), calls(PROFILES), by_item)
    drawn = line(chart, "net fp32")
    assert list(drawn.x) == [1, 4]
    assert list(drawn.y) == pytest.approx(expected)


def test_the_sentence_tells_what_batches_gain():
    chart = latency_curves(cells(PROFILES), calls(PROFILES), by_item=False)
    assert "In batches of 4, net fp32 does 2.0 times the items a second of batches of 1" in chart.takeaway
    assert "net int8 static gains least: 1.0 times" in chart.takeaway
    assert chart.table["median (ms)"].tolist() == [10, 20, 5, 20]


def test_each_thread_count_is_a_line_of_its_own():
    one = profile("net", b1=steady(10), b4=steady(20))
    two = one.model_copy(update={"runs": [*one.runs, one.runs[0].model_copy(update={"threads": 2})]})
    chart = latency_curves(cells([two]), calls([two]), by_item=False)
    assert [trace.name for trace in chart.figure.data if trace.mode == "lines+markers"] == [
        "net fp32, 1 thread",
        "net fp32, 2 threads",
    ]
    assert list(line(chart, "net fp32, 2 threads").y) == [10, 20]


def test_single_calls_are_drawn_beside_their_batch_size():
    chart = latency_curves(cells(PROFILES[:1]), calls(PROFILES[:1]), by_item=False)
    dots = next(trace for trace in chart.figure.data if trace.mode == "markers")
    assert sorted(set(dots.y)) == [10, 20]
    assert all(min(abs(x / 1 - 1), abs(x / 4 - 1)) < 0.1 for x in dots.x)


def test_a_ratio_of_a_disturbed_machine_is_hollow():
    ratios = speedups(cells([*PROFILES, profile("net", "int8_dynamic", b1=steady(20))]), 1)
    chart = speed_of_precisions(ratios)
    assert list(line(chart, "int8 static").x) == [2]
    assert line(chart, "int8 static").marker.symbol == ("circle-open",)
    assert line(chart, "int8 dynamic").marker.symbol == ("circle",)
    assert "int8 dynamic is 2.0 times slower than fp32 for net." in chart.takeaway
    assert chart.takeaway.endswith("Slower than fp32: int8 dynamic for 1 of 1 model.")


def test_steps_are_held_against_the_networks():
    steps = cells([profile("photo_decode", "jpeg", b1=steady(12)), profile("step_nms", "100_boxes", b1=steady(1))])
    chart = step_times(steps, cells([*PROFILES, profile("slow", b1=steady(99))]))
    assert chart.takeaway == "The longest step, photo decode jpeg, takes 12.0 ms: longer than 1 of the 2 networks take at fp32."
    assert list(chart.figure.data[0].y) == ["nms 100 boxes", "photo decode jpeg"]


def test_a_table_is_rounded_to_what_a_person_reads():
    table = rounded(pd.DataFrame({"model": ["net"], "calls": [12345], "time (ms)": [123.4567]}))
    assert table.iloc[0].tolist() == ["net", 12345, 123.5]
