"""Inputs and outputs of detectors: images in the network's format, and outputs as boxes in pixels of the image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from PIL import Image

from simulator.arrays import Pixels
from simulator.measure.guarded import CannotMeasureError
from simulator.phrases import phrase

# An image as a network takes it, and boxes back in the pixels of the image.

Channels = tuple[float, float, float]
Floats = NDArray[np.float32]

#: Boxes below this score are not looked at; COCO's evaluation gains nothing visible from them.
LEAST = 0.01

Fit = Literal["letterbox", "corner", "stretch"]
#: Placement of an image in the network's square: in its own proportions, in the middle of the padding or in its top left
#: corner, or drawn out to all four sides.
FITS: tuple[Fit, ...] = ("letterbox", "corner", "stretch")
#: The grey that YOLO's family pads with.
GREY = 114


@dataclass(frozen=True)
class Takes:
    """Input of a network: a square of `side` pixels, whose values are pixel / 255 * `largest`, less `mean`, by `std`.

    mean, std: by channel, in the order that the network takes them
    part: part of the square's sides that the image fills; the rest is padding
    """

    side: int
    fit: Fit = "letterbox"
    bgr: bool = False
    largest: float = 1.0
    mean: Channels = (0.0, 0.0, 0.0)
    std: Channels = (1.0, 1.0, 1.0)
    padding: int = GREY
    nearest: bool = False
    part: float = 1.0


@dataclass(frozen=True)
class Placed:
    """Placement of an image of `width` by `height` pixels in the network's square: scaled, then moved, one number per axis."""

    width: int
    height: int
    scale: tuple[float, float]
    moved: tuple[int, int]

    def back(self, boxes: NDArray[np.floating]) -> NDArray[np.float64]:
        """Map boxes (n, 4) of the square to left, top, right, bottom in the image, cut at its edges."""
        moved, scale = np.array(self.moved * 2), np.array(self.scale * 2)
        ends = np.array([self.width, self.height] * 2)
        return np.asarray(np.clip((boxes - moved) / scale, 0, ends), float)


def prepare(pixels: Pixels, takes: Takes) -> tuple[Floats, Placed]:
    """Return the image (h, w, 3) in RGB as float32 (3, side, side), and its placement."""
    square, placed = fit(pixels, takes)
    ordered = square[..., ::-1] if takes.bgr else square
    values = ordered.astype(np.float32) * np.float32(takes.largest / 255)
    normal = (values - np.array(takes.mean, np.float32)) / np.array(takes.std, np.float32)
    return np.ascontiguousarray(normal.transpose(2, 0, 1)), placed


