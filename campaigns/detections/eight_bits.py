"""The detectors at 8 bits on the processor that this runs on, by recipe of the weights.

Where 8-bit products saturate, the same file answers otherwise. Another processor is measured by running the campaign on it, or
under an emulator that has its instructions, such as `qemu-x86_64 -cpu Haswell` (80 times slower, the same answers).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pandas as pd

from campaigns.detections.evaluate import Job
from campaigns.detections.networks import DETECTORS, Detector
from campaigns.detections.precisions import FP32, HALVES, network_file
from simulator.evidence.detection_tables import PROCESSORS
from simulator.evidence.evidence_files import in_one_step
from simulator.measure.detector_io import LEAST, boxes_of, outputs_of, prepare
from simulator.measure.onnx_runtime import quiet_session
from simulator.measure.own_detector import coco_ap
from simulator.measure.quantize import Weights
from simulator.measure.saturation import EXACT_SUMS, products_saturate
from simulator.metrics.detection_quality import ScoredBoxes

FILE = "processors.csv"


@dataclass(frozen=True)
class Way:
    """One way to run a detector: its precision, how its weights are stored, and whether sums are forced to be exact."""

    recipe: str
    precision: str = "int8_all"
    weights: Weights = "8 bits"
    exact: bool = False


WAYS = (
    Way("32-bit floats", FP32),
    Way("8-bit weights"),
    Way("7-bit weights", weights="7 bits"),
    Way("unsigned weights", weights="unsigned"),
    Way("8-bit weights, exact sums", exact=True),
    Way("8-bit weights, head in float", "int8_head_float"),
    Way("8-bit weights, depthwise in float", "int8_depthwise_float"),
    Way("7-bit weights, depthwise in float", "int8_depthwise_float", "7 bits"),
)


def judged_here(job: Job, tick: Callable[[], None] = lambda: None) -> pd.DataFrame:
    """Return AP and AP50 of each detector in each way, by the columns of PROCESSORS, on this processor."""
    rows, here = [], products_saturate()
    for detector in DETECTORS.values():
        for way in WAYS:
            ap, ap50 = coco_ap(job.dataset.labels, _found(job, detector, way), len(job.dataset))
            rows.append((detector.name, way.precision, way.recipe, here, round(ap, 4), round(ap50, 4)))
            tick()
    return pd.DataFrame(rows, columns=PROCESSORS.names)


def _found(job: Job, detector: Detector, way: Way) -> ScoredBoxes:
    networks = job.cache / "detections" / "networks"
    sessions = [
        _start(
            network_file(detector, way.precision, half, job.trained, networks, job.dataset, job.seed, way.weights), way.exact
        )
        for half in HALVES
    ]
    rows = []
    for image in range(len(job.dataset)):
        tensor, placed = prepare(job.dataset.pixels(image), detector.takes)
        outputs = outputs_of(sessions[job.halves[image]], tensor)
        found = boxes_of(detector.layout, outputs, detector.takes.side, LEAST)
        rows.append(np.column_stack([np.full(len(found), image), placed.back(found[:, :4]), found[:, 4:]]))
    table = np.concatenate(rows).astype(np.float32).astype(np.float64)  # as the detection tables keep them
    return ScoredBoxes(table[:, 0].astype(np.int64), table[:, 6].astype(np.int64), table[:, 1:5], table[:, 5])


def _start(file: Path, exact: bool) -> ort.InferenceSession:
    options = quiet_session()
    options.intra_op_num_threads = 1
    if exact:
        options.add_session_config_entry(EXACT_SUMS, "1")
    return ort.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def write_rows(rows: pd.DataFrame, folder: Path) -> None:
    """Write the rows in place of those of the same kind of processor, in one step."""
    path, here = folder / FILE, bool(rows["saturates"].iloc[0])
    held = pd.read_csv(path) if path.is_file() else pd.DataFrame(columns=PROCESSORS.names)
    others = held[held["saturates"] != here]
    with in_one_step(path) as part:
        pd.concat([one for one in (others, rows) if len(one)]).to_csv(part, index=False, lineterminator="\n")
