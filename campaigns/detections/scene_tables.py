"""From what was seen and answered on scenes to the tables that `simulator.evidence.scene_tables` reads."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from campaigns.detections.condition_effects import effect_rows
from campaigns.detections.evaluate import Bench, seen
from campaigns.detections.features import REFERENCE, FeatureBench, feature_rows, reduced, write_features
from campaigns.detections.networks import DETECTORS
from campaigns.detections.occlusion import LEAST
from campaigns.detections.origin import RESAMPLES, about_job
from campaigns.detections.scene_job import ITSELF, PRECISIONS, WORLDS, SceneJob, measured, own_settings
from campaigns.detections.scenes import INSIDE, KEPT, Scene
from campaigns.detections.tables import Judged, box_rows, setting_rows, summary_rows, together, write_about, write_table
from simulator.evidence.detection_tables import CLEAN, FP32, About, DetectionTables
from simulator.evidence.evidence_files import in_one_step
from simulator.evidence.scene_tables import CROP, IMAGE, MIXTURE, NUMBERS, Features, ScenesAbout, SceneTables
from simulator.measure.detector_conditions import Setting
from simulator.measure.guarded import CannotMeasureError
from simulator.metrics.detection_quality import Boxes, ScoredBoxes, average_precision, resamples

_CLEAN = Setting(CLEAN, 0)
#: How far clean images may be from their tables, since processors differ: in the mean score of a box, and in a feature.
_SAME_SCORE, _SAME_FEATURE = 0.002, 0.05
_MADE = {
    IMAGE: "as the detection tables have it; measured here under the conditions of the world alone",
    CROP: (
        f"a window whose sides are {KEPT[0]:g} to {KEPT[1]:g} of the image's, at a place drawn by its name; a labelled box is "
        f"kept, clipped, where at least {INSIDE:g} of its area is inside"
    ),
    MIXTURE: (
        "two images of the same half beside or above each other, whichever is nearer to a square, the larger one shrunk to the "
        "height or width of the other; each image in one"
    ),
}
_NOTES = [
    "occlusion: real labelled boxes of other images of the same half, cut to the proportions of the box they are pasted over; "
    "they carry no label there, so that finding one is false, and all labelled boxes keep theirs; what a severity covers, the "
    f"next covers too; boxes that overlap are covered more; boxes of less than {LEAST} pixels a side are not pasted",
    "unknown: a network that never learned the animals would have other weights; taking their classes out of its answers is "
    "the nearest that can be measured",
    "a bug is measured where it strikes all; at 8 bits the oldest detector answers to clean scenes alone, for the stale model",
    "effects.csv: scenes that share parents are not independent and count as one: two images, their crops and their mixture; "
    "its column images counts these families, and those of production for the features",
]


@dataclass(frozen=True)
class SceneBench:
    """The images themselves and the scenes made of them, under these settings, beside the tables of the same images."""

    itself: SceneJob
    made: SceneJob
    settings: list[Setting]
    tables: DetectionTables
    features: Features

    @property
    def work(self) -> list[tuple[SceneJob, Setting]]:
        """Return the settings to measure."""
        return [(job, setting) for job, settings in self._jobs for setting in measured(settings)]

    @property
    def _jobs(self) -> list[tuple[SceneJob, list[Setting]]]:
        return [(self.itself, own_settings(self.settings)), (self.made, self.settings)]

    @property
    def scenes(self) -> list[Scene]:
        """All scenes, the images themselves first."""
        return [scene for job, _ in self._jobs for scene in job.dataset.scenes]

    def measure(self, tick: Callable[[], None]) -> None:
        """Measure what is not measured yet, with a tick for each setting."""
        FeatureBench(self.itself).check_same(self.tables)
        benches = {job.kinds: (Bench(job), FeatureBench(job)) for job, _ in self._jobs}
        for job, setting in self.work:
            bench, features = benches[job.kinds]
            if not job.part(setting).is_file():
                bench.measure(setting)
            features.measure(setting)
            tick()

    def write(self, boxes: Path, out: Path) -> None:
        """Write all tables to the folder `out`; boxes: the file of the images' own labelled boxes.

        Raises CannotMeasureError where clean images are not what the tables of the same images say.
        """
        self._check_clean()
        rows = together(
            [self._rows(self.itself, setting) for setting in self._worlds]
            + [self._rows(self.made, setting) for setting in self.settings]
        )
        frames = rows | {"boxes": box_rows(self.made.dataset), "scenes": self._scene_rows()}
        for name in frames:
            table = SceneTables.tables()[name]
            write_table(frames[name][table.names], out / table.file)
        write_features([*self._feature_rows(self.itself, self._worlds), *self._feature_rows(self.made, self.settings)], out)
        write_about(self._about(boxes), out)
        if self._worlds:
            effects = self._effects()
            with in_one_step(out / "effects.csv") as part:
                effects.to_csv(part, index=False, float_format="%.4g", lineterminator="\n")

    @property
    def _worlds(self) -> list[Setting]:
        return [setting for setting in self.settings if setting in WORLDS]

    def _rows(self, job: SceneJob, setting: Setting) -> dict[str, pd.DataFrame]:
        rows, data = setting_rows(job, setting), job.dataset
        names = np.array([scene.name for scene in data.scenes])
        return rows | {"outcomes": rows["outcomes"].assign(image=names[data.labels.image[rows["outcomes"]["box"]]])}

    def _feature_rows(self, job: SceneJob, settings: list[Setting]) -> list[pd.DataFrame]:
        bench = FeatureBench(job)
        found, _ = reduced(self._reference, [bench.features(setting) for setting in settings], len(NUMBERS))
        return [feature_rows(job, *one) for one in zip(settings, found, strict=True)]

    @cached_property
    def _reference(self) -> NDArray[np.float64]:
        """Features of the clean reference images, (images, channels), to which the components are fitted."""
        return np.asarray(FeatureBench(self.itself).features(_CLEAN)[self.itself.halves == REFERENCE])

    def _scene_rows(self) -> pd.DataFrame:
        halves = np.concatenate([job.halves for job, _ in self._jobs])
        stems = [file.stem for file in self.itself.source.dataset.files]
        columns = {
            "scene": [scene.name for scene in self.scenes],
            "kind": [scene.kind for scene in self.scenes],
            "parents": ["+".join(stems[parent] for parent in scene.parents) for scene in self.scenes],
            "reference": halves == REFERENCE,
            "width_px": [scene.size[0] for scene in self.scenes],
            "height_px": [scene.size[1] for scene in self.scenes],
        }
        return pd.DataFrame(columns)

    def _about(self, boxes: Path) -> ScenesAbout:
        origin = about_job(self.itself, self.settings)
        kinds = pd.Series([scene.kind for scene in self.scenes]).value_counts()
        changed = {
            "dataset": f"{origin.dataset}; {kinds[CROP]} crops and {kinds[MIXTURE]} mixtures of them",
            "images": len(self.scenes),
            "boxes": len(self.made.dataset.labels),
            "intervals": "95%; those of AP are percentiles of a bootstrap by family about the figure, paired by resample",
            "calibration": f"{origin.calibration}, scenes by the half of their parents",
            "precisions": {name: words for name, words in origin.precisions.items() if name in PRECISIONS},
            "notes": [*origin.notes[:2], *_NOTES],
        }
        return ScenesAbout(
            **(origin.model_dump() | changed),
            made=_MADE,
            image_boxes=len(self.itself.dataset.labels),
            detections_sha256=hashlib.sha256(boxes.read_bytes()).hexdigest(),
        )

    def _check_clean(self) -> None:
        outcomes = setting_rows(self.itself, _CLEAN)["outcomes"]
        for detector in DETECTORS:
            mine = outcomes[(outcomes["detector"] == detector) & (outcomes["precision"] == FP32)]["score"].to_numpy()
            apart = float(np.abs(mine - self.tables.scores(detector, FP32, CLEAN, 0)).mean())
            if apart > _SAME_SCORE:
                raise CannotMeasureError(
                    f"{detector}: a box's score on clean images is {apart:.4f} from the detection tables in the mean; measure "
                    "these anew"
                )
        [clean] = self._feature_rows(self.itself, [_CLEAN])
        theirs = self.features.of(CLEAN, 0).loc[clean["image"]].to_numpy(float)
        far = float(np.abs(clean[NUMBERS].to_numpy(float) - theirs).max())
        if far > _SAME_FEATURE:
            raise CannotMeasureError(f"a feature of clean images is {far:.3f} from assets/features; measure these anew")

    def _effects(self) -> pd.DataFrame:
        settings = [_CLEAN, *self._worlds]
        jobs = [self.itself, self.made]
        rows = together([self._rows(job, setting) for job in jobs for setting in settings])
        named = together([{"rows": frame} for job in jobs for frame in self._feature_rows(job, settings)])["rows"]
        boxes = together([{"boxes": box_rows(job.dataset)} for job in jobs])["boxes"]
        about = about_job(self.itself, settings).model_copy(update={"images": len(self.scenes), "boxes": len(boxes)})
        summary = pd.DataFrame(summary_rows(self._judged(settings)))
        tables = DetectionTables(About.model_validate(about.model_dump()), boxes=boxes, **rows, summary=summary)
        return effect_rows(tables, Features(self.features.about, named), self.families)

    @property
    def families(self) -> pd.Series:
        """The family of each scene, by name: the mixture of its parents, or its parent where that is in none."""
        of = {parent: scene.name for scene in self.scenes if scene.kind == MIXTURE for parent in scene.parents}
        stems = [file.stem for file in self.itself.source.dataset.files]
        own = [of.get(scene.parents[0], stems[scene.parents[0]]) for scene in self.scenes]
        return pd.Series(own, [scene.name for scene in self.scenes])

    def _judged(self, settings: list[Setting]) -> dict[tuple[str, str, Setting], Judged]:
        """AP of all scenes at fp32, with resamples by family."""
        family, names = pd.factorize(self.families)
        weights = resamples(len(names), RESAMPLES, self.made.seed)[:, family]
        labels = self._joined([job.dataset.labels for job, _ in self._jobs])
        judged = {}
        for detector in DETECTORS:
            for setting in settings:
                found = [seen(job, setting).found(detector, FP32) for job, _ in self._jobs]
                boxes = self._joined(found)
                scored = ScoredBoxes(boxes.image, boxes.category, boxes.box, np.concatenate([one.score for one in found]))
                value = average_precision(labels, scored, len(family))[0]
                drawn = average_precision(labels, scored, len(family), weights)
                figures = np.stack([drawn.mean(axis=1), drawn[:, 0]], axis=1)
                judged[detector, FP32, setting] = Judged((float(value.mean()), float(value[0])), figures)
        return judged

    def _joined(self, boxes: list[Boxes] | list[ScoredBoxes]) -> Boxes:
        """Boxes on the images themselves and on the scenes made of them, as boxes on all scenes."""
        itself, made = boxes
        image = np.concatenate([itself.image, made.image + len(self.itself.dataset)])
        return Boxes(image, np.concatenate([itself.category, made.category]), np.concatenate([itself.box, made.box]))


def scene_bench(job: SceneJob, settings: list[Setting], tables: DetectionTables, features: Features) -> SceneBench:
    """Return the bench of the scenes of a job."""
    itself = SceneJob(job.data, job.trained, job.cache, job.seed, kinds=ITSELF)
    return SceneBench(itself, job, settings, tables, features)
