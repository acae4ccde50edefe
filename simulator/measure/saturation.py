"""Saturation of 8-bit products on this processor, and how far it moves the answers of a network (see `catalogue`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from simulator.evidence.catalogue import InstructionSet, instruction_set_of, saturates
from simulator.measure.machine import processor
from simulator.measure.onnx_runtime import quiet_session
from simulator.phrases import phrase

#: Makes ONNX Runtime add products of weights with unsigned ones in 32 bits, which cannot saturate.
EXACT_SUMS = "session.x64quantprecision"
#: Makes it compute the graph as written: 8-bit numbers back to floats before each operator.
IN_FLOATS = "session.disable_quant_qdq"
#: A difference that is this many times what rounding makes is told.
_NOTABLE = 1.1


def products_saturate() -> bool:
    """Return whether this processor's 8-bit products saturate: a convolution whose true answer is 130 answers less.

    Asks the arithmetic, not the name of the processor, so that it holds in an emulator and on processors yet to come.
    """
    session = ort.InferenceSession(_largest_products(), quiet_session(), providers=["CPUExecutionProvider"])
    answer = session.run(None, {"x": np.full((1, 16, 8, 8), 255, np.uint8)})[0]
    return int(answer.max()) < round(16 * 255 * 127 / _SCALE)


def instruction_set_here() -> InstructionSet | None:
    """Return the instruction set that this process runs on; AVX2 where products saturate though the processor lists VNNI.

    An emulator, or a mask over the processor's features, shows itself in the arithmetic alone.
    """
    listed = instruction_set_of(processor())
    return "avx2" if products_saturate() and (listed is None or not saturates(listed)) else listed


_SCALE = 4000.0


def _largest_products() -> bytes:
    """Return a model of one 1 x 1 convolution: 16 channels of 255 times 127 each, divided by _SCALE."""
    scalars: dict[str, Any] = {
        "x_scale": np.float32(1), "x_zero": np.uint8(0), "w_scale": np.float32(1), "w_zero": np.int8(0),
        "y_scale": np.float32(_SCALE), "y_zero": np.uint8(0),
    }  # fmt: skip
    held = [numpy_helper.from_array(np.array(value), name) for name, value in scalars.items()]
    weights = numpy_helper.from_array(np.full((8, 16, 1, 1), 127, np.int8), "w")
    names = ["x", "x_scale", "x_zero", "w", "w_scale", "w_zero", "y_scale", "y_zero"]
    graph = helper.make_graph(
        [helper.make_node("QLinearConv", names, ["y"])],
        "largest_products",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, [1, 16, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.UINT8, [1, 8, 8, 8])],
        [*held, weights],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return bytes(model.SerializeToString())


@dataclass(frozen=True)
class EightBitCheck:
    """Errors of an 8-bit file's answers, as parts of the size of the answers (L2 norms, mean over the images).

    here: as ONNX Runtime runs it on this processor; exact: with sums that cannot saturate; both beside the graph in floats
    """

    here: float
    exact: float

    @property
    def differs(self) -> bool:
        return self.here > _NOTABLE * self.exact

    @property
    def sentence(self) -> str:
        """What differs and what helps; empty where nothing does."""
        return phrase("onnx.saturates", here=self.here, exact=self.exact, option=EXACT_SUMS) if self.differs else ""


def check_eight_bits(file: Path, images: Sequence[NDArray[np.generic]]) -> EightBitCheck:
    """Compare the answers of a file here with those of its graph in floats.

    images: each of the shape that the file takes. A file whose operators are 8-bit ones already has no graph in floats; its
    exact sums stand in.
    """
    here, exact = _flat_answers(file, images), _flat_answers(file, images, EXACT_SUMS)
    floats = _flat_answers(file, images, IN_FLOATS)
    truth = exact if _distance(here, floats) == 0 else floats
    return EightBitCheck(_distance(here, truth), _distance(exact, truth))


def _flat_answers(file: Path, images: Sequence[NDArray[np.generic]], option: str | None = None) -> list[NDArray[np.float64]]:
    options = quiet_session()
    if option:
        options.add_session_config_entry(option, "1")
    session = ort.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    outputs = (session.run(None, {name: image}) for image in images)
    return [np.concatenate([np.ravel(np.asarray(output, np.float64)) for output in answer]) for answer in outputs]


def _distance(answers: list[NDArray[np.float64]], truth: list[NDArray[np.float64]]) -> float:
    pairs = zip(answers, truth, strict=True)
    return float(np.mean([np.linalg.norm(answer - exact) / (np.linalg.norm(exact) or 1.0) for answer, exact in pairs]))
