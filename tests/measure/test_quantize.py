import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import nn

from simulator.measure.guarded import RefusedError
from simulator.measure.onnx_export import export
from simulator.measure.quantize import CALIBRATED, QUANTIZERS, quantize, sensitive_nodes

pytestmark = [pytest.mark.zoo, pytest.mark.usefixtures("one_process")]


@pytest.fixture
def source(tiny_onnx: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(tiny_onnx, tmp_path))


def images(count: int = 4) -> list[NDArray[np.float32]]:
    return list(np.random.default_rng(1).standard_normal((count, 3, 16, 16), dtype=np.float32))


def run(file: Path) -> NDArray[np.float32]:
    """Answer with the graph as written: fused 8-bit kernels saturate on processors that have no VNNI instructions."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return ort.InferenceSession(str(file), options).run(None, {"image": np.stack(images())})[0]


@pytest.mark.parametrize("precision", QUANTIZERS)
def test_fewer_bits_answer_almost_what_32_bits_answer(source: Path, tmp_path: Path, precision: str) -> None:
    target = tmp_path / "made.onnx"
    quantize(source, target, precision, images())
    exact = run(source)
    assert np.abs(run(target) - exact).max() < 0.05 * np.abs(exact).max()


def test_static_weights_have_a_scale_a_channel(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "made.onnx"
    quantize(source, target, "int8_static", images())
    graph = onnx.load(target).graph
    shapes = {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    convolution = next(node for node in graph.node if node.op_type == "Conv")
    makers = {node.output[0]: node for node in graph.node}
    weight, activation = makers[convolution.input[1]], makers[convolution.input[0]]
    assert (weight.op_type, activation.op_type) == ("DequantizeLinear", "DequantizeLinear")
    assert shapes[weight.input[1]] == [8]
    assert shapes[activation.input[1]] == []
    assert makers[activation.input[0]].op_type == "QuantizeLinear"


def test_dynamic_multiplies_integers(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "made.onnx"
    quantize(source, target, "int8_dynamic")
    kinds = {node.op_type for node in onnx.load(target).graph.node}
    assert {"ConvInteger", "MatMulInteger"} <= kinds
    assert not kinds & {"Conv", "Gemm", "MatMul"}


def test_a_stop_leaves_nothing(source: Path, tmp_path: Path) -> None:
    def stopped() -> Iterator[NDArray[np.float32]]:
        yield images()[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        quantize(source, tmp_path / "made.onnx", "int8_static", stopped())
    assert list(tmp_path.iterdir()) == [source]


def test_16_bits_are_half_as_wide_inside_and_full_at_the_edges(source: Path, tmp_path: Path) -> None:
    quantize(source, tmp_path / "made.onnx", "fp16")
    graph = onnx.load(tmp_path / "made.onnx").graph
    assert {tensor.data_type for tensor in graph.initializer if len(tensor.dims) > 1} == {onnx.TensorProto.FLOAT16}
    assert {value.type.tensor_type.elem_type for value in [*graph.input, *graph.output]} == {onnx.TensorProto.FLOAT}


@pytest.mark.long
def test_a_percentile_leaves_an_outlier_out_of_the_scale(source: Path, tmp_path: Path) -> None:
    seen = images(count=300)
    seen[7][0, 3, 3] = 1000.0

    def input_scale(precision: str) -> float:
        quantize(source, tmp_path / f"{precision}.onnx", precision, seen)
        graph = onnx.load(tmp_path / f"{precision}.onnx").graph
        first = next(node for node in graph.node if node.op_type == "QuantizeLinear" and node.input[0] == "image")
        return float(next(numpy_helper.to_array(tensor) for tensor in graph.initializer if tensor.name == first.input[1]))

    assert input_scale("int8_static") == pytest.approx(1000 / 255, rel=0.02)
    # 99.99% of a normal distribution lie within 3.89 deviations.
    assert input_scale("int8_static_percentile") == pytest.approx(2 * 3.89 / 255, rel=0.3)


def a_graph() -> onnx.GraphProto:
    """stem, depthwise, middle and two heads; an attention of two activations in between."""

    def weight(name: str, *dims: int) -> onnx.TensorProto:
        return numpy_helper.from_array(np.zeros(dims, np.float32), name)

    make = onnx.helper.make_node
    nodes = [
        make("Conv", ["image", "w_stem"], ["a"], name="stem"),
        make("Relu", ["a"], ["b"], name="relu"),
        make("Conv", ["b", "w_depthwise"], ["c"], name="depthwise", group=8),
        make("Conv", ["c", "w_middle"], ["d"], name="middle"),
        make("MatMul", ["d", "d"], ["e"], name="attention"),
        make("Conv", ["e", "w_grouped"], ["f"], name="grouped", group=2),
        make("Conv", ["f", "w_boxes"], ["boxes"], name="boxes"),
        make("MatMul", ["f", "w_scores"], ["g"], name="scores"),
        make("Sigmoid", ["g"], ["probabilities"], name="sigmoid"),
    ]
    outputs = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in ("boxes", "probabilities")]
    weights = [
        weight("w_stem", 8, 3, 3, 3),
        weight("w_depthwise", 8, 1, 3, 3),
        weight("w_middle", 8, 8, 1, 1),
        weight("w_grouped", 8, 4, 1, 1),
        weight("w_boxes", 4, 8, 1, 1),
        weight("w_scores", 8, 5),
    ]
    return onnx.helper.make_graph(nodes, "net", [], outputs, weights)


def test_first_last_depthwise_and_products_of_activations_are_sensitive() -> None:
    assert set(sensitive_nodes(a_graph())) == {"stem", "depthwise", "attention", "boxes", "scores"}


def test_mixed_keeps_the_ends_in_float(tmp_path: Path) -> None:
    layers = [nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU(), nn.Conv2d(8, 5, 3)]
    export(nn.Sequential(*layers).eval(), [3, 16, 16], tmp_path / "net.onnx")
    quantize(tmp_path / "net.onnx", tmp_path / "made.onnx", "int8_mixed", images())
    graph = onnx.load(tmp_path / "made.onnx").graph
    makers = {node.output[0]: node.op_type for node in graph.node}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    assert [makers.get(node.input[1]) for node in convolutions] == [None, "DequantizeLinear", None]


@pytest.mark.parametrize("trained", [True, pytest.param(False, marks=pytest.mark.long)])
def test_what_overflows_16_bits_is_refused(tmp_path: Path, trained: bool) -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    nn.init.constant_(model[0].weight, 60000.0)
    export(model.eval(), [3, 16, 16], tmp_path / "net.onnx")
    probe = np.full((1, 3, 16, 16), 2, np.float32)
    with pytest.raises(RefusedError, match="not finite") as refused:
        quantize(tmp_path / "net.onnx", tmp_path / "made.onnx", "fp16", probe=probe, trained=trained)
    assert refused.value.step == "run"
    assert not (tmp_path / "made.onnx").exists()


def test_answers_that_say_nothing_are_refused_of_a_trained_network_only(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def negate(prepared: Path, target: Path, _: object) -> None:
        model = onnx.load(prepared)
        output = model.graph.output[0].name
        for node in model.graph.node:
            node.output[:] = ["before" if name == output else name for name in node.output]
        model.graph.node.append(onnx.helper.make_node("Neg", ["before"], [output]))
        onnx.save(model, target)

    monkeypatch.setitem(QUANTIZERS, "fp16", negate)
    with pytest.raises(RefusedError, match="off by 200% of their size"):
        quantize(source, tmp_path / "made.onnx", "fp16")
    quantize(source, tmp_path / "made.onnx", "fp16", trained=False)
    assert (tmp_path / "made.onnx").is_file()


@pytest.mark.parametrize("precision", QUANTIZERS)
def test_a_quantizer_that_gives_up_says_so(
    source: Path, tmp_path: Path, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def give_up(*_: object) -> None:
        raise NotImplementedError("no such operator")

    monkeypatch.setitem(QUANTIZERS, precision, give_up)
    with pytest.raises(RefusedError, match="the quantizer cannot convert it: NotImplementedError: no such operator"):
        quantize(source, tmp_path / "made.onnx", precision)
    assert list(tmp_path.iterdir()) == [source]


def test_photos_are_asked_for_by_the_precisions_that_calibrate() -> None:
    assert {name for name in QUANTIZERS if "static" in name or "mixed" in name} == CALIBRATED
