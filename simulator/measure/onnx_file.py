"""A user's own ONNX file: checks that it can run, and the format of its images."""

from __future__ import annotations

import hashlib
import math
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import psutil
from google.protobuf.message import DecodeError, Message

from simulator.files import read_within
from simulator.limits import MIB, ONNX_FILE, ONNX_WEIGHTS
from simulator.measure.guarded import CannotMeasureError
from simulator.measure.onnx_runtime import PROVIDERS, provider_list
from simulator.measure.timing import DTYPES, noise
from simulator.phrases import phrase

# Reading an ONNX file that a person brings along: whether it is one, is whole, and is taken by ONNX Runtime.

#: Beginnings of files that are often mistaken for ONNX files, with advice.
_BEGINNINGS = {
    b"PK": "it is a zip archive, such as torch.save writes; export the model with torch.onnx.export",
    b"\x80": "it is a Python pickle, such as torch.save writes; export the model with torch.onnx.export",
    b"\x89HDF": "it is an HDF5 file, such as Keras writes; convert the model with tf2onnx",
    b"version https://git-lfs": "it is a Git LFS pointer; `git lfs pull` fetches the file itself",
}
_TFLITE = b"TFL3"  # at byte 4
#: Operators whose presence makes a model an 8-bit one.
_INT8 = {"QuantizeLinear", "DynamicQuantizeLinear", "QLinearConv", "ConvInteger", "MatMulInteger", "QLinearMatMul", "QGemm"}
_FLOATS = {int(onnx.TensorProto.FLOAT16): "fp16", int(onnx.TensorProto.BFLOAT16): "bf16"}
#: Codes, the path of the file, and places in the source, in messages of ONNX Runtime.
_OF_THE_RUNTIME = re.compile(
    r"\[ONNXRuntimeError\] : \d+ : \w+ : "
    r"|Load model from .{0,500} failed:"
    r"|/(?=\S{0,200}onnxruntime)\S{0,300}:\d+ .{0,500}?\) "
)
_KNOWN_DOMAINS = re.compile(r"(ai\.onnx.*|com\.microsoft.*|)$")
_LONGEST_REASON = 300


@dataclass(frozen=True)
class OnnxFile:
    """A file that ONNX Runtime can load. graph: without the weights that lie in other files; files: all, itself first."""

    path: Path
    graph: onnx.ModelProto
    files: tuple[Path, ...]

    @property
    def sha256(self) -> str:
        """Return the checksum of the file, followed by those that hold its weights."""
        digest = hashlib.sha256()
        for file in self.files:
            with file.open("rb") as stream:
                while part := stream.read(16 * MIB):
                    digest.update(part)
        return digest.hexdigest()

    @property
    def file_bytes(self) -> int:
        return sum(file.stat().st_size for file in self.files)

    @property
    def parameters(self) -> int:
        return sum(math.prod(weight.dims) for weight in self.graph.graph.initializer)

    @property
    def is_eight_bits(self) -> bool:
        return not _INT8.isdisjoint(node.op_type for node in self.graph.graph.node)

    @property
    def precision(self) -> str:
        """Return `int8` where operators say so, else the type of most weights."""
        if self.is_eight_bits:
            return "int8"
        sizes: Counter[int] = Counter()
        for weight in self.graph.graph.initializer:
            sizes[weight.data_type] += math.prod(weight.dims)
        return _FLOATS.get(sizes.most_common(1)[0][0], "fp32") if sizes else "fp32"

    def open(self, provider: str) -> ort.InferenceSession:
        """Open a session without messages of its own; raises CannotMeasureError."""
        options = ort.SessionOptions()
        options.log_severity_level = 4  # our messages report errors
        try:
            session = ort.InferenceSession(str(self.path), options, providers=provider_list(provider))
        except Exception as error:  # ONNX Runtime's errors have no base class of their own
            raise CannotMeasureError(f"{self.path}: {_reason(self.graph, str(error))}") from error
        if session.get_providers()[0] != PROVIDERS[provider]:
            raise CannotMeasureError(phrase("onnx.not_started", provider=provider))
        return session


def read_onnx(path: Path) -> OnnxFile:
    """Read the file, with those that hold its weights; raises CannotMeasureError or UnreadableError."""
    graph = _read_graph(path)
    file = OnnxFile(path, graph, (path, *_external(path, graph)))
    if file.file_bytes > ONNX_WEIGHTS.most:
        raise CannotMeasureError(phrase("onnx.large", path=str(path), size=file.file_bytes, most=str(ONNX_WEIGHTS)))
    return file


