"""Quality of a detector: COCO's average precision and recall by height, with bootstrap intervals by image.

The rules are those of COCO's evaluation (Lin et al. 2014, arXiv:1405.0312, and pycocotools): detections of an image and a class
take labelled boxes greedily by falling score, precision is made monotone and read at 101 levels of recall, and the mean runs
over the classes that have labels. Boxes are rows of left, top, right, bottom in pixels. An image is the unit that is drawn
again in the bootstrap, since boxes of one image are not independent; a resample is a row of weights, one an image, so
that a thousand of them need no matching anew.

The committed tables are checked against published figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean

import numpy as np
import pandas as pd
import scipy
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from simulator.arrays import Floats, Ints
from simulator.evidence.detection_tables import BINS, CLEAN, FP32, CocoC, DetectionTables
from simulator.intervals import LEVEL, Interval, Mark
from simulator.phrases import phrase

#: Overlaps at which a detection counts as right, and levels of recall at which precision is read.
OVERLAPS: Floats = np.linspace(0.5, 0.95, 10)
RECALLS: Floats = np.linspace(0, 1, 101)
#: COCO looks at so many detections of an image and a class.
MOST = 100
#: Cells of a table of resamples by detections that are held at a time.
_CELLS = 4_000_000


@dataclass(frozen=True)
class Boxes:
    """Boxes on images: image and category (n,), numbered from 0; box (n, 4)."""

    image: Ints
    category: Ints
    box: Floats

    def __len__(self) -> int:
        return len(self.image)


@dataclass(frozen=True)
class ScoredBoxes(Boxes):
    """The answers of a detector: boxes with a score (n,)."""

    score: Floats


def overlap(first: ArrayLike, second: ArrayLike) -> Floats:
    """Return intersection over union of every box (n, 4) with every other (m, 4), shape (n, m)."""
    first_boxes, second_boxes = np.asarray(first, float)[:, None], np.asarray(second, float)[None]
    sides = np.minimum(first_boxes[..., 2:], second_boxes[..., 2:]) - np.maximum(first_boxes[..., :2], second_boxes[..., :2])
    shared = np.prod(np.maximum(sides, 0), axis=-1)
    together = _area(first_boxes) + _area(second_boxes) - shared
    return np.asarray(np.divide(shared, together, out=np.zeros_like(shared), where=together > 0))


def _area(boxes: Floats) -> Floats:
    return np.asarray((boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1]))


def taken(labels: Boxes, detections: ScoredBoxes, overlaps: Floats = OVERLAPS) -> Ints:
    """Return the labelled box that each detection takes at each overlap, -1 where none; shape (overlaps, detections)."""
    answer = np.full((len(overlaps), len(detections)), -1, np.int64)
    boxes = _groups(labels, np.arange(len(labels)))
    for key, rows in _groups(detections, np.argsort(-detections.score, kind="stable")).items():
        if key in boxes:
            best, there = rows[:MOST], boxes[key]
            places = _take(overlap(detections.box[best], labels.box[there]), overlaps)
            answer[:, best] = np.where(places < 0, -1, there[places])
    return answer


def _groups(boxes: Boxes, order: Ints) -> dict[tuple[int, int], Ints]:
    if not len(order):
        return {}
    image, category = boxes.image[order], boxes.category[order]
    by_key = np.lexsort((category, image))
    new = np.flatnonzero((np.diff(image[by_key]) != 0) | (np.diff(category[by_key]) != 0)) + 1
    parts = np.split(by_key, new)
    return {(int(image[part[0]]), int(category[part[0]])): order[part] for part in parts}


def _take(shared: Floats, overlaps: Floats) -> Ints:
    places = np.full((len(overlaps), len(shared)), -1, np.int64)
    free = np.ones((len(overlaps), shared.shape[1]), bool)
    level = np.arange(len(overlaps))
    for row, candidates in enumerate(shared):
        open_to_it = np.where(free, candidates, -1)
        best = shared.shape[1] - 1 - open_to_it[:, ::-1].argmax(axis=1)  # of equal ones COCO takes the last
        right = open_to_it[level, best] >= overlaps
        places[right, row] = best[right]
        free[level[right], best[right]] = False
    return places


def best_scores(labels: Boxes, detections: ScoredBoxes, takes: Ints | None = None) -> Floats:
    """Return the score of the detection of each labelled box at an overlap of 0.5, 0 where it is missed; shape (labels,).

    Boxes are taken by falling score, so that above any threshold the same boxes are found as without those below it.
    takes: the first row of what `taken` says, where it is known already
    """
    takes = taken(labels, detections, OVERLAPS[:1])[0] if takes is None else takes
    scores = np.zeros(len(labels))
    scores[takes[takes >= 0]] = detections.score[takes >= 0]
    return scores


def average_precision(
    labels: Boxes, detections: ScoredBoxes, images: int, weights: Floats | None = None, takes: Ints | None = None
) -> Floats:
    """Return average precision at each overlap, the mean over classes, for each row of `weights`; shape (resamples, overlaps).

    weights: how often each image counts, (resamples, images); once each by default
    takes: what `taken` says, where it is known already
    COCO's AP is the mean over overlaps. NaN where no labelled box is left.
    """
    counted = np.ones((1, images)) if weights is None else np.asarray(weights, float)
    right = (taken(labels, detections) if takes is None else takes) >= 0
    by_class = [
        _of_class(right, detections, rows, np.bincount(labels.image[labels.category == category], minlength=images), counted)
        for category in np.unique(labels.category)
        for rows in [_ranked(detections, int(category))]
    ]
    if not by_class:
        return np.full((len(counted), len(right)), np.nan)
    stacked = np.stack(by_class)
    present = ~np.isnan(stacked)
    total, count = np.where(present, stacked, 0).sum(axis=0), present.sum(axis=0)
    return np.asarray(np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0))


def _ranked(detections: ScoredBoxes, category: int) -> Ints:
    rows = np.flatnonzero(detections.category == category)
    rows = rows[np.lexsort((-detections.score[rows], detections.image[rows]))]
    starts = np.searchsorted(detections.image[rows], detections.image[rows])
    rows = rows[np.arange(len(rows)) - starts < MOST]
    return rows[np.argsort(-detections.score[rows], kind="stable")]


def _of_class(right: NDArray[np.bool_], detections: ScoredBoxes, rows: Ints, labelled: Ints, weights: Floats) -> Floats:
    step = max(_CELLS // max(len(rows), 1), 1)
    parts = [weights[start : start + step] for start in range(0, len(weights), step)]
    return np.concatenate([_in_resamples(right[:, rows], detections.image[rows], labelled, part) for part in parts])


def _in_resamples(right: NDArray[np.bool_], image: Ints, labelled: Ints, weights: Floats) -> Floats:
    needed = (weights @ labelled)[:, None]
    answers = np.cumsum(weights[:, image], axis=1)
    levels = []
    for hits in right:
        # Precision is highest at a hit, so that only hits need looking at.
        at = np.flatnonzero(hits)
        true = np.cumsum(weights[:, image[at]], axis=1)
        precision = np.divide(true, answers[:, at], out=np.zeros_like(true), where=answers[:, at] > 0)
        highest = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        recall = np.divide(true, needed, out=np.zeros_like(true), where=needed > 0)
        reached = np.searchsorted(RECALLS, recall, side="right")
        levels.append((highest * np.diff(reached, axis=1, prepend=0)).sum(axis=1) / len(RECALLS))
    return np.where(needed > 0, np.stack(levels, axis=1), np.nan)


def resamples(images: int, count: int, seed: int) -> Floats:
    return np.random.default_rng(seed).multinomial(images, np.full(images, 1 / images), count).astype(float)


def bootstrapped(value: float, drawn: ArrayLike) -> Interval:
    """Return a figure with the percentiles of its bootstrap samples, moved so that their median is the figure.

    A resample lacks some images, and with them rare classes, which shifts average precision as a whole. Samples without a
    value are left out.
    """
    sample = np.asarray(drawn, float)
    sample = sample[~np.isnan(sample)]
    if not len(sample):
        return Interval(value, np.nan, np.nan)
    low, middle, high = np.quantile(sample, [(1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2])
    return Interval(value, float(value + low - middle), float(value + high - middle))


@dataclass(frozen=True)
class RecallCurve:
    """Recall at each height in pixels with its 95% interval, and how many boxes weigh in; columns of equal length.

    drawn: recall in each bootstrap sample, (resamples, heights), for paired differences
    """

    height_px: Floats
    recall: Floats
    low: Floats
    high: Floats
    boxes: Floats
    drawn: Floats

    def less(self, other: RecallCurve) -> RecallCurve:
        drawn = self.drawn - other.drawn
        low, high = _bounds(drawn)
        return RecallCurve(self.height_px, self.recall - other.recall, low, high, self.boxes, drawn)


#: Standard deviation of the kernel over box heights, in doublings.
BANDWIDTH = 0.35


def recall_by_height(
    height_px: Floats, detected: NDArray[np.bool_], image: Ints, at_px: Floats, weights: Floats
) -> RecallCurve:
    """Smooth recall over box height: a local mean over log height with a normal kernel (Nadaraya and Watson 1964).

    height_px, found, image: columns, one row per labelled box; at_px: heights to tell it at; weights: of `resamples`
    """
    apart = (np.log2(height_px)[:, None] - np.log2(at_px)[None]) / BANDWIDTH
    kernel = np.exp(-(apart**2) / 2)
    images = weights.shape[1]
    near, hit = np.zeros((images, len(at_px))), np.zeros((images, len(at_px)))
    np.add.at(near, image, kernel)
    np.add.at(hit, image, kernel * detected[:, None])
    drawn = _share(weights @ hit, weights @ near)
    low, high = _bounds(drawn)
    effective = kernel.sum(axis=0) ** 2 / (kernel**2).sum(axis=0)
    return RecallCurve(at_px, _share(hit.sum(axis=0), near.sum(axis=0)), low, high, effective, drawn)


def _share(part: Floats, whole: Floats) -> Floats:
    return np.asarray(np.divide(part, whole, out=np.zeros_like(part), where=whole > 0))


def _bounds(drawn: Floats) -> tuple[Floats, Floats]:
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return low, high


def operating_score(tables: DetectionTables, detector: str) -> float:
    """Return the score from which F1 over the clean images at fp32 is best, among the beginnings of the histograms' bins."""
    clean = tables.of("answers", detector, FP32, CLEAN, 0)
    hits = np.array([clean[f"found_{round(100 * low):02d}"].sum() for low in BINS])[::-1].cumsum()[::-1]
    false = np.array([clean[f"false_{round(100 * low):02d}"].sum() for low in BINS])[::-1].cumsum()[::-1]
    f1 = 2 * (hits - false) / (hits + len(tables.boxes))
    return BINS[int(f1.argmax())]


