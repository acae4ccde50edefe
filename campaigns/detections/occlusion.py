"""Pasting real boxes of other images over the labelled boxes of a scene.

Each labelled box gets one patch: a labelled box of another image of the same half, cut to the proportions of the box it is
pasted over. Which patch, and to which side of the box it leans, are drawn once for all shares: what a small share covers, a
larger one covers too.
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from simulator.arrays import Pixels
from simulator.measure.labelled_images import Dataset

#: Sides that a box must have, in pixels, to be cut out and pasted elsewhere.
LEAST = 24

Sides = tuple[int, int, int, int]


def covered(box: NDArray[np.float64], share: float, lean: NDArray[np.float64]) -> Sides:
    """Left, top, right and bottom, in whole pixels, of a part `share` of a box's area, in its own proportions.

    lean: 0 to 1 from left to right and from top to bottom. For the same lean, smaller shares lie inside larger ones.
    """
    size = box[2:] - box[:2]
    first = box[:2] + lean * size * (1 - np.sqrt(share))
    left, top = (int(end) for end in np.round(first))
    right, bottom = (int(end) for end in np.round(first + size * np.sqrt(share)))
    return left, top, max(right, left + 1), max(bottom, top + 1)


class Occluder:
    """Patches of labelled images, by the half (images,) that each image is in."""

    def __init__(self, source: Dataset, half: NDArray[np.int64], seed: int) -> None:
        self.source, self.seed = source, seed
        labels = source.labels
        sides = labels.box[:, 2:] - labels.box[:, :2]
        large = np.flatnonzero((sides >= LEAST).all(axis=1))
        self._patches = {int(one): large[half[labels.image[large]] == one] for one in np.unique(half)}

    def occlude(
        self, pixels: Pixels, name: str, boxes: NDArray[np.float64], share: float, parents: list[int], half: int
    ) -> Pixels:
        """Return a scene (h, w, 3) of a name, with a patch over a part `share` of each of its boxes (n, 4).

        parents: the images that the scene is made of, which give no patch
        """
        rng = np.random.default_rng([self.seed, zlib.crc32(f"occlusion/{name}".encode())])
        patches = self._patches[half]
        others = patches[~np.isin(self.source.labels.image[patches], parents)]
        spoilt = pixels.copy()
        for box in boxes:
            self._paste(spoilt, covered(box, share, lean=rng.random(2)), int(rng.choice(others)))
        return spoilt

    def _paste(self, pixels: Pixels, sides: Sides, patch: int) -> None:
        left, top, right, bottom = sides
        labels = self.source.labels
        image = Image.fromarray(self.source.pixels(int(labels.image[patch])))
        size = right - left, bottom - top
        pasted = np.asarray(image.resize(size, Image.Resampling.BILINEAR, _middle(labels.box[patch], size, image.size)))
        pixels[top:bottom, left:right] = pasted[: pixels.shape[0] - top, : pixels.shape[1] - left]


def _middle(box: NDArray[np.float64], size: tuple[int, int], image: tuple[int, int]) -> tuple[float, float, float, float]:
    """Return the largest window in the middle of a box that has the proportions of a size; box and window lie in an image."""
    sides = box[2:] - box[:2]
    window = np.array(size) * float((sides / size).min())
    first = box[:2] + (sides - window) / 2
    left, top, right, bottom = np.clip([*first, *(first + window)], 0, [*image, *image]).tolist()
    return left, top, right, bottom
