"""inputs.csv: recall and time of the trained detectors with a smaller picture, beside those with the usual one.

A convolutional network runs on any square whose side its strides divide; only shapes in its file are written down. So the
picture is drawn at a part of its usual size on the smallest such square, and the networks keep their weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pandas as pd
from numpy.typing import NDArray
from onnx import numpy_helper

from campaigns.detections.by_height import CLASSES_PX, NODES_PX, Looked, height_class, recall_curve
from campaigns.detections.networks import DETECTORS, Detector, start
from campaigns.detections.road import OBJECTS, road_answers, road_labels
from campaigns.detections.scale_tables import RESAMPLES, SHIFT_THRESHOLD
from campaigns.detections.scales import heights_px
from simulator.evidence.detection_tables import INPUTS, load_scales, shifted
from simulator.evidence.evidence_files import in_one_step
from simulator.evidence.evidence_tables import DRAW_COLUMNS
from simulator.intervals import LEVEL
from simulator.measure.detector_io import LEAST, Layout, Takes, boxes_of, decode_fastestdet, outputs_of, prepare
from simulator.measure.labelled_images import Dataset
from simulator.metrics.detection_quality import Boxes, ScoredBoxes, best_scores, resamples

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: Shares found by height in the usual picture, and their change, paired by object.
BY_HEIGHT = [
    *("seen_by", "part", "low_px", "high_px", "boxes", "found_usual", "found"),
    *("change", "change_low", "change_high"),
]
AGAINST = ("played", "natural")
#: Parts of the usual picture that are measured.
PARTS = (0.75, 0.5)
#: The strides of the networks; the coarsest divides the side of their square.
STRIDES = (4, 8, 16, 32)
#: Pairs of runs that are timed, the first of which warm up.
ROUNDS, WARM = 400, 20
_TAIL = (1 - LEVEL) / 2
_BOUNDS = (_TAIL, 1 - _TAIL)


def side_for(side: int, part: float) -> int:
    """Return the side of the smallest square that holds a part of the usual one and that the strides divide."""
    return STRIDES[-1] * int(np.ceil(side * part / STRIDES[-1]))


def takes_part(takes: Takes, part: float) -> Takes:
    """Return the input of a network that is shown a part of the usual picture."""
    side = side_for(takes.side, part)
    return replace(takes, side=side, part=takes.side * part / side)


def resized(source: Path, usual: int, side: int) -> onnx.ModelProto:
    """Return the network of a file for a square of another side; its weights stay, and shapes with sides are rewritten."""
    model = onnx.load(source)
    for place in (2, 3):
        model.graph.input[0].type.tensor_type.shape.dim[place].dim_value = side
    del model.graph.value_info[:]
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")
    shapes = {node.input[-1] for node in model.graph.node if node.op_type in ("Reshape", "Resize")}
    for tensor in [*model.graph.initializer, *_constants(model.graph)]:
        if tensor.name in shapes:
            _rewrite(tensor, usual, side)
    return model


def _constants(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    """Yield the tensors of constant nodes, by the name of the node's output."""
    for node in graph.node:
        if node.op_type == "Constant":
            node.attribute[0].t.name = node.output[0]
            yield node.attribute[0].t


def _rewrite(tensor: onnx.TensorProto, usual: int, side: int) -> None:
    """Rewrite a shape whose last values are the rows and columns of a feature map, or their product."""
    values = numpy_helper.to_array(tensor).copy()
    sides = {usual // stride: side // stride for stride in STRIDES}
    areas = {before**2: after**2 for before, after in sides.items()}
    if values.dtype.kind != "i" or len(values) < 3:
        return
    if values[-1] == values[-2] and values[-1] in sides:
        values[-2:] = sides[values[-1]]
    elif values[-1] in areas:
        values[-1] = areas[values[-1]]
    tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))


