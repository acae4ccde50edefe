"""What was measured of detectors is found again, interpolated, or refused with what was measured."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2, norm

from simulator.case.load import load
from simulator.engine.plan import compile_plan
from simulator.errors import InputError
from simulator.evidence.detection_tables import load_inputs, load_weather
from simulator.evidence.drive_tables import ERROR_PERCENTS, Drives, load_drives
from simulator.evidence.evidence_files import EvidenceError
from simulator.evidence.evidence_tables import DRAW_COLUMNS, DRAWS
from simulator.paths import DETECTIONS, DRIVES
from simulator.vehicle import detector_answers
from simulator.vehicle.detector_answers import (
    NORMALS,
    Misses,
    RangeError,
    alarms_at_rate,
    alarms_of,
    correlation_of,
    difference_of,
    input_shift_of,
    misses_of,
    ranging_of,
    recall_of,
    shifts_of,
    times_of,
)
from simulator.vehicle.encounter_section import Compared


@pytest.mark.parametrize("finder", ["kitti.yolox_x", "kitti.yolov4", "kitti.yolov3", "coco.yolox_nano.fp32"])
def test_a_taller_car_is_found_at_least_as_often(finder):
    recall = recall_of(finder, "car", 0.25)
    assert recall.by == "height_px"
    assert recall.shares.shape == (1 + DRAWS, len(recall.x))
    assert (np.diff(recall.shares, axis=1) >= -1e-6).all()
    assert ((recall.shares >= 0) & (recall.shares <= 1)).all()


def test_a_farther_car_is_found_at_most_as_often_by_lidar():
    recall = recall_of("kitti.pointrcnn", "car", 3)
    assert recall.by == "distance_m"
    assert (np.diff(recall.shares, axis=1) <= 1e-6).all()


def test_recall_of_several_draws_is_what_numpy_interpolates_for_each():
    recall = recall_of("kitti.yolox_x", "car", None)
    x = np.concatenate([np.geomspace(recall.x[0] / 9, recall.x[-1] * 9, 200), recall.x])
    alone = [np.interp(np.log(x), np.log(recall.x), recall.shares[draw]) for draw in (0, 3, 40)]
    assert np.array_equal(recall.drawn_at(x, np.array([0, 3, 40])), alone)


def test_between_two_nodes_the_recall_is_interpolated_over_the_logarithm():
    recall = recall_of("kitti.yolox_x", "car", None)
    between = np.sqrt(recall.x[3] * recall.x[4])
    assert recall.at(np.array([between]))[0] == pytest.approx((recall.shares[0, 3] + recall.shares[0, 4]) / 2)
    assert recall.at(np.array([1e-3, 1e6])) == pytest.approx(recall.shares[0, [0, -1]])


def test_misses_are_shares_of_one_variance():
    misses = misses_of("kitti.yolox_x", "car")
    assert len(misses.of_object) == 1 + DRAWS
    assert (misses.of_object + misses.slow <= 1 + 1e-9).all()
    assert (misses.tau_s > 0).all()


def test_the_correlation_lies_within_its_interval():
    value, low, high = correlation_of("kitti.yolox_x", "kitti.pointrcnn", "car")
    assert -1 <= low <= value <= high <= 1


def test_false_answers_kept_longer_are_rarer():
    one, three = (alarms_of("kitti.yolox_x", None, frames) for frames in (1, 3))
    assert three.per_hour <= one.per_hour
    assert one.low <= one.per_hour <= one.high


def counted(monkeypatch, *counts, hours=0.2):
    """False answers that stay for at least 1, 2, 3 and 5 frames of ten a second."""
    columns = {"seen_by": "kitti.yolox_x", "object": "car", "threshold": np.nan, "where": "corridor", "hours": hours}
    rows = pd.DataFrame({"kept_frames": [1, 2, 3, 5], "count": counts}).assign(**columns)
    shipped = load_drives(DRIVES)
    drives = Drives(**vars(shipped) | {"false": rows})
    monkeypatch.setattr("simulator.vehicle.detector_answers.load_drives", lambda _: drives)


def test_a_faster_sensor_confirms_sooner_and_has_more_false_answers(monkeypatch):
    """12 that stay for a frame, 6 for 0.1 s, 3 for 0.2 s, 1 for 0.4 s: three frames at 30 a second take 0.067 s."""
    counted(monkeypatch, 12, 6, 3, 1)
    assert [alarms_of("kitti.yolox_x", None, hits).count for hits in (1, 2, 3, 5, 20)] == [12, 6, 3, 1, 1]
    assert alarms_of("kitti.yolox_x", None, 3, 5.0).count == 1  # 0.4 s
    assert alarms_of("kitti.yolox_x", None, 3, 20.0).count == 6  # 0.1 s
    assert alarms_of("kitti.yolox_x", None, 1, 30.0).count == 6 + 3 * 6  # those of one frame are new in each
    assert alarms_of("kitti.yolox_x", None, 3, 30.0).count == pytest.approx((24 + 2 * 6) / 3)


def test_the_interval_of_a_faster_sensor_holds_whichever_of_them_are_new_in_each_frame(monkeypatch):
    """2 were counted: none of them new in each frame leaves Garwood's lower bound, all of them thrice the upper one."""
    counted(monkeypatch, 2, 0, 0, 0)
    found = alarms_of("kitti.yolox_x", None, 1, 30.0)
    assert (found.low, found.high) == pytest.approx((chi2.ppf(0.025, 4) / 2 / 0.2, 3 * chi2.ppf(0.975, 6) / 2 / 0.2))
    assert alarms_of("kitti.yolox_x", None, 2, 10.0).high == pytest.approx(3 / 0.2)


