"""What real drives say, drawn from small tables made by hand."""

import pytest

from simulator.sources.drive_charts import after_a_miss, confirmed_at, lateness, lateness_by, seen_by_label, two_sensors
from tests.app.drive_tables import YOLOX, follows_rows, heldout_rows, joint_rows, lateness_rows

NAME = seen_by_label(YOLOX)


def test_lateness_is_a_line_as_it_comes_and_one_moved_on():
    chart = lateness(lateness_rows(), YOLOX, 0.5)
    raw, moved = (next(trace for trace in chart.figure.data if trace.name == f"late, {what}")
                  for what in ("as it comes", "moved on by a prediction"))  # fmt: skip
    assert list(raw.y) == pytest.approx([80, 60, 40])
    assert list(moved.x) == [0, 0.2]
    assert chart.takeaway == (
        f"An answer of {NAME} that is 200 ms old still finds 40.0% (35.0 to 45.0) of the cars, a fresh one 80.0% (75.0 to "
        "85.0), at an overlap of 0.5 or more. Moving its boxes on by a prediction makes it 60.0% (55.0 to 65.0) and wins "
        "back 50.0% of the loss."
    )
    assert chart.table["found (%)"].tolist() == pytest.approx([80, 60, 40, 80, 60])


def test_without_a_prediction_the_sentence_stops_at_the_loss():
    rows = lateness_rows()
    told = lateness(rows[~rows["predicted"]], YOLOX, 0.5).takeaway
    assert told.endswith("at an overlap of 0.5 or more.")


def test_groups_show_what_is_found_fresh_late_and_moved_on():
    chart = lateness_by(lateness_rows(), YOLOX, 0.5, "closing_mps", 0.2)
    fresh, raw, moved = chart.figure.data
    assert list(raw.y) == ["under −2 m/s", "−2 to 10 m/s", "10 m/s or more"]
    assert list(fresh.x) == pytest.approx([70, 80, 60])
    assert list(moved.x) == pytest.approx([70, 78, 40])
    assert chart.takeaway == (
        "An age of 200 ms costs most where the closing speed is 10 m/s or more: 60.0% become 10.0%; it costs least at under −2 "
        "m/s: 70.0% become 65.0%."
    )


def test_confirmation_distances_stand_beside_what_was_predicted():
    chart = confirmed_at(heldout_rows(), YOLOX)
    real, chain, independent = chart.figure.data
    assert list(real.x) == [31, 32.5, 35, 37.5, 39]
    assert (chain.x[2], independent.x[2], independent.line.dash) == (34, 45, "dash")
    assert chart.takeaway == (
        f"On drives that were left out, {NAME} confirmed half of 120 approaching cars 35.0 m away or farther. Misses that "
        "follow each other as measured predict 34.0 m, and their 80% intervals hold 78.0% of the cars. Independent misses "
        "predict 45.0 m, and their 80% intervals hold 78.0% of the cars."
    )
    assert chart.table["within 80% intervals (%)"].tolist() == [78, 78]


def test_what_follows_a_hit_and_what_follows_a_miss():
    chart = after_a_miss(follows_rows(), YOLOX, "car")
    hit, every, miss = chart.figure.data
    assert list(hit.y) == ["all", "0 to 25 px"]
    assert list(hit.x) == pytest.approx([90, 70])
    assert list(miss.error_x.array) == pytest.approx([2, 2])
    assert list(every.x) == pytest.approx([70, 30])
    assert chart.takeaway == (
        f"{NAME} finds 90.0% (88.0 to 92.0) of cars in the frame after a hit, and 20.0% (18.0 to 22.0) in the frame after "
        "a miss: if misses were independent, it would be 70.0% after either."
    )


def test_two_sensors_are_told_where_independence_promises_too_much():
    chart = two_sensors(joint_rows(), "car")
    either = next(trace for trace in chart.figure.data if trace.name == "either, as measured")
    assert (list(either.x), list(either.y)) == ([10, 30], pytest.approx([97, 60]))
    assert list(either.error_y.arrayminus) == pytest.approx([3, 3])
    assert chart.takeaway == (
        "Camera or LiDAR find 80.0% (77.0 to 82.0) of 1,000 cars, not the 90.0% that independent misses promise (correlation "
        "of the misses 0.40, 0.30 to 0.50). The promise is farthest off at 20 m or more: 60.0% (57.0 to 62.0) of 1,000 cars, "
        "not the 70.0% that independent misses promise."
    )
    assert chart.table["distance"].tolist() == ["all", "0 to 20 m", "20 m or more"]


def test_a_correlation_that_cannot_be_told_is_left_out():
    rows = joint_rows().assign(correlation=float("nan"))
    assert "correlation" not in two_sensors(rows, "car").takeaway
