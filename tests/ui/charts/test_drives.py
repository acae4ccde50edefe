"""What real drives say, drawn from small tables made by hand."""

import numpy as np
import pandas as pd
import pytest

from simulator.ui.charts.drives import after_a_miss, confirmed_at, lateness, lateness_by, two_sensors, within_a_second

YOLOX = "kitti.yolox_x"


def found(share):
    return {"found": share, "found_low": share - 0.05, "found_high": share + 0.05}


def late(late_s, predicted, share, by="all", low=np.nan, high=np.nan):
    about = {"seen_by": YOLOX, "late_frames": round(10 * late_s), "late_s": late_s, "iou": 0.5, "predicted": predicted}
    return about | {"by": by, "low": low, "high": high, "boxes": 100, **found(share)}


@pytest.fixture
def rows():
    """Of 80% a lateness of 0.2 s leaves 40%, of which a prediction wins half back; fast cars lose most."""
    every = [late(0.0, False, 0.8), late(0.1, False, 0.6), late(0.2, False, 0.4), late(0.0, True, 0.8), late(0.2, True, 0.6)]
    bands = [(-np.inf, -2, 0.7, 0.65, 0.7), (-2, 10, 0.8, 0.7, 0.78), (10, np.inf, 0.6, 0.1, 0.4)]
    grouped = [
        late(late_s, predicted, share, "closing_mps", low, high)
        for low, high, *shares in bands
        for (late_s, predicted), share in zip([(0.0, False), (0.2, False), (0.2, True)], shares, strict=True)
    ]
    return pd.DataFrame(every + grouped)


def test_lateness_is_a_line_as_it_comes_and_one_moved_on(rows):
    chart = lateness(rows, YOLOX, 0.5)
    raw, moved = (next(trace for trace in chart.figure.data if trace.name == f"late, {what}")
                  for what in ("as it comes", "moved on by a prediction"))  # fmt: skip
    assert list(raw.y) == pytest.approx([80, 60, 40])
    assert list(moved.x) == [0, 0.2]
    assert chart.takeaway == (
        "An answer of YOLOX-x that is 200 ms old still finds 40.0% (35.0% to 45.0%) of the cars, a fresh one 80.0% (75.0% to "
        "85.0%), at an overlap of 0.5 or more. Moving its boxes on by a prediction makes it 60.0% (55.0% to 65.0%) and wins "
        "back 50.0% of the loss."
    )
    assert chart.table["found (%)"].tolist() == pytest.approx([80, 60, 40, 80, 60])


def test_without_a_prediction_the_sentence_stops_at_the_loss(rows):
    told = lateness(rows[~rows["predicted"]], YOLOX, 0.5).takeaway
    assert told.endswith("at an overlap of 0.5 or more.")


def test_groups_show_what_is_found_fresh_late_and_moved_on(rows):
    chart = lateness_by(rows, YOLOX, 0.5, "closing_mps", 0.2)
    fresh, raw, moved = chart.figure.data
    assert list(raw.y) == ["under −2 m/s", "−2 to 10 m/s", "10 m/s or more"]
    assert list(fresh.x) == pytest.approx([70, 80, 60])
    assert list(moved.x) == pytest.approx([70, 78, 40])
    assert chart.takeaway == (
        "An age of 200 ms costs most where the closing speed is 10 m/s or more: 60.0% become 10.0%; it costs least at under −2 "
        "m/s: 70.0% become 65.0%."
    )


def held(misses, predicted, bias):
    quantiles = {f"{kind}_q{share}": value + share / 10 for kind, value in (("real", 30), ("predicted", predicted))
                 for share in (10, 25, 50, 75, 90)}  # fmt: skip
    medians = {"tracks": 120, "real_median_m": 35.0, "predicted_median_m": predicted + 5}
    checked = {"bias_m": bias, "bias_low": bias - 2, "bias_high": bias + 1, "coverage_80": 0.78, "coverage_95": 0.93}
    return {"seen_by": YOLOX, "misses": misses, **medians, **checked, **quantiles}


