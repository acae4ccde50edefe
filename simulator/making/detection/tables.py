"""From what was seen and answered to the tables that `simulator.evidence.detections` reads."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from ruamel.yaml import YAML

from simulator.analysis.detections.quality import (
    OVERLAPS,
    Ints,
    ScoredBoxes,
    average_precision,
    best_scores,
    bootstrapped,
    resamples,
    taken,
)
from simulator.evidence.detections import CLEAN, COLUMNS, FP32, About, ConditionTold, DetectorTold
from simulator.evidence.files import in_one_step
from simulator.making.detection import signals
from simulator.making.detection.coco import coco_ap
from simulator.making.detection.conditions import BUGS, SETTINGS, STALE, Setting
from simulator.making.detection.corruptions import CORRUPTIONS
from simulator.making.detection.datasets import Dataset
from simulator.making.detection.evaluate import NETWORKS, Job, Part, read_part
from simulator.making.detection.networks import DETECTORS, OLDEST
from simulator.making.detection.precisions import WORDS
from simulator.making.zoo.machine import provenance

RESAMPLES = 300
ATTRIBUTION = (
    "annotations CC BY 4.0 (COCO Consortium); the photos are under Flickr licences of their own and are not included here"
)
_DIGITS = 4
#: AP of the trained files on these 128 images that others found in preparation, at 512 pixels.
_REFERENCE = {"yolox_nano": 0.337, "fastestdet": 0.183, "nanodet_m": 0.230}
_REFERENCE_IMAGES = 128


@dataclass(frozen=True)
class _Judged:
    """AP and AP50 of one network under one setting, and the same in each resample (resamples, 2)."""

    value: tuple[float, float]
    drawn: NDArray[np.float64]


def make_tables(job: Job, out: Path, tick: Callable[[], None]) -> None:
    """Judge every part and write all tables to the folder `out`; one tick per setting."""
    data = job.dataset
    outcomes, images, answers = [], [], []
    judged: dict[tuple[str, str, Setting], _Judged] = {}
    for setting in SETTINGS:
        part = read_part(job.part(setting))
        images.append(_setting_columns(setting, part.images))
        judged |= {(*network, setting): one for network, one in zip(NETWORKS, judge(job, setting), strict=True)}
        for detector, precision in NETWORKS:
            found, network = part.found(detector, precision), {"detector": detector, "precision": precision}
            [takes] = taken(data.labels, found, OVERLAPS[:1])
            outcomes.append(_setting_columns(setting, _outcomes(data, found, takes)).assign(**network))
            signs = _answers(len(data), found, takes).merge(part.inputs_of(detector), on="image")
            answers.append(_setting_columns(setting, signs).assign(**network))
        tick()
    stale = Setting(STALE, 1)
    images.append(images[0].assign(condition=stale.condition, severity=stale.severity))
    for detector, precision in NETWORKS:
        if detector != OLDEST:
            judged[detector, precision, stale] = judged[OLDEST, precision, SETTINGS[0]]
            for rows in (outcomes, answers):
                rows.append(_in_its_place(rows, detector, precision, stale))
    frames = {
        "boxes": _boxes(data),
        "outcomes": pd.concat(outcomes, ignore_index=True),
        "images": _named(pd.concat(images, ignore_index=True), data),
        "answers": _named(pd.concat(answers, ignore_index=True), data),
        "summary": pd.DataFrame(_summary(judged)),
    }
    _write(frames, _about(job), out)


def _setting_columns(setting: Setting, rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(condition=setting.condition, severity=setting.severity)


def judge(job: Job, setting: Setting) -> list[_Judged]:
    """Each network under one setting, in the order of `NETWORKS`; kept beside its part, so that it is judged once."""
    path = job.part(setting).with_suffix(f".judged-{RESAMPLES}.npz")
    if not path.is_file():
        found = list(map(partial(_judge, job, read_part(job.part(setting))), NETWORKS))
        with in_one_step(path) as unfinished, unfinished.open("wb") as stream:
            np.savez_compressed(stream, value=[one.value for one in found], drawn=np.stack([one.drawn for one in found]))
    with np.load(path) as held:
        pairs = zip(held["value"].tolist(), held["drawn"], strict=True)
        return [_Judged((ap, ap50), drawn) for (ap, ap50), drawn in pairs]


def _judge(job: Job, part: Part, network: tuple[str, str]) -> _Judged:
    labels, found, images = job.dataset.labels, part.found(*network), len(job.dataset)
    drawn = average_precision(labels, found, images, resamples(images, RESAMPLES, job.seed))
    return _Judged(coco_ap(labels, found, images), np.stack([drawn.mean(axis=1), drawn[:, 0]], axis=1))


def _outcomes(data: Dataset, found: ScoredBoxes, takes: Ints) -> pd.DataFrame:
    scores = best_scores(data.labels, found, takes)
    return pd.DataFrame({"box": np.arange(len(scores)), "score": np.round(scores, 3)})


def _answers(images: int, found: ScoredBoxes, takes: Ints) -> pd.DataFrame:
    of_images = [found.image == image for image in range(images)]
    told = [signals.of_scores(found.score[mine], takes[mine] < 0) for mine in of_images]
    return pd.DataFrame(told).assign(image=np.arange(images))


def _in_its_place(frames: list[pd.DataFrame], detector: str, precision: str, setting: Setting) -> pd.DataFrame:
    """The clean rows of the oldest detector, told as those of another."""
    clean = next(
        rows
        for rows in frames
        if (rows["detector"].iloc[0], rows["precision"].iloc[0], rows["condition"].iloc[0]) == (OLDEST, precision, CLEAN)
    )
    return _setting_columns(setting, clean).assign(detector=detector)


def _boxes(data: Dataset) -> pd.DataFrame:
    box = data.labels.box
    width, height = box[:, 2] - box[:, 0], box[:, 3] - box[:, 1]
    columns = {
        "box": np.arange(len(box)),
        "image": data.labels.image,
        "category": np.array(data.names)[data.labels.category],
        "left_px": box[:, 0].round(2),
        "top_px": box[:, 1].round(2),
        "width_px": width.round(2),
        "height_px": height.round(2),
        "area_px": (width * height).round(1),
    }
    return _named(pd.DataFrame(columns), data)


def _named(rows: pd.DataFrame, data: Dataset) -> pd.DataFrame:
    """Images by the names of their files."""
    return rows.assign(image=np.array([file.stem for file in data.files])[rows["image"].astype(int)])


def _summary(judged: dict[tuple[str, str, Setting], _Judged]) -> Iterator[dict[str, Any]]:
    """Each figure with its interval, and what it is less than on clean images and at fp32, paired by resample."""
    for (detector, precision, setting), found in judged.items():
        row: dict[str, Any] = {"detector": detector, "precision": precision}
        row |= {"condition": setting.condition, "severity": setting.severity}
        nothing = _Judged((0.0, 0.0), np.zeros_like(found.drawn))
        others = {
            "": nothing,
            "_less_clean": judged[detector, precision, SETTINGS[0]],
            "_less_fp32": judged[detector, FP32, setting],
        }
        for suffix, other in others.items():
            for place, name in enumerate(("ap", "ap50")):
                told = bootstrapped(found.value[place] - other.value[place], found.drawn[:, place] - other.drawn[:, place])
                row |= {f"{name}{suffix}": told.value, f"{name}{suffix}_low": told.low, f"{name}{suffix}_high": told.high}
        yield row


def _write(frames: dict[str, pd.DataFrame], about: About, out: Path) -> None:
    for name, frame in frames.items():
        rows = _compact(frame[COLUMNS[name]])
        ending = "csv" if name == "summary" else "parquet"
        with in_one_step(out / f"{name}.{ending}") as part:
            if ending == "csv":
                rows.to_csv(part, index=False, float_format=f"%.{_DIGITS}f", lineterminator="\n")
            else:
                rows.to_parquet(part, index=False, compression="zstd", compression_level=19)
    yaml = YAML()
    yaml.width, yaml.default_flow_style = 120, False
    with in_one_step(out / "about.yaml") as part:
        yaml.dump(about.model_dump(), part)


def _compact(rows: pd.DataFrame) -> pd.DataFrame:
    """The narrowest types that hold the values: measured numbers to four significant digits, counts in a byte or two."""
    columns: dict[Any, Any] = {}
    for name in rows:
        column = rows[name]
        if pd.api.types.is_integer_dtype(column):
            columns[name] = pd.to_numeric(column, downcast="unsigned")
        elif pd.api.types.is_float_dtype(column):
            columns[name] = _significant(column.to_numpy()) if name != "score" else column.astype(np.float32)
        else:
            columns[name] = column.astype("category")
    return pd.DataFrame(columns)


def _significant(values: NDArray[np.floating]) -> NDArray[np.float32]:
    size = np.where(values == 0, 1, np.abs(values))
    scale = 10.0 ** (_DIGITS - 1 - np.floor(np.log10(size)))
    return (np.round(values * scale) / scale).astype(np.float32)


def _about(job: Job) -> About:
    data, made = job.dataset, provenance(["onnxruntime", "onnx", "pycocotools", "pillow", "numpy", "scipy"], "", "")
    conditions = {
        name: ConditionTold(
            label=corruption.label,
            kind="corruption",
            means=corruption.means,
            strengths=list(corruption.strengths),
            coco_c=corruption.coco_c,
        )
        for name, corruption in CORRUPTIONS.items()
    }
    conditions |= {name: ConditionTold(label=bug.label, kind="bug", means=bug.means) for name, bug in BUGS.items()}
    label = DETECTORS[OLDEST].label
    told = f"a roll-out that never reached the server: {label}, the oldest detector, answers in place of the others"
    conditions[STALE] = ConditionTold(label="Stale model", kind="bug", means=told)
    return About(
        date=datetime.now(UTC).date().isoformat(),
        processor=made.processor,
        cores=made.cores,
        system=made.system,
        libraries=made.libraries,
        dataset=f"{data.folder.name}: {len(data)} images with {len(data.labels)} labelled boxes of {len(data.names)} classes",
        attribution=ATTRIBUTION,
        images=len(data),
        boxes=len(data.labels),
        seed=job.seed,
        resamples=RESAMPLES,
        intervals="95%, percentiles of a bootstrap by image about the figure; differences are paired by resample",
        calibration=(
            f"two halves of {int((job.halves == 0).sum())} and {int((job.halves == 1).sum())} images by a hash of their names; "
            "networks calibrated on one half are measured on the other"
        ),
        detectors={name: _detector_told(name, job) for name in DETECTORS},
        precisions=dict(WORDS),
        conditions=conditions,
        notes=[
            "corruptions are simulated; crowd flags of the labels are not kept, so that AP is a little lower than COCO's",
            "NanoDet-m is given images stretched to its square, which comes closest to its reference figure; in their own "
            "proportions it does better, as the condition stretch shows",
            f"stale_model does not apply to {label} itself",
        ],
    )


def _detector_told(name: str, job: Job) -> DetectorTold:
    detector = DETECTORS[name]
    takes = detector.takes
    words = f"{takes.side} x {takes.side}, {takes.fit}, {'BGR' if takes.bgr else 'RGB'}, 0 to {takes.largest:g}"
    return DetectorTold(
        label=detector.label,
        file=detector.file,
        sha256=hashlib.sha256(detector.path(job.trained).read_bytes()).hexdigest(),
        licence=detector.licence,
        takes=words,
        reference_ap=_REFERENCE[name] if len(job.dataset) == _REFERENCE_IMAGES else None,
    )
