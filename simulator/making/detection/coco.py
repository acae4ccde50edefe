"""Average precision by pycocotools, which is what published figures are made with."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from simulator.metrics.detection_quality import MOST, Boxes, ScoredBoxes


def coco_ap(labels: Boxes, found: ScoredBoxes, images: int) -> tuple[float, float]:
    """AP (mean over overlaps of 0.5 to 0.95) and AP50 of boxes of all sizes, at most 100 detections an image and class."""
    if not len(found):
        return 0.0, 0.0
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {
            "images": [{"id": image} for image in range(images)],
            "categories": [{"id": int(category)} for category in np.unique(labels.category)],
            "annotations": [_annotation(labels, row) for row in range(len(labels))],
        }
        truth.createIndex()
        answers = truth.loadRes(_rows(found))
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
    told = {"id": row + 1, "image_id": int(labels.image[row]), "category_id": int(labels.category[row]), "iscrowd": 0}
    return told | {"bbox": [left, top, *size], "area": size[0] * size[1]}


def _rows(found: ScoredBoxes) -> NDArray[np.float64]:
    """Image, left, top, width, height, score, category; (n, 7)."""
    size = found.box[:, 2:] - found.box[:, :2]
    return np.column_stack([found.image, found.box[:, :2], size, found.score, found.category])
