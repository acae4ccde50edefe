"""Recall and time of detectors with a smaller picture: `inputs.csv` of the detections, on still images.

An object of h pixels in the usual picture has h times the part in a smaller one. shift: the s for which objects of that height
are found with Phi(Phi^-1(r) + s), r by a curve; played: the curve of scales.csv; natural: that of objects that have their
height in the usual picture. times: the time of a run over that of the usual one on one core; d00 to d39 are bootstrap draws of
images.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator.evidence.detection_tables import DetectionError
from simulator.evidence.evidence_files import remembered
from simulator.evidence.evidence_tables import COUNT, SHARE, Range, Table, columns
from simulator.evidence.table_lookups import keeps_answers
from simulator.paths import DETECTIONS

Floats = NDArray[np.float64]

DRAWS = [f"d{number:02d}" for number in range(40)]
INPUTS = Table(
    "inputs.csv",
    columns("seen_by")
    | columns("part", SHARE)
    | columns("against usual_side side")
    | columns("operations", SHARE)
    | columns("times times_low times_high", Range(1e-6, 1e3))
    | columns("images boxes found_usual found", COUNT)
    | columns("expected")
    | columns(["shift", "shift_low", "shift_high", *DRAWS], Range(-20, 20)),
)


@remembered("inputs.csv")
def load_inputs(folder: Path = DETECTIONS) -> pd.DataFrame:
    """Read the table; raises DetectionError with the file, the line, the column and the fault."""
    return INPUTS.read(folder, DetectionError, "python -m campaigns.detections inputs")


@keeps_answers(lambda finder, part: (load_inputs(DETECTIONS),))
def input_shift_of(finder: str, part: float) -> Floats:
    """Return the shift of the recall with a part of the picture, shape (1 + draws,): the estimate, then the resamples.

    A detector that was not measured is taken to change as the others do against objects of natural height: their mean, and in
    each draw one of them.
    """
    rows = load_inputs(DETECTIONS)
    rows = rows[np.isclose(rows["part"], part)]
    if rows.empty:
        raise DetectionError(f"inputs.csv: no detector was measured with {part:g} of its picture")
    own = rows[rows["seen_by"].isin([finder, f"{finder.rpartition('.')[0]}.fp32"]) & (rows["against"] == "played")]
    if len(own):
        return np.append(own["shift"].iloc[0], own[DRAWS].to_numpy(float)[0])
    others = rows[rows["against"] == "natural"]
    drawn = others[DRAWS].to_numpy(float)
    return np.append(others["shift"].mean(), drawn[np.arange(len(DRAWS)) % len(drawn), np.arange(len(DRAWS))])
