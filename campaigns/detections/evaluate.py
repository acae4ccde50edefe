"""Letting every detector at every precision see every image under every condition.

An image is corrupted once, and all networks see it. What they answer under one setting is a file of its own in the cache, so
that an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import as_completed
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pandas as pd
from numpy.typing import NDArray

from campaigns.detections import signals
from campaigns.detections.conditions import STALE, is_coarse, strength_of, unknown_classes, without
from campaigns.detections.networks import DETECTORS, OLDEST, start
from campaigns.detections.precisions import FP32, HALVES, PRECISIONS, halves, network_file
from simulator.arrays import Pixels
from simulator.evidence.detection_tables import CLEAN
from simulator.evidence.evidence_files import in_one_step
from simulator.measure.detector_conditions import Setting
from simulator.measure.detector_io import LEAST, boxes_of, outputs_of, prepare
from simulator.measure.labelled_images import Dataset, read_dataset
from simulator.metrics.detection_quality import ScoredBoxes
from simulator.processes import ProcessPool

#: Raised when the same setting is measured differently, so that parts made before are not taken for it.
_RECIPE = 2

#: Every network: detector and precision.
NETWORKS = [(detector, precision) for detector in DETECTORS for precision in PRECISIONS]


@dataclass(frozen=True)
class Job:
    """A measurement: folders of labelled images and of trained networks, the seed, and the folder of its parts.

    fp32_only: leave the 8 bits out, which cost three quarters of the time
    """

    data: Path
    trained: Path
    cache: Path
    seed: int
    fp32_only: bool = False

    @cached_property
    def dataset(self) -> Dataset:
        """The labelled images."""
        return read_dataset(self.data)

    @cached_property
    def halves(self) -> NDArray[np.int64]:
        """The half that each image is in."""
        return halves([file.name for file in self.dataset.files], self.seed)

    @cached_property
    def folder(self) -> Path:
        """Return the folder of this job's parts."""
        sizes = [(file.name, file.stat().st_size) for file in self.dataset.files]
        weights = [hashlib.sha256(detector.path(self.trained).read_bytes()).hexdigest() for detector in DETECTORS.values()]
        key = repr((_RECIPE, self.seed, sizes, weights, ort.__version__))
        return self.cache / "detections" / hashlib.sha256(key.encode()).hexdigest()[:12]

    def part(self, setting: Setting) -> Path:
        """Return the file of one setting."""
        name = f"{setting}.{strength_of(setting):g}".replace(":", ".")
        return self.folder / f"{name}.{len(self.networks_of(setting))}.npz"

    def networks_of(self, setting: Setting) -> list[tuple[str, str]]:
        """Return the networks that see a setting: detector and precision."""
        every = is_coarse(setting) and not self.fp32_only
        seen = [(detector, precision) for detector, precision in NETWORKS if every or precision == FP32]
        return [network for network in seen if setting.condition != STALE or network[0] != OLDEST]

    def view(self, setting: Setting, image: int) -> Pixels:
        """Return an image (h, w, 3) as the camera gives it under a setting."""
        return setting.image(self.dataset.pixels(image), self.dataset.files[image].stem, self.seed)

    def network(self, detector: str, precision: str, half: int) -> Path:
        """Return the ONNX file that measures the images of a half."""
        networks = self.cache / "detections" / "networks"
        return network_file(DETECTORS[detector], precision, half, self.trained, networks, self.dataset, self.seed)


@dataclass(frozen=True)
class Part:
    """Images and answers under one setting.

    images: one row per image, by `signals.of_image`; inputs: one row per detector and image, by `signals.of_input`
    answers: network (place in `NETWORKS`), image, left, top, right, bottom, score, category; (n, 8)
    """

    images: pd.DataFrame
    inputs: pd.DataFrame
    answers: NDArray[np.float32]

    def found(self, detector: str, precision: str) -> ScoredBoxes:
        """Return the answers of one network."""
        rows = self.answers[self.answers[:, 0] == NETWORKS.index((detector, precision))].astype(np.float64)
        return ScoredBoxes(rows[:, 1].astype(np.int64), rows[:, 7].astype(np.int64), rows[:, 2:6], rows[:, 6])

    def inputs_of(self, detector: str) -> pd.DataFrame:
        """Return the inputs of one detector, one row per image."""
        mine = self.inputs["detector"] == list(DETECTORS).index(detector)
        return self.inputs[mine].drop(columns="detector").astype({"image": int})


def read_part(path: Path) -> Part:
    """Return the part that `write_part` wrote."""
    with np.load(path, allow_pickle=False) as held:
        images, inputs = (
            pd.DataFrame({name.removeprefix(prefix): held[name] for name in held.files if name.startswith(prefix)})
            for prefix in ("image.", "input.")
        )
        return Part(images, inputs, held["answers"])