#: Largest accepted distance of clean AP from published AP of the same files, in points.
AP_APART = 2.0
#: 8 bits collapse a detector that loses this part of its AP, and spare one that loses no more than that.
COLLAPSED, SPARED = 0.5, 0.15
INT8 = "int8_all"
_COLLAPSES, _SPARES = "yolox_nano", "fastestdet"


@dataclass(frozen=True)
class Order:
    """Agreement of two detectors on the damage of corruptions: Spearman's correlation with its interval and p."""

    detector: str
    other: str
    correlation: Interval
    p: float
    corruptions: int

    @property
    def sentence(self) -> str:
        value, low, high = self.correlation.value, self.correlation.low, self.correlation.high
        return phrase(
            "detections.order", detector=self.detector, corruptions=self.corruptions, other=self.other, value=value, low=low,
            high=high, p=f"{self.p:.2g}",
        )  # fmt: skip


@dataclass(frozen=True)
class DetectorReport:
    """The checks of the detection tables: figures beside their bars, and the order of damage beside COCO-C's."""

    marks: list[Mark]
    orders: list[Order]
    damage: pd.DataFrame


def report(tables: DetectionTables, published: CocoC) -> DetectorReport:
    damage = damage_rows(tables, published)
    return DetectorReport([*_clean_marks(tables), *_int8_marks(tables)], _orders(damage, published), damage)


