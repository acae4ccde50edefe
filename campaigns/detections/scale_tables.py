"""From what the timed networks answered to the tables that `simulator.evidence.detection_tables` reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from ruamel.yaml import YAML

from campaigns.detections.by_height import (
    CLASSES_PX,
    NODES_PX,
    Bootstrapped,
    Looked,
    height_class,
    probit_shift,
    recall_curve,
    share_found,
)
from campaigns.detections.conditions import COARSE
from campaigns.detections.origin import measured_here
from campaigns.detections.road import OBJECTS, road_answers, road_labels
from campaigns.detections.scales import CONDITIONS as SPOILT
from campaigns.detections.scales import FULL, LOOKS, PARTS, Look, ScaleJob, heights_px
from campaigns.detections.timed import Timed
from simulator.evidence.detection_tables import Scales, ScalesAbout, ScoredNetwork, profile_of
from simulator.evidence.evidence_files import in_one_step
from simulator.evidence.evidence_tables import DRAW_COLUMNS
from simulator.evidence.profiles import Profile
from simulator.measure.detector_conditions import CORRUPTIONS
from simulator.measure.own_detector import coco_ap
from simulator.metrics.detection_quality import (
    OVERLAPS,
    Boxes,
    ScoredBoxes,
    average_precision,
    best_scores,
    bootstrapped,
    overlap,
    resamples,
    taken,
)

#: Scores from which an answer counts, and the one at which a condition's shift is fitted.
THRESHOLDS = (0.05, 0.15, 0.25, 0.35, 0.5)
SHIFT_THRESHOLD = 0.25
RESAMPLES = 500
_AP_RESAMPLES = 200
#: An answer that shares less than this with every labelled box of the road's objects touches none of them.
_TOUCHES = 0.1
_DIGITS, _DRAW_DIGITS = 3, 2
_NOTES = [
    "COCO's still images, most of them not of a road, and 128 of them with few vehicles: not what a vehicle's camera sees",
    "small heights come from images that were shrunk on a grey canvas: cleaner than a distant object, with less around it",
    "car is any of car, bus and truck; boxes that overlap are suppressed whatever kind of vehicle they are called",
    "labelled boxes are small, hidden and cut off as COCO has them; crowds are not told apart, so that a person in a crowd "
    "without a box of his own counts as a false answer",
    "a condition's shift is fitted at the usual size of the images over both objects, in classes of height that double, and "
    "conditions are simulated",
    "shifts are measured at fp32; that 8 bits have the same one is an assumption. With the int8 recipes of summary.csv, which "
    "cost YOLOX-nano much of its recall, a condition moves it two to three times as far as at fp32",
    "NanoDet-m and FastestDet stretch an image to their square: a height in pixels of the input is that after stretching",
]


def make_scales(job: ScaleJob, profiles: Iterable[Profile], tick: Callable[[], None]) -> Scales:
    """Return the tables of the looks that were measured, with one tick per network."""
    data = job.dataset
    labels = road_labels(data.labels, data.names)
    answers = {look: job.found(look) for look in LOOKS}
    rows: dict[str, list[dict[str, Any]]] = {"curves": [], "full_size": [], "conditions": [], "false": []}
    networks = {}
    for timed in job.networks:
        found = {
            look: road_answers(answers[look][timed], data.names, timed.detector.layout.overlap or 1)
            for look in LOOKS
            if timed in answers[look]
        }
        judged = _Judged(job, timed, labels, found)
        for name, made in judged.tables().items():
            rows[name] += made
        networks[timed.seen_by] = _scored(job, timed, answers[FULL][timed])
        tick()
    about = _about(job, labels, networks)
    noted = _told_of_other_files(about, profiles)
    frames = {name: pd.DataFrame(made) for name, made in rows.items()}
    return Scales(noted, **{name: frames[name][table.names] for name, table in Scales.tables().items()})


def other_files(about: ScalesAbout, profiles: Iterable[Profile]) -> dict[str, str]:
    """Return the networks that were judged and timed as two different files: names, and the hash of the timed file.

    For these a latency has to be measured anew before latency and recall are those of one file.
    """
    timed = {(profile.model, profile.precision): profile.provenance.model_sha256 for profile in profiles}
    pairs = ((name, network.sha256, timed.get(profile_of(name))) for name, network in about.networks.items())
    return {name: other for name, scored, other in pairs if other is not None and other != scored}


class _Judged:
    """One network and what it found of the road's objects at each look."""

    def __init__(self, job: ScaleJob, timed: Timed, labels: Boxes, found: dict[Look, ScoredBoxes]) -> None:
        self._job, self._timed, self._labels, self._found = job, timed, labels, found
        self._scores = {look: best_scores(labels, boxes) for look, boxes in found.items()}
        self._right = taken(labels, found[FULL], OVERLAPS[:1])[0] >= 0
        self._touching = touching(labels, found[FULL])
        heights = heights_px(job.dataset, timed.detector.takes)
        self._height = heights[np.isin(job.dataset.labels.category, _road_categories(job.dataset.names))]

    def tables(self) -> dict[str, list[dict[str, Any]]]:
        """Return the rows of each table."""
        return {
            "curves": [row for number in range(len(OBJECTS)) for level in THRESHOLDS for row in self._curve(number, level)],
            "full_size": [self._full_size(number, level) for number in range(len(OBJECTS)) for level in THRESHOLDS],
            "conditions": [self._condition(look) for look in self._found if not look.shrunk],
            "false": [self._false(level) for level in THRESHOLDS],
        }

    def _named(self, number: int, threshold: float) -> dict[str, Any]:
        return {"seen_by": self._timed.seen_by, "object": list(OBJECTS)[number], "threshold": threshold}

    def _curve(self, number: int, threshold: float) -> Iterator[dict[str, Any]]:
        mine = self._labels.category == number
        looks = [look for look in self._found if look.shrunk]
        looked = Looked(
            np.concatenate([self._height[mine] * look.part for look in looks]),
            np.concatenate([self._scores[look][mine] >= threshold for look in looks]),
            np.tile(self._labels.image[mine], len(looks)),
        )
        curve = recall_curve(looked, RESAMPLES, self._job.seed)
        for place, height in enumerate(NODES_PX):
            band = {"by": "height_px", "x": float(height)}
            yield self._named(number, threshold) | band | _figure("recall", curve, place) | _draws(curve, place)

    def _full_size(self, number: int, threshold: float) -> dict[str, Any]:
        mine = self._labels.category == number
        image = self._labels.image[mine]
        share = share_found(self._scores[FULL][mine] >= threshold, image, RESAMPLES, self._job.seed)
        counted = {"images": len(np.unique(image)), "boxes": int(mine.sum())}
        return self._named(number, threshold) | counted | _figure("found", share, 0)

    def _condition(self, look: Look) -> dict[str, Any]:
        kinds = self._labels.category * (len(CLASSES_PX) + 1) + height_class(self._height)
        clean, spoilt = (self._scores[one] >= SHIFT_THRESHOLD for one in (FULL, look))
        images = len(self._job.dataset)
        shift = probit_shift(kinds, clean, spoilt, self._labels.image, images, RESAMPLES, self._job.seed)
        named = {
            "seen_by": self._timed.seen_by,
            "condition": look.setting.condition,
            "severity": COARSE.index(look.setting.severity) + 1,
        }
        return named | _figure("shift", shift, 0) | _draws(shift, 0)

    def _false(self, threshold: float) -> dict[str, Any]:
        found, images = self._found[FULL], len(self._job.dataset)
        counts = found.score >= threshold
        false, alone = counts & ~self._right, counts & ~self._touching
        row: dict[str, Any] = {"seen_by": self._timed.seen_by, "threshold": threshold, "images": images}
        for rows, names in ((false, Scales.false.names[3:6]), (alone, Scales.false.names[6:9])):
            per_image = np.bincount(found.image[rows], minlength=images)
            row |= dict(zip(names, _mean_of_images(per_image, self._job.seed), strict=True))
        return row


