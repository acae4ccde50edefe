"""Precisions: conversions of a float32 ONNX file, each with a check of its answers."""

import contextlib
import io
import tempfile
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quant_pre_process,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.transformers.float16 import convert_float_to_float16

from simulator.evidence.catalogue import UNSATURATED
from simulator.fresh_processes import in_fresh_process
from simulator.measure.guarded import RefusedError, at_step
from simulator.measure.onnx_runtime import fault, quiet_tools

#: Images to calibrate on, each float32 (channels, height, width); only read by a precision that needs them.
Images = Iterable[NDArray[np.float32]]
#: Weights of a static conversion: signed, signed from -64 to 64, or unsigned about 128.
Weights = Literal["8 bits", "7 bits", "unsigned"]
Quantizer = Callable[[Path, Path, Images], None]

#: Percentage of an activation's values that keep their size; the rest, half at either end, are clipped.
_KEPT = 99.99
_WEIGHTED = {"Conv", "Gemm", "MatMul"}


class _SingleImages(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime ships no types
    """Hands out one image after another; in strides of one, so that activations of one image are held at a time."""

    def __init__(self, images: Images, name: str) -> None:
        self._images, self._name = list(images), name
        self.set_range(0, len(self._images))

    def __len__(self) -> int:
        return len(self._images)

    def set_range(self, start_index: int, end_index: int) -> None:
        feeds = ({self._name: image[np.newaxis]} for image in self._images[start_index:end_index])
        self._feeds: Iterator[dict[str, NDArray[np.float32]]] = feeds

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        return next(self._feeds, None)


def fp16(source: Path, target: Path, _: Images) -> None:
    onnx.save(convert_float_to_float16(onnx.load(source), keep_io_types=True), target)


def int8_dynamic(source: Path, target: Path, _: Images) -> None:
    """Convert to 8-bit weights; the scale of an activation is computed in each call."""
    # The processor's 8-bit convolution with run-time scales takes unsigned weights only; matrix products run
    # faster and closer to float32 with signed weights, one scale per channel.
    quantize_dynamic(source, target, op_types_to_quantize=["MatMul", "Gemm"], weight_type=QuantType.QInt8, per_channel=True)
    quantize_dynamic(target, target, op_types_to_quantize=["Conv"], weight_type=QuantType.QUInt8)


def int8_mixed(source: Path, target: Path, images: Images) -> None:
    excluded = sensitive_nodes(onnx.load(source, load_external_data=False).graph)
    int8_static(source, target, images, kinds=sorted(_WEIGHTED), left=excluded)


def int8_static(
    source: Path,
    target: Path,
    images: Images,
    method: CalibrationMethod = CalibrationMethod.MinMax,
    kinds: list[str] | None = None,
    left: list[str] | None = None,
    weights: Weights = "8 bits",
) -> None:
    # Unsigned activations with signed weights are what VNNI multiplies in one instruction. Without it, processors of x86 add
    # two products in 16 bits, which saturates (see `saturation`).
    quantize_static(
        source,
        target,
        _SingleImages(images, onnx.load(source, load_external_data=False).graph.input[0].name),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QUInt8 if weights == "unsigned" else QuantType.QInt8,
        reduce_range=weights == "7 bits",
        calibrate_method=method,
        op_types_to_quantize=kinds,
        nodes_to_exclude=left,
        extra_options={"CalibStridedMinMax": 1, "CalibPercentile": _KEPT, "WeightSymmetric": True},
    )


def sensitive_nodes(graph: onnx.GraphProto) -> list[str]:
    """Return the names of the layers that lose most at 8 bits, by rule.

    The first layer, which sees the pixels, and the last ones before each output; depthwise convolutions, whose channels
    differ widely in range and share one activation scale; and products of two activations, as in attention. (Krishnamoorthi
    2018, arXiv:1806.08342, and Nagel et al. 2021, arXiv:2106.08295, describe the first three.)
    """
    weights = {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    layers = [node for node in graph.node if node.op_type in _WEIGHTED and _has_weights(node, weights)]
    products = [node for node in graph.node if node.op_type in _WEIGHTED and not _has_weights(node, weights)]
    depthwise = [node for node in layers if node.op_type == "Conv" and is_depthwise(node, weights)]
    ends = layers[:1] + _last_layers(graph, weights)
    return list(dict.fromkeys(node.name for node in [*ends, *depthwise, *products]))


def _has_weights(node: onnx.NodeProto, weights: dict[str, list[int]]) -> bool:
    return any(name in weights for name in node.input[:2])


def is_depthwise(node: onnx.NodeProto, weights: dict[str, list[int]]) -> bool:
    groups = next((attribute.i for attribute in node.attribute if attribute.name == "group"), 1)
    return groups > 1 and weights.get(node.input[1], [0, 0])[1] == 1


def _last_layers(graph: onnx.GraphProto, weights: dict[str, list[int]]) -> list[onnx.NodeProto]:
    """Return the layers from which an output is reached without passing another."""
    makers = {name: node for node in graph.node for name in node.output}
    waiting, seen, layers = [output.name for output in graph.output], set[str](), []
    while waiting:
        name = waiting.pop()
        if name in seen or name not in makers:
            continue
        seen.add(name)
        node = makers[name]
        if node.op_type in _WEIGHTED and _has_weights(node, weights):
            layers.append(node)
        else:
            waiting.extend(node.input)
    return layers


QUANTIZERS: dict[str, Quantizer] = {
    "fp16": fp16,
    "int8_dynamic": int8_dynamic,
    "int8_static": int8_static,
    "int8_static_percentile": partial(int8_static, method=CalibrationMethod.Percentile),
    "int8_mixed": int8_mixed,
    # weights in -64 to 64, so that no processor's 8-bit products saturate
    "int8_static_7bit": partial(int8_static, weights="7 bits"),
    # products with unsigned weights are added in 32 bits on every processor
    "int8_static_unsigned": partial(int8_static, weights="unsigned"),
}
#: Those that are measured unless others are named.
PRECISIONS = ["fp32", *(name for name in QUANTIZERS if name not in UNSATURATED)]
CALIBRATED = frozenset(name for name in QUANTIZERS if name.startswith(("int8_static", "int8_mixed")))


def quantize(
    source: Path,
    target: Path,
    precision: str,
    images: Images = (),
    probe: NDArray[np.float32] | None = None,
    trained: bool = True,
) -> None:
    """Write the float32 ONNX file `source` to `target` at `precision`; an unfinished file is never left.

    Raises RefusedError where the quantizer, the runtime or the answers to `probe` (see `fault`) say that it is of no use.
    """
    with tempfile.TemporaryDirectory(dir=target.parent) as folder, quiet_tools(), contextlib.redirect_stdout(io.StringIO()):
        prepared, made = Path(folder) / "prepared.onnx", Path(folder) / "made.onnx"
        with at_step("quantize"):
            # Folds normalisations into convolutions and infers shapes, without which the quantizers do worse. Symbolic
            # inference is left out: it gives up on graphs that the plain one copes with.
            quant_pre_process(source, prepared, skip_symbolic_shape=True)
            QUANTIZERS[precision](prepared, made, images)
        with at_step("run"):
            # In a process of its own: some files make the runtime crash rather than refuse.
            reason = in_fresh_process(fault, source, made, probe, trained)
        if reason:
            raise RefusedError("run", reason)
        made.replace(target)
