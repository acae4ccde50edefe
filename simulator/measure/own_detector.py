"""Evaluation of a user's own detector on a folder of labelled images.

Average precision is computed by pycocotools, as published figures are.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pandas as pd
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from rich.table import Table

from simulator.evidence.detection_tables import CLEAN
from simulator.evidence.evidence_files import in_one_step
from simulator.intervals import Interval
from simulator.measure.detector_conditions import Setting, read_settings
from simulator.measure.detector_io import FITS, LEAST, Layout, Takes, boxes_of, layout_for, outputs_of, prepare
from simulator.measure.guarded import CannotMeasureError
from simulator.measure.image_steps import IMAGENET_MEAN, IMAGENET_STD
from simulator.measure.labelled_images import Dataset, read_dataset
from simulator.measure.onnx_file import ImageInput, find_image, plain, read_onnx
from simulator.measure.progress import OwnDetector
from simulator.measure.saturation import check_eight_bits
from simulator.metrics.detection_quality import (
    MOST,
    Boxes,
    RecallCurve,
    ScoredBoxes,
    average_precision,
    best_scores,
    bootstrapped,
    recall_by_height,
    resamples,
)
from simulator.phrases import phrase


def coco_ap(labels: Boxes, boxes: ScoredBoxes, images: int) -> tuple[float, float]:
    """Return AP (mean over overlaps of 0.5 to 0.95) and AP50 of boxes of all sizes, at most 100 an image and class."""
    if not len(boxes):
        return 0.0, 0.0
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {
            "images": [{"id": image} for image in range(images)],
            "categories": [{"id": int(category)} for category in np.unique(labels.category)],
            "annotations": [_annotation(labels, row) for row in range(len(labels))],
        }
        truth.createIndex()
        size = boxes.box[:, 2:] - boxes.box[:, :2]
        answers = truth.loadRes(np.column_stack([boxes.image, boxes.box[:, :2], size, boxes.score, boxes.category]))
        judged = COCOeval(truth, answers, "bbox")
        judged.params.areaRng, judged.params.areaRngLbl = [[0, 1e10]], ["all"]
        judged.params.maxDets = [MOST]
        judged.evaluate()
        judged.accumulate()
    precision = judged.eval["precision"][..., 0, 0]  # overlaps, recalls, classes
    return float(precision.mean()), float(precision[0].mean())


def _annotation(labels: Boxes, row: int) -> dict[str, Any]:
    left, top, right, bottom = map(float, labels.box[row])
    size = right - left, bottom - top
    annotation = {"id": row + 1, "image_id": int(labels.image[row]), "category_id": int(labels.category[row]), "iscrowd": 0}
    return annotation | {"bbox": [left, top, *size], "area": size[0] * size[1]}


#: Heights for recall, in pixels, and the least score of a detection there.
HEIGHTS = np.array([16.0, 32.0, 64.0, 128.0, 256.0])
SCORE = 0.3
_VALUES: dict[str, dict[str, Any]] = {
    "0-255": {"largest": 255.0, "mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)},
    "0-1": {"largest": 1.0, "mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)},
    "imagenet": {"largest": 1.0, "mean": IMAGENET_MEAN, "std": IMAGENET_STD},
}


@dataclass(frozen=True)
class Judged:
    """A detector under one setting: AP and AP50, their loss against clean images where those were judged too, and recall."""

    setting: Setting
    ap: Interval
    ap50: Interval
    recall: RecallCurve
    drawn: NDArray[np.float64]
    ap_less_clean: Interval | None = None


@dataclass(frozen=True)
class Judgement:
    """A detector under every requested setting."""

    file: Path
    data: Dataset
    judged: list[Judged] = field(default_factory=list)
    caution: str = ""
    found: dict[Setting, ScoredBoxes] = field(default_factory=dict)

    def tables(self) -> Iterator[Table]:
        """Yield the tables for a terminal."""
        title = f"{self.file.name}: {len(self.data)} images, {len(self.data.labels)} labelled boxes"
        quality = Table(
            "condition", "AP", "95% interval", "AP50", "95% interval", "AP minus clean", "95% interval", title=title, box=None
        )
        heights = Table(
            "condition",
            *(f"{height:g} px" for height in HEIGHTS),
            title=f"recall by box height, score {SCORE:g} or more",
            box=None,
        )
        for row in self.judged:
            spoken = [cell for interval in (row.ap, row.ap50, row.ap_less_clean) for cell in _interval_cells(interval)]
            quality.add_row(str(row.setting), *spoken)
            curve = row.recall
            bounds = zip(curve.recall, curve.low, curve.high, strict=True)
            heights.add_row(str(row.setting), *(f"{value:.0%} ({low:.0%} to {high:.0%})" for value, low, high in bounds))
        yield quality
        yield heights


def _interval_cells(interval: Interval | None) -> tuple[str, str]:
    return ("", "") if interval is None else (f"{interval.value:.3f}", f"{interval.low:.3f} to {interval.high:.3f}")


def judgement_json(judgement: Judgement) -> dict[str, Any]:
    """Return plain data for a program: parts of 1, heights in pixels of the image."""
    return {
        "model": judgement.file.name,
        "images": len(judgement.data),
        "boxes": len(judgement.data.labels),
        **({"caution": judgement.caution} if judgement.caution else {}),
        "conditions": [dict(_told(row)) for row in judgement.judged],
    }


def _told(row: Judged) -> Iterator[tuple[str, Any]]:
    yield from {"condition": row.setting.condition, "severity": row.setting.severity}.items()
    for name, interval in (("ap", row.ap), ("ap50", row.ap50), ("ap_less_clean", row.ap_less_clean)):
        if interval:
            yield name, interval.to_json()
    curve = row.recall
    columns = {"height_px": curve.height_px, "recall": curve.recall, "low": curve.low, "high": curve.high}
    yield "recall_by_height", {"score": SCORE} | {name: column.tolist() for name, column in columns.items()}


def judge_own(report: Callable[[float], None], own: OwnDetector) -> Judgement:
    """Judge the detector under every setting; `report` is called with the part that is done. Raises CannotMeasureError."""
    settings = read_settings(own.conditions)
    data = read_dataset(own.images)
    network = _network_of(own)
    weights = resamples(len(data), own.resamples, own.seed)
    judgement = Judgement(own.file, data, caution=_caution(network, data))
    for number, setting in enumerate(settings):
        answers = _scored_boxes(network, data, setting, own, partial(_report_part, report, number, len(settings)))
        judgement.found[setting] = answers
        judgement.judged.append(_judge(answers, data, setting, weights, judgement.judged))
    return judgement


#: Images that show whether 8-bit products saturate.
_CHECKED = 4


def _caution(network: _Network, data: Dataset) -> str:
    """Return a sentence where this processor changes the answers of an 8-bit file; empty elsewhere."""
    if not network.is_eight_bits:
        return ""
    few = range(min(_CHECKED, len(data)))
    tensors = [prepare(data.pixels(image), network.takes)[0].astype(network.dtype)[np.newaxis] for image in few]
    return check_eight_bits(network.file, tensors).sentence


def _report_part(report: Callable[[float], None], number: int, count: int, part: float) -> None:
    report((number + part) / count)


@dataclass(frozen=True)
class _Network:
    file: Path
    session: ort.InferenceSession
    layout: Layout
    takes: Takes
    dtype: str
    is_eight_bits: bool

    def outputs(self, tensor: NDArray[np.float32]) -> list[NDArray[Any]]:
        try:
            return outputs_of(self.session, tensor.astype(self.dtype))
        except Exception as error:  # ONNX Runtime's errors have no base class of their own
            raise CannotMeasureError(f"{self.file}: does not run on an image: {plain(str(error))}") from error

    def found(self, tensor: NDArray[np.float32]) -> NDArray[np.float32]:
        outputs = self.outputs(tensor)
        try:
            return boxes_of(self.layout, outputs, self.takes.side, LEAST)
        except (ValueError, IndexError) as error:
            shapes = [str(output.shape) for output in outputs]
            fault = phrase("detectors.outputs", file=str(self.file), shapes=shapes, layout=self.layout.words)
            raise CannotMeasureError(fault) from error


def _network_of(own: OwnDetector) -> _Network:
    file = read_onnx(own.file)
    session = file.open("cpu")
    image = find_image(own.file, session)
    side = _side(image, own)
    blank = _Network(own.file, session, layout_for([], side, "boxes"), Takes(side), image.dtype, file.is_eight_bits)
    shapes = [output.shape for output in blank.outputs(np.zeros((3, side, side), np.float32))]
    layout = layout_for(shapes, side, own.layout)
    return replace(blank, layout=layout, takes=_takes(layout, side, own))


def _side(image: ImageInput, own: OwnDetector) -> int:
    sides = image.axes[-2:]
    if not image.batched or image.axes[1] not in (3, None) or image.axes[0] not in (1, None) or len({*sides} - {None}) > 1:
        axes = ["?" if axis is None else str(axis) for axis in image.axes]
        raise CannotMeasureError(phrase("detectors.input", file=str(own.file), axes=axes))
    fixed = next((axis for axis in sides if axis), None)
    if fixed is None and own.size is None:
        raise CannotMeasureError(f"{own.file}: leaves the size of its input open; say which with --size, such as --size 640")
    if fixed and own.size not in (None, fixed):
        raise CannotMeasureError(phrase("detectors.size", size=own.size, file=str(own.file), fixed=fixed))
    return int(fixed or own.size or 0)


def _takes(layout: Layout, side: int, own: OwnDetector) -> Takes:
    fit = _one_of("fit", own.fit, list(FITS))
    values = _one_of("values", own.values, list(_VALUES))
    channels = _one_of("channels", own.channels, ["rgb", "bgr"])
    _one_of("class-ids", own.class_ids, ["place", "id"])
    changed: dict[str, Any] = {"side": side} | ({"fit": fit} if fit else {}) | (_VALUES[values] if values else {})
    changed |= {"bgr": channels == "bgr"} if channels else {}
    takes = replace(layout.takes, **changed)
    if values == "imagenet" and takes.bgr:
        return replace(takes, mean=takes.mean[::-1], std=takes.std[::-1])
    return takes


def _one_of(option: str, given: str | None, there: list[str]) -> str | None:
    if given is not None and given not in there:
        raise CannotMeasureError(f"--{option} {given}: expected one of {', '.join(there)}")
    return given


def _scored_boxes(
    network: _Network, data: Dataset, setting: Setting, own: OwnDetector, report: Callable[[float], None]
) -> ScoredBoxes:
    rows = []
    for image, file in enumerate(data.files):
        takes = setting.takes(network.takes, file.stem, own.seed)
        tensor, placed = prepare(setting.image(data.pixels(image), file.stem, own.seed), takes)
        boxes = network.found(tensor)
        rows.append(np.column_stack([np.full(len(boxes), image), placed.back(boxes[:, :4]), boxes[:, 4:]]))
        report((image + 1) / len(data))
    table = np.concatenate(rows)
    category = _categories(table[:, 6].astype(np.int64), data, own)
    return ScoredBoxes(table[:, 0].astype(np.int64), category, table[:, 1:5], table[:, 5])


def _categories(answered: NDArray[np.int64], data: Dataset, own: OwnDetector) -> NDArray[np.int64]:
    """Return the place of each answered class among the names of the data."""
    places = {number: place for place, number in enumerate(data.ids if own.class_ids == "id" else range(len(data.names)))}
    strange = [int(number) for number in np.unique(answered) if int(number) not in places]
    if strange:
        paths, numbers = {"file": str(own.file), "images": str(own.images)}, {"low": min(places), "high": max(places)}
        raise CannotMeasureError(phrase("detectors.classes", **paths, **numbers, answer=strange[0], classes=len(data.names)))
    return np.array([places[int(number)] for number in answered], np.int64)


def _judge(answers: ScoredBoxes, data: Dataset, setting: Setting, weights: NDArray[np.float64], before: list[Judged]) -> Judged:
    levels = average_precision(data.labels, answers, len(data), weights)
    drawn = np.stack([levels.mean(axis=1), levels[:, 0]], axis=1)
    ap, ap50 = (bootstrapped(value, drawn[:, place]) for place, value in enumerate(coco_ap(data.labels, answers, len(data))))
    clean = next((judged for judged in before if judged.setting.condition == CLEAN), None)
    less = bootstrapped(ap.value - clean.ap.value, drawn[:, 0] - clean.drawn[:, 0]) if clean else None
    heights = data.labels.box[:, 3] - data.labels.box[:, 1]
    hits = best_scores(data.labels, answers) >= SCORE
    recall = recall_by_height(heights, hits, data.labels.image, HEIGHTS, weights)
    return Judged(setting, ap, ap50, recall, drawn, less)


def write_boxes(judgement: Judgement, path: Path) -> None:
    """Write the detection of each labelled box, as CSV."""
    data, box = judgement.data, judgement.data.labels.box
    columns = {
        "image": [data.files[image].name for image in data.labels.image],
        "category": [data.names[category] for category in data.labels.category],
        "height_px": (box[:, 3] - box[:, 1]).round(2),
        "width_px": (box[:, 2] - box[:, 0]).round(2),
    }
    frames = [
        pd.DataFrame(columns | {"score": best_scores(data.labels, answers).round(4)}).assign(
            condition=setting.condition, severity=setting.severity
        )
        for setting, answers in judgement.found.items()
    ]
    with in_one_step(path) as part:
        pd.concat(frames).to_csv(part, index=False, lineterminator="\n")
