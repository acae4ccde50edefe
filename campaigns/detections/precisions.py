"""The detectors at 8 bits: three recipes, calibrated on images that are not measured.

There are too few labelled images to set some apart for calibration alone. So they are halved (by a hash of their names): the
network that is calibrated on one half is measured on the other, and the reverse. No image is measured by a network that was
calibrated on it, and every image is measured.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import tempfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import version_converter
from onnxruntime.quantization import quant_pre_process

from campaigns.detections.networks import Detector
from simulator.files import make_folders
from simulator.measure.detector_io import Floats, prepare
from simulator.measure.labelled_images import Dataset
from simulator.measure.machine import library_version
from simulator.measure.onnx_runtime import quiet_tools
from simulator.measure.quantize import Weights, int8_static, is_depthwise

FP32 = "fp32"
#: The first version of the operators with one scale per channel.
_OPSET = 13
HALVES = (0, 1)


def _head_nodes(graph: onnx.GraphProto, head: int) -> list[str]:
    return [node.name for node in graph.node if node.op_type == "Conv"][-head:]


def _depthwise_nodes(graph: onnx.GraphProto, _head: int) -> list[str]:
    weights = {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    return [node.name for node in graph.node if node.op_type == "Conv" and is_depthwise(node, weights)]


#: What stays in float beside all that is no convolution: names of nodes by graph and length of the head.
RECIPES: dict[str, Callable[[onnx.GraphProto, int], list[str]]] = {
    "int8_all": lambda _graph, _head: [],
    "int8_head_float": _head_nodes,
    "int8_depthwise_float": _depthwise_nodes,
}
WORDS = {
    FP32: "32-bit floats",
    "int8_all": "all convolutions at 8 bits, a scale a channel for weights, least and largest value for activations",
    "int8_head_float": "as int8_all, the head's convolutions in float",
    "int8_depthwise_float": "as int8_all, depthwise convolutions in float",
}
PRECISIONS = (FP32, *RECIPES)


def halves(names: list[str], seed: int) -> NDArray[np.int64]:
    """Return the half, 0 or 1, that each image is in: equal in size but for one, by a hash of name and seed."""
    order = sorted(range(len(names)), key=lambda place: hashlib.sha256(f"{seed}/{names[place]}".encode()).digest())
    answer = np.zeros(len(names), np.int64)
    answer[order[len(order) // 2 :]] = 1
    return answer


def network_file(
    detector: Detector,
    precision: str,
    half: int,
    trained: Path,
    cache: Path,
    data: Dataset,
    seed: int,
    weights: Weights = "8 bits",
) -> Path:
    """Return the network that measures the images of `half`; made, calibrated on the other half, if it is not in `cache` yet.

    Raises CannotMeasureError where the trained file is missing.
    """
    source = detector.path(trained)
    if precision == FP32:
        return source
    names = [file.name for file in data.files]
    calibrated_on = [place for place, one in enumerate(halves(names, seed)) if one != half]
    parts = [
        source.read_bytes(),
        repr((detector.takes, detector.head)).encode(),
        repr([names[place] for place in calibrated_on]).encode(),
    ]
    key = f"{zlib.crc32(b''.join(parts)):08x}-onnxruntime-{library_version('onnxruntime')}"
    variant = "" if weights == "8 bits" else f".{weights.replace(' ', '_')}"
    target = cache / f"{detector.name}.{precision}{variant}.{half}.{key}.onnx"
    if not target.is_file():
        images = (prepare(data.pixels(place), detector.takes)[0] for place in calibrated_on)
        _quantize(source, target, precision, detector, images, weights)
    return target


def _quantize(
    source: Path, target: Path, precision: str, detector: Detector, images: Iterator[Floats], weights: Weights
) -> None:
    make_folders(target.parent)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder, quiet_tools(), contextlib.redirect_stdout(io.StringIO()):
        newer, prepared, made = (Path(folder) / f"{name}.onnx" for name in ("newer", "prepared", "made"))
        model = upgraded(source)
        onnx.save(model, newer)
        quant_pre_process(newer, prepared, skip_symbolic_shape=True)
        left = RECIPES[precision](model.graph, detector.head)
        int8_static(prepared, made, images, kinds=["Conv"], left=left, weights=weights)
        made.replace(target)


def upgraded(source: Path) -> onnx.ModelProto:
    """Return the model with operators that can be quantized with one scale per channel."""
    model = onnx.load(source)
    if model.opset_import[0].version < _OPSET:
        model = version_converter.convert_version(model, _OPSET)
    # Old exporters list weights among the inputs, and give both a size and an empty factor where one of them may stand.
    weights = {tensor.name for tensor in model.graph.initializer}
    images = [value for value in model.graph.input if value.name not in weights]
    del model.graph.input[:]
    model.graph.input.extend(images)
    for node in model.graph.node:
        if node.op_type == "Resize" and len(node.input) == 4 and node.input[3]:
            node.input[2] = ""
    return model
