"""Showing the same labelled images at several sizes, and under the road's conditions, to the networks that are timed.

A photo that fills the network's square shows few small objects. Shrunk before it is put on the square, with padding around it,
its objects have the heights that distant ones have on the road. What a network answers to one look is a file in the cache, so
that an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from campaigns.detections.conditions import COARSE
from campaigns.detections.networks import start
from campaigns.detections.road import road_labels
from campaigns.detections.timed import Timed, TimedFiles, all_timed, sha256_of
from simulator.arrays import Pixels
from simulator.evidence.detection_tables import CLEAN
from simulator.evidence.evidence_files import in_one_step
from simulator.measure.detector_conditions import CORRUPTIONS, Setting
from simulator.measure.detector_io import LEAST, Takes, boxes_of, outputs_of, place, prepare
from simulator.measure.labelled_images import Dataset, read_dataset
from simulator.metrics.detection_quality import ScoredBoxes

#: Parts of the size at which the network is otherwise shown an image.
PARTS = (1.0, 0.84, 0.71, 0.5, 0.35, 0.25, 0.18, 0.125)
#: Conditions of the road that are measured, and the precisions at which they are: another adds a quarter of an hour.
CONDITIONS = ("night", "rain", "rain_at_night", "fog", "defocus", "dirty_lens")
SPOILT_PRECISIONS = ("fp32",)
#: Raised when the same look is measured differently, so that answers kept before are not taken for it.
_RECIPE = 1


@dataclass(frozen=True)
class Look:
    """A way to show the images: at a part of their usual size, under a condition."""

    part: float
    setting: Setting

    @property
    def shrunk(self) -> bool:
        """Return whether it is one of the clean looks at several sizes."""
        return self.setting.condition == CLEAN

    def takes(self, takes: Takes) -> Takes:
        """Return a network's input for images of this size."""
        return replace(takes, part=self.part)

    def __str__(self) -> str:
        return f"{self.setting.condition}.{self.setting.severity}.{self.part:g}"


LOOKS = [
    *(Look(part, Setting(CLEAN, 0)) for part in PARTS),
    *(Look(1.0, Setting(name, severity)) for name in CONDITIONS for severity in COARSE),
]
FULL = LOOKS[0]


@dataclass(frozen=True)
class ScaleJob:
    """A measurement at several sizes: labelled images, the networks' files, and the seed of the conditions.

    precisions: those of the networks that look; None: all
    """

    data: Path
    files: TimedFiles
    seed: int
    precisions: tuple[str, ...] | None = None

    @cached_property
    def dataset(self) -> Dataset:
        """The labelled images."""
        return read_dataset(self.data)

    @cached_property
    def networks(self) -> dict[Timed, Path]:
        """Each timed network and its file, made where it is not there yet."""
        wanted = [timed for timed in all_timed() if self.precisions is None or timed.precision in self.precisions]
        return {timed: self.files.file(timed) for timed in wanted}

    @cached_property
    def hashes(self) -> dict[Timed, str]:
        """The checksum of each file."""
        return {timed: sha256_of(file) for timed, file in self.networks.items()}

    def shown(self, look: Look) -> list[Timed]:
        """Return the networks that get to see a look: all of them on clean images, some under a condition."""
        return [timed for timed in self.networks if look.shrunk or timed.precision in SPOILT_PRECISIONS]

    def part(self, look: Look, timed: Timed) -> Path:
        """Return the file of what one network answers to one look."""
        sizes = [(file.name, file.stat().st_size) for file in self.dataset.files]
        strengths = CORRUPTIONS[look.setting.condition].strengths if not look.shrunk else None
        key = repr((_RECIPE, self.seed, sizes, strengths, self.hashes[timed], ort.__version__))
        name = f"{timed.seen_by}.{look}.{hashlib.sha256(key.encode()).hexdigest()[:12]}.npy"
        return self.files.cache / "detections" / "scales" / name

    def found(self, look: Look) -> dict[Timed, ScoredBoxes]:
        """Return each network's answers to a measured look, boxes in pixels of the image."""
        return {timed: _scored(np.load(self.part(look, timed)).astype(np.float64)) for timed in self.shown(look)}


def _scored(rows: NDArray[np.float64]) -> ScoredBoxes:
    return ScoredBoxes(rows[:, 0].astype(np.int64), rows[:, 6].astype(np.int64), rows[:, 1:5], rows[:, 5])


def heights_px(data: Dataset, takes: Takes) -> NDArray[np.float64]:
    """Return the height of each labelled box in pixels of the network's input, (boxes,)."""
    scales = np.array([place(width, height, takes).scale[1] for width, height in data.sizes])
    box = data.labels.box
    return np.asarray((box[:, 3] - box[:, 1]) * scales[data.labels.image])


def make_networks(job: ScaleJob, tick: Callable[[], None] = lambda: None) -> None:
    """Make whatever file is not there yet, with one tick per network.

    Raises CannotMeasureError where the labels have nothing to look for, and what `TimedFiles.file` raises.
    """
    road_labels(job.dataset.labels, job.dataset.names)
    for timed in all_timed():
        job.files.file(timed)
        tick()


def measure_looks(job: ScaleJob, looks: list[Look], tick: Callable[[float], None]) -> None:
    """Measure the looks whose answers are not there yet; `tick` is told by how many looks the work went on."""
    sessions = cache(lambda timed: start(job.networks[timed]))
    for look in looks:
        waiting = [timed for timed in job.shown(look) if not job.part(look, timed).is_file()]
        if waiting:
            _measure(job, look, {timed: sessions(timed) for timed in waiting}, lambda: tick(1 / len(job.dataset)))
        else:
            tick(1)


def _measure(job: ScaleJob, look: Look, sessions: dict[Timed, ort.InferenceSession], tick: Callable[[], None]) -> None:
    rows: dict[Timed, list[NDArray[np.float32]]] = {timed: [] for timed in sessions}
    for image, file in enumerate(job.dataset.files):
        pixels = look.setting.image(job.dataset.pixels(image), file.stem, job.seed)
        for timed, session in sessions.items():
            rows[timed].append(_answers(timed, session, look, image, pixels))
        tick()
    for timed, found in rows.items():
        with in_one_step(job.part(look, timed)) as unfinished, unfinished.open("wb") as stream:
            np.save(stream, np.concatenate(found))


def _answers(timed: Timed, session: ort.InferenceSession, look: Look, image: int, pixels: Pixels) -> NDArray[np.float32]:
    """Rows of image, left, top, right, bottom in pixels of the image, score and class; (n, 7)."""
    detector = timed.detector
    tensor, placed = prepare(pixels, look.takes(detector.takes))
    found = boxes_of(detector.layout, outputs_of(session, tensor), detector.takes.side, LEAST)
    found[:, :4] = placed.back(found[:, :4])
    return np.hstack([np.full((len(found), 1), image), found]).astype(np.float32)