@dataclass(frozen=True)
class Runs:
    """A detector with the usual picture and with parts of it, and the labelled images that it is shown."""

    data: Dataset
    detector: Detector
    file: Path
    seed: int

    def session(self, part: float) -> ort.InferenceSession:
        """Return the network for a part of the picture."""
        if part == 1:
            return start(self.file)
        side = side_for(self.detector.takes.side, part)
        options = ort.SessionOptions()
        options.log_severity_level, options.intra_op_num_threads = 4, 1
        made = resized(self.file, self.detector.takes.side, side).SerializeToString()
        return ort.InferenceSession(made, options, providers=["CPUExecutionProvider"])

    @property
    def layout(self) -> Layout:
        """Return its layout; FastestDet's sizes are parts of the square that it learnt from, whatever it is shown."""
        usual = self.detector.layout
        if usual.decode is not decode_fastestdet:
            return usual
        return replace(usual, decode=partial(decode_fastestdet, learnt_side=self.detector.takes.side))

    def takes(self, part: float) -> Takes:
        return self.detector.takes if part == 1 else takes_part(self.detector.takes, part)

    def found(self, part: float, tick: Callable[[], None]) -> ScoredBoxes:
        """Return its answers about the road's objects, by image."""
        session, takes, layout, rows = self.session(part), self.takes(part), self.layout, []
        for image in range(len(self.data)):
            tensor, placed = prepare(self.data.pixels(image), takes)
            boxes = boxes_of(layout, outputs_of(session, tensor), takes.side, LEAST)
            boxes[:, :4] = placed.back(boxes[:, :4])
            rows.append(np.hstack([np.full((len(boxes), 1), image), boxes]).astype(np.float64))
            tick()
        all_rows = np.concatenate(rows)
        scored = ScoredBoxes(all_rows[:, 0].astype(int), all_rows[:, 6].astype(int), all_rows[:, 1:5], all_rows[:, 5])
        return road_answers(scored, self.data.names, self.detector.layout.overlap or 1)

    def ratios(self, part: float) -> Floats:
        """Return the time of a run with a part of the picture over that of the usual one run beside it, (rounds,)."""
        sessions = [(self.session(one), self.takes(one).side) for one in (1, part)]
        given = [
            (session, {session.get_inputs()[0].name: np.zeros((1, 3, side, side), np.float32)}) for session, side in sessions
        ]
        rounds = [[_seconds(session, one) for session, one in given] for _ in range(ROUNDS)][WARM:]
        usual, smaller = np.array(rounds).T
        return np.asarray(smaller / usual)


def _seconds(session: ort.InferenceSession, given: dict[str, NDArray[np.float32]]) -> float:
    begun = perf_counter()
    session.run(None, given)
    return perf_counter() - begun


@dataclass(frozen=True)
class Judged:
    """The labelled boxes of the road's objects, and whether each was found with the usual picture and with a part of it.

    height_px: in pixels of the network's usual square
    """

    labels: Boxes
    height_px: Floats
    usual: Bools
    smaller: Bools
    part: float
    images: int
    seed: int

    def weights(self) -> Floats:
        """Return the weight of each box, first of the images as they are, then of each resample; (1 + RESAMPLES, boxes)."""
        drawn = resamples(self.images, RESAMPLES, self.seed)
        return np.concatenate([np.ones((1, self.images)), drawn])[:, self.labels.image]

    def expected(self, seen_by: str, against: str) -> Floats:
        """Return the recall that heights times the part promise, (1 + RESAMPLES or 1, boxes).

        played: by the curve of the tables; natural: by a curve of objects that have their height in the usual picture.
        """
        recall = np.zeros((1 if against == "played" else 1 + RESAMPLES, len(self.height_px)))
        for number, name in enumerate(OBJECTS):
            mine = self.labels.category == number
            recall[:, mine] = self._curve(seen_by, against, number, name)(self.height_px[mine] * self.part)
        return recall

    def _curve(self, seen_by: str, against: str, number: int, name: str) -> Callable[[Floats], Floats]:
        if against == "played":
            rows = load_scales().curve(seen_by, name, SHIFT_THRESHOLD)
            nodes, shares = rows["x"].to_numpy(float), rows["recall"].to_numpy(float)[None]
        else:
            mine = self.labels.category == number
            looked = Looked(self.height_px[mine], self.usual[mine], self.labels.image[mine])
            curve = recall_curve(looked, RESAMPLES, self.seed)
            nodes, shares = NODES_PX, np.concatenate([curve.value[None], curve.drawn])
        return lambda x: np.stack([np.interp(np.log(x), np.log(nodes), share) for share in shares])


def shift_of(expected: Floats, found: Bools, weights: Floats) -> Floats:
    """Return the s at which the recalls Phi(Phi^-1(r) + s) add up to the boxes found, for each row of weights."""
    recall = np.clip(np.broadcast_to(expected, weights.shape), 0.01, 0.99)
    wanted = weights @ found
    low, high = np.full(len(weights), -4.0), np.full(len(weights), 4.0)
    for _ in range(30):
        middle = (low + high) / 2
        over = (weights * shifted(recall, middle[:, None])).sum(axis=1) > wanted
        high, low = np.where(over, middle, high), np.where(over, low, middle)
    return np.asarray((low + high) / 2)


