"""The looks at several sizes, and the tables that come of them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from campaigns.detections import scale_tables, scales
from campaigns.detections.networks import Detector
from campaigns.detections.road import road_answers, road_labels
from simulator.evidence.detection_tables import load_scales
from simulator.measure.detector_conditions import Setting
from simulator.measure.detector_io import LAYOUTS, Takes, prepare
from simulator.measure.guarded import CannotMeasureError
from simulator.metrics.detection_quality import Boxes, ScoredBoxes
from tests.pictures import picture

pytest.importorskip("torch", reason="the timed files are made by the zoo")

from campaigns.detections.scale_tables import make_scales, write_scales
from campaigns.detections.scales import FULL, LOOKS, Look, ScaleJob, heights_px, measure_looks
from campaigns.detections.timed import Timed, TimedFiles, all_timed

NAMES = ("person", "car", "truck", "dog")
SIDE = 400


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def test_vehicles_are_one_class_and_one_vehicle_is_counted_once() -> None:
    box = np.array([[0, 0, 10, 10], [1, 0, 10, 10], [50, 50, 90, 90], [0, 0, 10, 10.0]])
    found = ScoredBoxes(ints(0, 0, 0, 0), ints(1, 2, 0, 3), box, np.array([0.5, 0.9, 0.4, 0.8]))
    kept = road_answers(found, NAMES, 0.6)
    # The truck outdoes the car that lies on it, and the dog is none of the road's objects.
    assert sorted(zip(kept.category.tolist(), kept.score.tolist(), strict=True)) == [(0, 0.9), (1, 0.4)]
    labels = road_labels(Boxes(ints(0, 0, 1), ints(2, 3, 0), box[:3]), NAMES)
    assert (labels.category.tolist(), labels.image.tolist()) == ([0, 1], [0, 1])
    with pytest.raises(CannotMeasureError, match="its labels hold no pedestrian; expected boxes of person"):
        road_labels(Boxes(ints(0), ints(1), box[:1]), NAMES)


@pytest.mark.parametrize("fit", ["letterbox", "corner", "stretch"])
def test_an_image_at_half_its_size_has_boxes_of_half_the_height(fit: str) -> None:
    takes = Takes(128, fit)  # type: ignore[arg-type]
    pixels = picture(0, 96, 64)
    whole, half = (prepare(pixels, replace(takes, part=part)) for part in (1.0, 0.5))
    assert half[1].scale == pytest.approx(tuple(scale / 2 for scale in whole[1].scale), rel=0.02)
    grey = np.isclose(half[0], 114 / 255, atol=1e-3).all(axis=0)
    filled = 64 * (64 if fit == "stretch" else 43)
    assert (~grey).sum() == pytest.approx(filled, rel=0.05)
    corners = np.array([[0, 0, 96, 64]])
    np.testing.assert_allclose(half[1].back(corners * np.tile(half[1].scale, 2) + np.tile(half[1].moved, 2)), corners)


@pytest.fixture
def street(tmp_path: Path) -> Path:
    """Forty images of 400 x 200 pixels, each with a person and a car of a height that grows from image to image."""
    folder = tmp_path / "street"
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True)
    for number in range(40):
        Image.fromarray(picture(number, 400, 200)).save(folder / "images" / f"{number:02d}.png")
        height = (5 + 4.5 * number) / 200
        rows = [f"0 0.2 0.5 0.1 {height:.6f}", f"1 0.7 0.5 0.2 {height:.6f}"]
        (folder / "labels" / f"{number:02d}.txt").write_text("\n".join(rows))
    (folder / "config.yaml").write_text(f"names: [{', '.join(NAMES)}]\n")
    return folder


@pytest.fixture
def job(street: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ScaleJob:
    """One network, whose answers the tests write, at one precision that sees conditions too."""
    detector = Detector("yolox_nano", "x", "x.onnx", "none", Takes(SIDE, "corner"), LAYOUTS["yolox"], 1)
    made = ScaleJob(street, TimedFiles(tmp_path, tmp_path, tmp_path / "cache"), 1)
    made.__dict__["networks"] = {Timed(detector, "fp32"): tmp_path / "x.onnx"}
    made.__dict__["hashes"] = {Timed(detector, "fp32"): "a1"}
    monkeypatch.setattr(scale_tables, "RESAMPLES", 60)
    return made


def answer(job: ScaleJob, found: Callable[[Look, np.ndarray], np.ndarray]) -> None:
    """Write what a detector answers that finds, with a score of 0.3, the boxes for whose heights `found` holds."""
    labels, [timed] = job.dataset.labels, job.networks
    for look in LOOKS:
        mine = found(look, heights_px(job.dataset, timed.detector.takes) * look.part)
        rows = np.column_stack([labels.image, labels.box, np.full(len(labels), 0.3), labels.category])[mine]
        job.part(look, timed).parent.mkdir(parents=True, exist_ok=True)
        np.save(job.part(look, timed), rows.astype(np.float32))


def test_a_detector_of_what_is_20_px_high_gives_a_step_at_each_size_of_the_images(job: ScaleJob, tmp_path: Path) -> None:
    answer(job, lambda look, height: height >= (20 if look.shrunk else 60))
    made = make_scales(job, [], lambda: None)
    write_scales(made, tmp_path / "out")
    tables = load_scales(tmp_path / "out")
    for of in ("car", "pedestrian"):
        curve = tables.curve("coco.yolox_nano.fp32", of, 0.25).set_index("x")["recall"]
        assert (curve.loc[:15] == 0).all() and (curve.loc[28:] == 1).all() and 0 < curve.loc[20] < 1
        assert (tables.curve("coco.yolox_nano.fp32", of, 0.35)["recall"] == 0).all()
        whole = tables.full_size.query(f"object == '{of}' and threshold == 0.25").iloc[0]
        # Heights are 5, 9.5, 14 ... px: the first that are 20 px or more is the fifth of 40.
        assert (whole["boxes"], whole["images"]) == (40, 40) and whole["found"] == pytest.approx(36 / 40)
    # Under a condition boxes from 60 px on are found, 27 of 40: a shift of the same sign everywhere, and no false answer.
    assert set(tables.conditions["condition"]) == set(scales.CONDITIONS)
    assert (tables.conditions["shift_high"] < 0).all()
    assert (tables.false["false_per_image"] == 0).all() and set(tables.false["high"]) == {3 / 40}
    assert tables.about.boxes == {"car": 40, "pedestrian": 40}


def test_false_answers_are_counted_by_hand(job: ScaleJob) -> None:
    answer(job, lambda _, height: height >= 20)
    [timed] = job.networks
    # A box beside everything, one on a car that is called a person, and one just below the threshold.
    car = job.dataset.labels.box[1]
    false = np.array([[0, 0, 0, 20, 20, 0.9, 0], [0, *car, 0.6, 0], [1, 0, 0, 20, 20, 0.24, 0]], np.float32)
    np.save(job.part(FULL, timed), np.concatenate([np.load(job.part(FULL, timed)), false]))
    found = make_scales(job, [], lambda: None).false.set_index("threshold")
    assert found["false_per_image"].to_dict() == pytest.approx(
        {0.05: 3 / 40, 0.15: 3 / 40, 0.25: 2 / 40, 0.35: 2 / 40, 0.5: 2 / 40}
    )
    assert found["phantoms_per_image"].loc[0.25] == pytest.approx(1 / 40)
    assert (found["low"] <= found["false_per_image"]).all() and (found["false_per_image"] <= found["high"]).all()


def test_measured_looks_hold_what_the_network_answers_and_are_not_measured_again(
    job: ScaleJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[float, int]] = []

    def outputs(_session: object, tensor: np.ndarray) -> list[np.ndarray]:
        seen.append((float(tensor.mean()), tensor.shape[-1]))
        return [np.zeros((3 * 4, 7), np.float32)]

    monkeypatch.setattr(scales, "start", lambda file: file)
    monkeypatch.setattr(scales, "outputs_of", outputs)
    box = np.array([[0, 0, 40, 20, 0.5, 1]], np.float32)
    monkeypatch.setattr(scales, "boxes_of", lambda *_: box.copy())
    looks, ticks = [Look(1.0, Setting("clean", 0)), Look(0.5, Setting("clean", 0))], []
    measure_looks(job, looks, ticks.append)
    assert len(seen) == 80 and sum(ticks) == pytest.approx(2)
    [timed] = job.networks
    whole, half = (job.found(look)[timed] for look in looks)
    np.testing.assert_allclose(whole.box[0], [0, 0, 40, 20])
    np.testing.assert_allclose(half.box[0], [0, 0, 80, 40])  # what is 20 px high on half the size is 40 px in the image
    assert (whole.image.tolist(), set(whole.category)) == (list(range(40)), {1})
    measure_looks(job, looks, ticks.append)
    assert len(seen) == 80


def test_every_detector_is_judged_at_every_precision_that_the_zoo_times() -> None:
    names = [timed.seen_by for timed in all_timed()]
    assert len(set(names)) == 18
    assert str(next(iter(all_timed())).subject) == "coco_yolox_nano.fp32"


def test_the_file_that_is_judged_is_the_one_that_the_zoo_makes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Ready:
        file = tmp_path / "made.onnx"

    def make(subject: object, cache: Path, photos: object, trained: Path) -> Ready:
        asked.append((str(subject), cache, photos, trained))
        return Ready()

    monkeypatch.setattr("campaigns.detections.timed.make_ready", make)
    files = TimedFiles(tmp_path / "trained", tmp_path / "photos", tmp_path)
    assert files.file(all_timed()[5]) == Ready.file
    [(subject, cache, photos, trained)] = asked
    assert (subject, cache, trained) == ("coco_yolox_nano.int8_mixed", tmp_path / "models", tmp_path / "trained")
    assert photos.folder == tmp_path / "photos"
