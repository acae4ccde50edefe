import shutil
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest
from PIL import Image

Axes = Sequence[int | str | None]

#: Without the extra only the command is tested: it has to refuse well.
collect_ignore_glob = [] if find_spec("torch") else ["test_[!p]*.py", "test_photo.py", "test_providers.py"]


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
    from simulator.making.zoo.export import export

    network, file = tiny_network(), tmp_path_factory.mktemp("tiny") / "tiny.fp32.onnx"
    export(network.build(), network.input_shape, file)
    return file


@pytest.fixture
def exported(tiny_onnx: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A campaign takes the file of `tiny` as it was exported before."""
    from simulator.making.zoo import subjects

    monkeypatch.setattr(subjects, "export", lambda _network, _shape, file: shutil.copy(tiny_onnx, file))


@pytest.fixture
def one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has a process of its own happens in this one; `test_fresh`, `test_measure` and `test_guarded` try it there."""
    from simulator.making import guarded
    from simulator.making.zoo import measure, quantize

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

    from simulator.making.zoo.architectures import Architecture

    def construct() -> nn.Module:
        return nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5))

    half = (0.5, 0.5, 0.5)
    return Architecture("tiny", 16, "random", half, half, construct)


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a network of a few weights, put among the architectures."""
    from simulator.making.zoo import architectures, subjects

    monkeypatch.setitem(architectures.ARCHITECTURES, "tiny", tiny_network())
    monkeypatch.setattr(subjects, "MODELS", ["tiny", "photo_decode"])
    return "tiny"
