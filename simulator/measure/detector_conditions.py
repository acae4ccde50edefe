"""Conditions of a detector's evaluation: clean and corrupted images, and bugs of the code between camera and network."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.random import Generator
from PIL import Image

from simulator.arrays import Pixels
from simulator.evidence.detection_tables import CLEAN
from simulator.measure.detector_io import Floats, Takes
from simulator.measure.guarded import CannotMeasureError

# What goes wrong with an image before it reaches a detector: our own functions, seeded, of a stated strength.
#
# Each is made from the idea behind it (how fog scatters light, how a lens blurs) on values from 0 to 1, at five severities.
# Lengths are parts of the image's longer side, so that an image looks alike at any size. Where COCO-C (Michaelis et al. 2019,
# arXiv:1907.07484) has the same corruption, the severities are about as strong as its own. The random numbers of an image are
# the same at each severity: the same flakes fall, only thicker.

SEVERITIES = (1, 2, 3, 4, 5)
_GAMMA = 2.2


@dataclass(frozen=True)
class Corruption:
    """A corruption of an image.

    apply: from (h, w, 3) in 0 to 1, a strength and a random stream, to the same; what leaves 0 to 1 is cut off
    strengths: at the five severities; means: meaning of a strength, with its unit
    coco_c: its name in COCO-C
    """

    label: str
    apply: Callable[[Floats, float, Generator], Floats]
    strengths: tuple[float, float, float, float, float]
    means: str
    coco_c: str | None = None


def fog(image: Floats, strength: float, rng: Generator) -> Floats:
    """Fade the light of the scene as exp(-depth * strength), and add the fog's own (Koschmieder 1924).

    Depth is not known: it is taken to grow from the lower edge to the upper, in uneven patches.
    """
    height, width = image.shape[:2]
    depth = np.linspace(1.2, 0.5, height, dtype=np.float32)[:, None] * (0.75 + 0.5 * _patches(rng, height, width, 6))
    light = np.exp(-strength * depth)[..., None]
    return np.asarray(image * light + 0.85 * (1 - light), np.float32)


def night(image: Floats, strength: float, rng: Generator) -> Floats:
    """Image with `strength` of the daylight: photons are counted, read with noise, and half of the loss is amplified.

    A pixel holds 4,000 electrons at full daylight, and reading adds 4 (standard deviation).
    """
    electrons = 4000 * strength * image**_GAMMA
    noisy = electrons + np.sqrt(electrons + 16) * rng.standard_normal(image.shape, np.float32)
    gain = np.sqrt(1 / strength) / 4000
    return np.asarray(np.maximum(noisy * gain, 0) ** (1 / _GAMMA) * np.array([0.9, 0.95, 1.0]), np.float32)


def brightness(image: Floats, strength: float, _: Generator) -> Floats:
    return image + strength


def contrast(image: Floats, strength: float, _: Generator) -> Floats:
    mean = image.mean(axis=(0, 1), keepdims=True)
    return np.asarray(mean + (image - mean) * strength, np.float32)


def defocus(image: Floats, strength: float, _: Generator) -> Floats:
    """Blur each point to a disc, as a lens out of focus does."""
    radius = _pixels(image, strength)
    reach = int(radius)
    padded = np.pad(image, ((reach, reach), (reach + 1, reach), (0, 0)), mode="edge")
    sums = np.cumsum(padded, axis=1, dtype=np.float32)
    height, width = image.shape[:2]
    total, count = np.zeros_like(image), 0
    for dy in range(-reach, reach + 1):
        half = int(np.sqrt(radius**2 - dy**2))
        rows = sums[reach + dy : reach + dy + height]
        total += rows[:, reach + 1 + half :][:, :width] - rows[:, reach - half :][:, :width]
        count += 2 * half + 1
    return total / np.float32(count)


def motion_blur(image: Floats, strength: float, rng: Generator) -> Floats:
    angle = rng.uniform(0, np.pi)
    return _smeared(image, _pixels(image, strength), angle)


def zoom_blur(image: Floats, strength: float, _: Generator) -> Floats:
    """Average the image and enlargements of it, up to 1 + `strength`, as a camera does that moves forward."""
    height, width = image.shape[:2]
    picture = Image.fromarray(_bytes(image))
    total = np.zeros(image.shape, np.float32)
    factors = np.linspace(1, 1 + strength, 6)
    for factor in factors:
        inner = width / factor, height / factor
        left, top = (width - inner[0]) / 2, (height - inner[1]) / 2
        enlarged = picture.resize((width, height), Image.Resampling.BILINEAR, (left, top, left + inner[0], top + inner[1]))
        total += np.asarray(enlarged, np.float32)
    return total / np.float32(255 * len(factors))


def noise(image: Floats, strength: float, rng: Generator) -> Floats:
    return image + np.float32(strength) * rng.standard_normal(image.shape, np.float32)


def jpeg(image: Floats, strength: float, _: Generator) -> Floats:
    buffer = io.BytesIO()
    Image.fromarray(_bytes(image)).save(buffer, "JPEG", quality=int(strength))
    return np.asarray(Image.open(buffer).convert("RGB"), np.float32) / np.float32(255)


def pixelate(image: Floats, strength: float, _: Generator) -> Floats:
    """Shrink the image to `strength` of its size by means, and enlarge it pixel by pixel."""
    height, width = image.shape[:2]
    picture = Image.fromarray(_bytes(image))
    small = picture.resize((max(int(width * strength), 1), max(int(height * strength), 1)), Image.Resampling.BOX)
    return np.asarray(small.resize((width, height), Image.Resampling.NEAREST), np.float32) / np.float32(255)


def rain(image: Floats, strength: float, rng: Generator) -> Floats:
    """Draw bright streaks, as long as a drop falls while the shutter is open, before a dimmed and veiled scene.

    A part `strength` of the pixels starts a streak.
    """
    streaks = _falling(image, strength, rng, length=0.05, angle=np.pi / 2 + rng.uniform(-0.3, 0.3), width=1)
    veiled = 0.85 * image + 0.15 * image.mean() + min(8 * strength, 0.1)
    return np.asarray(veiled + (0.9 - veiled) * np.minimum(streaks * 9, 0.7)[..., None], np.float32)


def rain_at_night(image: Floats, severity: float, rng: Generator) -> Floats:
    place = int(severity) - 1
    wet = rain(image, CORRUPTIONS["rain"].strengths[place], rng)
    return night(np.clip(wet, 0, 1), CORRUPTIONS["night"].strengths[place], rng)


def dirty_lens(image: Floats, strength: float, rng: Generator) -> Floats:
    """Cover a part `strength` of the image with dirt or drops on the glass before the lens.

    The glass is far out of focus, so that a patch has a soft edge and shows no shape of its own: half of the scene's light
    comes through, blurred over a disc of 2% of the longer side, and a fifth of what is held back reaches the sensor as
    stray light.
    """
    covered = _dirt(rng, image.shape[0], image.shape[1], strength)[..., None]
    through = 0.5 * defocus(image, 0.02, rng) + 0.1 * image.mean(axis=(0, 1), keepdims=True)
    return np.asarray(image * (1 - covered) + through * covered, np.float32)


def _dirt(rng: Generator, height: int, width: int, share: float) -> Floats:
    """Return the covered part of each pixel, 0 to 1, (height, width); the mean is about `share`."""
    field = _patches(rng, height, width, 7)
    middle = np.quantile(field, 1 - share)
    return np.asarray(np.clip(0.5 + (field - middle) / 0.2, 0, 1), np.float32)


def snow(image: Floats, strength: float, rng: Generator) -> Floats:
    """Draw white flakes, blurred by their fall, before a scene that their scattered light whitens.

    A part `strength` of the pixels starts a flake.
    """
    flakes = _falling(image, strength, rng, length=0.018, angle=rng.uniform(np.pi / 4, 3 * np.pi / 4), width=3)
    whiter = image + (0.9 - image) * min(12 * strength, 0.45)
    return np.asarray(whiter + (1 - whiter) * np.minimum(flakes * 5, 1)[..., None], np.float32)


def _falling(image: Floats, share: float, rng: Generator, length: float, angle: float, width: int) -> Floats:
    """Return the part of each pixel that something falling hides, (h, w): points smeared over a length."""
    height, width_px = image.shape[:2]
    # The same points at each severity, more of them: those whose random number is low.
    points = (rng.random((height, width_px), np.float32) < share / width).astype(np.float32)
    for _ in range(width - 1):
        points = np.maximum(points, np.maximum(np.roll(points, 1, axis=0), np.roll(points, 1, axis=1)))
    return _smeared(points, _pixels(image, length), angle)


def _smeared(image: Floats, length: float, angle: float) -> Floats:
    """Average the image moved along a line of `length` pixels, (h, w) or (h, w, 3); edges are drawn out."""
    steps = max(round(length), 1)
    along = np.arange(steps) - (steps - 1) / 2
    places = np.unique(np.stack([np.round(along * np.sin(angle)), np.round(along * np.cos(angle))]).astype(int), axis=1)
    reach = int(np.abs(places).max())
    padded = np.pad(image, ((reach, reach), (reach, reach), (0, 0))[: image.ndim], mode="edge")
    height, width = image.shape[:2]
    total = np.zeros_like(image)
    for dy, dx in places.T:
        total += padded[reach + dy : reach + dy + height, reach + dx : reach + dx + width]
    return total / np.float32(places.shape[1])


def _patches(rng: Generator, height: int, width: int, cells: int) -> Floats:
    """Draw a smooth random field between about 0 and 1, (height, width)."""
    coarse = Image.fromarray(rng.random((cells, cells), np.float32))
    return np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), np.float32)


def _pixels(image: Floats, part: float) -> float:
    return float(max(part * max(image.shape[:2]), 1.0))


def _bytes(image: Floats) -> Pixels:
    return (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)


_SHARE = "part of the pixels that starts a {}"
_LENGTH = "{}, as a part of the longer side"

CORRUPTIONS: dict[str, Corruption] = {
    "fog": Corruption("Fog", fog, (0.5, 0.7, 0.9, 1.2, 1.5), "optical depth of the scene's far end", "fog"),
    "rain": Corruption("Rain", rain, (0.001, 0.002, 0.004, 0.006, 0.01), _SHARE.format("streak")),
    "snow": Corruption("Snow", snow, (0.005, 0.009, 0.015, 0.023, 0.035), _SHARE.format("flake"), "snow"),
    "night": Corruption("Night", night, (0.1, 0.045, 0.02, 0.01, 0.005), "part of the daylight that is left"),
    "rain_at_night": Corruption("Rain at night", rain_at_night, (1, 2, 3, 4, 5), "severity of rain and of night, both"),
    "dirty_lens": Corruption("Dirty lens", dirty_lens, (0.15, 0.25, 0.35, 0.47, 0.6), "part of the image that dirt covers"),
    "contrast": Corruption(
        "Low contrast", contrast, (0.4, 0.3, 0.2, 0.1, 0.05), "part of the contrast that is left", "contrast"
    ),
    "defocus": Corruption(
        "Out of focus", defocus, (0.005, 0.007, 0.009, 0.012, 0.016), _LENGTH.format("radius of the disc"), "defocus_blur"
    ),
    "motion_blur": Corruption(
        "Motion blur", motion_blur, (0.015, 0.022, 0.03, 0.04, 0.05), _LENGTH.format("length of the line"), "motion_blur"
    ),
    "noise": Corruption(
        "Noise", noise, (0.08, 0.12, 0.18, 0.26, 0.38), "standard deviation, as a part of white", "gaussian_noise"
    ),
    "jpeg": Corruption("JPEG", jpeg, (25, 18, 15, 10, 7), "quality from 1 to 100", "jpeg_compression"),
    "pixelate": Corruption(
        "Pixelated", pixelate, (0.6, 0.5, 0.4, 0.32, 0.25), "part of the side's pixels that is left", "pixelate"
    ),
    "brightness": Corruption(
        "Too bright", brightness, (0.1, 0.2, 0.3, 0.4, 0.5), "light added, as a part of white", "brightness"
    ),
    "zoom_blur": Corruption("Zoom blur", zoom_blur, (0.1, 0.15, 0.2, 0.25, 0.3), "largest enlargement, less 1", "zoom_blur"),
}


def corrupt(pixels: Pixels, name: str, severity: int, image: str, seed: int) -> Pixels:
    """Corrupt an image (h, w, 3) at a severity from 1 to 5; its name and the seed determine the result."""
    corruption = CORRUPTIONS[name]
    rng = np.random.default_rng([seed, zlib.crc32(f"{name}/{image}".encode())])
    values: Any = pixels.astype(np.float32) / np.float32(255)
    return _bytes(corruption.apply(values, corruption.strengths[severity - 1], rng))


#: The share of the images that a bug strikes at its severities 1 and 2.
SHARES = (0.33, 1.0)
WHOLE = len(SHARES)


@dataclass(frozen=True)
class Bug:
    """A mistake in preparing the image, as a change of the network's input."""

    label: str
    means: str
    change: Callable[[Takes], Takes]