def _road_categories(names: tuple[str, ...]) -> list[int]:
    wanted = {name for classes in OBJECTS.values() for name in classes}
    return [place for place, name in enumerate(names) if name in wanted]


def touching(labels: Boxes, found: ScoredBoxes) -> NDArray[np.bool_]:
    """Return whether each answer shares anything to speak of with a labelled box of the road's objects, of whichever kind."""
    touches = np.zeros(len(found), bool)
    for image in np.unique(found.image):
        mine = found.image == image
        touches[mine] = overlap(found.box[mine], labels.box[labels.image == image]).max(axis=1, initial=0) >= _TOUCHES
    return touches


def _mean_of_images(counts: NDArray[np.int64], seed: int) -> tuple[float, float, float]:
    drawn = resamples(len(counts), RESAMPLES, seed) @ counts / len(counts)
    low, high = np.quantile(drawn, [0.025, 0.975])
    mean = float(counts.mean())
    return mean, min(float(low), mean), max(float(high), mean) if counts.any() else 3 / len(counts)


def _figure(name: str, figure: Bootstrapped, place: int) -> dict[str, float]:
    return {
        name: float(figure.value[place]),
        f"{name}_low": float(figure.low[place]),
        f"{name}_high": float(figure.high[place]),
    }


def _draws(figure: Bootstrapped, place: int) -> dict[str, float]:
    return dict(zip(DRAW_COLUMNS, figure.drawn[: len(DRAW_COLUMNS), place].tolist(), strict=True))


