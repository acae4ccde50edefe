"""Networks as ONNX files with a free batch axis: exported from a torch module, or adopted from a published file.

Each is checked against its source. Published files are named here and read from a folder, never part of this package.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from onnx import numpy_helper, shape_inference, version_converter
from torch import nn

from simulator.evidence.evidence_files import in_one_step
from simulator.measure.architectures import RAW_PIXELS, Channels, ZooNetwork
from simulator.measure.onnx_runtime import quiet_session, quiet_tools

# From a torch module to an ONNX file with a free batch axis, checked against the module that it came from.

INPUT = "image"
OUTPUT = "logits"

#: Largest difference, relative to the largest output, that reordered float32 sums explain.
_EXPORT_TOLERANCE = 1e-3


class ExportError(RuntimeError):
    """An exported graph does not compute what its module computes."""


def export(model: nn.Module, input_shape: list[int], path: Path) -> None:
    """Write `model` to `path` as ONNX; input `image` (batch, channels, height, width), output `logits`.

    Of several outputs the first is called so, those after it `output_1` and so on. The graph-capturing exporter is
    used because the tracing one leaves thousands of shape computations in windowed attention, which then cannot be
    quantized well. Raises ExportError if the outputs differ.
    """
    graph = _capture(model, input_shape)
    _check_export(graph, model, input_shape)
    with in_one_step(path) as part:
        onnx.save(graph, part)


def _module_answers(model: nn.Module, images: torch.Tensor) -> list[NDArray[np.float32]]:
    with torch.inference_mode():
        output = model(images)
    return [tensor.numpy() for tensor in (output if isinstance(output, tuple) else (output,))]


def _capture(model: nn.Module, input_shape: list[int]) -> onnx.ModelProto:
    # Two items: a batch of one would be taken for a constant.
    example = torch.zeros(2, *input_shape)
    count = len(_module_answers(model, example))
    with quiet_tools():
        program = torch.onnx.export(
            model,
            (example,),
            dynamo=True,
            verbose=False,
            input_names=[INPUT],
            output_names=[OUTPUT, *(f"output_{number}" for number in range(1, count))],
            dynamic_shapes=({0: torch.export.Dim.DYNAMIC},),
        )
    assert program is not None
    graph = program.model_proto
    # The exporter notes source lines at each node, which would tie the file's checksum to an installation.
    for node in graph.graph.node:
        node.ClearField("metadata_props")
    return graph


def _check_export(graph: onnx.ModelProto, model: nn.Module, input_shape: list[int]) -> None:
    session = ort.InferenceSession(graph.SerializeToString(), quiet_session(), providers=["CPUExecutionProvider"])
    for batch in (1, 3):
        images = torch.randn(batch, *input_shape, generator=torch.Generator().manual_seed(batch))
        for expected, answer in zip(_module_answers(model, images), session.run(None, {INPUT: images.numpy()}), strict=True):
            error = np.abs(answer - expected).max() / np.abs(expected).max()
            if not error < _EXPORT_TOLERANCE:
                name = type(model).__name__
                raise ExportError(f"{name}: ONNX and torch differ by {error:.2g} of the largest output at batch {batch}")


# Trained networks that others give as ONNX files: named here, read from a folder, never part of this package.

Shapes = dict[str, list[int]]

#: A version of the operators with one scale per channel and all else that the quantizers ask for.
_OPSET = 17
_TOLERANCE = 1e-3
_UNIT: tuple[Channels, Channels] = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
#: BGR statistics of ImageNet, as nanodet was trained on.
_BGR_IMAGENET: tuple[Channels, Channels] = (0.406, 0.456, 0.485), (0.225, 0.224, 0.229)


@dataclass(frozen=True)
class TrainedFile(ZooNetwork):
    """A network in an ONNX file called `file`."""

    file: str


def _coco(name: str, file: str, input_size: int, pixels: tuple[Channels, Channels], family: str, licence: str) -> TrainedFile:
    weights = f"COCO, {file} ({licence})"
    return TrainedFile(name, input_size, weights, *pixels, file, task="detection", family=family, bgr=True)


TRAINED: dict[str, TrainedFile] = {
    network.name: network
    for network in (
        _coco("coco_yolox_nano", "yolox_nano.onnx", 416, RAW_PIXELS, "yolox", "Megvii, Apache-2.0"),
        _coco("coco_fastestdet", "FastestDet.onnx", 352, _UNIT, "fastestdet", "dog-qiuqiu, BSD-3-Clause"),
        _coco("coco_nanodet_m", "nanodet_m.onnx", 416, _BGR_IMAGENET, "nanodet", "RangiLyu, Apache-2.0"),
    )
}


def adopt(file: Path, target: Path) -> None:
    """Write the ONNX model `file` to `target` with its input called `image` and its batch axis free.

    The reshapes of a file made for one image contain that number. Raises ExportError if batches of three are not
    answered as the file answers its images one by one.
    """
    original = onnx.load(file)
    model = version_converter.convert_version(original, _OPSET) if original.opset_import[0].version < _OPSET else original
    _forget_default_inputs(model.graph)
    _rename_input(model.graph)
    _free_batch(model.graph, _shapes(model))
    model = onnx.ModelProto.FromString(model.SerializeToString())
    _check_freed(original, model)
    with in_one_step(target) as part:
        onnx.save(model, part)


def _forget_default_inputs(graph: onnx.GraphProto) -> None:
    weights = {tensor.name for tensor in graph.initializer}
    images = [value for value in graph.input if value.name not in weights]
    del graph.input[:]
    graph.input.extend(images)


def _rename_input(graph: onnx.GraphProto) -> None:
    old = graph.input[0].name
    graph.input[0].name = INPUT
    for node in graph.node:
        for place, name in enumerate(node.input):
            if name == old:
                node.input[place] = INPUT


def _free_batch(graph: onnx.GraphProto, shapes: Shapes) -> None:
    for value in [*graph.input, *graph.output]:
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    del graph.value_info[:]
    constants = {tensor.name: tensor for tensor in graph.initializer}
    constants |= {node.output[0]: node.attribute[0].t for node in graph.node if node.op_type == "Constant"}
    for node in graph.node:
        if node.op_type == "Reshape" and node.input[1] in constants:
            sizes = _any_batch(numpy_helper.to_array(constants[node.input[1]]))
            constants[node.input[1]].CopyFrom(numpy_helper.from_array(sizes, node.input[1]))
        if node.op_type == "Resize" and len(node.input) == 4:
            # Sizes name the batch, factors do not.
            factors = np.array(shapes[node.output[0]], np.float32) / np.array(shapes[node.input[0]], np.float32)
            node.input[2] = f"{node.output[0]}_factors"
            graph.initializer.append(numpy_helper.from_array(factors, node.input[2]))
            del node.input[3]


def _any_batch(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the shape of a reshape whose first axis was worked out for one image; idempotent."""
    # -1 lets it follow from the rest; where another axis does so already, 0 keeps that of the input.
    first = -1 if -1 not in sizes else 0 if sizes[0] == 1 else sizes[0]
    return np.array([first, *sizes[1:]], dtype=np.int64)


