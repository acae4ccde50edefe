import shutil
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.pictures import BOX, picture

Axes = Sequence[int | str | None]

#: Without the extra only the commands are tested: they have to refuse well.
collect_ignore_glob = [] if find_spec("torch") else ["test_*.py"]


def take_memory() -> Callable[[int], object]:
    """A call that keeps 8 MiB for each item of its largest batch, as an arena does."""
    kept: dict[int, bytes] = {}

    def call(batch: int) -> None:
        if batch not in kept:
            kept[batch] = b"1" * (batch * 8 * 2**20)

    return call


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(3):
        pixels = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((80, 60), Image.Resampling.BICUBIC).save(folder / f"{number}.jpg")
    return folder


@pytest.fixture(scope="session")
def tiny_onnx(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of the network `tiny`, which `test_export` tries; it is exported once for all tests."""
    from simulator.measure.onnx_export import export

    network, file = tiny_network(), tmp_path_factory.mktemp("tiny") / "tiny.fp32.onnx"
    export(network.build(), network.input_shape, file)
    return file


@pytest.fixture
def exported(tiny_onnx: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A campaign takes the file of `tiny` as it was exported before."""
    from simulator.measure import profiling as subjects

    monkeypatch.setattr(subjects, "export", lambda _network, _shape, file: shutil.copy(tiny_onnx, file))


@pytest.fixture
def one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has a process of its own happens in this one; `test_fresh`, `test_measure` and `test_guarded` try it there."""
    from simulator.measure import guarded, quantize
    from simulator.measure import timing as measure

    monkeypatch.setattr(guarded, "guarded", lambda _allowed, told, work, *given: work(told, *given))
    for module in (measure, quantize):
        monkeypatch.setattr(module, "in_fresh_process", lambda work, *given: work(*given))


class OnnxMaker(Protocol):
    """Writes a small ONNX file: `op` over the input, which has these axes (a name where free) and this type."""

    def __call__(self, name: str = ..., axes: Axes = ..., op: str = ..., **other: Any) -> Path: ...


@pytest.fixture
def make_onnx(tmp_path: Path) -> OnnxMaker:
    onnx = pytest.importorskip("onnx")

    def make(
        name: str = "net.onnx",
        axes: Axes = ("N", 3, 16, 16),
        op: str = "GlobalAveragePool",
        dtype: str = "FLOAT",
        domain: str = "",
        opset: int = 17,
        weights: Sequence[Any] = (),
        more_inputs: Sequence[tuple[str, Axes]] = (),
        **save: Any,
    ) -> Path:
        kind = getattr(onnx.TensorProto, dtype)
        inputs = [onnx.helper.make_tensor_value_info(n, kind, list(sizes)) for n, sizes in (("image", axes), *more_inputs)]
        output = onnx.helper.make_tensor_value_info("answer", kind, None)
        node = onnx.helper.make_node(op, ["image", *(weight.name for weight in weights)], ["answer"], domain=domain)
        graph = onnx.helper.make_graph([node], "net", inputs, [output], list(weights))
        opsets = [onnx.helper.make_opsetid("", opset)] + ([onnx.helper.make_opsetid(domain, 1)] if domain else [])
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        onnx.save(onnx.helper.make_model(graph, opset_imports=opsets, ir_version=9), path, **save)
        return path

    return make


def tiny_network() -> Any:
    """A network of a few weights."""
    from torch import nn

    from simulator.measure.architectures import Architecture

    def construct() -> nn.Module:
        return nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5))

    half = (0.5, 0.5, 0.5)
    return Architecture("tiny", 16, "random", half, half, construct)


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a network of a few weights, put among the architectures."""
    from simulator.measure import architectures
    from simulator.measure import profiling as subjects

    monkeypatch.setitem(architectures.ARCHITECTURES, "tiny", tiny_network())
    monkeypatch.setattr(subjects, "MODELS", ["tiny", "photo_decode"])
    return "tiny"


@pytest.fixture
def yolo(tmp_path: Path) -> Path:
    """Four images of 96 x 64 pixels, each with the box `BOX` of the class `box`."""
    folder = tmp_path / "labelled"
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True)
    for number in range(4):
        Image.fromarray(picture(number)).save(folder / "images" / f"{number}.png")
        left, top, right, bottom = BOX
        row = (left + right) / 2 / 96, (top + bottom) / 2 / 64, (right - left) / 96, (bottom - top) / 64
        (folder / "labels" / f"{number}.txt").write_text("1 " + " ".join(f"{value:.6f}" for value in row) + "\n")
    (folder / "config.yaml").write_text("names: {0: other, 1: box}\n")
    return folder