def _scored(job: ScaleJob, timed: Timed, found: ScoredBoxes) -> ScoredNetwork:
    data = job.dataset
    weights = resamples(len(data), _AP_RESAMPLES, job.seed)
    drawn = average_precision(data.labels, found, len(data), weights).mean(axis=1)
    ap = bootstrapped(coco_ap(data.labels, found, len(data))[0], drawn)
    bounds = {"ap": ap.value, "ap_low": max(ap.low, 0.0), "ap_high": ap.high}
    return ScoredNetwork(sha256=job.hashes[timed], **{name: round(value, _DIGITS) for name, value in bounds.items()})


def _about(job: ScaleJob, labels: Boxes, networks: dict[str, ScoredNetwork]) -> ScalesAbout:
    data = job.dataset
    return ScalesAbout(
        **measured_here(["onnxruntime", "onnx", "torch", "pillow", "numpy", "scipy"]),
        dataset=f"{data.folder.name}: {len(data)} images of COCO val2017",
        images=len(data),
        boxes={name: int((labels.category == number).sum()) for number, name in enumerate(OBJECTS)},
        objects={name: list(classes) for name, classes in OBJECTS.items()},
        parts=list(PARTS),
        thresholds=list(THRESHOLDS),
        condition_threshold=SHIFT_THRESHOLD,
        conditions={
            name: f"{CORRUPTIONS[name].means}: {_listed([CORRUPTIONS[name].strengths[severity - 1] for severity in COARSE])}"
            for name in SPOILT
        },
        seed=job.seed,
        resamples=RESAMPLES,
        intervals="95%, percentiles of a bootstrap by image; where all or none is found, exact as if an image were one trial",
        networks=networks,
        notes=_NOTES,
    )


def _listed(strengths: list[float]) -> str:
    return ", ".join(f"{strength:g}" for strength in strengths)


def _told_of_other_files(about: ScalesAbout, profiles: Iterable[Profile]) -> ScalesAbout:
    """With a note of the networks whose latency is that of another file, where there are any."""
    others = other_files(about, profiles)
    if not others:
        return about
    note = (
        f"the profiles of {', '.join(others)} were measured on files that the code no longer makes, with other hashes: measure "
        "these profiles anew before their latency and this recall are taken for those of one file"
    )
    return about.model_copy(update={"notes": [*about.notes, note]})


def write_scales(scales: Scales, out: Path) -> None:
    """Write the tables to a folder."""
    tables = {
        "scales.csv": scales.curves,
        "full_size.csv": scales.full_size,
        "conditions.csv": scales.conditions,
        "false.csv": scales.false,
    }
    for name, table in tables.items():
        with in_one_step(out / name) as part:
            rounded = table.round(dict.fromkeys(DRAW_COLUMNS, _DRAW_DIGITS)).round(_DIGITS)
            rounded.to_csv(part, index=False, float_format=_short, lineterminator="\n")
    yaml = YAML()
    yaml.width, yaml.default_flow_style = 120, False
    with in_one_step(out / "scales.yaml") as part:
        yaml.dump(scales.about.model_dump(), part)


def _short(value: Any) -> str:
    """Without the zero before the point, which tens of thousands of shares can spare."""
    text = f"{value:.6g}"
    return text[1:] if text.startswith("0.") else text