def seen(job: Job, setting: Setting) -> Part:
    """Return images and answers under a measured setting; a stale model needs clean images alone."""
    if setting.condition != STALE:
        return read_part(job.part(setting))
    part = read_part(job.part(Setting(CLEAN, 0)))
    struck = np.array([setting.strikes(file.stem, job.seed) for file in job.dataset.files])
    oldest = part.inputs_of(OLDEST)
    inputs = []
    for detector in dict.fromkeys(detector for detector, _ in job.networks_of(setting)):
        rows = pd.concat([part.inputs_of(detector)[~struck], oldest[struck]]).sort_values("image", ignore_index=True)
        inputs.append(rows.assign(detector=list(DETECTORS).index(detector)))
    return Part(part.images, pd.concat(inputs, ignore_index=True), _stale(job.networks_of(setting), part.answers, struck))


def _stale(networks: list[tuple[str, str]], answers: NDArray[np.float32], struck: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Answers (n, 8) of the networks, those of the oldest detector in their place on the images that are struck."""
    hit, parts = struck[answers[:, 1].astype(int)], []
    for detector, precision in networks:
        mine, old = (answers[:, 0] == NETWORKS.index((name, precision)) for name in (detector, OLDEST))
        replaced = answers[old & hit].copy()
        replaced[:, 0] = NETWORKS.index((detector, precision))
        parts += [answers[mine & ~hit], replaced]
    return np.concatenate(parts)


def write_part(part: Part, path: Path) -> None:
    """Write it in one step."""
    columns: dict[str, Any] = {f"image.{name}": part.images[name].to_numpy() for name in part.images}
    columns |= {f"input.{name}": part.inputs[name].to_numpy() for name in part.inputs}
    with in_one_step(path) as unfinished, unfinished.open("wb") as stream:
        np.savez_compressed(stream, answers=part.answers, **columns)


class Bench:
    """All networks, started; it measures one setting after another."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self._session = cache(lambda *of: start(job.network(*of)))

    def measure(self, setting: Setting, tick: Callable[[], None] = lambda: None) -> None:
        """Write the part of one setting, with one tick per image."""
        seen, inputs, answers = [], [], []
        for image in range(len(self.job.dataset)):
            pixels = self.job.view(setting, image)
            seen.append({"image": image} | signals.of_image(pixels))
            for given, rows in self._look(setting, image, pixels):
                inputs.append(given)
                answers += rows
            tick()
        write_part(Part(pd.DataFrame(seen), pd.DataFrame(inputs), np.concatenate(answers)), self.job.part(setting))

    def _look(
        self, setting: Setting, image: int, pixels: Pixels
    ) -> Iterator[tuple[dict[str, float], list[NDArray[np.float32]]]]:
        """Yield what each detector gets, and what its precisions answer."""
        unknown = unknown_classes(setting, self.job.dataset.names)
        for index, detector in enumerate(DETECTORS.values()):
            takes = setting.takes(detector.takes, self.job.dataset.files[image].stem, self.job.seed)
            tensor, placed = prepare(pixels, takes)
            rows = []
            for precision in (one for name, one in self.job.networks_of(setting) if name == detector.name):
                half = int(self.job.halves[image])
                session = self._session(detector.name, precision, half)
                outputs = without(detector.layout, outputs_of(session, tensor), unknown)
                found = boxes_of(detector.layout, outputs, takes.side, LEAST)
                found[:, :4] = placed.back(found[:, :4])
                which = np.full((len(found), 2), [NETWORKS.index((detector.name, precision)), image])
                rows.append(np.hstack([which, found]).astype(np.float32))
            yield {"detector": index, "image": image} | signals.of_input(tensor), rows


def make_networks(job: Job, tick: Callable[[], None] = lambda: None) -> None:
    """Quantize whatever is not quantized yet."""
    for detector, precision in NETWORKS:
        for half in HALVES if precision == FP32 or not job.fp32_only else ():
            job.network(detector, precision, half)
        tick()


def measure_all(job: Job, settings: list[Setting], processes: int, tick: Callable[[float], None]) -> None:
    """Measure the settings whose part is not there yet; `tick` is told by how many settings the work went on."""
    waiting = _waiting(job, settings)
    tick(len(settings) - len(waiting))
    if processes == 1 or len(waiting) < 2:
        bench, share = Bench(job), 1 / len(job.dataset)
        for setting in waiting:
            bench.measure(setting, lambda: tick(share))
        return
    with ProcessPool(processes, _prepare_worker, job) as pool:
        for done in as_completed([pool.submit(_measure_in_worker, setting) for setting in waiting]):
            done.result()
            tick(1)


def _waiting(job: Job, settings: list[Setting]) -> list[Setting]:
    return [setting for setting in settings if not job.part(setting).is_file()]


_bench: Bench


def _prepare_worker(job: Job) -> None:
    global _bench
    _bench = Bench(job)


def _measure_in_worker(setting: Setting) -> None:
    _bench.measure(setting)
