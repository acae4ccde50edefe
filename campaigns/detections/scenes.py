"""More scenes from the same labelled images: crops of them, and mixtures of two that lie beside or above each other.

A scene is made of pieces: a window of an image, drawn at a size. An image itself is one piece, whole; a crop is one with a
smaller window; a mixture has two, whole, side by side at one height or stacked at one width, whichever is nearer to a square:
a network that takes a square sees next to nothing of a panorama. A scene belongs to the half of its parents, and no scene has
parents in both halves, so that the reference and production, and calibrating and measuring, stay apart.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from simulator.arrays import Pixels
from simulator.evidence.scene_tables import CROP, IMAGE, MIXTURE
from simulator.measure.labelled_images import Dataset
from simulator.metrics.detection_quality import Boxes

#: The part of each side of an image that a crop keeps, at least and at most.
KEPT = (0.6, 0.75)
#: The part of its area that a labelled box must have inside a crop to be kept.
INSIDE = 0.5


@dataclass(frozen=True)
class Piece:
    """A window of an image (its place in the data set): left, top, right, bottom in its pixels; drawn at a width and height."""

    image: int
    window: tuple[int, int, int, int]
    size: tuple[int, int]

    def pixels(self, image: Pixels) -> Pixels:
        """Return the piece (height, width, 3) of its image."""
        left, top, right, bottom = self.window
        cut = image[top:bottom, left:right]
        if self.size == (right - left, bottom - top):
            return cut
        return np.asarray(Image.fromarray(cut).resize(self.size, Image.Resampling.BILINEAR))

    def boxes(self, boxes: NDArray[np.float64]) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        """Return a mask (n,) of the image's boxes (n, 4) inside the piece, and these boxes, clipped, in the piece's pixels."""
        left, top, right, bottom = self.window
        clipped = np.clip(boxes, [left, top, left, top], [right, bottom, right, bottom])
        kept = _area(clipped) >= INSIDE * _area(boxes)
        scale = np.array(self.size * 2) / [right - left, bottom - top, right - left, bottom - top]
        return kept, (clipped[kept] - [left, top, left, top]) * scale


def _area(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))


@dataclass(frozen=True)
class Scene:
    """Pieces of one height side by side or, stacked, of one width."""

    name: str
    kind: str
    pieces: tuple[Piece, ...]
    stacked: bool = False

    @property
    def parents(self) -> list[int]:
        """The places of the images that it is made of."""
        return [piece.image for piece in self.pieces]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        widths, heights = zip(*(piece.size for piece in self.pieces), strict=True)
        return (widths[0], sum(heights)) if self.stacked else (sum(widths), heights[0])


def all_scenes(data: Dataset, half: NDArray[np.int64], seed: int) -> list[Scene]:
    """Every image, a crop of each, and mixtures of two images of the same half (images,), each image in at most one."""
    images = range(len(data))
    return [*(whole(data, one) for one in images), *(crop(data, one, seed) for one in images), *_mixtures(data, half, seed)]


def whole(data: Dataset, image: int) -> Scene:
    """Return an image as it is."""
    return Scene(data.files[image].stem, IMAGE, (_whole(data, image, data.sizes[image][1]),))


def crop(data: Dataset, image: int, seed: int) -> Scene:
    """Return a window of an image, whose sides are drawn as parts of the image's, and then its place."""
    name, size = data.files[image].stem, np.array(data.sizes[image])
    rng = np.random.default_rng([seed, zlib.crc32(f"{CROP}/{name}".encode())])
    sides = np.round(size * rng.uniform(*KEPT, 2)).astype(int)
    left, top = (int(corner) for corner in np.round((size - sides) * rng.random(2)))
    width, height = map(int, sides)
    return Scene(f"{name}_crop", CROP, (Piece(image, (left, top, left + width, top + height), (width, height)),))


def _mixtures(data: Dataset, half: NDArray[np.int64], seed: int) -> list[Scene]:
    made = []
    for one in np.unique(half):
        order = np.random.default_rng([seed, int(one)]).permutation(np.flatnonzero(half == one)).tolist()
        made += [mixture(data, first, second) for first, second in zip(order[::2], order[1::2], strict=False)]
    return made


def mixture(data: Dataset, first: int, second: int) -> Scene:
    """Two images beside or above each other, the larger one shrunk to the other's height or width: nearer to a square."""
    images = first, second
    name = "+".join(data.files[image].stem for image in images)
    width, height = (min(data.sizes[image][side] for image in images) for side in (0, 1))
    beside = Scene(name, MIXTURE, tuple(_whole(data, image, height) for image in images))
    stacked = Scene(name, MIXTURE, tuple(_as_wide(data, image, width) for image in images), stacked=True)
    return min((beside, stacked), key=lambda scene: max(scene.size) / min(scene.size))


def _whole(data: Dataset, image: int, height: int) -> Piece:
    width, own_height = data.sizes[image]
    return Piece(image, (0, 0, width, own_height), (round(width * height / own_height), height))


def _as_wide(data: Dataset, image: int, width: int) -> Piece:
    own_width, height = data.sizes[image]
    return Piece(image, (0, 0, own_width, height), (width, round(height * width / own_width)))


@dataclass(frozen=True)
class SceneDataset(Dataset):
    """Scenes as labelled images: `files` are their names, and lie nowhere; `source` holds the images they are made of."""

    source: Dataset
    scenes: tuple[Scene, ...]

    def pixels(self, image: int) -> Pixels:
        """Return a scene, (height, width, 3) in RGB; raises CannotMeasureError."""
        scene = self.scenes[image]
        pieces = [piece.pixels(self.source.pixels(piece.image)) for piece in scene.pieces]
        return np.concatenate(pieces, axis=0 if scene.stacked else 1)


def dataset_of(source: Dataset, scenes: Sequence[Scene]) -> SceneDataset:
    """Return these scenes with their labels."""
    files, sizes = tuple(Path(f"{scene.name}.png") for scene in scenes), tuple(scene.size for scene in scenes)
    labels = _labels(source.labels, scenes)
    return SceneDataset(source.folder, files, sizes, source.names, source.ids, labels, source, tuple(scenes))


def _labels(labels: Boxes, scenes: Sequence[Scene]) -> Boxes:
    image, category, box = [], [], []
    for place, scene in enumerate(scenes):
        moved = np.zeros(2)
        for piece in scene.pieces:
            mine = labels.image == piece.image
            kept, boxes = piece.boxes(labels.box[mine])
            image.append(np.full(len(boxes), place))
            category.append(labels.category[mine][kept])
            box.append(boxes + np.tile(moved, 2))
            moved[1 if scene.stacked else 0] += piece.size[1 if scene.stacked else 0]
    return Boxes(np.concatenate(image), np.concatenate(category), np.concatenate(box))
