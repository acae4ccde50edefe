"""Precisions: what becomes of a float32 ONNX file before it is measured."""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quant_pre_process,
    quantize_dynamic,
    quantize_static,
)

from simulator.zoo.export import INPUT, quiet_tools

#: Images to calibrate on, each float32 (channels, height, width); only asked for by a precision that needs them.
Images = Iterable[NDArray[np.float32]]
Quantizer = Callable[[Path, Path, Images], None]


class _OneByOne(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime ships no types
    def __init__(self, images: Images) -> None:
        self._feeds: Iterator[dict[str, NDArray[np.float32]]] = ({INPUT: image[np.newaxis]} for image in images)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        return next(self._feeds, None)


def int8_dynamic(source: Path, target: Path, _: Images) -> None:
    """8-bit weights; the scale of an activation is found in each call."""
    # The processor's 8-bit convolution with run-time scales takes unsigned weights only; matrix products run
    # faster and closer to float32 with signed weights, a scale a channel.
    quantize_dynamic(source, target, op_types_to_quantize=["MatMul", "Gemm"], weight_type=QuantType.QInt8, per_channel=True)
    quantize_dynamic(target, target, op_types_to_quantize=["Conv"], weight_type=QuantType.QUInt8)


def int8_static(source: Path, target: Path, images: Images) -> None:
    """8-bit weights, a scale a channel, and 8-bit activations whose scales come from `images`."""
    # Unsigned activations with signed weights are what AVX-512 VNNI multiplies in one instruction.
    quantize_static(
        source,
        target,
        _OneByOne(images),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )


QUANTIZERS: dict[str, Quantizer] = {"int8_dynamic": int8_dynamic, "int8_static": int8_static}
PRECISIONS = ["fp32", *QUANTIZERS]
CALIBRATED = frozenset({"int8_static"})


def quantize(source: Path, target: Path, precision: str, images: Images = ()) -> None:
    """Write the float32 ONNX file `source` to `target` at the 8-bit `precision`; an unfinished file is never left."""
    with tempfile.TemporaryDirectory(dir=target.parent) as folder, quiet_tools():
        prepared, made = Path(folder) / "prepared.onnx", Path(folder) / "made.onnx"
        # Folds normalisations into convolutions and infers shapes, without which both quantizers do worse.
        quant_pre_process(source, prepared)
        QUANTIZERS[precision](prepared, made, images)
        made.replace(target)
