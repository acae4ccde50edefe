"""Conditions that the campaign alone tries, beside corruptions and bugs, and what it does with each setting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.evidence.detection_tables import DetectionTables
from simulator.measure.detector_conditions import CORRUPTIONS, SETTINGS, SHARES, WHOLE, Setting
from simulator.measure.detector_io import BINS, LAYOUTS, Layout, Outputs
from simulator.measure.guarded import CannotMeasureError

#: Luma of red, green and blue (Rec. 601).
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
#: Severities that are measured at every precision; those in between are measured at fp32 alone.
COARSE = (1, 3, 5)
#: The roll-out never reached the server: the oldest detector answers in place of those that should have replaced it.
STALE = "stale_model"
#: A stale model, put together from what the detectors answered to clean images.
STALES = [Setting(STALE, severity) for severity in range(1, WHOLE + 1)]


@dataclass(frozen=True)
class World:
    """A condition of the world that the detector was not made for. strengths: by severity"""

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


def strength_of(setting: Setting) -> float:
    return _strengths(setting)[setting.severity - 1] if setting.severity else 0.0


def _strengths(setting: Setting) -> tuple[float, ...]:
    changed = CORRUPTIONS.get(setting.condition) or WORLD.get(setting.condition)
    return changed.strengths if changed else SHARES


def is_coarse(setting: Setting) -> bool:
    """Return whether a setting is measured at every precision."""
    return setting.severity in ((0, WHOLE) if _strengths(setting) == SHARES else COARSE)


def unknown_classes(setting: Setting, names: Sequence[str]) -> list[int]:
    return [place for place, name in enumerate(names) if name in ANIMALS] if setting.condition == UNKNOWN else []


def lacking(held: DetectionTables) -> list[Setting]:
    there = set(zip(held.summary["condition"].astype(str), held.summary["severity"].astype(int), strict=True))
    expected = [setting for setting in SETTINGS if setting.condition in held.about.conditions]
    return [SETTINGS[0], *(setting for setting in expected if (setting.condition, setting.severity) not in there)]


#: The chances of the classes (candidates, classes), views into the outputs of a layout.
_CHANCES: dict[Layout, Callable[[Outputs], list[NDArray[np.floating]]]] = {
    LAYOUTS["yolox"]: lambda outputs: [outputs[0][:, 5:]],
    LAYOUTS["fastestdet"]: lambda outputs: [outputs[0][5:].T],
    LAYOUTS["nanodet"]: lambda outputs: [output for output in outputs if output.shape[1] != 4 * BINS],
}


def without(layout: Layout, outputs: Outputs, classes: Sequence[int]) -> Outputs:
    """Give these classes, by their places, no chance, so that the best of the others is chosen.

    Raises CannotMeasureError where the network has chosen already.
    """
    if not classes:
        return outputs
    if layout not in _CHANCES:
        raise CannotMeasureError(f"{layout.words}: cannot be read without some classes, since the network chooses the class")
    changed = [output.copy() for output in outputs]
    for chances in _CHANCES[layout](changed):
        chances[..., classes] = 0
    return changed