def _shapes(model: onnx.ModelProto) -> Shapes:
    graph = shape_inference.infer_shapes(model, data_prop=True).graph
    values = [*graph.input, *graph.value_info, *graph.output]
    return {value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim] for value in values}


def _check_freed(original: onnx.ModelProto, freed: onnx.ModelProto) -> None:
    sessions = [
        ort.InferenceSession(model.SerializeToString(), quiet_session(), providers=["CPUExecutionProvider"])
        for model in (original, freed)
    ]
    image = sessions[0].get_inputs()[0]
    images = np.random.default_rng(0).random((3, *image.shape[1:]), dtype=np.float32)
    one_by_one = [sessions[0].run(None, {image.name: images[number : number + 1]}) for number in range(len(images))]
    together = sessions[1].run(None, {INPUT: images})
    for expected, answer in zip(zip(*one_by_one, strict=True), together, strict=True):
        apart = np.concatenate(expected)
        if apart.shape != answer.shape or not np.abs(apart - answer).max() < _TOLERANCE * np.abs(apart).max():
            raise ExportError("its batch axis cannot be freed: three images together are not answered as one by one")


def weights_in(model: onnx.ModelProto) -> int:
    sizes = [int(np.prod(tensor.dims)) for tensor in model.graph.initializer if tensor.data_type == onnx.TensorProto.FLOAT]
    return sum(size for size in sizes if size > 1)


def multiply_adds_in(model: onnx.ModelProto, input_shape: list[int]) -> int:
    """Count the multiply-adds of one item in the convolutions of an ONNX model with constant weights."""
    fixed = onnx.ModelProto.FromString(model.SerializeToString())
    for axis, size in enumerate([1, *input_shape]):
        fixed.graph.input[0].type.tensor_type.shape.dim[axis].dim_value = size
    shapes = _shapes(fixed)
    weights = {tensor.name: list(tensor.dims) for tensor in fixed.graph.initializer}
    convolutions = [node for node in fixed.graph.node if node.op_type == "Conv"]
    return sum(_product(shapes[node.output[0]]) * _product(weights[node.input[1]][1:]) for node in convolutions)


def _product(sizes: list[int]) -> int:
    return int(np.prod(sizes, dtype=np.int64))