BUGS: dict[str, Bug] = {
    "bgr": Bug(
        "Red and blue swapped",
        "channels in the other order than the network takes them",
        lambda takes: replace(takes, bgr=not takes.bgr),
    ),
    "stretch": Bug(
        "The other fit",
        "stretched to the square where the network is otherwise given a letterbox, and the reverse",
        lambda takes: replace(takes, fit="letterbox" if takes.fit == "stretch" else "stretch"),
    ),
    "nearest": Bug(
        "Nearest neighbour", "resized by nearest neighbour instead of bilinear", lambda takes: replace(takes, nearest=True)
    ),
    "input_scale": Bug(
        "Wrong scale of the input",
        "values from 0 to 1 where the network takes 0 to 255, and the reverse",
        lambda takes: replace(takes, largest=1.0 if takes.largest == 255 else 255.0),
    ),
}


@dataclass(frozen=True)
class Setting:
    """A condition at a severity: 0 for clean images, 1 to 5 for a corruption, 1 or 2 for a bug."""

    condition: str
    severity: int

    def __str__(self) -> str:
        return f"{self.condition}:{self.severity}"

    def image(self, pixels: Pixels, name: str, seed: int) -> Pixels:
        """Return the image (h, w, 3) from the camera under this condition."""
        if self.condition not in CORRUPTIONS:
            return pixels
        return corrupt(pixels, self.condition, self.severity, name, seed)

    def strikes(self, name: str, seed: int) -> bool:
        luck = zlib.crc32(f"{seed}/{self.condition}/{name}".encode()) / 2**32
        return luck < SHARES[self.severity - 1]

    def takes(self, takes: Takes, name: str, seed: int) -> Takes:
        bug = BUGS.get(self.condition)
        return bug.change(takes) if bug and self.strikes(name, seed) else takes