def label_of(tables: DetectionTables, detector: str) -> str:
    return tables.about.detectors[detector].label


def ap_of(tables: DetectionTables, detector: str, precision: str, condition: str = CLEAN, severity: int = 0) -> float:
    return float(tables.of("summary", detector, precision, condition, severity)["ap"].iloc[0])


def _clean_marks(tables: DetectionTables) -> list[Mark]:
    marks = []
    for name, network in tables.about.detectors.items():
        if network.reference_ap is not None:
            ap = ap_of(tables, name, FP32)
            label = f"{network.label}, AP {ap:.3f} beside {network.reference_ap:.3f}: apart"
            marks.append(Mark(label, 100 * abs(ap - network.reference_ap), AP_APART, "points"))
    return marks


def _int8_marks(tables: DetectionTables) -> list[Mark]:
    marks = []
    for name, bar, collapse in ((_COLLAPSES, COLLAPSED, True), (_SPARES, SPARED, False)):
        if name in tables.about.detectors:
            label = f"{label_of(tables, name)}, part of its AP that 8 bits take"
            marks.append(Mark(label, int8_loss(tables, name, INT8), bar, at_least=collapse))
    return marks


def int8_loss(tables: DetectionTables, detector: str, precision: str) -> float:
    return 1 - ap_of(tables, detector, precision) / ap_of(tables, detector, FP32)


