"""The last layer fitted again: the served layer against ONNX Runtime, what a head learns, and that no image teaches its own."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from campaigns.detections.refits import FOLDS, LastLayer, Lessons, RefitQuality, bought, exposed, folds, refitted
from simulator.metrics.detection_quality import Boxes, ScoredBoxes

CHANNELS, CLASSES = 6, 3


def write_network(file: Path) -> None:
    """One stride: features by a convolution, and the last layer with the scores of the classes before 32 distances."""
    rng = np.random.default_rng(0)
    both = CLASSES + 32
    shapes = {"w": (CHANNELS, 3, 8, 8), "head.gfl_cls.0.weight": (both, CHANNELS, 1, 1), "head.gfl_cls.0.bias": (both,)}
    tensors = [numpy_helper.from_array(rng.normal(size=shape).astype(np.float32), name) for name, shape in shapes.items()]
    nodes = [
        helper.make_node("Conv", ["images", "w"], ["features"], strides=[8, 8]),
        helper.make_node("Conv", ["features", "head.gfl_cls.0.weight", "head.gfl_cls.0.bias"], ["both"]),
        helper.make_node("Sigmoid", ["both"], ["scores"]),
    ]
    image, scores = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (("images", [1, 3, 32, 32]), ("scores", [1, both, 4, 4]))
    )
    graph = helper.make_graph(nodes, "net", [image], [scores], tensors)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7), file)


def test_features_and_weights_give_the_scores_that_the_network_gives(tmp_path: Path) -> None:
    write_network(tmp_path / "net.onnx")
    session = ort.InferenceSession(str(exposed(tmp_path / "net.onnx", tmp_path / "exposed.onnx")))
    image = np.random.default_rng(1).normal(size=(1, 3, 32, 32)).astype(np.float32) / 10
    scores, features = session.run(None, {"images": image})
    places = features[0].reshape(CHANNELS, -1).T
    logits = LastLayer.read(tmp_path / "net.onnx").logits(places, np.zeros(16, np.int64))
    np.testing.assert_allclose(expit(logits), scores[0, :CLASSES].reshape(CLASSES, -1).T, atol=1e-5)


def lessons(told: float, seed: int = 0, count: int = 1200) -> Lessons:
    """Places of 30 images; right ones have a higher served score, and a first feature that tells them by `told` deviations."""
    rng = np.random.default_rng(seed)
    right = rng.random(count) < 0.3
    features = rng.normal(size=(count, CHANNELS)).astype(np.float32)
    features[:, 0] += told * right
    logits = rng.normal(size=(count, CLASSES)).astype(np.float32) - 2
    logits[:, 0] += 2 + right
    target = right.astype(np.float32)
    return Lessons(features, np.zeros(count, np.int64), logits, target, np.ones(count, np.float32), np.arange(count) % 30)


def auc(told: float) -> tuple[float, float]:
    """Return the AUC of the served scores and of the new head, on places that taught nothing."""
    head, other = refitted(lessons(told)), lessons(told, seed=1)
    after = head(other.features, other.stride, other.logits)
    return tuple(float(roc_auc_score(other.target > 0, each.max(axis=1))) for each in (other.logits, after))  # type: ignore[return-value]


def test_a_head_learns_from_features_that_tell_and_leaves_the_order_where_none_does() -> None:
    before, after = auc(told=3)
    assert after > before + 0.1
    before, after = auc(told=0)
    assert abs(after - before) < 0.02


def test_one_change_moves_all_classes_of_a_place() -> None:
    taught = lessons(told=3)
    after = refitted(taught)(taught.features, taught.stride, taught.logits)
    assert (after.argmax(axis=1) == taught.logits.argmax(axis=1)).all()


def test_a_stride_with_nothing_right_keeps_its_scores() -> None:
    taught = lessons(told=3)
    empty = Lessons(**vars(taught) | {"target": np.zeros_like(taught.target)})
    np.testing.assert_array_equal(refitted(empty)(taught.features, taught.stride, taught.logits), taught.logits)


def test_no_image_teaches_the_head_that_tests_it() -> None:
    order, fold = folds(128, 1)
    assert np.bincount(fold).tolist() == [128 // FOLDS] * FOLDS
    for tested in range(FOLDS):
        few, many = (bought(order, fold, tested, count) for count in (24, 96))
        assert (len(few), len(many)) == (24, 96)
        assert set(few) < set(many)
        assert not set(many) & set(np.flatnonzero(fold == tested))


def test_quality_of_two_boxes_of_which_one_is_found() -> None:
    box = np.array([[0.0, 0, 10, 10], [20, 0, 30, 10]])
    labels = Boxes(np.array([0, 1]), np.zeros(2, np.int64), box)
    found = ScoredBoxes(np.array([0]), np.zeros(1, np.int64), box[:1], np.array([0.8]))
    quality = RefitQuality.of(labels, found, np.array([[1.0, 1.0], [2.0, 0.0]]))
    assert quality.recall == 0.5
    assert quality.recall_drawn.tolist() == [0.5, 1.0]
    np.testing.assert_allclose([quality.ap, *quality.ap_drawn], [51 / 101, 51 / 101, 1])
