"""What a person brings along to be measured or judged: ONNX files, and folders of labelled images."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from io import BytesIO
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import onnx
from onnx import TensorProto, helper
from PIL import Image

from simulator.errors import InputError
from simulator.measure.labelled_images import read_dataset
from simulator.measure.onnx_file import find_image, read_onnx
from tests.fuzz.mutate import ANYTHING, as_yaml, changed_text, changed_tree, drawn
from tests.fuzz.runner import Kind, Limits, Refusal, Trial

_BYTES = (b"\x00" * 40, b"\xff" * 40, b"\x80", b"PK\x03\x04", b"\x1b[2J", b"image", b"\x7f" * 9, b"TFL3")
_LENGTHS = ("abc", "-1", "0", str(2**63), "1e9", "", "\ud800", "4")
_LOCATIONS = (
    "weights.bin",
    "/etc/passwd",
    "../../../etc/passwd",
    "",
    "\x00",
    "x" * 5000,
    ".",
    "net.onnx",
    "\ud800",
    "/dev/zero",
)
_SHAPES: tuple[list[Any], ...] = (
    ["N", 3, 16, 16], [1, 3, 16, 16], [1, 16, 16, 3], [], [3], ["N", 3, "H", "W"], [0, 3, 16, 16], [-1, 3, 16, 16],
    [1, 3, 2**40, 2**40], ["N"] * 40, [2**62] * 4, [1, 1, 16, 16], ["\x1b[2J", 3, 16, 16],
)  # fmt: skip
_OPERATORS = (
    "GlobalAveragePool",
    "Relu",
    "Nosuch",
    "Loop",
    "Conv",
    "",
    "Resize",
    "QLinearConv",
    "Identity",
    "NonMaxSuppression",
)
_PARTS = ("shape", "operator", "type", "inputs", "output", "weight", "opset", "version")
_DOMAINS = ("", "", "", "ai.onnx.ml", "com.microsoft", "nosuch", "\x1b[2J")


def onnx_trials(begin: int, count: int) -> Iterator[Trial]:
    """Models with one node over an image, made by `onnx.helper` with hostile parts; a third of them has bytes changed."""
    random = Random(begin)
    for number in range(count):
        content, how = _model(random)
        files = {"weights.bin": b"\x00" * 64}
        if random.random() < 0.3:
            content, change = changed_text(content, random, _BYTES)
            how = f"{how}; {change}"
        yield Trial(f"{number:05d}", {"net.onnx": content, **files}, changed=how)


def _model(random: Random) -> tuple[bytes, str]:
    """A sound model, but for one or two parts."""
    hostile = random.sample(
        ("shape", "operator", "type", "inputs", "output", "weight", "opset", "version"), random.choice((1, 1, 2))
    )
    how: list[str] = []

    def pick(part: str, sound: Any, others: Sequence[Any]) -> Any:
        if part not in hostile:
            return sound
        how.append(f"{part}: {(picked := random.choice(others))}")
        return picked

    kind = pick("type", TensorProto.FLOAT, (TensorProto.UINT8, TensorProto.STRING, TensorProto.UNDEFINED, TensorProto.FLOAT16))
    image = helper.make_tensor_value_info("image", kind, pick("shape", _SHAPES[0], _SHAPES))
    operator, domain = pick("operator", ("GlobalAveragePool", ""), list(product(_OPERATORS, _DOMAINS)))
    node = helper.make_node(operator, ["image"], ["answer"], domain=domain)
    output = helper.make_tensor_value_info("answer", TensorProto.FLOAT, pick("output", None, ([], [1, 10], [-5], ["N"] * 40)))
    graph = helper.make_graph([node], "net", [image] * pick("inputs", 1, (0, 2)), [output])
    if "weight" in hostile:
        graph.initializer.append(_weight(random, how))
    opset = helper.make_opsetid("", pick("opset", 17, (0, 1, 99, -1, 2**40)))
    model = helper.make_model(graph, opset_imports=[opset], ir_version=pick("version", 9, (0, 3, 99, 2**40)))
    return model.SerializeToString(), ascii("; ".join(how))


def _weight(random: Random, how: list[str]) -> onnx.TensorProto:
    weight = onnx.TensorProto(name="weight", data_type=random.choice((1, 10, 0, 99)))
    weight.dims.extend(random.choice(([4], [], [2**62, 4], [-1], [0])))
    if random.random() < 0.7:
        weight.data_location = TensorProto.EXTERNAL
        for key, values in (("location", _LOCATIONS), ("length", _LENGTHS), ("offset", _LENGTHS)):
            value = random.choice(values).encode("utf-8", "replace").decode()
            weight.external_data.add(key=key, value=value)
            how.append(f"{key}={value[:30]}")
    return weight


def try_onnx(trial: Trial, folder: Path) -> Refusal | None:
    """Read it and open it, which is all that happens before it runs in a process of its own."""
    try:
        file = read_onnx(folder / "net.onnx")
        _told = (file.sha256, file.file_bytes, file.parameters, file.precision)
        find_image(folder / "net.onnx", file.open("cpu"))
    except InputError as error:
        return Refusal(str(error), "net.onnx" in str(error))
    return None


def _picture(width: int, height: int) -> bytes:
    stream = BytesIO()
    Image.new("RGB", (width, height)).save(stream, "PNG")
    return stream.getvalue()


_COCO = {
    "images": [{"id": 1, "file_name": "a.png", "width": 40, "height": 30}, {"id": 2, "file_name": "b.png"}],
    "annotations": [
        {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 10, 12], "iscrowd": 0},
        {"id": 2, "image_id": 2, "category_id": 3, "bbox": [0, 0, 5, 5]},
    ],
    "categories": [{"id": 1, "name": "person"}, {"id": 3, "name": "car"}],
}
_CONFIG = {"names": ["person", "car"]}
_LABELS = b"0 0.5 0.5 0.2 0.2\n1 0.3 0.3 0.1 0.1\n"
_WORDS = (b"nan", b"inf", b"1e999", b"-1", b"", b"9" * 400, b"\xff", b"\x00", b"[" * 3000, b"1 2 3", b"\x1b[2J", b"/etc/passwd")


def dataset_trials(begin: int, count: int) -> Iterator[Trial]:
    """Labelled images in COCO's and in YOLO's format, with labels, names or pictures changed."""
    random, extra = Random(begin), drawn(ANYTHING, 100, begin)
    pictures = {"images/a.png": _picture(40, 30), "images/b.png": _picture(20, 20)}
    for number in range(count):
        files = dict(pictures)
        if coco := random.random() < 0.5:
            tree, how = changed_tree(_COCO, random, extra)
            files["labels.json"] = json.dumps(tree).encode()
        else:
            tree, how = changed_tree(_CONFIG, random, extra) if random.random() < 0.3 else (_CONFIG, "")
            labels, change = changed_text(_LABELS, random, _WORDS)
            files |= {"data.yaml": as_yaml(tree), "labels/a.txt": labels}
            how = f"{how}; {change}"
        name = random.choice(list(files))
        if random.random() < 0.2:
            files[name], change = changed_text(files[name], random, _WORDS)
            how = f"{how}; {name}: {change}"
        yield Trial(f"{number:05d}", files, changed=f"{'COCO' if coco else 'YOLO'}: {how}")


def try_dataset(trial: Trial, folder: Path) -> Refusal | None:
    """Read it with all of its pictures."""
    try:
        data = read_dataset(folder)
        for image in range(len(data)):
            data.pixels(image)
    except InputError as error:
        return Refusal(str(error), str(folder) in str(error))
    return None


ONNX_KIND = Kind("onnx", 500, onnx_trials, try_onnx, limits=Limits(cpu_s=30, wall_s=90))
DATASET_KIND = Kind("datasets", 500, dataset_trials, try_dataset)
