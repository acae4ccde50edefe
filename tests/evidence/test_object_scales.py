"""Recall by height of the timed detectors: whole and of the files that were timed, and each fault gets its sentence."""

import shutil

import numpy as np
import pandas as pd
import pytest

from campaigns.detections.by_height import height_class, probit_shift
from campaigns.detections.scale_tables import other_files
from simulator.evidence.detection_tables import load_detections, load_scales, profile_of, shifted
from simulator.evidence.evidence_files import EvidenceError
from simulator.evidence.evidence_tables import DRAW_COLUMNS
from simulator.evidence.profiles import profiles
from simulator.paths import DETECTIONS, PROFILES

FILES = ("scales.yaml", "scales.csv", "full_size.csv", "conditions.csv", "false.csv")
#: Timed on files that the code no longer makes; to be taken out of here once they are measured anew.
TIMED_ON_OTHER_FILES = {f"coco.nanodet_m.{precision}" for precision in ("fp32", "int8_dynamic", "int8_mixed")}


@pytest.fixture(scope="module")
def shipped():
    return load_scales()


@pytest.fixture(scope="module")
def timed():
    return [profile for profile in profiles(PROFILES) if profile.model.startswith("coco_")]


def test_each_timed_detector_is_judged_on_the_file_that_was_timed(shipped, timed):
    assert {profile_of(name) for name in shipped.about.networks} == {(one.model, one.precision) for one in timed}
    assert set(other_files(shipped.about, timed)) <= TIMED_ON_OTHER_FILES
    told = " ".join(shipped.about.notes)
    assert all(name in told for name in other_files(shipped.about, timed))


def test_every_network_has_every_curve_and_every_threshold(shipped):
    about = shipped.about
    combinations = len(about.networks) * len(about.thresholds)
    assert shipped.curves.groupby(["seen_by", "object", "threshold"]).size().eq(12).all()
    assert len(shipped.curves) == 12 * 2 * combinations
    assert (len(shipped.full_size), len(shipped.false)) == (2 * combinations, combinations)
    assert set(shipped.conditions["condition"]) == set(about.conditions)
    assert shipped.conditions.groupby(["seen_by", "condition"]).size().eq(3).all()


def test_people_at_full_size_are_found_as_the_detection_tables_say(shipped):
    # Another run of other code, on the file that others gave: at fp32 the same network.
    tables = load_detections()
    people = (tables.boxes["category"] == "person").to_numpy()
    for detector in tables.about.detectors:
        scores = tables.scores(detector, "fp32", "clean", 0)[people]
        for threshold in shipped.about.thresholds:
            asked = f"seen_by == 'coco.{detector}.fp32' and object == 'pedestrian' and threshold == {threshold}"
            told = shipped.full_size.query(asked).iloc[0]
            assert told["boxes"] == len(scores)
            assert told["found"] == pytest.approx((scores >= threshold).mean(), abs=2 / len(scores) + 0.001)  # two boxes


def test_a_higher_threshold_finds_no_more_and_says_nothing_false_more_often(shipped):
    for (_, _), curve in shipped.full_size.groupby(["seen_by", "object"]):
        assert curve.sort_values("threshold")["found"].is_monotonic_decreasing
    for _, rows in shipped.false.groupby("seen_by"):
        ordered = rows.sort_values("threshold")
        assert ordered["false_per_image"].is_monotonic_decreasing
        assert (ordered["phantoms_per_image"] <= ordered["false_per_image"]).all()


def test_shifts_are_those_of_the_detection_tables(shipped):
    # The same networks and conditions, in another run that kept the kinds of vehicle apart.
    tables = load_detections()
    boxes = tables.boxes[tables.boxes["category"].isin(["person", "car", "bus", "truck"])]
    image = boxes["image"].astype("category").cat.codes.to_numpy(np.int64)
    kind = height_class(boxes["height_px"].to_numpy(float) * 416 / 512)
    for detector in tables.about.detectors:
        clean = tables.scores(detector, "fp32", "clean", 0)[boxes.index] >= shipped.about.condition_threshold
        for condition in ("night", "rain", "fog", "defocus"):
            for severity, same in ((1, 1), (2, 3), (3, 5)):
                spoilt = tables.scores(detector, "fp32", condition, same)[boxes.index] >= shipped.about.condition_threshold
                other = probit_shift(kind, clean, spoilt, image, int(image.max()) + 1, 20, 1).value[0]
                told = shipped.shift(f"coco.{detector}.fp32", condition, severity)["shift"]
                assert told == pytest.approx(other, abs=0.1 + 0.1 * abs(other)), (detector, condition, severity)


def test_the_darkest_night_costs_more_than_dusk(shipped):
    for name in set(shipped.conditions["seen_by"]):
        assert shipped.shift(name, "night", 3)["shift"] < min(0, shipped.shift(name, "night", 1)["shift"])


