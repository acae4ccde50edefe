"""What a model takes: which axes of its input are the batch, the channels, the height and the width, and which are free."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime as ort
import psutil

from simulator.making.zoo.measure import DTYPES, noise
from simulator.making.zoo.onnx_file import plain
from simulator.making.zoo.refusals import CannotMeasureError

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
        """Whether it has a batch axis."""
        return len(self.axes) == 4

    def shape(self, given: Shape | None) -> Shape:
        """Shape of one item, its free axes as in `given`; raises CannotMeasureError."""
        item, spoken = self.axes[-3:], f"its input '{self.name}' {_spoken(self.axes)}"
        if given:
            if any(axis not in (None, size) for axis, size in zip(item, given, strict=True)):
                raise CannotMeasureError(f"{self.path}: --input-shape {','.join(map(str, given))} does not fit {spoken}")
            return given
        fixed = tuple(axis for axis in item if axis)
        if len(fixed) < len(item):
            example = item if layout_of(item) else (3, None, None)
            raise CannotMeasureError(
                f"{self.path}: leaves the size of {spoken} open; say which to measure, such as --input-shape "
                + ",".join(str(axis or 640) for axis in example)
            )
        if not layout_of(item):
            raise CannotMeasureError(
                f"{self.path}: {spoken} does not look like an image, which has 1, 3 or 4 channels, first or last; if it is a "
                f"vision model all the same, say so with --input-shape {','.join(map(str, fixed))}"
            )
        return fixed

    def batch(self, session: ort.InferenceSession, shape: Shape, batches: Shape) -> tuple[int | None, str]:
        """The one batch size that it takes, with a sentence; None where it takes any. Raises CannotMeasureError."""
        self._check_memory(shape, max(batches))
        fixed = self.axes[0] if self.batched else 1
        fault = self._fault(session, shape, fixed or min(batches))
        if fault:
            raise CannotMeasureError(f"{self.path}: does not run on an image of {_spoken(shape)}: {fault}")
        again = f"re-export it with a free batch axis: torch.onnx.export(..., dynamic_axes={{'{self.name}': {{0: 'batch'}}}})"
        if not self.batched:
            return 1, "takes one image a call and has no batch axis: measured at batch 1 only"
        if fixed == 1:
            return 1, f"has its batch fixed at 1: measured at batch 1 only; for more, {again}"
        if fixed:
            return fixed, f"has its batch fixed at {fixed}: measured at that only, and cases need batch 1 too; {again}"
        if max(batches) > 1 and self._fault(session, shape, 2):
            return 1, f"has a free batch axis, but fails on a batch of 2: measured at batch 1 only; for more, {again}"
        return None, ""

    def _check_memory(self, shape: Shape, batch: int) -> None:
        needed, free = math.prod(shape) * batch * np.dtype(self.dtype).itemsize, psutil.virtual_memory().available
        if needed > free * _INPUT_SHARE:
            raise CannotMeasureError(
                f"{self.path}: {batch} images of {_spoken(shape)} take {needed / 2**30:.3g} GiB, {free / 2**30:.3g} GiB are "
                "free in all; measure a smaller --batch or --input-shape"
            )

    def _fault(self, session: ort.InferenceSession, shape: Shape, batch: int) -> str | None:
        """Why a call fails, or None."""
        try:
            session.run(None, {self.name: noise((batch, *shape) if self.batched else shape, self.dtype)})
        except Exception as error:  # ONNX Runtime's errors have no base class of their own
            return plain(str(error))
        return None


def read_shape(text: str | None) -> Shape | None:
    """`3,224,224` as numbers; raises CannotMeasureError."""
    if text is None:
        return None
    parts = text.lower().replace("x", ",").split(",")
    if len(parts) != 3 or not all(part.strip().isdecimal() and 0 < int(part) < _LONGEST_SIDE for part in parts):
        raise CannotMeasureError(
            f"--input-shape {text}: expected three numbers, such as 3,224,224 (channels, height, width) or 224,224,3"
        )
    return tuple(map(int, parts))


def find_image(path: Path, session: ort.InferenceSession) -> ImageInput:
    """The input of the model, which has to be able to be an image; raises CannotMeasureError."""
    inputs = session.get_inputs()
    if len(inputs) != 1:
        listed = ", ".join(f"'{one.name}' {_spoken(one.shape)}" for one in inputs) or "none"
        raise CannotMeasureError(
            f"{path}: has {len(inputs)} inputs, {listed}; models with one input, an image, are measured; "
            "onnx.utils.extract_model cuts out the part that takes the image"
        )
    [one] = inputs
    if one.type not in DTYPES:
        holds = one.type.removeprefix("tensor(").removesuffix(")")
        raise CannotMeasureError(
            f"{path}: is no vision model: its input '{one.name}' {_spoken(one.shape)} holds {holds}; "
            f"images hold one of {', '.join(DTYPES.values())}"
        )
    axes = tuple(axis if isinstance(axis, int) and axis > 0 else None for axis in one.shape)
    if len(axes) not in (3, 4) or (len(axes) == 3 and not layout_of(axes)):
        raise CannotMeasureError(
            f"{path}: is no vision model: its input '{one.name}' has the shape {_spoken(one.shape)}; images come as "
            "(batch, channels, height, width) or (batch, height, width, channels)"
        )
    return ImageInput(path, one.name, axes, DTYPES[one.type])


def layout_of(item: Sequence[int | None]) -> str | None:
    """`CHW` or `HWC`, where the number of channels is that of an image."""
    if item[0] in _CHANNELS:
        return "CHW"
    return "HWC" if item[2] in _CHANNELS else None


def _spoken(shape: Sequence[int | str | None]) -> str:
    return f"({', '.join('?' if axis is None else str(axis) for axis in shape)})"
