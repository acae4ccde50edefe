"""Measuring scenes as the images that they are made of were measured, and under two conditions of the world besides."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from campaigns.detections.conditions import OCCLUSION, STALE, STALES, WORLD, strength_of
from campaigns.detections.evaluate import Job
from campaigns.detections.features import settings_of
from campaigns.detections.networks import OLDEST
from campaigns.detections.occlusion import Occluder
from campaigns.detections.precisions import FP32
from campaigns.detections.scenes import SceneDataset, all_scenes, dataset_of
from simulator.arrays import Pixels
from simulator.evidence.detection_tables import DetectionTables
from simulator.evidence.scene_tables import CROP, IMAGE, MIXTURE
from simulator.measure.detector_conditions import BUGS, WHOLE, Setting
from simulator.measure.guarded import CannotMeasureError

#: The scenes that the detection tables do not tell of.
MADE = (CROP, MIXTURE)
#: The images themselves, as scenes.
ITSELF = (IMAGE,)
#: What is measured at 8 bits: without the oldest detector, which is needed only where it answers for a stale model.
PRECISIONS = (FP32, "int8_all", "int8_depthwise_float")
#: Raised when scenes are made differently, so that parts made before are not taken for these.
_RECIPE = 2
WORLDS = [Setting(name, severity) for name, condition in WORLD.items() for severity in range(1, len(condition.strengths) + 1)]


@dataclass(frozen=True)
class SceneJob(Job):
    """A measurement on scenes of some kinds; the images are those of a job of the detection tables."""

    kinds: tuple[str, ...] = MADE

    @cached_property
    def source(self) -> Job:
        """The job of the images that the scenes are made of."""
        return Job(self.data, self.trained, self.cache, self.seed)

    @cached_property
    def dataset(self) -> SceneDataset:
        """The labelled scenes."""
        every = all_scenes(self.source.dataset, self.source.halves, self.seed)
        return dataset_of(self.source.dataset, [scene for scene in every if scene.kind in self.kinds])

    @cached_property
    def halves(self) -> NDArray[np.int64]:
        """The half that each scene is in, that of its parents."""
        return self.source.halves[[scene.parents[0] for scene in self.dataset.scenes]]

    @cached_property
    def folder(self) -> Path:
        """Return the folder of this job's parts."""
        return self.source.folder / f"scenes-{_RECIPE}-{'-'.join(self.kinds)}"

    @cached_property
    def _occluder(self) -> Occluder:
        return Occluder(self.source.dataset, self.source.halves, self.seed)

    def networks_of(self, setting: Setting) -> list[tuple[str, str]]:
        """Return the networks that see a setting: detector and precision."""
        spared = setting.severity > 0 and setting.condition != STALE
        every = [network for network in super().networks_of(setting) if network[1] in PRECISIONS]
        return [(name, precision) for name, precision in every if precision == FP32 or not (spared and name == OLDEST)]

    def network(self, detector: str, precision: str, half: int) -> Path:
        """Return the ONNX file that measures the scenes of a half, which was calibrated on images of the other."""
        return self.source.network(detector, precision, half)

    def view(self, setting: Setting, image: int) -> Pixels:
        """Return a scene (h, w, 3) as the camera gives it under a setting."""
        if setting.condition != OCCLUSION:
            return super().view(setting, image)
        data, scene = self.dataset, self.dataset.scenes[image]
        boxes = data.labels.box[data.labels.image == image]
        pixels, half = data.pixels(image), int(self.halves[image])
        return self._occluder.occlude(pixels, scene.name, boxes, strength_of(setting), scene.parents, half)


def scene_settings(tables: DetectionTables, conditions: Iterable[str] = ()) -> list[Setting]:
    """Return the settings of crops and mixtures, clean first: those of the tables, of bugs that strike all, and of the world.

    conditions: only these, and clean scenes; all if none is said. Raises CannotMeasureError that lists what there is.
    """
    clean, *others = settings_of(tables)
    there = [*(one for one in others if one.condition not in (*BUGS, STALE) or one.severity == WHOLE), *WORLDS]
    wanted = list(dict.fromkeys(conditions))
    for name in wanted:
        if name not in {one.condition for one in there}:
            listed = ", ".join(dict.fromkeys(one.condition for one in there))
            raise CannotMeasureError(f"--conditions {name}: there is no condition '{name}'; there are: {listed}")
    return [clean, *(one for one in there if not wanted or one.condition in wanted)]


def measured(settings: list[Setting]) -> list[Setting]:
    """Those of the settings that are measured; a stale model's answers are put together from clean ones."""
    return [setting for setting in settings if setting not in STALES]


def own_settings(settings: list[Setting]) -> list[Setting]:
    """Those of the settings that images themselves are measured under here: clean, to compare with, and the world."""
    return [setting for setting in settings if setting.severity == 0 or setting in WORLDS]
