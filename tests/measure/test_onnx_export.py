from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
import torch
from torch import nn

from simulator.measure.architectures import ARCHITECTURES
from simulator.measure.onnx_export import ExportError, export

pytestmark = pytest.mark.zoo


class Broken(nn.Module):
    """Its graph keeps the value that the exporter saw."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        factor = 1.0 if torch.compiler.is_exporting() else 2.0
        return image.mean((2, 3)) * factor


@pytest.mark.parametrize("batch", [pytest.param(1, marks=pytest.mark.long), 5])
def test_outputs_equal_torch_at_any_batch(tiny: str, tmp_path: Path, batch: int) -> None:
    architecture = ARCHITECTURES[tiny]
    model, file = architecture.build(), tmp_path / "tiny.onnx"
    export(model, architecture.input_shape, file)
    images = torch.randn(batch, *architecture.input_shape)
    found = ort.InferenceSession(str(file)).run(None, {"image": images.numpy()})[0]
    np.testing.assert_allclose(found, model(images).detach().numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.long
def test_the_same_module_gives_the_same_file(tiny: str, tmp_path: Path) -> None:
    architecture = ARCHITECTURES[tiny]
    files = [tmp_path / "a.onnx", tmp_path / "b.onnx"]
    for file in files:
        export(architecture.build(), architecture.input_shape, file)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_graph_that_computes_something_else_is_refused_and_not_written(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"Broken: ONNX and torch differ by 0\.5 of the largest output at batch 1"):
        export(Broken(), [3, 8, 8], tmp_path / "broken.onnx")
    assert list(tmp_path.iterdir()) == []