def _read_graph(path: Path) -> onnx.ModelProto:
    content = read_within(path, ONNX_FILE)
    if not content:
        raise CannotMeasureError(f"{path}: is empty; export or copy the model again")
    hint = next((hint for beginning, hint in _BEGINNINGS.items() if content.startswith(beginning)), None)
    if content[4:8] == _TFLITE:
        hint = "it is a TensorFlow Lite file; convert the model with tf2onnx"
    if hint:
        raise CannotMeasureError(f"{path}: is no ONNX file: {hint}")
    try:
        graph = onnx.load_model_from_string(content)
    except DecodeError as error:
        raise CannotMeasureError(f"{path}: is no ONNX file, or a damaged or truncated one; export or copy it again") from error
    if not graph.graph.node:
        raise CannotMeasureError(f"{path}: holds no network; it is no ONNX file, or a damaged one")
    return graph


def _external(path: Path, graph: onnx.ModelProto) -> list[Path]:
    """Return the files beside `path` that hold its weights."""
    ends: Counter[str] = Counter()
    for weight in _tensors(graph):
        if weight.data_location == onnx.TensorProto.EXTERNAL:
            entries = {entry.key: entry.value for entry in weight.external_data}
            name = entries.get("location", "")
            ends[name] = max(ends[name], sum(_bytes_told(path, key, entries.get(key)) for key in ("offset", "length")))
    for name, end in ends.items():
        file = _weights_beside(path, name)
        if not os.path.isfile(file):  # noqa: PTH113 - no error for a name too long
            raise CannotMeasureError(phrase("onnx.no_weights", path=str(path), name=name))
        if (size := file.stat().st_size) < end:
            raise CannotMeasureError(phrase("onnx.truncated", path=str(path), name=name, size=size, end=end))
    return [path.parent / name for name in sorted(ends)]


def _tensors(message: Message) -> Iterator[onnx.TensorProto]:
    """Yield every tensor of a model: among the weights, in constants, in bodies of loops."""
    for field, value in message.ListFields():
        if field.message_type is not None:
            for part in [value] if isinstance(value, Message) else value:
                if isinstance(part, onnx.TensorProto):
                    yield part
                else:
                    yield from _tensors(part)


def _bytes_told(path: Path, key: str, value: str | None) -> int:
    if value and not re.fullmatch("[0-9]{1,19}", value):
        raise CannotMeasureError(phrase("onnx.place_of_weights", path=str(path), field=key, value=value[:40]))
    return int(value or 0)


def _weights_beside(path: Path, name: str) -> Path:
    """Return the file of that name in the folder of `path`; nothing is revealed of other files, not even their existence."""
    try:
        plain_name = bool(name) and name == Path(name).name and "\\" not in name
        if plain_name and (path.parent / name).resolve().parent == path.parent.resolve():
            return path.parent / name
    except (OSError, ValueError, RuntimeError):  # a name that no file has, or links that go round
        pass
    raise CannotMeasureError(phrase("onnx.weights_elsewhere", path=str(path), name=name[:80]))


def _reason(graph: onnx.ModelProto, message: str) -> str:
    runtime = f"ONNX Runtime {ort.__version__}"
    opset = re.search(r"Opset (\d+) is under development.{0,1000}till opset (\d+)", message, re.DOTALL)
    if opset:
        return phrase("onnx.opset", opset=opset[1], runtime=runtime, most=opset[2])
    version = re.search(r"IR version: (\d+), max supported IR version: (\d+)", message)
    if version:
        return phrase("onnx.version", version=version[1], runtime=runtime, most=version[2])
    own = sorted({f"{node.domain}.{node.op_type}" for node in _foreign(graph)})
    if own:
        return phrase("onnx.own_operators", runtime=runtime, operators=own[:5])
    absent = re.search(r"No Op registered for (\w+) with domain_version of (\d+)", message)
    if absent:
        return phrase("onnx.no_operator", operator=absent[1], opset=absent[2])
    return f"{runtime} cannot load it: {plain(message)}"


def _foreign(graph: onnx.ModelProto) -> Iterator[onnx.NodeProto]:
    own = {(function.domain, function.name) for function in graph.functions}
    for node in graph.graph.node:
        if not _KNOWN_DOMAINS.match(node.domain) and (node.domain, node.op_type) not in own:
            yield node


def plain(message: str) -> str:
    """Remove codes and places in ONNX Runtime's own source from a message."""
    return " ".join(_OF_THE_RUNTIME.sub("", message).split())[:_LONGEST_REASON]


# What a model takes: which axes of its input are the batch, the channels, the height and the width, and which are free.

Shape = tuple[int, ...]

_CHANNELS = (1, 3, 4)
_LONGEST_SIDE = 2**16
#: An input may take this part of the free memory, since what is computed from it takes more.
_INPUT_SHARE = 1 / 8


