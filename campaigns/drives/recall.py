"""The share of labelled objects that each detector finds: by height in the image, distance and occlusion."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from campaigns.drives.bands import OCCLUSIONS, Band, bands, everything
from campaigns.drives.hits import is_hit, of_kind
from campaigns.drives.resample import Resamples, share
from campaigns.drives.sensors import SENSORS, Sensor

_COUNTS = ["boxes", "tracks", "found", "found_low", "found_high"]
COLUMNS = ["seen_by", "object", "threshold", "by", "low", "high", *_COUNTS]


def table(seen: pd.DataFrame, resamples: Resamples) -> pd.DataFrame:
    """recall.csv: a row a sensor, kind of object, threshold of the score (empty without scores) and band.

    seen: `hits.looks`. Occlusions are told with their level as both bounds; their rows count largely hidden objects as well.
    """
    placed = resamples.placed(seen)
    rows = [row for sensor in SENSORS.values() for row in _of_sensor(placed, sensor, resamples)]
    return pd.DataFrame(rows, columns=COLUMNS)


def _of_sensor(seen: pd.DataFrame, sensor: Sensor, resamples: Resamples) -> Iterator[dict[str, object]]:
    for kind in sensor.labels:
        bands = list(_bands(seen, sensor, kind))
        for threshold in sensor.thresholds or (None,):
            for band in bands:
                yield {"seen_by": sensor.name, "object": kind, "threshold": threshold} | _row(
                    band, sensor, threshold, resamples
                )


def _bands(seen: pd.DataFrame, sensor: Sensor, kind: str) -> Iterator[Band]:
    clear = of_kind(seen, sensor, kind)
    yield from everything(clear)
    for by in ("height_px", "distance_m"):
        yield from bands(clear, by)
    whole = seen[seen["truncation"].eq(0) & seen["label"].isin(sensor.labels[kind])]
    for level in OCCLUSIONS:
        if len(hidden := whole[whole["occlusion"].eq(level)]):
            yield Band("occlusion", level, level, hidden)


def _row(band: Band, sensor: Sensor, threshold: float | None, resamples: Resamples) -> dict[str, object]:
    found = share(resamples, band.rows, is_hit(band.rows, sensor.name, threshold))
    return {
        "by": band.by,
        "low": band.low,
        "high": band.high,
        "boxes": len(band.rows),
        "tracks": len(np.unique(resamples.of(band.rows))),
        "found": found.value,
        "found_low": found.low,
        "found_high": found.high,
    }
