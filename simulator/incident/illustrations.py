"""Illustrations: small pictures of drawn scenes under each condition. None is a photo.

    about.yaml                                   contents, making and licence
    <kind>.<condition>.<severity>.<scene>.webp   a picture, of a kind in `KINDS`

`camera` is the camera's image, `network` the input of the network NanoDet-m, drawn as a picture. Nothing was measured on them.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import TypeAdapter

from simulator.errors import InputError
from simulator.evidence.evidence_files import EvidenceRecord, read_evidence, read_yaml
from simulator.paths import ILLUSTRATIONS

CAMERA, NETWORK = "camera", "network"
KINDS = (CAMERA, NETWORK)
ENDING = ".webp"
#: A condition and its severity, 0 for clean images.
Shown = tuple[str, int]
#: How many bins a histogram has over the values 0 to 255.
BINS = 32


class IllustrationError(InputError):
    """An illustration is not there or cannot be read; the message names it, and those that exist."""


class ConditionShown(EvidenceRecord):
    """Label of a condition, the meaning of its strength, and the strengths by severity.

    struck: the strength is the share of the images that it strikes; one picture, of a struck image, stands for all severities
    """

    label: str
    means: str
    strengths: dict[int, float] = {}
    struck: bool = False


class IllustrationsAbout(EvidenceRecord):
    """Contents and making of the illustrations.

    sizes: width and height in pixels, by kind; severities: by kind and condition
    """

    date: str
    libraries: dict[str, str]
    what: str
    licence: str
    made_by: str
    seed: int
    file: str
    quality: str
    scenes: dict[str, str]
    kinds: dict[str, str]
    sizes: dict[str, list[int]]
    conditions: dict[str, ConditionShown]
    severities: dict[str, dict[str, list[int]]]
    notes: list[str] = []


def file_name(kind: str, condition: str, severity: int, scene: str) -> str:
    return f"{kind}.{condition}.{severity}.{scene}{ENDING}"


@dataclass(frozen=True)
class Illustrations:
    """The pictures in a folder; see the module. Each method raises IllustrationError for a picture that is not there."""

    about: IllustrationsAbout
    folder: Path

    def picture(self, kind: str, condition: str, severity: int, scene: str) -> bytes:
        return read_evidence(self._path(kind, condition, severity, scene), IllustrationError)

    def pixels(self, kind: str, condition: str, severity: int, scene: str) -> NDArray[np.uint8]:
        """Return a picture's red, green and blue, (height, width, 3)."""
        content = self.picture(kind, condition, severity, scene)
        try:
            return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
        except (OSError, Image.DecompressionBombError) as error:
            path = self._path(kind, condition, severity, scene)
            raise IllustrationError(f"{path}: is not a picture; install CaseSim again") from error

    def difference(self, kind: str, one: Shown, other: Shown, scene: str) -> bytes:
        """Return the difference of two pictures in each pixel and channel, 0 (black) to 255, as PNG."""
        first, second = (self.pixels(kind, *shown, scene).astype(np.int16) for shown in (one, other))
        buffer = io.BytesIO()
        Image.fromarray(np.abs(first - second).astype(np.uint8)).save(buffer, "PNG")
        return buffer.getvalue()

    def histogram(self, kind: str, shown: Shown, scene: str) -> NDArray[np.float64]:
        """Return the share of a picture's pixels in each bin of 8 values, (3, 32): red, green and blue, each adding up to 1."""
        values = self.pixels(kind, *shown, scene).reshape(-1, 3)
        counts = [np.bincount(channel // (256 // BINS), minlength=BINS) for channel in values.T]
        return np.array(counts) / len(values)

    def _path(self, kind: str, condition: str, severity: int, scene: str) -> Path:
        about = self.about
        _check("kind", kind, about.severities)
        _check(f"condition of the kind {kind}", condition, there := about.severities[kind])
        _check(f"severity of {condition}", severity, there[condition])
        _check("scene", scene, about.scenes)
        drawn = max(there[condition]) if about.conditions[condition].struck else severity
        return self.folder / file_name(kind, condition, drawn, scene)


def load_illustrations(folder: Path = ILLUSTRATIONS) -> Illustrations:
    """Read the illustrations in a folder; raises IllustrationError with the file, the field and the fault."""
    path = folder / "about.yaml"
    about = read_yaml(path, TypeAdapter(IllustrationsAbout), IllustrationError)
    for kind, conditions in about.severities.items():
        undescribed = [name for name in conditions if name not in about.conditions]
        if undescribed:
            raise IllustrationError(f"{path}: severities.{kind}: {undescribed[0]} is not listed under conditions")
    return Illustrations(about, folder)


def _check(what: str, name: object, there: Iterable[object]) -> None:
    if name not in (known := list(there)):
        raise IllustrationError(f"there is no illustration of the {what} '{name}'; there are: {', '.join(map(str, known))}")
