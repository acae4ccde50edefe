"""What spoils a photo of skin before a network sees it: our own functions, seeded, at three severities.

Lengths are parts of the photo's side. A photo and its kind of damage draw the same random numbers at each severity: the same
thumb covers it, only darker.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from campaigns.detections.conditions import LUMA
from simulator.arrays import Pixels
from simulator.measure.detector_conditions import defocus, jpeg
from simulator.measure.detector_io import Floats

SEED = 0
SEVERITIES = (1, 2, 3)
_GAMMA = 2.2


@dataclass(frozen=True)
class Spoiler:
    """A kind of damage.

    apply: from (h, w, 3) in 0 to 1, a strength and a random stream, to the same; values outside 0 to 1 are cut off
    strengths: at the three severities; means: meaning of a strength, with its unit
    """

    label: str
    apply: Callable[[Floats, float, Generator], Floats]
    strengths: tuple[float, float, float]
    means: str


def white_balance(image: Floats, strength: float, rng: Generator) -> Floats:
    """Multiply red by `strength` and divide blue by it, or the reverse: the camera took the light for colder or warmer."""
    gain = strength if rng.random() < 0.5 else 1 / strength
    return _lit(image, np.array([gain, 1, 1 / gain], np.float32))


def exposure(image: Floats, strength: float, rng: Generator) -> Floats:
    """Let in 2**strength times the light, or as much less."""
    return _lit(image, np.float32(2.0 ** (strength if rng.random() < 0.5 else -strength)))


def thumb_shadow(image: Floats, strength: float, rng: Generator) -> Floats:
    """Take `strength` of the light from the part behind a soft edge, which passes near the middle at a random angle."""
    height, width = image.shape[:2]
    angle, middle = rng.uniform(0, 2 * np.pi), rng.uniform(-0.15, 0.15)
    rows, columns = np.meshgrid(np.linspace(-0.5, 0.5, height), np.linspace(-0.5, 0.5, width), indexing="ij")
    behind = rows * np.sin(angle) + columns * np.cos(angle) - middle
    covered = 1 / (1 + np.exp(-behind / 0.03))
    return _lit(image, (1 - strength * covered)[..., None].astype(np.float32))


def _lit(image: Floats, gain: Any) -> Floats:
    """Multiply the light, which a pixel holds as its 2.2nd root."""
    return np.asarray((np.clip(image, 0, 1) ** _GAMMA * gain) ** (1 / _GAMMA), np.float32)


SPOILERS: dict[str, Spoiler] = {
    "blur": Spoiler("Out of focus", defocus, (0.008, 0.016, 0.032), "radius of the disc, as a part of the longer side"),
    "jpeg": Spoiler("JPEG", jpeg, (30, 12, 5), "quality from 1 to 100"),
    "white_balance": Spoiler("White balance", white_balance, (1.25, 1.6, 2.2), "factor on the light of red and of blue"),
    "exposure": Spoiler("Exposure", exposure, (0.7, 1.4, 2.4), "stops too bright or too dark"),
    "shadow": Spoiler("A thumb's shadow", thumb_shadow, (0.5, 0.75, 0.95), "part of the light that the thumb takes"),
}


def spoil(pixels: Pixels, name: str, severity: int, photo: str) -> Pixels:
    """Spoil a photo (h, w, 3) at a severity from 1 to 3; its name determines the result."""
    spoiler = SPOILERS[name]
    rng = np.random.default_rng([SEED, zlib.crc32(f"{name}/{photo}".encode())])
    values: Any = pixels.astype(np.float32) / np.float32(255)
    changed = spoiler.apply(values, spoiler.strengths[severity - 1], rng)
    return (np.clip(changed, 0, 1) * 255 + 0.5).astype(np.uint8)


def sharpness(pixels: Pixels) -> float:
    """Return the variance of the Laplacian of the luma (0 to 255), without the edge of the photo."""
    luma = pixels.astype(np.float32) @ LUMA
    inner = luma[1:-1, 1:-1]
    laplacian = luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:] - 4 * inner
    return float(laplacian.var(dtype=np.float64))


def light(pixels: Pixels) -> float:
    """Return the mean luma, 0 to 255."""
    return float((pixels.astype(np.float32) @ LUMA).mean(dtype=np.float64))