SETTINGS = [
    Setting(CLEAN, 0),
    *(Setting(name, severity) for name in BUGS for severity in range(1, WHOLE + 1)),
    *(Setting(name, severity) for name in CORRUPTIONS for severity in SEVERITIES),
]


def read_settings(text: str) -> list[Setting]:
    """Parse `clean,fog:2,bgr` to settings; a condition alone stands for all its severities. Raises CannotMeasureError."""
    settings = [setting for part in text.split(",") if part.strip() for setting in _read_setting(part.strip())]
    if not settings:
        raise CannotMeasureError("--conditions: names none; expected such as clean,fog:2,bgr")
    return list(dict.fromkeys(settings))


def _read_setting(part: str) -> list[Setting]:
    name, _, severity = part.partition(":")
    there = [setting for setting in SETTINGS if setting.condition == name]
    if not there:
        listed = ", ".join(dict.fromkeys(setting.condition for setting in SETTINGS))
        raise CannotMeasureError(f"--conditions {part}: there is no condition '{name}'; there are: {listed}")
    chosen = [setting for setting in there if not severity or str(setting.severity) == severity]
    if not chosen:
        listed = ", ".join(str(setting) for setting in there)
        raise CannotMeasureError(f"--conditions {part}: there is no severity '{severity}'; there are: {listed}")
    return chosen
