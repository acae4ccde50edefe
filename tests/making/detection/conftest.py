from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.pictures import BOX, picture

#: Only what needs no extra is tested without the extra `measure`.
collect_ignore_glob = [] if find_spec("onnxruntime") and find_spec("pycocotools") else ["test_*.py"]


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
