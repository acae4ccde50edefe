"""Features of images: the layer, the reduction against scikit-learn, and what is kept between runs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from campaigns.detections import features
from campaigns.detections.evaluate import Job
from campaigns.detections.features import FeatureBench, cut, make_features, reduced, settings_of
from campaigns.detections.networks import DETECTORS
from simulator.evidence.detection_tables import load_detections
from simulator.evidence.evidence_tables import Table, columns
from simulator.evidence.scene_tables import load_features
from simulator.measure.detector_conditions import Setting
from simulator.measure.detector_io import Takes, prepare
from simulator.measure.guarded import CannotMeasureError
from tests.detections import small_tables

WEIGHTS = np.random.default_rng(0).normal(size=(20, 3, 16, 16)).astype(np.float32)


def write_network(file: Path, neck: bool = True) -> None:
    """A convolution with 20 channels on 4 by 4 places, whose answer is enlarged."""
    scales = numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), "scales")
    tensors = [numpy_helper.from_array(WEIGHTS, "weights"), scales]
    nodes = [helper.make_node("Conv", ["images", "weights"], ["layer"], strides=[16, 16])]
    last = helper.make_node("Resize", ["layer", "", "scales"], ["output"], mode="nearest") if neck else None
    nodes.append(last or helper.make_node("Relu", ["layer"], ["output"]))
    image = helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, 64, 64])
    output = helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 20, 8, 8] if neck else [1, 20, 4, 4])
    graph = helper.make_graph(nodes, "net", [image], [output], tensors)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7), file)


@pytest.fixture
def bench(yolo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FeatureBench:
    write_network(tmp_path / "small.onnx")
    for detector in DETECTORS.values():
        (tmp_path / detector.file).write_bytes(b"weights")
    small = replace(DETECTORS["yolox_nano"], file="small.onnx", takes=Takes(64, "stretch"))
    monkeypatch.setattr(features, "DETECTORS", {"yolox_nano": small})
    return FeatureBench(Job(yolo, tmp_path, tmp_path / "cache", 1))


def test_a_feature_is_the_mean_of_a_channel_over_all_places(bench: FeatureBench) -> None:
    ticks: list[int] = []
    bench.measure(Setting("clean", 0), lambda: ticks.append(1))
    tensor, _ = prepare(bench.job.dataset.pixels(2), Takes(64, "stretch"))
    # The convolution by hand: its patches do not overlap.
    patches = tensor.reshape(3, 4, 16, 4, 16)
    expected = np.einsum("ocyx,crysx->ors", WEIGHTS, patches).mean(axis=(1, 2))
    np.testing.assert_allclose(bench.features(Setting("clean", 0))[2], expected, rtol=1e-3, atol=1e-4)
    bench.measure(Setting("clean", 0), lambda: ticks.append(1))
    assert len(ticks) == 4  # the second time they are there already


def test_the_reduction_is_scikit_learns_whitened_components() -> None:
    sklearn = pytest.importorskip("sklearn.decomposition")
    rng = np.random.default_rng(0)
    clean, other = rng.normal(size=(40, 12)) @ rng.normal(size=(12, 12)), rng.normal(size=(9, 12))
    fitted = sklearn.PCA(5, whiten=True, svd_solver="full").fit(clean)
    [mine], explained = reduced(clean, [other], 5)
    np.testing.assert_allclose(np.abs(mine), np.abs(fitted.transform(other)), rtol=1e-6)
    assert explained == pytest.approx(fitted.explained_variance_ratio_.sum())


def test_features_are_written_for_every_setting_of_the_tables(
    bench: FeatureBench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Two of four images are the reference, which gives one component.
    monkeypatch.setattr(features, "NUMBERS", ["f00"])
    tables = small_tables(tmp_path / "tables")
    settings = settings_of(tables)
    assert [str(one) for one in settings] == ["clean:0", "bgr:1", "fog:1", "fog:3", "fog:5"]
    for setting in settings:
        bench.measure(setting)
    make_features(bench, tables, tmp_path / "tables" / "boxes.parquet", tmp_path / "out")
    monkeypatch.setattr("simulator.evidence.scene_tables.NUMBERS", ["f00"])
    monkeypatch.setattr(
        "simulator.evidence.scene_tables.FEATURES_TABLE",
        Table("features.parquet", columns("condition severity image reference f00")),
    )
    found = load_features(tmp_path / "out")
    assert len(found.rows) == 5 * 4
    clean = found.of("clean", 0, reference=True)["f00"]
    assert (clean.mean(), clean.std()) == pytest.approx((0, 1), abs=0.01)
    assert found.about.reference_images == 2 and found.about.explained == 1


def test_what_cannot_be_used_is_told(bench: FeatureBench, tmp_path: Path) -> None:
    write_network(tmp_path / "flat.onnx", neck=False)
    with pytest.raises(CannotMeasureError, match=r"flat\.onnx: has no layer that is enlarged"):
        cut(tmp_path / "flat.onnx", tmp_path / "cut.onnx")
    with pytest.raises(CannotMeasureError, match="holds other images than the detection tables, such as 0"):
        bench.check_same(load_detections())