def test_the_files_are_small_and_hold_no_row_a_box():
    assert sum((DETECTIONS / name).stat().st_size for name in FILES) < 600_000
    assert all(column not in pd.read_csv(DETECTIONS / name) for name in FILES[1:] for column in ("box", "image"))


def test_a_shift_moves_recall_on_the_scale_of_the_normal_distribution():
    np.testing.assert_allclose(shifted(np.array([0, 0.5, 0.8413447, 1]), -1), [0, 0.1586553, 0.5, 1], atol=1e-6)


def rewrite(folder, name, change):
    path = folder / name
    change(pd.read_csv(path)).to_csv(path, index=False)


def put(row, column, value):
    def change(table):
        table[column] = table[column].astype(object)
        table.loc[row, column] = value
        return table

    return change


FAULTS_SHOWN = {
    "no about": (
        lambda folder: (folder / "scales.yaml").unlink(),
        "scales.yaml: is missing; `python -m campaigns.detections scales` writes it",
    ),
    "no table": (
        lambda folder: (folder / "false.csv").unlink(),
        "false.csv: is missing; `python -m campaigns.detections scales` writes it",
    ),
    "field": (lambda folder: (folder / "scales.yaml").write_text("date: x"), "scales.yaml: processor: Field required"),
    "no csv": (lambda folder: (folder / "false.csv").write_text(""), "false.csv: cannot be read"),
    "column": (
        lambda folder: rewrite(folder, "scales.csv", lambda rows: rows.drop(columns="d07")),
        "scales.csv: lacks the column d07",
    ),
    "word": (
        lambda folder: rewrite(folder, "scales.csv", put(3, "x", "tall")),
        "scales.csv: line 5: x: expected a number from 0.001 to 100000, got tall",
    ),
    "share": (
        lambda folder: rewrite(folder, "scales.csv", put(4, "recall_high", 1.5)),
        "scales.csv: line 6: recall_high: expected a number from 0 to 1, got 1.5",
    ),
    "network": (
        lambda folder: rewrite(folder, "false.csv", put(2, "seen_by", "coco.x.fp32")),
        "false.csv: line 4: seen_by: expected a network that scales.yaml lists, got coco.x.fp32",
    ),
    "bounds": (
        lambda folder: rewrite(folder, "conditions.csv", put(0, "shift", 9)),
        "conditions.csv: line 2: shift: expected a figure between shift_low and shift_high, got 9.0",
    ),
    "falls": (
        lambda folder: rewrite(
            folder,
            "scales.csv",
            lambda rows: put(slice(11, 11), DRAW_COLUMNS[0], 0.0)(put(slice(10, 10), DRAW_COLUMNS[0], 1.0)(rows)),
        ),
        "scales.csv: line 13: d00: expected recall that never falls with height, got 0.0",
    ),
    "order": (
        lambda folder: rewrite(folder, "scales.csv", put(1, "x", 4)),
        "scales.csv: line 3: x: expected heights that rise within a curve, got 4.0",
    ),
    "twice": (
        lambda folder: rewrite(folder, "false.csv", lambda rows: pd.concat([rows, rows[:1]])),
        "false.csv: line 92: threshold: expected one row per seen_by, threshold, got 0.05",
    ),
}


@pytest.mark.parametrize("fault", FAULTS_SHOWN)
def test_a_fault_names_file_line_and_column(fault, tmp_path):
    for name in FILES:
        shutil.copy(DETECTIONS / name, tmp_path / name)
    spoil, sentence = FAULTS_SHOWN[fault]
    spoil(tmp_path)
    with pytest.raises(EvidenceError) as told:
        load_scales(tmp_path)
    assert sentence in str(told.value)


def test_what_is_not_there_is_told_with_what_is(shipped):
    with pytest.raises(EvidenceError, match=r"seen_by: holds no 'coco\.yolo\.fp32'; there are: coco\.yolox_nano\.fp32,"):
        shipped.curve("coco.yolo.fp32", "car", 0.25)
    with pytest.raises(EvidenceError, match=r"threshold: holds no '0\.3'; there are: 0\.05, 0\.15, 0\.25, 0\.35, 0\.5"):
        shipped.false_answers("coco.yolox_nano.fp32", 0.3)
    with pytest.raises(EvidenceError, match="condition: holds no 'hail'; there are: night, rain"):
        shipped.shift("coco.yolox_nano.fp32", "hail", 1)
    with pytest.raises(EvidenceError, match=r"'kitti\.yolox_x' names no network of these tables"):
        profile_of("kitti.yolox_x")
    assert shipped.curve("coco.yolox_nano.fp32", "car", 0.25)["x"].is_monotonic_increasing
    assert shipped.false_answers("coco.yolox_nano.fp32", 0.25)["images"] == shipped.about.images
