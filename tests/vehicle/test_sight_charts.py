"""How far a design sees beside how far it needs to, and what better accuracy costs in latency."""

import numpy as np
import pandas as pd
import pytest

from simulator.charts.look import GREY
from simulator.vehicle.sight import Sighted
from simulator.vehicle.sight_charts import accuracy_by_latency, recall_by_distance

STOPS = {50: 25.0, 30: 10.0, 80: 90.0}


def sighted(label="Detector", object="pedestrian"):
    """Everything up to 10 m, nothing from 60 m on, and evenly less in between; measured to 80 m."""
    recall = np.array([1.0, 1.0, 0.0, 0.0])
    distance = np.array([2.0, 10.0, 60.0, 80.0])
    return Sighted("look", label, object, distance, recall, recall * 0.9, np.minimum(recall * 1.1, 1))


def test_the_sentence_tells_what_is_found_where_the_vehicle_needs_to_stop():
    assert recall_by_distance([sighted()], STOPS).takeaway == (
        "To stop, the vehicle needs 10 m from 30 km/h, 25 m from 50 km/h and 90 m from 80 km/h. The share of the pedestrians "
        "that one frame finds there: Detector 100.0%, 70.0% and not measured."
    )


def test_each_stopping_distance_is_a_dashed_line_with_its_speed():
    layout = recall_by_distance([sighted()], STOPS).figure.layout
    assert [shape.x0 for shape in layout.shapes] == [10, 25, 90]
    assert {(shape.line.dash, shape.line.color) for shape in layout.shapes} == {("dash", GREY)}
    assert [note.text for note in layout.annotations] == ["30 km/h", "50 km/h", "80 km/h"]
    assert layout.xaxis.range[1] > 90


def test_a_curve_lies_in_its_band_and_every_detector_has_one():
    low, high, curve, *others = recall_by_distance([sighted(), sighted("LiDAR")], STOPS).figure.data
    assert list(curve.y) == [100, 100, 0, 0]
    assert list(low.y) == pytest.approx([90, 90, 0, 0])
    assert list(high.y) == [100, 100, 0, 0]
    assert [trace.name for trace in others if trace.name] == ["LiDAR"]


def test_the_table_holds_the_stopping_distances_beside_the_curve():
    table = recall_by_distance([sighted()], STOPS).table.set_index("needed")
    assert table.loc["stops from 50 km/h", "found (%)"] == pytest.approx(70)
    assert np.isnan(table.loc["stops from 80 km/h", "found (%)"])


def options(**columns):
    rows = {
        "choice": ["detector"] * 3,
        "option": ["fast", "strong", "old"],
        "label": ["Nano", "X", "Two stages"],
        "latency_ms": [5.0, 50.0, 100.0],
        "low_ms": [np.nan, 40.0, np.nan],
        "high_ms": [np.nan, 65.0, np.nan],
        "recall": [0.3, 0.8, 0.6],
        "on_front": [True, True, False],
        "picked": [False, True, False],
    }
    return pd.DataFrame(rows | columns)


def test_the_options_that_none_beats_are_joined_and_the_others_hollow():
    joined, *points, mine = accuracy_by_latency(options(), "cars 40 m away").figure.data
    assert (list(joined.x), list(joined.y)) == ([5, 50], [30, 80])
    assert [point.marker.symbol for point in points] == ["circle", "circle", "circle-open"]
    assert (mine.name, list(mine.x)) == ("this design", [50])


def test_the_sentence_tells_both_ends_of_the_front_and_who_is_beaten():
    assert accuracy_by_latency(options(), "cars 40 m away").takeaway == (
        "“Nano” finds 30.0% of cars 40 m away in 5.00 ms, “X” 80.0% in 50.0 ms. 1 of 3 options is beaten in both."
    )
    alone = accuracy_by_latency(options(on_front=[False, True, False]), "cars 40 m away")
    assert alone.takeaway.startswith("“X” finds 80.0% of cars 40 m away in 50.0 ms. No other option is faster or finds more.")


def test_the_band_of_a_projection_is_drawn_where_there_is_one():
    _, fast, strong, *_ = accuracy_by_latency(options(), "cars 40 m away").figure.data
    assert fast.error_x.array is None
    assert (list(strong.error_x.array), list(strong.error_x.arrayminus)) == ([15], [10])
