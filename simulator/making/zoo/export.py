"""From a torch module to an ONNX file with a free batch axis, checked against the module that it came from."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from torch import nn

from simulator.evidence.evidence_files import in_one_step
from simulator.making.zoo.answers import quiet_session
from simulator.making.zoo.quiet import quiet_tools

INPUT = "image"
OUTPUT = "logits"

#: Largest difference, relative to the largest output, that reordered float32 sums explain.
_TOLERANCE = 1e-3


class ExportError(RuntimeError):
    """An exported graph does not compute what its module computes."""


def export(model: nn.Module, input_shape: list[int], path: Path) -> None:
    """Write `model` to `path` as ONNX; input `image` (batch, channels, height, width), output `logits`.

    Of several outputs the first is called so, those after it `output_1` and so on. The graph-capturing exporter is
    used because the tracing one leaves thousands of shape computations in windowed attention, which then cannot be
    quantized well. Raises ExportError if the outputs differ.
    """
    graph = _capture(model, input_shape)
    _check(graph, model, input_shape)
    with in_one_step(path) as part:
        onnx.save(graph, part)


def _answers(model: nn.Module, images: torch.Tensor) -> list[NDArray[np.float32]]:
    with torch.inference_mode():
        found = model(images)
    return [tensor.numpy() for tensor in (found if isinstance(found, tuple) else (found,))]


def _capture(model: nn.Module, input_shape: list[int]) -> onnx.ModelProto:
    # Two items: a batch of one would be taken for a constant.
    example = torch.zeros(2, *input_shape)
    count = len(_answers(model, example))
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


def _check(graph: onnx.ModelProto, model: nn.Module, input_shape: list[int]) -> None:
    session = ort.InferenceSession(graph.SerializeToString(), quiet_session(), providers=["CPUExecutionProvider"])
    for batch in (1, 3):
        images = torch.randn(batch, *input_shape, generator=torch.Generator().manual_seed(batch))
        for expected, found in zip(_answers(model, images), session.run(None, {INPUT: images.numpy()}), strict=True):
            error = np.abs(found - expected).max() / np.abs(expected).max()
            if not error < _TOLERANCE:
                name = type(model).__name__
                raise ExportError(f"{name}: ONNX and torch differ by {error:.2g} of the largest output at batch {batch}")
