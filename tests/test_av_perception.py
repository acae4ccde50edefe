"""The case of a vehicle's cameras: every option runs, every figure of its debrief is what the tables say, curveballs hurt."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq
from scipy.stats import multivariate_normal, norm

from simulator.case.designs import one_by_one
from simulator.case.load import load
from simulator.engine.plan import compile_plan
from simulator.engine.run import simulate
from simulator.evidence.detection_tables import load_scales
from simulator.evidence.drive_tables import load_drives
from simulator.evidence.profiles import busy_ms, load_profile
from simulator.explain.result import replicate
from simulator.metrics.comparisons import compare
from simulator.paths import CATALOGUE, DETECTIONS, DRIVES
from simulator.vehicle.meeting import Meeting
from simulator.vehicle.sight import sights_of

REPLICATIONS = 3
#: The series of YOLOX-x that the case plays.
PLAYED = "kitti.yolox_x.restored"
#: Two chips, few frames beside and behind, and little else on the way.
HEADROOM = {"chips": "two", "queue": "freshest", "side_rate": 2, "front_rate": 30, "preparing": "imager", "predicting": "ahead"}


@cache
def case():
    return load("av-perception")


@cache
def run(strike="", **picks):
    """A design in the middle of its projections: their bands would take three times as long, and are not what is asked here."""
    plan = compile_plan(case(), picks, {strike: 10.0} if strike else {})
    return replicate(replace(plan, bands={}), 1, REPLICATIONS)


def figure(metric, strike="", **picks):
    return run(strike, **picks).metrics[metric]


def told():
    return " ".join(" ".join(f"{one.title} {one.text}" for one in case().debrief).split())


def row(table, **wanted):
    rows = getattr(load_drives(DRIVES), table)
    for column, value in wanted.items():
        column = column.rstrip("_")
        rows = rows[np.isclose(rows[column], value) if isinstance(value, float) else rows[column] == value]
    assert len(rows) == 1
    return rows.iloc[0]


def test_a_threshold_is_told_only_of_what_was_published_with_scores():
    found = {one.what: one.value for one in compile_plan(case(), {"sensors": "either"}).provenance}
    assert found["Detector: share of objects found"] == "kitti.yolox_x.restored"
    assert found["Network for the LiDAR: share of objects found"] == "kitti.pointrcnn from a score of 2 on"


@pytest.mark.long
def test_every_option_finds_what_it_refers_to():
    for picks in one_by_one(case()):
        assert sights_of(compile_plan(case(), picks)) is not None


# ---- the debrief


@pytest.mark.parametrize(("late_s", "predicted", "words"), [
    (0.0, False, "behind its tracker finds 65.7% of the labelled cars"),
    (0.2, False, "the same boxes find 46.7%"),
    (0.5, False, "of 0.5 s later 31.2%"),
    (0.2, True, "of what 0.2 s take: 59.9%"),
])  # fmt: skip
def test_what_lateness_takes_is_what_the_table_says(late_s, predicted, words):
    found = row("lateness", seen_by="kitti.yolox_x", late_s=late_s, iou=0.5, predicted=predicted, by="all")["found"]
    assert words in told()
    assert f"{100 * found:.1f}%" in words


def test_prediction_wins_back_as_much_as_told():
    at = {
        one: row("lateness", seen_by="kitti.yolox_x", late_s=0.2, iou=0.5, predicted=one, by="all")["found"]
        for one in (False, True)
    }
    fresh = row("lateness", seen_by="kitti.yolox_x", late_s=0.0, iou=0.5, predicted=False, by="all")["found"]
    assert f"wins back {100 * (at[True] - at[False]) / (fresh - at[False]):.0f}% of what 0.2 s take" in told()


def test_a_late_lidar_finds_what_is_told():
    late = pd.read_csv(DRIVES / "lidar_lateness.csv").query("object == 'pedestrian'").set_index("late_s")["found"]
    fresh, old, older = (f"{100 * late[seconds]:.0f}%" for seconds in (0, 0.2, 0.5))
    assert f"finds {fresh} of the pedestrians, {old} from 0.2 s before and {older} from 0.5 s before" in told()


def test_misses_follow_each_other_as_told():
    after = row("follows", seen_by=PLAYED, object="car", kind="next", by="all")
    never = row("follows", seen_by=PLAYED, object="car", kind="never", low=25.0)
    text = told()
    assert f"in {100 * after['after_hit']:.1f}% of the cases, after a miss in {100 * after['after_miss']:.1f}%" in text
    share = f"{100 * never['observed']:.0f}% are never found while they are 25 to 40 pixels high"
    assert f"Of {never['tracks']:.0f} cars, {share}" in text
    assert f"independent frames promise {100 * never['independent']:.2f}%" in text
    held = pd.read_csv(DRIVES / "heldout_drives.csv").query("seen_by == @PLAYED and each == 'objects'").set_index("misses")
    whole = held.loc["chain"]
    assert f"{100 * whole['real_never']:.1f}% of {whole['tracks']} cars that come nearer are never confirmed" in text
    kept = held["even_80"]
    assert f"hold {100 * kept['chain']:.1f}% of the real distances" in text
    assert f"those of independent frames {100 * kept['independent']:.1f}%" in text


def test_a_second_sensor_adds_what_is_told():
    both = row("joint", camera=PLAYED, lidar="kitti.pointrcnn", object="car", low_m=30.0)
    text = told()
    camera, lidar = (f"{100 * both[f'{name}_share']:.0f}%" for name in ("camera", "lidar"))
    assert f"YOLOX-x finds {camera} of the cars and PointRCNN on LiDAR {lidar}" in text
    left = [f"{100 * (1 - both[name]):.0f}%" for name in ("independent_either", "either")]
    assert f"would leave {left[0]}, the two together leave {left[1]}" in text
    tetrachoric = brentq(lambda r: bivariate(both["camera_share"], both["lidar_share"], r) - both["both"], -0.9, 0.99)
    assert f"phi is {phi(both):.2f} and the tetrachoric correlation {tetrachoric:.2f}" in text
    span = [f"{both[name]:.2f}" for name in ("correlation", "correlation_low", "correlation_high")]
    assert f"correlate by {span[0]} ({span[1]} to {span[2]})" in text


def phi(shares):
    """Correlate two columns of zeros and ones (Pearson)."""
    camera, lidar = shares["camera_share"], shares["lidar_share"]
    return (shares["both"] - camera * lidar) / np.sqrt(camera * (1 - camera) * lidar * (1 - lidar))


def bivariate(first, second, correlation):
    """Return the chance that two normal variables both lie below the quantiles of two shares."""
    covariance = [[1, correlation], [correlation, 1]]
    return multivariate_normal([0, 0], covariance).cdf(norm.ppf([first, second]))


def test_thirteen_minutes_prove_what_is_told():
    hidden = row("false", seen_by="kitti.yolox_x", where="corridor", kept_frames=3)
    assert hidden["count"] == 0
    assert f"up to {3 / hidden['hours']:.1f} an hour (rule of three, a one-sided bound of 95%)" in told()
    two = row("false", seen_by=PLAYED, where="corridor", kept_frames=3)
    assert two["count"] == 2
    rate = [two[f"per_hour{end}"] for end in ("", "_low", "_high")]
    assert f"{rate[0]:.0f} an hour ({rate[1]:.0f} to {rate[2]:.0f}, a two-sided interval of 95%)" in told()
    rows = load_drives(DRIVES).false
    some = rows[(rows["seen_by"] == "kitti.pointrcnn") & (rows["where"] == "corridor") & (rows["threshold"] == 0)]
    assert some.loc[some["kept_frames"] == 3, "count"].sum() == 11
    assert "has eleven in the same time" in told()


def test_recipes_of_eight_bits_keep_what_is_told():
    ap = {name: network.ap for name, network in load_scales(DETECTIONS).about.networks.items()}
    nano = {recipe: ap[f"coco.yolox_nano.{recipe}"] for recipe in ("fp32", "fp16", "int8_static", "int8_mixed", "int8_dynamic")}
    text = told()
    assert f"an AP of {nano['fp32']} on 128 images in floats and {nano['fp16']} at fp16" in text
    assert f"leave {nano['int8_static']}; by percentiles {ap['coco.yolox_nano.int8_static_percentile']}" in text
    assert f"it keeps {nano['int8_mixed']}" in text
    assert f"leave {nano['int8_dynamic']}" in text
    wins = (ap["coco.nanodet_m.int8_static_percentile"], ap["coco.nanodet_m.int8_static"])
    assert f"{wins[0]} in place of {wins[1]}" in text


def test_a_pedestrian_is_found_less_than_a_car_as_told():
    sight = sights_of(compile_plan(case())).by_stage["detector"]
    shares = [sight.recalls[what].at(np.array([45.0]))[0] for what in ("pedestrian", "car")]
    assert shares[0] < shares[1]
    words = next(one.value for one in compile_plan(case()).provenance if one.what == "Detector: pedestrians")
    half, low, high = re.search(r"(\d+%) \((\d+)% to (\d+%)\)", words).groups()
    answer = " ".join(next(one.answer for one in case().questions if "label pedestrians" in one.ask).split())
    assert f"it leaves {half} of the pedestrians ({low} to {high})" in answer


@pytest.mark.parametrize("computer", ["agx", "agx_frugal", "nx", "t4"])
def test_every_computer_runs_floats_at_the_same_format(computer):
    plan = compile_plan(case(), {"computer": computer, "sensors": "either"})
    said = [one.source for one in plan.provenance if one.what.endswith(": latency") and one.kind == "projected"]
    assert len(said) == 3
    assert not [words for words in said if "computed in" in words]


def test_a_metre_more_for_every_tenth_of_a_second():
    assert f"cost {50 / 36:.2f} m, at 130 km/h {130 / 36:.2f} m" in told()


def test_suppression_takes_as_long_as_told():
    runs = [load_profile("epyc-zen4-2c", "step_nms", size).run(1) for size in ("300_boxes", "3000_boxes")]
    ms = [float(np.mean(busy_ms(run.calls[0]))) for run in runs]
    assert f"{ms[0]:.1f} ms for 300 boxes and {ms[1]:.0f} ms for 3,000" in told()


def test_the_detector_is_as_fast_as_told():
    plan = compile_plan(case())
    found = [1000 * one.mean_s(1) for one in (plan.latencies["detector"], *plan.bands["detector"])]
    low, high = sorted(found[1:])
    assert f"projected at {found[0]:.0f} ms ({low:.0f} to {high:.0f})" in told()
    assert f"a load of {60 * found[0] / 1000:.1f}" in told()


def test_larger_chips_take_as_long_for_one_image_as_told():
    known = pd.read_csv(CATALOGUE / "published.csv", dtype={"batch": str})
    one = known[(known["protocol"] == "mlperf") & (known["model"] == "resnet50@224") & (known["batch"] == "1")]
    ms = 1000 * one.loc[one["device"].str.contains("nvidia-(?:l4|a10|a100|h100)(?:-|$)"), "seconds"]
    assert f"takes {ms.min():.2f} to {ms.max():.2f} ms for one image on L4, A10, A100 and H100 alike" in told()


def test_things_that_are_not_there_are_as_many_as_told():
    false = load_scales(DETECTIONS)
    each = [false.false_answers("coco.yolox_nano.fp16", at)["phantoms_per_image"] for at in (0.25, 0.05)]
    words = f"sees {each[0]:.2f} things an image that are not there from a score of 0.25 on, and {each[1]:.2f} from 0.05 on"
    assert words in case().choices["threshold"].help


def test_it_finds_cars_of_a_height_as_told():
    curve = sights_of(compile_plan(case())).by_stage["detector"].recalls["car"]
    text = told()
    for height in (25, 80):
        assert f"{100 * float(curve.at(np.array([float(height)]))[0]):.0f}% of" in text


# ---- what the designs do


def test_a_late_answer_takes_the_metres_that_the_stream_was_fed():
    """The simulated age at which objects are seen is the latency that the run had: metres follow from speed times age."""
    met = Meeting(simulate(compile_plan(case(), {"queue": "freshest"}), 1))
    delay = met.answers.known - met.answers.captured
    outcome = met.outcome()
    confirmed = np.isfinite(outcome.confirmed_s)
    age = (outcome.confirmed_s - outcome.seen_s)[confirmed]
    assert np.isin(age.round(9), delay[np.isfinite(delay)].round(9)).all()


def test_keep_the_freshest_wins_metres_where_the_accelerator_is_overloaded():
    change = compare(run(computer="agx_frugal", queue="fifo"), run(computer="agx_frugal", queue="freshest"), every=True)
    (margin,) = [one for one in change.moved if one.metric.name == "margin_mean_m"]
    assert margin.significant
    assert margin.change.value > 9
    assert figure("stopped_share", computer="agx_frugal", queue="fifo").value < 0.05
    assert figure("age_p99_s.planner.front", computer="agx_frugal", queue="fifo").value > 1


@pytest.mark.long
def test_a_larger_model_where_it_is_slow_changes_no_share_that_runs_could_show():
    trip = {"speed": "trip", "queue": "freshest", "computer": "nx", "detector": "yolox_nano", "view": "tiles"}
    change = compare(run(**trip), run(**trip, mix="speed"), every=True)
    found = {one.metric.name: one for one in change.moved}
    assert not found["stopped_share"].significant
    age = found["age_p99_s.planner.front"]
    assert age.significant
    assert age.change.low > 0.1  # s: more than the whole age that the case asks for


def test_waiting_for_all_six_cameras_makes_what_is_known_older():
    change = compare(run(detector="yolox_nano"), run(detector="yolox_nano", batch="six"), every=True)
    (age,) = [one for one in change.moved if one.metric.name == "age_p99_s.planner.front"]
    assert age.significant
    assert 0.002 < age.change.value < 0.02  # the cameras are at most 7 ms apart


def test_prediction_lets_it_brake_in_time_where_it_waits_until_it_has_to():
    seen, ahead = (figure("margin_mean_m", queue="freshest", predicting=one).value for one in ("seen", "ahead"))
    assert ahead > seen + 0.5


def test_more_pixels_find_more():
    whole, tiles = (figure("confirmed_mean_m", detector="yolox_nano", view=one).value for one in ("whole", "tiles"))
    assert tiles > whole + 2


@pytest.mark.long
def test_one_answer_is_quicker_and_brakes_without_need():
    quick, safe = (
        {"sensors": "either", "queue": "freshest", "lidar_threshold": 0, "confirming": one} for one in ("h1of1", "h5of6")
    )
    assert figure("needless_brakes_per_h", **quick).value > 20 * figure("needless_brakes_per_h", **safe).value


@pytest.mark.long
@pytest.mark.parametrize(("strike", "picks"), [
    ("blind", {}),
    ("hot", {}),
    ("rainy_night", {}),
    ("crowd", {"queue": "freshest", "cores": "two"}),
])  # fmt: skip
def test_a_curveball_hurts(strike, picks):
    change = compare(run(**picks), run(strike, **picks), every=True)
    (margin,) = [one for one in change.moved if one.metric.name == "margin_mean_m"]
    assert margin.change.value < 0


@pytest.mark.long
@pytest.mark.parametrize(("strike", "picks"), [
    ("blind", {"sensors": "either", "queue": "freshest"}),
    ("hot", HEADROOM),
    ("crowd", {"queue": "freshest"}),
])  # fmt: skip
def test_some_design_survives_it(strike, picks):
    """It loses less than a tenth of the encounters that it stops for without the strike."""
    calm, struck = figure("stopped_share", **picks).value, figure("stopped_share", strike, **picks).value
    assert struck > calm - 0.1 * calm


@pytest.mark.long
def test_slowing_down_or_standing_takes_away_a_part_of_the_harm_of_a_lost_camera():
    harm = [figure("harm_share", "blind", degrading=one).value for one in ("drive_on", "slow", "stop")]
    assert harm[0] > harm[1] + 0.1 > harm[2] + 0.1
    assert harm[2] > figure("harm_share").value + 0.1
    assert figure("degraded_share", "blind", degrading="stop").value > 0.2


@pytest.mark.long
def test_what_demands_both_sensors_fails_with_the_first():
    assert figure("stopped_share", "blind", sensors="both").value < 0.75 * figure("stopped_share", sensors="both").value