@pytest.mark.parametrize(("hits", "rate"), [(1, 10.0), (1, 30.0), (3, 30.0), (3, 20.0), (2, 5.0)])
@pytest.mark.parametrize("each", [(1, 0.3, 0.1, 0.1), (8, 4, 2, 1)])
def test_intervals_of_false_answers_hold_the_true_rate(each, hits, rate):
    """Poisson counts of those that stay for 1, 2, 3 to 4 and 5 frames; the truth is the number at this rate, by hand."""
    rng, held = np.random.default_rng(1), 0
    frame, second, third, longer = each
    reached = np.cumsum(each[::-1])[::-1]
    at_once = second + third + longer + frame * rate / 10
    truth = np.interp((hits - 1) / rate, [0, 0.1, 0.2, 0.4], [at_once, *reached[1:]]) / 0.2
    for _ in range(300):
        counts = np.cumsum(rng.poisson(each)[::-1])[::-1].astype(float)
        found = alarms_at_rate(np.array([1.0, 2.0, 3.0, 5.0]), counts, 0.2, hits, rate)
        held += found.low <= truth <= found.high
    assert held / 300 > 0.92


def test_night_takes_from_what_is_found():
    assert shifts_of("coco.yolox_nano.fp32", "night", 3)[0] < shifts_of("coco.yolox_nano.fp32", "night", 1)[0] < 0.1


def test_what_nobody_measured_under_a_condition_loses_what_others_lose():
    own = [shifts_of(f"coco.{name}.fp32", "rain", 2)[0] for name in ("yolox_nano", "nanodet_m", "fastestdet")]
    assert min(own) <= shifts_of("kitti.yolox_x", "rain", 2)[0] <= max(own)