def fit(pixels: Pixels, takes: Takes) -> tuple[Pixels, Placed]:
    """Fit the image into the network's square, (side, side, 3); also return its placement."""
    height, width = pixels.shape[:2]
    placed = place(width, height, takes)
    how = Image.Resampling.NEAREST if takes.nearest else Image.Resampling.BILINEAR
    inner = np.asarray(Image.fromarray(pixels).resize(_inner_size(width, height, takes), how))
    left, top = placed.moved
    square = np.full((takes.side, takes.side, 3), takes.padding, np.uint8)
    square[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
    return square, placed


def place(width: int, height: int, takes: Takes) -> Placed:
    across, down = _inner_size(width, height, takes)
    moved = (0, 0) if takes.fit == "corner" else ((takes.side - across) // 2, (takes.side - down) // 2)
    return Placed(width, height, (across / width, down / height), moved)


def _inner_size(width: int, height: int, takes: Takes) -> tuple[int, int]:
    filled, longest = takes.side * takes.part, max(width, height)
    across, down = (width, height) if takes.fit == "stretch" else (longest, longest)
    return max(round(width * (filled / across)), 1), max(round(height * (filled / down)), 1)


# What detectors answer, and the boxes that it stands for.
#
# A layout turns the raw outputs of one image into candidates, rows of left, top, right, bottom in pixels of the network's
# square, score and class (n, 6), before suppression. The shapes of the outputs determine it where they are unambiguous.

Shape = tuple[int, ...]
Outputs = Sequence[NDArray[np.floating]]

_STRIDES = (8, 16, 32)
#: Bins of the distance to a side in nanodet's distributions.
BINS = 8
#: Candidates that suppression looks at, by falling score; and boxes that remain, as in COCO's evaluation.
_CANDIDATES, _KEPT = 300, 100
#: Above this intersection over union two boxes of a class are taken for one object.
_OVERLAP = 0.45
_COORDINATES = np.array([1, 1, 1, 1, 0, 0], np.float32)
_NANODET: Takes = Takes(0, "stretch", bgr=True, largest=255, mean=(103.53, 116.28, 123.675), std=(57.375, 57.12, 58.395))


@dataclass(frozen=True)
class Layout:
    """A format of outputs, and the usual input of networks with it.

    fits: whether outputs of these shapes, without the batch axis, for a square of this many pixels can be of this kind
    decode: outputs without the batch axis, and the side of the square, to candidates (n, 6)
    overlap: above it two boxes of a class count as one object; None where the network has suppressed them
    """

    words: str
    takes: Takes
    fits: Callable[[list[Shape], int], bool]
    decode: Callable[[Outputs, int], Floats]
    overlap: float | None


def decode_yolox(outputs: Outputs, side: int) -> Floats:
    """Decode YOLOX's raw output (Ge et al. 2021, arXiv:2107.08430): (cells, 5 + classes), the cells of strides 8, 16 and 32.

    Offset from the cell's corner and logarithm of the size, both in strides; then the chances that there is an object, and
    of each class.
    """
    [raw] = outputs
    corners, strides = _grid_cells(side)
    middle, size = (raw[:, :2] + corners) * strides, np.exp(raw[:, 2:4]) * strides
    return _likeliest(np.hstack([middle - size / 2, middle + size / 2]), raw[:, 4:5] * raw[:, 5:])


def decode_fastestdet(outputs: Outputs, side: int, learnt_side: int | None = None) -> Floats:
    """Decode FastestDet: (5 + classes, rows, columns): object, offset, size, classes.

    learnt_side: of the squares that it learnt from, where this one differs
    The offset of the middle from the cell's corner is the hyperbolic tangent, in cells, and the size the logistic function, in
    sides that it learnt from. A score is object^0.6 class^0.4, as in its author's code (dog-qiuqiu/FastestDet, module/loss and
    utils/tool).
    """
    [raw] = outputs
    rows, columns = raw.shape[1:]
    y, x = np.mgrid[:rows, :columns]
    object_, dx, dy, width, height = raw[:5].reshape(5, -1)
    middle = np.stack([(x.ravel() + np.tanh(dx)) / columns, (y.ravel() + np.tanh(dy)) / rows], axis=1) * side
    half = np.stack([_logistic(width), _logistic(height)], axis=1) * (learnt_side or side) / 2
    scores = object_[:, None] ** 0.6 * raw[5:].reshape(len(raw) - 5, -1).T ** 0.4
    return _likeliest(np.hstack([middle - half, middle + half]), scores)


def decode_nanodet(outputs: Outputs, side: int) -> Floats:
    """Decode NanoDet-m: for strides 8, 16 and 32 the chances of the classes (cells, classes) and the distances (cells, 4 * 8).

    The distance from the middle of a cell to each side of the box is the mean of a distribution over 0 to 7 strides
    (generalized focal loss: Li et al. 2020, arXiv:2006.04388).
    """
    scores = np.concatenate([output for output in outputs if output.shape[1] != 4 * BINS])
    raw = np.concatenate([output for output in outputs if output.shape[1] == 4 * BINS])
    corners, strides = _grid_cells(side)
    powers = np.exp((bins := raw.reshape(len(raw), 4, BINS)) - bins.max(axis=2, keepdims=True))
    distances = (powers / powers.sum(axis=2, keepdims=True)) @ np.arange(BINS) * strides
    middle = (corners + 0.5) * strides
    return _likeliest(np.hstack([middle - distances[:, :2], middle + distances[:, 2:]]), scores)


def decode_yolov5(outputs: Outputs, _: int) -> Floats:
    """Decode YOLOv5 and networks like it: (boxes, 5 + classes): middle, size in pixels, object, classes."""
    raw = outputs[0]
    return _likeliest(_from_middle(raw[:, :4]), raw[:, 4:5] * raw[:, 5:])


def decode_yolov8(outputs: Outputs, _: int) -> Floats:
    raw = outputs[0].T
    return _likeliest(_from_middle(raw[:, :4]), raw[:, 4:])


def decode_boxes(outputs: Outputs, side: int) -> Floats:
    """Decode finished boxes (n, 4), left, top, right, bottom, with class (n,) and score (n,), such as torchvision's and SSD's.

    Boxes within 0 and 1 are parts of the side. Of the two columns the one with whole numbers only is the class.
    """
    [boxes] = [output for output in outputs if output.ndim == 2]
    flat = [output for output in outputs if output.ndim == 1]
    labels, scores = flat if _are_whole(flat[0]) and not np.issubdtype(flat[1].dtype, np.integer) else flat[::-1]
    scale = side if len(boxes) and boxes.max() <= 1.5 else 1
    return np.column_stack([boxes * scale, scores, labels]).astype(np.float32)


def _are_whole(values: NDArray[np.generic]) -> bool:
    return bool((np.asarray(values, float) == np.round(np.asarray(values, float))).all())


def _from_middle(boxes: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.hstack([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2])


def _likeliest(boxes: NDArray[np.floating], scores: NDArray[np.floating]) -> Floats:
    """Return boxes (n, 4) with the likeliest of their classes (n, classes)."""
    best = scores.argmax(axis=1)
    return np.column_stack([boxes, scores[np.arange(len(scores)), best], best]).astype(np.float32)


def _logistic(values: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.asarray(1 / (1 + np.exp(-values)))


@cache
def _grid_cells(side: int) -> tuple[Floats, Floats]:
    """Return column and row of every cell (cells, 2), and its stride (cells, 1)."""
    corners, strides = [], []
    for stride in _STRIDES:
        count = -(-side // stride)
        rows, columns = np.mgrid[:count, :count]
        corners.append(np.stack([columns.ravel(), rows.ravel()], axis=1))
        strides.append(np.full((count * count, 1), stride))
    return np.concatenate(corners).astype(np.float32), np.concatenate(strides).astype(np.float32)


def _cells_of(side: int) -> list[int]:
    return [(-(-side // stride)) ** 2 for stride in _STRIDES]


def _is_yolox(shapes: list[Shape], side: int) -> bool:
    return len(shapes) == 1 and len(shapes[0]) == 2 and shapes[0][0] == sum(_cells_of(side)) and shapes[0][1] > 5


def _is_fastestdet(shapes: list[Shape], side: int) -> bool:
    return len(shapes) == 1 and len(shapes[0]) == 3 and shapes[0][0] > 5 and shapes[0][1] == shapes[0][2] == side // 16


def _is_nanodet(shapes: list[Shape], side: int) -> bool:
    distances = [shape[0] for shape in shapes if len(shape) == 2 and shape[1] == 4 * BINS]
    return len(shapes) == 6 and distances == _cells_of(side)


def _is_yolov5(shapes: list[Shape], side: int) -> bool:
    # Three boxes a cell.
    return len(shapes[0]) == 2 and shapes[0][0] == 3 * sum(_cells_of(side)) and shapes[0][1] > 5


def _is_yolov8(shapes: list[Shape], side: int) -> bool:
    return len(shapes[0]) == 2 and shapes[0][1] == sum(_cells_of(side)) and shapes[0][0] > 4


def _is_boxes(shapes: list[Shape], _: int) -> bool:
    flat, boxes = [shape for shape in shapes if len(shape) == 1], [shape for shape in shapes if len(shape) == 2]
    return len(shapes) == 3 and len(flat) == 2 and len(boxes) == 1 and boxes[0][1] == 4


LAYOUTS: dict[str, Layout] = {
    "yolox": Layout(
        "YOLOX before decoding (cells, 5 + classes)",
        Takes(0, "corner", bgr=True, largest=255),
        _is_yolox,
        decode_yolox,
        0.65,
    ),
    "fastestdet": Layout(
        "FastestDet (5 + classes, rows, columns)",
        Takes(0, "stretch", bgr=True),
        _is_fastestdet,
        decode_fastestdet,
        0.45,
    ),
    "nanodet": Layout(
        "NanoDet-m, three pairs of classes and distances",
        _NANODET,
        _is_nanodet,
        decode_nanodet,
        0.6,
    ),
    "yolov5": Layout("YOLOv5, decoded (boxes, 5 + classes)", Takes(0), _is_yolov5, decode_yolov5, 0.6),
    "yolov8": Layout("YOLOv8 and YOLO11, decoded (4 + classes, boxes)", Takes(0), _is_yolov8, decode_yolov8, 0.6),
    "boxes": Layout("finished boxes (n, 4), labels (n,), scores (n,)", Takes(0, "stretch"), _is_boxes, decode_boxes, None),
}


def layout_for(shapes: list[Shape], side: int, named: str | None = None) -> Layout:
    """Return the layout of outputs of these shapes, without the batch axis, or the named one; raises CannotMeasureError."""
    choices = ", ".join(f"{name} ({layout.words})" for name, layout in LAYOUTS.items())
    if named is not None:
        if named not in LAYOUTS:
            raise CannotMeasureError(f"--layout {named}: there is no such layout; there are: {choices}")
        return LAYOUTS[named]
    fitting = [name for name, layout in LAYOUTS.items() if shapes and layout.fits(shapes, side)]
    if len(fitting) != 1:
        spoken = [str(shape) for shape in shapes]
        raise CannotMeasureError(phrase("detectors.ambiguous", shapes=spoken, side=side, choices=choices))
    return LAYOUTS[fitting[0]]


def boxes_of(layout: Layout, outputs: Outputs, side: int, least: float) -> Floats:
    """Return the boxes of one image after suppression, at most 100 by falling score, from a score of `least` on; (n, 6)."""
    candidates = layout.decode(outputs, side)
    candidates = candidates[np.isfinite(candidates).all(axis=1) & (candidates[:, 4] >= least)]
    candidates = candidates[np.argsort(-candidates[:, 4], kind="stable")[:_CANDIDATES]]
    if layout.overlap is not None:
        # Suppression sets classes apart by the largest coordinate, and so wants none below 0.
        lowest = candidates[:, :4].min(initial=0)
        candidates = candidates[suppress(candidates - lowest * _COORDINATES, layout.overlap)]
    return candidates[:_KEPT]


def suppress(candidates: Floats, overlap: float = _OVERLAP) -> NDArray[np.int64]:
    """Suppress overlapping boxes greedily within each class, in numpy; return the rows that stay, by falling score.

    candidates: (n, 6) rows of left, top, right, bottom, score, class
    """
    # Boxes of different classes are moved apart, so that one pass serves all classes.
    boxes = candidates[:, :4] + candidates[:, 5:6] * (candidates[:, :4].max(initial=0) + 1)
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    waiting = np.argsort(-candidates[:, 4], kind="stable")
    remaining = []
    while len(waiting):
        best, waiting = waiting[0], waiting[1:]
        remaining.append(best)
        low = np.maximum(boxes[best, :2], boxes[waiting, :2])
        high = np.minimum(boxes[best, 2:], boxes[waiting, 2:])
        shared = np.prod(np.maximum(high - low, 0), axis=1)
        waiting = waiting[shared <= overlap * (areas[best] + areas[waiting] - shared)]
    return np.array(remaining, np.int64)


def outputs_of(session: ort.InferenceSession, tensor: Floats) -> list[np.ndarray]:
    """Run the network on one image (3, side, side); return its outputs without the batch axis."""
    answers = session.run(None, {session.get_inputs()[0].name: tensor[np.newaxis]})
    if {answer.ndim for answer in answers} == {1, 2}:
        return list(answers)  # finished boxes of one image, as torchvision answers them
    return [answer[0] for answer in answers]
