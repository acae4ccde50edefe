from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray

from simulator.zoo.architectures import ARCHITECTURES
from simulator.zoo.export import export
from simulator.zoo.quantize import quantize

pytestmark = pytest.mark.zoo


@pytest.fixture
def source(tiny: str, tmp_path: Path) -> Path:
    file = tmp_path / "tiny.fp32.onnx"
    export(ARCHITECTURES[tiny].build(), ARCHITECTURES[tiny].input_shape, file)
    return file


def images(count: int = 4) -> list[NDArray[np.float32]]:
    return list(np.random.default_rng(1).standard_normal((count, 3, 16, 16), dtype=np.float32))


def run(file: Path) -> NDArray[np.float32]:
    return ort.InferenceSession(str(file)).run(None, {"image": np.stack(images())})[0]


@pytest.mark.parametrize("precision", ["int8_dynamic", "int8_static"])
def test_8_bits_answer_almost_what_32_bits_answer(source: Path, tmp_path: Path, precision: str) -> None:
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