def _bounded(name: str, drawn: Floats) -> dict[str, float]:
    low, high = np.quantile(drawn[1:], _BOUNDS)
    return {name: float(drawn[0]), f"{name}_low": min(float(low), drawn[0]), f"{name}_high": max(float(high), drawn[0])}


def rows_of(judged: Judged, runs: Runs, ratios: Floats) -> Iterator[dict[str, Any]]:
    """Yield the rows of inputs.csv of one detector and part."""
    usual, side = runs.detector.takes.side, side_for(runs.detector.takes.side, judged.part)
    rng = np.random.default_rng(judged.seed)
    medians = np.median(rng.choice(ratios, (RESAMPLES, len(ratios))), axis=1)
    times = _bounded("times", np.append(np.median(ratios), medians))
    weights, boxes = judged.weights(), len(judged.labels)
    for against in AGAINST:
        expected = judged.expected(f"coco.{runs.detector.name}.fp32", against)
        shift = shift_of(expected, judged.smaller, weights)
        named = {"seen_by": f"coco.{runs.detector.name}.fp32", "part": judged.part, "against": against}
        shape = {"usual_side": usual, "side": side, "operations": (side / usual) ** 2}
        counts = {"boxes": boxes, "found_usual": int(judged.usual.sum()), "found": int(judged.smaller.sum())}
        counted = {"images": judged.images} | counts | {"expected": float(expected[0].sum())}
        draws = dict(zip(DRAW_COLUMNS, shift[1 : 1 + len(DRAW_COLUMNS)].tolist(), strict=True))
        yield named | shape | times | counted | _bounded("shift", shift) | draws


def heights_of(judged: Judged, seen_by: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of input_heights.csv: the change of the share found, paired by object, by height in the usual square."""
    ends, weights = [0.0, *CLASSES_PX, float("inf")], judged.weights()
    change = judged.smaller.astype(float) - judged.usual
    place = height_class(judged.height_px)
    for number, (low, high) in enumerate(pairwise(ends)):
        mine = place == number
        if not mine.any():
            continue
        with np.errstate(invalid="ignore"):
            drawn = (weights[:, mine] @ change[mine]) / weights[:, mine].sum(axis=1)
        counts = {"boxes": int(mine.sum()), "found_usual": judged.usual[mine].mean(), "found": judged.smaller[mine].mean()}
        named = {"seen_by": seen_by, "part": judged.part, "low_px": low, "high_px": high if np.isfinite(high) else 416.0}
        yield named | counts | _bounded("change", np.append(drawn[0], drawn[1:][np.isfinite(drawn[1:])]))


def tables(data: Dataset, trained: Path, seed: int, tick: Callable[[], None]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return inputs.csv and input_heights.csv, with a tick an image and run."""
    labels = road_labels(data.labels, data.names)
    wanted = [place for place, name in enumerate(data.names) if any(name in classes for classes in OBJECTS.values())]
    rows: list[dict[str, Any]] = []
    heights: list[dict[str, Any]] = []
    for detector in DETECTORS.values():
        runs = Runs(data, detector, detector.path(trained), seed)
        height = heights_px(data, detector.takes)[np.isin(data.labels.category, wanted)]
        seen = {part: best_scores(labels, runs.found(part, tick)) >= SHIFT_THRESHOLD for part in (1.0, *PARTS)}
        for part in PARTS:
            judged = Judged(labels, height, seen[1.0], seen[part], part, len(data), seed)
            rows += rows_of(judged, runs, runs.ratios(part))
            heights += heights_of(judged, f"coco.{detector.name}.fp32")
    return pd.DataFrame(rows)[INPUTS.names], pd.DataFrame(heights)[BY_HEIGHT]


def write_inputs(made: tuple[pd.DataFrame, pd.DataFrame], out: Path) -> None:
    """Write both tables to the folder `out`, each in one step."""
    for name, table in zip(("inputs.csv", "input_heights.csv"), made, strict=True):
        with in_one_step(out / name) as part:
            table.to_csv(part, index=False, float_format="%.4g", lineterminator="\n")
