"""Origin of detection tables, and additions to existing tables."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from campaigns.detections.conditions import STALE, WORLD, strength_of
from campaigns.detections.evaluate import Job
from campaigns.detections.networks import DETECTORS, OLDEST
from campaigns.detections.precisions import WORDS
from simulator.evidence.detection_tables import CLEAN, FP32, About, ConditionRecord, DetectionTables, DetectorRecord
from simulator.measure.detector_conditions import BUGS, CORRUPTIONS, Setting
from simulator.measure.guarded import CannotMeasureError
from simulator.measure.machine import provenance

RESAMPLES = 300
ATTRIBUTION = (
    "annotations CC BY 4.0 (COCO Consortium); the photos are under Flickr licences of their own and are not included here"
)
#: AP of the trained files on these 128 images that others found in preparation, at 512 pixels.
_REFERENCE = {"yolox_nano": 0.337, "fastestdet": 0.183, "nanodet_m": 0.230}
_REFERENCE_IMAGES = 128
#: How far AP on clean images may be from that of the tables that are added to: processors differ in the last digits.
_SAME_AP = 0.002
#: What tells rows of one network under one setting from others.
_KEYS = ["detector", "precision", "condition", "severity"]


def measured_here(libraries: list[str]) -> dict[str, Any]:
    """Return the origin that every table states: date, processor, system, libraries, and the owners of the photos."""
    made = provenance(libraries, "", "")
    today = datetime.now(UTC).date().isoformat()
    where = {"processor": made.processor, "system": made.system, "libraries": made.libraries}
    return {"date": today, **where, "attribution": ATTRIBUTION}


def about_job(job: Job, settings: list[Setting]) -> About:
    """Return who measured these settings on what."""
    data = job.dataset
    return About(
        **measured_here(["onnxruntime", "onnx", "pycocotools", "pillow", "numpy", "scipy"]),
        cores=provenance([], "", "").cores,
        dataset=f"{data.folder.name}: {len(data)} images with {len(data.labels)} labelled boxes of {len(data.names)} classes",
        images=len(data),
        boxes=len(data.labels),
        seed=job.seed,
        resamples=RESAMPLES,
        intervals="95%, percentiles of a bootstrap by image about the figure; differences are paired by resample",
        calibration=(
            f"two halves of {int((job.halves == 0).sum())} and {int((job.halves == 1).sum())} images by a hash of their names; "
            "networks calibrated on one half are measured on the other"
        ),
        detectors={name: _detector_record(name, job) for name in DETECTORS},
        precisions=dict(WORDS),
        conditions=_condition_records(settings),
        notes=[
            "corruptions are simulated; crowd flags of the labels are not kept, so that AP is a little lower than COCO's",
            "NanoDet-m is given images stretched to its square, which comes closest to its reference figure; in their own "
            "proportions it does better, as the condition stretch shows",
            f"stale_model does not apply to {DETECTORS[OLDEST].label} itself",
            "the strength of a bug is the share of the images that it strikes; at 8 bits it is measured where it strikes all, "
            "and a corruption at the severities 1, 3 and 5",
        ],
    )


def _condition_records(settings: list[Setting]) -> dict[str, ConditionRecord]:
    strengths: dict[str, dict[int, float]] = {}
    for setting in settings:
        strengths.setdefault(setting.condition, {})[setting.severity] = strength_of(setting)
    return {name: _condition_record(name, mine) for name, mine in strengths.items() if name != CLEAN}


def _condition_record(name: str, strengths: dict[int, float]) -> ConditionRecord:
    if name in CORRUPTIONS:
        corruption = CORRUPTIONS[name]
        return ConditionRecord(
            label=corruption.label, kind="corruption", means=corruption.means, strengths=strengths, coco_c=corruption.coco_c
        )
    if name in WORLD:
        return ConditionRecord(label=WORLD[name].label, kind="world", means=WORLD[name].means, strengths=strengths)
    if name == STALE:
        oldest = DETECTORS[OLDEST].label
        words = f"a roll-out that never reached the server: {oldest}, the oldest detector, answers in place of the others"
        return ConditionRecord(label="Stale model", kind="bug", means=words, strengths=strengths)
    return ConditionRecord(label=BUGS[name].label, kind="bug", means=BUGS[name].means, strengths=strengths)


def _detector_record(name: str, job: Job) -> DetectorRecord:
    detector = DETECTORS[name]
    takes = detector.takes
    words = f"{takes.side} x {takes.side}, {takes.fit}, {'BGR' if takes.bgr else 'RGB'}, 0 to {takes.largest:g}"
    return DetectorRecord(
        label=detector.label,
        file=detector.file,
        sha256=hashlib.sha256(detector.path(job.trained).read_bytes()).hexdigest(),
        licence=detector.licence,
        takes=words,
        reference_ap=_REFERENCE[name] if len(job.dataset) == _REFERENCE_IMAGES else None,
    )


def extended(held: DetectionTables, frames: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return the tables that are held, and after their rows those that they lack.

    Raises CannotMeasureError where the new ones tell of other boxes, or of another AP on clean images.
    """
    _check_same(held, frames)
    together = {"boxes": held.boxes}
    for name in ("outcomes", "images", "answers", "summary"):
        keys = [column for column in _KEYS if column in DetectionTables.tables()[name].columns]
        old: pd.DataFrame = getattr(held, name)
        new = frames[name]
        there = pd.MultiIndex.from_frame(_plain(old, keys)[keys].drop_duplicates())
        lacking = new[~pd.MultiIndex.from_frame(_plain(new, keys)[keys]).isin(there)]
        together[name] = pd.concat([_plain(old, keys), _plain(lacking, keys)], ignore_index=True)
    return together


def _plain(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """With keys that can be compared: names as text instead of categories."""
    texts = [column for column in (*keys, "image") if column in rows and column != "severity"]
    return rows.astype(dict.fromkeys(texts, "object"))


def _check_same(held: DetectionTables, frames: dict[str, pd.DataFrame]) -> None:
    ours = frames["boxes"]
    if len(held.boxes) != len(ours) or (held.boxes["image"].astype(str) != ours["image"].astype(str)).any():
        raise CannotMeasureError("the tables that are added to tell of other boxes; measure all settings anew")
    clean = [rows[(rows["condition"] == CLEAN) & (rows["precision"] == FP32)] for rows in (held.summary, frames["summary"])]
    before, now = ({str(name): float(ap) for name, ap in zip(rows["detector"], rows["ap"], strict=True)} for rows in clean)
    for detector, ap in now.items():
        if abs(ap - before.get(detector, ap)) > _SAME_AP:
            raise CannotMeasureError(
                f"{detector}: the tables that are added to say an AP of {before[detector]:.4f} on clean images, and it is "
                f"{ap:.4f} here; measure all settings anew"
            )


def extended_about(held: About, added: About) -> About:
    """Return the origin of both: the held tables, and a note of the additions with date and machine."""
    conditions = dict(held.conditions)
    lines = []
    for name, condition in added.conditions.items():
        before = held.conditions[name].strengths if name in held.conditions else {}
        new = sorted(set(condition.strengths) - set(before))
        if new:
            lines.append(f"{name} {', '.join(map(str, new))}")
        conditions[name] = condition.model_copy(update={"strengths": dict(sorted((before | condition.strengths).items()))})
    note = f"measured on {added.date} at fp32 on {added.processor}, by severity: {'; '.join(lines)}"
    notes = [*dict.fromkeys([*held.notes, *added.notes]), *([note] if lines else [])]
    return held.model_copy(update={"conditions": conditions, "notes": notes})