@pytest.fixture
def detector(tmp_path: Path) -> Callable[..., Path]:
    """Writes a detector of 32 x 32 pixels that answers the same finished boxes whatever it sees."""
    onnx = pytest.importorskip("onnx")

    def make(boxes: Sequence[Sequence[float]], labels: Sequence[int], scores: Sequence[float], **other: Any) -> Path:
        given = {"axes": (1, 3, 32, 32), "name": "detector.onnx"} | other
        values = np.array(boxes, np.float32).reshape(-1, 4), np.array(labels, np.int64), np.array(scores, np.float32)
        names = "boxes", "labels", "scores"
        tensors = [onnx.numpy_helper.from_array(value, f"the_{name}") for name, value in zip(names, values, strict=True)]
        nodes = [onnx.helper.make_node("Identity", [f"the_{name}"], [name]) for name in names]
        kinds = onnx.TensorProto.FLOAT, onnx.TensorProto.INT64, onnx.TensorProto.FLOAT
        image = onnx.helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, list(given["axes"]))
        outputs = [onnx.helper.make_tensor_value_info(name, kind, None) for name, kind in zip(names, kinds, strict=True)]
        graph = onnx.helper.make_graph(nodes, "net", [image], outputs, tensors)
        path = tmp_path / str(given["name"])
        onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9), path)
        return path

    return make


@pytest.fixture
def rows() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    patients = rng.integers(0, 80, 200)
    return pd.DataFrame(
        {
            "item": [f"photo{number}" for number in range(200)],
            "patient": [f"p{patient}" for patient in patients],
            "label": patients % 2,
            "diagnosis": "NEV",
            "fitzpatrick": pd.array([2, None] * 100, dtype="Int64"),
        }
    )


@pytest.fixture
def tiny_lite(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a network of a few weights with a last layer `_fc`, as an EfficientNet-Lite has it."""
    import torch
    from torch import nn

    from simulator.measure.architectures import ARCHITECTURES, Architecture

    class Tiny(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten())
            self._fc = nn.Linear(32, 5)

        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return self._fc(self.body(image))

    half = (0.5, 0.5, 0.5)
    monkeypatch.setitem(ARCHITECTURES, "tiny", Architecture("tiny", 16, "random", half, half, Tiny))
    return "tiny"


@pytest.fixture
def labelled(tmp_path: Path) -> Callable[[int], Path]:
    """Makes a folder of photos with labels: one a patient, every other malignant and a little redder."""

    def make(count: int) -> Path:
        folder = tmp_path / "data"
        (folder / "images").mkdir(parents=True)
        rng = np.random.default_rng(0)
        lines = ["file,patient_id,malignant,diagnostic,fitspatrick"]
        for number in range(count):
            pixels = rng.integers(0, 200, (16, 16, 3), dtype=np.uint8)
            pixels[..., 0] += np.uint8(30 * (number % 2))
            Image.fromarray(pixels).save(folder / "images" / f"{number}.png")
            lines.append(f"{number}.png,P{number},{number % 2},{'MEL' if number % 2 else 'NEV'},{number % 6 + 1}")
        (folder / "labels.csv").write_text("\n".join(lines) + "\n")
        return folder

    return make