def test_how_much_detectors_differ_is_part_of_the_doubt_about_one_that_was_not_measured():
    """The spread of its resamples is that between detectors (n = 3) and that within each, added in squares."""
    alike = [shifts_of(f"coco.{name}.fp32", "rain_at_night", 2) for name in ("yolox_nano", "nanodet_m", "fastestdet")]
    between, within = np.std([one[0] for one in alike]), np.mean([one[1:].std() for one in alike])
    borrowed = shifts_of("kitti.yolox_x", "rain_at_night", 2)
    assert borrowed[1:].std() == pytest.approx(np.hypot(between, within), rel=0.25)
    assert between > 0.2


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda: recall_of("kitti.yolox_y", "car", None), "did you mean 'kitti.yolox_x'?"),
        (lambda: recall_of("kitti.yolox_x", "pedestrian", None), "measured: car"),
        (lambda: recall_of("kitti.pointrcnn", "car", None), "give a threshold, one of"),
        (lambda: recall_of("kitti.pointrcnn", "car", 17), "was not measured from a score of 17 on; give one of"),
        (lambda: misses_of("coco.yolox_nano.fp32", "car"), "was not measured"),
        (lambda: shifts_of("kitti.yolox_x", "nigth", 1), "did you mean 'night'?"),
        (lambda: correlation_of("kitti.yolox_x", "kitti.yolov4", "car"), "were not measured together"),
    ],
)
def test_what_was_not_measured_is_refused_with_what_was(ask, told):
    with pytest.raises(EvidenceError, match=told.replace("?", r"\?")):
        ask()


def test_a_difference_between_objects_is_a_mean_over_heights_and_detectors():
    judged = [Compared(finds="coco.yolox_nano.fp16", threshold=0.5), Compared(finds="kitti.ciwt_stereo")]
    found = difference_of(judged, "pedestrian", "car")
    assert found.shape == (1 + DRAWS,)
    heights = np.exp(np.linspace(np.log(25), np.log(100), 9))
    each = np.empty((2, 1 + DRAWS))
    for place, one in enumerate(judged):
        for draw in range(1 + DRAWS):
            less, more = (
                norm.ppf(np.clip(recall_of(one.finds, what, one.threshold).at(heights, draw), 0.01, 0.99))
                for what in ("pedestrian", "car")
            )
            each[place, draw] = np.mean(less - more)
    assert found[0] == pytest.approx(each[:, 0].mean())
    assert found[1:] == pytest.approx(np.where(np.arange(1, DRAWS + 1) % 2, each[1, 1:], each[0, 1:]))
    assert found[0] < 0 < norm.cdf(found[0])


def test_objects_are_compared_by_height_alone():
    with pytest.raises(EvidenceError, match=r"'kitti.pointrcnn' was measured by distance"):
        difference_of([Compared(finds="kitti.pointrcnn", threshold=3.0)], "pedestrian", "car")


def test_a_detector_has_its_own_shift_at_every_precision():
    (row,) = load_inputs(DETECTIONS).query("seen_by == 'coco.yolox_nano.fp32' and part == 0.5 and against == 'played'").index
    own = load_inputs(DETECTIONS).loc[row]
    found = input_shift_of("coco.yolox_nano.int8_mixed", 0.5)
    assert found.tolist() == [own["shift"], *own[DRAW_COLUMNS]]


def test_one_that_was_not_measured_changes_as_the_others_do_and_its_draws_take_turns():
    rows = load_inputs(DETECTIONS).query("part == 0.75 and against == 'natural'")
    found = input_shift_of("kitti.yolox_x.restored", 0.75)
    assert found[0] == pytest.approx(rows["shift"].mean())
    assert found[1:4].tolist() == [rows[DRAW_COLUMNS[place]].iloc[place] for place in range(3)]
    assert np.ptp(found[1:]) > rows[DRAW_COLUMNS].std(axis=1).mean()


def test_networks_see_a_smaller_object_as_a_smaller_one():
    """Where the interval of the shift holds zero, the height times the part is all that changes."""
    rows = load_inputs(DETECTIONS).query("against == 'played'")
    assert ((rows["shift_low"] < 0) & (rows["shift_high"] > 0)).all()


def test_a_size_that_was_not_measured_is_named():
    with pytest.raises(EvidenceError, match=r"no detector was measured with 0\.3 of its picture"):
        input_shift_of("kitti.yolox_x", 0.3)


