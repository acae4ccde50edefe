"""The last layer of the served detector, fitted again on labelled frames of one condition, in folds by image.

The layer gives each place of a picture a score a class, from 96 features. All below it stays, as in the data lab, and so do the
boxes. A logistic regression a stride moves the scores of all classes of a place together, by its features: it learns from the
places whose box overlaps a labelled one, and from others. The score that was served is one of its inputs. The scale of the
moves is chosen on a third of the training images, and may be 0.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, log_expit
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from campaigns.detections.condition_effects import REFITS
from campaigns.detections.conditions import strength_of, unknown_classes, without
from campaigns.detections.networks import DETECTORS, start
from campaigns.detections.scene_job import SceneJob
from simulator.evidence.detection_tables import BINS
from simulator.evidence.evidence_files import in_one_step
from simulator.intervals import Interval
from simulator.measure.detector_conditions import Setting
from simulator.measure.detector_io import LEAST, Placed, boxes_of, outputs_of, place, prepare
from simulator.metrics.detection_quality import (
    Boxes,
    ScoredBoxes,
    average_precision,
    best_scores,
    bootstrapped,
    overlap,
    resamples,
    taken,
)

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
#: Adds to the logits of some places (n, classes), from their features (n, channels) and their strides (n,).
Head = Callable[[Floats, Ints, Floats], Floats]

NETWORK = "nanodet_m"
FILE = "refits.csv"
#: The conditions of the causes in the incident, at their full strength.
SETTINGS = (
    Setting("clean", 0),
    *(Setting(name, 5) for name in ("fog", "night", "defocus", "jpeg", "occlusion")),
    Setting("contrast", 3),
    *(Setting(name, 2) for name in ("bgr", "input_scale")),
)
#: Labelled frames that are bought; the folds leave three quarters of the images to buy from.
FRAMES = (24, 96)
FOLDS = 4
RESAMPLES = 200
#: The initializers of the last layer, one a stride, begin so.
_LAST = "head.gfl_cls"
_DISTANCES = 32
#: The head learns from at most 9 places a labelled box, those that overlap it most. Of the other places of an image it learns
#: from the 60 with the highest scores, and from 20 random ones, which stand for the rest.
_RIGHT, _SUREST, _AT_RANDOM = 9, 60, 20
_OVERLAP = 0.5
#: Standard deviations that the weight of a feature may have before the labels are seen; 0 leaves the served score alone.
_SCALES = (0.0, 0.03, 0.1)


def exposed(source: Path, target: Path) -> Path:
    """Write the network with the features below its last layer among its outputs, one a stride, after its own."""
    model = onnx.load(source)
    last = [node for node in model.graph.node if node.op_type == "Conv" and node.input[1].startswith(_LAST)]
    model.graph.output.extend(onnx.helper.make_tensor_value_info(node.input[0], onnx.TensorProto.FLOAT, None) for node in last)
    onnx.save(model, target)
    return target


@dataclass(frozen=True)
class LastLayer:
    """Weights (channels, classes) and constants (classes,) of each stride."""

    weights: list[Floats]
    constants: list[Floats]

    @classmethod
    def read(cls, source: Path) -> LastLayer:
        held = {each.name: onnx.numpy_helper.to_array(each) for each in onnx.load(source).graph.initializer}
        names = sorted(name.removesuffix(".weight") for name in held if name.startswith(_LAST) and name.endswith(".weight"))
        return cls(
            [held[f"{name}.weight"][:-_DISTANCES, :, 0, 0].T for name in names],
            [held[f"{name}.bias"][:-_DISTANCES] for name in names],
        )

    def logits(self, features: Floats, stride: Ints) -> Floats:
        """Return the served logits of places (n, classes)."""
        out = np.empty((len(features), len(self.constants[0])), np.float32)
        for level, (weight, constant) in enumerate(zip(self.weights, self.constants, strict=True)):
            out[stride == level] = features[stride == level] @ weight + constant
        return out


@dataclass(frozen=True)
class Lessons:
    """Places that teach: features (n, channels), stride, served logits, target, weight and image.

    target: what the served score stands for: the overlap with a labelled box of the place's best class, 0 without one
    """

    features: Floats
    stride: Ints
    logits: Floats
    target: Floats
    weight: Floats
    image: Ints

    def of(self, rows: Bools) -> Lessons:
        return Lessons(*(column[rows] for column in vars(self).values()))

    @classmethod
    def joined(cls, parts: Sequence[Lessons]) -> Lessons:
        return cls(*(np.concatenate(column) for column in zip(*(vars(part).values() for part in parts), strict=True)))


def refitted(lessons: Lessons) -> Head:
    """Return the head that is fitted to these lessons."""
    fits = {int(level): _fitted(lessons.of(lessons.stride == level)) for level in np.unique(lessons.stride)}

    def head(features: Floats, stride: Ints, logits: Floats) -> Floats:
        out = logits.copy()
        for level, fit in fits.items():
            if fit is not None:
                out[stride == level] = fit(features[stride == level], logits[stride == level])
        return out

    return head


def _fitted(lessons: Lessons) -> Callable[[Floats, Floats], Floats] | None:
    """Return the change of logits of one stride; None where too few places are right to fit one and to check it."""
    images = np.unique(lessons.image)
    checked = np.isin(lessons.image, images[::3])
    parts = lessons.of(~checked), lessons.of(checked)
    if min(int((part.target > 0).sum()) for part in parts) < 2:
        return None
    losses = [_loss(_fit(parts[0], scale), parts[1]) for scale in _SCALES]
    return _fit(lessons, _SCALES[int(np.argmin(losses))])


def _fit(lessons: Lessons, scale: float) -> Callable[[Floats, Floats], Floats]:
    usual = StandardScaler().fit(lessons.features)

    def inputs(features: Floats, best: Floats) -> NDArray[np.float64]:
        return np.hstack([best[:, None], scale * usual.transform(features)]).astype(np.float64)

    given = inputs(lessons.features, lessons.logits.max(axis=1))
    # A target between 0 and 1 is a place that is right with one weight, and wrong with the rest.
    fit = LogisticRegression(C=1.0, solver="newton-cholesky")
    fit.fit(np.vstack([given, given]), np.repeat([1, 0], len(given)), _shared_out(lessons).ravel())
    slope, moves, constant = fit.coef_[0, 0], fit.coef_[0, 1:] * scale, fit.intercept_[0]

    def change(features: Floats, logits: Floats) -> Floats:
        return np.asarray(slope * logits + (usual.transform(features) @ moves)[:, None] + constant, np.float32)

    return change


def _loss(fit: Callable[[Floats, Floats], Floats], lessons: Lessons) -> float:
    best = fit(lessons.features, lessons.logits).max(axis=1)
    return float(-(_shared_out(lessons) * log_expit([best, -best])).sum())


def _shared_out(lessons: Lessons) -> NDArray[np.float64]:
    """Return the weight of each place as a right one, and as a wrong one, (2, n)."""
    return np.asarray(lessons.weight * [lessons.target, 1 - lessons.target], float)


class RefitBench:
    """The served detector with its features, and the images under one condition after another."""

    def __init__(self, job: SceneJob) -> None:
        self.job, self.detector = job, DETECTORS[NETWORK]
        self.served = LastLayer.read(self.detector.path(job.trained))

    @cached_property
    def _session(self) -> ort.InferenceSession:
        with tempfile.TemporaryDirectory() as folder:
            return start(exposed(self.detector.path(self.job.trained), Path(folder) / "exposed.onnx"))

    def part(self, setting: Setting) -> Path:
        """Return the file of one setting."""
        return self.job.folder / f"refit.{setting}.{strength_of(setting):g}.npz".replace(":", ".")

    def measure(self, setting: Setting) -> None:
        """Write features (images, places, channels) and distances (images, places, 32), if they are not there yet."""
        if self.part(setting).is_file():
            return
        features, distances = [], []
        for image, file in enumerate(self.job.dataset.files):
            takes = setting.takes(self.detector.takes, file.stem, self.job.seed)
            outputs = outputs_of(self._session, prepare(self.job.view(setting, image), takes)[0])
            distances.append(np.concatenate([each for each in outputs if each.ndim == 2 and each.shape[1] == _DISTANCES]))
            features.append(np.concatenate([each.reshape(len(each), -1).T for each in outputs if each.ndim == 3]))
        with in_one_step(self.part(setting)) as unfinished, unfinished.open("wb") as stream:
            np.savez(stream, x=np.stack(features).astype(np.float16), r=np.stack(distances).astype(np.float16))

    def frames(self, setting: Setting) -> RefitFrames:
        self.measure(setting)
        with np.load(self.part(setting)) as held:
            return RefitFrames(self, setting, held["x"], held["r"])


@dataclass(frozen=True, eq=False)
class RefitFrames:
    """All images under a setting, as the layers below the last one see them."""

    bench: RefitBench
    setting: Setting
    features: NDArray[np.float16]
    distances: NDArray[np.float16]

    @property
    def labels(self) -> Boxes:
        return self.bench.job.dataset.labels

    @cached_property
    def _stride(self) -> Ints:
        side = self.bench.detector.takes.side
        counts = [(-(-side // each)) ** 2 for each in (8, 16, 32)]
        return np.repeat(np.arange(len(counts)), counts)

    def _placed(self, image: int) -> Placed:
        data, seed = self.bench.job.dataset, self.bench.job.seed
        return place(*data.sizes[image], self.setting.takes(self.bench.detector.takes, data.files[image].stem, seed))

    def _logits(self, image: int) -> tuple[Floats, Floats]:
        features = self.features[image].astype(np.float32)
        return features, self.bench.served.logits(features, self._stride)

    def _outputs(self, image: int, scores: Floats) -> list[Floats]:
        ends = np.flatnonzero(np.diff(self._stride)) + 1
        return [*np.split(scores, ends), *np.split(self.distances[image].astype(np.float32), ends)]

    def answers(self, heads: Sequence[Head | None], fold: Ints) -> ScoredBoxes:
        """Return the boxes that each image's own head finds; heads: a head a fold, None for the served one."""
        detector, rows = self.bench.detector, []
        unknown = unknown_classes(self.setting, self.bench.job.dataset.names)
        for image in range(len(fold)):
            features, logits = self._logits(image)
            head = heads[fold[image]]
            scores = expit(logits if head is None else head(features, self._stride, logits))
            outputs = without(detector.layout, self._outputs(image, scores), unknown)
            found = boxes_of(detector.layout, outputs, detector.takes.side, LEAST)
            found[:, :4] = self._placed(image).back(found[:, :4])
            rows.append(np.column_stack([np.full(len(found), image), found]))
        table = np.concatenate(rows).astype(np.float64)
        return ScoredBoxes(table[:, 0].astype(np.int64), table[:, 6].astype(np.int64), table[:, 1:5], table[:, 5])

    def lessons(self, image: int) -> Lessons:
        """Return the places of an image that teach."""
        features, logits = self._logits(image)
        mine = self.labels.image == image
        detector = self.bench.detector
        decoded = detector.layout.decode(self._outputs(image, expit(logits)), detector.takes.side)[:, :4]
        shared = overlap(self._placed(image).back(decoded), self.labels.box[mine])
        shared = np.hstack([shared, np.full((len(shared), 1), 1e-9)])
        box, much = shared.argmax(axis=1), shared.max(axis=1)
        taught = [_most(np.flatnonzero((box == one) & (much >= _OVERLAP)), much, _RIGHT) for one in range(int(mine.sum()))]
        others = np.flatnonzero(much < _OVERLAP)
        surest = _most(others, logits.max(axis=1), _SUREST)
        rest = np.setdiff1d(others, surest)
        drawn = np.random.default_rng([self.bench.job.seed, image]).choice(rest, min(_AT_RANDOM, len(rest)), replace=False)
        rows = np.concatenate([*taught, surest, drawn]).astype(np.int64)
        category = np.append(self.labels.category[mine], -1)[box[rows]]
        weight = np.ones(len(rows), np.float32)
        weight[len(rows) - len(drawn) :] = len(rest) / max(len(drawn), 1)
        right = (much[rows] >= _OVERLAP) & (category == logits[rows].argmax(axis=1))
        target = np.where(right, much[rows], 0).astype(np.float32)
        return Lessons(features[rows], self._stride[rows], logits[rows], target, weight, np.full(len(rows), image))


