"""weather.csv: answers of a network where nothing is, on images under a condition, beside those on the clean images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from campaigns.detections.conditions import COARSE
from campaigns.detections.road import road_answers, road_labels
from campaigns.detections.scale_tables import RESAMPLES, touching
from campaigns.detections.scales import FULL, LOOKS, SPOILT_PRECISIONS, Look, ScaleJob
from campaigns.detections.timed import Timed
from simulator.evidence.detection_tables import THRESHOLD, WEATHER
from simulator.evidence.evidence_files import in_one_step
from simulator.evidence.evidence_tables import DRAW_COLUMNS
from simulator.metrics.detection_quality import Boxes, ScoredBoxes, resamples

Counts = NDArray[np.int64]


def table(job: ScaleJob) -> pd.DataFrame:
    """Return the rows of weather.csv; the looks must have been measured (`measure_looks`)."""
    labels = road_labels(job.dataset.labels, job.dataset.names)
    networks = [timed for timed in job.networks if timed.precision in SPOILT_PRECISIONS]
    rows = []
    for look in (one for one in LOOKS if not one.shrunk):
        spoilt, clean = job.found(look), job.found(FULL)
        for timed in networks:
            counts = (_phantoms(job, timed, labels, answers[timed]) for answers in (clean, spoilt))
            rows.append(_row(job, look, timed, *counts))
    return pd.DataFrame(rows)[WEATHER.names]


def write_weather(rows: pd.DataFrame, out: Path) -> None:
    """Write weather.csv to the folder `out` in one step."""
    with in_one_step(out / "weather.csv") as part:
        rows.to_csv(part, index=False, float_format="%.4g", lineterminator="\n")


def _phantoms(job: ScaleJob, timed: Timed, labels: Boxes, found: ScoredBoxes) -> Counts:
    """Count the answers of each image that touch none of the road's objects."""
    answers = road_answers(found, job.dataset.names, timed.detector.layout.overlap or 1)
    alone = (answers.score >= THRESHOLD) & ~touching(labels, answers)
    return np.bincount(answers.image[alone], minlength=len(job.dataset))


def _row(job: ScaleJob, look: Look, timed: Timed, clean: Counts, spoilt: Counts) -> dict[str, Any]:
    named = {"seen_by": timed.seen_by, "condition": look.setting.condition}
    return named | {"severity": COARSE.index(look.setting.severity) + 1} | times_of(clean, spoilt, job.seed)


def times_of(clean: Counts, spoilt: Counts, seed: int) -> dict[str, Any]:
    """Return how many times as many there are under a condition, by image, with interval and draws.

    Half an answer is added to both sums, so that a few images without one give no ratio of 0 or infinity.
    """
    drawn = resamples(len(clean), RESAMPLES, seed)
    ratios = (drawn @ spoilt + 0.5) / (drawn @ clean + 0.5)
    value = (spoilt.sum() + 0.5) / (clean.sum() + 0.5)
    low, high = np.quantile(ratios, [0.025, 0.975])
    figures = {"images": len(clean), "clean": int(clean.sum()), "spoilt": int(spoilt.sum()), "times": float(value)}
    bounds = {"times_low": min(float(low), value), "times_high": max(float(high), value)}
    return figures | bounds | dict(zip(DRAW_COLUMNS, ratios[: len(DRAW_COLUMNS)].tolist(), strict=True))
