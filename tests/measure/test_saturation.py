"""Saturation of 8-bit products, against the arithmetic of `vpmaddubsw` done by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from simulator.evidence.catalogue import instruction_set_of, saturates
from simulator.measure import own_model, saturation
from simulator.measure.machine import processor
from simulator.measure.own_model import measure_own
from simulator.measure.progress import ProfileOptions
from simulator.measure.saturation import EightBitCheck, check_eight_bits, products_saturate

pytestmark = pytest.mark.zoo

#: 16 products of 255 and 127, added in pairs in 16 bits: each pair ends at 32,767.
EXACT, SATURATED = 16 * 255 * 127, 8 * 32_767


@pytest.fixture
def largest(tmp_path: Path) -> Path:
    """A graph of floats between 8-bit numbers, as quantizers write it, whose products are as large as they can be."""
    scalars = {"one": np.float32(1), "zero": np.uint8(0), "none": np.int8(0), "wide": np.float32(4000)}
    held = [numpy_helper.from_array(np.array(value), name) for name, value in scalars.items()]
    held.append(numpy_helper.from_array(np.full((8, 16, 1, 1), 127, np.int8), "weights"))
    nodes = [
        helper.make_node("QuantizeLinear", ["image", "one", "zero"], ["image_8"]),
        helper.make_node("DequantizeLinear", ["image_8", "one", "zero"], ["image_f"]),
        helper.make_node("DequantizeLinear", ["weights", "one", "none"], ["weights_f"]),
        helper.make_node("Conv", ["image_f", "weights_f"], ["sums"]),
        helper.make_node("QuantizeLinear", ["sums", "wide", "zero"], ["sums_8"]),
        helper.make_node("DequantizeLinear", ["sums_8", "wide", "zero"], ["answer"]),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 16, 8, 8])
    answer = helper.make_tensor_value_info("answer", TensorProto.FLOAT, [1, 8, 8, 8])
    model = helper.make_model(
        helper.make_graph(nodes, "largest", [image], [answer], held), opset_imports=[helper.make_opsetid("", 13)], ir_version=8
    )
    onnx.save(model, tmp_path / "largest.onnx")
    return tmp_path / "largest.onnx"


def images() -> list[Any]:
    return [np.full((1, 16, 8, 8), 255, np.float32)]


def test_the_processor_is_asked_and_agrees_with_what_it_lists() -> None:
    listed = instruction_set_of(processor())
    if listed in (None, "avx512"):
        pytest.skip("this processor lists no instruction set that decides")
    assert products_saturate() == saturates(listed)


def test_the_error_here_is_that_of_exact_sums_or_of_saturated_ones(largest: Path) -> None:
    check = check_eight_bits(largest, images())
    expected = 1 - SATURATED / EXACT if products_saturate() else 0.0
    assert check.here == pytest.approx(expected, abs=0.01)
    assert check.exact == pytest.approx(0, abs=0.01)
    assert check.differs == products_saturate()


def test_a_file_of_eight_bit_operators_is_compared_with_exact_sums(tmp_path: Path) -> None:
    file = tmp_path / "operators.onnx"
    file.write_bytes(saturation._largest_products())
    check = check_eight_bits(file, [np.full((1, 16, 8, 8), 255, np.uint8)])
    assert check.here == pytest.approx(1 - 66 / 130 if products_saturate() else 0.0, abs=0.01)
    assert check.exact == 0


def test_what_rounding_makes_is_not_told() -> None:
    assert EightBitCheck(0.151, 0.15).sentence == ""
    told = EightBitCheck(0.68, 0.15).sentence
    assert "off by 68% of their size; with exact sums they are off by 15%" in told
    assert 'The session option session.x64quantprecision = "1" makes sums exact and calls slower' in told


@pytest.mark.long
def test_who_measures_a_model_of_eight_bits_is_told(largest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_model, "check_eight_bits", lambda file, images: EightBitCheck(0.68, 0.15))
    events: list[Any] = []
    own = ProfileOptions(out=tmp_path / "out", threads=[1], input_shape="16,8,8", budget=0.05, device="here")
    measure_own(events.append, largest, own)
    notes = [event["text"] for event in events if event["event"] == "note"]
    assert any(note.startswith("largest.onnx: its 8-bit products saturate on this processor") for note in notes)
