"""False answers under a condition: `weather.csv` of the detections, on still images.

times: the answers that touch none of the road's objects, on the spoilt images over those on the clean ones; d00 to d39 are
bootstrap draws of images.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator.evidence.detection_tables import DetectionError
from simulator.evidence.evidence_files import remembered
from simulator.evidence.evidence_tables import COUNT, Range, Table, columns
from simulator.evidence.table_lookups import keeps_answers
from simulator.intervals import Interval
from simulator.paths import DETECTIONS

Floats = NDArray[np.float64]

#: The score from which an answer counts.
THRESHOLD = 0.25
DRAWS = [f"d{number:02d}" for number in range(40)]
WEATHER = Table(
    "weather.csv",
    columns("seen_by condition severity")
    | columns("images clean spoilt", COUNT)
    | columns(["times", "times_low", "times_high", *DRAWS], Range(0, 1e6)),
)


@remembered("weather.csv")
def load_weather(folder: Path = DETECTIONS) -> pd.DataFrame:
    """Read the table; raises DetectionError with the file, the line, the column and the fault."""
    return WEATHER.read(folder, DetectionError, "python -m campaigns.detections scales")


@keeps_answers(lambda finder, condition, severity: (load_weather(DETECTIONS),))
def times_of(finder: str, condition: str, severity: int) -> Interval:
    """Return how many times as many false answers a detector gives under a condition.

    A detector of which nothing was measured is taken to change as the others do: the geometric mean, and the widest of all.
    """
    rows = load_weather(DETECTIONS)
    rows = rows[(rows["condition"] == condition) & (rows["severity"] == severity)]
    if rows.empty:
        raise DetectionError(f"weather.csv: false answers were not counted under '{condition}' at severity {severity}")
    own = rows[rows["seen_by"].isin([finder, f"{finder.rpartition('.')[0]}.fp32"])]
    used = own if len(own) else rows
    value = float(np.exp(np.log(used["times"]).mean()))
    return Interval(value, float(used["times_low"].min()), float(used["times_high"].max()))