def test_a_detector_has_its_own_times_at_every_precision():
    rows = load_weather(DETECTIONS)
    (own,) = rows.query("seen_by == 'coco.yolox_nano.fp32' and condition == 'fog' and severity == 2").itertuples()
    found = times_of("coco.yolox_nano.int8_static", "fog", 2)
    assert (found.value, found.low, found.high) == (own.times, own.times_low, own.times_high)
    assert found.value == pytest.approx((own.spoilt + 0.5) / (own.clean + 0.5), rel=0.001)


def test_one_that_was_not_measured_changes_as_the_others_do():
    each = [times_of(f"coco.{name}.fp32", "rain", 2) for name in ("yolox_nano", "nanodet_m", "fastestdet")]
    found = times_of("kitti.yolox_x", "rain", 2)
    assert found.value == pytest.approx((each[0].value * each[1].value * each[2].value) ** (1 / 3))
    assert (found.low, found.high) == (min(one.low for one in each), max(one.high for one in each))


def test_what_was_not_counted_is_named():
    with pytest.raises(EvidenceError, match="were not counted under 'snow' at severity 2"):
        times_of("kitti.yolox_x", "snow", 2)


PARTS = Misses(*(np.zeros(1 + DRAWS) for _ in range(3)))


def error(*rows, x=(10.0, 40.0)):
    """The same in every resample."""
    return RangeError(np.array(x), np.repeat([rows], 1 + DRAWS, axis=0), PARTS)


def test_a_normal_error_comes_back_as_one():
    """Quantiles of 1 + 0.1 z at 10 m and of 1 + 0.3 z at 40 m: halfway between, by the logarithm, 1 + 0.2 z at 20 m."""
    found = error(1 + 0.1 * NORMALS, 1 + 0.3 * NORMALS).drawn_at(
        np.array([10.0, 20.0, 40.0, 20.0]), np.array([1.0, 1.0, -1.5, 0.0]), np.array([0, 3])
    )
    assert found == pytest.approx(np.tile([1.1, 1.2, 0.55, 1.0], (2, 1)))


def test_beyond_the_table_it_stays_as_at_its_edge():
    found = error(1 + 0.1 * NORMALS, 1 + 0.3 * NORMALS)
    largest = norm.ppf(0.99)
    assert found.drawn_at(np.array([2.0, 500.0]), np.array([9.0, -9.0]), np.array([0]))[0] == pytest.approx(
        [1 + 0.1 * largest, 1 - 0.3 * largest]
    )


def test_one_distance_alone_holds_everywhere():
    found = error(np.arange(7.0), x=(10.0,)).drawn_at(np.array([1.0, 100.0]), NORMALS[[2, 5]], np.array([0]))
    assert found.tolist() == [[2.0, 5.0]]


def test_a_lidar_knows_distances_better_than_a_camera():
    """From 20 to 40 m, nine of ten of its distances are within 2%; those of one or two cameras are not within 10%."""
    middle = ERROR_PERCENTS.index(5), ERROR_PERCENTS.index(95)

    def widest(method):
        table = ranging_of(method, "car").distance
        between = (table.x > 20) & (table.x < 40)
        return float(np.abs(table.quantiles[0][between][:, middle] - 1).max())

    assert widest("kitti.pointrcnn") < 0.02
    assert min(widest(name) for name in ("kitti.yolox_x.height", "kitti.yolox_x.road", "kitti.ciwt_stereo")) > 0.1


def test_a_way_to_measure_that_is_not_there_is_named():
    told = "distances by 'kitti.yolox_x.hight' were not measured; did you mean 'kitti.yolox_x.height'"
    with pytest.raises(EvidenceError, match=re.escape(told)):
        ranging_of("kitti.yolox_x.hight", "car")


def test_a_second_plan_of_a_vehicle_asks_no_table_of_drives_again(monkeypatch):
    scenario = load("av-perception")
    first = compile_plan(scenario)

    def refused(*_):
        raise InputError("asked again")

    monkeypatch.setattr(detector_answers, "_only", refused)
    monkeypatch.setattr(detector_answers, "_at_threshold", refused)
    assert compile_plan(scenario, {}).provenance == first.provenance
