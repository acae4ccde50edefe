"""Outputs of a layer of a trained detector for every image under every condition, reduced to a few numbers.

The layer is the one that YOLOX's neck starts from: what the whole backbone has seen, in 128 channels on 13 by 13 places. An
image is corrupted and prepared as in the detection tables. What it gives under one setting is a file in the cache, so that an
interrupted run goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pandas as pd
from numpy.typing import NDArray
from ruamel.yaml import YAML

from campaigns.detections.condition_effects import effect_rows
from campaigns.detections.conditions import STALE, strength_of
from campaigns.detections.evaluate import Job
from campaigns.detections.networks import DETECTORS, start
from campaigns.detections.origin import measured_here
from simulator.evidence.detection_tables import CLEAN, DetectionTables
from simulator.evidence.evidence_files import in_one_step
from simulator.evidence.scene_tables import NUMBERS, FeaturesAbout, load_features
from simulator.measure.detector_conditions import Setting
from simulator.measure.detector_io import outputs_of, prepare
from simulator.measure.guarded import CannotMeasureError

NETWORK = "yolox_nano"
#: The half of the images, by `precisions.halves`, that is the reference.
REFERENCE = 0
_DIGITS = 3
_CLEAN = Setting(CLEAN, 0)


class FeatureBench:
    """The part of the network below the layer, started; it measures one setting after another."""

    def __init__(self, job: Job) -> None:
        self.job = job

    @cached_property
    def _session(self) -> ort.InferenceSession:
        with tempfile.TemporaryDirectory() as folder:
            return start(cut(DETECTORS[NETWORK].path(self.job.trained), Path(folder) / "cut.onnx"))

    def part(self, setting: Setting) -> Path:
        """Return the file of one setting."""
        name = f"features.{setting}.{strength_of(setting):g}".replace(":", ".")
        return self.job.folder / f"{name}.npy"

    def check_same(self, tables: DetectionTables) -> None:
        """Raise CannotMeasureError where the images are not those of the detection tables."""
        ours = {file.stem for file in self.job.dataset.files}
        theirs = set(tables.images["image"].astype(str))
        if ours != theirs:
            apart = sorted(ours ^ theirs)[0]
            raise CannotMeasureError(
                f"{self.job.data}: holds other images than the detection tables, such as {apart}; --data takes the folder "
                "they were made of"
            )

    def measure(self, setting: Setting, tick: Callable[[], None] = lambda: None) -> None:
        """Write the features of one setting, (images, channels), if they are not there yet; one tick per image."""
        if setting.condition == STALE or self.part(setting).is_file():
            return
        rows = []
        for image, file in enumerate(self.job.dataset.files):
            pixels = self.job.view(setting, image)
            takes = setting.takes(DETECTORS[NETWORK].takes, file.stem, self.job.seed)
            [answer] = outputs_of(self._session, prepare(pixels, takes)[0])
            rows.append(answer.mean(axis=(1, 2)))
            tick()
        with in_one_step(self.part(setting)) as unfinished, unfinished.open("wb") as stream:
            np.save(stream, np.stack(rows))

    def features(self, setting: Setting) -> NDArray[np.float64]:
        """Return the features that `measure` wrote, (images, channels); a stale model gets the clean images too."""
        of = _CLEAN if setting.condition == STALE else setting
        return np.asarray(np.load(self.part(of)), np.float64)


def cut(source: Path, target: Path) -> Path:
    """Write the part of the network below its neck; raises CannotMeasureError where it has none."""
    graph = onnx.load(source).graph
    layers = [node.input[0] for node in graph.node if node.op_type in ("Resize", "Upsample")]
    if not layers:
        raise CannotMeasureError(f"{source}: has no layer that is enlarged, which is where the neck of YOLOX starts")
    onnx.utils.extract_model(str(source), str(target), [graph.input[0].name], [layers[0]])
    return target


def settings_of(tables: DetectionTables) -> list[Setting]:
    """Every setting of the detection tables, clean images first."""
    pairs = tables.images[["condition", "severity"]].drop_duplicates()
    found = [Setting(str(condition), int(severity)) for condition, severity in pairs.itertuples(index=False)]
    return [_CLEAN, *sorted((one for one in found if one != _CLEAN), key=str)]


def reduced(
    clean: NDArray[np.float64], others: list[NDArray[np.float64]], numbers: int
) -> tuple[list[NDArray[np.float64]], float]:
    """Each of the others (n, channels) as (n, numbers), by the principal components of `clean`, and the variance these keep.

    Each component has mean 0 and standard deviation 1 on `clean`. Its sign is such that its largest weight is positive.
    """
    middle = clean.mean(axis=0)
    _, spread, axes = np.linalg.svd(clean - middle, full_matrices=False)
    kept = axes[:numbers]
    kept = kept * np.sign(kept[np.arange(numbers), np.abs(kept).argmax(axis=1)])[:, None]
    scale = spread[:numbers] / np.sqrt(len(clean) - 1)
    explained = float((spread[:numbers] ** 2).sum() / (spread**2).sum())
    return [(one - middle) @ kept.T / scale for one in others], explained


def make_features(bench: FeatureBench, tables: DetectionTables, boxes: Path, out: Path) -> None:
    """Reduce what was measured of the tables' settings and write it to the folder `out`.

    boxes: the file of the labelled boxes, whose hash ties the features to the images
    """
    job, settings = bench.job, settings_of(tables)
    reference = job.halves == REFERENCE
    found, explained = reduced(bench.features(_CLEAN)[reference], [bench.features(one) for one in settings], len(NUMBERS))
    write_features([feature_rows(job, *one) for one in zip(settings, found, strict=True)], out)
    about = _about(bench, explained, bench.features(_CLEAN).shape[1], boxes)
    yaml = YAML()
    yaml.width, yaml.default_flow_style = 120, False
    with in_one_step(out / "about.yaml") as part:
        yaml.dump(about.model_dump(), part)


def feature_rows(job: Job, setting: Setting, numbers: NDArray[np.float64]) -> pd.DataFrame:
    """Return the rows of a setting from what `reduced` makes of its images, (images, numbers)."""
    return pd.DataFrame(np.round(numbers, _DIGITS).astype(np.float32), columns=NUMBERS).assign(
        condition=setting.condition,
        severity=np.uint8(setting.severity),
        image=[file.stem for file in job.dataset.files],
        reference=job.halves == REFERENCE,
    )


def write_features(frames: list[pd.DataFrame], out: Path) -> None:
    """Write rows of all settings to `features.parquet` in the folder `out`."""
    rows = pd.concat(frames, ignore_index=True).astype({"condition": "category", "image": "category"})
    with in_one_step(out / "features.parquet") as part:
        leading = ["condition", "severity", "image", "reference"]
        rows = rows[[*leading, *NUMBERS]]
        # The numbers hardly repeat, so that a dictionary of them would only take room.
        rows.to_parquet(part, index=False, compression="zstd", compression_level=19, use_dictionary=leading)


def write_effects(tables: DetectionTables, features: Path, out: Path) -> None:
    """Write `effects.csv` beside the detection tables, from them and the features in a folder."""
    rows = effect_rows(tables, load_features(features))
    with in_one_step(out / "effects.csv") as part:
        rows.to_csv(part, index=False, float_format="%.4g", lineterminator="\n")


def _about(bench: FeatureBench, explained: float, channels: int, boxes: Path) -> FeaturesAbout:
    job, detector = bench.job, DETECTORS[NETWORK]
    return FeaturesAbout(
        **measured_here(["onnxruntime", "onnx", "numpy", "pillow"]),
        dataset=f"{job.dataset.folder.name}: {len(job.dataset)} images",
        network=f"{detector.label}, {detector.file}",
        sha256=hashlib.sha256(detector.path(job.trained).read_bytes()).hexdigest(),
        licence=detector.licence,
        layer="where the neck starts from the backbone, mean over all places",
        channels=channels,
        reduction=f"{len(NUMBERS)} principal components of the clean reference images, each divided by its deviation there",
        explained=round(explained, 4),
        images=len(job.dataset),
        reference_images=int((job.halves == REFERENCE).sum()),
        seed=job.seed,
        detections_sha256=hashlib.sha256(boxes.read_bytes()).hexdigest(),
        notes=[
            "a stale model is given the same images as any other, so that its rows are those of clean images",
            "reference images are nearer to the middle than production's, since the components were fitted to them",
            "padding beside an image counts as part of it",
        ],
    )
