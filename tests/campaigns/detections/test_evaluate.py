"""The campaign on a small scale: halves, int8 networks, parts, and the tables that come of them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pandas as pd
import pytest
from onnx import TensorProto, helper, numpy_helper

from campaigns.detections import eight_bits, evaluate, networks, origin, precisions, signals, tables
from campaigns.detections.conditions import lacking
from campaigns.detections.eight_bits import WAYS, judged_here, write_rows
from campaigns.detections.evaluate import Bench, Job, read_part, seen
from campaigns.detections.networks import Detector
from simulator.evidence.detection_tables import BINS, PROCESSORS, DetectionTables, load_detections, load_processors
from simulator.measure.detector_conditions import SHARES, Setting
from simulator.measure.detector_io import LAYOUTS, LEAST, Takes, boxes_of, prepare
from simulator.measure.guarded import CannotMeasureError
from simulator.measure.saturation import products_saturate

SMALL = [Setting("clean", 0), Setting("fog", 1)]


def write_network(file: Path, seed: int = 0) -> None:
    """Two convolutions, one of them depthwise, that answer as FastestDet does: 5 + 2 values on 4 x 4 cells of 64 pixels."""
    rng = np.random.default_rng(seed)
    weights = {"deep": rng.normal(0, 0.2, (3, 1, 16, 16)), "last": rng.normal(0, 0.5, (7, 3, 1, 1))}
    tensors = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()]
    nodes = [
        helper.make_node("Conv", ["pixels", "deep"], ["features"], name="Conv_0", strides=[16, 16], group=3),
        helper.make_node("Conv", ["features", "last"], ["raw"], name="Conv_1"),
        helper.make_node("Sigmoid", ["raw"], ["answer"]),
    ]
    image = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, [1, 3, 64, 64])
    answer = helper.make_tensor_value_info("answer", TensorProto.FLOAT, [1, 7, 4, 4])
    graph = helper.make_graph(nodes, "net", [image], [answer], tensors)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6), file)


@pytest.fixture
def job(yolo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    """Two detectors of the same small network, the second of which is the oldest, at two precisions."""
    write_network(tmp_path / "small.onnx")
    told = "small.onnx", "none", Takes(64, "stretch", bgr=True), LAYOUTS["fastestdet"], 1
    made = {name: Detector(name, name, *told) for name in ("newer", "fastestdet")}
    pairs = [(name, precision) for name in made for precision in ("fp32", "int8_all")]
    for module in (networks, evaluate, origin):
        monkeypatch.setattr(module, "DETECTORS", made)
    monkeypatch.setattr(evaluate, "NETWORKS", pairs)
    monkeypatch.setattr(tables, "SETTINGS", SMALL)
    monkeypatch.setattr(tables, "RESAMPLES", 20)
    return Job(yolo, tmp_path, tmp_path / "cache", 1)


def test_the_halves_are_equal_apart_and_repeatable() -> None:
    names = [f"{number}.jpg" for number in range(128)]
    half = precisions.halves(names, 1)
    assert np.bincount(half).tolist() == [64, 64]
    np.testing.assert_array_equal(half, precisions.halves(names, 1))
    assert (half != precisions.halves(names, 2)).any()


@pytest.mark.parametrize(("precision", "count"), [("int8_all", 2), ("int8_head_float", 1), ("int8_depthwise_float", 1)])
def test_a_recipe_leaves_in_float_what_it_says(precision: str, count: int, job: Job) -> None:
    graph = onnx.load(job.network("newer", precision, 0)).graph
    scaled = {node.output[0] for node in graph.node if node.op_type == "DequantizeLinear"}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    eight = [node for node in convolutions if node.input[1] in scaled]
    float_ = [node.name for node in convolutions if node.input[1] not in scaled]
    assert len(eight) == count
    assert float_ == {"int8_all": [], "int8_head_float": ["Conv_1"], "int8_depthwise_float": ["Conv_0"]}[precision]


def test_no_image_is_measured_by_a_network_that_was_calibrated_on_it(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, list[np.ndarray]] = {}

    def note(_source: Path, target: Path, _precision: str, _detector: Detector, images: Iterator[np.ndarray], _: str) -> None:
        seen[str(target)] = list(images)

    monkeypatch.setattr(precisions, "_quantize", note)
    for half in (0, 1):
        target = str(job.network("newer", "int8_all", half))
        others = [place for place in range(len(job.dataset)) if job.halves[place] != half]
        expected = [precisions.prepare(job.dataset.pixels(place), evaluate.DETECTORS["newer"].takes)[0] for place in others]
        np.testing.assert_array_equal(seen[target], expected)


def test_a_part_holds_what_the_network_answers(job: Job) -> None:
    Bench(job).measure(Setting("clean", 0))
    part = read_part(job.part(Setting("clean", 0)))
    assert len(part.images) == 4 and len(part.inputs) == 8
    detector = evaluate.DETECTORS["newer"]
    session = ort.InferenceSession(str(detector.path(job.trained)))
    tensor, placed = prepare(job.dataset.pixels(2), detector.takes)
    expected = boxes_of(detector.layout, [session.run(None, {"pixels": tensor[np.newaxis]})[0][0]], 64, LEAST)
    found = part.found("newer", "fp32")
    mine = found.image == 2
    np.testing.assert_allclose(found.box[mine], placed.back(expected[:, :4]), rtol=1e-5)
    np.testing.assert_allclose(found.score[mine], expected[:, 4], rtol=1e-5)
    assert part.inputs["input_mean"].iloc[0] == pytest.approx(job.dataset.pixels(0).mean() / 255, abs=0.01)


def test_tables_come_of_the_parts_and_can_be_read(job: Job, tmp_path: Path) -> None:
    bench = Bench(job)
    for setting in SMALL:
        bench.measure(setting)
    tables.make_tables(job, tmp_path / "out", lambda: None)
    found = load_detections(tmp_path / "out")
    assert (found.about.images, found.about.boxes, len(found.boxes)) == (4, 4, 4)
    # A stale model everywhere at both precisions, on a third of the images at fp32, and for the newer detector only.
    assert len(found.summary) == 4 * 2 + 2 + 1
    assert (found.summary["ap_low"] <= found.summary["ap_high"]).all()
    stale, clean = (found.scores(*key) for key in (("newer", "fp32", "stale_model", 2), ("fastestdet", "fp32", "clean", 0)))
    np.testing.assert_array_equal(stale, clean)
    assert set(found.images["condition"]) == {"clean", "fog", "stale_model"}
    assert found.about.conditions["fog"].strengths == {1: 0.5}


def test_a_stale_model_on_a_part_of_the_images_answers_there_alone(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    # Other weights for the newer detector, so that the two answer differently.
    write_network(job.trained / "other.onnx", seed=1)
    made = evaluate.DETECTORS
    made["newer"] = replace(made["newer"], file="other.onnx")
    Bench(job).measure(Setting("clean", 0))
    clean, setting = read_part(job.part(Setting("clean", 0))), Setting("stale_model", 1)
    monkeypatch.setattr(Setting, "strikes", lambda _, name, seed: name in ("1", "3"))
    part = seen(job, setting)
    mixed, own, old = part.found("newer", "fp32"), clean.found("newer", "fp32"), clean.found("fastestdet", "fp32")
    assert job.networks_of(setting) == [("newer", "fp32")]
    for image, expected in ((0, own), (1, old), (2, own), (3, old)):
        np.testing.assert_array_equal(mixed.score[mixed.image == image], expected.score[expected.image == image])
    assert not np.array_equal(own.score, old.score)
    assert part.inputs_of("newer")["image"].tolist() == [0, 1, 2, 3]


def test_a_bug_strikes_the_stated_share_of_the_images_and_all_at_its_second_severity() -> None:
    names = [str(number) for number in range(4000)]
    for bug in ("bgr", "stale_model"):
        struck = [Setting(bug, 1).strikes(name, 1) for name in names]
        assert np.mean(struck) == pytest.approx(SHARES[0], abs=4 * np.sqrt(0.33 * 0.67 / 4000))
        assert all(Setting(bug, 2).strikes(name, 1) for name in names)
    takes = Takes(64, bgr=True)
    prepared = {Setting("bgr", 1).takes(takes, name, 1).bgr for name in names[:50]}
    assert prepared == {True, False}


def test_tables_are_added_to_and_keep_what_they_hold(job: Job, tmp_path: Path) -> None:
    for setting in SMALL:
        Bench(job).measure(setting)
    tables.make_tables(job, tmp_path / "out", lambda: None)
    before = load_detections(tmp_path / "out")
    more = replace(job, fp32_only=True)
    added = lacking(before)
    assert [str(one) for one in added] == ["clean:0", "fog:2", "fog:3", "fog:4", "fog:5"]
    added = added[:2]
    for setting in added:
        Bench(more).measure(setting)
    tables.make_tables(more, tmp_path / "out", lambda: None, added, before)
    after = load_detections(tmp_path / "out")
    assert after.about.conditions["fog"].strengths == {1: 0.5, 2: 0.7}
    assert "fog 2" in after.about.notes[-1]
    assert len(after.summary) == len(before.summary) + 2
    for name in ("outcomes", "answers", "images", "summary"):
        old, new = getattr(before, name), getattr(after, name)
        pd.testing.assert_frame_equal(new[: len(old)], old, check_dtype=False, check_categorical=False)
    assert after.scores("newer", "fp32", "fog", 2).shape == (4,)
    spoilt = DetectionTables(**vars(before) | {"summary": before.summary.assign(ap=before.summary["ap"] + 0.1)})
    with pytest.raises(CannotMeasureError, match=r"the tables that are added to say an AP of"):
        tables.make_tables(more, tmp_path / "out", lambda: None, added, spoilt)


def test_what_a_monitor_sees_is_counted_by_hand() -> None:
    told = signals.of_scores(np.array([0.95, 0.31, 0.3, 0.04]), np.array([False, True, False, True]))
    assert told["score_max"] == 0.95
    assert told["score_mean"] == pytest.approx((0.95 + 0.31 + 0.3) / 3)
    assert (told["found_90"], told["found_30"], told["false_30"], told["false_05"]) == (1, 2, 1, 0)
    assert sum(value for name, value in told.items() if name.startswith("found")) == 3
    assert len(told) == 2 + 2 * len(BINS)
    assert signals.of_scores(np.array([]), np.array([], bool))["score_mean"] == 0


def test_statistics_of_plain_images_are_known() -> None:
    grey = signals.of_image(np.full((20, 30, 3), 51, np.uint8))
    assert pd.Series(grey).drop("jpeg_bytes_per_pixel").round(6).to_dict() == {
        "brightness": 0.2, "contrast": 0, "sharpness": 0, "saturation": 0, "red_less_blue": 0, "entropy_bits": 0, "noise": 0,
    }  # fmt: skip
    halves = np.zeros((20, 30, 3), np.uint8)
    halves[:, 15:] = (255, 255, 255)
    told = signals.of_image(halves)
    assert (told["brightness"], told["contrast"], told["entropy_bits"]) == pytest.approx((0.5, 0.5, 1))
    assert signals.of_image(np.full((9, 9, 3), (255, 0, 0), np.uint8))["red_less_blue"] == pytest.approx(1)


def test_every_recipe_of_the_weights_is_judged_on_this_processor(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eight_bits, "DETECTORS", {"newer": evaluate.DETECTORS["newer"]})
    rows = judged_here(job).set_index("recipe")
    assert list(rows.index) == [way.recipe for way in WAYS]
    assert rows["saturates"].eq(products_saturate()).all()
    if not products_saturate():
        assert rows["ap"]["8-bit weights, exact sums"] == rows["ap"]["8-bit weights"]
    stored = {weights: _weights(job, weights) for weights in ("8 bits", "7 bits", "unsigned")}
    assert (stored["8 bits"].dtype, np.abs(stored["8 bits"]).max()) == (np.int8, 127)
    assert (stored["7 bits"].dtype, np.abs(stored["7 bits"]).max()) == (np.int8, 64)
    assert stored["unsigned"].dtype == np.uint8


def _weights(job: Job, weights: precisions.Weights) -> np.ndarray:
    file = precisions.network_file(
        evaluate.DETECTORS["newer"],
        "int8_all",
        0,
        job.trained,
        job.cache / "detections" / "networks",
        job.dataset,
        1,
        weights=weights,
    )
    held = {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(file).graph.initializer}
    return next(values for name, values in held.items() if name.endswith("_quantized") and values.ndim == 4)


def test_rows_of_the_other_kind_of_processor_stay(tmp_path: Path) -> None:
    def rows(saturates: bool, ap: float) -> pd.DataFrame:
        return pd.DataFrame([("net", "int8_all", "8-bit weights", saturates, ap, ap)], columns=PROCESSORS.names)

    for saturates, ap in ((False, 0.2), (True, 0.1), (False, 0.3)):
        write_rows(rows(saturates, ap), tmp_path)
    found = load_processors(tmp_path)
    assert dict(zip(found["saturates"], found["ap"], strict=True)) == {True: 0.1, False: 0.3}