def test_confirmation_distances_stand_beside_what_was_predicted():
    chart = confirmed_at(pd.DataFrame([held("chain", 29, -1), held("independent", 40, 10)]), YOLOX)
    real, chain, independent = chart.figure.data
    assert list(real.x) == [31, 32.5, 35, 37.5, 39]
    assert (chain.x[2], independent.x[2], independent.line.dash) == (34, 45, "dash")
    assert chart.takeaway == (
        "On drives that were left out, YOLOX-x confirmed half of 120 approaching cars 35.0 m away or farther. Misses that "
        "follow each other as measured predict 34.0 m, a bias of −1.0 m (−3.0 to +0.0). Independent misses promise 45.0 m, a "
        "bias of +10.0 m (+8.0 to +11.0)."
    )
    assert chart.table["within 80% intervals (%)"].tolist() == [78, 78]


def followed(kind, by, low, high, **shares):
    about = {"seen_by": YOLOX, "object": "car", "kind": kind, "by": by, "low": low, "high": high, "pairs": 500, "tracks": 40}
    bounds = {name: share for name, share in shares.items() if name not in ("chain", "independent")}
    low_high = {f"{name}_low": share - 0.02 for name, share in bounds.items()}
    return about | shares | low_high | {f"{name}_high": share + 0.02 for name, share in bounds.items()}


@pytest.fixture
def follows():
    return pd.DataFrame(
        [
            followed("next", "all", np.nan, np.nan, share=0.7, after_hit=0.9, after_miss=0.2),
            followed("next", "height_px", 0, 25, share=0.3, after_hit=0.7, after_miss=0.1),
            followed("next", "distance_m", 0, 10, share=0.9, after_hit=0.9, after_miss=0.4),
            followed("confirmed", "all", np.nan, np.nan, observed=0.75, chain=0.74, independent=0.9),
            followed("confirmed", "height_px", 0, 25, observed=0.3, chain=0.32, independent=0.8),
        ]
    )


def test_what_follows_a_hit_and_what_follows_a_miss(follows):
    chart = after_a_miss(follows, YOLOX, "car")
    hit, every, miss = chart.figure.data
    assert list(hit.y) == ["all", "0 to 25 px"]
    assert list(hit.x) == pytest.approx([90, 70])
    assert list(miss.error_x.array) == pytest.approx([2, 2])
    assert list(every.x) == pytest.approx([70, 30])
    assert chart.takeaway == (
        "YOLOX-x finds 90.0% (88.0% to 92.0%) of cars in the frame after a hit, and 20.0% (18.0% to 22.0%) in the frame after "
        "a miss: if misses were independent, it would be 70.0% after both."
    )


def test_a_second_of_frames_is_told_where_independence_is_most_wrong(follows):
    chart = within_a_second(follows, YOLOX, "car")
    observed, chain, independent = chart.figure.data
    assert [list(trace.x) for trace in (observed, chain, independent)] == [
        pytest.approx(shares) for shares in ([75, 30], [74, 32], [90, 80])
    ]
    assert list(chain.error_x.array) == [0, 0]
    assert chart.takeaway == (
        "At 0 to 25 px YOLOX-x confirmed 30.0% (28.0% to 32.0%) of cars within a second; independent misses promise 80.0%, "
        "misses that follow each other as measured 32.0%."
    )


def test_two_sensors_are_told_where_independence_promises_too_much():
    about = {"camera": YOLOX, "lidar": "kitti.pointrcnn", "object": "car", "correlation": 0.4, "correlation_low": 0.3,
             "correlation_high": 0.5}  # fmt: skip
    bands = [(0, 20, 0.9, 0.9, 0.97, 0.99), (20, np.inf, 0.4, 0.5, 0.6, 0.7)]
    joint = pd.DataFrame(
        [
            about
            | {"low_m": low, "high_m": high, "boxes": 1000, "camera_share": camera, "lidar_share": lidar}
            | {"both": camera * lidar, "either": either, "either_low": either - 0.03, "either_high": either + 0.02}
            | {"independent_either": free}
            for low, high, camera, lidar, either, free in bands
        ]
    )  # fmt: skip
    chart = two_sensors(joint, "car")
    either = next(trace for trace in chart.figure.data if trace.name == "either, as measured")
    assert (list(either.x), list(either.y)) == ([10, 30], pytest.approx([97, 60]))
    assert list(either.error_y.arrayminus) == pytest.approx([3, 3])
    assert chart.takeaway == (
        "At 20 m or more camera or LiDAR find 60.0% (57.0% to 62.0%) of 1,000 cars; if they missed independently it would be "
        "70.0%. The correlation of what they miss is 0.40 (0.30 to 0.50)."
    )