def damage_rows(tables: DetectionTables, published: CocoC) -> pd.DataFrame:
    """Return one row per corruption that COCO-C has too: the part of clean AP that it takes, the mean over severities, in %.

    One column per detector of ours at fp32, and one per published detector at the same severities.
    """
    rows = []
    for name, condition in tables.about.conditions.items():
        if condition.coco_c is None:
            continue
        row: dict[str, object] = {"corruption": condition.label}
        for detector in tables.about.detectors:
            remaining = [ap_of(tables, detector, FP32, name, severity) for severity in condition.strengths]
            row[label_of(tables, detector)] = 100 * (1 - fmean(remaining) / ap_of(tables, detector, FP32))
        for model, figures in published.models.items():
            remaining = [figures.corrupted[condition.coco_c][severity - 1] for severity in condition.strengths]
            row[model] = 100 * (1 - fmean(remaining) / figures.clean)
        rows.append(row)
    return pd.DataFrame(rows)


def _orders(damage: pd.DataFrame, published: CocoC) -> list[Order]:
    ours = [str(name) for name in damage if name != "corruption" and name not in published.models]
    return [_order(damage, name, model) for name in ours for model in published.models]


def _order(damage: pd.DataFrame, detector: str, other: str) -> Order:
    result = scipy.stats.spearmanr(damage[detector], damage[other])
    value = float(result.statistic)
    return Order(detector, other, spearman_interval(value, len(damage)), float(result.pvalue), len(damage))


def spearman_interval(value: float, count: int) -> Interval:
    """Return Spearman's correlation of so many pairs with the interval of Bonett and Wright (2000, Psychometrika 65:23).

    Fisher's z with the variance (1 + r^2 / 2) / (n - 3).
    """
    if count <= 3 or abs(value) >= 1:
        return Interval(value, -1.0 if count <= 3 else value, 1.0 if count <= 3 else value)
    half = ndtri((1 + LEVEL) / 2) * np.sqrt((1 + value**2 / 2) / (count - 3))
    return Interval(value, float(np.tanh(np.arctanh(value) - half)), float(np.tanh(np.arctanh(value) + half)))


def precision_rows(tables: DetectionTables) -> pd.DataFrame:
    clean = tables.summary[tables.summary["condition"] == CLEAN]
    return clean.assign(label=[label_of(tables, name) for name in clean["detector"]])
