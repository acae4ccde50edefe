"""What counts as false, where it is, how long it stays and how often that is by the hour: examples worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from campaigns.drives import false_answers
from campaigns.drives.false_answers import frames_kept, hourly, located
from campaigns.drives.read import BOX, Drives

CAMERA = np.array([[700.0, 0, 600, 0], [0, 700, 170, 0], [0, 0, 1, 0]])


def boxes(rows, **columns):
    """Rows of drive 0000: frame, left, top, right, bottom."""
    table = pd.DataFrame(rows, columns=["frame", *BOX]).assign(drive="0000")
    return table.assign(**columns)


def answers(rows, **columns):
    told = {"object": "car", "track": -1, "score": np.nan, "x_m": np.nan, "z_m": np.nan}
    return boxes(rows, **(told | columns))


def drives(labels, unlabelled=(), frames=100, given=None):
    return Drives(labels, boxes(list(unlabelled)), given or {}, {"0000": CAMERA}, {"0000": frames})


def test_an_answer_is_false_where_nothing_is_labelled():
    labels = boxes([(0, 0, 0, 100, 100), (0, 300, 0, 400, 100), (1, 600, 0, 700, 100)], label=["Car", "Truck", "Car"])
    given = answers(
        [
            (0, 40, 0, 140, 100),  # IoU 60 / 140 with the car: there
            (0, 60, 0, 160, 100),  # IoU 40 / 160 = 0.25: false
            (0, 340, 40, 380, 80),  # within the truck: not counted
            (0, 0, 0, 20, 20),  # within the car, of its own class: IoU 0.04, false
            (0, 600, 0, 700, 100),  # the car there is of another frame: false
            (0, 800, 0, 900, 100),  # 60% within a region without labels: not counted
            (0, 800, 200, 900, 300),  # 40% within one: false
        ]
    )
    regions = [(0, 840, 0, 950, 100), (0, 860, 200, 950, 300)]
    wrong = false_answers.false_answers(given, drives(labels, regions), ("Car", "Van"))
    assert wrong.index.tolist() == [1, 3, 4, 6]


def test_a_box_stands_where_its_lower_edge_meets_the_road():
    # 700 * 1.65 / (224.39 - 170) = 21.2 m ahead; (635 - 600) / 700 * 21.2 = 1.06 m to the right
    found = located(answers([(0, 615, 150, 655, 170 + 700 * 1.65 / 21.2), (0, 10, 20, 40, 160)]), drives(boxes([])))
    assert found["z_m"].tolist() == pytest.approx([21.2, np.inf])
    assert found["x_m"].iloc[0] == pytest.approx(1.06)


def test_a_reported_place_is_kept():
    found = located(answers([(0, 615, 150, 655, 300)], x_m=-3.0, z_m=17.0), drives(boxes([])))
    assert found[["x_m", "z_m"]].to_numpy().tolist() == [[-3.0, 17.0]]


def test_frames_on_end_are_counted_by_track():
    rows = [(frame, 0, 0, 10, 10) for frame in (3, 4, 5, 7, 4)]
    assert frames_kept(answers(rows, track=[1, 1, 1, 1, 2]), tracked=True).tolist() == [1, 2, 3, 1, 1]


def test_without_tracks_the_boxes_that_overlap_best_are_one():
    rows = [(0, 0, 0, 10, 10), (0, 4, 0, 14, 10), (1, 4, 0, 14, 10), (2, 6, 0, 16, 10), (2, 30, 0, 40, 10), (3, 50, 0, 60, 10)]
    assert frames_kept(answers(rows), tracked=False).tolist() == [1, 1, 2, 3, 1, 1]


def test_one_box_does_not_carry_two_on():
    rows = [(0, 0, 0, 10, 10), (1, 0, 0, 10, 10), (1, 2, 0, 12, 10)]
    assert frames_kept(answers(rows), tracked=False).tolist() == [1, 2, 1]


@pytest.mark.parametrize(("count", "low", "high"), [(1, 0.0253, 5.572), (10, 4.795, 18.390), (0, 0.0, 3.0)])
def test_the_interval_of_a_count_is_that_of_the_tables(count, low, high):
    # Garwood 1936, table of 95% limits; 3 where none was seen
    found = hourly(count, 0.5)
    assert (found.value, found.low, found.high) == pytest.approx((2 * count, 2 * low, 2 * high), rel=1e-3)


def test_rates_of_a_drive_by_hand():
    ahead = 170 + 700 * 1.65 / 20
    labels = boxes([(0, 1000, 0, 1100, 100)], label="Car")
    given = answers([(frame, 590, 150, 610, ahead) for frame in range(4)] + [(9, 0, 0, 50, 300)], track=[7, 7, 7, 7, 8])
    nothing = answers([])
    sensors = dict.fromkeys(false_answers.SENSORS, nothing) | {"kitti.yolox_x": given}
    rows = false_answers.table(drives(labels, frames=360, given=sensors)).query("seen_by == 'kitti.yolox_x'")
    told = rows.set_index(["where", "kept_frames"])["count"].to_dict()
    assert told == {
        **{("image", kept): count for kept, count in ((1, 2), (2, 1), (3, 1), (5, 0))},
        **{("corridor", kept): count for kept, count in ((1, 1), (2, 1), (3, 1), (5, 0))},
    }
    assert set(rows["hours"]) == {0.01}
    assert rows.set_index(["where", "kept_frames"])["per_hour"].loc[("image", 1)] == 200
    assert rows.set_index("where")["boxes_per_frame"].loc["image"].iloc[0] == pytest.approx(5 / 360, abs=1e-5)