def _most(rows: Ints, values: NDArray[np.floating], count: int) -> Ints:
    return rows[np.argsort(-values[rows], kind="stable")[:count]]


@dataclass(frozen=True)
class RefitQuality:
    """AP with its resamples (resamples,), and the share of boxes found with its own, at the score with the best F1."""

    ap: float
    ap_drawn: NDArray[np.float64]
    recall: float
    recall_drawn: NDArray[np.float64]

    @classmethod
    def of(cls, labels: Boxes, found: ScoredBoxes, weights: NDArray[np.float64]) -> RefitQuality:
        images, takes = weights.shape[1], taken(labels, found)
        recall = partial(_recall, labels, found, best_scores(labels, found, takes[0]))
        return cls(
            float(average_precision(labels, found, images, None, takes).mean()),
            average_precision(labels, found, images, weights, takes).mean(axis=1),
            float(recall(np.ones((1, images)))[0]),
            recall(weights),
        )

    def less(self, other: RefitQuality) -> tuple[Interval, Interval]:
        """Return the change of AP and that of recall from another network, paired by resample."""
        return (
            bootstrapped(self.ap - other.ap, self.ap_drawn - other.ap_drawn),
            bootstrapped(self.recall - other.recall, self.recall_drawn - other.recall_drawn),
        )


