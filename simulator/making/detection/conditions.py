"""Under what a detector is judged: clean images, corrupted ones, and bugs of the code between camera and network."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from simulator.evidence.detection_tables import CLEAN, DetectionTables
from simulator.making.detection.corruptions import COARSE, CORRUPTIONS, SEVERITIES, corrupt
from simulator.making.detection.images import Takes
from simulator.making.zoo.refusals import CannotMeasureError
from simulator.making.zoo.steps import Pixels

#: The roll-out never reached the server: the oldest detector answers in place of those that should have replaced it.
STALE = "stale_model"
#: The share of the images that a bug strikes at its severities 1 and 2.
SHARES = (0.33, 1.0)
WHOLE = len(SHARES)


@dataclass(frozen=True)
class Bug:
    """A mistake in preparing the image: what it makes of what a network takes."""

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
class World:
    """What the detector was not made for, in the world and not in the camera or the code; strengths: at its severities."""

    label: str
    means: str
    strengths: tuple[float, ...]


OCCLUSION, UNKNOWN = "occlusion", "unknown"
#: The classes that a detector does not know under the condition `UNKNOWN`.
ANIMALS = ("bird", "cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe")
WORLD: dict[str, World] = {
    OCCLUSION: World(
        "Occlusion",
        "share of each labelled box that a real labelled box of another image is pasted over; all boxes keep their label",
        (0.15, 0.3, 0.45, 0.6, 0.75),
    ),
    UNKNOWN: World(
        "Unknown animals",
        f"share of the animals ({', '.join(ANIMALS)}) that is taken out of the detector's answers, before the best class of a "
        "candidate is chosen and before suppression; their boxes can only be missed, and what it says of them instead is false",
        (1.0,),
    ),
}


@dataclass(frozen=True)
class Setting:
    """A condition at a severity: 0 for clean images, 1 to 5 for a corruption or an occlusion, 1 or 2 for a bug."""

    condition: str
    severity: int

    def __str__(self) -> str:
        return f"{self.condition}:{self.severity}"

    def image(self, pixels: Pixels, name: str, seed: int) -> Pixels:
        """The image (h, w, 3) as the camera gives it under this condition."""
        if self.condition not in CORRUPTIONS:
            return pixels
        return corrupt(pixels, self.condition, self.severity, name, seed)

    @property
    def strength(self) -> float:
        """The strength of a corruption, the share of the images that a bug strikes, 0 for clean images."""
        return self._strengths[self.severity - 1] if self.severity else 0.0

    @property
    def _strengths(self) -> tuple[float, ...]:
        told = CORRUPTIONS.get(self.condition) or WORLD.get(self.condition)
        return told.strengths if told else SHARES

    @property
    def coarse(self) -> bool:
        """Whether it is measured at every precision, and not at fp32 alone."""
        return self.severity in ((0, WHOLE) if self._strengths == SHARES else COARSE)

    def unknown(self, names: Sequence[str]) -> list[int]:
        """The places of the classes, among these names, that a detector does not know."""
        return [place for place, name in enumerate(names) if name in ANIMALS] if self.condition == UNKNOWN else []

    def strikes(self, name: str, seed: int) -> bool:
        """Whether a bug strikes the image of this name: a share of all images, drawn by a hash of the name."""
        drawn = zlib.crc32(f"{seed}/{self.condition}/{name}".encode()) / 2**32
        return drawn < self.strength

    def takes(self, takes: Takes, name: str, seed: int) -> Takes:
        """How the code prepares the image of this name for a network that takes this."""
        bug = BUGS.get(self.condition)
        return bug.change(takes) if bug and self.strikes(name, seed) else takes


SETTINGS = [
    Setting(CLEAN, 0),
    *(Setting(name, severity) for name in BUGS for severity in range(1, WHOLE + 1)),
    *(Setting(name, severity) for name in CORRUPTIONS for severity in SEVERITIES),
]

#: A stale model, put together from what the detectors answered to clean images.
STALES = [Setting(STALE, severity) for severity in range(1, WHOLE + 1)]


def lacking(held: DetectionTables) -> list[Setting]:
    """The settings of conditions that the tables tell of and that they hold no row of, and clean images to compare with."""
    there = set(zip(held.summary["condition"].astype(str), held.summary["severity"].astype(int), strict=True))
    mine = [setting for setting in SETTINGS if setting.condition in held.about.conditions]
    return [SETTINGS[0], *(setting for setting in mine if (setting.condition, setting.severity) not in there)]


def read_settings(text: str) -> list[Setting]:
    """`clean,fog:2,bgr` as settings; a condition alone stands for all its severities. Raises CannotMeasureError."""
    found = [setting for part in text.split(",") if part.strip() for setting in _read(part.strip())]
    if not found:
        raise CannotMeasureError("--conditions: names none; expected such as clean,fog:2,bgr")
    return list(dict.fromkeys(found))


def _read(part: str) -> list[Setting]:
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