@dataclass(frozen=True)
class ImageInput:
    """The one input of a vision model.

    axes: their sizes, None where free; four with the batch first, or three
    dtype: numpy's name of its type
    """

    path: Path
    name: str
    axes: tuple[int | None, ...]
    dtype: str

    @property
    def batched(self) -> bool:
        return len(self.axes) == 4

    def shape(self, given: Shape | None) -> Shape:
        """Return the shape of one item, its free axes as in `given`; raises CannotMeasureError."""
        item, spoken = self.axes[-3:], f"its input '{self.name}' {_spoken(self.axes)}"
        if given:
            if any(axis not in (None, size) for axis, size in zip(item, given, strict=True)):
                raise CannotMeasureError(f"{self.path}: --input-shape {','.join(map(str, given))} does not fit {spoken}")
            return given
        fixed = tuple(axis for axis in item if axis)
        if len(fixed) < len(item):
            example = item if layout_of(item) else (3, None, None)
            sizes = [str(axis or 640) for axis in example]
            raise CannotMeasureError(phrase("onnx.open_size", path=str(self.path), input=spoken, sizes=sizes))
        if not layout_of(item):
            sizes = [*map(str, fixed)]
            raise CannotMeasureError(phrase("onnx.no_image", path=str(self.path), input=spoken, sizes=sizes))
        return fixed

    def batch(self, session: ort.InferenceSession, shape: Shape, batches: Shape) -> tuple[int | None, str]:
        """Return the only batch size of the model, with a sentence; None where any will do. Raises CannotMeasureError."""
        self._check_memory(shape, max(batches))
        fixed = self.axes[0] if self.batched else 1
        fault = self._fault(session, shape, fixed or min(batches))
        if fault:
            raise CannotMeasureError(f"{self.path}: does not run on an image of {_spoken(shape)}: {fault}")
        if not self.batched:
            return 1, phrase("onnx.no_batch")
        if fixed:
            return fixed, phrase("onnx.batch_of_one" if fixed == 1 else "onnx.fixed_batch", batch=fixed, input=self.name)
        if max(batches) > 1 and self._fault(session, shape, 2):
            return 1, phrase("onnx.failing_batch", input=self.name)
        return None, ""

    def _check_memory(self, shape: Shape, batch: int) -> None:
        needed, free = math.prod(shape) * batch * np.dtype(self.dtype).itemsize, psutil.virtual_memory().available
        if needed > free * _INPUT_SHARE:
            sizes = {"needed": needed / 2**30, "free": free / 2**30}
            raise CannotMeasureError(phrase("onnx.memory", path=str(self.path), images=batch, shape=_spoken(shape), **sizes))

    def _fault(self, session: ort.InferenceSession, shape: Shape, batch: int) -> str | None:
        """Return the reason why a call fails, or None."""
        try:
            session.run(None, {self.name: noise((batch, *shape) if self.batched else shape, self.dtype)})
        except Exception as error:  # ONNX Runtime's errors have no base class of their own
            return plain(str(error))
        return None


def read_shape(text: str | None) -> Shape | None:
    """Parse `3,224,224`; raises CannotMeasureError."""
    if text is None:
        return None
    parts = text.lower().replace("x", ",").split(",")
    if len(parts) != 3 or not all(part.strip().isdecimal() and 0 < int(part) < _LONGEST_SIDE for part in parts):
        raise CannotMeasureError(phrase("onnx.input_shape", shape=text))
    return tuple(map(int, parts))


def find_image(path: Path, session: ort.InferenceSession) -> ImageInput:
    """Return the input of the model, which must be able to hold an image; raises CannotMeasureError."""
    inputs = session.get_inputs()
    if len(inputs) != 1:
        listed = [f"'{image.name}' {_spoken(image.shape)}" for image in inputs]
        raise CannotMeasureError(phrase("onnx.inputs", path=str(path), count=len(inputs), inputs=listed))
    [image] = inputs
    about = {"path": str(path), "name": image.name, "shape": _spoken(image.shape)}
    if image.type not in DTYPES:
        holds = image.type.removeprefix("tensor(").removesuffix(")")
        raise CannotMeasureError(phrase("onnx.type", **about, holds=holds, types=list(DTYPES.values())))
    axes = tuple(axis if isinstance(axis, int) and axis > 0 else None for axis in image.shape)
    if len(axes) not in (3, 4) or (len(axes) == 3 and not layout_of(axes)):
        raise CannotMeasureError(phrase("onnx.shape", **about))
    return ImageInput(path, image.name, axes, DTYPES[image.type])


def layout_of(item: Sequence[int | None]) -> str | None:
    if item[0] in _CHANNELS:
        return "CHW"
    return "HWC" if item[2] in _CHANNELS else None


def _spoken(shape: Sequence[int | str | None]) -> str:
    return f"({', '.join('?' if axis is None else str(axis) for axis in shape)})"