def _recall(
    labels: Boxes, found: ScoredBoxes, scores: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the share of boxes found at the score with the best F1, (resamples,). Each resample chooses the score anew.

    scores: of the labelled boxes, 0 where missed; the candidates are the beginnings of the bins
    """
    at = partial(np.bincount, minlength=weights.shape[1])
    hits = np.stack([weights @ at(labels.image[scores >= low]) for low in BINS])
    answers = np.stack([weights @ at(found.image[found.score >= low]) for low in BINS])
    there = weights @ at(labels.image)
    best = (2 * hits / (answers + there)).argmax(axis=0)
    return np.asarray(hits[best, np.arange(len(weights))] / there)


def folds(images: int, seed: int) -> tuple[Ints, Ints]:
    """Return the images in a random order, and the fold that tests each."""
    order = np.random.default_rng(seed).permutation(images)
    fold = np.empty(images, np.int64)
    fold[order] = np.arange(images) % FOLDS
    return order, fold


def bought(order: Ints, fold: Ints, tested: int, count: int) -> Ints:
    """Return the first `count` images of the order that other folds test."""
    return np.asarray(order[fold[order] != tested][:count])


def refit_rows(frames: RefitFrames) -> pd.DataFrame:
    """Return a row a number of labelled frames, by the columns of REFITS: before, after, and the change paired by resample."""
    images = len(frames.features)
    order, fold = folds(images, frames.bench.job.seed)
    weights = resamples(images, RESAMPLES, frames.bench.job.seed)
    before = RefitQuality.of(frames.labels, frames.answers([None] * FOLDS, fold), weights)
    lessons = [frames.lessons(image) for image in range(images)]
    rows = []
    for count in FRAMES:
        frames_of = [bought(order, fold, tested, count) for tested in range(FOLDS)]
        heads = [refitted(Lessons.joined([lessons[image] for image in each])) for each in frames_of]
        after = RefitQuality.of(frames.labels, frames.answers(heads, fold), weights)
        ap, recall = after.less(before)
        setting = (NETWORK, frames.setting.condition, frames.setting.severity, min(map(len, frames_of)), images)
        figures = before.ap, after.ap, *vars(ap).values(), before.recall, after.recall, *vars(recall).values()
        rows.append((*setting, *(round(float(each), 4) + 0.0 for each in figures)))
    return pd.DataFrame(rows, columns=REFITS.names)


def make_refits(bench: RefitBench, out: Path, settings: Sequence[Setting], tick: Callable[[], None] = lambda: None) -> None:
    """Write `refits.csv` to the folder `out`; the rows of a finished setting are kept beside its part."""
    tables = []
    for setting in settings:
        held = bench.part(setting).with_suffix(".csv")
        if not held.is_file():
            rows = refit_rows(bench.frames(setting))
            with in_one_step(held) as part:
                rows.to_csv(part, index=False, lineterminator="\n")
        tables.append(pd.read_csv(held))
        tick()
    with in_one_step(out / FILE) as part:
        pd.concat(tables).to_csv(part, index=False, lineterminator="\n")
