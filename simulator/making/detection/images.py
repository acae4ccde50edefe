"""An image as a network takes it, and boxes back in the pixels of the image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from simulator.making.zoo.photo import Channels
from simulator.making.zoo.steps import Floats, Pixels

Fit = Literal["letterbox", "corner", "stretch"]
#: How an image fills the network's square: in its own proportions, in the middle of the padding or in the top left corner of
#: it, or drawn out to all four sides.
FITS: tuple[Fit, ...] = ("letterbox", "corner", "stretch")
#: The grey that YOLO's family pads with.
GREY = 114


@dataclass(frozen=True)
class Takes:
    """What a network takes: a square of `side` pixels, whose values are pixel / 255 * `largest`, less `mean`, by `std`.

    mean, std: by channel, in the order that the network takes them
    part: how much of the square's sides the image fills, of what it would fill; what is left is padding
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
    """Where an image of `width` by `height` pixels went in the network's square: scaled, then moved, one number per axis."""

    width: int
    height: int
    scale: tuple[float, float]
    moved: tuple[int, int]

    def back(self, boxes: NDArray[np.floating]) -> NDArray[np.float64]:
        """Boxes (n, 4) of the square as left, top, right, bottom in the image, cut at its edges."""
        moved, scale = np.array(self.moved * 2), np.array(self.scale * 2)
        ends = np.array([self.width, self.height] * 2)
        return np.asarray(np.clip((boxes - moved) / scale, 0, ends), float)


def prepare(pixels: Pixels, takes: Takes) -> tuple[Floats, Placed]:
    """The image (h, w, 3) in RGB as float32 (3, side, side), and where it went."""
    square, placed = fit(pixels, takes)
    ordered = square[..., ::-1] if takes.bgr else square
    values = ordered.astype(np.float32) * np.float32(takes.largest / 255)
    normal = (values - np.array(takes.mean, np.float32)) / np.array(takes.std, np.float32)
    return np.ascontiguousarray(normal.transpose(2, 0, 1)), placed


def fit(pixels: Pixels, takes: Takes) -> tuple[Pixels, Placed]:
    """The image in the network's square, (side, side, 3), and where it went."""
    height, width = pixels.shape[:2]
    placed = place(width, height, takes)
    inner = _resized(pixels, *_inner_size(width, height, takes), takes.nearest)
    left, top = placed.moved
    square = np.full((takes.side, takes.side, 3), takes.padding, np.uint8)
    square[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
    return square, placed


def place(width: int, height: int, takes: Takes) -> Placed:
    """Where an image of this size goes in the network's square."""
    across, down = _inner_size(width, height, takes)
    moved = (0, 0) if takes.fit == "corner" else ((takes.side - across) // 2, (takes.side - down) // 2)
    return Placed(width, height, (across / width, down / height), moved)


def _inner_size(width: int, height: int, takes: Takes) -> tuple[int, int]:
    """Width and height that an image gets inside the square, in pixels, at least one."""
    filled, longest = takes.side * takes.part, max(width, height)
    across, down = (width, height) if takes.fit == "stretch" else (longest, longest)
    return max(round(width * (filled / across)), 1), max(round(height * (filled / down)), 1)


def _resized(pixels: Pixels, width: int, height: int, nearest: bool) -> Pixels:
    how = Image.Resampling.NEAREST if nearest else Image.Resampling.BILINEAR
    return np.asarray(Image.fromarray(pixels).resize((width, height), how))
